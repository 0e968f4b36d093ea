"""The conversation with a CPAR: one request in flight, no retries but of stop, late answers dropped.

Pure: bytes and times in, bytes and outcomes out. An answer carries no number, only its request's
code, and a negative answer not even that. So after a silence the wire is left alone until what may
still come has come, and only a stop goes out meanwhile: it never waits.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Answer,
    Corrupt,
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    ForeignStatus,
    HostRequest,
    Negative,
    OtherMessage,
    ProgramLoaded,
    Request,
    SetProgram,
    Start,
    Status,
)
from hardware.codec.cpar_table import CommandMap, Verb

ANSWER_S: Final = 0.5
"""The vendor's own reply time-out."""
QUIET_S: Final = 0.5
"""How long nothing is asked after a silence, so that a late answer is nobody's."""
STOP_AGAIN_S: Final = 0.1
STOP_TRIES: Final = 5
"""A stop is repeated five times, 100 ms apart (assumed; an answer takes some 5 ms at 38400 baud)."""
STOP: Final = Request(Verb.STOP)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended; ``answer`` is ``None`` after silence, ``sent_s`` if it was never sent."""

    request: HostRequest
    tag: int | None
    planned_s: float | None
    sent_s: float | None
    ended_s: float
    answer: Answer | None


@dataclass(slots=True)
class _Pending:
    request: HostRequest
    tag: int | None = None
    planned_s: float | None = None
    expires_s: float | None = None
    first_sent_s: float = 0.0
    last_sent_s: float = 0.0
    sendings: int = 0
    ambiguous: bool = False
    """Whether a negative answer may be that of a request which this stop overtook."""


@dataclass(frozen=True, slots=True)
class Stray:
    """An answer that nobody waits for: late, or of a request that was given up."""

    answer: Answer


Unasked = Status | ForeignStatus | DeviceEvent | OtherMessage | Corrupt


class CparDialogue:
    """One host's side of the CPAR's language.

    Parameters
    ----------
    command_map
        The map that the device was found to speak. There is no dialogue before that is known.
    """

    def __init__(self, command_map: CommandMap) -> None:
        self._map = command_map
        self._decoder = cpar.ReplyDecoder(command_map)
        self._queue: deque[_Pending] = deque()
        self._in_flight: _Pending | None = None
        self._quiet_until_s: float | None = None

    def submit(
        self,
        request: HostRequest,
        *,
        tag: int | None = None,
        planned_s: float | None = None,
        expires_s: float | None = None,
    ) -> None:
        """Queue a request, never to be sent after ``expires_s``. Its numbers are checked now.

        Raises
        ------
        CodecError
            If it is not a legal request.
        """
        cpar.encode_request(request, self._map)
        self._queue.append(_Pending(request, tag, planned_s, expires_s))

    def clear(self) -> None:
        """Forget what waits: nothing may follow a stop by itself."""
        self._queue.clear()

    def stop(
        self, now_s: float, *, tag: int | None = None, planned_s: float | None = None
    ) -> bytes:
        """Return a stop to be written now: it overtakes everything, and what waited is forgotten."""
        overtaken = self._in_flight
        self.clear()
        self._in_flight = pending = _Pending(STOP, tag, planned_s)
        pending.ambiguous = self._is_quiet(now_s) or (
            overtaken is not None and (overtaken.request != STOP or overtaken.ambiguous)
        )
        pending.first_sent_s = now_s
        return self._send(pending, now_s)

    def outgoing(self, now_s: float) -> tuple[bytes, Outcome | None]:
        """Return the bytes that are due now, and the outcome of a request without an answer."""
        pending = self._in_flight
        if pending is not None:
            return self._waiting(pending, now_s)
        if not self._queue:
            return b"", None
        first = self._queue[0]
        if first.expires_s is not None and not now_s <= first.expires_s:
            self._queue.popleft()
            return b"", self._outcome(first, now_s, None)
        if not self._is_quiet(now_s):
            pending = self._in_flight = self._queue.popleft()
            pending.first_sent_s = now_s
            return self._send(pending, now_s), None
        return b"", None

    def _waiting(self, pending: _Pending, now_s: float) -> tuple[bytes, Outcome | None]:
        stop = pending.request == STOP
        if now_s - pending.last_sent_s < (STOP_AGAIN_S if stop else ANSWER_S):
            return b"", None
        if stop and pending.sendings < STOP_TRIES:
            return self._send(pending, now_s), None
        self._in_flight = None
        self._quiet_until_s = now_s + QUIET_S
        return b"", self._outcome(pending, now_s, None)

    def receive(self, data: bytes, now_s: float) -> Iterator[Unasked | Outcome | Stray]:
        """Yield what the device's bytes say, in order."""
        for reply in self._decoder.receive(data):
            match reply:
                case Negative() | Done() | Counter() | ProgramLoaded() | DeviceIdentity():
                    yield self._answered(reply, now_s)
                case _:
                    yield reply

    def _answered(self, answer: Answer, now_s: float) -> Outcome | Stray:
        pending = self._in_flight
        if pending is None or not _fits(answer, pending.request):
            return Stray(answer)
        if pending.ambiguous and isinstance(answer, Negative):
            pending.ambiguous = False
            return Stray(answer)
        self._in_flight = None
        if pending.sendings > 1 or pending.ambiguous:
            self._quiet_until_s = now_s + QUIET_S  # the answers to the others may still come
        return self._outcome(pending, now_s, answer)

    def next_due_s(self) -> float | None:
        """Return when `outgoing` has something to do; ``None`` while there is nothing."""
        pending = self._in_flight
        if pending is not None:
            return pending.last_sent_s + (STOP_AGAIN_S if pending.request == STOP else ANSWER_S)
        if not self._queue:
            return None
        due_s = self._quiet_until_s or 0.0
        expires_s = self._queue[0].expires_s
        return due_s if expires_s is None else min(due_s, expires_s)

    @property
    def command_map(self) -> CommandMap:
        """Return the map that is spoken."""
        return self._map

    def ready(self, now_s: float) -> bool:
        """Return whether a request submitted now would go out at once."""
        return self._in_flight is None and not self._queue and not self._is_quiet(now_s)

    def _is_quiet(self, now_s: float) -> bool:
        if self._quiet_until_s is not None and now_s >= self._quiet_until_s:
            self._quiet_until_s = None
        return self._quiet_until_s is not None

    def _send(self, pending: _Pending, now_s: float) -> bytes:
        pending.last_sent_s = now_s
        pending.sendings += 1
        encoded = cpar.encode_request(pending.request, self._map)
        # a stop has to be understood also behind a frame that lost its end
        return cpar.RESYNCHRONISE + encoded if pending.request == STOP else encoded

    @staticmethod
    def _outcome(pending: _Pending, now_s: float, answer: Answer | None) -> Outcome:
        sent_s = pending.first_sent_s if pending.sendings else None
        return Outcome(pending.request, pending.tag, pending.planned_s, sent_s, now_s, answer)


def _fits(answer: Answer, request: HostRequest) -> bool:
    match answer:
        case Negative():
            return True
        case Done(verb):
            asked = Verb.START if isinstance(request, Start) else getattr(request, "verb", None)
            return verb is asked
        case ProgramLoaded():
            return isinstance(request, SetProgram)
        case Counter():
            return request == Request(Verb.KICK)
        case DeviceIdentity():
            return request == Request(Verb.IDENTIFY)


def refusal_text(outcome: Outcome) -> str:
    """Return why a request was not taken, in words."""
    match outcome.answer:
        case Negative(error):
            return f"the CPAR refused: error {error} ({table.ERRORS.get(error, 'not known')})"
        case _ if outcome.sent_s is None:
            return "the wire was not free in time; nothing was sent"
    return f"the CPAR did not answer within {outcome.ended_s - outcome.sent_s:.1f} s"
