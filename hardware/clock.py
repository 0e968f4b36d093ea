"""The one monotonic clock of the program, real or virtual. The only module that imports `time`."""

import os
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds. All processes on one machine share the real one."""

    def now_s(self) -> float:
        """Return the time."""

    def sleep_until(self, wake_s: float) -> None:
        """Return at ``wake_s`` or at once when that is past."""

    def wall(self) -> datetime:
        """Return date and time of day, UTC. Only for labels, never for durations."""


def now_s() -> float:
    """Return monotonic seconds, comparable between processes of this machine.

    On Windows `time.monotonic` steps by about 15.6 ms before Python 3.13; the performance
    counter (QPC) does not, and is shared by all processes too.
    """
    return time.perf_counter() if os.name == "nt" else time.monotonic()


class RealClock:
    """The machine's monotonic clock."""

    def now_s(self) -> float:
        """Return the time."""
        return now_s()

    def sleep_until(self, wake_s: float) -> None:
        """Sleep until ``wake_s``."""
        left_s = wake_s - now_s()
        if left_s > 0.0:
            time.sleep(left_s)

    def wall(self) -> datetime:
        """Return date and time of day, UTC."""
        return datetime.now(tz=UTC)


class VirtualClock:
    """A clock that jumps: sleeping costs nothing, and time passes only by sleeping."""

    WALL = datetime(1924, 1, 1, tzinfo=UTC)
    """BIDS dates before 1925 say "not a real date", so simulated data cannot pass for real."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the virtual time."""
        return self._now_s

    def sleep_until(self, wake_s: float) -> None:
        """Jump to ``wake_s``; never back."""
        self._now_s = max(self._now_s, wake_s)

    def wall(self) -> datetime:
        """Return the same date in every simulation."""
        return self.WALL
