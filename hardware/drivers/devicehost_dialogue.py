"""The conversation with DeviceHost: one request in flight but for a stop, answers taken in order.

Pure: bytes and times in, bytes and outcomes out. An answer carries no number, so what it answers is
told by order and by shape. How DeviceHost takes a request that arrives while it is at another one is
not documented. So nothing overlaps but a stop, which never waits: the worst that can happen is that
it is lost, and it is repeated until it has its answer.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import devicehost
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Answer,
    Corrupt,
    Done,
    HostRequest,
    Rating,
    Refused,
    Request,
    Response,
    Signals,
    State,
    Who,
)

ANSWER_S: Final = 0.6
"""DeviceHost waits for the device beneath it, whose own answers may take 0.5 s before it gives up."""
STOP_AGAIN_S: Final = 0.1
STOP_TRIES: Final = 5
STOP: Final = Request("STOP")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended; ``answer`` is ``None`` after silence, ``sent_s`` if it was never sent."""

    request: HostRequest
    sent_s: float | None
    ended_s: float
    answer: Answer | None


@dataclass(slots=True)
class _Pending:
    request: HostRequest
    sent_s: float
    again_s: float
    given_up: bool = False


class DeviceHostDialogue:
    """One host's side of the language.

    Parameters
    ----------
    device_port
        The port that DeviceHost opens for us: ``COM8``.
    """

    def __init__(self, device_port: str) -> None:
        self._port = device_port
        self._decoder = devicehost.ResponseDecoder()
        self._flying: deque[_Pending] = deque()
        self._waiting: tuple[HostRequest, float | None] | None = None
        self._stops = 0

    def submit(self, request: HostRequest, *, expires_s: float | None = None) -> None:
        """Take a request to be sent when the wire is free, never after ``expires_s``. One may wait.

        Raises
        ------
        CodecError
            If it is not a legal request.
        """
        devicehost.encode_request(request, self._port)
        self._waiting = (request, expires_s)

    def stop(self, now_s: float) -> bytes:
        """Return a stop to be written now. What waited is forgotten: nothing may follow by itself."""
        self._waiting = None
        self._stops = 1
        return self._send(STOP, now_s)

    def outgoing(self, now_s: float) -> tuple[bytes, list[Outcome]]:
        """Return the bytes that are due now, and the outcomes of requests without an answer."""
        ended: list[Outcome] = []
        for pending in self._flying:
            if not pending.given_up and now_s - pending.sent_s >= ANSWER_S:
                pending.given_up = True
                ended.append(Outcome(pending.request, pending.sent_s, now_s, None))
        while self._flying and now_s - self._flying[0].sent_s >= 2 * ANSWER_S:
            self._flying.popleft()  # no answer will come any more
        stop = self._last_stop()
        if stop is not None and now_s >= stop.again_s and self._stops < STOP_TRIES:
            self._stops += 1
            return self._send(STOP, now_s), ended
        if self._waiting is None:
            return b"", ended
        request, expires_s = self._waiting
        if expires_s is not None and not now_s <= expires_s:
            self._waiting = None
            return b"", [*ended, Outcome(request, None, now_s, None)]
        if self._flying:
            return b"", ended
        self._waiting = None
        return self._send(request, now_s), ended

    def receive(self, data: bytes, now_s: float) -> Iterator[Outcome | Response]:
        """Yield what the bytes say: outcomes of requests, and whatever nobody waits for."""
        for response in self._decoder.receive(data):
            if isinstance(response, Corrupt):
                yield response
            elif isinstance(response, Signals) and not response.complete:
                yield response  # more of the same packet follows
            else:
                yield self._answered(response, now_s)

    def _answered(self, answer: Answer, now_s: float) -> Outcome | Response:
        """Match an answer to the oldest request that it fits; requests before that were swallowed."""
        for position, pending in enumerate(self._flying):
            if _fits(answer, pending.request):
                for _ in range(position + 1):
                    self._flying.popleft()
                if pending.given_up:
                    return answer
                return Outcome(pending.request, pending.sent_s, now_s, answer)
        return answer

    def next_due_s(self) -> float | None:
        """Return when `outgoing` has something to do; ``None`` while there is nothing."""
        due: list[float] = []
        if self._flying:
            waits = [p.sent_s + ANSWER_S for p in self._flying if not p.given_up]
            due += [*waits, self._flying[0].sent_s + 2 * ANSWER_S]
        stop = self._last_stop()
        if stop is not None and self._stops < STOP_TRIES:
            due.append(stop.again_s)
        if self._waiting is not None:
            expires_s = self._waiting[1]
            due.append(0.0 if not self._flying else due[0] if expires_s is None else expires_s)
        return min(due) if due else None

    @property
    def ready(self) -> bool:
        """Return whether a request submitted now would go out at once."""
        return not self._flying and self._waiting is None

    @property
    def stopping(self) -> bool:
        """Return whether a stop waits for its answer."""
        return self._last_stop() is not None

    def _last_stop(self) -> _Pending | None:
        return next((p for p in reversed(self._flying) if p.request == STOP), None)

    def _send(self, request: HostRequest, now_s: float) -> bytes:
        self._flying.append(_Pending(request, now_s, now_s + STOP_AGAIN_S))
        return devicehost.encode_request(request, self._port)


def _fits(answer: Answer, request: HostRequest) -> bool:
    name = request.command if isinstance(request, Request) else ""
    match answer:
        case Refused():
            return True
        case Done():
            return name not in ("PING", "STATE", "SIGNALS", "RATING")
        case Who():
            return name == "PING"
        case State():
            return name == "STATE"
        case Rating():
            return name == "RATING"
        case Signals():
            return name == "SIGNALS"


def refusal_text(outcome: Outcome) -> str:
    """Return why a request was not taken, in words."""
    match outcome.answer:
        case Refused(table.FAILED):
            return "the CPAR+ did not answer DeviceHost, or refused (DeviceHost's log says which)"
        case Refused(error):
            return f"DeviceHost refused: {error}"
        case _ if outcome.sent_s is None:
            return "DeviceHost was busy until it was too late; nothing was sent"
        case None:
            return f"DeviceHost did not answer within {outcome.ended_s - outcome.sent_s:.1f} s"
    return f"DeviceHost answered something else: {type(outcome.answer).__name__}"
