"""A calibration's journal to its BIDS files: what is in the table, what is left alone, what is valid."""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import get_args

import pytest
from journals import NAME, calibration, killed_at, write
from record.record_builders import table, tree

from scc_task.calibration.from_journal import outcomes_in
from scc_task.calibration.talk import Phase
from scc_task.documents import (
    Command,
    Confirmed,
    Document,
    Outcome,
    Planned,
    Rating,
    Requested,
    Start,
    StepBegan,
    TimeZero,
)
from scc_task.record.calibration import COLUMNS, PHASES
from scc_task.record.dataset import derive
from scc_task.record.recover import Outcome as Recovered
from scc_task.record.recover import recover
from scc_task.record.validate import validate_dataset

BEH = "sub-01/ses-pre/beh/sub-01_ses-pre_task-calibration_run-1"


def rows(data: Path) -> list[dict[str, str]]:
    return table(data / f"{BEH}_beh.tsv")


def asked(documents: tuple[Document, ...]) -> list[Requested]:
    return [d for d in documents if isinstance(d, Requested)]


def test_every_request_has_a_row_with_what_was_given_and_rated(tmp_path: Path) -> None:
    documents = calibration()
    derive(write(tmp_path, documents), tmp_path)
    found = rows(tmp_path)
    assert list(found[0]) == list(COLUMNS)
    for row, request in zip(found, asked(documents), strict=True):
        assert row["trial_number"] == str(request.trial)
        assert row["phase"] == request.phase
        assert float(row["commanded_mmhg"]) == float(row["requested_mmhg"]) == request.pressure_mmhg
        assert float(row["hold_mmhg"]) == pytest.approx(request.pressure_mmhg, abs=2.0)
        assert float(row["hold_s"]) == pytest.approx(request.hold_s, abs=0.1)
        assert row["why"] == request.why
    said = [str(d.rating) for d in documents if isinstance(d, Rating)]
    assert [r["rating"] for r in found if r["phase"] != "familiarise"] == said
    assert {r["rating"] for r in found if r["phase"] == "familiarise"} == {"n/a"}


def test_derived_twice_gives_the_same_bytes_and_writes_nothing(tmp_path: Path) -> None:
    journal = write(tmp_path, calibration())
    derive(journal, tmp_path)
    before = tree(tmp_path)
    assert derive(journal, tmp_path).written == ()
    assert tree(tmp_path) == before


def test_a_table_that_somebody_edited_is_left_as_it_is(tmp_path: Path) -> None:
    journal = write(tmp_path, calibration())
    derive(journal, tmp_path)
    edited = tmp_path / f"{BEH}_beh.tsv"
    edited.write_text("mine\n")
    assert derive(journal, tmp_path).kept == (edited,)
    assert edited.read_text() == "mine\n"


def test_what_was_lost_is_recovered_from_the_journal(tmp_path: Path) -> None:
    derive(write(tmp_path, calibration()), tmp_path)
    before = tree(tmp_path)
    lost = sorted((tmp_path / "sub-01/ses-pre/beh").iterdir())
    for path in lost:
        path.unlink()
    [recovery] = recover(tmp_path)
    assert recovery.outcome is Recovered.RECOVERED
    assert recovery.report is not None
    assert sorted(recovery.report.written) == lost
    assert tree(tmp_path) == before


def test_a_calibration_is_listed_in_its_session_and_leaves_nothing_in_func(tmp_path: Path) -> None:
    derive(write(tmp_path, calibration()), tmp_path)
    [scan] = table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv")
    assert scan["filename"] == f"beh/{NAME.stem}_beh.tsv"
    assert scan["stop_reason"] == "completed"
    assert not NAME.func_folder(tmp_path).exists()


def test_its_recording_has_no_trigger(tmp_path: Path) -> None:
    derive(write(tmp_path, calibration()), tmp_path)
    described = json.loads((tmp_path / f"{BEH}_recording-cuff_physio.json").read_text())
    assert described["Columns"] == ["cuff_pressure", "cuff_pressure_commanded"]
    assert "trigger" not in described
    lines = gzip.decompress((tmp_path / f"{BEH}_recording-cuff_physio.tsv.gz").read_bytes())
    assert {line.count(b"\t") for line in lines.splitlines()} == {1}


def test_the_sidecar_says_where_the_data_are_from_and_describes_every_column(
    tmp_path: Path,
) -> None:
    derive(write(tmp_path, calibration()), tmp_path)
    described = json.loads((tmp_path / f"{BEH}_beh.json").read_text())
    assert set(COLUMNS) <= set(described)
    assert described["Provenance"]["SimulatedData"] is True
    assert described["Provenance"]["Journal"] == f"{NAME.stem}_journal.jsonl"
    assert described["Instructions"] == "The cuff will press. Rate what you felt."
    assert "volume" not in described["time_s"]["Description"]
    assert "RepetitionTime" not in json.dumps(described)


def test_what_the_study_wrote_about_its_institution_stays(tmp_path: Path) -> None:
    ours = tmp_path / "task-calibration_beh.json"
    ours.write_text(json.dumps({"InstitutionName": "Example University"}))
    derive(write(tmp_path, calibration()), tmp_path)
    assert json.loads(ours.read_text())["InstitutionName"] == "Example University"


def test_a_rating_is_in_the_table_even_if_the_power_went_before_its_outcome(
    tmp_path: Path,
) -> None:
    documents = killed_at(calibration(), trial=5)
    report = derive(write(tmp_path, documents), tmp_path)
    last = rows(tmp_path)[-1]
    rating = [d.rating for d in documents if isinstance(d, Rating)][-1]
    assert (last["trial_number"], last["rating"]) == ("5", str(rating))
    assert (last["tolerated"], last["stopped"]) == ("n/a", "n/a")
    assert any("trial 5" in n and "outcome is not on record" in n for n in report.notes)
    [scan] = table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv")
    assert scan["stop_reason"] == "killed"


def test_a_rating_counts_from_the_moment_it_was_confirmed(tmp_path: Path) -> None:
    documents = calibration()
    rated = [n for n, d in enumerate(documents) if isinstance(d, Confirmed)][4]  # 3 of the practice
    confirmed, killed = documents[rated], documents[: rated + 1]
    assert isinstance(confirmed, Confirmed)
    whole = next(d for d in documents if isinstance(d, Rating) and d.step == confirmed.step)
    assert (confirmed.rating, confirmed.time_s) == (
        whole.rating,
        whole.flip_s + (whole.response_time_s or 0.0),
    )
    assert confirmed.time_s < whole.end_s - 0.5
    assert not any(isinstance(d, Rating) and d.step == confirmed.step for d in killed)
    last = outcomes_in(killed)[-1]
    assert (last.rating, last.borne, last.cut) == (confirmed.rating, True, None)
    derive(write(tmp_path, killed), tmp_path)
    row = rows(tmp_path)[-1]
    assert (row["rating"], row["last_position"]) == (str(confirmed.rating),) * 2
    assert float(row["response_time"]) == pytest.approx(whole.response_time_s, abs=0.001)


def test_an_inflation_that_the_participant_stopped_says_so(tmp_path: Path) -> None:
    start, *documents = calibration()
    assert isinstance(start, Start)
    began = [d for d in documents if isinstance(d, StepBegan) and d.kind == "inflate"]
    stop_after_s = began[3].flip_s - start.time_s + 6.0
    derive(write(tmp_path, calibration(stop_after_s=stop_after_s)), tmp_path)
    last = rows(tmp_path)[-1]
    assert (last["tolerated"], last["stopped"], last["rating"]) == ("false", "true", "n/a")
    assert float(last["hold_s"]) == pytest.approx(6.0, abs=0.3)


def test_what_the_operator_refused_has_a_row_without_pressures(tmp_path: Path) -> None:
    documents = list(calibration())
    last = next(d for d in reversed(documents) if isinstance(d, Requested))
    refused = Requested(
        trial=last.trial + 1,
        time_s=last.time_s,
        phase="coarse",
        pressure_mmhg=260.0,
        hold_s=15.0,
        why="above the soft cap",
        needs_yes=True,
    )
    no = Outcome(
        trial=refused.trial,
        time_s=refused.time_s,
        inflate_step=None,
        rate_step=None,
        rating=None,
        tolerated=True,
        stopped=False,
        operator_said_yes=False,
    )
    report = derive(write(tmp_path, (*documents[:-1], refused, no, documents[-1])), tmp_path)
    row = rows(tmp_path)[-1]
    assert (row["requested_mmhg"], row["operator_said_yes"]) == ("260.0", "false")
    empty = ("time_s", "commanded_mmhg", "peak_mmhg", "hold_s", "tolerated", "stopped")
    assert {row[c] for c in empty} == {"n/a"}
    assert report.notes == ()


def test_practice_of_the_scale_is_not_taken_for_a_trial(tmp_path: Path) -> None:
    start, *documents = calibration()
    assert isinstance(start, Start)
    rating = next(d for d in documents if isinstance(d, Rating))
    began = next(d for d in documents if isinstance(d, StepBegan) and d.number == rating.step)
    joined = [s for d in documents if isinstance(d, Planned) for s in d.steps]
    step = next(s for s in joined if s["number"] == rating.step)
    zero = next(d for d in documents if isinstance(d, TimeZero))
    # it bears the number of a trial that is not rated
    practised = {**step, "number": 900, "trial": 1, "onset_ms": 5_000}
    plan = {**start.plan, "steps": [*start.plan["steps"], practised]}
    practice = (
        dataclasses.replace(began, number=900, trial=1, flip_s=zero.time_s + 5.0),
        dataclasses.replace(rating, step=900, rating=77),
    )
    made = (dataclasses.replace(start, plan=plan), *practice, *documents)
    derive(write(tmp_path, made), tmp_path)
    assert rows(tmp_path)[0]["rating"] == "n/a"
    assert "77" not in {row["rating"] for row in rows(tmp_path)}


def test_calibrations_of_all_kinds_are_valid(tmp_path: Path) -> None:
    derive(write(tmp_path, calibration()), tmp_path)
    derive(write(tmp_path, killed_at(calibration(), trial=3), run=2), tmp_path)
    derive(write(tmp_path, calibration(stop_after_s=10.0), run=3), tmp_path)
    derive(write(tmp_path, calibration(missing=1.0), run=4), tmp_path)
    NAME.calibration_plot(tmp_path).write_bytes(b"\x89PNG")
    assert validate_dataset(tmp_path) == []


def test_every_phase_of_a_procedure_is_described() -> None:
    assert set(get_args(Phase)) <= set(PHASES)


def test_the_length_of_an_inflation_in_which_the_program_was_killed_is_not_known(
    tmp_path: Path,
) -> None:
    documents = calibration()
    goes = [n for n, d in enumerate(documents) if isinstance(d, Command) and d.command == "go"]
    derive(write(tmp_path, documents[: goes[3] + 2]), tmp_path)
    last = rows(tmp_path)[-1]
    assert float(last["commanded_mmhg"]) == float(last["requested_mmhg"])
    assert last["hold_s"] == "n/a"


def test_a_stop_at_the_scale_leaves_the_inflation_as_it_was_borne(tmp_path: Path) -> None:
    start, *documents = calibration()
    assert isinstance(start, Start)
    scales = [d for d in documents if isinstance(d, StepBegan) and d.kind == "rate"]
    stopped = calibration(stop_after_s=scales[2].flip_s - start.time_s + 0.2)
    derive(write(tmp_path, stopped), tmp_path)
    last = rows(tmp_path)[-1]
    assert (last["tolerated"], last["stopped"], last["rating"]) == ("true", "false", "n/a")
    assert float(last["hold_s"]) == pytest.approx(15.0, abs=0.1)
    assert [d.cut for d in stopped if isinstance(d, Outcome)][-1] == "participant"


@pytest.mark.parametrize("trial", [1, 3, 5])
def test_what_was_rated_is_read_back_also_without_its_outcome(trial: int) -> None:
    whole = outcomes_in(calibration())
    assert len(whole) > trial
    found = outcomes_in(killed_at(calibration(), trial))
    rating = whole[trial - 1].rating
    assert [(o.request, o.rating) for o in found] == [(o.request, o.rating) for o in whole[:trial]]
    assert found[-1].borne
    assert found[-1].cut == (None if rating is not None else "killed")
