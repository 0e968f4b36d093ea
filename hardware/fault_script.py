"""The words of a fault script: what can be made to go wrong in an emulated device."""

import enum
from dataclasses import dataclass
from typing import Final


class FaultKind(enum.StrEnum):
    """What can go wrong."""

    DROP = "drop"
    """A share of the bytes is lost, in both directions."""
    CORRUPT = "corrupt"
    """A share of the bytes has a flipped bit, in both directions."""
    DELAY = "delay"
    """What the device says arrives late by ``amount`` seconds."""
    DUPLICATE = "duplicate"
    """A share of what the device says is said twice."""
    TRUNCATE = "truncate"
    """A share of what the device says is cut in the middle."""
    FREEZE = "freeze"
    """The device neither hears nor speaks; its own watchdog goes on."""
    UNPLUG = "unplug"
    """The port goes away and does not come back."""
    RESET = "reset"
    """The device restarts, as after a brown-out."""
    STUCK_VALVE = "stuck_valve"
    """The vent valve does not open."""
    LEAK = "leak"
    """The cuff loses a share of ``amount`` of its pressure each second."""
    KINK = "kink"
    """The hose is kinked: no air in, no air out, and the sensors are on the device's side of it."""
    NO_SUPPLY = "no_supply"
    """The air source is empty."""
    LIE = "lie"
    """The sensors read ``amount`` mmHg too high."""
    STUCK_SENSOR = "stuck_sensor"
    """The sensors repeat themselves."""


DEFAULT_AMOUNT: Final = {
    FaultKind.DROP: 1.0,
    FaultKind.CORRUPT: 1.0,
    FaultKind.DELAY: 1.5,
    FaultKind.DUPLICATE: 1.0,
    FaultKind.TRUNCATE: 1.0,
    FaultKind.LEAK: 1.5,
    FaultKind.LIE: 60.0,
}
"""Shares from 0 to 1, seconds, share per second, mmHg: strong enough to be found (assumed)."""

_SHARE: Final = (0.0, 1.0, "the share of the bytes, or of what is said, that it spoils")
AMOUNTS: Final = {
    FaultKind.DROP: _SHARE,
    FaultKind.CORRUPT: _SHARE,
    FaultKind.DUPLICATE: _SHARE,
    FaultKind.TRUNCATE: _SHARE,
    FaultKind.DELAY: (0.0, 60.0, "seconds"),
    FaultKind.LEAK: (0.0, 100.0, "the share of the pressure that is lost each second"),
    FaultKind.LIE: (-300.0, 300.0, "mmHg that the sensors read too high"),
}
"""Least, most and meaning of an amount; the other kinds have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. Begins ``start_s`` after the device was switched on, or ``into_s`` into each inflation."""

    kind: FaultKind
    start_s: float | None = None
    into_s: float | None = None
    for_s: float = 1e9
    amount: float = 1.0
