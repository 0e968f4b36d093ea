"""A straight line through pairs of pressures, and whether the second of each pair can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scc_task.doctor.results import Verdict

GOOD_MMHG: Final = 3.0
GOOD_SHARE: Final = 0.02
"""3 mmHg or 2 %, whichever is greater: the static error that IEC 80601-2-30 allows (recalled)."""
BAD_MMHG: Final = 10.0
BAD_SHARE: Final = 0.05
"""From here on a stimulus is another one than was asked for (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """``found = slope * given + offset_mmhg``, by least squares.

    ``residual_mmhg``: standard deviation about the line (two degrees of freedom less; 0 for two
    points). ``worst_mmhg``: the largest difference found - given, with its sign, at ``worst_at_mmhg``.
    """

    slope: float
    offset_mmhg: float
    residual_mmhg: float
    worst_mmhg: float
    worst_at_mmhg: float


def fit_line(given_mmhg: Sequence[float], found_mmhg: Sequence[float]) -> Fit:
    """Return the line through the points.

    Raises
    ------
    ValueError
        If there are fewer than two different given pressures.
    """
    if len(set(given_mmhg)) < 2 or len(given_mmhg) != len(found_mmhg):
        raise ValueError("a line needs two different points")
    x, y = np.asarray(given_mmhg, dtype=float), np.asarray(found_mmhg, dtype=float)
    slope, offset = (float(value) for value in np.polyfit(x, y, 1))
    left = y - (slope * x + offset)
    freedom = max(1, len(x) - 2)
    worst = int(np.argmax(np.abs(y - x)))
    return Fit(
        slope=slope,
        offset_mmhg=offset,
        residual_mmhg=float(np.sqrt(np.sum(left**2) / freedom)),
        worst_mmhg=float((y - x)[worst]),
        worst_at_mmhg=float(x[worst]),
    )


def slope_per_s(times_s: Sequence[float], values: Sequence[float]) -> float:
    """Return how fast values change, by least squares."""
    return float(np.polyfit(np.asarray(times_s) - times_s[0], np.asarray(values), 1)[0])


def judge_points(
    given_mmhg: Sequence[float], found_mmhg: Sequence[float], *, resolution_mmhg: float
) -> Verdict:
    """Return whether every found pressure is near enough to the given one.

    Parameters
    ----------
    resolution_mmhg
        The step of the coarser reading; nothing can be nearer than that.
    """
    verdict = Verdict.OK
    for given, found in zip(given_mmhg, found_mmhg, strict=True):
        error = abs(found - given) - resolution_mmhg
        # written so that NaN is bad
        if not error <= max(BAD_MMHG, BAD_SHARE * given):
            return Verdict.FAIL
        if not error <= max(GOOD_MMHG, GOOD_SHARE * given):
            verdict = Verdict.WARN
    return verdict
