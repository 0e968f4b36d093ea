"""No deadline hangs on the wall clock: it may jump while a cuff is inflated."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = ROOT / "hardware" / "clock.py"
ACTING = ("engine", "intake", "rating", "samples", "scanner", "responses", "emulated", "console")
WALL = ("now", "utcnow", "today", "fromtimestamp")


def modules() -> list[Path]:
    found = [ROOT / "run_task.py"]
    for package in ("hardware", "scc_task"):
        found += sorted((ROOT / package).rglob("*.py"))
    return [path for path in found if path != CLOCK]


def on_time(path: Path) -> bool:
    """Return whether a module does things at times; the others may write a date down."""
    place = path.relative_to(ROOT)
    return place.parts[0] == "hardware" or "present" in place.parts or path.stem in ACTING


def attributes(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            yield owner, node.attr


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_but_the_clock_module_reads_the_systems_time(path: Path) -> None:
    assert "time" not in imported(path)
    wall = [
        (owner, name)
        for owner, name in attributes(path)
        if owner in ("datetime", "date") and name in WALL
    ]
    assert wall == []


@pytest.mark.parametrize(
    "path", [path for path in modules() if on_time(path)], ids=lambda path: str(path.name)
)
def test_nothing_that_acts_on_time_asks_for_the_time_of_day(path: Path) -> None:
    assert "wall" not in {name for _, name in attributes(path)}


def test_the_clocks_own_seconds_are_monotonic() -> None:
    inside = set(attributes(CLOCK))
    assert ("time", "monotonic") in inside
    assert ("time", "time") not in inside
