"""The interlock: judges every command, sample and tick. Pure: no I/O, no clock of its own.

Every rule starts from what was asked: a pressure that nobody asked for is a fault, a pressure that
stays is a fault, and a pressure that is not measured is one too. Commands are refused, never
clipped. Faults latch: the first one is the reason of the stop. Phases and rules are the tables of
`hardware.interlock_table`; the rules about single samples are in `hardware.pressure_rules`.
"""

from dataclasses import dataclass
from typing import Final

from hardware.interlock_table import (
    ARMED_PHASES,
    DOUBTFUL,
    NEXT,
    REFUSED,
    RULE,
    Event,
    InterlockSettings,
    Phase,
)
from hardware.limits import LEAST_MMHG, Limits
from hardware.pressure_rules import Finding, PressureRules, higher_mmhg
from hardware.readings import FaultReport, Program, Sample

EMPTY_FOR_S: Final = 0.1
"""A cuff is empty when all samples over this time say so: at least three of 20 a second."""
BLIND_S: Final = 1.5
"""After so much pressure that nobody saw, the same sensors do not say that the cuff is empty (assumed)."""
TOO_LATE_S: Final = 0.05
"""A program later than this after its onset is refused: a late inflation is a wrong one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What this session has given the participant before this run.

    ``emptied_s``: when the cuff was last seen empty after that, on the machine's clock.
    """

    inflations: int = 0
    inflated_s: float = 0.0
    emptied_s: float | None = None


class Interlock:
    """Judges one cuff from the opening of its wire to its end.

    Parameters
    ----------
    settings
        When to vent.
    limits
        What may be asked for.
    device_ceiling_mmhg
        What the device says it can do; the lower ceiling wins.
    measures
        Whether the device measures its pressure. Without, nothing is judged but commands and time,
        and a vent is never confirmed.
    given
        Counts against the session's budget, and is rested from.
    distrust
        The sensors have been found to say nothing of this cuff: no vent is confirmed by them.
    was_high
        The cuff was under a high pressure when it was last seen, on another wire: nobody saw how it fell.
    """

    def __init__(
        self,
        settings: InterlockSettings,
        *,
        limits: Limits,
        device_ceiling_mmhg: float,
        measures: bool = True,
        given: Given | None = None,
        distrust: bool = False,
        was_high: bool = False,
    ) -> None:
        self._set, self._limits, self._measures = settings, limits, measures
        self.ceiling_mmhg = min(limits.ceiling_mmhg, device_ceiling_mmhg)
        self._rules = PressureRules(settings, ceiling_mmhg=device_ceiling_mmhg)
        if was_high:
            self._rules.was_high()
        given = given or Given()
        self._inflations, self._inflated_s = given.inflations, given.inflated_s
        self.phase = Phase.IDLE
        self.fault: FaultReport | None = None
        self._program: Program | None = None
        self._vent_since_s: float | None = None
        self._vent_failed_said = False
        self._empty_since_s = given.emptied_s
        self._had_pressure = False
        self._low_before_vent = False
        self._distrust = distrust
        self._fresh_s = 0.0
        self._task_s = 0.0
        self.pressure_is_back = False

    # -- commands

    @property
    def armed(self) -> bool:
        """Return whether the cuff may hold pressure, now or soon."""
        return self.phase in ARMED_PHASES

    def arm(self, now_s: float) -> str | None:
        """Begin to judge freshness, or return why not."""
        refusal = self._move(Event.ARM)
        if refusal is None:
            self._fresh_s = self._task_s = now_s
        return refusal

    def judge_load(self, program: Program, now_s: float) -> str | None:
        """Return why a program must not be carried out at all, if that is so."""
        limits, on_s = self._limits, program.offset_s - program.onset_s
        if not self.armed:
            return REFUSED.get((self.phase, Event.INFLATE))
        # each comparison is written so that NaN is a problem
        if not LEAST_MMHG <= program.target_mmhg <= self.ceiling_mmhg:
            return (
                f"{program.target_mmhg:g} mmHg is outside {LEAST_MMHG:g} to {self.ceiling_mmhg:g}"
            )
        if not 0.0 < on_s <= limits.inflation_s:
            return f"{on_s:g} s of inflation is outside 0 to {limits.inflation_s:g} s"
        if not 0.0 <= program.rise_s <= on_s:
            return f"{program.rise_s:g} s to rise is outside 0 to {on_s:g} s"
        if not program.onset_s >= now_s - TOO_LATE_S:
            return f"handed over {now_s - program.onset_s:.3f} s after its onset"
        if not self._inflations + 1 <= limits.session_inflations:
            return f"the session's {limits.session_inflations} inflations are used up"
        if not self._inflated_s + on_s <= limits.session_inflated_s:
            return f"more than {limits.session_inflated_s:g} s inflated in this session"
        return self._gap_problem(program.onset_s)

    def _gap_problem(self, onset_s: float) -> str | None:
        """Return whether the cuff will have been empty for too short a time at an onset."""
        if self._program is not None:
            gap_s = onset_s - self._program.offset_s
        elif self._empty_since_s is not None:
            gap_s = onset_s - self._empty_since_s
        elif self._vent_since_s is not None:
            gap_s = onset_s - self._vent_since_s
        else:
            return None
        if gap_s >= self._limits.gap_s - TOO_LATE_S:
            return None
        needed = f"{self._limits.gap_s:g} s are needed"
        return f"only {gap_s:.1f} s deflated since the last inflation, {needed}"

    def inflate(self, program: Program, now_s: float) -> str | None:
        """Expect a program's pressure from now on, or return why it must not start."""
        if not now_s <= program.onset_s + TOO_LATE_S:
            return f"it was {now_s - program.onset_s:.3f} s too late to start"
        refusal = self._gap_problem(now_s) or self._move(Event.INFLATE)
        if refusal is None:
            self._program, self._empty_since_s, self._had_pressure = program, None, True
            self._inflations += 1
            self._inflated_s += program.offset_s - program.onset_s
            self._vent_since_s = None
            self._rules.inflating()
        return refusal

    def end(self, now_s: float) -> None:
        """Expect falling pressure, and stay armed."""
        self._move(Event.END)
        self._begin_to_empty(now_s, anew=True)

    def vent(self, now_s: float) -> None:
        """Expect falling pressure, disarmed. Asking twice does no harm."""
        self._move(Event.VENT)
        self._begin_to_empty(now_s, anew=False)

    def _begin_to_empty(self, now_s: float, *, anew: bool) -> None:
        blind_s = 0.0 if self._program is None else self._rules.blind_for_s(now_s)
        self._distrust = self._distrust or blind_s > BLIND_S
        self._program = None
        if anew or self._vent_since_s is None:
            self._rules.venting()
            mmhg = self.measured_mmhg
            self._low_before_vent = mmhg is None or mmhg < self._set.vented_mmhg
            self._vent_since_s = now_s
            self._vent_failed_said = False

    def _move(self, event: Event) -> str | None:
        here = (self.phase, event)
        if here not in NEXT:
            return REFUSED.get(here, f"not while the cuff is {self.phase}")
        self.phase = NEXT[here]
        return None

    # -- what the pressure says

    @property
    def measured_mmhg(self) -> float | None:
        """Return the higher sensor of the last sample."""
        return self._rules.measured_mmhg

    @property
    def vent_since_s(self) -> float | None:
        """Return when the vent began that is not confirmed yet."""
        return self._vent_since_s

    def vent_confirmed(self, now_s: float) -> bool:
        """Return whether the vent under way is over: shown by the pressure, or nobody can know."""
        since_s = self._vent_since_s
        if since_s is None:
            return False
        if self._measures:
            empty = self._rules.empty_for_s(since_s) >= EMPTY_FOR_S and self.trusted
        else:
            empty = now_s >= since_s + self._set.empty_s
        if not empty:
            return False
        self._vent_since_s = None
        if self._had_pressure:  # a vent of a cuff that was empty starts no new rest
            self._empty_since_s, self._had_pressure = now_s, False
        self._move(Event.EMPTY)
        return True

    @property
    def trusted(self) -> bool:
        """Return whether what the sensors say may be believed: a broken one must not say "empty"."""
        leaked = self.fault is not None and self.fault.code == "shortfall"
        return not (self._distrust or (leaked and self._low_before_vent))

    @property
    def falls(self) -> bool:
        """Return whether a high pressure has been read that was not seen to fall to empty."""
        return self._rules.falls

    def judge_sample(self, sample: Sample) -> FaultReport | None:
        """Return the first fault that this sample shows, once."""
        now_s = sample.arrival_s
        if self._rules.is_new(sample):
            self._fresh_s = now_s  # a frozen device repeats itself: that is no sign of life
        if self._empty_since_s is not None and higher_mmhg(sample) >= self._set.vented_mmhg:
            self._empty_since_s = now_s  # what is left does not rest
        found = self._rules.judge(sample, program=self._program, vent_since_s=self._vent_since_s)
        # after a fault nothing is said twice, but pressure that comes back is vented again
        self.pressure_is_back = (
            found is not None and self.fault is not None and self._vent_since_s is None
        )
        return self._trip(now_s, found)

    # -- what time says

    def task_alive(self, now_s: float) -> None:
        """Take a sign of life of the task."""
        self._task_s = now_s

    def judge_time(self, now_s: float) -> FaultReport | None:
        """Return the first fault that the passing of time shows, once."""
        s, since_s = self._set, self._vent_since_s
        if self.armed and self._measures and not now_s - self._fresh_s <= s.stale_s:
            self._rules.lost_sight()
            message = f"no new pressure sample for {s.stale_s:g} s"
            return self._trip(now_s, Finding("stale_samples", message))
        if self._program is not None and not now_s <= self._program.offset_s + s.overrun_s:
            return self._trip(now_s, Finding("overrun", "an inflation went on past its end"))
        if self.armed and not now_s - self._task_s <= s.patience_s:
            message = f"no sign of life from the task for {s.patience_s:g} s"
            return self._trip(now_s, Finding("task_silent", message))
        if since_s is not None and self._measures and not now_s - since_s <= s.vent_s:
            return self._vent_failed(now_s)
        return None

    def _vent_failed(self, now_s: float) -> FaultReport | None:
        """Say once for each vent that it failed, also when another fault came first."""
        if self._vent_failed_said:
            return None
        self._vent_failed_said = True
        mmhg = self.measured_mmhg
        shown = "unknown" if mmhg is None else f"{mmhg:.0f} mmHg"
        message = f"the cuff did not vent within {self._set.vent_s:g} s (pressure {shown})"
        fault = _report(now_s, Finding("vent_failed", message))
        self.latch(fault)
        return fault

    # -- faults

    def latch(self, fault: FaultReport) -> FaultReport | None:
        """Latch a fault that somebody else found (device, link, operator). Only the first one counts."""
        self._move(Event.FAULT)
        if self.fault is not None:
            return None
        self.fault = fault
        return fault

    def _trip(self, now_s: float, found: Finding | None) -> FaultReport | None:
        if found is None or self.phase not in RULE[found.code].phases:
            return None
        fault = _report(now_s, found)
        latched = self.latch(fault)
        if self._distrust or found.code not in DOUBTFUL:
            return latched
        self._distrust = True
        return fault  # said at once also where another fault came first: nobody knows the cuff to be empty


def _report(now_s: float, found: Finding) -> FaultReport:
    rule = RULE[found.code]
    return FaultReport(
        reason=rule.reason, code=rule.code, time_s=now_s, message=found.message, do=rule.do
    )
