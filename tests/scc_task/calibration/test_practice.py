"""Practice of the scale: what comes before the first inflation, and what it tells the operator."""

import dataclasses
import io
from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS
from rich.console import Console

from scc_task.calibration.practice import IMAGINED, INTRODUCTION, OVER, doubt
from scc_task.console_calibration import CalibrationTable
from scc_task.documents import Note
from scc_task.errors import FilesInvalid
from scc_task.plan.steps import StepKind
from scc_task.prepare_calibration import CalibrationRequest, prepare_calibration

RIGS = PROTOCOLS.parent / "rigs"


def request(data: Path, protocol: Path = PROTOCOLS / "calibration.yaml") -> CalibrationRequest:
    return CalibrationRequest(
        protocol=protocol,
        rig=RIGS / "simulated.yaml",
        subject="01",
        session="pre",
        data=data,
        seed=1,
    )


def edited(folder: Path, old: str, new: str) -> Path:
    """Return a copy of the default with its texts beside it."""
    (folder / "text").mkdir(parents=True)
    texts = (PROTOCOLS / "text" / "en.yaml").read_text("utf-8")
    (folder / "text" / "en.yaml").write_text(texts, "utf-8")
    protocol = (PROTOCOLS / "calibration.yaml").read_text("utf-8")
    assert old in protocol
    path = folder / "mine.yaml"
    path.write_text(protocol.replace(old, new), "utf-8")
    return path


def test_three_imagined_pains_are_rated_and_nothing_inflates(tmp_path: Path) -> None:
    plan = prepare_calibration(request(tmp_path)).run.plan
    shown = [step.text or step.scale for step in plan.steps]
    pains = [word for key in IMAGINED for word in (key, "intensity")]
    assert shown == ["calibration", INTRODUCTION, *pains, OVER]
    assert not plan.inflations
    assert all(b.onset_ms == a.end_ms for a, b in zip(plan.steps, plan.steps[1:], strict=False))
    assert [step.number for step in plan.steps] == list(range(1, len(plan.steps) + 1))


def test_the_practice_leaves_more_time_than_the_calibration(tmp_path: Path) -> None:
    prepared = prepare_calibration(request(tmp_path))
    slots = [s.duration_s for s in prepared.run.plan.steps if s.kind is StepKind.RATE]
    assert min(slots) > prepared.protocol.model.rating.for_s


def test_a_protocol_may_do_without(tmp_path: Path) -> None:
    protocol = edited(tmp_path / "own", "practice: true", "practice: false")
    plan = prepare_calibration(request(tmp_path, protocol)).run.plan
    assert [step.text for step in plan.steps] == ["calibration"]


def test_a_text_that_the_practice_shows_is_missed_before_anything_opens(tmp_path: Path) -> None:
    protocol = edited(tmp_path / "own", "practice: true", "practice: true")
    texts = tmp_path / "own" / "text" / "en.yaml"
    texts.write_text(texts.read_text("utf-8").replace("  imagine_strong:", "  imagined:"), "utf-8")
    with pytest.raises(FilesInvalid, match="no text 'imagine_strong'"):
        prepare_calibration(request(tmp_path, protocol))


def test_practice_that_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    protocol = edited(tmp_path / "own", "practice: true", "practice: often")
    with pytest.raises(FilesInvalid, match="neither true nor false"):
        prepare_calibration(request(tmp_path, protocol))


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        ([5, 40, 90], None),
        ([5, 40, 40], None),
        ([5, None, 90], "2 of 3 ratings were confirmed"),
        ([None, None, None], "0 of 3 ratings were confirmed"),
        ([90, 40, 5], "rated 90, 40, 5; explain the scale"),
        ([50, 50, 50], "rated 50, 50, 50; explain the scale"),
    ],
)
def test_ratings_that_do_not_follow_the_pains_are_told(ratings, words: str | None) -> None:
    found = doubt(ratings)
    assert found is None if words is None else words in (found or "")


def test_a_plan_without_practice_is_not_judged(tmp_path: Path) -> None:
    from scc_task.calibration.practice import rated_steps

    plan = prepare_calibration(request(tmp_path)).run.plan
    assert len(rated_steps(plan) or ()) == 3
    assert rated_steps(dataclasses.replace(plan, steps=plan.steps[:1])) is None


@pytest.mark.parametrize("notes", [True, False])
def test_a_doubt_about_the_practice_is_printed_where_no_status_line_does(notes: bool) -> None:
    out = Console(file=io.StringIO(), width=200)
    with CalibrationTable(out, notes=notes) as table:
        table.observe(Note(time_s=1.0, code="practice", message="practice: explain the scale"))
    assert ("practice: explain the scale" in out.file.getvalue()) is notes  # type: ignore[attr-defined]
