"""A calibration's documents to the rows of ``beh.tsv``, one for each request, and their description."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from scc_task.calibration import practice
from scc_task.documents import Start
from scc_task.plan.steps import StepKind, TrialType
from scc_task.record.descriptions import (
    BY_HAND,
    COMMANDED_COLUMNS,
    NOT_MEASURED,
    events_description,
)
from scc_task.record.events import AFTERMATH_S, SETTLING_S, EventRow
from scc_task.record.files import MISSING
from scc_task.record.provenance import scale_levels, stimulus_presentation
from scc_task.record.run import RunRecord

PHASES: Final[Mapping[str, str]] = {
    "familiarise": "To get to know the cuff; shorter, not rated, not used for the estimate",
    "coarse": "Rise in large steps",
    "fine": "Rise in small steps, close to the target",
    "threshold": "Search for the pain threshold",
    "staircase": "Up after a rating below the target, down after one at or above it",
    "scaling": "Pressures around the threshold, to find how the rating rises",
    "regression": "Pressures at which a regression expects the target ratings",
    "fixed": "A list of pressures in random order",
    "confirm": "The pressure believed to be the target, to see whether its rating comes again",
    "check": "A pressure accepted on another occasion, to see whether it still holds",
    "repeat": "A pressure that the operator wanted once more before deciding",
    "resume": "After an interruption: the last pressure that was rated, or less where that was too "
    "much; not used for the estimate",
}

PRACTICE: Final = "practice"

INSTITUTION: Final[Mapping[str, str]] = {
    "InstitutionName": MISSING,
    "InstitutionAddress": MISSING,
    "InstitutionalDepartmentName": MISSING,
}
"""For the study to fill in, at the root of the dataset; without them the validator warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """One row. Fields are the columns, in their order; ``None`` becomes ``n/a``.

    ``time_s`` counts from time zero. It is not called onset: a table of behaviour with onset and
    duration would be one of events.
    """

    trial_number: int | None
    time_s: float | None
    phase: str
    requested_mmhg: float | None
    commanded_mmhg: float | None
    acknowledged_mmhg: float | None
    hold_mmhg: float | None
    peak_mmhg: float | None
    hold_s: float | None
    rating_scale: str | None
    rating: int | None
    last_position: int | None
    response_time: float | None
    tolerated: bool | None
    stopped: bool | None
    operator_said_yes: bool | None
    why: str

    def cells(self) -> dict[str, str]:
        """Return the row as text: times with 3 decimals, pressures with 1."""
        return {column: _cell(column, getattr(self, column)) for column in COLUMNS}


COLUMNS: Final = tuple(f.name for f in fields(CalibrationRow))


def _cell(column: str, value: float | int | str | None) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.{1 if column.endswith('_mmhg') else 3}f}"
    return str(value)


def calibration_rows(
    run: RunRecord, events: Sequence[EventRow]
) -> tuple[tuple[CalibrationRow, ...], tuple[str, ...]]:
    """Return a row for each request of a calibration, in order, and notes on what is odd.

    Parameters
    ----------
    events
        The rows of the same run, by `scc_task.record.events.event_rows`: they have the evidence.
    """
    pain = {e.trial_number: e for e in events if e.trial_type == TrialType.PAIN}
    rated = {
        e.trial_number: e
        for e in events
        if e.trial_type == TrialType.RATING
        and e.trial_number in pain
        and e.onset > pain[e.trial_number].onset  # practice of the scale comes before
    }
    inflates = {s.trial: s.number for s in run.plan.steps if s.kind is StepKind.INFLATE}
    vented = {
        t for t, n in inflates.items() if n in run.inflations and run.inflations[n].released_s
    }
    rows = _practice_rows(run, events)
    for asked in run.requests:
        given, answer = pain.get(asked.trial), rated.get(asked.trial)
        outcome = run.outcomes.get(asked.trial)
        rows.append(
            CalibrationRow(
                trial_number=asked.trial,
                time_s=given.onset if given else None,
                phase=asked.phase,
                requested_mmhg=asked.pressure_mmhg,
                commanded_mmhg=given.commanded_mmhg if given else None,
                acknowledged_mmhg=given.acknowledged_mmhg if given else None,
                hold_mmhg=given.hold_mmhg if given else None,
                peak_mmhg=given.peak_mmhg if given else None,
                hold_s=given.duration if given and asked.trial in vented else None,
                rating_scale=answer.rating_scale if answer else None,
                rating=answer.rating if answer else None,
                last_position=answer.last_position if answer else None,
                response_time=answer.response_time if answer else None,
                tolerated=outcome.tolerated if given and outcome else None,
                stopped=outcome.stopped if given and outcome else None,
                operator_said_yes=outcome.operator_said_yes if outcome else None,
                why=asked.why,
            )
        )
    notes = [
        f"trial {row.trial_number} ({row.requested_mmhg:g} mmHg) was asked for, but nothing was "
        "inflated: its row has no pressures"
        for row in rows
        if row.requested_mmhg is not None
        and row.time_s is None
        and row.operator_said_yes is not False
    ]
    notes += [
        f"trial {row.trial_number} ({row.requested_mmhg:g} mmHg) was inflated, but its outcome is not "
        "on record"
        for row in rows
        if row.time_s is not None and row.trial_number not in run.outcomes
    ]
    asked_for = {row.trial_number for row in rows}
    notes += [
        f"an inflation at {e.onset:.3f} s (trial {trial}) was asked for by nobody: no row"
        for trial, e in pain.items()
        if trial not in asked_for
    ]
    return tuple(rows), tuple(notes)


def _practice_rows(run: RunRecord, events: Sequence[EventRow]) -> list[CalibrationRow]:
    """Return a row for each imagined pain that was rated before the first inflation."""
    imagined = [s.text for s in run.plan.steps if s.text in practice.IMAGINED]
    answers = [e for e in events if e.trial_type == TrialType.RATING and e.trial_number is None]
    return [
        CalibrationRow(
            trial_number=None,
            time_s=None,
            phase=PRACTICE,
            requested_mmhg=None,
            commanded_mmhg=None,
            acknowledged_mmhg=None,
            hold_mmhg=None,
            peak_mmhg=None,
            hold_s=None,
            rating_scale=answer.rating_scale,
            rating=answer.rating,
            last_position=answer.last_position,
            response_time=answer.response_time,
            tolerated=None,
            stopped=None,
            operator_said_yes=None,
            why=" ".join(run.plan.text(text).split()),
        )
        for text, answer in zip(imagined, answers, strict=False)
    ]


def calibration_sidecar(run: RunRecord, origin: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON that describes the table of one calibration, complete in itself.

    Parameters
    ----------
    origin
        Where its data are from, by `scc_task.record.provenance.provenance`.
    """
    plan = run.plan
    texts = dict(plan.texts)
    shown = [
        s.text
        for s in plan.steps
        if s.kind is StepKind.SHOW
        and s.text is not None
        and s.trial_type is not None  # not what stood there while the operator thought
        and s.text not in practice.IMAGINED  # they are in the table
    ]
    instructions = " ".join(" ".join(texts.get(key, key).split()) for key in shown)
    return {
        "TaskName": plan.task,
        "TaskDescription": "Pressures from a cuff, each rated, to find the pressure that this person "
        f"rates at a target; which pressure comes next is decided as protocol {plan.protocol!r} says",
        "Instructions": instructions or MISSING,
        "CogAtlasID": MISSING,
        "CogPOID": MISSING,
        "StimulusPresentation": stimulus_presentation(run.start),
        "Provenance": origin,
        "OperatorDecisions": [
            {"Decision": d.what, "Reason": d.why or MISSING}
            | ({} if d.pressure_mmhg is None else {"Pressure": d.pressure_mmhg})
            for d in run.decisions
        ],
        "OperatorDecisionsDescription": "What was decided at the end of this run, before anything was "
        f"stored. Whether a pressure was kept, then or later, only {_store_of(run.start)} says",
        **_columns(run),
    }


def _store_of(start: Start) -> str:
    session = f"sub-{start.subject}", f"ses-{start.session}"
    return f"sourcedata/{'/'.join(session)}/{'_'.join(session)}_site-*_calibration.yaml"


def _columns(run: RunRecord) -> dict[str, Any]:
    zero = (
        "the onset of the first stored volume"
        if run.plan.scanner.volumes
        else "the moment at which the task began; there is no scanner"
    )
    as_in_runs = events_description()
    columns: dict[str, Any] = {
        "trial_number": {
            "LongName": "Trial number",
            "Description": "Counts the requests of the calibration from 1, on through interruptions: what "
            "was asked for again has a number of its own. n/a for practice.",
            "Format": "integer",
        },
        "time_s": {
            "LongName": "Time of the inflation",
            "Description": f"When the command to inflate was sent, counted from time zero: {zero}. "
            "n/a where nothing was inflated.",
            "Format": "number",
            "Units": "s",
        },
        "phase": {
            "LongName": "Phase of the procedure",
            "Description": "Which part of the procedure asked for the inflation.",
            "Format": "string",
            "Levels": {PRACTICE: "An imagined pain, to practise the scale: nothing was inflated"}
            | dict(PHASES)
            | {r.phase: r.phase for r in run.requests if r.phase not in PHASES},
        },
        "requested_mmhg": _pressure(
            "Requested cuff pressure",
            "Gauge pressure the procedure asked for, inflated or not; n/a for practice.",
        ),
        "commanded_mmhg": _pressure(
            "Commanded cuff pressure",
            "Gauge pressure the device was told to reach; n/a where nothing was inflated.",
        ),
        "acknowledged_mmhg": _pressure(
            "Acknowledged cuff pressure",
            "Gauge pressure the device answered it would reach; n/a if it did not answer.",
        ),
        "hold_mmhg": _pressure(
            "Measured hold pressure",
            f"Median of the measured pressure from {SETTLING_S:g} s after the command to inflate (or "
            "from the half, if the inflation was shorter than twice that) to the command to vent.",
        ),
        "peak_mmhg": _pressure(
            "Measured peak pressure",
            "Highest measured pressure from the command to inflate to "
            f"{AFTERMATH_S:g} s after the command to vent.",
        ),
        "hold_s": {
            "LongName": "Length of the inflation",
            "Description": "From the command to inflate to the command to vent, as sent; shorter "
            "than planned where it was stopped; n/a where no command to vent is on record.",
            "Format": "number",
            "Units": "s",
        },
    }
    for names, said, known in (
        (("hold_mmhg", "peak_mmhg"), NOT_MEASURED, run.measures_pressure),
        (COMMANDED_COLUMNS, BY_HAND, run.sets_pressure),
    ):
        for name in () if known else names:
            columns[name]["Description"] += f" {said}"
    levels = scale_levels(run.plan)
    for name in ("rating_scale", "rating", "last_position", "response_time"):
        columns[name] = {k: v for k, v in as_in_runs[name].items() if k != "HED"}
    columns["rating_scale"] |= {
        "Description": "Which question the scale asked; n/a where none was shown."
    }
    columns["rating_scale"] |= {"Levels": levels} if levels else {}
    return columns | {
        "tolerated": _yes_or_no(
            "Tolerated",
            "Whether the whole inflation was given and borne; where it was not, and the participant did "
            "not stop it, others cut it short. n/a where nothing was inflated, or the program was killed.",
        ),
        "stopped": _yes_or_no(
            "Stopped by the participant",
            "Whether the participant stopped the inflation; n/a where nothing was inflated.",
        ),
        "operator_said_yes": _yes_or_no(
            "Agreed to by the operator",
            "What the operator answered where the procedure wanted a yes; after a no nothing was "
            "inflated. n/a where none was needed, or no answer came.",
        ),
        "why": {
            "LongName": "Reason for the request",
            "Description": "What the procedure told the operator; for practice, what the participant was "
            "asked to imagine.",
            "Format": "string",
        },
    }


def _pressure(long_name: str, text: str) -> dict[str, Any]:
    return {
        "LongName": long_name,
        "Description": f"{text} 1 mmHg = 133.322 Pa.",
        "Format": "number",
        "Units": "mmHg",
    }


def _yes_or_no(long_name: str, text: str) -> dict[str, Any]:
    return {
        "LongName": long_name,
        "Description": text,
        "Format": "string",
        "Levels": {"true": "Yes", "false": "No"},
    }
