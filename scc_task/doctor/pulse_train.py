"""What a scanner's pulses show without being told the TR: rate, TR, jitter, missed and double ones. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from typing import Final

from scc_task.drift import Line, line_through

DOUBLE: Final = 0.25
"""A pulse sooner than this part of the usual gap after another is that one again (assumed)."""
USUAL: Final = 0.9
"""The usual gap is this quantile of all: more than half may be bounces, few are missed pulses."""
LATE_S: Final = 0.02
"""A stamp so far behind its place, and behind the scatter of the others, is late (assumed)."""
SCATTER: Final = 6.0
LATEST: Final = 0.5
"""A stamp later than this part of a TR is nearer to the next pulse: nobody can say whose it is."""


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
    late
        Those in their places that were stamped late: a scanner is not, a busy computer is.
    gap_s
        How soon the double ones followed, at most.
    line
        Through the others; ``None`` while there are fewer than three. A stray or two do not bend it.
    """

    count: int = 0
    doubled: int = 0
    extra: int = 0
    missed: int = 0
    late: int = 0
    gap_s: float = 0.0
    line: Line | None = None

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
    late = 0
    if line is not None:
        limit_s = max(LATE_S, SCATTER * line.jitter_s)
        late = sum(line.off_s(*pulse) > limit_s for pulse in placed)
    return PulseTrain(
        count=len(times_s),
        doubled=doubled,
        extra=len(singles) - len(placed),
        missed=placed[-1][0] + 1 - len(placed),
        late=late,
        gap_s=gap_s,
        line=line,
    )


def _placed(singles: Sequence[float]) -> list[tuple[int, float]]:
    """Return pulses numbered by their places, without those that have none."""
    gaps_s = [later_s - sooner_s for sooner_s, later_s in pairwise(singles)]
    if not gaps_s:
        return [(0, singles[0])]
    step_s = sorted(gaps_s)[len(gaps_s) // 2]
    rough, number = {0: singles[0]}, 0
    for time_s, gap_s in zip(singles[1:], gaps_s, strict=True):
        number += round(gap_s / step_s)
        rough.setdefault(number, time_s)
    line = line_through(list(rough.items()))
    if line is None:
        return list(rough.items())
    in_place: dict[int, float] = {}
    others = []
    for time_s in singles:
        steps = (time_s - line.zero_s) / line.tr_s
        if abs(steps - round(steps)) <= DOUBLE and round(steps) not in in_place:
            in_place[round(steps)] = time_s
        else:
            others.append(time_s)
    for time_s in others:  # late, where nothing else was heard; else it came between two places
        steps = (time_s - line.zero_s) / line.tr_s
        if steps - floor(steps) <= LATEST:
            in_place.setdefault(floor(steps), time_s)
    first = min(in_place)
    return sorted((number - first, time_s) for number, time_s in in_place.items())
