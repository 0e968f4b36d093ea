"""The grammar of a text file: what the participant reads, in one language."""

from typing import Final, Self

from pydantic import Field, model_validator

from scc_task.protocol.base import Label, Model, Name, Version, Words, refuse
from scc_task.protocol.live_words import LIVE_WORDS, words_in

REQUIRED_TEXTS: Final = ("wait_for_scanner", "run_ended", "run_stopped", "cuff_not_empty")
"""Texts that the program shows by itself, whatever the protocol."""

OPTIONAL_TEXTS: Final = ("hold_grip",)
"""Texts that the program shows by itself in some rooms: there they have to be in the file."""


class ScaleText(Model):
    """A rating scale of whole numbers: 0 to 100, or e.g. 0 to 10."""

    question: Words = Field(description="what is asked", examples=["How strong was the pain?"])
    low: Words = Field(description="what the low end means", examples=["no pain"])
    high: Words = Field(
        description="what the high end means", examples=["most intense pain imaginable"]
    )
    start: int = Field(ge=0, le=100, description="where the marker begins", examples=[50])
    lowest: int = Field(
        default=0, alias="from", ge=0, le=99, description="number of the low end", examples=[0]
    )
    highest: int = Field(
        default=100, alias="to", ge=1, le=100, description="number of the high end", examples=[10]
    )

    @model_validator(mode="after")
    def _begins_on_the_scale(self) -> Self:
        if self.highest <= self.lowest:
            refuse(
                f"a scale from {self.lowest} to {self.highest} does not rise",
                do="make 'to' larger than 'from'",
                at=("to",),
            )
        if not self.lowest <= self.start <= self.highest:
            refuse(
                f"the marker begins at {self.start}, but the scale goes from {self.lowest} to "
                f"{self.highest}",
                do=f"write a number from {self.lowest} to {self.highest}",
                at=("start",),
            )
        return self


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
        _known_words(self.texts)
        return self


def _known_words(texts: dict[str, str]) -> None:
    """Refuse words in braces that nobody fills in."""
    for key, text in texts.items():
        for word in words_in(text):
            if word not in LIVE_WORDS:
                refuse(
                    f"nothing is known that could stand for {{{word}}}",
                    do=f"known: {', '.join(f'{{{known}}}' for known in LIVE_WORDS)}",
                    at=("texts", key),
                )


def own_texts(texts: Texts) -> set[str]:
    """Return the keys of the texts that the program shows by itself."""
    return {*REQUIRED_TEXTS, *(key for key in OPTIONAL_TEXTS if key in texts.texts)}
