"""Names, places, and what may not be overwritten; the dose of a session."""

import dataclasses
from pathlib import Path

import pytest
from record_builders import make_documents, make_journal, make_plan, make_start

from scc_task.documents import Command
from scc_task.errors import RunExists, UsageInvalid
from scc_task.record.dataset import derive
from scc_task.record.dose import used_dose
from scc_task.record.journal import encode_line
from scc_task.record.paths import RunName, next_run, refuse_if_exists, rescue_of
from scc_task.record.read import JournalUnreadable

NAME = RunName(subject="01", session="pre", run=1, task="scc")
PLAN = make_plan(trials=2)


def test_names_are_those_of_bids(tmp_path: Path) -> None:
    journal = NAME.journal(tmp_path)
    assert journal.relative_to(tmp_path).as_posix() == (
        "sourcedata/sub-01/ses-pre/sub-01_ses-pre_task-scc_run-1_journal.jsonl"
    )
    assert NAME.func_folder(tmp_path) == tmp_path / "sub-01" / "ses-pre" / "func"


@pytest.mark.parametrize("label", ["", "sub-01", "0 1", "a/b", "..", "ü1", "01\n", "a_b"])
@pytest.mark.parametrize("word", ["subject", "session", "task"])
def test_a_label_that_bids_does_not_allow_is_refused(word: str, label: str) -> None:
    with pytest.raises(UsageInvalid, match="cannot be part of") as caught:
        dataclasses.replace(NAME, **{word: label})
    assert caught.value.where == word


@pytest.mark.parametrize("run", [0, -1, True, "1", 1.0])
def test_a_run_is_a_number_from_one(run: object) -> None:
    with pytest.raises(UsageInvalid, match="not a run number"):
        dataclasses.replace(NAME, run=run)


def test_whatever_a_run_left_keeps_it_from_being_written_again(tmp_path: Path) -> None:
    refuse_if_exists(tmp_path, NAME)
    func = NAME.func_folder(tmp_path)
    for path in (
        NAME.journal(tmp_path),
        rescue_of(NAME.journal(tmp_path)),
        func / "sub-01_ses-pre_task-scc_run-1_events.tsv",
        func / "sub-01_ses-pre_task-scc_run-1_recording-cuff_physio.tsv.gz",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with pytest.raises(RunExists, match="on disk already") as caught:
            refuse_if_exists(tmp_path, NAME)
        assert "--run 2;" in caught.value.do
        path.unlink()
    refuse_if_exists(tmp_path, NAME)


@pytest.mark.parametrize("end", ["_beh.tsv", "_beh.json", "_recording-cuff_physio.tsv.gz"])
def test_whatever_a_calibration_left_keeps_it_from_being_written_again(
    tmp_path: Path, end: str
) -> None:
    name = dataclasses.replace(NAME, task="calibration", run=3)
    path = name.beh_folder(tmp_path) / f"{name.stem}{end}"
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(RunExists, match="on disk already") as caught:
        refuse_if_exists(tmp_path, name)
    assert "--run 4;" in caught.value.do


def test_the_next_free_number_is_after_every_run(tmp_path: Path) -> None:
    assert next_run(tmp_path, NAME) == 1
    for run in (1, 9, 10):
        make_journal(tmp_path, [make_start(PLAN, run=run)])
    assert next_run(tmp_path, NAME) == 11
    assert next_run(tmp_path, dataclasses.replace(NAME, task="other")) == 1
    assert next_run(tmp_path, dataclasses.replace(NAME, session="post")) == 1
    image = NAME.func_folder(tmp_path) / "sub-01_ses-pre_task-scc_run-12_bold.nii.gz"
    image.parent.mkdir(parents=True)
    image.touch()
    assert next_run(tmp_path, NAME) == 13


def test_the_dose_of_a_session_is_the_sum_of_its_runs(tmp_path: Path) -> None:
    assert used_dose(tmp_path, "01", "pre") == (0.0, 0)
    make_journal(tmp_path, make_documents(PLAN))
    make_journal(tmp_path, make_documents(PLAN, run=2, stop_at_s=50.0))
    make_journal(tmp_path, make_documents(PLAN, session="post"))
    make_journal(tmp_path, make_documents(PLAN, subject="02"))
    inflated_s, inflations = used_dose(tmp_path, "01", "pre")
    assert inflations == 3
    assert inflated_s == pytest.approx(15 + 15 + 4)


def test_an_inflation_without_an_end_counts_as_planned(tmp_path: Path) -> None:
    make_journal(tmp_path, make_documents(PLAN, stop_at_s=50.0, killed=True))
    assert used_dose(tmp_path, "01", "pre") == (15.0, 1)
    path = make_journal(tmp_path, make_documents(PLAN, run=2, stop_at_s=50.0, killed=True))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert used_dose(tmp_path, "01", "pre") == (15.0 + 90.0, 2)


def test_a_damaged_journal_counts_with_its_whole_plan(tmp_path: Path) -> None:
    path = make_journal(tmp_path, make_documents(PLAN))
    go = next(d for d in make_documents(PLAN) if isinstance(d, Command))
    damaged = path.read_bytes().replace(encode_line(go), b"#" + encode_line(go))
    path.write_bytes(damaged)
    assert used_dose(tmp_path, "01", "pre") == (30.0, 2)
    path.write_bytes(b"#" + damaged)
    with pytest.raises(JournalUnreadable, match="dose is not known") as caught:
        used_dose(tmp_path, "01", "pre")
    assert "do not inflate" in caught.value.do


def test_the_dose_is_read_from_a_rescue_file_too(tmp_path: Path) -> None:
    documents = make_documents(PLAN)
    path = make_journal(tmp_path, documents)
    path.rename(rescue_of(path))
    make_journal(tmp_path, documents[:2])
    assert used_dose(tmp_path, "01", "pre") == (30.0, 2)
    assert derive(path, tmp_path).documents == len(documents)
