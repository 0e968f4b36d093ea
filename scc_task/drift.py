"""Our clock against the scanner's: a straight line through the numbered pulses. Pure.

Least squares of time on number, without strays. Its slope is the TR as our clock measures it, what is left
over is the jitter of the stamps. How far the slope is from the TR of the protocol is the drift: the pulses
alone cannot say which of the two clocks is wrong, nor a wrong TR from a wrong clock, so beyond
`PLAUSIBLE_PPM` it counts as another TR. The standard errors take the jitter of pulses as independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import hypot, sqrt
from statistics import median
from typing import Final

FEWEST: Final = 3
"""A line through two pulses leaves nothing over to judge it by."""
PLAUSIBLE_PPM: Final = 1000.0
"""Quartz clocks differ by less than 200 ppm (recalled); beyond five times that it is another TR."""
STRAY: Final = 6.0
"""Pulses so many robust standard deviations off the line are left out of it."""
LEAST_S: Final = 0.0005
CERTAIN: Final = 4.0
"""A TR differs when it does so by so many standard errors, and by more than clocks do."""
ALL_PAIRS: Final = 40
"""Of so many pulses every pair is looked at for the slope; of more, only those half the run apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The pulses' line on our clock.

    Attributes
    ----------
    zero_s
        Where the line puts number 0.
    tr_s, tr_error_s
        Time between pulses, and its standard error.
    jitter_s
        Standard deviation of what is left over.
    middle
        Mean number of the pulses that shaped it.
    pulses, left_out
        How many shaped it, and how many strays did not.
    worst_s
        How far off it any pulse is at most, strays too.
    """

    zero_s: float
    tr_s: float
    tr_error_s: float
    jitter_s: float
    worst_s: float
    middle: float
    pulses: int
    left_out: int

    def drift_ppm(self, tr_s: float) -> tuple[float, float]:
        """Return how much longer than the protocol's TR ours is, in millionths, and the standard error."""
        return (self.tr_s / tr_s - 1) * 1e6, self.tr_error_s / tr_s * 1e6

    def tr_differs(self, tr_s: float) -> bool:
        """Return whether the TR is another one: further off than clocks are, and than it is uncertain."""
        ppm, error_ppm = self.drift_ppm(tr_s)
        return abs(ppm) > PLAUSIBLE_PPM + CERTAIN * error_ppm

    @property
    def zero_error_s(self) -> float:
        """Return the standard error of `zero_s`."""
        return self.error_s(0)

    def error_s(self, number: int) -> float:
        """Return the standard error of where the line puts a number."""
        return hypot(self.jitter_s / sqrt(self.pulses), self.tr_error_s * (number - self.middle))

    def off_s(self, number: int, time_s: float) -> float:
        """Return how far off the line a pulse is."""
        return time_s - (self.zero_s + number * self.tr_s)


def line_through(pulses: Sequence[tuple[int, float]]) -> Line | None:
    """Return the line through pulses (number, time), or ``None`` for too few of them.

    Strays shape nothing: a first line is taken from medians, which they do not bend while they are few, and
    what lies far off it is left out of the least squares.
    """
    if len(pulses) < FEWEST:
        return None
    slope_s, begin_s = _of_medians(pulses)
    kept = _near(pulses, [time_s - begin_s - number * slope_s for number, time_s in pulses])
    line = _line(kept, pulses)
    if line is None:
        return None
    # once more: the medians' line is not the best one, and may have left out what belongs to it
    return _line(_near(pulses, [line.off_s(*pulse) for pulse in pulses]), pulses) or line


def _near(pulses: Sequence[tuple[int, float]], off_s: Sequence[float]) -> list[tuple[int, float]]:
    """Return the pulses that are no further off than the others' scatter explains."""
    middle_s = median(off_s)
    scatter_s = 1.4826 * median(abs(off - middle_s) for off in off_s)
    limit_s = STRAY * max(scatter_s, LEAST_S)
    return [p for p, off in zip(pulses, off_s, strict=True) if abs(off - middle_s) <= limit_s]


def _of_medians(pulses: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return slope and beginning of a line as medians (Theil and Sen; of many pulses, of distant pairs)."""
    half = len(pulses) // 2
    if len(pulses) <= ALL_PAIRS:
        pairs = list(combinations(pulses, 2))
    else:
        pairs = list(zip(pulses[:-half], pulses[half:], strict=True))
    slope_s = median((t - s) / (n - m) for (m, s), (n, t) in pairs if n != m)
    return slope_s, median(time_s - number * slope_s for number, time_s in pulses)


def _line(kept: Sequence[tuple[int, float]], of: Sequence[tuple[int, float]]) -> Line | None:
    """Return the least-squares line through some of the pulses."""
    count = len(kept)
    if count < FEWEST:
        return None
    # from the middle: on a clock that counts from the computer's start digits would be lost
    number = sum(n for n, _ in kept) / count
    time_s = kept[0][1] + sum(t - kept[0][1] for _, t in kept) / count
    spread = sum((n - number) ** 2 for n, _ in kept)
    tr_s = sum((n - number) * (t - time_s) for n, t in kept) / spread
    left_s = [t - time_s - tr_s * (n - number) for n, t in kept]
    jitter_s = sqrt(sum(r * r for r in left_s) / (count - 2))
    return Line(
        zero_s=time_s - tr_s * number,
        tr_s=tr_s,
        tr_error_s=jitter_s / sqrt(spread),
        jitter_s=jitter_s,
        worst_s=max(abs(t - time_s - tr_s * (n - number)) for n, t in of),
        middle=number,
        pulses=count,
        left_out=len(of) - count,
    )


def cautious(line: Line | None, usual_s: float) -> Line | None:
    """Return a line with no less than the usual scatter of stamps: a few pulses do not tell it."""
    if line is None or line.jitter_s >= usual_s:
        return line
    more = usual_s / max(line.jitter_s, 1e-9)
    return replace(line, jitter_s=usual_s, tr_error_s=line.tr_error_s * more)
