"""Pulses on a pin of a parallel port, read every millisecond."""

from typing import Final

from hardware.clock import Clock
from hardware.parallel_port import open_parallel_port
from hardware.triggers.listening import Polling

PINS: Final[dict[int, int]] = {10: 0x40, 11: 0x80, 12: 0x20, 13: 0x10, 15: 0x08}
"""The five input pins and their bits in the status register (linux/parport.h, verified)."""
INVERTED: Final = 0x80
"""Pin 11 (BUSY) is turned round by the port itself."""


class ParallelPulses(Polling):
    """Reads one pin.

    Raises
    ------
    HardwareUnavailable
        If there is no such port, it is somebody else's, or this system cannot read it.
    """

    def __init__(self, port: str, *, pin: int, edge: str, clock: Clock) -> None:
        super().__init__(clock, edge=edge)
        self._bit = PINS[pin]
        self._port = open_parallel_port(
            port, instead="connect the trigger to a serial port: 'trigger: modem_line' or 'serial'"
        )
        self._thread.start()

    def _level(self) -> bool:
        return bool((self._port.read_status() ^ INVERTED) & self._bit)

    def close(self) -> None:
        """Stop listening and release the port."""
        super().close()
        self._port.close()
