"""The page of the measured promises: what it is made of, and its copy among the hazards."""

import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the simulated chip runs on Linux only")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("promises")


def test_every_promise_of_device_and_guard_has_a_trial(benchmark: ModuleType) -> None:
    timed = {promise.number for promise in benchmark.promise_trials.promises()}
    told = {case.number for case in benchmark.HOST_CASES}
    counted = {count.number for count in benchmark.promise_counts.counts()}
    itself = {7, 22}  # noise and flips, and the mutation scores
    assert timed | told | counted | itself == {*range(1, 16), 22}


def test_the_tables_stand_among_the_hazards(benchmark: ModuleType) -> None:
    pages = benchmark.pages
    page = pages.PAGE.read_text(encoding="utf-8")
    safety = pages.SAFETY.read_text(encoding="utf-8")
    assert pages.in_safety(page, safety) == safety
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    assert all(row in safety for row in rows)


def test_a_section_that_was_not_measured_stays(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages = benchmark.pages
    for name in ("PAGE", "SAFETY"):
        monkeypatch.setattr(pages, name, tmp_path / name)
    (tmp_path / "SAFETY").write_text(f"above\n{pages.BEGIN}\n{pages.END}\nbelow\n", "utf-8")
    measured = pages.measured_by("this", "0badcafe")
    for name, row in (("counted", "| 7 | b | 1 | 0 | 0 |"), ("device", "| 4 | a |"), ("host", "")):
        pages.write({name: pages.section(name, measured, [row])})
    pages.write({"device": pages.section("device", measured, ["| 4 | anew |"])})
    for page in ("PAGE", "SAFETY"):
        text = (tmp_path / page).read_text("utf-8")
        assert "| 4 | anew |" in text
        assert "| 4 | a |" not in text
        assert text.index("| 4 |") < text.index("With the computer") < text.index("| 7 | b |")
        assert "with the firmware 0badcafe" in text
    assert text.startswith("above\n")
    assert text.endswith("below\n")


def test_a_broken_rule_and_a_low_score_are_counted(benchmark: ModuleType, tmp_path: Path) -> None:
    line, broken = benchmark.counted_row(7, "it", [(10, []), (5, ["a breach"])])
    assert (line, broken) == ("| 7 | it | 15 | 1 | 0 |", 1)
    page = tmp_path / "mutants.md"
    for killed, missed in ((90, False), (89, True)):
        page.write_text(f"**{killed} of 100 killed**", "utf-8")
        line, late = benchmark.score_row("it", page)
        assert (line, late) == (
            f"| 22 | changes of it that nothing notices | 100 | {100 - killed} | 10 % |",
            missed,
        )
    page.write_text("none made", "utf-8")
    assert benchmark.score_row("it", page)[1]
