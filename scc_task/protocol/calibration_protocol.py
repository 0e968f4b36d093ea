"""The grammar of a calibration protocol: how to find the pressure that a person rates at the target."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from scc_task.protocol.base import (
    CONFIRM_ABOVE_MMHG,
    HARDEST_CEILING_MMHG,
    Label,
    Model,
    Name,
    Title,
    Version,
    refuse,
)
from scc_task.protocol.calibration_rules import (
    GRID_MMHG,
    Ascent,
    Confirm,
    Estimate,
    Familiarise,
    Fixed,
    Gates,
    Hold,
    Regression,
    Staircase,
    Threshold,
)
from scc_task.protocol.model import Cue, Rate

ProcedureName = Literal["ascent", "threshold", "staircase", "regression", "fixed"]

SHORTEST_RATING_S: Final = 2.0
"""In less nobody moves a mark and confirms it (assumed)."""

PROCEDURES: Final[tuple[ProcedureName, ...]] = (
    "ascent",
    "threshold",
    "staircase",
    "regression",
    "fixed",
)


class Stimulus(Model):
    """One inflation and what surrounds it."""

    hold_s: Hold = Field(description="from the command to the vent, in seconds", examples=[15])
    rest_s: float = Field(
        ge=30, le=3600, description="deflated between two inflations, in seconds", examples=[30]
    )
    cue: Name = Field(description="name of a cue from 'cues', shown meanwhile", examples=["on"])


class Safety(Model):
    """Limits that every procedure keeps, whatever it would like to give."""

    step_mmhg: float = Field(
        ge=GRID_MMHG,
        le=40,
        description="never higher than the highest pressure borne plus this, in mmHg",
        examples=[20],
    )
    soft_cap_mmhg: float = Field(
        gt=0,
        le=CONFIRM_ABOVE_MMHG,
        description="above it the operator agrees to each inflation, in mmHg",
        examples=[250],
    )
    hard_cap_mmhg: float = Field(
        gt=0, le=HARDEST_CEILING_MMHG, description="nothing goes above it, in mmHg", examples=[300]
    )
    stop_rating: float = Field(
        gt=0, le=80, description="a pressure rated so is never reached again", examples=[80]
    )
    inflations: int = Field(ge=1, le=40, description="at most so many inflations", examples=[20])
    repeats: int = Field(
        ge=0, le=5, description="repeat an inflation without a rating so often", examples=[2]
    )
    stops: int = Field(ge=1, le=3, description="the calibration ends with this stop", examples=[2])

    @model_validator(mode="after")
    def _caps_rise(self) -> Self:
        if self.hard_cap_mmhg < self.soft_cap_mmhg:
            refuse(
                f"the hard cap, {self.hard_cap_mmhg:g} mmHg, lies below the soft cap",
                do=f"write {self.soft_cap_mmhg:g} or more, or lower soft_cap_mmhg",
                at=("hard_cap_mmhg",),
            )
        return self


class CalibrationProtocol(Model):
    """A calibration protocol file."""

    version: Version = Field(description="version of the file format", examples=[1])
    name: Title = Field(
        description="name of the protocol: letters, digits, - and _", examples=["calibration"]
    )
    task: Label = Field(description="BIDS task label: letters and digits", examples=["calibration"])
    language: Label = Field(
        description="language of the texts: text/<language>.yaml", examples=["en"]
    )
    procedure: ProcedureName = Field(
        description="how the next pressure is chosen; its numbers stand in the block of that name",
        examples=["ascent"],
    )
    target: float = Field(
        ge=10, le=70, description="rating from 0 to 100 that the study needs", examples=[40]
    )
    targets: tuple[float, ...] = Field(
        min_length=1,
        max_length=9,
        description="ratings whose pressures are recorded, in rising order",
        examples=["[20, 40, 60]"],
    )
    stimulus: Stimulus = Field(description="one inflation")
    rating: Rate = Field(description="the scale", examples=["{scale: intensity, for_s: 8}"])
    cues: dict[Name, Cue] = Field(
        description="named cues", examples=["{pressure_on: {shape: square, color: red}}"]
    )
    instructions: tuple[Name, ...] = Field(
        default=(),
        description="keys of texts shown before the first inflation, in order",
        examples=["[calibration]"],
    )
    practice: bool = Field(
        default=False,
        description="true: three imagined pains are rated before the first inflation, without pressure",
        examples=[True],
    )
    safety: Safety = Field(description="limits that every procedure keeps")
    familiarise: Familiarise = Field(description="first inflations, not painful")
    ascent: Ascent | None = Field(default=None, description="numbers of 'procedure: ascent'")
    threshold: Threshold | None = Field(
        default=None, description="numbers of 'procedure: threshold'"
    )
    staircase: Staircase | None = Field(
        default=None, description="numbers of 'procedure: staircase'"
    )
    regression: Regression | None = Field(
        default=None, description="numbers of 'procedure: regression'"
    )
    fixed: Fixed | None = Field(default=None, description="numbers of 'procedure: fixed'")
    confirm: Confirm | None = Field(
        default=None, description="give the found pressure again; left out: it is not confirmed"
    )
    estimate: Estimate = Field(description="how ratings become pressures")
    gates: Gates = Field(description="when the result is refused")

    @model_validator(mode="after")
    def _has_the_block_of_its_procedure(self) -> Self:
        there = [name for name in PROCEDURES if getattr(self, name) is not None]
        if self.procedure not in there:
            refuse(
                f"the numbers of the procedure '{self.procedure}' are missing",
                do=f"add the block '{self.procedure}:'; a shipped protocol of that procedure has one",
                at=("procedure",),
            )
        for name in there:
            if name != self.procedure:
                refuse(
                    f"the block '{name}' does nothing when the procedure is '{self.procedure}'",
                    do=f"remove the block, or write 'procedure: {name}'",
                    at=(name,),
                )
        return self

    @model_validator(mode="after")
    def _targets_fit(self) -> Self:
        for position, rating in enumerate(self.targets):
            if not 0 < rating < 100:
                refuse(
                    f"a target of {rating:g} cannot be found",
                    do="write ratings above 0 and below 100",
                    at=("targets", position),
                )
            if position and rating <= self.targets[position - 1]:
                refuse(
                    f"target {rating:g} does not rise",
                    do="write the targets in rising order, each once",
                    at=("targets", position),
                )
        if self.target not in self.targets:
            refuse(
                f"the target {self.target:g} is not among the targets",
                do=f"add {self.target:g} to 'targets'",
                at=("targets",),
            )
        if self.target >= self.safety.stop_rating:
            refuse(
                f"the target {self.target:g} is not below the stop rating",
                do="lower the target, or raise stop_rating (80 at most)",
                at=("target",),
            )
        return self

    @model_validator(mode="after")
    def _ratings_can_count(self) -> Self:
        if self.rating.for_s < SHORTEST_RATING_S:
            refuse(
                f"nobody can rate within {self.rating.for_s:g} s",
                do=f"write {SHORTEST_RATING_S:g} or more; 8 is usual",
                at=("rating", "for_s"),
            )
        if self.confirm is not None and self.confirm.within >= self.target:
            refuse(
                f"within {self.confirm.within:g} of {self.target:g}, no pain at all would confirm the target",
                do=f"write less than {self.target:g}; 10 is usual",
                at=("confirm", "within"),
            )
        ascent = self.ascent
        if ascent is not None and ascent.insufficient_below > self.target + ascent.beyond:
            refuse(
                f"ratings below {ascent.insufficient_below:g} would count as too little pain, but the rise "
                f"ends at {self.target + ascent.beyond:g} already",
                do=f"write {self.target + ascent.beyond:g} or less",
                at=("ascent", "insufficient_below"),
            )
        return self

    @property
    def least_inflations(self) -> int:
        """Return how many inflations it takes at least to come to a result that is not refused."""
        rated = 1  # where one rating may end the search
        unrated = self.familiarise.count
        if self.threshold is not None:
            rated = self.threshold.trials
        elif self.staircase is not None:
            rated = self.staircase.reversals + 1
        elif self.regression is not None:
            numbers = self.regression
            unrated = max(unrated, len(numbers.pre_exposure_mmhg))
            rated = numbers.trials + len(numbers.scaling) + len(numbers.fixed_ratings)
            rated += numbers.adaptive
        rated += 0 if self.confirm is None else self.confirm.times
        return unrated + max(rated, self.gates.points)

    @model_validator(mode="after")
    def _can_come_to_a_result(self) -> Self:
        if self.least_inflations > self.safety.inflations:
            refuse(
                f"{self.safety.inflations} inflations are never enough: this calibration needs at least "
                f"{self.least_inflations}, of which 'points' of 'gates' asks {self.gates.points} to be rated",
                do=f"write {self.least_inflations} or more, or ask for less",
                at=("safety", "inflations"),
            )
        if self.fixed is not None and self.confirm is None:
            most = len(self.fixed.levels_mmhg)
            if self.gates.points > most:
                refuse(
                    f"{self.gates.points} ratings are needed, but there are {most} levels",
                    do=f"write {most} or less, or add levels",
                    at=("gates", "points"),
                )
        return self

    @model_validator(mode="after")
    def _cue_is_there(self) -> Self:
        if self.stimulus.cue not in self.cues:
            refuse(
                f"there is no cue '{self.stimulus.cue}'",
                do=f"add it under 'cues', or use one of: {', '.join(self.cues) or 'none yet'}",
                at=("stimulus", "cue"),
            )
        return self

    @model_validator(mode="after")
    def _pressures_can_be_reached(self) -> Self:
        if self.familiarise.mmhg > self.safety.soft_cap_mmhg:
            refuse(
                f"familiarisation, {self.familiarise.mmhg:g} mmHg, lies above the soft cap",
                do="lower it",
                at=("familiarise", "mmhg"),
            )
        if self.fixed is None:
            return self
        reached = self.familiarise.mmhg
        for position, level in enumerate(self.fixed.levels_mmhg):
            if level > reached + self.safety.step_mmhg or level > self.safety.hard_cap_mmhg:
                refuse(
                    f"{level:g} mmHg cannot be reached from {reached:g} mmHg "
                    f"by steps of {self.safety.step_mmhg:g} mmHg within the hard cap",
                    do="write a level between, or raise step_mmhg",
                    at=("fixed", "levels_mmhg", position),
                )
            reached = level
        return self
