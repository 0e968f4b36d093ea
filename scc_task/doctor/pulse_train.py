"""What a scanner's pulses show without being told the TR: rate, TR, jitter, missed and double ones. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scc_task.drift import Line, line_through

DOUBLE: Final = 0.25
"""A pulse sooner than this part of the usual gap after another is that one again (assumed)."""
USUAL: Final = 0.9
"""The usual gap is this quantile of all: more than half may be bounces, few are missed pulses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseTrain:
    """Pulses as they were heard.

    Attributes
    ----------
    count
        All of them.
    doubled, extra, missed
        Those that followed another at once, those that came between two places, and those that
        should have come.
    gap_s
        How soon the double ones followed, at most.
    line
        Through the others; ``None`` while there are fewer than three. A stray or two do not bend it.
    worst_s
        How far off the line one of the others is at most, strays too.
    """

    count: int = 0
    doubled: int = 0
    extra: int = 0
    missed: int = 0
    gap_s: float = 0.0
    line: Line | None = None
    worst_s: float = 0.0

    @property
    def counted(self) -> int:
        """Return how many pulses are in their places."""
        return self.count - self.doubled - self.extra


def read_train(times_s: Sequence[float]) -> PulseTrain:
    """Return what pulses at these times show."""
    if len(times_s) < 2:
        return PulseTrain(count=len(times_s))
    gaps_s = sorted(later_s - sooner_s for sooner_s, later_s in pairwise(times_s))
    near_s = DOUBLE * gaps_s[min(len(gaps_s) - 1, int(USUAL * len(gaps_s)))]
    singles, gap_s = [times_s[0]], 0.0
    for time_s in times_s[1:]:
        if time_s - singles[-1] < near_s:
            gap_s = max(gap_s, time_s - singles[-1])
        else:
            singles.append(time_s)
    doubled = len(times_s) - len(singles)
    placed = _placed(singles)
    line = line_through(placed)
    off_s = [abs(line.off_s(*pulse)) for pulse in placed] if line else []
    return PulseTrain(
        count=len(times_s),
        doubled=doubled,
        extra=len(singles) - len(placed),
        missed=placed[-1][0] + 1 - len(placed),
        gap_s=gap_s,
        line=line,
        worst_s=max(off_s, default=0.0),
    )


def _placed(singles: Sequence[float]) -> list[tuple[int, float]]:
    """Return pulses numbered by the usual step between them, without those between two places."""
    gaps_s = sorted(later_s - sooner_s for sooner_s, later_s in pairwise(singles))
    if not gaps_s:
        return [(0, singles[0])]
    step_s = gaps_s[len(gaps_s) // 2]
    placed = [(0, singles[0])]
    for time_s in singles[1:]:
        number, last_s = placed[-1]
        steps = (time_s - last_s) / step_s
        if abs(steps - round(steps)) <= DOUBLE and round(steps) >= 1:
            placed.append((number + round(steps), time_s))
    return placed
