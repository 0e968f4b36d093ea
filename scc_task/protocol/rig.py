"""The grammar of a rig file: what is connected in this room, and what nobody may pass."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

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
from scc_task.protocol.rig_markers import MarkerRig, refuse_unheard_recorders
from scc_task.protocol.rig_ports import Owner, refuse_shared_ports, refuse_strange_addresses
from scc_task.protocol.rig_responses import Responses
from scc_task.protocol.rig_scanner import ScannerRig
from scc_task.protocol.rig_words import EMULATED

OF_ONE_DRIVER: Final[Mapping[str, tuple[str, tuple[str, str] | None]]] = {
    "lease_ms": ("reference", None),
    "binary": ("reference", None),
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
    binary: Words | None = Field(
        default=None,
        description="reference only, emulated only: the firmware that runs on a simulated chip (an ELF file)",
        examples=["hardware/firmware/build/cuff_release.elf"],
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
        if self.binary is not None and self.port != EMULATED:
            refuse(
                "a simulated chip and a real port: a device is one or the other",
                do="write 'port: emulated', or remove 'binary'",
                at=("binary",),
            )
        return self


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
    markers: tuple[MarkerRig, ...] = Field(
        default=(), description="ports to recorders that get a code for each event of the run"
    )
    lsl: bool = Field(
        default=False,
        description="true: markers and pressure as streams of the Lab Streaming Layer",
        examples=[True],
    )

    @model_validator(mode="after")
    def _gives_each_port_one_owner(self) -> Self:
        if not self.simulated:
            refuse_unheard_recorders(self.markers)
        owners: list[Owner] = [
            ("cuff", self.cuff.port, ("cuff", "port")),
            ("CPAR+ behind DeviceHost", self.cuff.device_port, ("cuff", "device_port")),
            ("scanner's trigger", self.scanner.port, ("scanner", "port")),
            ("button box", self.responses.port, ("responses", "port")),
            *(
                (f"recorder {number}", output.port, ("markers", number - 1, "port"))
                for number, output in enumerate(self.markers, 1)
            ),
        ]
        refuse_strange_addresses(owners, self._on_lines())
        refuse_shared_ports(owners)
        return self

    def _on_lines(self) -> frozenset[str]:
        """Return who uses the lines of a port, and not its bytes."""
        uses = {
            "cuff": self.cuff.line is not None,
            "scanner's trigger": self.scanner.trigger == "modem_line",
            **{f"recorder {n}": output.to == "line" for n, output in enumerate(self.markers, 1)},
        }
        return frozenset(who for who, on_lines in uses.items() if on_lines)

    @model_validator(mode="after")
    def _keeps_real_and_emulated_apart(self) -> Self:
        trigger = self.scanner.trigger_key
        place = self.responses.place_of(trigger) if trigger is not None else None
        if place is not None:
            refuse(
                f"key '{trigger}' is the scanner's trigger and stands under '{place[0]}' too",
                do="choose another key for the answer",
                at=("responses", *place),
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
                at=("scanner", str(self.scanner.source_field)),
            )
        return self

    @property
    def presses_on_without_us(self) -> bool:
        """Return whether nothing would empty the cuff when the computer dies."""
        able = DRIVERS[self.cuff.driver].capabilities
        ends_by_itself = able.own_watchdog or able.finite_programs
        return not (self.simulated or ends_by_itself or self.cuff.independent_vent)

    @property
    def simulated(self) -> bool:
        """Return whether the cuff is emulated: no pressure on anybody's leg."""
        return self.cuff.port == EMULATED

    def as_emulated(self) -> "Rig":
        """Return this room with everything in it emulated: the same devices, and nobody in the cuff."""
        return self.model_copy(
            update={
                "cuff": self.cuff.model_copy(update={"port": EMULATED}),
                "scanner": self.scanner.as_emulated(),
                "responses": self.responses.as_emulated(),
            }
        )
