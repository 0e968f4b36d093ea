"""The interlock as data: its phases, what may follow what, and every rule with its reaction.

`hardware.interlock` is driven by these tables, and ``docs/interlock.md`` is written from them.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hardware.limits import DEFLATION_S, LEAST_MMHG
from hardware.states import StopReason


class Phase(enum.StrEnum):
    """What is expected of the cuff."""

    IDLE = "idle"
    """Nothing is asked for; the device is not armed by us."""
    ARMED = "armed"
    """Empty and ready; any pressure is unasked for."""
    INFLATING = "inflating"
    """A program runs: its pressure is expected, from its onset to its offset."""
    DEFLATING = "deflating"
    """A program has ended as planned; the pressure has to fall."""
    DUMPING = "dumping"
    """Somebody asked for a vent; disarmed, the pressure has to fall."""
    FAULT = "fault"
    """A fault is latched; disarmed, vented, and nothing but a new run leads out."""


class Event(enum.StrEnum):
    """What moves the interlock from phase to phase."""

    ARM = "arm"
    INFLATE = "inflate"
    END = "end"
    EMPTY = "empty"
    VENT = "vent"
    FAULT = "fault"


NEXT: Final[Mapping[tuple[Phase, Event], Phase]] = {
    (Phase.IDLE, Event.ARM): Phase.ARMED,
    (Phase.IDLE, Event.VENT): Phase.DUMPING,
    (Phase.IDLE, Event.FAULT): Phase.FAULT,
    (Phase.ARMED, Event.INFLATE): Phase.INFLATING,
    (Phase.ARMED, Event.VENT): Phase.DUMPING,
    (Phase.ARMED, Event.FAULT): Phase.FAULT,
    (Phase.INFLATING, Event.END): Phase.DEFLATING,
    (Phase.INFLATING, Event.VENT): Phase.DUMPING,
    (Phase.INFLATING, Event.FAULT): Phase.FAULT,
    (Phase.DEFLATING, Event.EMPTY): Phase.ARMED,
    (Phase.DEFLATING, Event.VENT): Phase.DUMPING,
    (Phase.DEFLATING, Event.FAULT): Phase.FAULT,
    (Phase.DUMPING, Event.EMPTY): Phase.IDLE,
    (Phase.DUMPING, Event.VENT): Phase.DUMPING,
    (Phase.DUMPING, Event.FAULT): Phase.FAULT,
    (Phase.FAULT, Event.EMPTY): Phase.FAULT,
    (Phase.FAULT, Event.VENT): Phase.FAULT,
    (Phase.FAULT, Event.FAULT): Phase.FAULT,
}
"""Where an event leads. What is not here is refused."""

REFUSED: Final[Mapping[tuple[Phase, Event], str]] = {
    (Phase.ARMED, Event.ARM): "the cuff is armed already",
    (Phase.INFLATING, Event.ARM): "the cuff is inflated",
    (Phase.DEFLATING, Event.ARM): "the cuff is not empty yet",
    (Phase.DUMPING, Event.ARM): "the cuff is not empty yet",
    (Phase.FAULT, Event.ARM): "a fault is latched: start a new run",
    (Phase.IDLE, Event.INFLATE): "the cuff is not armed",
    (Phase.INFLATING, Event.INFLATE): "the cuff is inflated already",
    (Phase.DEFLATING, Event.INFLATE): "the cuff is not empty yet",
    (Phase.DUMPING, Event.INFLATE): "the cuff is not armed",
    (Phase.FAULT, Event.INFLATE): "a fault is latched: start a new run",
}
"""Why what is not in `NEXT` is refused, where anybody may ask for it."""

ARMED_PHASES: Final = frozenset({Phase.ARMED, Phase.INFLATING, Phase.DEFLATING})
"""Phases in which the device's lease is renewed, and the task and the pressure must not fall silent."""


HIGH_MMHG: Final = 60.0
"""A vent from at least this is long enough to be timed with 20 samples a second (assumed)."""
SURELY_ASKED_MMHG: Final = 2 * LEAST_MMHG
"""A sensor that reads less than half of it sees none of what is asked for (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockSettings:
    """When to vent. ``_mmhg`` are pressures, ``_s`` times. What each is for: `RULES`.

    From a review of NIBP limits for this kind of study (assumed, built on IEC 80601-2-30): overshoot
    20 mmHg for 1 s, shortfall 20 mmHg for 3 s after the ramp, 0.5 s without a sample, deflation to
    15 mmHg within 3 s as the aim and 10 s as the limit. Assumed without a source: ``unasked``,
    ``residual``, ``overrun``, ``disobeyed``, ``frozen``, ``ramp``, ``rise``, ``no_rise`` and ``fall``.
    ``rise_mmhg_per_s`` is above what a rapid inflator needs (300 mmHg in 0.4 s), ``no_rise_s`` for a slow
    supply and a long hose. ``fall_s`` lies between two falls from `HIGH_MMHG` to empty: the air in front of
    a kink takes 28 ms, which samples show as one or two of their intervals, and an honest cuff. What that
    takes is the device's: the supervisor sets `Capabilities.fastest_fall_s`, whatever stands here.
    ``frozen_s`` is ``None`` for a device whose steps are coarser than its noise. ``patience_s``: longest
    silence of the task.
    """

    overshoot_mmhg: float = 20.0
    overshoot_s: float = 1.0
    shortfall_mmhg: float = 20.0
    shortfall_s: float = 3.0
    ramp_s: float = 5.0
    rise_mmhg_per_s: float = 800.0
    unasked_mmhg: float = 20.0
    unasked_s: float = 0.5
    residual_s: float = 10.0
    no_rise_s: float = 3.0
    fall_s: float = 0.2
    stale_s: float = 0.5
    vented_mmhg: float = 15.0
    vent_s: float = 10.0
    overrun_s: float = 0.3
    disobeyed_s: float = 0.3
    empty_s: float = DEFLATION_S
    frozen_s: float | None = 5.0
    patience_s: float = 0.5


CHECK_CUFF: Final = "make sure that the cuff is empty, look for the cause, then start a new run"
DISCONNECT: Final = "disconnect the hose from the cuff now, then check cable and power"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: it trips, the cuff is vented, the fault latches.

    ``settings`` are fields of `InterlockSettings`.
    """

    code: str
    phases: tuple[Phase, ...]
    says: str
    settings: tuple[str, ...] = ()
    reason: StopReason = StopReason.CUFF_FAULT
    do: str = CHECK_CUFF


_ANY: Final = tuple(Phase)
_VENTING: Final = (Phase.DEFLATING, Phase.DUMPING, Phase.FAULT)
_ARMED: Final = tuple(phase for phase in Phase if phase in ARMED_PHASES)

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="implausible",
        phases=_ANY,
        says="a reading that no cuff can have: below -50 mmHg, or not a number",
    ),
    Rule(
        code="overpressure",
        phases=_ANY,
        says="two samples in a row above the device's ceiling (one may be noise)",
    ),
    Rule(
        code="rise_rate",
        phases=_ANY,
        says="the pressure rises faster than this, measured over 0.2 s, in two samples in a row: a runaway "
        "regulator, or a kinked hose, with little air in front of the kink",
        settings=("rise_mmhg_per_s",),
        do=DISCONNECT,
    ),
    Rule(
        code="overshoot",
        phases=(Phase.INFLATING,),
        says="more than this above what is asked for at that moment, for longer than that",
        settings=("overshoot_mmhg", "overshoot_s"),
    ),
    Rule(
        code="shortfall",
        phases=(Phase.INFLATING,),
        says="more than this below the target for longer than that, once the time to get there is over: "
        "a leak, a hose that came off, no supply",
        settings=("shortfall_mmhg", "shortfall_s", "ramp_s"),
    ),
    Rule(
        code="no_rise",
        phases=(Phase.INFLATING,),
        says="nothing above 15 mmHg was read for longer than this while 30 mmHg or more were asked for: a "
        "dead sensor, a hose that is off, no supply",
        settings=("no_rise_s",),
        do=DISCONNECT,
    ),
    Rule(
        code="frozen_sensors",
        phases=(Phase.INFLATING,),
        says="all sensors repeat the same number for longer than this",
        settings=("frozen_s",),
    ),
    Rule(
        code="overrun",
        phases=(Phase.INFLATING,),
        says="the inflation goes on this long past its planned end",
        settings=("overrun_s",),
    ),
    Rule(
        code="unasked_pressure",
        phases=(Phase.IDLE, Phase.ARMED),
        says="more than this, or a closed valve, for longer than that; or not below 15 mmHg for longer than "
        "the third",
        settings=("unasked_mmhg", "unasked_s", "residual_s"),
    ),
    Rule(
        code="fast_fall",
        phases=_VENTING,
        says="from 60 mmHg to below 15 in less than this: no cuff on this device empties so fast, a kinked "
        "hose does. Said also after another fault. Where the device restarted or went silent meanwhile, or "
        "the wire was away, only what is seen of the fall after that counts",
        settings=("fall_s",),
        do=DISCONNECT,
    ),
    Rule(
        code="vent_disobeyed",
        phases=_VENTING,
        says="the valve still closed this long after a vent was asked for",
        settings=("disobeyed_s",),
        do=DISCONNECT,
    ),
    Rule(
        code="rising_after_vent",
        phases=_VENTING,
        says="the pressure rises by this above the highest of the first 0.25 s after a vent",
        settings=("overshoot_mmhg",),
        do=DISCONNECT,
    ),
    Rule(
        code="slow_vent",
        phases=_VENTING,
        says="not below this that long after a vent",
        settings=("vented_mmhg", "empty_s"),
        do=DISCONNECT,
    ),
    Rule(
        code="vent_failed",
        phases=_VENTING,
        says="not below this that long after a vent; said also after another fault",
        settings=("vented_mmhg", "vent_s"),
        do=DISCONNECT,
    ),
    Rule(
        code="stale_samples",
        phases=_ARMED,
        says="no new pressure sample for longer than this; a device that repeats itself counts as silent",
        settings=("stale_s",),
        reason=StopReason.CUFF_LINK_LOST,
        do=DISCONNECT,
    ),
    Rule(
        code="task_silent",
        phases=_ARMED,
        says="no sign of life from the task for longer than this",
        settings=("patience_s",),
        reason=StopReason.TASK_SILENT,
        do="the cuff was vented; look for what kept the task from working",
    ),
)
"""Every rule that judges samples and time, in the order in which they are asked."""

RULE: Final[Mapping[str, Rule]] = {rule.code: rule for rule in RULES}

DOUBTFUL: Final = frozenset({"implausible", "frozen_sensors", "no_rise", "fast_fall"})
"""Faults after which the sensors confirm no vent, whichever came first. A shortfall before which they read
low already is such a one too."""

NOT_EMPTY: Final = frozenset(
    {
        "implausible",
        "frozen_sensors",
        "no_rise",
        "fast_fall",
        "vent_disobeyed",
        "rising_after_vent",
        "slow_vent",
        "vent_failed",
        "stale_samples",
        "link_lost",
        "supervisor_lost",
    }
)
"""Faults after which nobody knows the cuff to be empty: every screen says to disconnect the hose."""
