"""Documents to rows of events.tsv: onsets, ends, pressures, ratings, and what has no row."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from record_builders import T0_S, TARGET_MMHG, make_documents, make_plan

from scc_task.documents import (
    Command,
    Document,
    Rating,
    Samples,
    StepBegan,
    StepMissed,
    TimeZero,
    Vented,
)
from scc_task.plan.steps import Plan, StepKind
from scc_task.record.events import COLUMNS, EventRow, event_rows
from scc_task.record.read import JournalContents
from scc_task.record.run import sort_out
from scc_task.record.samples import host_times_s, trace_of

PLAN = make_plan(trials=2)
ANTICIPATION, PAIN = 3, 4


def rows_of(documents: list[Document]) -> tuple[tuple[EventRow, ...], tuple[str, ...]]:
    run = sort_out(
        JournalContents(path=Path("j"), documents=tuple(documents), torn_bytes=0, corrupt_lines=())
    )
    return event_rows(run, trace_of(run.samples))


def planned(plan: Plan) -> list[tuple[float, float, str]]:
    return [(s.onset_s, s.duration_s, str(s.trial_type)) for s in plan.steps if s.trial_type]


def without(documents: list[Document], *gone: Document) -> list[Document]:
    return [d for d in documents if d not in gone]


def go_of(documents: list[Document]) -> Command:
    return next(d for d in documents if isinstance(d, Command) and d.command == "go")


def test_the_whole_run_has_33_rows_as_planned() -> None:
    plan = make_plan()
    rows, notes = rows_of(make_documents(plan))
    assert plan.length_s == 548.0
    assert len(rows) == 33
    assert [(r.onset, r.duration, r.trial_type) for r in rows] == planned(plan)
    assert notes == ()


def test_columns_stand_in_the_order_that_is_documented() -> None:
    assert (
        tuple(
            [
                "onset",
                "duration",
                "trial_type",
                "trial_number",
                "strategy",
                "cue",
                "commanded_mmhg",
                "acknowledged_mmhg",
                "hold_mmhg",
                "peak_mmhg",
                "rise_s",
                "fall_s",
                "rating_scale",
                "rating",
                "last_position",
                "response_time",
            ]
        )
        == COLUMNS
    )


def test_a_pain_row_has_commanded_acknowledged_and_measured_pressure() -> None:
    documents = make_documents(PLAN)
    go = go_of(documents)
    acknowledged = dataclasses.replace(go, acknowledged_mmhg=152.0)
    rows, _ = rows_of([acknowledged if d is go else d for d in documents])
    cells = next(r for r in rows if r.trial_type == "pain").cells()
    assert cells["onset"] == "46.000"
    assert cells["duration"] == "15.000"
    assert cells["commanded_mmhg"] == "152.4"
    assert cells["acknowledged_mmhg"] == "152.0"
    assert cells["hold_mmhg"] == cells["peak_mmhg"] == "152.4"
    # 0.6 s to fill: 90 % after 0.6 ln 10 = 1.38 s; 0.4 s to empty: below 15 after 0.93 s
    assert float(cells["rise_s"]) == pytest.approx(1.38, abs=0.03)
    assert float(cells["fall_s"]) == pytest.approx(0.4 * np.log(TARGET_MMHG / 15), abs=0.03)
    assert cells["rating"] == cells["rating_scale"] == "n/a"


def test_pressures_are_na_outside_pain_and_no_cell_is_empty() -> None:
    rows, _ = rows_of(make_documents(PLAN))
    for row in rows:
        cells = row.cells()
        assert all(cells.values())
        assert "nan" not in cells.values()
        if row.trial_type != "pain":
            assert {cells[c] for c in COLUMNS if c.endswith(("_mmhg", "rise_s", "fall_s"))} == {
                "n/a"
            }


def test_an_unconfirmed_rating_is_missing_and_its_position_kept() -> None:
    first = next(s for s in PLAN.steps if s.kind is StepKind.RATE).number
    rows, _ = rows_of(make_documents(PLAN, unconfirmed=frozenset({first})))
    missing, given = [r.cells() for r in rows if r.trial_type == "rating"][:2]
    assert (missing["rating"], missing["last_position"], missing["response_time"]) == (
        "n/a",
        "42",
        "n/a",
    )
    assert (given["rating"], given["last_position"], given["response_time"]) == (
        "42",
        "42",
        "3.250",
    )
    assert missing["rating_scale"] == "intensity"


def test_onsets_are_flips_and_commands_not_plans() -> None:
    documents = [
        dataclasses.replace(d, flip_s=d.flip_s + 0.0124)
        if isinstance(d, StepBegan)
        else dataclasses.replace(d, sent_s=d.sent_s + 0.0006)
        if isinstance(d, Command)
        else d
        for d in make_documents(PLAN)
    ]
    rows, _ = rows_of(documents)
    anticipation, pain = rows[1], rows[2]
    assert (anticipation.onset, pain.onset) == (40.012, 46.001)
    # the cue ends where the pain begins, so that phases do not overlap
    assert anticipation.onset + anticipation.duration == pytest.approx(pain.onset)
    assert pain.duration == 15.0


def test_without_time_zero_there_are_no_rows() -> None:
    documents = [d for d in make_documents(PLAN) if not isinstance(d, TimeZero)]
    assert rows_of(documents) == ((), ())


def test_a_run_that_stopped_early_is_cut_at_its_end() -> None:
    rows, notes = rows_of(make_documents(PLAN, stop_at_s=50.0))
    assert [r.trial_type for r in rows] == ["instruction", "anticipation", "pain"]
    assert (rows[-1].onset, rows[-1].duration) == (46.0, 4.0)
    # 4 s: judged from the half of it
    assert rows[-1].hold_mmhg == pytest.approx(151.0, abs=1.0)
    assert notes == ()
    rows, _ = rows_of(make_documents(PLAN, stop_at_s=43.25))
    assert (rows[-1].trial_type, rows[-1].duration) == ("anticipation", 3.25)


def test_a_killed_run_ends_with_the_last_thing_recorded() -> None:
    rows, notes = rows_of(make_documents(PLAN, stop_at_s=50.0, killed=True))
    assert rows[-1].trial_type == "pain"
    assert rows[-1].duration == pytest.approx(4.0, abs=0.6)
    assert rows[-1].fall_s is None
    assert "no command to vent is on record" in notes[0]


def test_an_end_that_only_the_supervisor_saw_counts() -> None:
    documents = [
        d
        for d in make_documents(PLAN, stop_at_s=50.0)
        if not (isinstance(d, Command) and d.command in ("end", "vent"))
    ]
    assert any(isinstance(d, Vented) for d in documents)
    rows, notes = rows_of(documents)
    assert rows[-1].duration == 4.0
    assert notes == ()


def test_pain_without_a_command_has_no_row() -> None:
    documents = make_documents(PLAN)
    rows, notes = rows_of(without(documents, go_of(documents)))
    assert [r.trial_number for r in rows if r.trial_type == "pain"] == [2]
    assert notes == ("step 4 (pain of trial 1): no command to inflate is on record: no row",)


def test_pain_whose_screen_hung_has_a_row_all_the_same() -> None:
    documents = make_documents(PLAN)
    [began] = [d for d in documents if isinstance(d, StepBegan) and d.number == PAIN]
    rows, _ = rows_of(without(documents, began))
    assert next(r.onset for r in rows if r.trial_type == "pain") == 46.0
    assert rows[1].duration == 6.0


def test_a_command_that_was_not_acknowledged_is_noted() -> None:
    documents = make_documents(PLAN)
    go = go_of(documents)
    silent = dataclasses.replace(go, acknowledged_s=None, acknowledged_mmhg=None)
    rows, notes = rows_of([silent if d is go else d for d in documents])
    assert next(r for r in rows if r.trial_type == "pain").acknowledged_mmhg is None
    assert "did not acknowledge" in notes[0]


def test_a_command_that_belongs_to_no_step_is_noted() -> None:
    documents = make_documents(PLAN)
    go = go_of(documents)
    _, notes = rows_of([dataclasses.replace(go, step=None) if d is go else d for d in documents])
    assert any("belongs to no step" in note for note in notes)


def test_a_missed_step_has_no_row_and_the_one_before_lasts_longer() -> None:
    documents = make_documents(PLAN)
    instruction, begin = (
        next(d for d in documents if isinstance(d, StepBegan) and d.number == n) for n in (1, 2)
    )
    missed = StepMissed(number=2, planned_s=begin.planned_s, time_s=T0_S + 40.0)
    rows, notes = rows_of([missed if d is begin else d for d in documents])
    assert rows[0].duration == 30.0
    assert notes == ()
    missed = StepMissed(number=1, planned_s=instruction.planned_s, time_s=T0_S + 35.0)
    rows, notes = rows_of([missed if d is instruction else d for d in documents])
    assert [r.trial_type for r in rows[:2]] == ["anticipation", "pain"]
    assert notes == ("step 1 (instruction) was never shown: no row",)
    # not recorded as missed: damaged lines; then the plan is the best guess
    rows, _ = rows_of(without(documents, begin))
    assert rows[0].duration == 25.0


def test_a_rating_that_was_not_finished_keeps_its_row() -> None:
    documents = [d for d in make_documents(PLAN) if not isinstance(d, Rating)]
    rows, _ = rows_of(documents)
    cells = next(r for r in rows if r.trial_type == "rating").cells()
    assert cells["rating_scale"] == "intensity"
    assert cells["rating"] == cells["last_position"] == "n/a"


def test_samples_that_are_null_do_not_count() -> None:
    documents = [
        dataclasses.replace(d, measured_mmhg=(None,) * len(d.measured_mmhg))  # type: ignore[arg-type]
        if isinstance(d, Samples)
        else d
        for d in make_documents(PLAN)
    ]
    rows, _ = rows_of(documents)
    pain = next(r for r in rows if r.trial_type == "pain").cells()
    assert {pain[c] for c in ("hold_mmhg", "peak_mmhg", "rise_s", "fall_s")} == {"n/a"}


def test_a_run_without_a_cuff_has_rows() -> None:
    documents = [d for d in make_documents(PLAN) if not isinstance(d, Samples | Command | Vented)]
    rows, notes = rows_of(documents)
    assert {r.trial_type for r in rows} == {"instruction", "anticipation", "rating"}
    assert len(notes) == 2


# -- when a sample was taken


def test_bursts_on_the_wire_do_not_move_samples() -> None:
    device_ms = np.arange(0, 60_000, 20.0)
    true_s = 500.0 + device_ms / 1000 * (1 + 50e-6)  # a crystal that is 50 ppm off
    burst = np.ceil(true_s / 0.2) * 0.2  # everything waits for the next fifth of a second
    burst[::40] = true_s[::40]
    found = host_times_s(device_ms, burst)
    assert np.max(np.abs(found - true_s)) < 0.002
    assert np.all(np.diff(found) > 0)


def test_a_device_that_restarts_begins_anew() -> None:
    first, second = np.arange(0, 20_000, 20.0), np.arange(0, 5_000, 20.0)
    arrival_s = np.concatenate((100 + first / 1000, 130 + second / 1000))
    found = host_times_s(np.concatenate((first, second)), arrival_s)
    assert np.allclose(found, arrival_s)


@pytest.mark.parametrize("rate", [0.5, 1.1, 0.0])
def test_a_device_clock_that_runs_wrong_is_not_used(rate: float) -> None:
    arrival_s = 100 + np.arange(0, 60, 0.02)
    assert np.array_equal(host_times_s((arrival_s - 100) * 1000 * rate, arrival_s), arrival_s)
