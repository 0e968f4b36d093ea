"""How ratings rise with pressure: a posterior over bounded rising curves, robust to stray ratings.

The model: on the logit scale a rating rises in a straight line with pressure or with its logarithm,

    logit(rating / 100) = logit(0.4) + steepness * f(pressure / P40),   f(x) = x - 1  or  ln x

so a curve has three unknowns: P40, steepness and shape (which f). It always rises, stays within
0 to 100, and its first unknown is what a calibration is for. A straight line leaves the scale and
bends to whatever was given far from the target; a free monotone curve (isotonic) has no width and
follows each stray rating; with six to twelve ratings, more unknowns are not to be had.

A rating scatters around its curve by a fourth unknown, the noise: most in the middle of the scale,
less towards the ends, where a mark can move one way only. With a share of `STRAY` it has nothing
to do with the pressure (a slip, a mix-up), so that one absurd rating does not carry the
result. Ratings of 0 and 100 count as "this or beyond".

The posterior lies on a grid: no sampling, no start values, nothing that fails to converge, the same
numbers on every machine; one rating is one multiplication, so that each inflation can be chosen from
all ratings so far.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from scc_task.protocol.calibration_rules import Estimate

Array = npt.NDArray[np.float64]

STRAY: Final = 0.05
"""Share of ratings that have nothing to do with the pressure (assumed)."""

_STEEPNESS: Final = np.exp(np.linspace(math.log(1.5), math.log(14.0), 12))
_STEEPNESS_PRIOR: Final = (math.log(4.5), 0.5)  # median, sd of ln (assumed)
_SHAPES: Final = ("linear", "logarithmic")
_NOISE: Final = np.array([2.5, 4.0, 6.0, 9.0, 14.0, 22.0])
_NOISE_PRIOR: Final = np.array([0.1, 0.22, 0.26, 0.22, 0.14, 0.06])  # assumed
_NOISE_OF_CHANCE: Final = 35.0
_LOGIT_40: Final = math.log(0.4 / 0.6)
_P40_POINTS: Final = 161  # 1.8 % apart: half of what pressures are rounded to
_LOWEST_P40: Final = 30.0
_HIGHEST_P40: Final = 500.0


class _Grid:
    """Every curve of the grid: P40 x steepness x shape; and the prior with noise as last axis."""

    def __init__(self, median_mmhg: float, sd_ln: float) -> None:
        p40 = np.exp(np.linspace(math.log(_LOWEST_P40), math.log(_HIGHEST_P40), _P40_POINTS))
        shape = (len(p40), len(_STEEPNESS), len(_SHAPES))
        self.p40 = np.broadcast_to(p40[:, None, None], shape).reshape(-1)
        self.steepness = np.broadcast_to(_STEEPNESS[None, :, None], shape).reshape(-1)
        self.linear = np.broadcast_to(np.array([True, False]), shape).reshape(-1)
        centre, spread = _STEEPNESS_PRIOR
        log_prior = (
            -0.5 * ((np.log(self.p40) - math.log(median_mmhg)) / sd_ln) ** 2
            - 0.5 * ((np.log(self.steepness) - centre) / spread) ** 2
        )
        self.log_prior: Array = log_prior[:, None] + np.log(_NOISE_PRIOR)[None, :]

    def rating(self, pressure_mmhg: float) -> Array:
        """Return the rating of a pressure under every curve."""
        ratio = pressure_mmhg / self.p40
        bend = np.where(self.linear, ratio - 1.0, np.log(ratio))
        curve: Array = 100.0 / (1.0 + np.exp(-(_LOGIT_40 + self.steepness * bend)))
        return curve

    def pressure_mmhg(self, rating: float) -> Array:
        """Return the pressure of a rating under every curve."""
        share = rating / 100.0
        bend = (math.log(share / (1.0 - share)) - _LOGIT_40) / self.steepness
        ratio: Array = np.where(self.linear, np.maximum(0.0, 1.0 + bend), np.exp(bend))
        pressures: Array = self.p40 * ratio
        return pressures


@lru_cache(maxsize=8)
def _grid(median_mmhg: float, sd_ln: float) -> _Grid:
    return _Grid(median_mmhg, sd_ln)


@lru_cache(maxsize=96)
def _expected(grid: _Grid, pressure_mmhg: float) -> tuple[Array, Array]:
    """Return mean and scatter of the ratings of a pressure, under every curve and noise."""
    mean = grid.rating(pressure_mmhg)[:, None]
    share = mean / 100.0
    return mean, _NOISE[None, :] * (0.4 + 1.2 * np.sqrt(share * (1.0 - share)))


def _log_likelihood(grid: _Grid, pressure_mmhg: float, rating: float) -> Array:
    """Return how likely a rating is under every curve and noise."""
    return _log_fit(rating, *_expected(grid, pressure_mmhg))


def _log_fit(rating: float, mean: Array, spread: Array) -> Array:
    """Return how likely a rating is for these means and scatters; it may be a stray one."""
    if rating <= 0.0:
        fits = chance_below((0.5 - mean) / spread)
    elif rating >= 100.0:
        fits = chance_below((mean - 99.5) / spread)
    else:
        fits = np.exp(-0.5 * ((rating - mean) / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
    likelihood: Array = np.log((1.0 - STRAY) * fits + STRAY / 101.0)
    return likelihood


class Posterior:
    """What is believed of a person's curve after some ratings; unchanging, `after` gives a new one."""

    def __init__(self, grid: _Grid, log_weight: Array) -> None:
        self._grid, self._log_weight = grid, log_weight
        weight = np.exp(log_weight - log_weight.max()).sum(axis=1)
        self._weight: Array = weight / weight.sum()

    @classmethod
    def before(cls, expected: Estimate) -> Self:
        """Return what is believed before any rating."""
        grid = _grid(expected.median_mmhg, expected.sd_ln)
        return cls(grid, grid.log_prior)

    def after(self, pressure_mmhg: float, rating: float) -> "Posterior":
        """Return what is believed after one more rating.

        Raises
        ------
        ValueError
            If the pressure is not above 0, or the rating not within 0 to 100.
        """
        if not (0.0 < pressure_mmhg < math.inf and 0.0 <= rating <= 100.0):
            raise ValueError(f"no rating of a pressure: {rating} at {pressure_mmhg} mmHg")
        likelihood = _log_likelihood(self._grid, float(pressure_mmhg), float(rating))
        return Posterior(self._grid, self._log_weight + likelihood)

    @property
    def log_evidence(self) -> float:
        """Return the log of how likely the ratings were, if they rise with pressure."""
        return _log_sum(self._log_weight) - _log_sum(self._grid.log_prior)

    def pressures_mmhg(self, rating: float, shares: tuple[float, ...]) -> tuple[float, ...]:
        """Return quantiles of the pressure of a rating."""
        return _quantiles(self._grid.pressure_mmhg(rating), self._weight, shares)

    def ratings(self, pressure_mmhg: float, shares: tuple[float, ...]) -> tuple[float, ...]:
        """Return quantiles of the mean rating of a pressure."""
        return _quantiles(self._grid.rating(pressure_mmhg), self._weight, shares)


def log_evidence_of_chance(ratings: Sequence[float]) -> float:
    """Return the log of how likely ratings were, if they have nothing to do with the pressure.

    They scatter about one rating that lies anywhere on the scale, by any of the noises of the model or
    by more than it knows.
    """
    mean = np.linspace(1.0, 99.0, 50)[:, None]
    noise = np.append(_NOISE, _NOISE_OF_CHANCE)[None, :]
    share = mean / 100.0
    spread = noise * (0.4 + 1.2 * np.sqrt(share * (1.0 - share)))
    log_weight = np.full(spread.shape, -math.log(spread.size))
    for rating in ratings:
        log_weight = log_weight + _log_fit(rating, mean, spread)
    return _log_sum(log_weight)


def _log_sum(log_values: Array) -> float:
    return float(np.logaddexp.reduce(log_values.ravel()))


def chance_below(z: Array) -> Array:
    """Return the chance that a standard scatter lies below ``z``.

    Logistic with 1.702, within 0.01 of the normal distribution.
    """
    chance: Array = 1.0 / (1.0 + np.exp(-1.702 * np.clip(z, -30.0, 30.0)))
    return chance


def _quantiles(values: Array, weight: Array, shares: tuple[float, ...]) -> tuple[float, ...]:
    order = np.argsort(values, kind="stable")
    ordered, summed = values[order], np.cumsum(weight[order]) - 0.5 * weight[order]
    return tuple(float(np.interp(share, summed, ordered)) for share in shares)
