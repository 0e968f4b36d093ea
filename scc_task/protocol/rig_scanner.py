"""The part ``scanner`` of a rig file: where the scanner's pulses come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from scc_task.protocol.base import Model, Words, refuse
from scc_task.protocol.rig_words import EMULATED, KeyName

SERIAL_BAUD: Final = 115200
BYTE: Final = r"^([\x21-\x7e]|0x[0-9a-fA-F]{2})$"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What a kind of trigger must have, with an example of each, and what it may have."""

    needs: Mapping[str, str]
    may: tuple[str, ...] = ()

    @property
    def knows(self) -> tuple[str, ...]:
        return (*self.needs, *self.may)


_KINDS: Final[Mapping[str, _Kind]] = {
    "serial": _Kind(needs={"port": EMULATED, "byte": '"5"'}, may=("baud",)),
    "keyboard": _Kind(needs={}, may=("key",)),
    "modem_line": _Kind(needs={"port": EMULATED, "line": "cts"}, may=("edge",)),
    "parallel": _Kind(needs={"port": "/dev/parport0", "pin": "10"}, may=("edge",)),
    "lsl": _Kind(needs={"stream": EMULATED, "marker": '"5"'}, may=("source_id",)),
}
_OPTIONS: Final = (
    *("port", "byte", "key", "baud", "line", "edge", "pin", "stream", "marker", "source_id"),
)


class ScannerRig(Model):
    """Where the scanner's pulses come from."""

    trigger: Literal["serial", "keyboard", "modem_line", "parallel", "lsl"] = Field(
        description="serial: a box that sends one byte for each pulse; keyboard: a box that types;"
        " modem_line: an input line of a serial port; parallel: a pin of a parallel port (Linux);"
        " lsl: a marker stream",
        examples=["keyboard"],
    )
    port: Words | None = Field(
        default=None,
        description="serial, modem_line, parallel: the trigger's port, or 'emulated'",
        examples=["emulated"],
    )
    byte: Annotated[str, StringConstraints(pattern=BYTE)] | None = Field(
        default=None,
        description='the character that a serial trigger sends, in quotes, or its number as "0x01"',
        examples=['"5"'],
    )
    key: KeyName | None = Field(
        default=None,
        description="the key that a keyboard trigger types, in quotes; 5 if not given",
        examples=['"5"'],
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400] | None = Field(
        default=None,
        description=f"speed of a serial trigger's port; {SERIAL_BAUD} if not given",
        examples=[SERIAL_BAUD],
    )
    line: Literal["cts", "dsr", "dcd", "ri"] | None = Field(
        default=None,
        description="modem_line only: the input line of the port: cts, dsr, dcd or ri",
        examples=["cts"],
    )
    edge: Literal["rising", "falling"] | None = Field(
        default=None,
        description="modem_line, parallel: which edge is the pulse; rising if not given",
        examples=["rising"],
    )
    pin: Literal[10, 11, 12, 13, 15] | None = Field(
        default=None,
        description="parallel only: the input pin: 10, 11, 12, 13 or 15",
        examples=[10],
    )
    stream: Words | None = Field(
        default=None,
        description="lsl only: the name of the marker stream, or 'emulated'",
        examples=["Scanner"],
    )
    marker: Words | None = Field(
        default=None,
        description="lsl only: the marker that means a pulse, in quotes",
        examples=['"5"'],
    )
    source_id: Words | None = Field(
        default=None,
        description="lsl only: what the stream's sender calls itself, where several send one of that name",
        examples=["trigger-box-1"],
    )

    @model_validator(mode="after")
    def _has_what_its_trigger_needs(self) -> Self:
        kind = _KINDS[self.trigger]
        article = "an" if self.trigger == "lsl" else "a"
        for name, example in kind.needs.items():
            if getattr(self, name) is None:
                refuse(
                    f"'{name}' is missing: {article} {self.trigger} trigger needs it",
                    do=f"add '{name}: {example}'",
                )
        for name in _OPTIONS:
            if getattr(self, name) is not None and name not in kind.knows:
                refuse(
                    f"'{name}' does not fit {article} {self.trigger} trigger",
                    do=f"remove it; {article} {self.trigger} trigger has {_listed(kind.knows)}",
                    at=(name,),
                )
        if self.source_id is not None and self.emulated:
            refuse(
                "an emulated stream has a name of its own, and needs no 'source_id'",
                do="remove it, or name the real stream",
                at=("source_id",),
            )
        return self

    @property
    def trigger_key(self) -> str | None:
        """Return the key that a keyboard trigger types: ``5`` if the rig names none."""
        return (self.key or "5") if self.trigger == "keyboard" else None

    @property
    def source_field(self) -> str | None:
        """Return the name of the setting that says where the pulses come from; a keyboard has none."""
        return {"keyboard": None, "lsl": "stream"}.get(self.trigger, "port")

    @property
    def source(self) -> str:
        """Return the port or stream; empty for a keyboard."""
        return str(getattr(self, self.source_field)) if self.source_field else ""

    @property
    def emulated(self) -> bool:
        """Return whether this program makes the pulses itself."""
        return self.source == EMULATED

    def as_emulated(self) -> "ScannerRig":
        """Return the same trigger with an emulated scanner behind it."""
        name = self.source_field
        return self.model_copy(update={name: EMULATED, "source_id": None} if name else {})


def _listed(names: tuple[str, ...]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
