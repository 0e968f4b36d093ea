"""The grammar of a calibration file: which pressure one participant rates how."""

import datetime
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from scc_task.protocol.base import HARDEST_CEILING_MMHG, Label, Model, Version, Words, refuse
from scc_task.protocol.rig import Site


def _is_a_date(text: str) -> str:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        refuse(f"'{text}' is not a date", do="write year-month-day, e.g. 2026-01-31")
    return text


class CalibratedPressure(Model):
    """A rating and the pressure that gives it."""

    rating: float = Field(gt=0, le=100, description="rating from 0 to 100", examples=[40])
    mmhg: float = Field(
        gt=0, le=HARDEST_CEILING_MMHG, description="pressure, in mmHg", examples=[140]
    )


def refuse_unless_rising(pressures: Sequence[CalibratedPressure], *, at: str) -> None:
    """Refuse a rating that comes twice, and a slope of zero or less: that is a failed calibration.

    Parameters
    ----------
    at
        The key under which the pressures stand.
    """
    for position, pressure in enumerate(pressures):
        for earlier in pressures[:position]:
            if earlier.rating == pressure.rating:
                refuse(
                    f"rating {pressure.rating:g} is given twice",
                    do="keep one of the two",
                    at=(at, position, "rating"),
                )
            if (earlier.rating < pressure.rating) is not (earlier.mmhg < pressure.mmhg):
                refuse(
                    f"{pressure.mmhg:g} mmHg for rating {pressure.rating:g} does not fit "
                    f"{earlier.mmhg:g} mmHg for rating {earlier.rating:g}",
                    do="a higher rating needs a higher pressure; mend the numbers or recalibrate",
                    at=(at, position, "mmhg"),
                )


class Calibration(Model):
    """A calibration file."""

    version: Version = Field(description="version of the file format", examples=[1])
    subject: Label = Field(description="participant's label, in quotes", examples=['"01"'])
    session: Label = Field(description="session of the calibration", examples=["pre"])
    date: Annotated[str, AfterValidator(_is_a_date)] = Field(
        description="day of the calibration: year-month-day", examples=["2026-01-31"]
    )
    source: Words = Field(
        description="who found the pressures, and how",
        examples=["ascending series, rated by J. D."],
    )
    site: Site = Field(description="where the cuff sat", examples=["left calf"])
    pressures: tuple[CalibratedPressure, ...] = Field(
        min_length=1, description="one '- {rating: 40, mmhg: 140}' for each rating"
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        refuse_unless_rising(self.pressures, at="pressures")
        return self

    def mmhg_for(self, rating: float) -> float | None:
        """Return the pressure of exactly this rating, or ``None``; nothing is interpolated."""
        return next((p.mmhg for p in self.pressures if p.rating == rating), None)
