"""What one run's sidecars say of that run alone: where its data are from, its phases, its screen."""

import re
from collections.abc import Mapping
from typing import Any, Final

from scc_task.documents import Start
from scc_task.plan.steps import Plan, TrialType
from scc_task.record.descriptions import (
    BY_HAND,
    COMMANDED_COLUMNS,
    MEASURED_COLUMNS,
    NOT_MEASURED,
    RATING_SCALE_HED,
    STRATEGIES,
    STRATEGY_HED,
    events_description,
)
from scc_task.record.run import RunRecord

_BODY_PARTS: Final[Mapping[str, str]] = {
    "calf": "Calf",
    "lower leg": "Lower-leg",
    "thigh": "Thigh",
    "upper leg": "Upper-leg",
    "upper arm": "Upper-arm",
    "forearm": "Forearm",
    "ankle": "Ankle",
    "foot": "Foot",
    "wrist": "Wrist",
    "hand": "Hand",
    "finger": "Finger",
    "arm": "Upper-extremity-part",
    "leg": "Lower-extremity-part",
}
"""Words a rig file may use for the cuff's place, longest name first, and the HED tag."""

LONGEST_NAME = 200
"""An input's name, role and digest are shorter; its whole text is longer and stays in the journal."""


def data_source(start: Start) -> str:
    """Return ``simulated`` or ``measured``: the word of every ``data_source`` column."""
    return "simulated" if start.simulated else "measured"


def provenance(start: Start, plan: Plan, stop_reason: str, journal: str) -> dict[str, Any]:
    """Return where a run's data are from. An object, because a string would break HED tools."""
    return {
        "SimulatedData": start.simulated,
        "Sources": dict(start.provenance),
        "StopReason": stop_reason,
        "Journal": journal,
        "Protocol": plan.protocol,
        "PlanDigest": start.plan_digest,
        "Seed": plan.seed,
        "Pressures": [
            {
                "Name": p.name,
                "Value": p.mmhg,
                "Units": "mmHg",
                "Rating": p.rating,
                "Source": p.source,
            }
            for p in plan.pressures
        ],
        "InputFiles": [_named(entry) for entry in start.inputs],
        "Overrides": [dict(override) for override in start.overrides],
        "Markers": [dict(output) for output in start.markers],
        "Rig": start.rig,
        "CuffSite": start.cuff_site,
        "Device": dict(start.device),
        "SoftwareVersions": dict(start.versions),
    }


def _named(entry: Mapping[str, str]) -> dict[str, str]:
    """Return an input file's role, name and digest without its text."""
    return {
        key: value
        for key, value in entry.items()
        if key not in ("text", "content") and len(str(value)) <= LONGEST_NAME
    }


def run_events_sidecar(run: RunRecord, origin: dict[str, Any]) -> dict[str, Any]:
    """Return the events sidecar of one run, complete in itself.

    There is none for the task as a whole: the cuff's place, the strategy and the scales may differ
    between runs, and the validator warns when a run's sidecar overrides another. Only objects
    stand at the top level: a bare string there makes the HED tools fail.
    """
    start, plan = run.start, run.plan
    columns = events_description(location=location_hed(start.cuff_site))
    for names, said, known in (
        (MEASURED_COLUMNS, NOT_MEASURED, run.measures_pressure),
        (COMMANDED_COLUMNS, BY_HAND, run.sets_pressure),
    ):
        for name in () if known else names:
            columns[name]["Description"] += f" {said}"
    columns["strategy"] |= {
        "Levels": {plan.strategy: STRATEGIES.get(plan.strategy, _as_named(plan))},
        "HED": {plan.strategy: STRATEGY_HED.get(plan.strategy, _strategy_hed(plan.strategy))},
    }
    used = scale_levels(plan)
    if used:
        columns["rating_scale"] |= {"Levels": used, "HED": {s: _scale_hed(s) for s in used}}
        columns["rating"]["HED"] = _rating_hed(plan, used)
    return {
        "StimulusPresentation": stimulus_presentation(start),
        "Provenance": origin,
        **columns,
    }


def scale_levels(plan: Plan) -> dict[str, str]:
    """Return what each scale that the plan shows asked, by its name."""
    scales = {
        s.name: f"{s.question} {s.lowest} = {s.low}, {s.highest} = {s.high}" for s in plan.scales
    }
    return {
        s.scale: scales.get(s.scale, s.scale)
        for s in plan.steps
        if s.scale is not None and s.trial_type is TrialType.RATING
    }


def _as_named(plan: Plan) -> str:
    return f"Strategy {plan.strategy!r}, as the protocol {plan.protocol!r} words it"


def _strategy_hed(strategy: str) -> str:
    return f"(Condition-variable/Strategy-{hed_label(strategy)})"


def _rating_hed(plan: Plan, used: Mapping[str, str]) -> str:
    ends = {(s.lowest, s.highest) for s in plan.scales if s.name in used}
    label = "-".join(f"{low}-to-{high}" for low, high in ends) if len(ends) == 1 else "as-asked"
    return f"(Participant-response, Judge, (Parameter-label/Rating-{label}, Parameter-value/#))"


def _scale_hed(scale: str) -> str:
    return RATING_SCALE_HED.get(scale, f"(Label/{hed_label(scale)})")


def hed_label(name: str) -> str:
    """Return a name in the letters that a HED label may have."""
    return re.sub(r"[^0-9A-Za-z_-]+", "-", name).strip("-") or "unnamed"


def location_hed(cuff_site: str) -> str | None:
    """Return the HED of the cuff's place, e.g. ``(Calf, Left)``; ``None`` if it is not known."""
    words = " ".join(re.findall(r"[a-z]+", cuff_site.lower()))
    part = next((tag for name, tag in _BODY_PARTS.items() if name in words), None)
    if part is None:
        return None
    side = next((s for s in ("left", "right") if s in words.split()), None)
    return f"({part}, {side.title()})" if side else f"({part})"


def stimulus_presentation(start: Start) -> dict[str, Any]:
    """Return facts about the screen; what is not known is left out."""
    screen = start.screen
    software = str(screen.get("software") or "none")
    facts: dict[str, Any] = {"SoftwareName": software}
    if screen.get("version"):
        facts["SoftwareVersion"] = str(screen["version"])
    if "psychopy" in software.lower():
        facts["SoftwareRRID"] = "RRID:SCR_006571"
    for key in ("platform", "os", "system"):
        if start.versions.get(key):
            facts["OperatingSystem"] = start.versions[key]
            break
    width, height = screen.get("width_px"), screen.get("height_px")
    if width and height:
        facts["ScreenResolution"] = [int(width), int(height)]
    if screen.get("refresh_hz"):
        facts["ScreenRefreshRate"] = float(screen["refresh_hz"])
    return facts
