"""What the reference controller's box sounds, and what it makes of pressure that nobody asked for."""

from typing import Final

from hardware.codec import cuff1_table as table
from hardware.sim.reference_sensors import Sensors, Tally

PRIORITIES: Final = ("off", "medium", "high")


class Hush:
    """Which alarm is silenced, and until when."""

    def __init__(self) -> None:
        self._hushed, self._hushed_ms = "off", 0

    def take(self, priority: str, ms: int) -> None:
        """Silence what sounds now."""
        self._hushed, self._hushed_ms = priority, ms

    def keep(self, priority: str, ms: int) -> None:
        """Let sound again what got worse, and one of high priority after its time."""
        worse = PRIORITIES.index(priority) > PRIORITIES.index(self._hushed)
        over = priority == "high" and ms - self._hushed_ms >= table.HUSH_HIGH_MS
        self._hushed = "off" if worse or over else priority

    def sounds(self, priority: str) -> str:
        """Return what is to be heard of an alarm of this priority."""
        return "off" if priority == self._hushed else priority


class PressureLeft:
    """Pressure with both vent paths open: for too long, or where there was none before."""

    def __init__(self) -> None:
        self._full_ms = 0
        self._at_rest = Tally(table.LEFT_SAMPLES)

    def judge(self, sensors: Sensors, tick_ms: int, *, open_paths: bool, at_rest: bool) -> bool:
        """Take a tick; return whether it is a failed vent."""
        self._full_ms = self._full_ms + tick_ms if open_paths and sensors.full else 0
        if not at_rest:
            self._at_rest = Tally(table.LEFT_SAMPLES)
        elif self._at_rest.take(tick_ms, bad=sensors.high > table.LEFT_TENTHS):
            return True
        return self._full_ms > table.VENT_MS_MAX
