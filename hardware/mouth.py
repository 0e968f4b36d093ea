"""Reports to the task, through a thread: a task that does not read holds nobody up."""

import contextlib
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Final

BACKLOG: Final = 20_000
"""Reports kept while the task does not read: 6 min of samples. The oldest go first."""
BATCH: Final = 500


class Mouth:
    """Sends reports in lists without ever blocking the caller; an empty list is a sign of life."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._backlog: deque[Any] = deque(maxlen=BACKLOG)
        self._wake = threading.Semaphore(0)
        self._alive = False
        self._thread = threading.Thread(target=self._send, daemon=True, name="reports")
        self._thread.start()

    def say(self, report: object) -> None:
        """Send a report."""
        self._backlog.append(report)
        self._wake.release()

    def show_life(self) -> None:
        """Let the task know that somebody is here, also when there is nothing to report."""
        self._alive = True
        self._wake.release()

    def _send(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                self._wake.acquire()
                batch: list[Any] = []
                with contextlib.suppress(IndexError):
                    while len(batch) < BATCH:
                        batch.append(self._backlog.popleft())
                if batch or self._alive:
                    self._alive = False
                    self._pipe.send(batch)
                    if batch and batch[-1] is None:
                        return

    def finish(self, wait_s: float) -> None:
        """Send the rest, for at most so long."""
        self.say(None)
        self._thread.join(wait_s)
