"""The blocks of a calibration protocol that hold the numbers of its procedures, estimate and gates."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from scc_task.protocol.base import HARDEST_CEILING_MMHG, LONGEST_INFLATION_S, Model, refuse

Mmhg = Annotated[float, Field(gt=0, le=HARDEST_CEILING_MMHG)]
Hold = Annotated[float, Field(ge=1, le=LONGEST_INFLATION_S)]
"""Seconds from the command to the vent."""

GRID_MMHG: Final = 5.0
"""Pressures are asked for in these steps (assumed; finer than any rating can tell)."""
LOWEST_MMHG: Final = 20.0
"""Nothing lower is asked for: 15 mmHg counts as an empty cuff."""


def on_grid(mmhg: float) -> float:
    """Return a pressure that can be given, or refuse one that would be changed to another in silence."""
    if mmhg % GRID_MMHG:
        refuse(
            f"{mmhg:g} mmHg is not given: pressures rise by {GRID_MMHG:g} mmHg",
            do=f"write {mmhg - mmhg % GRID_MMHG:g} or {mmhg - mmhg % GRID_MMHG + GRID_MMHG:g}",
        )
    return mmhg


Given = Annotated[float, Field(ge=LOWEST_MMHG, le=HARDEST_CEILING_MMHG), AfterValidator(on_grid)]
"""A pressure as it is given, in mmHg."""
SearchMmhg = Annotated[float, Field(ge=LOWEST_MMHG, le=HARDEST_CEILING_MMHG)]
StepMmhg = Annotated[float, Field(ge=GRID_MMHG, le=HARDEST_CEILING_MMHG)]

Multiple = Annotated[float, Field(gt=0, le=5)]
Rating = Annotated[float, Field(gt=0, lt=100)]


class Familiarise(Model):
    """First inflations, so that the cuff is known; not rated, not in the estimate."""

    mmhg: Annotated[float, AfterValidator(on_grid)] = Field(
        ge=20, le=80, description="pressure, also the highest first one, in mmHg", examples=[60]
    )
    hold_s: Hold = Field(description="how long, in seconds", examples=[10])
    count: int = Field(ge=0, le=5, description="how often", examples=[2])


class Ascent(Model):
    """Rise in coarse, then fine steps until the target is passed."""

    start_mmhg: Given = Field(description="first rated pressure, in mmHg", examples=[60])
    coarse_mmhg: StepMmhg = Field(
        description="step until fine_from is rated, in mmHg", examples=[20]
    )
    fine_mmhg: StepMmhg = Field(description="step from then on, in mmHg", examples=[10])
    fine_from: Rating = Field(description="first rating from which steps are fine", examples=[20])
    beyond: float = Field(
        ge=0, le=30, description="the rise ends at the target plus this rating", examples=[5]
    )
    adaptive: bool = Field(
        description="true: the step is as large as the estimate so far allows, up to the coarse one; "
        "false: steps are as written",
        examples=[True],
    )
    insufficient_below: Rating = Field(
        description="refuse when no rating at the cap reaches this", examples=[30]
    )

    @model_validator(mode="after")
    def _fine_is_finer(self) -> Self:
        if self.fine_mmhg > self.coarse_mmhg:
            refuse(
                f"the fine step, {self.fine_mmhg:g} mmHg, is larger than the coarse one",
                do=f"write {self.coarse_mmhg:g} or less",
                at=("fine_mmhg",),
            )
        return self


class Threshold(Model):
    """Search the pressure rated ``criterion`` or more half of the time (Bayesian)."""

    trials: int = Field(ge=3, le=30, description="how many rated inflations", examples=[8])
    criterion: Rating = Field(
        description="rating that counts as reached: 40 for the target, 1 for the pain threshold",
        examples=[40],
    )
    mean_mmhg: Mmhg = Field(description="what is expected before, in mmHg", examples=[140])
    sd_ln: float = Field(
        gt=0, le=1, description="spread of people, as a share (sd of ln)", examples=[0.35]
    )
    spread: float = Field(
        gt=0,
        le=0.5,
        description="how unsharp one person's threshold is, as a share",
        examples=[0.1],
    )


class Staircase(Model):
    """Up after a rating below the target, down after one at or above it."""

    start_mmhg: Given = Field(description="first rated pressure, in mmHg", examples=[60])
    steps_mmhg: tuple[StepMmhg, ...] = Field(
        min_length=1,
        max_length=5,
        description="step before the first reversal, after it, ...; the last one stays",
        examples=["[20, 10, 5]"],
    )
    reversals: int = Field(ge=2, le=12, description="ends after so many reversals", examples=[5])


class Regression(Model):
    """Pre-exposure, pain threshold, scaling, then targets from a line through all ratings."""

    pre_exposure_mmhg: tuple[Given, ...] = Field(
        max_length=4, description="not rated, in mmHg", examples=["[40, 60]"]
    )
    trials: int = Field(ge=1, le=12, description="inflations for the threshold", examples=[6])
    criterion: Rating = Field(description="rating that counts as painful", examples=[1])
    mean_mmhg: Mmhg = Field(description="threshold expected before, in mmHg", examples=[63])
    sd_mmhg: Mmhg = Field(description="its spread between people, in mmHg", examples=[22])
    spread_mmhg: Mmhg = Field(description="its spread within a person, in mmHg", examples=[8])
    range_mmhg: tuple[SearchMmhg, SearchMmhg] = Field(
        description="where the threshold is searched, in mmHg", examples=["[30, 200]"]
    )
    scaling: tuple[Multiple, ...] = Field(
        min_length=1,
        max_length=8,
        description="inflations at these multiples of the threshold",
        examples=["[1.25, 1.5, 1.75, 1.5]"],
    )
    fixed_ratings: tuple[Rating, ...] = Field(
        max_length=6, description="then at the pressures of these ratings", examples=["[10, 30]"]
    )
    adaptive: int = Field(
        ge=0,
        le=6,
        description="then so many, each at the target farthest from any rating",
        examples=[3],
    )

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        low, high = self.range_mmhg
        if high <= low:
            refuse(
                f"the threshold cannot be searched from {low:g} to {high:g} mmHg",
                do="write the lower end first, e.g. [30, 200]",
                at=("range_mmhg",),
            )
        return self


class Fixed(Model):
    """A list of pressures in random order, as far as the safety rules allow."""

    levels_mmhg: tuple[Given, ...] = Field(
        min_length=3,
        max_length=20,
        description="in rising order, no further apart than step_mmhg of 'safety'",
        examples=["[60, 80, 100]"],
    )
    until: Rating = Field(
        description="levels above one that was rated so are left out", examples=[60]
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        for position, level in enumerate(self.levels_mmhg[1:], start=1):
            if level <= self.levels_mmhg[position - 1]:
                refuse(
                    f"{level:g} mmHg does not rise",
                    do="write the levels in rising order, each once",
                    at=("levels_mmhg", position),
                )
        return self


class Confirm(Model):
    """Give the found pressure again before it is believed."""

    times: int = Field(ge=1, le=4, description="so often in a row", examples=[2])
    within: float = Field(
        gt=0, le=30, description="each rating this close to the target", examples=[10]
    )
    tries: int = Field(ge=1, le=6, description="at most so many pressures", examples=[3])
    step_mmhg: StepMmhg = Field(
        description="the next try lies at most so far from a pressure that failed, in mmHg",
        examples=[10],
    )


class Estimate(Model):
    """What is expected of people before any rating, and how results are given."""

    median_mmhg: Mmhg = Field(
        description="pressure rated 40 in the middle of the population, in mmHg", examples=[140]
    )
    sd_ln: float = Field(gt=0, le=2, description="its spread (sd of ln)", examples=[0.6])
    interval: float = Field(
        gt=0.5, lt=1, description="share that an interval covers", examples=[0.9]
    )
    round_down_mmhg: float = Field(
        ge=1, le=20, description="pressures are rounded down to this, in mmHg", examples=[5]
    )


class Gates(Model):
    """A result outside these is refused."""

    points: int = Field(
        ge=3, le=20, description="at least so many ratings, of two pressures or more", examples=[4]
    )
    slope_per_10_mmhg: float = Field(
        ge=0, le=20, description="ratings rise by at least this per 10 mmHg", examples=[1]
    )
    span_mmhg: float = Field(
        default=15,
        ge=10,
        le=100,
        description="the rated pressures lie at least so far apart, in mmHg",
        examples=[15],
    )
    odds: float = Field(
        default=3,
        ge=1,
        le=100,
        description="so many times as likely are the ratings if they rise with the pressure than if they "
        "have nothing to do with it",
        examples=[3],
    )
    jump: float = Field(
        gt=0,
        le=100,
        description="ratings at neighbouring pressures differ by less than this",
        examples=[50],
    )
    ceiling_rating: Rating = Field(description="a rating so high is at the ceiling", examples=[95])
    ceiling_share: float = Field(
        gt=0, le=1, description="fewer than this share of ratings there", examples=[0.3]
    )
    interval_mmhg: Mmhg = Field(
        description="the target's interval is narrower than this or interval_share, in mmHg",
        examples=[40],
    )
    interval_share: float = Field(
        gt=0, le=2, description="the same as a share of the pressure", examples=[0.35]
    )
