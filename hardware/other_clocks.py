"""Times of other clocks of this computer on ours and back: the one place where they are compared.

Both tick alike but may count from different moments. The difference is measured, and its uncertainty
said: nobody promises it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hardware.clock import now_s

BRACKETS: Final = 20
"""The tightest of so many readings: a scheduler's pause spoils one, not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherClock:
    """What has to be added to another clock's time to have it on ours.

    ``uncertainty_s``: the true difference is within this of ``offset_s``.
    """

    offset_s: float
    uncertainty_s: float

    def ours_s(self, theirs_s: float) -> float:
        """Return a time of theirs on our clock."""
        return theirs_s + self.offset_s

    def theirs_s(self, ours_s: float) -> float:
        """Return a time of ours as the other clock has it."""
        return ours_s - self.offset_s


def compare_clocks(
    their_now_s: Callable[[], float], our_now_s: Callable[[], float] = now_s
) -> OtherClock:
    """Read ours, theirs and ours again, several times, and return what the tightest reading says."""
    tightest: OtherClock | None = None
    for _ in range(BRACKETS):
        before_s = our_now_s()
        theirs_s = their_now_s()
        after_s = our_now_s()
        found = OtherClock(
            offset_s=(before_s + after_s) / 2 - theirs_s, uncertainty_s=(after_s - before_s) / 2
        )
        if tightest is None or found.uncertainty_s < tightest.uncertainty_s:
            tightest = found
    assert tightest is not None  # noqa: S101  BRACKETS is not 0
    return tightest
