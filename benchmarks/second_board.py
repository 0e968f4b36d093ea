"""What `hardware.sim.avr.Board` is, on yasimavr: the reference controller's binary on another simulated chip.

SPDX-License-Identifier: GPL-3.0-or-later. A test tool: it uses yasimavr, which is GPL-3, where somebody has
installed it. Only as much of a board as the trials of ``tests/firmware`` use. Wire, pins and cuff are others
too: bits on the receive pin, voltages on the converter's pins, `hardware.sim.plant` for the air.
"""

import importlib
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hardware.codec import cuff1_table as table
from hardware.errors import HardwareUnavailable
from hardware.sim.avr import CLOCK_HZ, Edge, Pin
from hardware.sim.firmware import WIRES
from hardware.sim.plant import Plant, PlantSettings, Trouble

VERSION = "0.1.6"
MISSING = (
    "yasimavr is not installed. Where there is a compiler for C++ (g++): "
    f"pip install yasimavr=={VERSION} (it is compiled, which takes two minutes)"
)
BIT_CYCLES = round(CLOCK_HZ / table.BAUD)
AIR_CYCLES = CLOCK_HZ // 1000
TCCR1A, OCR1AL, DIDR0 = 0x60, 0x68, 0x5E
SUPPLY_V = 5.0
CONVERTER = {"clk_ps_factors": [1, 1, 2, 4, 8, 16, 32, 64], "rb_int_enable": "ADCSRA/ADIF"}
"""What yasimavr 0.1.6 has wrong, by the data sheet. Its list of dividers lacks 64, so that 128 is none; a
conversion takes 26 clocks and not 13, so each divider is half of the chip's; and it looks for the flag and
its enable bit at one place, where they are not, so that no interrupt comes: the firmware's is always on."""
VALVE_PINS = {"PB0": Pin.DUMP, "PB2": Pin.SUPPLY, "PB3": Pin.SHUTOFF}


def yasimavr() -> SimpleNamespace:
    """Return the parts of yasimavr that are used, or end with what to install."""
    try:
        core = importlib.import_module("yasimavr.lib.core")
    except ImportError:
        sys.exit(MISSING)
    library = importlib.import_module("yasimavr.device_library")
    parts = importlib.import_module("yasimavr.device_library.descriptors")
    uart = importlib.import_module("yasimavr.utils.uart")
    return SimpleNamespace(core=core, library=library, parts=parts, uart=uart)


def _left_out(core: Any) -> Any:
    """Return a part of the chip with the one register that its model lacks; it counts the resets."""

    class LeftOut(core.Peripheral):  # type: ignore[misc]
        resets = -1  # the first is switching on

        def init(self, device: Any) -> bool:
            done = bool(super().init(device))
            self.add_ioreg(DIDR0)  # switches the digital half of the sensors' pins off
            return done

        def reset(self, flags: int) -> None:
            self.resets += 1

    return LeftOut(core.sim_id_t("LEFT"))


class SecondBoard:
    """What `hardware.sim.avr.Board` is, on yasimavr: as much of it as the trials use."""

    def __init__(self, binary: Path, *, seed: int = 0) -> None:
        self._y, self._binary = yasimavr(), str(binary)
        y = self._y
        chip = y.parts.DeviceDescriptor.create_from_model("atmega328p")
        chip.peripherals["ADC"].class_descriptor.config |= CONVERTER
        self._device = y.library.load_device("atmega328p")
        self._left_out = _left_out(y.core)
        self._device.attach_peripheral(self._left_out)
        self._loop = y.core.SimLoop(self._device)
        self._loop.set_fast_mode(True)
        self._clock = self._loop.cycle_manager()
        program = y.core.Firmware.read_elf(str(binary))
        program.frequency, program.vcc, program.aref = CLOCK_HZ, SUPPLY_V, 1.0
        self._device.load_firmware(program)
        self._device.logger().set_level(y.core.Logger.Level.Silent)
        self._probe = y.core.DeviceDebugProbe(self._device)
        self.pins, self._edges, self._sent = Pin(0), list[Edge](), bytearray()
        self._plant, self._fed_s, self._next_air = Plant(seed=seed), 0.0, AIR_CYCLES
        self._faults: defaultdict[str, float] = defaultdict(float)
        self._connect()

    def _connect(self) -> None:
        core = self._y.core
        self._hooks = [core.CallableSignalHook(self._sends), core.CallableSignalHook(self._moves)]
        _, found = self._device.ctlreq(core.IOCTL_UART("0"), core.CTLREQ_GET_SIGNAL)
        found.data.value(core.Signal).connect(self._hooks[0])
        for name, pin in VALVE_PINS.items():
            self._pin(name).set_external_state("D")  # the pull-down at its driver
            self._pin(name).signal().connect(self._hooks[1], int(pin))
        self._line = self._y.uart.RawUART()
        self._line.init(self._clock)
        self._line.set_bit_delay(BIT_CYCLES)
        self._line.lineTXD.set_state("H")
        self._pin("PD0").attach(self._line.lineTXD)
        for name in ("loop_open", "jumper_set"):
            self.fault(name, 0.0)
        self._drive_sensors()

    def _pin(self, name: str) -> Any:
        return self._device.find_pin(name)

    def _sends(self, signal: Any, _: int) -> None:
        if signal.sigid == self._y.core.UART.SignalId.TX_Data:
            self._sent.append(signal.data.value())

    def _moves(self, signal: Any, pin: int) -> None:
        if signal.sigid != self._y.core.Wire.SignalId.DigitalChange:
            return
        self.pins = self.pins | Pin(pin) if signal.data.value() else self.pins & ~Pin(pin)
        if self._edges and self._edges[-1].time_s == self.time_s:
            self._edges.pop()  # one instruction moves them all
        self._edges.append(Edge(self.time_s, self.pins))

    @property
    def time_s(self) -> float:
        """Return the chip's time since it was switched on."""
        return int(self._clock.cycle()) / CLOCK_HZ

    @property
    def resets(self) -> int:
        """Return how often the chip has begun anew."""
        return int(self._left_out.resets)

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure in the cuff, which no sensor knows."""
        return self._plant.pressure_mmhg

    @property
    def waiting(self) -> int:
        """Return how many bytes are still on the wire to the chip."""
        return int(self._line.tx_pending() + self._line.tx_in_progress())

    def run_until(self, time_s: float) -> None:
        """Let the chip's time pass.

        Raises
        ------
        HardwareUnavailable
            If yasimavr has ended the program: it crashed, or used a register that the model lacks.
        """
        end = round(time_s * CLOCK_HZ)
        while (now := self._clock.cycle()) < end:
            self._loop.run(min(end, self._next_air) - now)
            if self._loop.state() == self._loop.State.Done:
                raise HardwareUnavailable(
                    f"yasimavr has ended the program at {self.time_s:.6f} s",
                    where=self._binary,
                    do="set the level of the device's logger to Warning, to see why",
                )
            if self._clock.cycle() >= self._next_air:
                self._next_air += AIR_CYCLES
                self._flow(AIR_CYCLES / CLOCK_HZ)

    def _flow(self, dt_s: float) -> None:
        """Let the air move as the pins say: a coil without current leaves its vent path open."""
        paths = tuple(n for n, pin in ((1, Pin.DUMP), (2, Pin.SUPPLY)) if pin not in self.pins)
        fed = Pin.SUPPLY in self.pins and Pin.SHUTOFF in self.pins
        self._fed_s = self._fed_s + dt_s if fed else 0.0
        drive = 0  # its pulses are not on the simulated pin: their length is read where it is set
        if self._register(TCCR1A) & 0x80:
            drive = self._register(OCR1AL) | self._register(OCR1AL + 1) << 8
        self._plant.flow(
            target_mmhg=drive / table.DRIVE_MAX * table.FULL_SCALE_TENTHS / 10,
            on_for_s=self._fed_s,
            paths=paths,
            shutoff_open=Pin.SHUTOFF in self.pins,
            dt_s=dt_s,
        )
        self._drive_sensors()

    def _register(self, address: int) -> int:
        return int(self._probe.read_ioreg(address, False))

    def _drive_sensors(self) -> None:
        for name, tenths in zip(("PC0", "PC1"), self._plant.sensors_tenths(), strict=True):
            volts = 0.5 + tenths / table.FULL_SCALE_TENTHS * 4.0
            self._pin(name).set_external_state("A", min(max(volts / SUPPLY_V, 0.0), 1.0))

    def write(self, data: bytes) -> None:
        """Put bytes on the wire to the chip, bit by bit."""
        for byte in data:
            self._line.push_tx(byte)

    def read(self) -> bytes:
        """Return what the chip has sent, each byte after its stop bit."""
        said = bytes(self._sent)
        self._sent.clear()
        return said

    def edges(self) -> list[Edge]:
        """Return the changes of the pins since the last call, oldest first."""
        found, self._edges = self._edges, []
        return found

    def air(self, fill_tau_s: float, vent_tau_s: float, *, first_path_share: float) -> None:
        """Set how fast the cuff fills and vents."""
        self._plant.settings = PlantSettings(
            fill_tau_s=fill_tau_s, vent_tau_s=vent_tau_s, first_path_share=first_path_share
        )

    def fault(self, name: str, value: float = 1.0) -> None:
        """Make something go wrong, by the names of ``hardware/firmware/simavr/air.h``."""
        self._faults[name] = value
        if name in ("loop_open", "jumper_set"):  # switches to ground, against the chip's pull-ups
            pin, ground = ("PD4", not value) if name == "loop_open" else ("PD6", bool(value))
            self._pin(pin).set_external_state("L" if ground else "Z")
            return
        has = self._faults
        wires = [WIRES[int(has[f"{s}_volts"])] for s in ("first", "second")]
        both = bool(has["dump_stuck"] and has["supply_stuck"])
        self._plant.trouble = Trouble(
            leak_per_s=has["leak_per_s"],
            valve_stuck=both,
            stuck_path=0 if both else 1 if has["dump_stuck"] else 2 if has["supply_stuck"] else 0,
            shutoff_stuck=bool(has["shutoff_stuck"]),
            kinked=bool(has["kinked"]),
            supply_lost=bool(has["no_supply"]),
            runaway_mmhg=has["runaway_mmhg"],
            off_mmhg=(has["first_off_mmhg"], has["second_off_mmhg"]),
            frozen=(bool(has["first_frozen"]), bool(has["second_frozen"])),
            wires=(wires[0], wires[1]),
        )

    def write_eeprom(self, data: bytes, offset: int = 0) -> None:
        """Write into the EEPROM, as a programmer does."""
        core, request = self._y.core, self._y.core.ctlreq_data_t()
        request.index = self._device._NVMs_["EEPROM"]
        _, found = self._device.ctlreq(core.IOCTL_CORE, core.CTLREQ_CORE_NVM, request)
        found.data.value(core.NonVolatileMemory).program(data, offset)

    def close(self) -> None:
        """Let go of the chip."""
        self._probe.detach()
