"""The emulated rapid inflator: a contact in, air out. Its pressure was set by hand, before we came.

Time and bytes are passed in. One byte stands for the contact, whoever carries it: `hardware.sim.lines`
makes it from the lines of a real protocol, `hardware.sim.wire` on a virtual clock. Left alone with
its contact closed it presses for ever.
"""

from collections.abc import Callable
from typing import Final

from hardware.codec.contact import EMULATED, EMULATED_EVERY_S
from hardware.sim.plant import Plant

CLOSED: Final = b"C"
OPEN: Final = b"O"
SET_MMHG: Final = 120.0
"""What somebody set at the regulator of the emulated device (assumed)."""
TICK_S: Final = 0.005
REST_TICK_S: Final = 0.02

Witness = Callable[[str, float], None]
"""Told what the valve does: (what, device time in seconds)."""


class EmulatedContact:
    """One rapid inflator with its cuff.

    Parameters
    ----------
    plant
        The air in the cuff.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Called with ``valve closed`` and ``valve open`` when it happens.
    set_mmhg
        The pressure that was set by hand.
    """

    def __init__(
        self, plant: Plant, *, start_s: float, witness: Witness | None, set_mmhg: float = SET_MMHG
    ) -> None:
        self._plant, self._now_s, self._set_mmhg = plant, start_s, set_mmhg
        self._witness = witness or (lambda what, time_s: None)
        self._closed = False
        self._closed_s = self._said_s = start_s

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure, which nobody measures."""
        return self._plant.pressure_mmhg

    @property
    def closed(self) -> bool:
        """Return whether the contact is closed."""
        return self._closed

    def restart(self) -> None:
        """Lose power for a moment: the regulator starts anew, the contact is as it was."""
        self._witness("restart", self._now_s)
        self._closed_s = self._now_s

    def next_output_s(self) -> float:
        """Return when something happens here that was not asked for just now."""
        return self._now_s + REST_TICK_S

    def receive(self, data: bytes) -> None:
        """Take the contact's state. Call `advance` first, so that it changes now."""
        for value in data:
            if bytes([value]) in (CLOSED, OPEN):
                self._contact(closed=bytes([value]) == CLOSED)

    def _contact(self, *, closed: bool) -> None:
        if closed != self._closed:
            self._closed, self._closed_s = closed, self._now_s
            self._witness("valve closed" if closed else "valve open", self._now_s)

    def advance(self, now_s: float) -> bytes:
        """Let time pass and say, now and then, that this is an emulator."""
        while self._now_s < now_s:
            tick_s = min(TICK_S, now_s - self._now_s)
            self._now_s += tick_s
            if self._closed:
                on_for_s = self._now_s - self._closed_s
                self._plant.fill(target_mmhg=self._set_mmhg, on_for_s=on_for_s, dt_s=tick_s)
            else:
                self._plant.vent(dt_s=tick_s)
        if self._now_s < self._said_s + EMULATED_EVERY_S:
            return b""
        self._said_s = self._now_s
        return EMULATED
