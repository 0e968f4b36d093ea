"""What the reference controller makes of its two sensors: the emulator's half of a firmware's rules.

By the sensors alone, as firmware has to, and against `hardware.codec.cuff1_table`. Where the table
counts ticks in a row, time is counted here: the emulator's ticks need not be of one length.
"""

from hardware.codec import cuff1_table as table


class Sensors:
    """Two readings in tenths of a mmHg, and whether they can be believed."""

    def __init__(self) -> None:
        self.first = self.second = 0
        self._known = False
        self._still_ms = self._beyond_ms = self._too_high_ms = self._apart_ms = 0

    def take(self, first: int, second: int, tick_ms: int) -> None:
        """Take what was read after a tick."""
        repeats = (first, second) == (self.first, self.second)
        self._still_ms = self._still_ms + tick_ms if repeats else 0
        self.first, self.second, self._known = first, second, True
        believed = [value for value in (first, second) if _in_range(value)]
        both_above = min(first, second) > table.SENSOR_TENTHS_MAX  # no two wires: that is pressure
        too_high = both_above or max(believed, default=0) > table.CEILING_TENTHS
        apart = abs(first - second) > table.DISAGREE_TENTHS
        self._beyond_ms = self._beyond_ms + tick_ms if len(believed) < 2 else 0
        self._too_high_ms = self._too_high_ms + tick_ms if too_high else 0
        self._apart_ms = self._apart_ms + tick_ms if apart else 0

    @property
    def high(self) -> int:
        """Return the higher reading that is believed, which every rule judges."""
        readings = (self.first, self.second)
        return max(filter(_in_range, readings), default=max(readings))

    @property
    def empty(self) -> bool:
        """Return whether both are believed and below what counts as empty."""
        believed = _in_range(self.first) and _in_range(self.second)
        return self._known and believed and self.high < table.EMPTY_TENTHS

    @property
    def stand_still(self) -> bool:
        """Return whether both have repeated themselves for so long that they measure nothing."""
        return self._still_ms >= table.STILL_MS

    @property
    def fault(self) -> str | None:
        """Return the name of what is wrong with them, or with the pressure, in any state."""
        for held_ms, samples, name in (
            (self._too_high_ms, table.BAD_SAMPLES, "overpressure"),
            (self._beyond_ms, table.RANGE_SAMPLES, "sensor_range"),
            (self._apart_ms, table.DISAGREE_SAMPLES, "sensor_disagree"),
        ):
            if held_ms >= samples * table.TICK_MS:
                return name
        return None


def _in_range(reading: int) -> bool:
    return table.SENSOR_TENTHS_MIN <= reading <= table.SENSOR_TENTHS_MAX
