"""Documents to the rows of ``events.tsv``. Pure: the same journal gives the same rows."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from scc_task.plan.steps import Step, StepKind, TrialType
from scc_task.record.files import MISSING
from scc_task.record.run import Inflation, RunRecord
from scc_task.record.samples import Trace

SETTLING_S: Final = 3.0
"""The hold is judged from this long after the command to inflate, or from its half if shorter."""
AFTERMATH_S: Final = 1.0
"""The peak is looked for until this long after the command to vent: valves need time."""
RISEN: Final = 0.9
"""A cuff has risen at this part of the commanded pressure."""
EMPTY_MMHG: Final = 15.0
"""Below this a cuff counts as empty, as in the gap rule of the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One row. Fields are the columns, in their order; ``None`` becomes ``n/a``.

    Times are in seconds from time zero (``onset``) or from the row's onset, pressures in mmHg.
    """

    onset: float
    duration: float
    trial_type: str
    trial_number: int | None
    strategy: str
    cue: str | None
    commanded_mmhg: float | None = None
    acknowledged_mmhg: float | None = None
    hold_mmhg: float | None = None
    peak_mmhg: float | None = None
    rise_s: float | None = None
    fall_s: float | None = None
    rating_scale: str | None = None
    rating: int | None = None
    last_position: int | None = None
    response_time: float | None = None

    def cells(self) -> dict[str, str]:
        """Return the row as text: times with 3 decimals, pressures with 1."""
        return {column: _cell(column, getattr(self, column)) for column in COLUMNS}


COLUMNS: Final = tuple(f.name for f in fields(EventRow))


def _cell(column: str, value: float | int | str | None) -> str:
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value + 0.0:.{1 if column.endswith('_mmhg') else 3}f}"
    return str(value)


def event_rows(run: RunRecord, trace: Trace) -> tuple[tuple[EventRow, ...], tuple[str, ...]]:
    """Return the rows of a run in order of onset, and notes on what has no row.

    Without time zero there is no onset, so there are no rows.
    """
    if run.t0_s is None:
        return (), ()
    rows: list[EventRow] = []
    notes: list[str] = []
    for step in run.plan.steps:
        if step.trial_type is None:
            continue
        if step.kind is StepKind.INFLATE:
            row, note = _inflation_row(run, trace, step, run.t0_s)
        else:
            row, note = _screen_row(run, step, run.t0_s)
        rows += [row] if row else []
        notes += [note] if note else []
    known = {step.number for step in run.plan.steps if step.kind is StepKind.INFLATE}
    notes += [
        f"a command to inflate at {i.go.sent_s - run.t0_s:.3f} s belongs to no step: no row"
        for number, i in run.inflations.items()
        if number not in known
    ]
    return tuple(sorted(rows, key=lambda r: r.onset)), tuple(notes)


def _screen_row(run: RunRecord, step: Step, t0_s: float) -> tuple[EventRow | None, str | None]:
    began = run.began.get(step.number)
    if began is None:
        # a run that ended before the step needs no note
        due = t0_s + step.onset_s < run.end_s
        return None, f"{_name(step)} was never shown: no row" if due else None
    rating = run.ratings.get(step.number)
    onset, duration = _interval(t0_s, began.flip_s, _end_s(run, step, t0_s))
    row = EventRow(
        onset=onset,
        duration=duration,
        trial_type=str(step.trial_type),
        trial_number=step.trial,
        strategy=run.plan.strategy,
        cue=step.cue,
        rating_scale=step.scale if step.trial_type is TrialType.RATING else None,
        rating=rating.rating if rating else None,
        last_position=rating.last_position if rating else None,
        response_time=_milli(rating.response_time_s) if rating else None,
    )
    return row, None


def _inflation_row(
    run: RunRecord, trace: Trace, step: Step, t0_s: float
) -> tuple[EventRow | None, str | None]:
    """Return a row with its pressures; none for an inflation that was never commanded."""
    inflation = run.inflations.get(step.number)
    if inflation is None:
        shown = step.number in run.began or t0_s + step.onset_s < run.end_s
        return None, f"{_name(step)}: no command to inflate is on record: no row" if shown else None
    go, note = inflation.go, None
    end_s = inflation.released_s
    if end_s is None:
        # nobody wrote when the pressure went: as planned, or when the record ends
        end_s = max(go.sent_s, min(go.sent_s + step.duration_s, run.last_s))
        note = f"{_name(step)}: no command to vent is on record; its end is the last time known"
    elif go.acknowledged_s is None and run.measures_pressure:  # others never say anything
        note = f"{_name(step)}: the device did not acknowledge the command to inflate"
    onset, duration = _interval(t0_s, go.sent_s, end_s)
    row = EventRow(
        onset=onset,
        duration=duration,
        trial_type=str(step.trial_type),
        trial_number=step.trial,
        strategy=run.plan.strategy,
        cue=step.cue,
        commanded_mmhg=_tenth(go.commanded_mmhg),
        acknowledged_mmhg=_tenth(go.acknowledged_mmhg),
        hold_mmhg=hold_mmhg(trace, go.sent_s, end_s),
        peak_mmhg=_peak_mmhg(trace, go.sent_s, end_s),
        rise_s=_rise_s(trace, inflation, end_s),
        fall_s=_fall_s(run, trace, inflation),
    )
    return row, note


def _name(step: Step) -> str:
    trial = "" if step.trial is None else f" of trial {step.trial}"
    return f"step {step.number} ({step.trial_type}{trial})"


def _end_s(run: RunRecord, step: Step, t0_s: float) -> float:
    """Return when what a step showed was replaced: by the next step that began, if it is known.

    The next step counts from its command to inflate, where it has one, so that the phases of a
    trial neither overlap nor leave a gap.
    """
    end_s = t0_s + step.end_ms / 1000
    for number in sorted(s.number for s in run.plan.steps if s.number > step.number):
        if number in run.inflations:
            end_s = run.inflations[number].go.sent_s
            break
        if number in run.began:
            end_s = run.began[number].flip_s
            break
        if number not in run.missed:  # not known to have been left out: the plan is the best guess
            break
    return min(end_s, run.end_s)


def _interval(t0_s: float, from_s: float, to_s: float) -> tuple[float, float]:
    """Return onset and duration, rounded so that onset plus duration is the rounded end."""
    onset_ms, end_ms = round((from_s - t0_s) * 1000), round((to_s - t0_s) * 1000)
    return onset_ms / 1000, max(0, end_ms - onset_ms) / 1000


def hold_mmhg(trace: Trace, go_s: float, end_s: float) -> float | None:
    """Return the median pressure of an inflation, from when it has settled; ``None`` if none was measured."""
    settled_s = go_s + min(SETTLING_S, (end_s - go_s) / 2)
    _, pressures = trace.measured_between(settled_s, end_s)
    return _tenth(float(np.median(pressures))) if len(pressures) else None


def _peak_mmhg(trace: Trace, go_s: float, end_s: float) -> float | None:
    _, pressures = trace.measured_between(go_s, end_s + AFTERMATH_S)
    return _tenth(float(np.max(pressures))) if len(pressures) else None


def _rise_s(trace: Trace, inflation: Inflation, end_s: float) -> float | None:
    target_mmhg, go_s = inflation.go.commanded_mmhg, inflation.go.sent_s
    if target_mmhg is None:
        return None
    times_s, pressures = trace.measured_between(go_s, end_s)
    risen = np.flatnonzero(pressures >= RISEN * target_mmhg)
    return _milli(float(times_s[risen[0]]) - go_s) if len(risen) else None


def _fall_s(run: RunRecord, trace: Trace, inflation: Inflation) -> float | None:
    vent_s = inflation.released_s
    if vent_s is None:
        return None
    later = [i.go.sent_s for i in run.inflations.values() if i.go.sent_s > vent_s]
    times_s, pressures = trace.measured_between(vent_s, min(later, default=np.inf))
    empty = np.flatnonzero(pressures < EMPTY_MMHG)
    return _milli(float(times_s[empty[0]]) - vent_s) if len(empty) else None


def _tenth(pressure_mmhg: float | None) -> float | None:
    return None if pressure_mmhg is None else round(float(pressure_mmhg), 1)


def _milli(time_s: float | None) -> float | None:
    return None if time_s is None else round(float(time_s), 3)
