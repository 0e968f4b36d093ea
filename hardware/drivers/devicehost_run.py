"""What is played on a CPAR+, and a judge of what it then does: pure, no wire, no clock.

Every program is finite and ends with a stretch at zero. That stretch is not only the end of the
pressure: DeviceHost keeps samples only while the device plays something, so it is also what lets us
see the cuff empty itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import Instruction, Rating, State, Waveform
from hardware.readings import FaultReport, Program
from hardware.states import StopReason
from hardware.units import device_steps

INFLATION: Final = 0
"""The channel of inflations; the other one never holds anything but zero."""
MEASURING: Final = 1
TAIL_S: Final = 60.0
"""An inflation's stretch at zero: longer than the 10 s in which a cuff has to be empty."""
MEASURING_S: Final = 300.0
"""A program at zero that only measures. Finite too: the device would end it after ten minutes."""
SLICE_S: Final = 10.0
"""A ramp is cut into slices; within one, a whole number of tenths per second is off by 2 mmHg at most."""
MOST_SLICES: Final = 8
EMPTY_TENTHS: Final = 19
"""14.3 mmHg, the last tenth below the 15 mmHg that count as vented."""
FALLEN_TENTHS: Final = 5
"""A fall by 3.8 mmHg is more than noise: the cuff empties itself."""
AT_TARGET_TENTHS: Final = 7
OUTLET_S: Final = 0.5
EARLY_S: Final = 0.3
"""A program that ends this much before its time did not run as loaded."""
STOP_S: Final = 1.0
"""A device that plays on this long after a stop does not obey."""
CHECK: Final = "make sure that the cuff is empty, look for the cause, then start a new run"


def mmhg(tenths: int) -> float:
    """Return tenths of a kilopascal as mmHg."""
    return round(tenths * table.STEP_MMHG, 3)


def tenths_of(target_mmhg: float) -> int:
    """Return a pressure in whole steps of the device, never above what was asked."""
    return device_steps(target_mmhg, step_mmhg=table.STEP_MMHG)


def zero(duration_s: float) -> Instruction:
    """Return a stretch at zero."""
    return Instruction("STEP", 0, _ms(duration_s))


def measuring() -> tuple[Waveform, Waveform]:
    """Return programs at zero for both channels: after them nothing on the device can inflate."""
    instructions = (zero(MEASURING_S),)
    return Waveform(INFLATION, instructions), Waveform(MEASURING, instructions)


def waveform(program: Program) -> Waveform:
    """Return an inflation as the device plays it: rise, hold, and zero, none longer than asked for."""
    level, rise_ms = tenths_of(program.target_mmhg), _ms(program.rise_s)
    on_ms = _ms(program.offset_s - program.onset_s)
    rise = _ramp(level, min(rise_ms, on_ms)) if rise_ms else []
    hold_ms = on_ms - sum(i.duration_ms for i in rise)
    hold = [Instruction("STEP", level, hold_ms)] if hold_ms else []
    return Waveform(INFLATION, (*rise, *hold, zero(TAIL_S)))


def _ms(duration_s: float) -> int:
    """Return a time in whole ticks of the device, rounded down."""
    return int(duration_s * 1000 / table.TICK_MS + 1e-6) * table.TICK_MS


def _ramp(level: int, rise_ms: int) -> list[Instruction]:
    """Return a line from 0 to the level out of whole rates: never above it, slow parts before fast ones."""
    slices = min(max(1, -(-rise_ms // int(SLICE_S * 1000))), MOST_SLICES)
    ramp: list[Instruction] = []
    for number in range(slices):
        at_ms, until_ms = (_ms(rise_ms * n / slices / 1000) for n in (number, number + 1))
        change = (level * until_ms // rise_ms) - (level * at_ms // rise_ms)
        slice_ms = until_ms - at_ms
        rate = change * 1000 // slice_ms
        # rate * slow + (rate + 1) * fast = change, in whole ticks
        fast_ms = (change * 1000 - rate * slice_ms) // table.TICK_MS * table.TICK_MS
        parts = ((rate, slice_ms - fast_ms), (rate + 1, fast_ms))
        ramp += [Instruction("INC", speed, for_ms) for speed, for_ms in parts if for_ms]
    return ramp


@dataclass(slots=True, kw_only=True)
class Run:
    """One start and what became of it. ``program`` is ``None`` where it only measures.

    ``seen``: a sample has come since. ``fallen``: since the end was due, samples have shown less.
    """

    program: Program | None
    sent_s: float | None = None
    acknowledged_s: float | None = None
    seen: bool = False
    reached: bool = False
    stopped_s: float | None = None
    end_asked_s: float | None = None
    end_from_tenths: int = 0
    fallen: bool = False

    def elapsed_s(self, now_s: float) -> float:
        """Return how long the device has played."""
        return now_s - (self.sent_s if self.sent_s is not None else now_s)

    def unseen_for_s(self, now_s: float) -> float:
        """Return how long a start has been acknowledged without a sample that shows it."""
        return 0.0 if self.seen or self.acknowledged_s is None else now_s - self.acknowledged_s

    def inflating(self, now_s: float) -> bool:
        """Return whether the device is asked to hold a pressure now."""
        program = self.program
        if program is None or self.stopped_s is not None:
            return False
        return self.elapsed_s(now_s) < program.offset_s - program.onset_s

    def under_pressure(self, now_s: float) -> bool:
        """Return whether the valve may be closed: until the samples show that the cuff empties."""
        ending = self.end_asked_s is not None and not self.fallen
        return self.inflating(now_s) or (ending and self.stopped_s is None)

    def asked_tenths(self, now_s: float) -> int:
        """Return what the program asks for now: our own arithmetic, the device does not say."""
        if self.program is None or not self.inflating(now_s):
            return 0
        return tenths_of(self.program.asked_mmhg(self.program.onset_s + self.elapsed_s(now_s)))

    def take(self, tenths: int, now_s: float) -> None:
        """See a sample of the cuff."""
        if self.program is not None and self.inflating(now_s):
            level = tenths_of(self.program.target_mmhg)
            self.reached = self.reached or tenths >= level - AT_TARGET_TENTHS
        if self.end_asked_s is not None and not self.fallen:
            low = min(EMPTY_TENTHS, self.end_from_tenths)
            self.fallen = tenths <= max(low, self.end_from_tenths - FALLEN_TENTHS)


def not_ready(state: State) -> list[str]:
    """Return everything that stands against playing a program, in words."""
    reasons = [
        (state.state == table.EMERGENCY, "the emergency button is pressed"),
        (state.state == table.NOT_CONNECTED, "DeviceHost has closed the device's port"),
        (state.state == table.PENDING, "it waits for an external trigger, which nobody asked for"),
        (not state.power, "its power is off"),
        (not state.response_connected, "the response device is not connected"),
        (not state.supply_ok, "the supply pressure is too low"),
    ]
    return [words for applies, words in reasons if applies]


class StateJudge:
    """Finds faults in states, samples and ratings. Each is said once."""

    def __init__(self) -> None:
        self._bad = ""
        self._outlet_since_s: float | None = None
        self._rated = self._pressed = False
        self.early: tuple[str, float] | None = None
        """An inflation that ended by itself, and since when it waits to be known whose doing that was."""

    def judge_state(self, state: State, now_s: float) -> Iterator[FaultReport]:
        """Yield what a state shows that no program explains."""
        bad = {
            table.EMERGENCY: ("device_emergency", "the CPAR+'s emergency button is pressed"),
            table.NOT_CONNECTED: ("device_closed", "DeviceHost has closed the device's port"),
            table.PENDING: ("device_pending", "the CPAR+ waits for a trigger nobody asked for"),
        }.get(state.state)
        if bad is not None and bad[0] != self._bad:
            yield fault(bad[0], bad[1], now_s)
        self._bad = "" if bad is None else bad[0]

    def judge_outlet(self, tenths: int, now_s: float) -> Iterator[FaultReport]:
        """Yield a fault if air goes where no cuff is."""
        since_s = self._outlet_since_s
        if tenths <= EMPTY_TENTHS:
            self._outlet_since_s = None
        elif since_s is None:
            self._outlet_since_s = now_s
        elif since_s >= 0.0 and not now_s - since_s <= OUTLET_S:
            self._outlet_since_s = -1.0  # said
            message = f"outlet 2 holds {mmhg(tenths):.0f} mmHg, and only outlet 1 is used"
            yield fault("device_wrong_outlet", message, now_s)

    def judge_rating(self, rating: Rating, now_s: float, *, armed: bool) -> Iterator[FaultReport]:
        """Yield a fault if the participant pressed the button, or an inflation ended without that."""
        early, self.early = self.early, None
        # the first answer may speak of a press from before our time
        pressed = rating.button or (rating.latched and self._rated)
        if pressed and not self._pressed and (armed or early is not None):
            message = "the participant pressed the CPAR+'s button"
            yield fault("device_button", message, now_s, reason=StopReason.PARTICIPANT)
        elif early is not None:
            yield fault("device_stop", early[0], now_s)
        self._pressed, self._rated = pressed, True

    def judge_time(self, now_s: float) -> Iterator[FaultReport]:
        """Yield a fault if an inflation ended by itself and nobody says why."""
        if self.early is not None and now_s - self.early[1] > EARLY_S:
            yield fault("device_stop", self.early[0], now_s)
            self.early = None


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
