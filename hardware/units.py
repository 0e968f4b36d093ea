"""Pressure units and the one rounding rule: never above what was asked."""

from typing import Final

MMHG_PER_KPA: Final = 7.500617
"""1 mmHg = 133.322 Pa (conventional millimetre of mercury)."""


def mmhg_from_kpa(pressure_kpa: float) -> float:
    """Convert kilopascal to millimetres of mercury."""
    return pressure_kpa * MMHG_PER_KPA


def device_steps(pressure_mmhg: float, *, step_mmhg: float) -> int:
    """Return the device's integer for a pressure: round down, never above what was asked."""
    # the small term keeps 15.0 / 0.1 from becoming 149 steps
    return int(pressure_mmhg / step_mmhg + 1e-9)
