"""The reference controller's compiled firmware on a simulated chip, with its wire and its cuff (simavr).

The Python face of ``hardware/firmware/simavr``: a shared library that is a test tool of its own (GPL-3)
and is opened only where somebody has built it. Nothing moves unless `Board.run_until` is called, so
the same board runs lock-step, many times faster than real time and the same every time, or in
real time.
"""

import ctypes
import enum
import functools
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hardware.errors import HardwareUnavailable
from hardware.sim.elf import NoFirmwareError, elf_of, flash_of

FIRMWARE: Final = Path(__file__).parents[1] / "firmware"
BUILD: Final = FIRMWARE / "build"
LIBRARY: Final = BUILD / "libcuffsim.so"
CLOCK_HZ: Final = 16_000_000
EEPROM_BYTES: Final = 1024
PACKAGES: Final = "gcc-avr avr-libc libsimavr-dev libelf-dev"
HOW_TO_BUILD: Final = (
    f"on Debian or Ubuntu: sudo apt-get install {PACKAGES} gcc libc6-dev make, "
    "then: make -C hardware/firmware && make -C hardware/firmware/simavr; "
    "elsewhere use the emulator that needs neither: leave the binary out"
)
OURS: Final = "name hardware/firmware/build/cuff_release.elf, made by: make -C hardware/firmware"
_READ: Final = 4096


class Pin(enum.IntFlag):
    """What the controller drives, as ``pins.h`` has it; the buzzer is moved to bit 7."""

    DUMP = 1 << 0
    """The first vent path is closed."""
    SUPPLY = 1 << 2
    """The second vent path is closed, and the cuff on the supply."""
    SHUTOFF = 1 << 3
    """The regulator is let through."""
    BUZZER = 1 << 7


CLOSED: Final = Pin.DUMP | Pin.SUPPLY
"""Both vent paths are closed."""
VALVES: Final = CLOSED | Pin.SHUTOFF
"""Every valve has current."""


class Restart(enum.IntEnum):
    """Why a chip begins anew: the bit of its register MCUSR."""

    POWER_ON = 0
    RESET_PIN = 1
    BROWN_OUT = 2


class LineError(enum.IntEnum):
    """What the chip's receiver can find wrong with a byte: a bit of its register UCSR0A."""

    FRAME = 1 << 4
    OVERRUN = 1 << 3
    PARITY = 1 << 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of the pins, at a time of the chip."""

    time_s: float
    pins: Pin

    @property
    def closed(self) -> bool:
        """Return whether no vent path is open."""
        return CLOSED in self.pins

    @property
    def open(self) -> bool:
        """Return whether both vent paths are open."""
        return not self.pins & CLOSED


_Handle = ctypes.c_void_p
_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    # name: (result, arguments); an untyped 64-bit handle would be cut to 32 bits
    "sim_open": (_Handle, ctypes.c_char_p, ctypes.c_uint32),
    "sim_close": (None, _Handle),
    "sim_restart": (None, _Handle, ctypes.c_int),
    "sim_cycle": (ctypes.c_uint64, _Handle),
    "sim_run": (ctypes.c_int, _Handle, ctypes.c_uint64),
    "sim_write": (None, _Handle, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_uint32),
    "sim_read": (ctypes.c_uint32, _Handle, ctypes.c_char_p, ctypes.c_uint32),
    "sim_waiting": (ctypes.c_uint32, _Handle),
    "sim_resets": (ctypes.c_uint32, _Handle),
    "sim_pins": (ctypes.c_uint32, _Handle),
    "sim_peek": (ctypes.c_uint32, _Handle, ctypes.c_uint32),
    "sim_poke": (None, _Handle, ctypes.c_uint32, ctypes.c_uint32),
    "sim_pressure": (ctypes.c_double, _Handle),
    "sim_regulator": (ctypes.c_double, _Handle),
    "sim_fault_name": (ctypes.c_char_p, ctypes.c_int),
    "sim_set_fault": (None, _Handle, ctypes.c_int, ctypes.c_double),
    "sim_set_pressure": (None, _Handle, ctypes.c_double),
    "sim_set_air": (None, _Handle, ctypes.c_double, ctypes.c_double, ctypes.c_double),
    "sim_set_noiseless": (None, _Handle, ctypes.c_int),
    "sim_edge": (
        ctypes.c_int,
        _Handle,
        ctypes.POINTER(ctypes.c_uint64),
        ctypes.POINTER(ctypes.c_uint32),
    ),
    "sim_eeprom": (
        None,
        _Handle,
        ctypes.c_char_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_int,
    ),
}


@functools.cache
def _library(path: str) -> Any:
    if os.name == "nt":
        raise HardwareUnavailable(
            "the simulated chip runs on Linux only",
            where="emulate reference --binary",
            do="leave the binary out: the emulator in Python needs no chip",
        )
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise HardwareUnavailable(
            f"the simulated chip cannot be opened: {error}", where=path, do=HOW_TO_BUILD
        ) from error
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def require(binary: Path) -> None:
    """See that a firmware and the simulated chip are there, before anything depends on them.

    Raises
    ------
    HardwareUnavailable
        If one of them is not, with what to install and to make.
    """
    if not binary.is_file():
        raise HardwareUnavailable(
            "there is no such firmware file", where=str(binary), do=HOW_TO_BUILD
        )
    _flash(binary)
    _library(str(LIBRARY))


def _flash(binary: Path) -> bytes:
    try:
        return flash_of(binary.read_bytes())
    except (OSError, NoFirmwareError) as error:
        raise HardwareUnavailable(str(error), where=str(binary), do=OURS) from error


class Board:
    """A simulated Uno with the firmware on it and a cuff on its valves.

    Parameters
    ----------
    binary
        The firmware, as an ELF file.
    seed
        Of the sensors' noise.

    Raises
    ------
    HardwareUnavailable
        If the binary or the simulator is not there.
    """

    def __init__(self, binary: Path, *, seed: int = 0) -> None:
        require(binary)
        self._c = _library(str(LIBRARY))
        self._binary = binary
        with (
            tempfile.TemporaryDirectory() as folder
        ):  # never the file itself: see `hardware.sim.elf`
            plain = Path(folder) / "flash.elf"
            plain.write_bytes(elf_of(_flash(binary)))
            self._sim = self._c.sim_open(os.fsencode(plain), seed & 0xFFFF_FFFF)
        if not self._sim:
            raise HardwareUnavailable(
                "the simulated chip cannot load this file",
                where=str(binary),
                do="make it anew: make -C hardware/firmware clean all",
            )
        self._names: dict[str, int] = {}
        while (name := self._c.sim_fault_name(len(self._names))) is not None:
            self._names[name.decode()] = len(self._names)
        self._buffer = ctypes.create_string_buffer(_READ)

    def close(self) -> None:
        """Free the chip. Nothing else may be called afterwards."""
        if self._sim:
            self._c.sim_close(self._sim)
            self._sim = None

    def __del__(self) -> None:
        if getattr(self, "_sim", None):
            self.close()

    # -- time

    @property
    def time_s(self) -> float:
        """Return the chip's time since it was made; it goes on over restarts."""
        return float(self._c.sim_cycle(self._sim)) / CLOCK_HZ

    def run_until(self, time_s: float) -> None:
        """Let the chip's time pass.

        Raises
        ------
        HardwareUnavailable
            If the chip has stopped for good: a crash, or asleep with its interrupts off.
        """
        if self._c.sim_run(self._sim, round(time_s * CLOCK_HZ)):
            raise HardwareUnavailable(
                "the simulated chip has crashed with this program, or sleeps for ever",
                where=str(self._binary),
                do=OURS,
            )

    def restart(self, why: Restart) -> None:
        """Begin anew. Except after the reset pin, what was in its RAM is lost."""
        self._c.sim_restart(self._sim, int(why))

    @property
    def resets(self) -> int:
        """Return how often the chip has begun anew, its watchdog's doing included."""
        return int(self._c.sim_resets(self._sim))

    # -- wire

    def write(self, data: bytes, *, spoilt: LineError | None = None) -> None:
        """Put bytes on the wire to the chip, which brings them at 115200 baud.

        With ``spoilt``, the chip's receiver reports that error with each of them.
        """
        self._c.sim_write(self._sim, data, len(data), 0 if spoilt is None else int(spoilt))

    def read(self) -> bytes:
        """Return what the chip has sent by now."""
        found = b""
        while count := self._c.sim_read(self._sim, self._buffer, _READ):
            found += ctypes.string_at(self._buffer, count)
        return found

    @property
    def waiting(self) -> int:
        """Return how many bytes are still on the wire to the chip."""
        return int(self._c.sim_waiting(self._sim))

    # -- the chip from inside

    def peek(self, address: int) -> int:
        """Return what is at a data address: a register, or the memory."""
        return int(self._c.sim_peek(self._sim, address))

    def poke(self, address: int, value: int) -> None:
        """Write to a data address, as the program would: a clock or a converter can be stopped so."""
        self._c.sim_poke(self._sim, address, value)

    # -- pins, air and what is wrong

    @property
    def pins(self) -> Pin:
        """Return what the chip drives now."""
        return Pin(self._c.sim_pins(self._sim))

    def edges(self) -> list[Edge]:
        """Return the changes of the pins since the last call, oldest first."""
        cycle, pins, found = ctypes.c_uint64(), ctypes.c_uint32(), []
        while self._c.sim_edge(self._sim, ctypes.byref(cycle), ctypes.byref(pins)):
            found.append(Edge(cycle.value / CLOCK_HZ, Pin(pins.value)))
        return found

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure in the cuff, which no sensor knows."""
        return float(self._c.sim_pressure(self._sim))

    @pressure_mmhg.setter
    def pressure_mmhg(self, value: float) -> None:
        self._c.sim_set_pressure(self._sim, value)

    @property
    def regulator_mmhg(self) -> float:
        """Return what the regulator is told."""
        return float(self._c.sim_regulator(self._sim))

    @property
    def faults(self) -> tuple[str, ...]:
        """Return the names of what can be wrong (``hardware/firmware/simavr/air.h`` explains them)."""
        return tuple(self._names)

    def fault(self, name: str, value: float = 1.0) -> None:
        """Make something go wrong; 0 mends it."""
        self._c.sim_set_fault(self._sim, self._names[name], value)

    def air(self, fill_tau_s: float, vent_tau_s: float, *, first_path_share: float) -> None:
        """Set how fast the cuff fills and vents, as `hardware.sim.plant.PlantSettings` has it."""
        self._c.sim_set_air(self._sim, fill_tau_s, vent_tau_s, first_path_share)

    def noiseless(self, noiseless: bool = True) -> None:
        """Let both sensors read the true pressure, without noise."""
        self._c.sim_set_noiseless(self._sim, noiseless)

    # -- what is kept without power

    def read_eeprom(self, offset: int = 0, count: int = EEPROM_BYTES) -> bytes:
        """Return what is in the EEPROM."""
        buffer = ctypes.create_string_buffer(count)
        self._c.sim_eeprom(self._sim, buffer, count, offset, 0)
        return ctypes.string_at(buffer, count)

    def write_eeprom(self, data: bytes, offset: int = 0) -> None:
        """Write into the EEPROM, as a programmer does; the firmware reads it when it starts."""
        self._c.sim_eeprom(self._sim, data, len(data), offset, 1)
