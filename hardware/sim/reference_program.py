"""One finite inflation as the reference controller carries it out: its ramp, and what ends it."""

from dataclasses import dataclass, field

from hardware.codec import cuff1_table as table
from hardware.sim.reference_sensors import Tally


def _tally() -> Tally:
    return Tally(table.BAD_SAMPLES)


@dataclass(slots=True)
class FiniteProgram:
    """What a ``GO`` asked for. Pressures in tenths of a mmHg, times in ms of the device's clock."""

    target: int = 0
    go_ms: int = 0
    on_ms: int = 0
    rise_ms: int = 0
    kept_up_ms: int = 0
    """When the pressure was last near the momentary target."""
    mark: int = 0
    mark_ms: int = 0
    """The pressure when it had last risen, and when that was."""
    most: int = 0
    """The ceiling that the pressure must not pass, whatever is asked for."""
    too_high_tally: Tally = field(default_factory=_tally)
    lost_tally: Tally = field(default_factory=_tally)

    def asked(self, ms: int) -> int:
        """Return the momentary target: on a ramp, the line from 0 to the target."""
        on_for_ms = ms - self.go_ms
        if on_for_ms >= self.rise_ms:
            return self.target
        return self.target * on_for_ms // self.rise_ms

    def is_over(self, ms: int) -> bool:
        """Return whether it is time to vent."""
        return ms - self.go_ms >= self.on_ms

    def reached(self, ms: int, pressure: int) -> bool:
        """Return whether the ramp is over and the pressure at the target."""
        risen = ms - self.go_ms >= self.rise_ms
        return risen and abs(pressure - self.target) <= table.AT_TARGET_TENTHS

    def too_high(self, ms: int, tick_ms: int, pressure: int) -> bool:
        """Return whether the pressure is far above what is asked for, and not for one sample only."""
        limit = min(self.asked(ms) + table.OFF_TARGET_TENTHS, self.most + table.OVERSHOOT_TENTHS)
        return self.too_high_tally.take(tick_ms, bad=pressure > limit)

    def lost(self, tick_ms: int, pressure: int) -> bool:
        """Return whether a pressure that was reached is gone, and not for one sample only."""
        gone = pressure < self.target - min(table.OFF_TARGET_TENTHS, self.target // 2)
        return self.lost_tally.take(tick_ms, bad=gone)

    def does_not_rise(self, ms: int, pressure: int) -> bool:
        """Return whether the pressure stands still below its target, or is behind for too long."""
        if pressure >= self.asked(ms) - table.OFF_TARGET_TENTHS:
            self.kept_up_ms = self.mark_ms = ms
            self.mark = pressure
        elif pressure >= self.mark + table.NO_RISE_TENTHS:
            self.mark_ms, self.mark = ms, pressure
        behind_ms = ms - self.kept_up_ms
        return (
            ms - self.mark_ms > table.NO_RISE_MS
            or behind_ms > table.INFLATE_MS_MAX
            or ms - self.go_ms > self.rise_ms + table.INFLATE_MS_MAX
        )
