"""Scanner pulses from a serial box: one byte, one pulse, stamped as it arrives."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from hardware.clock import Clock
from hardware.errors import HardwareError, LinkLost
from hardware.transport import SerialTransport

WAIT_S: Final = 0.1
"""How long the listening thread sleeps at most before it looks whether it should end."""


class SerialPulses:
    """A thread that does nothing but wait for bytes and stamp them.

    Parameters
    ----------
    port, baud
        As pyserial takes them.
    byte
        The byte that means a pulse; others are counted in `strangers`.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened.
    """

    def __init__(self, port: str, *, baud: int, byte: bytes, clock: Clock) -> None:
        self._wire = SerialTransport(port, baud=baud)
        self._byte, self._clock = byte, clock
        self._times: deque[float] = deque()
        self._over = threading.Event()
        self._lost: HardwareError | None = None
        self.strangers = 0
        self._thread = threading.Thread(target=self._listen, daemon=True, name="scanner pulses")
        self._thread.start()

    def _listen(self) -> None:
        stamp: Callable[[], float] = self._clock.now_s
        try:
            while not self._over.is_set():
                data = self._wire.read(wait_s=WAIT_S)
                time_s = stamp()
                for value in data:
                    if value == self._byte[0]:
                        self._times.append(time_s)
                    else:
                        self.strangers += 1
        except LinkLost as error:
            self._lost = error

    def poll(self) -> list[float]:
        """Return the times of the pulses since the last poll."""
        found = []
        while self._times:
            found.append(self._times.popleft())
        return found

    def problem(self) -> str | None:
        """Return why the port is gone, if it is."""
        return None if self._lost is None else f"{self._lost.what} ({self._lost.where})"

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows."""
        return None

    def close(self) -> None:
        """Stop listening and release the port."""
        self._over.set()
        self._thread.join(2 * WAIT_S + 1.0)
        self._wire.close()
