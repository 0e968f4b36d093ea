"""The grammar of a protocol file: what the participant meets, in order."""

import dataclasses
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from hardware.limits import Limits
from scc_task.protocol.base import (
    HARDEST_CEILING_MMHG,
    LONGEST_TONIC_S,
    Label,
    Model,
    Name,
    Seconds,
    Title,
    Version,
    refuse,
    to_ms,
)
from scc_task.protocol.grid import spread
from scc_task.protocol.scanner import Scanner

Verb = Literal["fixation", "show", "anticipation", "inflate", "rate"]

VERBS: Final[tuple[Verb, ...]] = ("fixation", "show", "anticipation", "inflate", "rate")


class Jitter(Model):
    """A duration that varies from trial to trial, on a grid; the sum over a run is fixed."""

    from_s: Seconds = Field(alias="from", description="shortest, in seconds", examples=[6])
    to_s: Seconds = Field(alias="to", description="longest, in seconds", examples=[12])
    step_s: Seconds = Field(alias="step", description="grid, in seconds", examples=[0.5])

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        low, high, step = to_ms(self.from_s), to_ms(self.to_s), to_ms(self.step_s)
        if high <= low:
            refuse(
                f"a jitter from {self.from_s:g} to {self.to_s:g} s does not rise",
                do=f"make 'to' larger than 'from', or write a plain number, e.g. {self.from_s:g}",
                at=("to",),
            )
        if (high - low) % step:
            fits = low + (high - low) // step * step
            near = [f"{v / 1000:g}" for v in (fits, fits + step) if v > low]
            refuse(
                f"{self.to_s:g} s is not reached from {self.from_s:g} s in steps of {self.step_s:g} s",
                do=f"end at {' or '.join(near)}, or change the step",
                at=("to",),
            )
        return self

    def values_ms(self, count: int) -> tuple[int, ...]:
        """Return the durations for ``count`` trials, in milliseconds, in rising order."""
        return spread(to_ms(self.from_s), to_ms(self.to_s), to_ms(self.step_s), count)


def _duration_kind(value: Any) -> str:
    return "(jitter)" if isinstance(value, dict | Jitter) else "(number)"


Duration = Annotated[
    Annotated[Seconds, Tag("(number)")] | Annotated[Jitter, Tag("(jitter)")],
    Discriminator(_duration_kind),
]
"""Seconds, or a jitter."""


def durations_ms(duration: float | Jitter, count: int) -> tuple[int, ...]:
    """Return the durations of ``count`` repetitions, in milliseconds, in rising order."""
    if isinstance(duration, Jitter):
        return duration.values_ms(count)
    return (to_ms(duration),) * count


_FOR_S: Final = "how long, in seconds: a number or {from: 6, to: 12, step: 0.5}"


class Show(Model):
    """Show a text."""

    text: Name = Field(description="key of a text in text/<language>.yaml", examples=["begin"])
    for_s: Duration = Field(description=_FOR_S, examples=[25])
    trial_type: Literal["instruction"] | None = Field(
        default=None,
        description="write 'instruction' to have the text in events.tsv; leave it out otherwise",
        examples=["instruction"],
    )


class Anticipation(Model):
    """Show a cue that announces what comes."""

    cue: Name = Field(description="name of a cue from 'cues'", examples=["pressure_coming"])
    for_s: Duration = Field(description=_FOR_S, examples=[8])


class RateMeanwhile(Model):
    """A scale that is shown, and answered, while the pressure is on."""

    scale: Name = Field(
        description="name of a scale in text/<language>.yaml", examples=["pain_now"]
    )


class Inflate(Model):
    """Inflate the cuff, hold, vent: the time counts from the command to the vent."""

    to: Name = Field(description="name of a pressure from 'pressures'", examples=["pain"])
    for_s: Duration = Field(description=_FOR_S, examples=[15])
    cue: Name | None = Field(
        default=None,
        description="name of a cue from 'cues', shown meanwhile",
        examples=["pressure_on"],
    )
    rise_s: Seconds | None = Field(
        default=None,
        description="rise to the pressure in a line, in seconds; as fast as it goes if not given",
        examples=[5],
    )
    rate: RateMeanwhile | None = Field(
        default=None,
        description="rate all the while: the scale is shown in place of a cue",
        examples=["{scale: pain_now}"],
    )

    @model_validator(mode="after")
    def _shows_one_thing(self) -> Self:
        if self.cue is not None and self.rate is not None:
            refuse(
                "an inflation shows either a cue or a scale, not both",
                do="remove 'cue' or 'rate'",
                at=("cue",),
            )
        return self

    @model_validator(mode="after")
    def _rises_before_it_ends(self) -> Self:
        shortest_s = self.for_s.from_s if isinstance(self.for_s, Jitter) else self.for_s
        if self.rise_s is not None and self.rise_s >= shortest_s:
            refuse(
                f"the pressure rises for {self.rise_s:g} s, the inflation lasts {shortest_s:g} s",
                do="make 'rise_s' shorter than 'for_s': both count from the command to inflate",
                at=("rise_s",),
            )
        return self


class Rate(Model):
    """Ask for a rating, in a slot of fixed length."""

    scale: Name = Field(
        description="name of a scale in text/<language>.yaml", examples=["intensity"]
    )
    for_s: Seconds = Field(description="length of the slot, in seconds", examples=[8])


class Step(Model):
    """One thing the participant meets: exactly one verb."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    entry: ClassVar[str] = "verb"

    fixation: Duration | None = Field(
        default=None,
        description="show the cross, in seconds: a number or {from: 4, to: 8, step: 0.5}",
        examples=[10],
    )
    show: Show | None = Field(
        default=None, description="show a text", examples=["{text: begin, for_s: 5}"]
    )
    anticipation: Anticipation | None = Field(
        default=None, description="show a cue", examples=["{cue: pressure_coming, for_s: 8}"]
    )
    inflate: Inflate | None = Field(
        default=None, description="inflate the cuff", examples=["{to: pain, for_s: 15}"]
    )
    rate: Rate | None = Field(
        default=None, description="ask for a rating", examples=["{scale: intensity, for_s: 8}"]
    )

    @model_validator(mode="after")
    def _has_one_verb(self) -> Self:
        verbs = [name for name in type(self).model_fields if name in self.model_fields_set]
        if not verbs:
            refuse(
                "a step without a verb", do="write one, e.g. '- fixation: 10', or remove the '-'"
            )
        if len(verbs) > 1:
            refuse(
                f"one step has {len(verbs)} verbs: {', '.join(verbs)}",
                do="begin each verb on a line of its own with '- '",
                at=(verbs[1],),
            )
        return self

    @property
    def verb(self) -> str:
        """Return the step's verb."""
        return next(name for name in type(self).model_fields if name in self.model_fields_set)

    @property
    def duration(self) -> float | Jitter:
        """Return how long the step lasts: seconds or a jitter."""
        if self.fixation is not None:
            return self.fixation
        block = self.show or self.anticipation or self.inflate or self.rate
        if block is None:
            raise AssertionError("a step has a verb")  # the validator saw to it
        return block.for_s


class Trials(Model):
    """The same steps, several times over."""

    count: int = Field(ge=1, le=500, description="how many trials", examples=[8])
    each: tuple[Step, ...] = Field(
        min_length=1, description="the steps of one trial, each on a line with '- '"
    )


class Item(Step):
    """One entry of a run: a step, or trials."""

    trials: Trials | None = Field(
        default=None, description="repeat steps", examples=["{count: 8, each: [...]}"]
    )


class Pressure(Model):
    """A named pressure: a number, or the one that a participant rates so."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    mmhg: float | None = Field(
        default=None, gt=0, le=HARDEST_CEILING_MMHG, description="pressure, in mmHg", examples=[120]
    )
    rating: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="rating from 0 to 100; the calibration knows its pressure",
        examples=[40],
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if len(self.model_fields_set) != 1:
            refuse(
                "a pressure is either a number of mmHg or a rating",
                do="write {mmhg: 120} or {rating: 40}",
            )
        return self


class Cue(Model):
    """A sign with a colour and a shape."""

    shape: Literal["triangle", "square", "circle", "diamond", "star"] = Field(
        description="what it looks like", examples=["triangle"]
    )
    color: Literal["yellow", "red", "white", "green", "blue", "orange", "cyan", "magenta"] = Field(
        description="a colour that is seen well on black", examples=["yellow"]
    )


class StricterLimits(Model):
    """Limits of this protocol; they may only be stricter than the rig's."""

    ceiling_mmhg: float | None = Field(
        default=None,
        gt=0,
        le=HARDEST_CEILING_MMHG,
        description="highest pressure, in mmHg",
        examples=[200],
    )
    inflation_s: float | None = Field(
        default=None,
        gt=0,
        le=LONGEST_TONIC_S,
        description="longest inflation, in seconds",
        examples=[30],
    )
    gap_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="shortest deflated time between inflations, in seconds",
        examples=[30],
    )
    session_inflated_s: float | None = Field(
        default=None,
        gt=0,
        le=7200,
        description="inflated time in a session, in seconds",
        examples=[600],
    )
    session_inflations: int | None = Field(
        default=None, ge=1, le=1000, description="inflations in a session", examples=[30]
    )

    def asked_for(self) -> dict[str, float]:
        """Return the limits that the protocol sets, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def narrow(self, limits: Limits) -> Limits:
        """Return the limits of the rig, narrowed by these."""
        asked = dataclasses.replace(limits, **self.asked_for())  # type: ignore[arg-type]
        return limits.narrowed(asked)


class CalibrationPolicy(Model):
    """Which of a participant's accepted calibrations a run uses."""

    policy: Literal["same_pressure", "recalibrate"] = Field(
        default="recalibrate",
        description="same_pressure: that of the first session in every session; "
        "recalibrate: each session its own",
        examples=["recalibrate"],
    )
    max_age_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description="oldest that may be used, in days; any age if not given",
        examples=[30],
    )


class Protocol(Model):
    """A protocol file."""

    version: Version = Field(description="version of the file format", examples=[1])
    name: Title = Field(
        description="name of the protocol: letters, digits, - and _", examples=["scc"]
    )
    task: Label = Field(
        description="BIDS task label: letters and digits only, no spaces", examples=["scc"]
    )
    strategy: Label = Field(
        description="column 'strategy' of events.tsv: letters and digits only",
        examples=["compassion"],
    )
    language: Label = Field(
        description="language of the texts: text/<language>.yaml", examples=["en"]
    )
    scanner: Scanner = Field(
        description="the scanner's sequence", examples=["{tr_s: 1.0, volumes: 560}"]
    )
    limits: StricterLimits = Field(
        default_factory=StricterLimits,
        description="limits stricter than the rig's",
        examples=["{ceiling_mmhg: 200}"],
    )
    calibration: CalibrationPolicy = Field(
        default_factory=CalibrationPolicy,
        description="which accepted calibration a run uses",
        examples=["{policy: same_pressure, max_age_days: 60}"],
    )
    pressures: dict[Name, Pressure] = Field(
        default_factory=dict, description="named pressures", examples=["{pain: {rating: 40}}"]
    )
    cues: dict[Name, Cue] = Field(
        default_factory=dict,
        description="named cues",
        examples=["{pressure_coming: {shape: triangle, color: yellow}}"],
    )
    run: tuple[Item, ...] = Field(
        min_length=1, description="what the participant meets, each on a line with '- '"
    )

    def used_pressures(self) -> set[str]:
        """Return the names of the pressures that some step inflates to."""
        blocks = [item.trials.each if item.trials is not None else (item,) for item in self.run]
        return {step.inflate.to for steps in blocks for step in steps if step.inflate is not None}

    def used_ratings(self) -> tuple[float, ...]:
        """Return the ratings that some step inflates to, rising: a calibration knows their pressures."""
        used = (self.pressures[name].rating for name in self.used_pressures())
        return tuple(sorted({rating for rating in used if rating is not None}))
