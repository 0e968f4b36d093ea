"""The driver of an Alicat dual-valve pressure controller: ASCII over a serial wire, poll and answer.

The device has neither a finite program nor a watchdog: when this program dies it goes on holding the
pressure. An independent normally-open dump valve with its own timer is part of such a rig.

One command is in flight at a time, because the manual calls a command that begins before the last
answer has ended undefined. Only an exhaust may break that rule: it goes out at once, the worst that
the overlap can do is to lose it, and it is repeated until the device shows ``EXH``. A set-point is
sent and read back while the exhaust is open, so that a damaged one moves no air; only then does a
second command close the exhaust.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from hardware.clock import Clock
from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.cuff import Capabilities
from hardware.drivers.alicat_identity import who_is_there
from hardware.errors import HardwareUnavailable
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    Identity,
    LinkNote,
    Program,
    Refusal,
    Sample,
)
from hardware.states import CuffState, StopReason
from hardware.transport import Transport
from hardware.units import device_steps

POLL_S: Final = 0.05
ANSWER_S: Final = 0.2
"""An answer has ended about 30 ms after its command began (19200 baud, arithmetic)."""
EXHAUST_AGAIN_S: Final = 0.1
"""An exhaust that is not shown by then is sent again: it may have been lost in an overlap."""
TRIES: Final = 3
EMPTY_MMHG: Final = 15.0
AT_TARGET_MMHG: Final = 5.0
TWICE: Final = 2
"""There is no checksum: what one line alone says against all others is noise."""

Name = Literal["poll", "exhaust", "setpoint", "cancel"]


@dataclass(frozen=True, slots=True)
class _Step:
    """One command, and the verb of the supervisor that it belongs to."""

    name: Name
    verb: str
    steps: int = 0
    program: int | None = None
    planned_s: float | None = None
    sent_s: float = 0.0
    last_sent_s: float = 0.0
    sendings: int = 0

    @property
    def due_s(self) -> float:
        """Return when the next answer is overdue."""
        return self.last_sent_s + (EXHAUST_AGAIN_S if self.name == "exhaust" else ANSWER_S)


_POLL: Final = _Step("poll", "poll")


@dataclass(slots=True)
class _Suspicions:
    """How many lines in a row have contradicted what was last acknowledged."""

    counts: dict[str, int] = field(default_factory=dict)

    def twice(self, code: str, *, wrong: bool) -> bool:
        """Return whether this is the second line in a row, once."""
        self.counts[code] = self.counts.get(code, 0) + 1 if wrong else 0
        return self.counts[code] == TWICE


class AlicatCuff:
    """An Alicat PCD or EPCD over a transport.

    Parameters
    ----------
    transport
        The wire, open.
    clock
        The clock that stamps what arrives.
    unit_id
        The device's letter on the bus.
    pressure_unit
        ``mmHg``, ``kPa`` or ``psi``: what the device is configured to. It is compared, never changed.

    Raises
    ------
    HardwareUnavailable
        If there is no such unit id or pressure unit.
    """

    capabilities = Capabilities(
        measures_pressure=True,
        finite_programs=False,
        own_watchdog=False,
        samples_hz=1 / POLL_S,
        fastest_fall_s=0.2,  # assumed: nobody has timed a cuff on one
        channels=1,
    )

    def __init__(
        self, transport: Transport, clock: Clock, *, unit_id: str = "A", pressure_unit: str = "mmHg"
    ) -> None:
        self._wire, self._clock, self._unit_id = transport, clock, unit_id
        if unit_id not in tuple(table.UNIT_IDS) or pressure_unit not in table.MMHG_PER:
            raise HardwareUnavailable(
                f"there is no unit id {unit_id!r}, or no pressure unit {pressure_unit!r}",
                where=transport.name,
                do=f"use A to Z, and one of {', '.join(table.MMHG_PER)}",
            )
        self._unit = pressure_unit
        self._decoder = alicat.ReplyDecoder(unit_id)
        self._frame: alicat.FrameFormat | None = None
        self._queue: deque[_Step] = deque()
        self._flying: _Step | None = None
        self._found: list[CuffReport] = []
        self._next_poll_s = 0.0
        self._most_mmhg = self._ceiling_mmhg = 0.0
        self._armed = False
        # what the device last acknowledged; None while that is open
        self._exhausting: bool | None = None
        self._setpoint: int | None = None
        self._flags: tuple[str, ...] = ()
        self._suspicions = _Suspicions()
        self._counter = 0
        self._first_s: float | None = None

    def identify(self) -> Identity:
        """Open the exhaust, then return who is there.

        Raises
        ------
        HardwareUnavailable
            If nothing answers, or what answers does not fit: see `who_is_there`.
        LinkLost
            If the wire goes away meanwhile.
        """
        identity, frame = who_is_there(self._wire, self._clock, self._decoder, self._unit)
        self._frame, self._exhausting = frame, True
        self._most_mmhg = identity.ceiling_mmhg
        return identity

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Open the exhaust and set the set-point to zero, both read back. Nothing is closed yet."""
        self._armed = False
        self._ceiling_mmhg = min(ceiling_mmhg, self._most_mmhg)
        self._queue += (_Step("exhaust", "arm"), _Step("setpoint", "arm"))

    def prepare(self, program: Program) -> None:
        """Nothing to do: a set-point that waits in the device is one keypress away from pressure."""

    def inflate(self, program: Program) -> None:
        """Set the set-point behind the open exhaust, compare it, then close the exhaust.

        Nothing ends this on the device: `end` or `vent` must come.
        """
        target_mmhg, frame = program.target_mmhg, self._frame
        fits = 0.0 < target_mmhg <= self._ceiling_mmhg  # NaN fails this, as it must
        steps = device_steps(target_mmhg, step_mmhg=frame.step_mmhg) if frame and fits else 0
        step = _Step("setpoint", "go", steps, program.number, program.onset_s)
        if steps <= 0 or not self._armed:
            why = (
                f"{target_mmhg:g} mmHg is out of range" if self._armed else "the cuff is not armed"
            )
            self._found += self._lost(step, why, self._clock.now_s())
        else:
            self._queue += (step, replace(step, name="cancel"))

    def end(self, program: Program) -> None:
        """Open the exhaust, then set the set-point to zero; stay armed."""
        self._drop("go")
        exhaust = _Step("exhaust", "end", 0, program.number, program.offset_s)
        self._queue += (exhaust, _Step("setpoint", "zero"))

    def vent(self) -> None:
        """Open the exhaust at once, then set the set-point to zero; nothing else is left to be sent.

        An answer that is still due does not hold it up: waiting may take `ANSWER_S`, and what the overlap
        can do is lose this exhaust, which is repeated after `EXHAUST_AGAIN_S` until ``EXH`` is seen. Only
        when the device has shown that already, the repetition waits its turn.
        """
        self._armed = False
        self._queue.clear()
        self._queue.append(_Step("setpoint", "vent"))
        flying, now_s = self._flying, self._clock.now_s()
        exhaust = _Step("exhaust", "vent")
        if flying is not None and flying.name == "exhaust" and now_s < flying.due_s:
            self._flying = replace(flying, verb="vent")
        elif flying is not None and self._exhausting:
            self._flying = replace(flying, verb="poll")  # nobody waits for its outcome any more
            self._queue.appendleft(exhaust)
        else:
            self._send(exhaust, now_s)

    def heartbeat(self) -> None:
        """Nothing: the device understands no heartbeat and does not miss it (``own_watchdog``)."""

    def poll(self) -> Iterator[CuffReport]:
        """Yield what has arrived, and send the next command when the last one has its answer.

        Raises
        ------
        LinkLost
            If the wire went away.
        """
        data = self._wire.read(wait_s=0.0)
        now_s = self._clock.now_s()
        for reply in self._decoder.receive(data) if data else ():
            yield from self._take(reply, now_s)
        found, self._found = self._found, []
        yield from found
        yield from self._send_due(now_s)

    def next_due_s(self) -> float | None:
        """Return when an answer is overdue, or when the next poll is due."""
        if self._flying is not None:
            return self._flying.due_s
        return 0.0 if self._queue or self._found else self._next_poll_s

    def close(self) -> None:
        """Release the wire. The device goes on doing what it does."""
        self._wire.close()

    def _send(self, step: _Step, now_s: float) -> None:
        first_s = step.sent_s if step.sendings else now_s
        self._flying = replace(step, sent_s=first_s, last_sent_s=now_s, sendings=step.sendings + 1)
        match step.name:
            case "setpoint":
                self._setpoint = None
                decimals = self._frame.decimals if self._frame else 0
                command = alicat.encode_setpoint(self._unit_id, step.steps, decimals=decimals)
            case "poll":
                self._next_poll_s = now_s + POLL_S
                command = alicat.encode_command(self._unit_id)
            case _:
                self._exhausting = None
                name = table.EXHAUST if step.name == "exhaust" else table.CANCEL
                command = alicat.encode_command(self._unit_id, name)
        self._wire.write(command)

    def _send_due(self, now_s: float) -> list[CuffReport]:
        found: list[CuffReport] = []
        step = self._flying
        if step is not None:
            if now_s < step.due_s:
                return found
            if step.name == "exhaust" and (step.verb == "vent" or step.sendings < TRIES):
                self._send(step, now_s)
                return found
            self._flying = None
            found = self._lost(step, "no answer that shows it", now_s)
        if self._queue:
            self._send(self._queue.popleft(), now_s)
        elif now_s >= self._next_poll_s:
            self._send(_POLL, now_s)
        return found

    def _drop(self, verb: str) -> None:
        self._queue = deque(step for step in self._queue if step.verb != verb)

    def _lost(self, step: _Step, why: str, now_s: float) -> list[CuffReport]:
        """Return what to say of a command that was not taken; what belongs to it is not sent."""
        self._drop(step.verb)
        message = f"{step.name}: {why}"
        if step.verb in ("arm", "go", "end"):
            return [Refusal(command=step.verb, program=step.program, time_s=now_s, message=message)]
        return [LinkNote(time_s=now_s, code="no_answer", message=message)]

    def _take(self, reply: alicat.Reply, now_s: float) -> list[CuffReport]:
        """Return all reports of one line; by then nothing is left to do, so a vent may come between."""
        if isinstance(reply, alicat.DataLine):
            found = [*self._judge(reply, now_s), self._sample(reply, now_s)]
            return found + self._answer(reply, now_s)
        if isinstance(reply, alicat.Corrupt):
            raw = reply.raw.decode("ascii", "backslashreplace")
            note = LinkNote(time_s=now_s, code="corrupt_frame", message="damaged bytes", raw=raw)
        else:
            note = LinkNote(time_s=now_s, code="device_event", message=f"unexpected: {reply}")
        step = self._flying
        if step is None or step.name == "exhaust":  # an exhaust is repeated, whatever came
            return [note]
        self._flying = None
        if step.name == "poll":  # the next poll is the retry
            return [note]
        return [note, *self._lost(step, "its answer cannot be read", now_s)]

    def _sample(self, line: alicat.DataLine, now_s: float) -> Sample:
        """Return the line as a sample; the device has neither counter nor clock, so they are ours."""
        first_s = self._first_s = now_s if self._first_s is None else self._first_s
        self._counter += 1
        measured_mmhg, commanded_mmhg = (
            self._mmhg(line.pressure_steps),
            self._mmhg(line.setpoint_steps),
        )
        if table.EXHAUST_FLAG in line.flags and table.HOLD_FLAG not in line.flags:
            rest = CuffState.ARMED if self._armed else CuffState.IDLE
            state = CuffState.VENTING if measured_mmhg >= EMPTY_MMHG else rest
        elif table.HOLD_FLAG in line.flags or abs(measured_mmhg - commanded_mmhg) <= AT_TARGET_MMHG:
            state = CuffState.HOLD
        else:
            state = CuffState.INFLATING
        return Sample(
            counter=self._counter,
            device_ms=round((now_s - first_s) * 1000),
            arrival_s=now_s,
            state=state,
            measured_mmhg=measured_mmhg,
            second_mmhg=None,
            commanded_mmhg=commanded_mmhg,
        )

    def _judge(self, line: alicat.DataLine, now_s: float) -> list[CuffReport]:
        """Return every change of the status words, and what contradicts the last acknowledgement."""
        found: list[CuffReport] = []
        if line.flags != self._flags:
            new, self._flags = set(line.flags) - set(self._flags), line.flags
            said = " ".join(line.flags) or "none"
            raw = line.raw.decode("ascii", "backslashreplace")
            found = [LinkNote(time_s=now_s, code="device_flags", message=said, raw=raw)]
            bad = sorted(new & (table.FAULT_FLAGS | {table.HOLD_FLAG}))
            found += [_fault(flag.lower(), f"the device reports {flag}", now_s) for flag in bad]
        shown = table.EXHAUST_FLAG in line.flags
        if self._suspicions.twice("closed", wrong=self._exhausting is True and not shown):
            found.append(_fault("left_exhaust", "the exhaust closed by itself", now_s))
        if self._suspicions.twice("opened", wrong=self._exhausting is False and shown):
            found.append(_fault("exhaust", "the exhaust opened by itself", now_s))
        known = self._setpoint is not None
        if self._suspicions.twice("moved", wrong=known and line.setpoint_steps != self._setpoint):
            found.append(_fault("setpoint", "the set-point changed by itself", now_s))
        return found

    def _answer(self, line: alicat.DataLine, now_s: float) -> list[CuffReport]:
        """Take a data line as the answer to the command in flight, if it can be one."""
        step, shown = self._flying, table.EXHAUST_FLAG in line.flags
        if step is None or (step.name == "exhaust" and not shown):
            return []  # the answer to what the exhaust cut short; the exhaust is repeated
        self._flying = None
        if step.name == "poll":
            return []
        if step.name == "exhaust":
            self._exhausting = True
            return [_report(step, now_s, None, None)] if step.verb == "end" else []
        self._setpoint = step.steps
        asked_mmhg, taken_mmhg = self._mmhg(step.steps), self._mmhg(line.setpoint_steps)
        done = _report(step, now_s, asked_mmhg, taken_mmhg)
        if line.setpoint_steps != step.steps:
            why = f"asked for {asked_mmhg:g} mmHg, it reads back {taken_mmhg:g}"
            return [done] * (step.verb == "go") + self._lost(step, why, now_s)
        if table.HOLD_FLAG in line.flags or shown != (step.name == "setpoint"):
            return self._lost(step, f"the device shows {' '.join(line.flags) or 'no EXH'}", now_s)
        self._armed |= step.verb == "arm"
        if step.name == "cancel":
            self._exhausting = False
        return [done] if step.name == "cancel" or step.verb == "arm" else []

    def _mmhg(self, steps: int) -> float:
        return round(steps * self._frame.step_mmhg, 3) if self._frame is not None else math.nan


def _report(
    step: _Step, now_s: float, asked_mmhg: float | None, taken_mmhg: float | None
) -> CommandReport:
    return CommandReport(
        command=step.verb,
        program=step.program,
        planned_s=step.planned_s,
        sent_s=step.sent_s,
        acknowledged_s=now_s,
        commanded_mmhg=asked_mmhg,
        acknowledged_mmhg=taken_mmhg,
    )


def _fault(code: str, message: str, now_s: float) -> FaultReport:
    return FaultReport(
        reason=StopReason.CUFF_FAULT,
        code=f"device_{code}",
        time_s=now_s,
        message=message,
        do="make sure that the cuff is empty, look for the cause, then start a new run",
    )
