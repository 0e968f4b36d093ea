"""A population of virtual people for calibrations: how they feel pressure, rate it, and stop it.

The spread of P40 is A2CPS's (lognormal, median 140 mmHg); every other number is assumed. "Mess" adds
what makes calibrations fail: habituation, missing and slow answers, raters in steps of ten, and in
a hundred people one whose ratings are noise and one who does not rate what is felt.
"""

import math
import random
from dataclasses import dataclass
from typing import Final

from hardware.sim.participant import MEDIAN_P40_MMHG, SIGMA_LN_P40, PainCurve

LOWEST_MMHG: Final = 50.0
HIGHEST_MMHG: Final = 400.0
"""P40 outside this is drawn again: 60 and 400 are the lowest and highest in A2CPS (n = 708)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One virtual person.

    Attributes
    ----------
    curve
        What is felt when nothing has changed yet.
    noise
        Standard deviation of a rating in the middle of the scale; less towards its ends.
    drift
        By how much P40 has risen, as a share, after many inflations: above 0 habituation, below 0
        sensitisation.
    avoidance
        How much ratings shrink towards 40 far from it (0: not at all).
    grain
        Ratings come in steps of this.
    missing
        Share of ratings that are never confirmed.
    answer_s
        Median time to an answer.
    guesses
        Share of ratings that have nothing to do with the pressure.
    tolerance_mmhg
        Above this the person stops the inflation (before any drift).
    """

    curve: PainCurve
    tolerance_mmhg: float
    noise: float = 0.0
    drift: float = 0.0
    avoidance: float = 0.0
    grain: float = 1.0
    missing: float = 0.0
    answer_s: float = 3.0
    guesses: float = 0.0

    def change(self, inflations: int) -> float:
        """Return by which factor pressures must rise to feel the same after so many inflations."""
        return 1.0 + self.drift * (1.0 - math.exp(-inflations / 8.0))

    def mean_rating(self, pressure_mmhg: float, *, inflations: int = 0) -> float:
        """Return the rating that this person would give on average, before rounding."""
        felt = self.curve.rating(pressure_mmhg / self.change(inflations))
        if felt == 0.0:
            return 0.0
        return 40.0 + (felt - 40.0) * (1.0 - self.avoidance * abs(felt - 40.0) / 60.0)

    def p40_mmhg(self, *, inflations: int = 0) -> float:
        """Return the pressure that this person rates 40 on average."""
        return self.curve.p40_mmhg * self.change(inflations)

    def bears(self, pressure_mmhg: float, *, inflations: int = 0) -> bool:
        """Return whether this person lets this pressure go on."""
        return pressure_mmhg <= self.tolerance_mmhg * self.change(inflations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person does about an inflation."""

    rating: float | None
    stopped: bool


class Mood:
    """The luck of one person in one calibration: the same seed answers the same way."""

    def __init__(self, person: Person, *, seed: int, slot_s: float = 8.0) -> None:
        self.person, self._slot_s = person, slot_s
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self.inflations = 0

    def meet(self, pressure_mmhg: float) -> Answer:
        """Feel one inflation and answer."""
        person, luck = self.person, self._random
        mean = person.mean_rating(pressure_mmhg, inflations=self.inflations)
        bears = person.bears(pressure_mmhg, inflations=self.inflations)
        self.inflations += 1
        # all luck is drawn in any case, so that the next inflation meets the same luck
        error, guess, guessed = luck.gauss(0.0, 1.0), luck.random(), luck.uniform(0.0, 100.0)
        late = person.answer_s * math.exp(luck.gauss(0.0, 0.35)) > self._slot_s
        missing = luck.random() < person.missing
        if not bears:
            return Answer(rating=None, stopped=True)
        if missing or late:
            return Answer(rating=None, stopped=False)
        share = min(100.0, max(0.0, mean)) / 100.0
        spread = person.noise * (0.4 + 1.2 * math.sqrt(share * (1.0 - share)))
        felt = mean + spread * error if mean > 0.0 else 0.0  # what is not felt is rated 0
        rating = guessed if guess < person.guesses else felt
        rating = round(rating / person.grain) * person.grain
        return Answer(rating=min(100.0, max(0.0, rating)), stopped=False)


def draw_person(seed: int, *, mess: bool = False) -> Person:
    """Return one person of the population; the same seed is the same person, messy or not."""
    source = random.Random(seed)  # noqa: S311  not for secrets
    p40_mmhg = 0.0
    while not LOWEST_MMHG <= p40_mmhg <= HIGHEST_MMHG:
        p40_mmhg = MEDIAN_P40_MMHG * math.exp(source.gauss(0.0, SIGMA_LN_P40))
    curve = PainCurve(
        p40_mmhg=round(p40_mmhg, 1),
        exponent=1.6 * math.exp(source.gauss(0.0, 0.25)),
        threshold=source.uniform(0.3, 0.6),
    )
    noise = 5.0 * math.exp(source.gauss(0.0, 0.3))
    avoidance = source.uniform(0.0, 0.3)
    tolerance_mmhg = curve.pressure_mmhg(source.uniform(70.0, 100.0))
    kind, coarse, drift, slow = (
        source.random(),
        source.random(),
        source.gauss(0.05, 0.08),
        source.random(),
    )
    if not mess:
        return Person(curve=curve, tolerance_mmhg=tolerance_mmhg, noise=noise, avoidance=avoidance)
    return Person(
        curve=curve,
        tolerance_mmhg=tolerance_mmhg,
        noise=25.0 if kind < 0.01 else noise,
        drift=max(-0.2, min(0.3, drift)),
        avoidance=avoidance,
        grain=10.0 if coarse < 0.3 else 1.0,
        missing=0.10,
        answer_s=5.0 if slow < 0.1 else 3.0,
        guesses=1.0 if 0.01 <= kind < 0.02 else 0.0,
    )
