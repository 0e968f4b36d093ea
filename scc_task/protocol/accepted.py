"""The grammar of an accepted calibration: what the program keeps of it, for later runs and reviewers.

The program writes these files and nobody else; `scc_task.calibration` keeps them and finds them.
"""

import datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from scc_task.protocol.base import (
    HARDEST_CEILING_MMHG,
    Label,
    Model,
    Title,
    Version,
    Words,
    refuse,
)
from scc_task.protocol.calibration import CalibratedPressure, refuse_unless_rising
from scc_task.protocol.rig import Site

WALL: Final = "%Y-%m-%dT%H:%M:%SZ"
"""How a time of day is written: UTC, to the second."""


def parse_wall(text: str) -> datetime.datetime:
    """Return the time that a text in the form of `WALL` means, or raise `ValueError`."""
    return datetime.datetime.strptime(text, WALL).replace(tzinfo=datetime.UTC)


def _is_a_time(text: str) -> str:
    try:
        written = parse_wall(text).strftime(WALL)
    except ValueError:
        written = None
    if written != text:
        refuse(f"'{text}' is not a time", do="expected is UTC, e.g. 2026-01-31T09:30:00Z")
    return text


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The SHA-256 of a file, as 64 hexadecimal digits."""

Told = Annotated[str, StringConstraints(max_length=200)]
"""What a device says of itself: it may say nothing."""


Bounded = Annotated[float, Field(gt=0, le=HARDEST_CEILING_MMHG)]


def _refuse_unless_between(mmhg: float, low_mmhg: float, high_mmhg: float) -> None:
    if not low_mmhg <= mmhg <= high_mmhg:
        refuse(
            f"{mmhg:g} mmHg is not between {low_mmhg:g} and {high_mmhg:g} mmHg",
            do="calibrate again",
            at=("mmhg",),
        )


class Target(CalibratedPressure):
    """A rating, the pressure that gives it, and how sure that is."""

    low_mmhg: float = Field(
        ge=0, description="lower end of the interval, in mmHg", examples=[131.5]
    )
    high_mmhg: float = Field(
        ge=0, description="upper end of the interval, in mmHg", examples=[148.5]
    )
    inflations: int = Field(ge=1, le=1000, description="rated inflations behind it", examples=[14])

    @model_validator(mode="after")
    def _lies_in_its_interval(self) -> Self:
        _refuse_unless_between(self.mmhg, self.low_mmhg, self.high_mmhg)
        return self


class Bound(Model):
    """A pressure at which something begins or ends, and between which it lies."""

    mmhg: Bounded = Field(description="pressure, in mmHg", examples=[85])
    low_mmhg: float = Field(ge=0, description="lower end, in mmHg", examples=[75])
    high_mmhg: float = Field(ge=0, description="upper end, in mmHg", examples=[95.5])

    @model_validator(mode="after")
    def _lies_between(self) -> Self:
        _refuse_unless_between(self.mmhg, self.low_mmhg, self.high_mmhg)
        return self


class NamedFile(Model):
    """A file that shaped the calibration: its own name inside, and the SHA-256 of all its bytes."""

    name: Title = Field(description="the name that stands in the file", examples=["calibration"])
    sha256: Sha256 = Field(description="SHA-256 of the file")


class Device(Model):
    """The cuff's device, as it named itself."""

    driver: Words = Field(description="the rig's driver", examples=["reference"])
    model: Told = Field(description="model")
    serial_number: Told = Field(description="serial number")
    firmware: Told = Field(description="version of the firmware")


class JournalFile(Model):
    """The journal in which every inflation and rating stands."""

    path: Words = Field(description="path below the dataset's folder")
    sha256: Sha256 = Field(description="SHA-256 of the journal when the calibration was accepted")


class EarlierRun(JournalFile):
    """An earlier run of a calibration that was interrupted, with the rig and the device of then."""

    rig: NamedFile = Field(description="the rig of that run")
    device: Device = Field(description="the cuff's device in that run")


class Proposal(Model):
    """What a calibration came to, before a person has accepted it.

    ``interval_percent`` is the probability that each target's interval is meant to have.
    """

    subject: Label = Field(description="participant's label", examples=['"01"'])
    session: Label = Field(description="session of the calibration", examples=["pre"])
    site: Site = Field(description="where the cuff sat", examples=["left calf"])
    simulated: bool = Field(description="true: an emulated cuff, nobody was pressed")
    targets: tuple[Target, ...] = Field(min_length=1, description="pressures by rating")
    interval_percent: float = Field(
        gt=0, lt=100, description="probability of the intervals, in percent", examples=[95]
    )
    procedure: Title = Field(description="how the pressures were found", examples=["default"])
    protocol: NamedFile = Field(description="the protocol of the calibration")
    rig: NamedFile = Field(description="the rig of the calibration")
    device: Device = Field(description="the cuff's device")
    highest_given_mmhg: float = Field(
        gt=0, le=HARDEST_CEILING_MMHG, description="highest pressure given, in mmHg", examples=[170]
    )

    threshold: Bound | None = Field(
        default=None, description="where pain begins: the pressure rated 5, with its interval"
    )
    tolerance: Bound | None = Field(
        default=None,
        description="highest pressure borne below the stop rating; 'high_mmhg' was too much",
    )

    @model_validator(mode="after")
    def _rises_and_stays_within_what_was_given(self) -> Self:
        refuse_unless_rising(self.targets, at="targets")
        for position, target in enumerate(self.targets):
            if target.mmhg > self.highest_given_mmhg:
                refuse(
                    f"{target.mmhg:g} mmHg is above {self.highest_given_mmhg:g} mmHg, the highest "
                    "pressure that was given",
                    do="calibrate again: nothing is extrapolated",
                    at=("targets", position, "mmhg"),
                )
        return self


class Acceptance(Model):
    """Who took the calibration over, and when."""

    by: Words = Field(description="who accepted it", examples=["J. D."])
    at: Annotated[str, AfterValidator(_is_a_time)] = Field(
        description="when, in UTC", examples=["2026-01-31T09:30:00Z"]
    )
    comment: Words | None = Field(default=None, description="what they had to say about it")

    @property
    def time(self) -> datetime.datetime:
        """Return when it was accepted."""
        return parse_wall(self.at)


class Accepted(Proposal):
    """An accepted calibration. The newest revision of a participant, session and site holds."""

    version: Version = Field(description="version of the file format", examples=[1])
    revision: int = Field(ge=1, description="1 for the first accepted one, 2 for the next")
    accepted: Acceptance = Field(description="who accepted it, and when")
    journal: JournalFile = Field(description="where every inflation and rating stands")
    earlier: tuple[EarlierRun, ...] = Field(
        default=(), description="the runs that the journal's run went on after, oldest first"
    )
    checksum: Sha256 = Field(description="SHA-256 of all lines above this one")

    def mmhg_for(self, rating: float) -> float | None:
        """Return the pressure of exactly this rating, or ``None``; nothing is interpolated."""
        return next((t.mmhg for t in self.targets if t.rating == rating), None)

    @property
    def day(self) -> str:
        """Return the day of its acceptance, in UTC."""
        return self.accepted.at[:10]
