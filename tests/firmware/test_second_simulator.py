"""The tool that holds the binary against a second simulator, where that simulator is not installed."""

import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the simulated chip runs on Linux only")


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setitem(sys.modules, "yasimavr", None)
    board = importlib.import_module("second_board")
    with pytest.raises(SystemExit, match=r"pip install yasimavr==0\.1\.6"):
        board.yasimavr()


def test_every_row_of_its_short_list_is_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    tool = importlib.import_module("second_simulator")
    known = {promise.what: promise.limit_ms for promise in tool.trials.promises()}
    assert all(known[what] > 0 for what in tool.SHORT)
