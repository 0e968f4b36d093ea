"""Pressure samples, gathered into blocks: one document for half a second, not one for each sample."""

from typing import Final

from hardware.readings import Sample
from scc_task.documents import Samples

BLOCK_S: Final = 0.5
"""At most this much pressure is lost when the process is killed between two blocks."""


class SampleBlock:
    """Gathers samples in order of arrival."""

    def __init__(self) -> None:
        self._samples: list[Sample] = []

    def add(self, sample: Sample) -> Samples | None:
        """Take a sample; return the block when it is full."""
        self._samples.append(sample)
        full = sample.arrival_s - self._samples[0].arrival_s >= BLOCK_S
        return self.flush() if full else None

    def flush(self) -> Samples | None:
        """Return what was gathered so far, if anything."""
        taken, self._samples = self._samples, []
        if not taken:
            return None
        return Samples(
            counter=tuple(s.counter for s in taken),
            device_ms=tuple(s.device_ms for s in taken),
            arrival_s=tuple(round(s.arrival_s, 6) for s in taken),
            state=tuple(str(s.state) for s in taken),
            measured_mmhg=tuple(s.measured_mmhg for s in taken),
            second_mmhg=tuple(s.second_mmhg for s in taken),
            commanded_mmhg=tuple(s.commanded_mmhg for s in taken),
        )
