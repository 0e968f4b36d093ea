"""A serial button box: a thread that waits for bytes and stamps each as it arrives."""

import threading
from collections import deque

from hardware.clock import Clock
from hardware.errors import LinkLost
from hardware.triggers.listening import WAIT_S
from hardware.triggers.serial_byte import QuickPort


class ButtonBox:
    """The bytes of a box with their times of arrival.

    Parameters
    ----------
    port, baud
        As pyserial takes them.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened.
    """

    def __init__(self, port: str, *, baud: int, clock: Clock) -> None:
        self._clock = clock
        self._wire = QuickPort(port, baud=baud)
        self._bytes: deque[tuple[float, int]] = deque()
        self._over = threading.Event()
        self._lost_s: float | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True, name="button box")
        self._thread.start()

    def _listen(self) -> None:
        try:
            while not self._over.is_set():
                data = self._wire.read(wait_s=WAIT_S)
                time_s = self._clock.now_s()
                self._bytes.extend((time_s, value) for value in data)
        except LinkLost:
            self._lost_s = self._clock.now_s()

    def poll(self) -> list[tuple[float, int]]:
        """Return time and byte of what has come since the last poll, oldest first."""
        found = []
        while self._bytes:
            found.append(self._bytes.popleft())
        return found

    @property
    def lost_s(self) -> float | None:
        """Return when the port went away, if it did."""
        return self._lost_s

    def close(self) -> None:
        """Stop listening and release the port. Safe to call twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2 * WAIT_S + 1.0)
        self._wire.close()
