"""A serial button box: a thread waits for bytes, stamps each as it arrives, and says until when it heard."""

import contextlib
import threading
from collections import deque
from typing import Final, NamedTuple

from hardware.clock import Clock
from hardware.errors import LinkLost
from hardware.triggers.listening import WAIT_S
from hardware.triggers.serial_byte import QuickPort

LOOK_S: Final = 0.01
"""How long one wait for bytes lasts at most: so much later the thread knows that nothing came."""


class Arrival(NamedTuple):
    """A byte and when it came.

    ``late_s``: by how much it may have come before its stamp, because the thread was held off.
    """

    time_s: float
    value: int
    late_s: float = 0.0


class Looks:
    """What a thread that listens knows: which bytes came when, and until when it has missed nothing.

    Attributes
    ----------
    until_s
        Everything that came before this has been taken.
    """

    def __init__(self, now_s: float) -> None:
        self.until_s = self._ended_s = now_s
        self._held_off_s = 0.0

    def take(self, began_s: float, ended_s: float, data: bytes) -> list[Arrival]:
        """Take one look, which waited for `LOOK_S` at most, and return its bytes."""
        held_off_s = max(0.0, ended_s - self._ended_s - LOOK_S)
        # what came while the last look's stamp was waited for is found by this one
        late_s = held_off_s + self._held_off_s
        self.until_s, self._ended_s, self._held_off_s = began_s, ended_s, held_off_s
        return [Arrival(ended_s, value, late_s) for value in data]


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
        self._bytes: deque[Arrival] = deque()
        self._over = threading.Event()
        self._lost_s: float | None = None
        self._listened_s = clock.now_s()
        self._thread = threading.Thread(target=self._run, daemon=True, name="button box")
        self._thread.start()

    def _run(self) -> None:
        try:
            with contextlib.suppress(LinkLost):
                self._listen()
        finally:  # whatever ended it: nobody hears the buttons any more
            self._lost_s = self._clock.now_s()

    def _listen(self) -> None:
        looks = Looks(self._clock.now_s())
        while not self._over.is_set():
            began_s = self._clock.now_s()
            data = self._wire.read(wait_s=LOOK_S)
            self._bytes.extend(looks.take(began_s, self._clock.now_s(), data))
            self._listened_s = looks.until_s  # after its bytes: who reads it first misses none

    @property
    def listened_s(self) -> float:
        """Return until when everything that came has been taken. Ask before `poll`."""
        return self._listened_s

    def poll(self) -> list[Arrival]:
        """Return what has come since the last poll, oldest first."""
        found = []
        while self._bytes:
            found.append(self._bytes.popleft())
        return found

    @property
    def lost_s(self) -> float | None:
        """Return when the port went away, or the thread that listens to it."""
        return self._lost_s

    def close(self) -> None:
        """Stop listening and release the port. Safe to call twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2 * WAIT_S + 1.0)
        self._wire.close()
