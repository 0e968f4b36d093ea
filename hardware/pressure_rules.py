"""The interlock's rules about samples: whether this is the pressure that was asked for."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from hardware.interlock_table import HIGH_MMHG, SURELY_ASKED_MMHG, InterlockSettings
from hardware.readings import Program, Sample
from hardware.states import PRESSURISED_STATES

LEAST_READING_MMHG: Final = -50.0
"""A sensor that reads less is broken: a cuff cannot be sucked empty (assumed)."""
LEAST_EMPTY_MMHG: Final = -15.0
"""A sensor that reads less is broken, and does not say that a cuff is empty (assumed)."""
TURN_S: Final = 0.25
"""A rising pressure has turned by then: the last sample before the vent may be 0.1 s old (20 Hz)."""
EMPTY_SAMPLES: Final = 3
RISE_OVER_S: Final = 0.2
"""The rate of rise is measured over at least this time: four samples of the slowest device."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that has been broken: its code in `interlock_table.RULES`, and what was seen."""

    code: str
    message: str


class PressureRules:
    """Remembers what the rules need of earlier samples.

    Parameters
    ----------
    ceiling_mmhg
        The device's own: nothing may read more, whatever was asked for.
    """

    def __init__(self, settings: InterlockSettings, *, ceiling_mmhg: float) -> None:
        self._set, self._ceiling_mmhg = settings, ceiling_mmhg
        self.last: Sample | None = None
        self._recent: deque[Sample] = deque()
        self._vent_from_mmhg: float | None = None
        self._above_since_s: float | None = None
        self._below_since_s: float | None = None
        self._unasked_since_s: float | None = None
        self._frozen_since_s: float | None = None
        self._residual_since_s: float | None = None
        self._blind_since_s: float | None = None
        self._over_count = self._fast_count = 0
        self._risen = False
        self._high_ms: float | None = None
        self._low_since_s: float | None = None
        self._low_until_s, self._low_count = 0.0, 0

    @property
    def measured_mmhg(self) -> float | None:
        """Return the higher sensor of the last sample."""
        return None if self.last is None else higher_mmhg(self.last)

    @property
    def falls(self) -> bool:
        """Return whether a high pressure has been read that was not seen to fall to empty."""
        return self._high_ms is not None

    def was_high(self) -> None:
        """Take over a high pressure that was read on another clock: when, nobody knows here."""
        self._high_ms = math.inf

    def lost_sight(self) -> None:
        """Count of a fall only what is seen from now on."""
        if self.falls:
            self.was_high()

    def inflating(self) -> None:
        """Expect pressure from now on."""
        self._above_since_s = self._below_since_s = self._unasked_since_s = None
        self._frozen_since_s = self._blind_since_s = self._residual_since_s = None
        self._risen, self._high_ms = False, None

    def blind_for_s(self, now_s: float) -> float:
        """Return for how long pressure has been asked for in this inflation that no sensor has seen."""
        return 0.0 if self._blind_since_s is None else now_s - self._blind_since_s

    def venting(self) -> None:
        """Expect falling pressure from now on."""
        self._unasked_since_s = self._residual_since_s = None
        self._vent_from_mmhg = self.measured_mmhg
        self._low_count = 0

    def empty_for_s(self, since_s: float) -> float:
        """Return for how long the samples after a time, three at least, have shown an empty, open cuff."""
        if self._low_since_s is None or self._low_count < EMPTY_SAMPLES:
            return 0.0
        return self._low_until_s - max(since_s, self._low_since_s)

    def is_new(self, sample: Sample) -> bool:
        """Return whether a sample is more than a repetition of the last one."""
        return self.last is None or sample.device_ms != self.last.device_ms

    def judge(
        self,
        sample: Sample,
        *,
        program: Program | None,
        vent_since_s: float | None,
    ) -> Finding | None:
        """Return the first rule that a sample breaks."""
        measured_mmhg, now_s, last = higher_mmhg(sample), sample.arrival_s, self.last
        repeats = last is not None and _readings(last) == _readings(sample)
        self._frozen_since_s = _since(self._frozen_since_s, now_s, when=repeats)
        new = self.is_new(sample)
        self.last = sample
        if new:  # what is repeated may be from before the vent
            self._see_empty(sample, measured_mmhg)
        self._risen = self._risen or measured_mmhg >= self._set.vented_mmhg
        # its time begins here: what nobody saw of a fall does not count, a kinked hose reads the same
        anew = self._high_ms is not None and sample.device_ms < self._high_ms
        if new and (measured_mmhg >= HIGH_MMHG or anew):
            self._high_ms = sample.device_ms
        if not math.isfinite(measured_mmhg) or measured_mmhg < LEAST_READING_MMHG:
            return Finding("implausible", f"the pressure reads {measured_mmhg} mmHg")
        self._over_count = self._over_count + 1 if measured_mmhg > self._ceiling_mmhg else 0
        if self._over_count >= 2:  # one sample may be noise, two are pressure
            message = f"{measured_mmhg:.0f} mmHg is above the ceiling of {self._ceiling_mmhg:.0f}"
            return Finding("overpressure", message)
        rate = self._rise(sample)
        self._fast_count = self._fast_count + 1 if rate > self._set.rise_mmhg_per_s else 0
        if self._fast_count >= 2:
            most = self._set.rise_mmhg_per_s
            message = (
                f"the pressure rises by {rate:.0f} mmHg/s, the limit is {most:g}: a kinked hose?"
            )
            return Finding("rise_rate", message)
        if program is not None:
            return self._judge_program(now_s, program, measured_mmhg)
        if vent_since_s is not None:
            return self._judge_vent(sample, vent_since_s, measured_mmhg)
        return self._judge_unasked(sample, measured_mmhg)

    def _see_empty(self, sample: Sample, measured_mmhg: float) -> None:
        low = (
            LEAST_EMPTY_MMHG <= measured_mmhg < self._set.vented_mmhg
            and sample.state not in PRESSURISED_STATES
        )
        self._low_since_s = _since(self._low_since_s, sample.arrival_s, when=low)
        self._low_until_s, self._low_count = sample.arrival_s, self._low_count + 1 if low else 0

    def _rise(self, sample: Sample) -> float:
        """Return the rate of rise in mmHg/s on the device's own clock: bursts on the wire mean nothing."""
        recent = self._recent
        if recent and sample.device_ms < recent[-1].device_ms:
            recent.clear()  # it has started anew
        recent.append(sample)
        while len(recent) > 1 and _apart_s(recent[1], sample) >= RISE_OVER_S:
            recent.popleft()
        apart_s = _apart_s(recent[0], sample)
        if apart_s < RISE_OVER_S:
            return 0.0
        return (higher_mmhg(sample) - higher_mmhg(recent[0])) / apart_s

    def _judge_program(
        self, now_s: float, program: Program, measured_mmhg: float
    ) -> Finding | None:
        s, asked_mmhg = self._set, program.asked_mmhg(now_s)
        shown = f"{measured_mmhg:.0f} mmHg, {asked_mmhg:.0f} was asked for"
        over = measured_mmhg > asked_mmhg + s.overshoot_mmhg
        self._above_since_s = _since(self._above_since_s, now_s, when=over)
        if _longer(self._above_since_s, now_s, s.overshoot_s):
            return Finding("overshoot", shown)
        blind = asked_mmhg >= SURELY_ASKED_MMHG and not self._risen
        self._blind_since_s = _since(self._blind_since_s, now_s, when=blind)
        if _longer(self._blind_since_s, now_s, s.no_rise_s):
            return Finding("no_rise", f"{shown}, and nothing was seen of it for {s.no_rise_s:g} s")
        if s.frozen_s is not None and _longer(self._frozen_since_s, now_s, s.frozen_s):
            message = f"the sensors have said {measured_mmhg:.1f} mmHg for {s.frozen_s:g} s"
            return Finding("frozen_sensors", f"{message}: they no longer measure")
        ramped = now_s > program.onset_s + program.rise_s + s.ramp_s
        under = ramped and measured_mmhg < asked_mmhg - s.shortfall_mmhg
        self._below_since_s = _since(self._below_since_s, now_s, when=under)
        if _longer(self._below_since_s, now_s, s.shortfall_s):
            return Finding("shortfall", f"{shown}: a leak, or a hose that came off")
        return None

    def _judge_vent(self, sample: Sample, since_s: float, measured_mmhg: float) -> Finding | None:
        """Judge what comes after a vent was asked for: the valve opens, the pressure falls, soon."""
        s, now_s = self._set, sample.arrival_s
        if sample.state in PRESSURISED_STATES and _longer(since_s, now_s, s.disobeyed_s):
            message = f"the valve is still closed {now_s - since_s:.1f} s after the vent"
            return Finding("vent_disobeyed", message)
        fell_s = self._fell_s(sample, measured_mmhg)
        if fell_s is not None and fell_s < s.fall_s:
            shown = f"from {HIGH_MMHG:g} mmHg to {measured_mmhg:.0f}, seen for {fell_s:.2f} s"
            return Finding("fast_fall", f"{shown}: a kinked hose?")
        from_mmhg = self._vent_from_mmhg
        if from_mmhg is not None and not _longer(since_s, now_s, TURN_S):
            self._vent_from_mmhg = max(from_mmhg, measured_mmhg)  # it may still have been rising
        elif from_mmhg is not None and measured_mmhg > from_mmhg + s.overshoot_mmhg:
            message = f"the pressure rose to {measured_mmhg:.0f} mmHg after the vent"
            return Finding("rising_after_vent", message)
        if measured_mmhg >= s.vented_mmhg and _longer(since_s, now_s, s.empty_s):
            message = f"{measured_mmhg:.0f} mmHg are left {now_s - since_s:.1f} s after the vent"
            return Finding("slow_vent", message)
        return None

    def _fell_s(self, sample: Sample, measured_mmhg: float) -> float | None:
        """Return how long a fall to empty was seen to take, once, on the device's own clock."""
        if measured_mmhg >= self._set.vented_mmhg or self._high_ms is None:
            return None
        high_ms, self._high_ms = self._high_ms, None
        return max(0.0, sample.device_ms - high_ms) / 1000

    def _judge_unasked(self, sample: Sample, measured_mmhg: float) -> Finding | None:
        now_s = sample.arrival_s
        unasked = measured_mmhg > self._set.unasked_mmhg or sample.state in PRESSURISED_STATES
        self._unasked_since_s = _since(self._unasked_since_s, now_s, when=unasked)
        left = measured_mmhg >= self._set.vented_mmhg
        self._residual_since_s = _since(self._residual_since_s, now_s, when=left)
        if _longer(self._residual_since_s, now_s, self._set.residual_s):
            return Finding("unasked_pressure", f"{measured_mmhg:.0f} mmHg stay in the cuff")
        if _longer(self._unasked_since_s, now_s, self._set.unasked_s):
            return Finding("unasked_pressure", f"{measured_mmhg:.0f} mmHg that nobody asked for")
        return None


def higher_mmhg(sample: Sample) -> float:
    """Return the higher of a sample's sensors; not a number if either is not one."""
    both = [mmhg for mmhg in (sample.measured_mmhg, sample.second_mmhg) if mmhg is not None]
    return math.nan if any(map(math.isnan, both)) else max(both)


def _readings(sample: Sample) -> tuple[float, float | None]:
    return sample.measured_mmhg, sample.second_mmhg


def _apart_s(earlier: Sample, later: Sample) -> float:
    return (later.device_ms - earlier.device_ms) / 1000


def _since(since_s: float | None, now_s: float, *, when: bool) -> float | None:
    return (now_s if since_s is None else since_s) if when else None


def _longer(since_s: float | None, now_s: float, most_s: float) -> bool:
    return since_s is not None and not now_s - since_s <= most_s
