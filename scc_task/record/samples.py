"""The pressure trace of a run: samples on the machine's clock, with the wire's jitter taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scc_task.documents import Samples

Numbers = NDArray[np.float64]

WINDOW_S: Final = 10.0
"""The fastest sample of each window sets the offset between the device's clock and ours; a crystal
off by 100 ppm drifts 1 ms meanwhile."""
CLOCK_TOLERANCE: Final = 0.02
"""A device clock that is off by more than this is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Samples in order of time.

    ``period_s`` is the nominal distance of two samples (0.02 s for 50 Hz). Values that the journal
    has as null are NaN.
    """

    times_s: Numbers
    measured_mmhg: Numbers
    commanded_mmhg: Numbers
    period_s: float

    def measured_between(self, from_s: float, to_s: float) -> tuple[Numbers, Numbers]:
        """Return the times and measured pressures from one time to another, both included."""
        inside = (self.times_s >= from_s) & (self.times_s <= to_s) & ~np.isnan(self.measured_mmhg)
        return self.times_s[inside], self.measured_mmhg[inside]


def trace_of(blocks: Sequence[Samples]) -> Trace:
    """Return the trace of all samples of a run."""
    device_ms = _column([b.device_ms for b in blocks])
    arrival_s = _column([b.arrival_s for b in blocks])
    measured = _column([b.measured_mmhg for b in blocks])
    commanded = _column([b.commanded_mmhg for b in blocks])
    times_s = host_times_s(device_ms, arrival_s)
    # what does not come after everything before it cannot be placed (NaN cannot either)
    before = np.fmax.accumulate(np.concatenate(([-np.inf], times_s)))[:-1]
    placed = times_s > before
    steps_ms = np.diff(device_ms)
    steps_ms = steps_ms[steps_ms > 0]
    return Trace(
        times_s=times_s[placed],
        measured_mmhg=measured[placed],
        commanded_mmhg=commanded[placed],
        period_s=float(np.median(steps_ms)) / 1000 if len(steps_ms) else 0.02,
    )


def _column(parts: Sequence[Sequence[float | None]]) -> Numbers:
    return np.array([value for part in parts for value in part], dtype=np.float64)


def host_times_s(device_ms: Numbers, arrival_s: Numbers) -> Numbers:
    """Return when samples were taken, on the machine's clock.

    Samples arrive in bursts when the computer is busy; the device's own clock does not know of
    that. So the device's times are used, moved by the smallest delay seen in each window: the
    result is at most the shortest way through the wire late. Where the device's clock
    restarts, a new piece begins; where it does not run with ours, the arrival counts.
    """
    pieces = np.flatnonzero(np.diff(device_ms) < 0) + 1
    both = zip(np.split(device_ms / 1000, pieces), np.split(arrival_s, pieces), strict=True)
    return np.concatenate([_piece(device_s, arrival) for device_s, arrival in both])


def _piece(device_s: Numbers, arrival_s: Numbers) -> Numbers:
    delay_s = arrival_s - device_s
    if len(device_s) < 2 or not np.all(np.isfinite(delay_s)):
        return arrival_s
    span_s = device_s[-1] - device_s[0]
    # the rest of the last window joins the one before: too short to be sure of a fast sample
    windows = max(1, int(span_s // WINDOW_S))
    number = np.minimum((device_s - device_s[0]) // WINDOW_S, windows - 1)
    starts = np.flatnonzero(np.diff(number, prepend=-1.0))
    fastest = [
        first + int(np.argmin(part))
        for first, part in zip(starts, np.split(delay_s, starts[1:]), strict=True)
    ]
    least_s = delay_s[fastest]
    if np.ptp(least_s) > CLOCK_TOLERANCE * span_s or not span_s > 0:
        return arrival_s
    return device_s + np.interp(device_s, device_s[fastest], least_s)
