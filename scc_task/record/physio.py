"""Samples and pulses to the continuous recording: one regular grid from time zero on."""

import gzip
import io
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scc_task.documents import Start
from scc_task.plan.steps import Plan
from scc_task.record.samples import Numbers, Trace

COLUMNS: Final = ("cuff_pressure", "cuff_pressure_commanded", "trigger")
"""Where nobody scans there is no trigger."""
REACH_PERIODS: Final = 3.0
"""Between samples further apart than this many periods nothing is known: n/a, never a guess."""
_TICK_S: Final = 1e-6
"""Sums of floats are not exact; a sample at a grid time must not fall behind it."""


def sampling_hz(trace: Trace) -> float:
    """Return the rate of the grid: 50 Hz, or 100 Hz for a device that is faster than 75 Hz."""
    return 100.0 if trace.period_s < 1 / 75 else 50.0


def physio_table(
    trace: Trace, pulses_s: tuple[float, ...] | None, *, t0_s: float, end_s: float
) -> tuple[bytes, float]:
    """Return the recording (tab-separated, gzip, no header line) and its rate in Hz.

    Row ``i`` is at ``t0_s + i / rate``. The recording covers ``end_s``, and the samples and pulses after it.

    Parameters
    ----------
    pulses_s
        Times of the scanner's pulses; ``None`` without a scanner: then no column is kept for them.
    """
    rate_hz = sampling_hz(trace)
    needed = math.ceil((end_s - t0_s) * rate_hz - _TICK_S) + 1
    sampled = [math.floor((last_s - t0_s) * rate_hz + _TICK_S) + 1 for last_s in trace.times_s[-1:]]
    pulsed = [int(row) + 1 for row in _rows_near(pulses_s or (), t0_s, rate_hz)]
    count = max(1, needed, *sampled, *pulsed)
    grid_s = t0_s + np.arange(count) / rate_hz
    measured = _measured(trace, grid_s)
    commanded = _commanded(trace, grid_s)
    trigger = [""] * count if pulses_s is None else _trigger(pulses_s, t0_s, rate_hz, count)
    text = "".join(
        f"{m:.1f}\t{c:.1f}{x}\n"
        for m, c, x in zip(_rounded(measured), _rounded(commanded), trigger, strict=True)
    ).replace("nan", "n/a")
    return gzipped(text.encode("ascii")), rate_hz


def _trigger(pulses_s: tuple[float, ...], t0_s: float, rate_hz: float, count: int) -> list[str]:
    """Return the last cell of each row."""
    near = _rows_near(pulses_s, t0_s, rate_hz)
    cells = ["\t0"] * count
    for index in near[near >= 0]:
        cells[index] = "\t1"
    return cells


def _rows_near(pulses_s: tuple[float, ...], t0_s: float, rate_hz: float) -> NDArray[np.int64]:
    """Return the row of each pulse; those before time zero have none, and are negative."""
    return np.rint((np.array(pulses_s) - t0_s) * rate_hz).astype(np.int64)


def _measured(trace: Trace, grid_s: Numbers) -> Numbers:
    """Return the measured pressure between neighbouring samples, NaN where they are far apart."""
    known = ~np.isnan(trace.measured_mmhg)
    times_s, pressures = trace.times_s[known], trace.measured_mmhg[known]
    if not len(times_s):
        return np.full(len(grid_s), np.nan)
    after = np.searchsorted(times_s, grid_s - _TICK_S)
    before = np.searchsorted(times_s, grid_s + _TICK_S, side="right") - 1
    inside = (before >= 0) & (after < len(times_s))
    gaps_s = times_s[np.minimum(after, len(times_s) - 1)] - times_s[np.maximum(before, 0)]
    near = inside & (gaps_s <= REACH_PERIODS * trace.period_s + _TICK_S)
    return np.where(near, np.interp(grid_s, times_s, pressures), np.nan)


def _commanded(trace: Trace, grid_s: Numbers) -> Numbers:
    """Return the last target the device reported: a target jumps, so it is never interpolated."""
    if not len(trace.times_s):
        return np.full(len(grid_s), np.nan)
    before = np.searchsorted(trace.times_s, grid_s + _TICK_S, side="right") - 1
    last = np.maximum(before, 0)
    age_s = grid_s - trace.times_s[last]
    fresh = (before >= 0) & (age_s <= REACH_PERIODS * trace.period_s + _TICK_S)
    return np.where(fresh, trace.commanded_mmhg[last], np.nan)


def _rounded(values: Numbers) -> list[float]:
    """Return values with one decimal; adding zero turns -0.0 into 0.0."""
    rounded: list[float] = (np.round(values, 1) + 0.0).tolist()
    return rounded


def gzipped(data: bytes) -> bytes:
    """Compress without a time stamp and a file name: the same data give the same bytes."""
    raw = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        file.write(data)
    return raw.getvalue()


def physio_sidecar(
    start: Start, plan: Plan, provenance: dict[str, Any], *, rate_hz: float, scanned: bool
) -> dict[str, Any]:
    """Return the JSON that describes the recording of a run; ``scanned``: it has a trigger."""
    device = start.device
    sidecar = {
        "TaskName": plan.task,
        "SamplingFrequency": rate_hz,
        "StartTime": 0,
        "Columns": list(COLUMNS if scanned else COLUMNS[:-1]),
        "PhysioType": "generic",
        "Manufacturer": str(device.get("manufacturer") or "n/a"),
        "ManufacturersModelName": str(device.get("model") or "n/a"),
        "SoftwareVersions": str(device.get("firmware") or "n/a"),
        "DeviceSerialNumber": str(device.get("serial_number") or "n/a"),
        "SimulatedData": start.simulated,
        "Provenance": provenance,
        "cuff_pressure": {
            "LongName": "Measured cuff pressure",
            "Description": "Gauge pressure measured by the device's first sensor "
            "(1 mmHg = 133.322 Pa), linear between samples; n/a where two samples are more than "
            f"{REACH_PERIODS:g} periods of the device apart, and before the first and after the last.",
            "Format": "number",
            "Units": "mmHg",
        },
        "cuff_pressure_commanded": {
            "LongName": "Commanded cuff pressure",
            "Description": "Target the device last reported to be working towards; 0 while "
            f"vented; n/a where it reported nothing for more than {REACH_PERIODS:g} periods.",
            "Format": "number",
            "Units": "mmHg",
        },
        "trigger": {
            "LongName": "Scanner pulse",
            "Description": "1 in the sample nearest to the arrival of a scanner pulse that belongs to a "
            "volume or to a dummy volume, else 0. Pulses that were missed have no 1 here; they, and extra "
            "and bounced ones, are listed in Provenance (ScannerPulses).",
            "Format": "number",
            "Units": "arbitrary",
        },
    }
    if not scanned:
        del sidecar["trigger"]
    return sidecar
