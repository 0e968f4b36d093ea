"""Every emulated cuff by the name of its driver. A new device is one entry here."""

from collections.abc import Callable, Mapping
from typing import Final

from hardware.sim.alicat import EmulatedAlicat
from hardware.sim.cpar import EmulatedCpar
from hardware.sim.faults import Faultable
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference

Witness = Callable[[str, float], None]
Make = Callable[[Plant, float, Witness | None], Faultable]
"""Builds a device from its air, its switch-on time and its witness."""


def _reference(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    return EmulatedReference(plant, start_s=start_s, witness=witness)


def _alicat(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    return EmulatedAlicat(plant, start_s=start_s, witness=witness)


def _cpar(plant: Plant, start_s: float, witness: Witness | None) -> Faultable:
    return EmulatedCpar(plant, start_s=start_s, witness=witness)


DEVICES: Final[Mapping[str, Make]] = {
    "reference": _reference,
    "cpar": _cpar,
    "alicat": _alicat,
}
