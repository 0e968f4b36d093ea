"""Our clock against the scanner's: a straight line through the numbered pulses. Pure.

Least squares of time on number. Its slope is the TR as our clock measures it, what is left over is
the jitter of the stamps. How far the slope is from the TR of the protocol is the drift: the pulses alone
cannot say which of the two clocks is wrong, nor a wrong TR from a wrong clock, so beyond `PLAUSIBLE_PPM` it
counts as another TR. The standard errors take the jitter of pulses as independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Final

FEWEST: Final = 3
"""A line through two pulses leaves nothing over to judge it by."""
PLAUSIBLE_PPM: Final = 1000.0
"""Quartz clocks differ by less than 200 ppm (recalled); beyond five times that it is another TR."""
STRAY: Final = 6.0
"""Pulses so many robust standard deviations off the line are left out of it."""
LEAST_S: Final = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The pulses' line on our clock.

    Attributes
    ----------
    zero_s, zero_error_s
        Where the line puts number 0, and its standard error.
    tr_s, tr_error_s
        Time between pulses, and its standard error.
    jitter_s, worst_s
        Standard deviation of what is left over, and the most of it.
    pulses
        How many shaped it.
    """

    zero_s: float
    zero_error_s: float
    tr_s: float
    tr_error_s: float
    jitter_s: float
    worst_s: float
    pulses: int

    def drift_ppm(self, tr_s: float) -> tuple[float, float]:
        """Return how much longer than the protocol's TR ours is, in millionths, and the standard error."""
        return (self.tr_s / tr_s - 1) * 1e6, self.tr_error_s / tr_s * 1e6

    def off_s(self, number: int, time_s: float) -> float:
        """Return how far off the line a pulse is."""
        return time_s - (self.zero_s + number * self.tr_s)


def line_through(pulses: Sequence[tuple[int, float]]) -> Line | None:
    """Return the line through pulses (number, time), or ``None`` for too few of them.

    Strays are left out once.
    """
    line = _line(pulses)
    if line is None:
        return None
    off = [line.off_s(*pulse) for pulse in pulses]
    middle = median(off)
    limit_s = STRAY * max(1.4826 * median(abs(o - middle) for o in off), LEAST_S)
    kept = [p for p, o in zip(pulses, off, strict=True) if abs(o - middle) <= limit_s]
    return line if len(kept) == len(pulses) else _line(kept)


def _line(pulses: Sequence[tuple[int, float]]) -> Line | None:
    count = len(pulses)
    if count < FEWEST:
        return None
    # from the middle: on a clock that counts from the computer's start digits would be lost
    number = sum(n for n, _ in pulses) / count
    time_s = pulses[0][1] + sum(t - pulses[0][1] for _, t in pulses) / count
    spread = sum((n - number) ** 2 for n, _ in pulses)
    tr_s = sum((n - number) * (t - time_s) for n, t in pulses) / spread
    left_s = [t - time_s - tr_s * (n - number) for n, t in pulses]
    jitter_s = sqrt(sum(r * r for r in left_s) / (count - 2))
    return Line(
        zero_s=time_s - tr_s * number,
        zero_error_s=jitter_s * sqrt(1 / count + number**2 / spread),
        tr_s=tr_s,
        tr_error_s=jitter_s / sqrt(spread),
        jitter_s=jitter_s,
        worst_s=max(map(abs, left_s)),
        pulses=count,
    )
