"""The task's ear for its supervisor: a thread reads, so that half a message holds up no frame."""

import contextlib
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Final

from hardware.clock import Clock
from hardware.readings import CuffReport

AWAY_S: Final = 0.5
"""Who has not listened for so long cannot say that nobody spoke."""


class Ear:
    """Reads lists of reports from a pipe.

    Parameters
    ----------
    pipe
        Its reading end.
    """

    def __init__(self, pipe: Connection, clock: Clock) -> None:
        self._pipe, self._clock = pipe, clock
        self._found: deque[Any] = deque()
        self._any = threading.Event()
        self._over = threading.Event()
        self._said_s = self._looked_s = clock.now_s()
        self._thread = threading.Thread(target=self._read, daemon=True, name="reports")
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                batch = self._pipe.recv()
                self._said_s = self._clock.now_s()
                self._found.extend(report for report in batch if report is not None)
                if self._found:
                    self._any.set()
        self._over.set()
        self._any.set()

    def first(self, wait_s: float) -> object:
        """Return the first thing said, or ``None`` if nothing came."""
        self._any.wait(wait_s)
        with contextlib.suppress(IndexError):
            return self._found.popleft()
        return None

    def heard(self, now_s: float) -> list[CuffReport]:
        """Return what was said since the last time. Never waits."""
        if now_s - self._looked_s > AWAY_S:
            self._said_s = max(self._said_s, now_s)
        self._looked_s = now_s
        found: list[CuffReport] = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._found.popleft())
        return found

    @property
    def ended(self) -> bool:
        """Return whether nothing can come any more."""
        return self._over.is_set() and not self._found

    def silent_s(self, now_s: float) -> float:
        """Return how long nothing was said, not even an empty list."""
        return now_s - self._said_s

    def close(self, wait_s: float) -> None:
        """Release the pipe when its other end is closed; one that is still spoken into is left alone.

        Closing it under the reading thread could make that read from whatever gets its number next.
        """
        self._thread.join(wait_s)
        if not self._thread.is_alive():
            self._pipe.close()
