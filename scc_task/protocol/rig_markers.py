"""What a rig file says of markers: which recorder hears of what, by which code, on which port."""

import enum
from collections.abc import Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from scc_task.protocol.base import Model, Words, refuse


class MarkerKind(enum.StrEnum):
    """What a marker can say. `docs/markers.md` has the instant and the delay of each."""

    CUE = "cue"
    INFLATE = "inflate"
    AT_TARGET = "at_target"
    VENT = "vent"
    BELOW_15 = "below_15"
    RATING_ON = "rating_on"
    RATING_OFF = "rating_off"
    RUN_START = "run_start"
    TIME_ZERO = "time_zero"
    RUN_END = "run_end"


DEFAULT_CODES: Final[Mapping[MarkerKind, int]] = {
    kind: code for code, kind in enumerate(MarkerKind, start=1)
}
"""The codes of an output whose rig names none: 1 for ``cue`` to 10 for ``run_end``."""

FITTING: Final[Mapping[str, tuple[str, ...]]] = {
    "serial": ("baud", "codes"),
    "parallel": ("codes",),
    "line": ("line", "events"),
}
"""The settings that only some outputs have."""

Event = Literal[
    "cue",
    "inflate",
    "at_target",
    "vent",
    "below_15",
    "rating_on",
    "rating_off",
    "run_start",
    "time_zero",
    "run_end",
]


def _code(kind: MarkerKind) -> int | None:
    """Return the field of one kind's code."""
    field: int | None = Field(
        default=None,
        ge=1,
        le=255,
        description=f"code of {kind}, 1 to 255",
        examples=[DEFAULT_CODES[kind]],
    )
    return field


class MarkerCodes(Model):
    """The codes of one output. What has no code is not sent."""

    cue: int | None = _code(MarkerKind.CUE)
    inflate: int | None = _code(MarkerKind.INFLATE)
    at_target: int | None = _code(MarkerKind.AT_TARGET)
    vent: int | None = _code(MarkerKind.VENT)
    below_15: int | None = _code(MarkerKind.BELOW_15)
    rating_on: int | None = _code(MarkerKind.RATING_ON)
    rating_off: int | None = _code(MarkerKind.RATING_OFF)
    run_start: int | None = _code(MarkerKind.RUN_START)
    time_zero: int | None = _code(MarkerKind.TIME_ZERO)
    run_end: int | None = _code(MarkerKind.RUN_END)

    entry: ClassVar[str] = "marker"

    @model_validator(mode="after")
    def _gives_each_code_one_meaning(self) -> Self:
        owners: dict[int, MarkerKind] = {}
        for kind, code in self.table().items():
            if code in owners:
                refuse(
                    f"code {code} means '{owners[code]}' already: the recorder could not tell them apart",
                    do="give each marker a code of its own",
                    at=(kind.value,),
                )
            owners[code] = kind
        if not owners:
            refuse("no marker has a code", do="write e.g. codes: {inflate: 2, vent: 4}")
        return self

    def table(self) -> dict[MarkerKind, int]:
        """Return the markers that are sent, with their codes."""
        given = {kind: getattr(self, kind.value) for kind in MarkerKind}
        return {kind: code for kind, code in given.items() if code is not None}


class MarkerRig(Model):
    """One port to one recorder."""

    to: Literal["serial", "parallel", "line"] = Field(
        description="serial: the code as a byte; parallel: the code on the data pins; line: a pulse on "
        "RTS or DTR, without a code",
        examples=["serial"],
    )
    port: Words = Field(
        description="COM7, /dev/ttyUSB1, /dev/parport0; or 'emulated' for a serial one",
        examples=["/dev/ttyUSB1"],
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400] | None = Field(
        default=None,
        description="serial only: speed of the port, 115200 if not given",
        examples=[115200],
    )
    line: Literal["rts", "dtr"] | None = Field(
        default=None, description="line only: which one is pulsed, rts or dtr", examples=["rts"]
    )
    pulse_ms: int = Field(
        default=10,
        ge=0,
        le=200,
        description="the code stands so long, then 0 for as long; 0: a serial box ends its pulse itself",
        examples=[10],
    )
    codes: MarkerCodes | None = Field(
        default=None, description="serial and parallel: code of each marker that is sent"
    )
    events: tuple[Event, ...] | None = Field(
        default=None,
        min_length=1,
        description="line only: the markers that give a pulse; all if not given",
        examples=["[inflate, vent]"],
    )

    entry: ClassVar[str] = "setting"

    @model_validator(mode="after")
    def _has_what_its_kind_needs_and_nothing_else(self) -> Self:
        for name in ("baud", "line", "codes", "events"):
            if getattr(self, name) is not None and name not in FITTING[self.to]:
                refuse(
                    f"'{name}' does not fit markers to: {self.to}",
                    do=f"remove it; {self.to} has {' and '.join(FITTING[self.to])}",
                    at=(name,),
                )
        if self.to == "line" and self.line is None:
            refuse("'line' is missing: which one is pulsed?", do="add 'line: rts' or 'line: dtr'")
        if self.to != "serial" and self.pulse_ms == 0:
            refuse(
                f"a pulse of 0 ms on a {self.to} output is none",
                do="write e.g. pulse_ms: 10",
                at=("pulse_ms",),
            )
        if self.to != "serial" and self.emulated:
            refuse(
                f"there is no emulated {self.to} recorder",
                do="write 'to: serial', or name a real port",
                at=("port",),
            )
        return self

    @property
    def emulated(self) -> bool:
        """Return whether this program is the recorder itself."""
        return self.port == "emulated"

    def table(self) -> dict[MarkerKind, int]:
        """Return the markers that are sent, with their codes; on a line every code is 1."""
        if self.to == "line":
            wanted = self.events
            return {kind: 1 for kind in MarkerKind if wanted is None or kind.value in wanted}
        return dict(DEFAULT_CODES) if self.codes is None else self.codes.table()


def refuse_unheard_recorders(markers: tuple[MarkerRig, ...]) -> None:
    """Refuse an emulated recorder beside a real cuff: nothing would be recorded."""
    for position, output in enumerate(markers):
        if output.emulated:
            refuse(
                "a real cuff with an emulated recorder: nobody would record the markers",
                do="name the recorder's port, or remove this entry",
                at=("markers", position, "port"),
            )
