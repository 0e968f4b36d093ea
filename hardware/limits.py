"""Limits that refuse and never clip: ceilings, inflation times, gaps, doses."""

from dataclasses import dataclass
from typing import Final

from hardware.errors import LimitExceeded

LEAST_MMHG: Final = 15.0
"""Lowest pressure that can be asked for: below it a cuff counts as empty."""

DEFLATION_S: Final = 3.0
"""A cuff is below 15 mmHg this long after a vent, or it is a fault (aim of the NIBP review, assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What nobody may pass. The lowest (for the gap: the highest) of device, site and protocol wins.

    Defaults: a facts review for this study puts the soft ceiling at 250 mmHg (5 % of A2CPS
    participants need more), 90 s for one inflation of a trial, 30 s below 15 mmHg between
    inflations, and 20 min and 60 inflations for a session (assumed, built on IEC 80601-2-30 numbers).
    """

    ceiling_mmhg: float = 250.0
    inflation_s: float = 90.0
    gap_s: float = 30.0
    session_inflated_s: float = 1200.0
    session_inflations: int = 60

    def narrowed(self, other: "Limits") -> "Limits":
        """Return the stricter of two sets of limits, field by field."""
        return Limits(
            ceiling_mmhg=min(self.ceiling_mmhg, other.ceiling_mmhg),
            inflation_s=min(self.inflation_s, other.inflation_s),
            gap_s=max(self.gap_s, other.gap_s),
            session_inflated_s=min(self.session_inflated_s, other.session_inflated_s),
            session_inflations=min(self.session_inflations, other.session_inflations),
        )

    @property
    def rest_s(self) -> float:
        """Return the time that a plan leaves from a vent to the next inflation: deflating, then the gap."""
        return self.gap_s + DEFLATION_S


def check_pressure(requested_mmhg: float, *, ceiling_mmhg: float, where: str) -> float:
    """Return the pressure unchanged, or refuse it.

    Raises
    ------
    LimitExceeded
        If the pressure is not a number from 0 to the ceiling.
    """
    if 0.0 <= requested_mmhg <= ceiling_mmhg:  # NaN fails this, as it must
        return requested_mmhg
    raise LimitExceeded(
        f"{requested_mmhg:g} mmHg is outside 0 to {ceiling_mmhg:g} mmHg",
        where=where,
        do="lower the pressure or recalibrate; the ceiling is set in the rig file and the device",
    )
