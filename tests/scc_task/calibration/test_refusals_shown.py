"""The page of refusals says what the program says, and leaves none out."""

from pathlib import Path

from refusals_shown import ENDS, PAGE, ends, gates, page, starts, store

from scc_task.calibration import refusals
from scc_task.calibration.gates import Gate


def test_the_page_is_what_the_program_says(tmp_path: Path) -> None:
    assert PAGE.read_text("utf-8") == page(tmp_path), (
        "run: .venv/bin/python tests/scc_task/calibration/refusals_shown.py"
    )


def test_every_gate_and_every_bad_end_is_shown() -> None:
    assert {s.name for s in gates()} == {str(g) for g in Gate if g is not Gate.BAD_END}
    assert {s.name for s in ends()} == {str(end) for end in ENDS}


def test_every_refusal_of_the_store_is_shown(tmp_path: Path) -> None:
    codes = {reason.code for reason in refusals.CalibrationRefused.__subclasses__()}
    assert {s.name for s in store(tmp_path)} == codes


def test_every_refusal_says_what_to_do(tmp_path: Path) -> None:
    shown = [*starts(), *gates(), *ends(), *store(tmp_path)]
    assert len(shown) == 7 + 10 + 6 + 17
    assert all(s.what and s.do for s in shown)
