"""What a CPAR and its host say to each other: frozen messages, and the numbers in them.

Times are in ticks of 50 ms, pressures in status counts (255 are 100 kPa) or in program units
(1/256 of a count). Every conversion from and to kPa and mmHg is here.
"""

import struct
from dataclasses import dataclass

from hardware.codec import cpar_table as table
from hardware.codec.cpar_table import Verb
from hardware.errors import CodecError
from hardware.units import MMHG_PER_KPA, mmhg_from_kpa


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Bytes that are no legal packet: noise, a cut frame, a wrong length, an unknown value."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program. ``argument`` in 1/256 counts (per tick for ramps), ticks of 50 ms."""

    operation: int
    argument: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request without data: identify, kick, stop."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class SetProgram:
    """Load a program. ``channel`` 0 is outlet 1."""

    channel: int
    repeat: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Start the loaded programs. Map A has no compressor mode. A driver never sends ``force``."""

    criterion: int
    compressor: int = table.COMPRESSOR_AUTO
    force: bool = False


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A request that the device answers with a negative answer of this error."""

    code: int
    error: int


HostRequest = Request | SetProgram | Start


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdentity:
    """Who the device says it is. Map A tells only type, version, checksum and serial number."""

    length: int
    manufacturer: int | None
    device_type: int
    serial_number: int
    version: tuple[int, int, int]
    engineering: int
    checksum: int
    manufacturer_name: str = ""
    device_name: str = ""


@dataclass(frozen=True, slots=True)
class Counter:
    """The answer to a kick."""

    count: int


@dataclass(frozen=True, slots=True)
class ProgramLoaded:
    """The answer to a program: the CRC-8 of the instructions as the device has them."""

    crc: int


@dataclass(frozen=True, slots=True)
class Done:
    """An answer without data: to start or stop."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class Negative:
    """The device refused. It does not say what."""

    error: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One status message, in counts. ``button_down`` is ``None`` on map A, which does not tell."""

    state: int
    flags: int
    update_counter: int
    stop_condition: int
    rating: int
    final_rating: int
    supply: int
    actual: tuple[int, int]
    target: tuple[int, int]
    final: tuple[int, int]
    button_down: bool | None


@dataclass(frozen=True, slots=True)
class ForeignStatus:
    """A status message of a length that neither map has (22: a CPAR+)."""

    length: int


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Something the device says unasked; the number's meaning depends on the map."""

    event: int


@dataclass(frozen=True, slots=True)
class OtherMessage:
    """A well-framed message of a code we do not use (printf, timing)."""

    code: int
    data: bytes


Answer = DeviceIdentity | Counter | ProgramLoaded | Done | Negative
Reply = Answer | Status | ForeignStatus | DeviceEvent | OtherMessage | Corrupt


# -- numbers


def crc8(data: bytes) -> int:
    """Return the CRC-8 with polynomial 0x07 and start 0 ("123456789" gives 0xF4)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc


def program_units(pressure_kpa: float) -> int:
    """Return a pressure as a program has it: 1/256 counts, rounded down.

    Raises
    ------
    CodecError
        If it is not a number from 0 to 100: the vendor's own host wraps 300 kPa to 99 kPa.
    """
    if not 0.0 <= pressure_kpa <= table.FULL_SCALE_KPA:  # NaN fails this, as it must
        raise illegal(f"a pressure of {pressure_kpa:g} kPa")
    # the small term keeps 100 kPa from becoming one unit less
    return int(pressure_kpa * table.UNITS_PER_KPA + 1e-6)


def units_from_mmhg(pressure_mmhg: float) -> int:
    """Return a pressure as a program has it, never above what was asked (1 unit is 0.0115 mmHg)."""
    return program_units(pressure_mmhg / MMHG_PER_KPA)


def mmhg_from_units(units: int) -> float:
    """Return what a program's units are in mmHg."""
    return mmhg_from_kpa(units / table.UNITS_PER_KPA)


def mmhg_from_counts(counts: int) -> float:
    """Return what a status byte is in mmHg (1 count is 2.94 mmHg)."""
    return mmhg_from_kpa(counts * table.FULL_SCALE_KPA / table.COUNTS)


def step(units: int, ticks: int) -> Instruction:
    """Return the instruction that sets a pressure at once and holds it."""
    return Instruction(table.STEP, units, ticks)


def ramp_units(rate_kpa_per_s: float) -> int:
    """Return a ramp's argument, rounded down: 1 kPa/s becomes 0.98 (one unit is 0.0306 kPa/s).

    Raises
    ------
    CodecError
        If it is not a number from 0 to full scale in one tick.
    """
    if not 0.0 <= rate_kpa_per_s * table.TICK_S <= table.FULL_SCALE_KPA:
        raise illegal(f"a ramp of {rate_kpa_per_s:g} kPa/s")
    return int(rate_kpa_per_s * table.RATE_UNITS_PER_KPA_S + 1e-6)


def instruction_bytes(instructions: tuple[Instruction, ...]) -> bytes:
    """Return the instructions as they are on the wire: what the device's CRC is taken over.

    Raises
    ------
    CodecError
        If there are too many, or a number is outside its limits.
    """
    few = len(instructions) <= table.MOST_INSTRUCTIONS
    if not (few and all(map(legal, instructions))):
        raise illegal(f"the program {instructions}")
    return b"".join(struct.pack("<BHH", i.operation, i.argument, i.ticks) for i in instructions)


def legal(i: Instruction) -> bool:
    """Return whether an instruction is within the limits of the wire."""
    return (
        table.NOP <= i.operation <= table.STEP
        and 0 <= i.argument <= table.MOST_UNITS
        and 1 <= i.ticks <= table.MOST_TICKS  # what 0 ticks do is not known
    )


def illegal(what: str) -> CodecError:
    """Return the error for something that must not be sent."""
    return CodecError(
        f"{what} is not possible on a CPAR",
        where="cuff command",
        do="lower it, or look at the protocol; nothing was sent",
    )
