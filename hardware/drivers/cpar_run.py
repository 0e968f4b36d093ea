"""What is loaded into a CPAR, and a judge of what it then does: pure, no wire, no clock.

The link has no checksum, and nothing protects the channel of a program or the bytes of a start. So
what the device says of its target, of its unused outlet and of the end of a run is held against
what was asked, message by message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Instruction,
    SetProgram,
    Status,
    mmhg_from_counts,
    step,
)
from hardware.readings import FaultReport, Program
from hardware.states import StopReason

EMPTY_COUNTS: Final = 5
"""14.7 mmHg, the last count below the 15 mmHg that count as vented."""
TARGET_COUNTS: Final = 1
"""Tolerance of the target: how the device rounds it is not known."""
TARGET_S: Final = 0.25
"""How long a target may differ: a few status messages."""
OUTLET_S: Final = 0.5
EARLY_S: Final = 0.5
"""A program that ends this much before its time did not run as loaded."""
STOP_S: Final = 1.0
"""A device that stimulates this long after a stop does not obey."""
AT_TARGET_COUNTS: Final = 2
CHECK: Final = "make sure that the cuff is empty, look for the cause, then start a new run"


@dataclass(slots=True)
class Loading:
    """Two programs on their way. ``program`` is ``None`` while arming."""

    program: Program | None
    units: int
    ticks: int
    since_s: float
    sent_s: float | None = None
    taken: int = 0

    @property
    def command(self) -> str:
        """Return the verb this belongs to."""
        return "arm" if self.program is None else "prepare"

    def channels(self) -> Iterator[SetProgram]:
        """Yield both programs: equally long, finite, at zero in the end, never empty.

        The CRC of an empty program is 0, which proves nothing; and one flipped bit turns an empty
        program into a forced start.
        """
        for channel, units in enumerate((self.units, 0)):
            pulse: tuple[Instruction, ...] = (step(units, self.ticks),) if self.ticks else ()
            yield SetProgram(channel, 1, (*pulse, step(0, 1)))


@dataclass(slots=True, kw_only=True)
class Run:
    """One start and what became of it. ``seen``: a status has said that it runs."""

    program: Program
    units: int
    on_s: float
    sent_s: float | None = None
    acknowledged_s: float | None = None
    seen: bool = False
    reached: bool = False
    stopped_s: float | None = None
    differs_since_s: float | None = None

    @property
    def target_counts(self) -> int:
        """Return the target in whole counts."""
        return self.units // 256

    def remaining_s(self, now_s: float) -> float:
        """Return how long the device's own program has still to go."""
        return self.on_s - (now_s - (self.acknowledged_s or now_s))


def not_ready(status: Status) -> list[str]:
    """Return everything that stands against a start, in words."""
    flags = status.flags
    held = max(status.actual)
    reasons = [
        (status.state == table.EMERGENCY, "the emergency button is pressed"),
        (status.state == table.STIMULATING, "it is stimulating already"),
        (not flags & table.POWER_ON, "its 12 V supply is off"),
        (not flags & table.METER_CONNECTED, "the rating meter is not connected"),
        (not flags & table.RATING_LOW, "the rating is not at zero"),
        (bool(flags & table.COMPRESSOR_ON), "the compressor is running"),
        (not flags & table.START_POSSIBLE, "it says that a start is not possible"),
        (held > EMPTY_COUNTS, f"an outlet still holds {mmhg_from_counts(held):.0f} mmHg"),
    ]
    return [words for applies, words in reasons if applies]


class StatusJudge:
    """Finds faults in status messages. Each is said once."""

    def __init__(self) -> None:
        self._emergency = False
        self._button = False
        self._outlet_since_s: float | None = None

    def judge(
        self, status: Status, run: Run | None, now_s: float, *, armed: bool
    ) -> Iterator[FaultReport]:
        """Yield the faults that this message shows."""
        emergency = status.state == table.EMERGENCY
        if emergency and not self._emergency:
            yield fault("device_emergency", "the CPAR's emergency button is pressed", now_s)
        self._emergency = emergency
        button = bool(status.button_down)
        if button and not self._button and armed:
            message = "the participant pressed the CPAR's button"
            yield fault("device_button", message, now_s, reason=StopReason.PARTICIPANT)
        self._button = button
        yield from self._unused_outlet(status, now_s)
        if run is not None and run.seen and not emergency:
            if status.state == table.STIMULATING:
                yield from _judge_running(status, run, now_s)
            else:
                yield from _judge_end(status, run, now_s)

    def _unused_outlet(self, status: Status, now_s: float) -> Iterator[FaultReport]:
        since_s = self._outlet_since_s
        if status.actual[1] <= EMPTY_COUNTS:
            self._outlet_since_s = None
        elif since_s is None:
            self._outlet_since_s = now_s
        elif since_s >= 0.0 and not now_s - since_s <= OUTLET_S:
            self._outlet_since_s = -1.0  # said
            held = mmhg_from_counts(status.actual[1])
            message = f"outlet 2 holds {held:.0f} mmHg, and only outlet 1 is used"
            yield fault("device_wrong_outlet", message, now_s)


def _judge_running(status: Status, run: Run, now_s: float) -> Iterator[FaultReport]:
    if run.stopped_s is not None:
        if now_s - run.stopped_s > STOP_S:
            run.stopped_s = now_s  # say it again as long as it goes on
            yield fault("device_stop_ignored", "the CPAR goes on after a stop", now_s)
        return
    wrong = abs(status.target[0] - run.target_counts) > TARGET_COUNTS or status.target[1] != 0
    if not wrong or run.remaining_s(now_s) < TARGET_S:
        run.differs_since_s = None
    elif run.differs_since_s is None:
        run.differs_since_s = now_s
    elif now_s - run.differs_since_s > TARGET_S:
        run.differs_since_s = now_s
        first, second = (mmhg_from_counts(counts) for counts in status.target)
        message = f"the CPAR works towards {first:.0f} and {second:.0f} mmHg, not what was loaded"
        yield fault("device_wrong_target", message, now_s)


def _judge_end(status: Status, run: Run, now_s: float) -> Iterator[FaultReport]:
    condition = table.STOP_CONDITIONS[status.stop_condition]
    match condition:
        case "button" | "maximum_rating":
            message = f"the participant stopped the CPAR ({condition.replace('_', ' ')})"
            yield fault("device_" + condition, message, now_s, reason=StopReason.PARTICIPANT)
        case "none" | "completed" if run.stopped_s is not None or run.remaining_s(now_s) < EARLY_S:
            pass
        case "host_stop" if run.stopped_s is not None:
            pass
        case _:
            message = f"the CPAR ended the inflation by itself ({condition.replace('_', ' ')})"
            yield fault("device_stop_" + condition, message, now_s)


def fault(
    code: str,
    message: str,
    now_s: float,
    *,
    reason: StopReason = StopReason.CUFF_FAULT,
    do: str = CHECK,
) -> FaultReport:
    """Return the report of a fault of this device."""
    return FaultReport(reason=reason, code=code, time_s=now_s, message=message, do=do)
