"""From the driver's name in a rig file to an open device. A new device is one entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hardware.clock import Clock
from hardware.codec import alicat_table, cpar_table, cuff1_table
from hardware.cuff import CuffDriver
from hardware.drivers.alicat import AlicatCuff
from hardware.drivers.cpar import CparCuff
from hardware.drivers.reference import ReferenceCuff
from hardware.transport import SerialTransport, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class CuffAddress:
    """Where a cuff is: driver name, port as pyserial takes it, baud."""

    driver: str
    port: str
    baud: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """How a device is built on a wire, and what its wire runs at when the rig does not say."""

    build: Callable[[Transport, Clock], CuffDriver]
    baud: int


DRIVERS: Mapping[str, Driver] = {
    "reference": Driver(build=ReferenceCuff, baud=cuff1_table.BAUD),
    "cpar": Driver(build=CparCuff, baud=cpar_table.BAUD),
    "alicat": Driver(build=AlicatCuff, baud=alicat_table.BAUD),
}


def open_wire(address: CuffAddress) -> SerialTransport:
    """Open the port of a cuff.

    Raises
    ------
    HardwareUnavailable
        If it cannot be opened.
    """
    return SerialTransport(address.port, baud=address.baud)


def build_driver(address: CuffAddress, wire: Transport, clock: Clock) -> CuffDriver:
    """Return the driver named in the address, on an open wire."""
    return DRIVERS[address.driver].build(wire, clock)
