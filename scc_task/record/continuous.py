"""Ratings given while the cuff is inflated: a column for each scale, on a grid from time zero on."""

import math
from collections.abc import Mapping
from typing import Any, Final

from scc_task.documents import Tracked
from scc_task.plan.steps import Scale
from scc_task.record.files import MISSING
from scc_task.record.physio import gzipped
from scc_task.record.run import RunRecord

RATE_HZ: Final = 50.0
"""The marker is looked at on every frame of a display, 60 Hz; half of its 100 steps take 1 s and more."""
_TICK_S: Final = 1e-6


def column_of(scale: str) -> str:
    """Return the name of a scale's column."""
    return f"rating_{scale}"


def _scales(run: RunRecord) -> tuple[Scale, ...]:
    """Return the scales that are shown while the cuff is inflated."""
    names = {step.scale for step in run.plan.inflations}
    return tuple(scale for scale in run.plan.scales if scale.name in names)


def rating_table(run: RunRecord, t0_s: float) -> bytes:
    """Return the recording (tab-separated, gzip, no header line); row ``i`` is at ``i / RATE_HZ``.

    A marker jumps from number to number, so nothing is interpolated: a row has the last known.
    """
    steps = {step.number: step for step in run.plan.inflations}
    count = max(1, math.ceil((run.end_s - t0_s) * RATE_HZ - _TICK_S) + 1)
    columns = {scale.name: [MISSING] * count for scale in _scales(run)}
    found = [d for d in run.tracked if d.step in steps]
    for index, document in enumerate(found):
        if document.position is None:
            continue
        later: Tracked | None = found[index + 1] if index + 1 < len(found) else None
        # of a killed run nobody knows more than that the slot was to end as planned
        end_s = min(run.end_s, t0_s + steps[document.step].end_ms / 1000)
        until_s = later.time_s if later is not None else max(document.time_s, end_s)
        cells = columns[str(steps[document.step].scale)]
        first = max(0, math.ceil((document.time_s - t0_s) * RATE_HZ - _TICK_S))
        last = min(count, math.ceil((until_s - t0_s) * RATE_HZ - _TICK_S))
        cells[first:last] = [str(document.position)] * max(0, last - first)
    rows = zip(*columns.values(), strict=True)
    return gzipped("".join("\t".join(row) + "\n" for row in rows).encode("ascii"))


def rating_sidecar(run: RunRecord, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON that describes the recording."""
    scales = _scales(run)
    return {
        "TaskName": run.plan.task,
        "SamplingFrequency": RATE_HZ,
        "StartTime": 0,
        "Columns": [column_of(scale.name) for scale in scales],
        "PhysioType": "generic",
        "Manufacturer": MISSING,
        "ManufacturersModelName": str(run.start.provenance.get("responses") or MISSING),
        "SoftwareVersions": str(run.start.versions.get("scc-task") or MISSING),
        "DeviceSerialNumber": MISSING,
        "SimulatedData": run.start.simulated,
        "Provenance": dict(provenance),
        **{
            column_of(scale.name): {
                "LongName": f"Continuous rating, {scale.name}",
                "Description": f"{scale.question} {scale.lowest} = {scale.low}, {scale.highest} = "
                f"{scale.high}. Where the marker stood while the cuff was inflated; it began at "
                f"{scale.lowest}, and was not confirmed. n/a where the scale was not shown.",
                "Format": "number",
                "Units": "arbitrary",
                "Minimum": scale.lowest,
                "Maximum": scale.highest,
            }
            for scale in scales
        },
    }
