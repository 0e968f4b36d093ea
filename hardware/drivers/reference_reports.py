"""From the reference controller's messages to reports, and whether a status line is a new one. Pure."""

from collections import deque
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.dialogue import Outcome, refusal_text
from hardware.readings import CommandReport, CuffReport, FaultReport, LinkNote, Refusal, Sample
from hardware.states import CuffState, StopReason

_STATE: Final = tuple(CuffState(name) for name in table.STATES)
PERIOD_MS: Final = 1000 // table.STREAM_HZ
REMEMBERED: Final = 256
"""Status lines, about 5 s: longer than any buffer on the way holds what it then says twice."""
NEAR_ZERO_MS: Final = 1000
"""A clock below this may have just begun anew."""
CHECK: Final = "make sure that the cuff is empty, look for the cause, then start a new run"


class StatusOrder:
    """Tells a status line that came twice, or late, from one of a controller that has restarted.

    A copy has the counter and the clock of a line that was seen. A late line lies on the same course
    of counter and clock as the newest one. A controller that restarts begins both anew.
    """

    def __init__(self) -> None:
        self._last: cuff1.Status | None = None
        self._seen: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    def forget(self) -> None:
        """Begin anew: the controller said that it booted."""
        self._last = None
        self._seen.clear()

    def take(self, s: cuff1.Status, now_s: float) -> tuple[bool, CuffReport | None]:
        """Return whether a status line is news, and what there is to say about it."""
        last, key = self._last, (s.counter, s.device_ms)
        if last is not None:
            if s.counter <= last.counter or s.device_ms < last.device_ms:
                if key in self._seen or _late(s, last):
                    message = f"pressure sample {s.counter} came twice or late: left out"
                    return False, LinkNote(time_s=now_s, code="sample_repeated", message=message)
                self.forget()
                self._remember(s)
                return True, restarted(now_s)
            if s.counter > last.counter + 1:
                self._remember(s)
                message = f"{s.counter - last.counter - 1} pressure samples lost"
                return True, LinkNote(time_s=now_s, code="samples_lost", message=message)
        self._remember(s)
        return True, None

    def _remember(self, s: cuff1.Status) -> None:
        self._last = s
        self._seen.append((s.counter, s.device_ms))


def _late(s: cuff1.Status, last: cuff1.Status) -> bool:
    """Return whether an older line, never seen, belongs to the course that the newest one is on."""
    behind, behind_ms = last.counter - s.counter, last.device_ms - s.device_ms
    on_course = abs(behind_ms - behind * PERIOD_MS) <= PERIOD_MS
    return 0 < behind <= REMEMBERED and on_course and s.device_ms >= NEAR_ZERO_MS


def sample(s: cuff1.Status, now_s: float) -> Sample:
    """Return a status line as a sample."""
    return Sample(
        counter=s.counter,
        device_ms=s.device_ms,
        arrival_s=now_s,
        state=_STATE[s.state],
        measured_mmhg=s.first_tenths / 10,
        second_mmhg=s.second_tenths / 10,
        commanded_mmhg=s.target_tenths / 10,
    )


def evidence(outcome: Outcome) -> CuffReport:
    """Return how a command ended."""
    if not isinstance(outcome.answer, cuff1.Ack):
        return Refusal(
            command=outcome.name.lower(),
            program=outcome.tag,
            time_s=outcome.ended_s,
            message=refusal_text(outcome),
        )
    has_pressure = outcome.name == "GO"
    return CommandReport(
        command=outcome.name.lower(),
        program=outcome.tag,
        planned_s=outcome.planned_s,
        sent_s=outcome.sent_s,
        acknowledged_s=outcome.ended_s,
        commanded_mmhg=outcome.arguments[0] / 10 if has_pressure else None,
        acknowledged_mmhg=outcome.answer.value / 10 if has_pressure else None,
    )


def restarted(now_s: float, cause: int | None = None) -> FaultReport:
    """Return that the controller restarted, with its cause if it said one."""
    known = cause is not None and cause < len(table.RESETS)
    why = f" ({table.RESETS[cause].replace('_', ' ')})" if known and cause is not None else ""
    return FaultReport(
        reason=StopReason.CUFF_FAULT,
        code="device_restarted",
        time_s=now_s,
        message=f"the cuff's controller has restarted{why}",
        do="check its power supply; the cuff vents when it restarts",
    )


def fault(number: int, now_s: float, *, selftest: int = 0) -> FaultReport:
    """Return a fault of the device; ``selftest`` is the result of a self-test that has failed."""
    name = table.FAULTS[number]
    if name == "abort":
        return FaultReport(
            reason=StopReason.PARTICIPANT,
            code="device_abort",
            time_s=now_s,
            message="the abort loop is open: the participant asked for an end, or its wire is broken",
            do="ask the participant; make sure that the loop is closed before a new run",
        )
    detail = f", {table.SELFTEST[selftest]}" if selftest in table.SELFTEST and selftest > 1 else ""
    return FaultReport(
        reason=StopReason.CUFF_FAULT,
        code=f"device_{name}",
        time_s=now_s,
        message=f"the cuff's controller reports a fault: {name}{detail}",
        do=CHECK,
    )
