"""A USB serial adapter's latency timer, between an emulated device and its wire."""

import math
from typing import Final

from hardware.sim.serve import Device

FTDI_S: Final = 0.016
"""The timer as it is delivered (FTDI AN232B-04, verified)."""


def delivered_s(time_s: float, timer_s: float, phase_s: float = 0.0) -> float:
    """Return when the adapter passes on what came to it: at the next tick of its timer.

    The timer runs on whether bytes come or not, as status is sent at each tick too (assumed).
    """
    if timer_s <= 0.0:
        return time_s
    return phase_s + math.ceil((time_s - phase_s) / timer_s) * timer_s


class SlowAdapter:
    """A served device behind an adapter that passes bytes on at the ticks of its timer."""

    def __init__(self, device: Device, *, timer_s: float = FTDI_S) -> None:
        self._device, self._timer_s = device, timer_s
        self._held = b""
        self._tick_s = 0.0

    def receive(self, data: bytes) -> None:
        """Pass on at once: the timer is that of the way to the computer."""
        self._device.receive(data)

    def advance(self, now_s: float) -> bytes:
        """Return what the tick lets through."""
        data = self._device.advance(now_s)
        if data and not self._held:
            self._tick_s = delivered_s(now_s, self._timer_s)
        self._held += data
        if not self._held or now_s < self._tick_s:
            return b""
        sent, self._held = self._held, b""
        return sent

    def next_due_s(self) -> float | None:
        """Return when the device or the timer is due."""
        due = [self._device.next_due_s(), self._tick_s if self._held else None]
        return min((due_s for due_s in due if due_s is not None), default=None)

    def may_end(self) -> bool:
        """Return whether the device may."""
        return self._device.may_end()
