"""What the cuff measured while it held the pressures that were rated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

OFF_MMHG: Final = 10.0
"""A hold so far from what was asked for is another pressure: two steps of the pressures' grid (assumed)."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A rated inflation: the pressure asked for, and the median of what was measured meanwhile."""

    asked_mmhg: float
    measured_mmhg: float

    @property
    def off_mmhg(self) -> float:
        """Return how far it was off."""
        return abs(self.measured_mmhg - self.asked_mmhg)


def worst_off(holds: Iterable[Hold]) -> Hold | None:
    """Return the hold that was farthest off, if it was another pressure than the one asked for."""
    worst = max(holds, key=lambda hold: hold.off_mmhg, default=None)
    return worst if worst is not None and worst.off_mmhg > OFF_MMHG else None
