"""The conversation with a reference controller: one command in flight, retries, deadlines as data.

Pure: bytes and times in, bytes and outcomes out. A retry carries the same sequence number, and the
device answers a repeated number without acting twice. Venting does not wait in this queue: the
vent byte goes straight to the wire, and `clear` makes sure that nothing queued follows it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

ANSWER_S: Final = 0.05
"""An answer takes 3 to 5 ms at 115200 baud (measured on the firmware in simulation)."""
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: acknowledged (``answer`` is an Ack or an identity), refused, or silent."""

    name: str
    arguments: tuple[int, ...]
    tag: int | None
    planned_s: float | None
    sent_s: float
    ended_s: float
    answer: cuff1.Ack | cuff1.Nak | cuff1.DeviceIdentity | None


@dataclass(slots=True)
class _Pending:
    name: str
    arguments: tuple[int, ...]
    tag: int | None
    planned_s: float | None
    sequence: int = 0
    first_sent_s: float = 0.0
    last_sent_s: float = 0.0
    sendings: int = 0


Unasked = cuff1.Status | cuff1.DeviceEvent | cuff1.Corrupt


class Dialogue:
    """One host's side of CUFF/1."""

    def __init__(self) -> None:
        self._decoder = cuff1.ReplyDecoder()
        self._queue: deque[_Pending] = deque()
        self._in_flight: _Pending | None = None
        self._sequence = 0
        self._heartbeat = 0

    def submit(
        self, name: str, *arguments: int, tag: int | None = None, planned_s: float | None = None
    ) -> None:
        """Queue a command. Its numbers are checked now, not when its turn comes.

        Raises
        ------
        CodecError
            If it is not a legal command.
        """
        cuff1.encode_command(0, name, *arguments)
        self._queue.append(_Pending(name, arguments, tag, planned_s))

    def clear(self) -> None:
        """Forget what waits and what is in flight: nothing may follow a vent by itself."""
        self._queue.clear()
        self._in_flight = None

    def heartbeat(self) -> bytes:
        """Return the next heartbeat: a count that changes, so that an echo is no heartbeat."""
        self._heartbeat = (self._heartbeat + 1) % 256
        return cuff1.encode_command(0, "HB", self._heartbeat)

    def outgoing(self, now_s: float) -> tuple[bytes, Outcome | None]:
        """Return the bytes that are due now, and the outcome of a command that got no answer."""
        silent = None
        pending = self._in_flight
        if pending is not None and now_s - pending.last_sent_s >= ANSWER_S:
            if pending.sendings >= TRIES:
                silent = self._outcome(pending, now_s, None)
                self._in_flight = pending = None
            else:
                return self._send(pending, now_s), None
        if pending is None and self._queue:
            pending = self._in_flight = self._queue.popleft()
            self._sequence = self._sequence % 255 + 1
            pending.sequence, pending.first_sent_s = self._sequence, now_s
            return self._send(pending, now_s), silent
        return b"", silent

    def receive(self, data: bytes, now_s: float) -> Iterator[Unasked | Outcome]:
        """Yield what the device's bytes say, in order."""
        self._decoder.receive(data)
        for reply in self._decoder.replies():
            match reply:
                case cuff1.Ack() | cuff1.Nak() | cuff1.DeviceIdentity():
                    pending = self._in_flight
                    # sequence 0 is the device's answer to a frame it could not read: the retry comes
                    if pending is not None and reply.sequence == pending.sequence:
                        self._in_flight = None
                        yield self._outcome(pending, now_s, reply)
                case _:
                    yield reply

    def next_due_s(self) -> float | None:
        """Return when `outgoing` has something to do; ``None`` while there is nothing."""
        if self._in_flight is not None:
            return self._in_flight.last_sent_s + ANSWER_S
        return 0.0 if self._queue else None

    @property
    def idle(self) -> bool:
        """Return whether no command waits or is in flight."""
        return self._in_flight is None and not self._queue

    @staticmethod
    def _send(pending: _Pending, now_s: float) -> bytes:
        pending.last_sent_s = now_s
        pending.sendings += 1
        return cuff1.encode_command(pending.sequence, pending.name, *pending.arguments)

    @staticmethod
    def _outcome(
        pending: _Pending,
        now_s: float,
        answer: cuff1.Ack | cuff1.Nak | cuff1.DeviceIdentity | None,
    ) -> Outcome:
        return Outcome(
            pending.name,
            pending.arguments,
            pending.tag,
            pending.planned_s,
            pending.first_sent_s,
            now_s,
            answer,
        )


def refusal_text(outcome: Outcome) -> str:
    """Return why a command was not taken, in words."""
    if isinstance(outcome.answer, cuff1.Nak):
        reason = table.NAK_REASONS.get(outcome.answer.reason, f"reason {outcome.answer.reason}")
        state = table.STATES[outcome.answer.state]
        return f"the cuff refused {outcome.name}: {reason} (it is {state})"
    return f"the cuff did not answer {outcome.name} in {TRIES} tries of {ANSWER_S * 1000:.0f} ms"
