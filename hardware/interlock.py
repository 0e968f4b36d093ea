"""The judge of samples and time: pure, no I/O, no clock. Says when the cuff has to be vented, and why.

Every rule starts from what was asked: a pressure that nobody asked for is a fault, a pressure
that stays is a fault, and a pressure that is not measured is one too. Faults latch: the first one
is the reason of the stop. Defaults are from a review of NIBP limits (assumed, built on
IEC 80601-2-30) and are settings of the rig.
"""

import math
from dataclasses import dataclass

from hardware.readings import FaultReport, Program, Sample
from hardware.states import PRESSURISED_STATES, StopReason

CHECK_CUFF = "make sure that the cuff is empty, look for the cause, then start a new run"
DISCONNECT = "disconnect the hose from the cuff now, then check cable and power"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockSettings:
    """When to vent. ``_mmhg`` are pressures, ``_s`` times.

    ``overshoot``: above target + 20 mmHg for more than 1 s. ``shortfall``: below target - 20 mmHg for more
    than 3 s, after ``ramp_s``. ``unasked``: above 20 mmHg for more than 0.5 s while nothing was
    asked. ``stale_s``: longest silence of the pressure while armed. ``vent_s``: a cuff that holds
    15 mmHg longer than this after a vent does not vent. ``disobeyed_s``: longest time that the
    valve may stay closed after a vent was asked for. ``empty_s``: a cuff that still holds 15 mmHg then
    is dumped (deflation within 3 s is the aim, 10 s the limit). ``frozen_s``: both sensors may not repeat the
    same number for longer than this while a pressure is held; a real sensor is never that quiet. ``None``
    for a device whose steps are coarser than its noise.
    """

    overshoot_mmhg: float = 20.0
    overshoot_s: float = 1.0
    shortfall_mmhg: float = 20.0
    shortfall_s: float = 3.0
    ramp_s: float = 5.0
    unasked_mmhg: float = 20.0
    unasked_s: float = 0.5
    stale_s: float = 0.5
    vented_mmhg: float = 15.0
    vent_s: float = 10.0
    overrun_s: float = 0.3
    disobeyed_s: float = 0.3
    empty_s: float = 3.0
    frozen_s: float | None = 5.0


class Interlock:
    """Judges one armed stretch: from arming to disarming."""

    def __init__(self, settings: InterlockSettings, *, device_ceiling_mmhg: float) -> None:
        self._set = settings
        self._ceiling_mmhg = device_ceiling_mmhg
        self._armed = False
        self._program: Program | None = None
        self._venting_since_s: float | None = None
        self._vent_from_mmhg: float | None = None
        self._vent_failed_said = False
        self._last: Sample | None = None
        self._last_fresh_s: float | None = None
        self._above_since_s: float | None = None
        self._below_since_s: float | None = None
        self._unasked_since_s: float | None = None
        self._frozen_since_s: float | None = None
        self._over_count = 0
        self.fault: FaultReport | None = None

    def armed(self, now_s: float) -> None:
        """Start judging."""
        self._armed = True
        self._last_fresh_s = now_s

    def disarmed(self) -> None:
        """Stop judging freshness; pressure is judged as long as samples come."""
        self._armed = False

    def inflating(self, program: Program) -> None:
        """Expect pressure from now on."""
        self._program = program
        self._venting_since_s = None
        self._above_since_s = self._below_since_s = self._unasked_since_s = None
        self._frozen_since_s = None

    def venting(self, now_s: float) -> None:
        """Expect falling pressure from now on."""
        self._program = None
        self._above_since_s = self._below_since_s = self._unasked_since_s = None
        if self._venting_since_s is None:
            self._venting_since_s = now_s
            self._vent_from_mmhg = self.measured_mmhg
            self._vent_failed_said = False

    @property
    def is_venting(self) -> bool:
        """Return whether a vent has begun that is not confirmed yet."""
        return self._venting_since_s is not None

    @property
    def measured_mmhg(self) -> float | None:
        """Return the higher sensor of the last sample."""
        return None if self._last is None else _higher_mmhg(self._last)

    def empty(self, *, since_s: float) -> bool:
        """Return whether a sample taken after ``since_s`` shows the cuff empty and the valve open."""
        last = self._last
        return (
            last is not None
            and last.arrival_s > since_s
            and last.state not in PRESSURISED_STATES
            and _higher_mmhg(last) < self._set.vented_mmhg
        )

    def vent_confirmed(self) -> bool:
        """Return whether the vent under way is confirmed by the pressure; if so it is over."""
        if self._venting_since_s is not None and self.empty(since_s=self._venting_since_s):
            self._venting_since_s = None
            return True
        return False

    def judge_sample(self, sample: Sample) -> FaultReport | None:
        """Return the first fault that this sample shows, once."""
        measured_mmhg, now_s = _higher_mmhg(sample), sample.arrival_s
        last = self._last
        if last is None or sample.device_ms != last.device_ms:
            self._last_fresh_s = now_s  # a frozen device repeats itself: that is no sign of life
        repeats = last is not None and _readings(last) == _readings(sample)
        self._frozen_since_s = _since(self._frozen_since_s, now_s, when=repeats)
        self._last = sample
        if not math.isfinite(measured_mmhg) or measured_mmhg < -50.0:
            return self._trip(now_s, "implausible", f"the pressure reads {measured_mmhg} mmHg")
        self._over_count = self._over_count + 1 if measured_mmhg > self._ceiling_mmhg else 0
        if self._over_count >= 2:  # one sample may be noise, two are pressure
            message = f"{measured_mmhg:.0f} mmHg is above the ceiling of {self._ceiling_mmhg:.0f}"
            return self._trip(now_s, "overpressure", message)
        if self._program is not None:
            return self._judge_program(sample, self._program, measured_mmhg)
        if self._venting_since_s is None:
            return self._judge_unasked(sample, measured_mmhg)
        return self._judge_vent(sample, self._venting_since_s, measured_mmhg)

    def _judge_vent(
        self, sample: Sample, since_s: float, measured_mmhg: float
    ) -> FaultReport | None:
        """Judge what comes after a vent was asked for: the valve opens, the pressure falls, soon."""
        s, now_s = self._set, sample.arrival_s
        if sample.state in PRESSURISED_STATES and _longer(since_s, now_s, s.disobeyed_s):
            message = f"the valve is still closed {now_s - since_s:.1f} s after the vent"
            return self._trip(now_s, "vent_disobeyed", message, do=DISCONNECT)
        from_mmhg = self._vent_from_mmhg
        if from_mmhg is not None and measured_mmhg > from_mmhg + s.overshoot_mmhg:
            message = f"the pressure rose to {measured_mmhg:.0f} mmHg after the vent"
            return self._trip(now_s, "rising_after_vent", message, do=DISCONNECT)
        if measured_mmhg >= s.vented_mmhg and _longer(since_s, now_s, s.empty_s):
            message = f"{measured_mmhg:.0f} mmHg are left {now_s - since_s:.1f} s after the vent"
            return self._trip(now_s, "slow_vent", message, do=DISCONNECT)
        return None

    def _judge_program(
        self, sample: Sample, program: Program, measured_mmhg: float
    ) -> FaultReport | None:
        s, now_s = self._set, sample.arrival_s
        over = measured_mmhg > program.target_mmhg + s.overshoot_mmhg
        self._above_since_s = _since(self._above_since_s, now_s, when=over)
        if _longer(self._above_since_s, now_s, s.overshoot_s):
            message = f"{measured_mmhg:.0f} mmHg, {program.target_mmhg:.0f} was asked for"
            return self._trip(now_s, "overshoot", message)
        if s.frozen_s is not None and _longer(self._frozen_since_s, now_s, s.frozen_s):
            message = f"the sensors have said {measured_mmhg:.1f} mmHg for {s.frozen_s:g} s"
            return self._trip(now_s, "frozen_sensors", f"{message}: they no longer measure")
        ramped = now_s > program.onset_s + s.ramp_s
        under = ramped and measured_mmhg < program.target_mmhg - s.shortfall_mmhg
        self._below_since_s = _since(self._below_since_s, now_s, when=under)
        if _longer(self._below_since_s, now_s, s.shortfall_s):
            message = f"{measured_mmhg:.0f} mmHg, {program.target_mmhg:.0f} was asked for"
            return self._trip(now_s, "shortfall", f"{message}: a leak, or a hose that came off")
        return None

    def _judge_unasked(self, sample: Sample, measured_mmhg: float) -> FaultReport | None:
        now_s = sample.arrival_s
        unasked = measured_mmhg > self._set.unasked_mmhg or sample.state in PRESSURISED_STATES
        self._unasked_since_s = _since(self._unasked_since_s, now_s, when=unasked)
        if _longer(self._unasked_since_s, now_s, self._set.unasked_s):
            message = f"{measured_mmhg:.0f} mmHg that nobody asked for"
            return self._trip(now_s, "unasked_pressure", message)
        return None

    def judge_time(self, now_s: float) -> FaultReport | None:
        """Return the first fault that the passing of time shows, once."""
        s = self._set
        if self._armed and _longer(self._last_fresh_s, now_s, s.stale_s):
            message = f"no new pressure sample for {s.stale_s:g} s"
            return self._trip(
                now_s, "stale_samples", message, reason=StopReason.CUFF_LINK_LOST, do=DISCONNECT
            )
        if self._program is not None and now_s > self._program.offset_s + s.overrun_s:
            return self._trip(now_s, "overrun", "an inflation went on past its end")
        if _longer(self._venting_since_s, now_s, s.vent_s):
            shown = "unknown" if self._last is None else f"{_higher_mmhg(self._last):.0f} mmHg"
            message = f"the cuff did not vent within {s.vent_s:g} s (pressure {shown})"
            return self._vent_failed(now_s, message)
        return None

    def _vent_failed(self, now_s: float, message: str) -> FaultReport | None:
        """Say once for each vent that it failed, also when another fault came first."""
        if self._vent_failed_said:
            return None
        self._vent_failed_said = True
        fault = FaultReport(
            reason=StopReason.CUFF_FAULT,
            code="vent_failed",
            time_s=now_s,
            message=message,
            do=DISCONNECT,
        )
        self.latch(fault)
        return fault

    def latch(self, fault: FaultReport) -> FaultReport | None:
        """Latch a fault that somebody else found (device, link, task). Only the first one counts."""
        if self.fault is not None:
            return None
        self.fault = fault
        return fault

    def _trip(
        self,
        now_s: float,
        code: str,
        message: str,
        *,
        reason: StopReason = StopReason.CUFF_FAULT,
        do: str = CHECK_CUFF,
    ) -> FaultReport | None:
        return self.latch(
            FaultReport(reason=reason, code=code, time_s=now_s, message=message, do=do)
        )


def _readings(sample: Sample) -> tuple[float, float | None]:
    return sample.measured_mmhg, sample.second_mmhg


def _higher_mmhg(sample: Sample) -> float:
    second_mmhg = sample.second_mmhg
    if second_mmhg is None:
        return sample.measured_mmhg
    return second_mmhg if second_mmhg > sample.measured_mmhg else sample.measured_mmhg


def _since(since_s: float | None, now_s: float, *, when: bool) -> float | None:
    return (now_s if since_s is None else since_s) if when else None


def _longer(since_s: float | None, now_s: float, most_s: float) -> bool:
    return since_s is not None and not now_s - since_s <= most_s
