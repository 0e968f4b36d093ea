"""One test inflation as it was recorded, and what can be read off it. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hardware.readings import FaultReport, Program, Sample
from scc_task.doctor.fit import slope_per_s

EMPTY_MMHG: Final = 15.0
"""Below this a cuff counts as vented (IEC 80601-2-30 level, recalled)."""
REST_MMHG: Final = 5.0
"""Below this a cuff is at rest: what is left of a vent would spoil a device's own test (assumed)."""
EDGE_S: Final = 0.15
"""Left out before the planned end: a vent may show a sample early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflation:
    """What was asked, what came, what went wrong.

    ``emptied`` is whether the cuff was seen to empty in the end; ``None`` on a device that measures
    nothing. ``refused``: why the inflation never began.
    """

    program: Program
    samples: tuple[Sample, ...] = ()
    faults: tuple[FaultReport, ...] = ()
    refused: str = ""
    emptied: bool | None = True

    @property
    def good(self) -> bool:
        """Return whether it went as asked, and ended empty."""
        return not self.faults and not self.refused and self.emptied is not False

    @property
    def highest_mmhg(self) -> float | None:
        """Return the highest reading."""
        return max((s.measured_mmhg for s in self.samples), default=None)

    def held(self, last_s: float) -> list[Sample]:
        """Return the samples of the last seconds before the planned end."""
        end_s = self.program.offset_s - EDGE_S
        return [s for s in self.samples if end_s - last_s <= s.arrival_s <= end_s]

    def mean_mmhg(self, last_s: float) -> float | None:
        """Return the mean pressure of the last seconds."""
        held = self.held(last_s)
        return statistics.fmean(s.measured_mmhg for s in held) if held else None

    def slope_mmhg_per_s(self, last_s: float) -> float | None:
        """Return how fast the pressure changed in the last seconds."""
        held = self.held(last_s)
        if len(held) < 3:
            return None
        return slope_per_s([s.arrival_s for s in held], [s.measured_mmhg for s in held])

    def rise_s(self) -> float | None:
        """Return the time from 10 to 90 % of the target, or ``None`` if it was not reached."""
        target_mmhg = self.program.target_mmhg
        low_s = _crossed_s(self.samples, 0.1 * target_mmhg)
        high_s = _crossed_s(self.samples, 0.9 * target_mmhg)
        return None if low_s is None or high_s is None else high_s - low_s

    def reached_s(self) -> float | None:
        """Return when 90 % of the target was reached, from the planned onset."""
        high_s = _crossed_s(self.samples, 0.9 * self.program.target_mmhg)
        return None if high_s is None else high_s - self.program.onset_s

    def fall_s(self) -> float | None:
        """Return the time from the planned end to the last reading of 15 mmHg or more."""
        after = [s for s in self.samples if s.arrival_s >= self.program.offset_s]
        full = [s.arrival_s for s in after if s.measured_mmhg >= EMPTY_MMHG]
        if not after or after[-1].measured_mmhg >= EMPTY_MMHG:
            return None
        return full[-1] - self.program.offset_s if full else 0.0


def _crossed_s(samples: Sequence[Sample], level_mmhg: float) -> float | None:
    """Return when the pressure first reached a level, between two samples."""
    before: Sample | None = None
    for sample in samples:
        if sample.measured_mmhg >= level_mmhg:
            if before is None:
                return sample.arrival_s
            share = (level_mmhg - before.measured_mmhg) / (
                sample.measured_mmhg - before.measured_mmhg
            )
            return before.arrival_s + share * (sample.arrival_s - before.arrival_s)
        before = sample
    return None
