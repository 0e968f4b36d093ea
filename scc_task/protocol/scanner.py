"""The grammar of a protocol's ``scanner`` block: the sequence, and what happens when its pulses stop."""

from typing import Literal

from pydantic import Field

from scc_task.protocol.base import Model, Seconds


class Dummies(Model):
    """What the scanner does before the volumes that count."""

    count: int = Field(default=0, ge=0, le=100, description="how many dummy volumes", examples=[5])
    kind: Literal["silent", "discarded", "stored"] = Field(
        default="silent",
        description="silent: no pulse is sent; discarded: a pulse is sent, the volume is not stored; "
        "stored: a pulse is sent and the volume is stored",
        examples=["silent"],
    )


class Scanner(Model):
    """The sequence that runs meanwhile."""

    tr_s: Seconds = Field(description="repetition time, in seconds", examples=[1.0])
    volumes: int = Field(
        ge=1, le=100_000, description="stored volumes, stored dummies included", examples=[560]
    )
    dummies: Dummies = Field(
        default_factory=Dummies, description="dummy volumes", examples=["{count: 0, kind: silent}"]
    )
    when_pulses_stop: Literal["continue", "stop"] = Field(
        default="continue",
        description="what the run does when the scanner's pulses stop: continue by the clock, or stop",
        examples=["continue"],
    )
    lost_after: int = Field(
        default=5,
        ge=2,
        le=100,
        description="pulses have stopped when so many in a row did not come",
        examples=[5],
    )
    count_to_end: bool = Field(
        default=False,
        description="listen after the last step until the scanner is silent: the total confirms time zero",
        examples=[True],
    )
