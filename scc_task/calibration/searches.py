"""The rules that search with a model of their own: a Bayesian threshold, and regression on targets."""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from scc_task.calibration.curve import Array, chance_below
from scc_task.calibration.guard import GRID_MMHG
from scc_task.calibration.rules import Seen, Wish
from scc_task.calibration.talk import Finished
from scc_task.protocol.calibration_rules import Regression, Threshold


def threshold_mmhg(
    answers: Sequence[tuple[float, bool]],
    *,
    levels_mmhg: Array,
    log_prior: Array,
    spread_mmhg: Array,
) -> float:
    """Return the pressure above which half of the answers are yes: the posterior's mean.

    Parameters
    ----------
    answers
        Pressure, and whether it was felt as asked (painful, or as strong as the criterion).
    levels_mmhg, log_prior, spread_mmhg
        Where the threshold may be, what is believed before, and its unsharpness there.
    """
    levels, spreads = levels_mmhg, spread_mmhg
    log_weight = log_prior
    for pressure_mmhg, yes in answers:
        chance = chance_below((pressure_mmhg - levels) / spreads)
        chance = 0.02 + 0.96 * chance  # a slip either way must not rule anything out (assumed)
        log_weight = log_weight + np.log(chance if yes else 1.0 - chance)
    weight = np.exp(log_weight - log_weight.max())
    return float((levels * weight).sum() / weight.sum())


class ThresholdSearch:
    """Give the pressure believed to be the threshold, again and again: the most telling one.

    Like QUEST and Awiszus's method, with a lognormal prior and an unsharpness that grows with
    pressure.
    """

    def __init__(self, numbers: Threshold) -> None:
        self._numbers = numbers
        self._levels = np.exp(np.linspace(math.log(20.0), math.log(500.0), 200))
        spread = (np.log(self._levels) - math.log(numbers.mean_mmhg)) / numbers.sd_ln
        self._log_prior = -0.5 * spread**2
        self._spreads = numbers.spread * self._levels

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the believed threshold."""
        given = seen.of("threshold")
        if len(given) >= self._numbers.trials:
            return None
        believed = threshold_mmhg(
            [(p, r >= self._numbers.criterion) for p, r in given],
            levels_mmhg=self._levels,
            log_prior=self._log_prior,
            spread_mmhg=self._spreads,
        )
        # to the nearest grid point, upwards where it lies between: the guard rounds down
        return Wish(
            pressure_mmhg=believed + GRID_MMHG / 2,
            phase="threshold",
            why=f"trial {len(given) + 1} of {self._numbers.trials}: "
            f"rating {self._numbers.criterion:g} is believed at {believed:.0f} mmHg",
        )


class TargetRegression:
    """Pre-exposure, threshold, scaling, then targets from a line through all ratings above 0.

    After CPM-Pressure (UKE Hamburg): `PreExposureAwiszus.m`, `PsychometricScaling.m`,
    `TargetRegressionVAS.m` and `FitData.m`. Its adaptive trials come from a function that was not
    published; here each aims at the target that lies farthest from any rating so far.
    """

    def __init__(self, numbers: Regression, *, targets: Sequence[float]) -> None:
        self._numbers, self._targets = numbers, targets
        low, high = numbers.range_mmhg
        self._levels = np.linspace(low, high, 200)
        self._log_prior = -0.5 * ((self._levels - numbers.mean_mmhg) / numbers.sd_mmhg) ** 2
        self._spreads = np.full(200, numbers.spread_mmhg)

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the next inflation of the four parts."""
        numbers = self._numbers
        exposed = sum(o.request.phase == "familiarise" and o.given for o in seen.outcomes)
        if exposed < len(numbers.pre_exposure_mmhg):
            return Wish(
                pressure_mmhg=numbers.pre_exposure_mmhg[exposed],
                phase="familiarise",
                why="pre-exposure, not rated",
            )
        trials = seen.of("threshold")
        threshold = self._threshold(trials)
        if len(trials) < numbers.trials:
            return Wish(
                pressure_mmhg=threshold + GRID_MMHG / 2,
                phase="threshold",
                why=f"threshold, trial {len(trials) + 1} of {numbers.trials}",
            )
        scaled = len(seen.of("scaling"))
        if scaled < len(numbers.scaling):
            return Wish(
                pressure_mmhg=threshold * numbers.scaling[scaled],
                phase="scaling",
                why=f"{numbers.scaling[scaled]:g} times the threshold of {threshold:.0f} mmHg",
            )
        return self._regressed(seen, threshold)

    def _regressed(self, seen: Seen, threshold: float) -> Wish | None:
        numbers = self._numbers
        done = len(seen.of("regression"))
        points = seen.of("scaling", "regression")
        if done < len(numbers.fixed_ratings):
            aim = numbers.fixed_ratings[done]
        elif done < len(numbers.fixed_ratings) + numbers.adaptive:
            aim = max(self._targets, key=lambda t: min(abs(t - r) for _, r in points))
        else:
            return None
        found = pressure_on_line(points, aim)
        if found is None:
            # its preset steps of 5, 10 and 20 kPa, as shares of the threshold it expects
            preset = (0.15, 0.3, 0.6)[min(done, 2)]
            found = threshold * (1.0 + preset)
        return Wish(
            pressure_mmhg=found,
            phase="regression",
            why=f"rating {aim:g} on the line through {len(points)} ratings",
        )

    def _threshold(self, trials: Sequence[tuple[float, float]]) -> float:
        return threshold_mmhg(
            [(p, r >= self._numbers.criterion) for p, r in trials],
            levels_mmhg=self._levels,
            log_prior=self._log_prior,
            spread_mmhg=self._spreads,
        )


def pressure_on_line(points: Sequence[tuple[float, float]], rating: float) -> float | None:
    """Return where a least-squares line through the ratings above 0 has a rating.

    ``None`` when there is no rising line.
    """
    used = [(p, r) for p, r in points if r > 0.0]
    if len({p for p, _ in used}) < 2:
        return None
    centre_p, centre_r = fmean(p for p, _ in used), fmean(r for _, r in used)
    slope = sum((p - centre_p) * (r - centre_r) for p, r in used) / sum(
        (p - centre_p) ** 2 for p, _ in used
    )
    if slope <= 1e-6:
        return None
    return centre_p + (rating - centre_r) / slope
