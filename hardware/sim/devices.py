"""Every emulated cuff by the name of its driver. A new device is one entry here.

The first line of each function is what ``emulate --help`` says of the device.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from hardware.sim.alicat import EmulatedAlicat
from hardware.sim.contact import EmulatedContact
from hardware.sim.cpar import EmulatedCpar
from hardware.sim.devicehost import EmulatedDeviceHost
from hardware.sim.faults import Faultable
from hardware.sim.firmware import FirmwareCuff
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference

Witness = Callable[[str, float], None]
Make = Callable[[Plant, float, Witness | None], Faultable]
"""Builds a device from its air, its switch-on time and its witness."""


def _reference(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    """Serve the reference controller (CUFF/1) with a cuff."""
    return EmulatedReference(plant, start_s=start_s, witness=witness)


def _alicat(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    """Serve an Alicat PCD pressure controller with a cuff."""
    return EmulatedAlicat(plant, start_s=start_s, witness=witness)


def _cpar(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    """Serve a NociTech CPAR cuff algometer (map C)."""
    return EmulatedCpar(plant, start_s=start_s, witness=witness)


def _contact(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    """Serve a rapid inflator with a contact on RTS and DTR (RFC 2217)."""
    return EmulatedContact(plant, start_s=start_s, witness=witness)


def _devicehost(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    """Serve LabBench DeviceHost (TCP) with a CPAR+ cuff algometer behind it."""
    return EmulatedDeviceHost(plant, start_s=start_s, witness=witness)


DEVICES: Final[Mapping[str, Make]] = {
    "reference": _reference,
    "cpar": _cpar,
    "alicat": _alicat,
    "contact": _contact,
    "devicehost": _devicehost,
}

ON_MODEM_LINES: Final = frozenset({"contact"})
"""Devices that hang on the lines of a serial port (see `hardware.sim.serve.open_end`)."""

ON_TCP: Final = frozenset({"devicehost"})
"""Devices that are a server on a TCP port, never a serial port."""


def maker_of(driver: str, *, binary: Path | None, seed: int) -> Make:
    """Return what builds an emulated cuff: the firmware in ``binary`` on a simulated chip, if given."""
    if binary is None:
        return DEVICES[driver]
    return functools.partial(_firmware, binary=binary, seed=seed)


def _firmware(
    plant: Plant, start_s: float, witness: Witness | None, *, binary: Path, seed: int
) -> Faultable:
    return FirmwareCuff(plant, start_s=start_s, witness=witness, binary=binary, seed=seed)
