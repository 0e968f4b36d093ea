"""The grammar of a text file: what the participant reads, in one language."""

from typing import Final, Self

from pydantic import Field, model_validator

from scc_task.protocol.base import Label, Model, Name, Version, Words, refuse

REQUIRED_TEXTS: Final = ("wait_for_scanner", "run_ended", "run_stopped", "cuff_not_empty")
"""Texts that the program shows by itself, whatever the protocol."""


class ScaleText(Model):
    """A rating scale from 0 to 100."""

    question: Words = Field(description="what is asked", examples=["How strong was the pain?"])
    low: Words = Field(description="what 0 means", examples=["no pain"])
    high: Words = Field(description="what 100 means", examples=["most intense pain imaginable"])
    start: int = Field(ge=0, le=100, description="where the marker begins, 0 to 100", examples=[50])


class Texts(Model):
    """A text file."""

    version: Version = Field(description="version of the file format", examples=[1])
    language: Label = Field(description="the same word as in the file's name", examples=["en"])
    texts: dict[Name, Words] = Field(description="texts by key")
    scales: dict[Name, ScaleText] = Field(default_factory=dict, description="rating scales by name")

    @model_validator(mode="after")
    def _has_the_programs_own_texts(self) -> Self:
        missing = [key for key in REQUIRED_TEXTS if key not in self.texts]
        if missing:
            refuse(
                f"the texts lack {' and '.join(repr(key) for key in missing)}, which every run shows",
                do=f"add {', '.join(f'{key}: ...' for key in missing)} under 'texts'",
                at=("texts",),
            )
        return self
