"""Where the scanner's pulses are due: a grid of equal steps that follows them. Pure.

An alpha-beta filter: it begins as a least-squares line through the first pulses (gains of a growing
memory) and becomes one with a fixed memory, so that it follows a clock that drifts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Final

BOUNCE_S: Final = 0.05
"""Two edges closer than this are one contact that bounced: a trigger's pulse is 1 to 50 ms long (assumed)."""
AT_ONCE_S: Final = 0.001
"""Stamps closer than this are of one wake-up of the computer; contacts bounce more slowly (assumed)."""
REACH: Final = 0.1
"""A pulse this part of a TR off its place is still that pulse; further off it is an extra one (assumed)."""
LOCKED: Final = 4
"""So many pulses in their places make a grid that is believed."""
SETTLED: Final = 12
"""So many pulses tell the scatter of the stamps."""
USUAL_NOISE_S: Final = 0.003
"""Scatter of the stamps before it is measured (assumed: a keyboard scans each 1 to 8 ms)."""
LEAST_REACH_S: Final = 0.05
LEAST_SURE_S: Final = 0.003
ENOUGH: Final = 5
"""So many regular pulses make another grid believable."""
EARLY: Final = 12
"""Among so many first edges another grid is looked for, even while some fit the old one."""
SIGMAS: Final = 5.0
ALPHA: Final = 0.2
BETA: Final = ALPHA**2 / (2 - ALPHA)
"""Gains in the long run: a memory of some ten pulses."""


@dataclass(slots=True)
class Grid:
    """A pulse's number, where the grid says it was, and the step to the next.

    ``noise_s``: scatter of the stamps about the grid. ``seen``: how many pulses have shaped it.
    """

    number: int
    time_s: float
    tr_s: float
    noise_s: float = USUAL_NOISE_S
    seen: int = 1

    def place(self, time_s: float) -> tuple[int, float]:
        """Return the nearest number and how far off its place the time is."""
        steps = round((time_s - self.time_s) / self.tr_s)
        return self.number + steps, time_s - self.due_s(self.number + steps)

    def due_s(self, number: int) -> float:
        """Return when a number is due."""
        return self.time_s + (number - self.number) * self.tr_s

    def earliest(self, time_s: float) -> int:
        """Return the first number after the last one whose pulse may have come at a time or later."""
        near_s = REACH * self.tr_s
        return self.number + max(1, ceil((time_s - near_s - self.time_s) / self.tr_s))

    @property
    def locked(self) -> bool:
        """Return whether enough pulses have come in their places."""
        return self.seen >= LOCKED

    @property
    def settled(self) -> bool:
        """Return whether the scatter of the stamps is known."""
        return self.seen >= SETTLED

    @property
    def sure_s(self) -> float:
        """Return how far off its place a pulse is beyond doubt."""
        # at first the step is not well known, and the scatter about the grid is not that of the stamps
        noise_s = self.noise_s if self.settled else min(self.noise_s, USUAL_NOISE_S)
        return min(max(LEAST_SURE_S, SIGMAS * noise_s), REACH * self.tr_s)

    def reach_s(self, number: int) -> float:
        """Return how far off its place a pulse may be; further, the longer nothing was heard."""
        widest_s = REACH * self.tr_s
        if not self.locked:
            return widest_s
        return min(
            max(LEAST_REACH_S, self.sure_s) * (1 + (number - self.number) / 50), 2 * widest_s
        )

    def skip_to(self, number: int) -> None:
        """Go on to a number whose pulse says nothing about its place."""
        self.time_s, self.number = self.due_s(number), number

    def take(self, number: int, off_s: float) -> None:
        """Follow a pulse that came in its place."""
        steps = number - self.number
        sure = abs(off_s) <= self.sure_s
        # a pulse where it should be confirms the step it was expected with: then follow gently
        known = self.seen + (4 if sure else 1)
        if self.locked:
            limit_s = max(self.sure_s, 0.25 * abs(off_s))
            off_s = max(-limit_s, min(limit_s, off_s))
        alpha = max(ALPHA, 2 * (2 * known - 1) / (known * (known + 1)))
        beta = max(BETA, 6 / (known * (known + 1)))
        self.time_s = self.due_s(number) + min(1.0, alpha) * off_s
        self.tr_s += min(1.0, beta) * off_s / steps
        self.number, self.seen = number, self.seen + 1
        gain = max(0.05, 1 / (self.seen + 2))
        heard_s = min(abs(off_s), 3 * self.noise_s)
        self.noise_s = max(0.0005, (self.noise_s**2 + gain * (heard_s**2 - self.noise_s**2)) ** 0.5)


def steps_between(times_s: Sequence[float]) -> tuple[float, list[int]] | None:
    """Return the common step of some times and how many steps lie before each, if they have one.

    Times that are not all in their places have none. Most neighbours must be one step apart.
    """
    gaps_s = [b - a for a, b in pairwise(times_s)]
    step_s = median(gaps_s)
    if step_s <= BOUNCE_S:
        return None
    counts = [round(gap_s / step_s) for gap_s in gaps_s]
    loose_s = max(0.015, 0.03 * step_s)
    fits = all(
        count >= 1 and abs(gap_s - count * step_s) <= loose_s
        for gap_s, count in zip(gaps_s, counts, strict=True)
    )
    if not fits or counts.count(1) < len(counts) - 1:
        return None
    return (times_s[-1] - times_s[0]) / sum(counts), [0, *counts]
