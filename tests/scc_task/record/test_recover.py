"""Datasets made again from whatever journals are left."""

import dataclasses
from pathlib import Path

import pytest
from record_builders import make_documents, make_journal, make_plan, tree

from scc_task.documents import Start
from scc_task.errors import UsageInvalid
from scc_task.record.journal import Journal
from scc_task.record.paths import RunName, rescue_of
from scc_task.record.recover import Outcome, find_journals, recover

PLAN = make_plan(trials=1)


def run(data: Path, **options: object) -> Path:
    return make_journal(data, make_documents(PLAN, **options))  # type: ignore[arg-type]


def test_every_run_comes_back_and_a_second_time_nothing_happens(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, run=2, stop_at_s=50.0, killed=True)
    run(tmp_path, session="post")
    run(tmp_path, subject="02", stop_at_s=60.0)
    results = recover(tmp_path)
    assert [r.outcome for r in results] == [Outcome.RECOVERED] * 4
    reasons = [r.report.stop_reason for r in results if r.report]
    assert sorted(reasons) == ["completed", "completed", "killed", "operator"]
    before = tree(tmp_path)
    assert {r.outcome for r in recover(tmp_path)} == {Outcome.COMPLETE}
    assert tree(tmp_path) == before


def test_one_journal_can_be_recovered_alone(tmp_path: Path) -> None:
    journal = run(tmp_path)
    run(tmp_path, run=2)
    [result] = recover(journal)
    assert result.outcome is Outcome.RECOVERED
    assert len(list(tmp_path.rglob("*_events.tsv"))) == 1


def test_a_bad_journal_does_not_hinder_the_others(tmp_path: Path) -> None:
    good, bad, empty = run(tmp_path), run(tmp_path, run=2), run(tmp_path, run=3)
    bad.write_bytes(b"#" + bad.read_bytes())
    empty.write_bytes(b"")
    stray = tmp_path / "elsewhere" / good.name
    stray.parent.mkdir()
    stray.write_bytes(good.read_bytes())
    strange = run(tmp_path, run=4, stop_at_s=-1.0)
    by_journal = {r.journal: r for r in recover(tmp_path)}
    assert by_journal[good].outcome is Outcome.RECOVERED
    assert by_journal[strange].outcome is Outcome.COMPLETE  # nothing to write before time zero
    for journal in (bad, empty, stray):
        result = by_journal[journal]
        assert result.outcome is Outcome.UNREADABLE
        assert result.problem is not None
        assert result.problem.do


def test_a_plan_of_another_version_is_reported(tmp_path: Path) -> None:
    start, *others = make_documents(PLAN)
    assert isinstance(start, Start)
    later = dataclasses.replace(start, plan={**start.plan, "aura": "blue"})
    make_journal(tmp_path, [later, *others])
    [result] = recover(tmp_path)
    assert result.outcome is Outcome.UNREADABLE
    assert "0.1.0" in str(result.problem)


def test_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    path = RunName(subject="01", session="pre", run=1, task="scc").journal(tmp_path)
    with Journal(path) as journal:
        for document in make_documents(PLAN):
            journal.append(document)
        [result] = recover(tmp_path)
        assert result.outcome is Outcome.RUNNING
        assert not list(tmp_path.rglob("*_events.tsv"))
    [result] = recover(tmp_path)
    assert result.outcome is Outcome.RECOVERED


def test_a_rescue_file_stands_in_for_a_torn_journal(tmp_path: Path) -> None:
    journal = run(tmp_path)
    rescue = rescue_of(journal)
    rescue.write_bytes(journal.read_bytes())
    journal.write_bytes(journal.read_bytes()[:9000])
    for path in (tmp_path, rescue):
        [result] = recover(path)
        assert result.report is not None
        assert result.report.journal == rescue
        assert result.report.stop_reason == "completed"
    journal.unlink()
    assert find_journals(tmp_path) == [journal]
    assert recover(tmp_path)[0].outcome is Outcome.COMPLETE


def test_cut_at_every_line_a_run_is_recovered(tmp_path: Path) -> None:
    documents = [d for d in make_documents(PLAN, stop_at_s=70.0) if d.type != "samples"]
    for size in range(1, len(documents), 7):
        data = tmp_path / str(size)
        make_journal(data, documents[:size])
        [result] = recover(data)
        assert result.report is not None, result.problem
        assert result.report.documents == size


def test_runs_come_in_order_of_their_numbers(tmp_path: Path) -> None:
    paths = [run(tmp_path, run=n) for n in (1, 2, 10)]
    assert find_journals(tmp_path) == paths


def test_a_place_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid, match="no such file"):
        recover(tmp_path / "nowhere")
    assert recover(tmp_path) == ()
