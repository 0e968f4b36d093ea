"""The grammar of a rig file: what is connected in this room, and what nobody may pass."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hardware.codec.cuff1_table import LEASE_MS, LEASE_MS_MIN
from hardware.registry import DRIVERS
from scc_task.protocol.base import (
    Model,
    Title,
    Version,
    Words,
    refuse,
)
from scc_task.protocol.rig_limits import RigLimits, Supervisor

EMULATED: Final = "emulated"
"""The port of a device that this program emulates."""

NEED_ANOTHER_VENT: Final = ("alicat", "contact")
"""Devices that go on pressing for ever when nobody talks to them any more: no watchdog, no finite program."""

OF_ONE_DRIVER: Final[Mapping[str, tuple[str, tuple[str, str] | None]]] = {
    "lease_ms": ("reference", None),
    "line": (
        "contact",
        ("a contact is switched by a line of the port", "add 'line: rts' or 'line: dtr'"),
    ),
    "device_port": (
        "devicehost",
        (
            "DeviceHost has to be told which port the CPAR+ is on",
            "add 'device_port: COM8', with the number from the Device Manager",
        ),
    ),
}
"""Settings that only one driver has, and what is said where it must have them."""

Site = Literal["left calf", "right calf"]

KeyName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$")]
"""A key as PsychoPy names it: lower case, ``left``, ``return``, ``space``, ``b``, ``5``."""

_KEYS: Final = "keys, in lower case: letters, digits (in quotes), left, right, return, space"


def _known_driver(name: str) -> str:
    if name not in DRIVERS:
        refuse(f"there is no driver '{name}'", do=f"write one of {', '.join(DRIVERS)}")
    return name


class CuffRig(Model):
    """The cuff and where it sits."""

    driver: Annotated[str, AfterValidator(_known_driver)] = Field(
        description=f"which device: {', '.join(DRIVERS)}; see docs/devices/",
        examples=["reference"],
        json_schema_extra={"enum": list(DRIVERS)},
    )
    port: Words = Field(
        description="'emulated', or the device's port: COM4, /dev/ttyUSB0, socket://127.0.0.1:7000",
        examples=["emulated"],
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400] = Field(
        default=115200, description="speed of the port", examples=[115200]
    )
    site: Site = Field(description="where the cuff sits", examples=["left calf"])
    lease_ms: int | None = Field(
        default=None,
        ge=LEASE_MS_MIN,
        le=LEASE_MS,
        description="reference only: silence after which the device vents by itself, in milliseconds",
        examples=[LEASE_MS],
    )
    independent_vent: bool = Field(
        default=False,
        description="true: a normally-open valve with a timer of its own empties the cuff without us",
        examples=[True],
    )
    doctor_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="days after which a run warns that the doctor has to see the cuff again",
        examples=[30],
    )
    line: Literal["rts", "dtr"] | None = Field(
        default=None,
        description="contact only: the line of the port that closes the contact, rts or dtr",
        examples=["rts"],
    )
    device_port: Annotated[str, StringConstraints(pattern=r"^COM[1-9][0-9]{0,2}$")] | None = Field(
        default=None,
        description="devicehost only: the port that DeviceHost opens for the CPAR+, COM1 to COM999",
        examples=["COM8"],
    )

    @model_validator(mode="after")
    def _has_what_its_driver_needs_and_nothing_else(self) -> Self:
        for name, (driver, missing) in OF_ONE_DRIVER.items():
            given = getattr(self, name) is not None
            if self.driver == driver and not given and missing is not None:
                what, do = missing
                refuse(f"'{name}' is missing: {what}", do=do)
            if self.driver != driver and given:
                refuse(
                    f"'{name}' does not fit the driver {self.driver}",
                    do=f"remove it; only the driver {driver} has it",
                    at=(name,),
                )
        return self


class ScannerRig(Model):
    """Where the scanner's pulses come from."""

    trigger: Literal["serial", "keyboard"] = Field(
        description="serial: a box that sends one byte for each pulse; keyboard: a box that types",
        examples=["keyboard"],
    )
    port: Words | None = Field(
        default=None, description="port of a serial trigger, or 'emulated'", examples=["emulated"]
    )
    byte: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]$")] | None = Field(
        default=None,
        description="the character that a serial trigger sends, in quotes",
        examples=["5"],
    )
    key: KeyName | None = Field(
        default=None,
        description="the key that a keyboard trigger types, in quotes; 5 if not given",
        examples=["5"],
    )

    @model_validator(mode="after")
    def _has_what_its_trigger_needs(self) -> Self:
        needed = ("port", "byte") if self.trigger == "serial" else ()
        for name in needed:
            if getattr(self, name) is None:
                example = "emulated" if name == "port" else '"5"'
                refuse(
                    f"'{name}' is missing: a {self.trigger} trigger needs it",
                    do=f"add '{name}: {example}'",
                )
        known = needed or ("key",)
        for name in ("port", "byte", "key"):
            if getattr(self, name) is not None and name not in known:
                refuse(
                    f"'{name}' does not fit a {self.trigger} trigger",
                    do=f"remove it; a {self.trigger} trigger has {' and '.join(known)}",
                    at=(name,),
                )
        return self

    @property
    def trigger_key(self) -> str | None:
        """Return the key that a keyboard trigger types: ``5`` if the rig names none."""
        return (self.key or "5") if self.trigger == "keyboard" else None

    @property
    def emulated(self) -> bool:
        """Return whether this program makes the pulses itself."""
        return self.port == EMULATED


class Responses(Model):
    """How the participant answers."""

    answers: Literal["emulated", "keyboard"] = Field(
        description="keyboard: a person answers; emulated: a simulated one does",
        examples=["keyboard"],
    )
    left: tuple[KeyName, ...] = Field(min_length=1, description=_KEYS, examples=["[left, b]"])
    right: tuple[KeyName, ...] = Field(min_length=1, description=_KEYS, examples=["[right, c]"])
    confirm: tuple[KeyName, ...] = Field(min_length=1, description=_KEYS, examples=["[return, a]"])
    stop: tuple[KeyName, ...] = Field(
        min_length=1, description=f"the participant's stop button; {_KEYS}", examples=["[s]"]
    )
    rating_step: int = Field(
        default=1, ge=1, le=50, description="points that one press moves the marker", examples=[1]
    )
    speed_per_s: float = Field(
        default=40.0,
        gt=0,
        le=500,
        description="points per second while a key is held",
        examples=[40],
    )
    hold_after_s: float = Field(
        default=0.25,
        gt=0,
        le=5,
        description="seconds after which a pressed key counts as held",
        examples=[0.25],
    )

    entry: ClassVar[str] = "setting"

    @model_validator(mode="after")
    def _has_each_key_once(self) -> Self:
        owners: dict[str, str] = {}
        for action in ("left", "right", "confirm", "stop"):
            for position, key in enumerate(getattr(self, action)):
                if key in ("escape", "esc"):
                    refuse(
                        "the Escape key belongs to the operator: it stops the run",
                        do="choose another key",
                        at=(action, position),
                    )
                if key in owners:
                    refuse(
                        f"key '{key}' stands under '{owners[key]}' already",
                        do="give each key one meaning",
                        at=(action, position),
                    )
                owners[key] = action
        return self

    def action_of(self, key: str) -> str | None:
        """Return what a key means (left, right, confirm, stop), or ``None``."""
        return next(
            (a for a in ("left", "right", "confirm", "stop") if key in getattr(self, a)), None
        )


class ScreenRig(Model):
    """The participant's screen."""

    number: int = Field(ge=0, le=15, description="which screen, from 0", examples=[0])
    fullscreen: bool = Field(description="true or false", examples=[True])
    size_px: tuple[
        Annotated[int, Field(ge=320, le=16384)], Annotated[int, Field(ge=240, le=16384)]
    ] = Field(description="[width, height] in pixels", examples=["[1024, 768]"])
    distance_m: float | None = Field(
        default=None,
        gt=0,
        le=20,
        description="from the eye to the screen, in metres",
        examples=[1.5],
    )
    size_m: (
        tuple[Annotated[float, Field(gt=0, le=20)], Annotated[float, Field(gt=0, le=20)]] | None
    ) = Field(default=None, description="[width, height] in metres", examples=["[0.6, 0.45]"])


class Rig(Model):
    """A rig file."""

    version: Version = Field(description="version of the file format", examples=[1])
    name: Title = Field(
        description="name of the room: letters, digits, - and _", examples=["simulated"]
    )
    cuff: CuffRig = Field(description="the cuff")
    scanner: ScannerRig = Field(description="the scanner's pulses")
    responses: Responses = Field(description="the participant's keys")
    screen: ScreenRig = Field(description="the participant's screen")
    limits: RigLimits = Field(description="what nobody may pass")
    supervisor: Supervisor = Field(
        description="the process that watches the cuff", examples=["{patience_s: 0.5}"]
    )

    @model_validator(mode="after")
    def _keeps_real_and_emulated_apart(self) -> Self:
        trigger = self.scanner.trigger_key
        action = self.responses.action_of(trigger) if trigger is not None else None
        if action is not None:
            refuse(
                f"key '{trigger}' is the scanner's trigger and stands under '{action}' too",
                do="choose another key for the answer",
                at=("responses", action, getattr(self.responses, action).index(trigger)),
            )
        if trigger in ("escape", "esc"):
            refuse(
                "the Escape key belongs to the operator: it stops the run",
                do="choose another key for the trigger",
                at=("scanner", "key"),
            )
        if not self.simulated and self.responses.answers == EMULATED:
            refuse(
                "a real cuff with emulated answers: real pressure and made-up ratings are never mixed",
                do="write 'answers: keyboard', or 'port: emulated' for the cuff",
                at=("responses", "answers"),
            )
        if not self.simulated and self.scanner.emulated:
            refuse(
                "a real cuff with an emulated scanner: real pressure and made-up pulses are never mixed",
                do="name the trigger's port or use 'trigger: keyboard'; or 'port: emulated' for the cuff",
                at=("scanner", "port"),
            )
        return self

    @property
    def presses_on_without_us(self) -> bool:
        """Return whether nothing would empty the cuff when the computer dies."""
        return (
            not self.simulated
            and self.cuff.driver in NEED_ANOTHER_VENT
            and not self.cuff.independent_vent
        )

    @property
    def simulated(self) -> bool:
        """Return whether the cuff is emulated: no pressure on anybody's leg."""
        return self.cuff.port == EMULATED

    def as_emulated(self) -> "Rig":
        """Return this room with everything in it emulated: the same devices, and nobody in the cuff."""
        scanner = self.scanner.model_copy(
            update={"port": EMULATED} if self.scanner.trigger == "serial" else {}
        )
        return self.model_copy(
            update={
                "cuff": self.cuff.model_copy(update={"port": EMULATED}),
                "scanner": scanner,
                "responses": self.responses.model_copy(update={"answers": EMULATED}),
            }
        )
