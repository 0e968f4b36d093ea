"""From the driver's name in a rig file to an open device. A new device is one entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hardware.clock import Clock
from hardware.codec import alicat_table, cpar_table, cuff1_table, devicehost_table
from hardware.cuff import Capabilities, CuffDriver
from hardware.drivers.alicat import AlicatCuff
from hardware.drivers.contact import ContactCuff
from hardware.drivers.cpar import CparCuff
from hardware.drivers.devicehost import DeviceHostCuff
from hardware.drivers.reference import ReferenceCuff
from hardware.errors import HardwareUnavailable
from hardware.transport import Line, LineTransport, LineWire, SerialTransport, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class CuffAddress:
    """Where a cuff is: driver name, port as pyserial takes it, baud.

    ``line``: which output line of the port closes the contact of a ``contact`` cuff.
    ``device_port``: which port of its own computer ``devicehost`` opens for the device.
    ``lease_ms``: after which silence a ``reference`` controller vents; its longest if not given.
    """

    driver: str
    port: str
    baud: int
    line: Line | None = None
    device_port: str | None = None
    lease_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """How a device is built on a wire, and what its wire runs at when the rig does not say."""

    build: Callable[[CuffAddress, Transport, Clock], CuffDriver]
    baud: int
    capabilities: Capabilities
    wire: Callable[..., SerialTransport] = SerialTransport


def _contact(address: CuffAddress, wire: Transport, clock: Clock) -> CuffDriver:
    if address.line is None or not isinstance(wire, LineWire):
        raise HardwareUnavailable(
            "a contact needs a port with lines, and the name of one of them",
            where=address.port,
            do="write 'line: rts' or 'line: dtr' under 'cuff' in the rig file",
        )
    return ContactCuff(wire, clock, line=address.line)


def _devicehost(address: CuffAddress, wire: Transport, clock: Clock) -> CuffDriver:
    if address.device_port is None:
        raise HardwareUnavailable(
            "DeviceHost has to be told which port the CPAR+ is on",
            where=address.port,
            do="write 'device_port: COM8' under 'cuff' in the rig file",
        )
    return DeviceHostCuff(wire, clock, device_port=address.device_port)


DRIVERS: Mapping[str, Driver] = {
    "reference": Driver(
        build=lambda address, wire, clock: ReferenceCuff(
            wire, clock, lease_ms=address.lease_ms or cuff1_table.LEASE_MS
        ),
        baud=cuff1_table.BAUD,
        capabilities=ReferenceCuff.capabilities,
    ),
    "cpar": Driver(
        build=lambda _, wire, clock: CparCuff(wire, clock),
        baud=cpar_table.BAUD,
        capabilities=CparCuff.capabilities,
    ),
    "alicat": Driver(
        build=lambda _, wire, clock: AlicatCuff(wire, clock),
        baud=alicat_table.BAUD,
        capabilities=AlicatCuff.capabilities,
    ),
    "devicehost": Driver(
        build=_devicehost,
        baud=devicehost_table.BAUD,
        capabilities=DeviceHostCuff.capabilities,
    ),
    "contact": Driver(
        build=_contact, baud=9600, capabilities=ContactCuff.capabilities, wire=LineTransport
    ),
}


def open_wire(address: CuffAddress) -> SerialTransport:
    """Open the port of a cuff.

    Raises
    ------
    HardwareUnavailable
        If it cannot be opened.
    """
    return DRIVERS[address.driver].wire(address.port, baud=address.baud)


def build_driver(address: CuffAddress, wire: Transport, clock: Clock) -> CuffDriver:
    """Return the driver named in the address, on an open wire."""
    return DRIVERS[address.driver].build(address, wire, clock)
