"""What the reference controller makes of its two sensors: the emulator's half of a firmware's rules.

By the sensors alone, as firmware has to, and against `hardware.codec.cuff1_table`. Where the table
counts ticks in a row, time is counted here: the emulator's ticks need not be of one length.
"""

from hardware.codec import cuff1_table as table


class Tally:
    """Counts time that is bad: twice what it lasts, less what is good between, up to twice its samples."""

    def __init__(self, samples: int) -> None:
        self._most_ms, self._ms = 2 * samples * table.TICK_MS, 0

    def take(self, tick_ms: int, *, bad: bool) -> bool:
        """Take a tick; return whether it is there."""
        self._ms = min(self._most_ms, max(0, self._ms + (2 * tick_ms if bad else -tick_ms)))
        return self._ms == self._most_ms


class Sensors:
    """Two readings in tenths of a mmHg, and whether they can be believed."""

    def __init__(self) -> None:
        self.first = self.second = 0
        self._known = False
        self._still_ms = 0
        self._too_high = Tally(table.BAD_SAMPLES)
        self._beyond = Tally(table.RANGE_SAMPLES)
        self._apart = Tally(table.DISAGREE_SAMPLES)
        self.fault: str | None = None
        """The name of what is wrong with them, or with the pressure, in any state."""

    def take(self, first: int, second: int, tick_ms: int) -> None:
        """Take what was read after a tick."""
        repeats = (first, second) == (self.first, self.second)
        self._still_ms = self._still_ms + tick_ms if repeats else 0
        self.first, self.second, self._known = first, second, True
        believed = [value for value in (first, second) if _in_range(value)]
        both_above = min(first, second) > table.SENSOR_TENTHS_MAX  # no two wires: that is pressure
        too_high = both_above or max(believed, default=0) > table.CEILING_TENTHS
        apart = abs(first - second) > table.DISAGREE_TENTHS
        found = {
            "overpressure": self._too_high.take(tick_ms, bad=too_high),
            "sensor_range": self._beyond.take(tick_ms, bad=len(believed) < 2),
            "sensor_disagree": self._apart.take(tick_ms, bad=apart),
        }
        self.fault = next((name for name, holds in found.items() if holds), None)

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
    def full(self) -> bool:
        """Return whether there is pressure: a broken wire makes neither this nor `empty` true."""
        return self.high >= table.EMPTY_TENTHS

    def wait(self) -> None:
        """Count from now on how long they stand still: an empty cuff may be quiet."""
        self._still_ms = 0

    @property
    def stand_still(self) -> bool:
        """Return whether both have repeated themselves for so long that they measure nothing."""
        return self._still_ms >= table.STILL_MS

    @property
    def frozen(self) -> bool:
        """Return the same of a time after which it counts whatever the pressure should do."""
        return self._still_ms >= table.STILL_PRESSED_MS


def _in_range(reading: int) -> bool:
    return table.SENSOR_TENTHS_MIN <= reading <= table.SENSOR_TENTHS_MAX
