"""What nobody may pass in a room, and when its supervisor vents: two blocks of a rig file."""

from dataclasses import fields
from typing import ClassVar, Self

from pydantic import Field, model_validator

from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from scc_task.protocol.base import (
    CONFIRM_ABOVE_MMHG,
    HARDEST_CEILING_MMHG,
    LONGEST_INFLATION_S,
    LONGEST_TONIC_S,
    Model,
    refuse,
)


class RigLimits(Model):
    """What nobody may pass in this room. A protocol may be stricter."""

    ceiling_mmhg: float = Field(
        gt=0, le=HARDEST_CEILING_MMHG, description="highest pressure, in mmHg", examples=[250]
    )
    inflation_s: float = Field(
        gt=0, le=LONGEST_TONIC_S, description="longest inflation, in seconds", examples=[90]
    )
    allow_tonic: bool = Field(
        default=False,
        description="true: inflations of more than 180 s, if somebody types so before the run",
        examples=[True],
    )
    confirm_above_mmhg: float = Field(
        default=CONFIRM_ABOVE_MMHG,
        gt=0,
        le=CONFIRM_ABOVE_MMHG,
        description="pressure above which somebody has to type it before the run, in mmHg",
        examples=[250],
    )
    gap_s: float = Field(
        gt=0,
        le=3600,
        description="shortest deflated time between inflations, in seconds",
        examples=[30],
    )
    session_inflated_s: float = Field(
        gt=0, le=7200, description="inflated time in a session, in seconds", examples=[1200]
    )
    session_inflations: int = Field(
        ge=1, le=1000, description="inflations in a session", examples=[60]
    )

    @model_validator(mode="after")
    def _long_inflations_are_allowed_by_name(self) -> Self:
        if self.inflation_s > LONGEST_INFLATION_S and not self.allow_tonic:
            refuse(
                f"{self.inflation_s:g} s is longer than the {LONGEST_INFLATION_S:g} s of ordinary trials",
                do=f"write {LONGEST_INFLATION_S:g} or less, or add 'allow_tonic: true' if the ethics "
                "committee has approved it",
                at=("inflation_s",),
            )
        return self

    def as_limits(self) -> Limits:
        """Return the limits as the rest of the program knows them."""
        return Limits(**{field.name: getattr(self, field.name) for field in fields(Limits)})


class Supervisor(Model):
    """The process that watches the cuff: when it vents. Limits may be stricter here, never looser.

    The defaults are those of `hardware.interlock.InterlockSettings`.
    """

    patience_s: float = Field(
        ge=0.2, le=0.5, description="longest silence before it vents, in seconds", examples=[0.5]
    )
    overshoot_mmhg: float = Field(
        default=20.0, ge=5, le=20, description="above the target, in mmHg", examples=[20]
    )
    overshoot_s: float = Field(
        default=1.0, ge=0.1, le=1, description="longest overshoot, in seconds", examples=[1]
    )
    shortfall_mmhg: float = Field(
        default=20.0, ge=5, le=20, description="below the target, in mmHg", examples=[20]
    )
    shortfall_s: float = Field(
        default=3.0, ge=0.5, le=3, description="longest shortfall, in seconds", examples=[3]
    )
    rise_mmhg_per_s: float = Field(
        default=800.0,
        ge=10,
        le=800,
        description="fastest rise of the pressure, in mmHg per second",
        examples=[800],
    )
    ramp_s: float = Field(
        default=5.0,
        ge=1,
        le=5,
        description="time to reach the target before a shortfall counts, in seconds",
        examples=[5],
    )
    stale_s: float = Field(
        default=0.5,
        ge=0.2,
        le=0.5,
        description="longest silence of the pressure, in seconds",
        examples=[0.5],
    )
    vent_s: float = Field(
        default=10.0,
        ge=3,
        le=10,
        description="longest time to empty the cuff, in seconds",
        examples=[10],
    )

    entry: ClassVar[str] = "setting"

    def as_interlock(self) -> InterlockSettings:
        """Return the settings as the interlock knows them."""
        return InterlockSettings(**{name: getattr(self, name) for name in type(self).model_fields})
