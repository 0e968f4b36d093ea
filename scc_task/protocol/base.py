"""What all our file models share: strictness, the small types, and rules with plain words."""

from typing import Annotated, ClassVar, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

RULE = "rule"
"""Error type of our own rules; their context carries ``what``, ``do`` and ``at``."""

HARDEST_CEILING_MMHG = 300.0
"""No file may allow more: the maximum of adult cuff monitors in normal use (after IEC 80601-2-30)."""

LONGEST_INFLATION_S = 180.0
"""Longest inflation of ordinary trials: the longest time above 15 mmHg for an adult cuff monitor (recalled
from IEC 80601-2-30)."""

LONGEST_TONIC_S = 480.0
"""No file may allow more, and only with ``allow_tonic`` and a typed word before each run (assumed)."""

CONFIRM_ABOVE_MMHG = 250.0
"""Above this somebody types the pressure before a run: 5 % of A2CPS participants need more (assumed)."""


class Model(BaseModel):
    """A block of a file: frozen, no unknown keys, no conversions, no NaN."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    entry: ClassVar[str] = "key"
    """What a person calls an entry of this block."""


def refuse(what: str, *, do: str, at: tuple[str | int, ...] = ()) -> NoReturn:
    """Refuse a value by one of our own rules; ``at`` is the path below the block that is checked."""
    # braces in the words would be read as a template's fields, so the words travel as context
    raise PydanticCustomError(RULE, "{what}", {"what": what, "do": do, "at": at})


def to_ms(value_s: float) -> int:
    """Return seconds as whole milliseconds (values in our files have at most three decimals)."""
    return round(value_s * 1000)


def _whole_ms(value_s: float) -> float:
    if abs(value_s * 1000 - round(value_s * 1000)) > 1e-6:
        refuse(f"{value_s:g} s is finer than a millisecond", do="write at most three decimals")
    return value_s


def _version_1(version: int) -> int:
    if version != 1:
        refuse(f"version {version} is not known to this program", do="write 'version: 1'")
    return version


Seconds = Annotated[float, Field(gt=0, le=3600), AfterValidator(_whole_ms)]
"""A duration in seconds; an hour is the most any step may last."""

Version = Annotated[int, AfterValidator(_version_1), Field(json_schema_extra={"const": 1})]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name that a scientist gives to a text, cue, scale or pressure."""

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,40}$")]
"""A label as BIDS wants it in file names."""

Title = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""The name of a protocol or a rig."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""Text for a person."""
