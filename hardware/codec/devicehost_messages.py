"""What is said between a host and LabBench DeviceHost, as data: requests, answers, samples."""

from dataclasses import dataclass
from typing import Literal

from hardware.codec import devicehost_table as table

Command = Literal[
    "CREATE", "OPEN", "PING", "CLEAR", "WAVEFORM", "START", "STOP", "STATE", "SIGNALS", "RATING"
]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program. ``argument``: tenths of kPa (STEP), tenths of kPa per second (INC, DEC)."""

    name: Literal["STEP", "INC", "DEC"]
    argument: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request without parameters of its own."""

    command: Command


@dataclass(frozen=True, slots=True)
class Waveform:
    """Load a program, played once, into a channel (0 or 1)."""

    channel: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Play channels (0 or 1, `NO_CHANNEL` for none) at the two outlets."""

    outlets: tuple[int, int]
    criterion: int = table.STOP_ON_BUTTON


HostRequest = Request | Waveform | Start


@dataclass(frozen=True, slots=True)
class Done:
    """A request was carried out."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was not carried out, in DeviceHost's word."""

    error: str


@dataclass(frozen=True, slots=True)
class Who:
    """The device behind DeviceHost."""

    device: str
    version: str


@dataclass(frozen=True, slots=True)
class State:
    """The last status that DeviceHost has of the device. It says nothing of how old that is."""

    state: str
    response_connected: bool
    response_low: bool
    power: bool
    start_possible: bool
    supply_ok: bool
    stop_condition: str
    final_tenths: tuple[int, int]
    supply_tenths: int


@dataclass(frozen=True, slots=True)
class Rating:
    """Rating meter and button; asking forgets ``latched``."""

    score: int
    final_score: int
    button: bool
    latched: bool


@dataclass(frozen=True, slots=True)
class Signals:
    """Samples (outlet 1, outlet 2, rating) that DeviceHost has kept, and keeps no longer.

    ``complete``: this ends the packet.
    """

    samples: tuple[tuple[int, int, int], ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Corrupt:
    """What is none of the others. Evidence, never a number."""

    raw: bytes


Answer = Done | Refused | Who | State | Rating | Signals
Response = Answer | Corrupt


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as DeviceHost hears it, with the device's port."""

    port: str
    request: HostRequest


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A packet that is no request, and what DeviceHost calls that."""

    error: str
