"""Run a scenario with a real window, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).with_name("window_scenarios.py")
Play = Callable[..., Any]


@pytest.fixture(scope="session")
def play_in(display_environment: dict[str, str]) -> Play:
    """Return a function that plays a scenario in a folder and returns its answer."""

    def play_in(name: str, folder: Path, *arguments: str, **environment: str | None) -> Any:
        changed = {**display_environment, **environment}
        done = subprocess.run(
            [sys.executable, str(SCENARIOS), name, str(folder), *arguments],
            env={k: v for k, v in changed.items() if v is not None},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)  # fails if anybody else wrote to standard output

    return play_in


@pytest.fixture
def play(play_in: Play, tmp_path: Path) -> Play:
    """Return a function that plays a scenario in the test's own folder."""

    def play(name: str, *arguments: str, **environment: str | None) -> Any:
        return play_in(name, tmp_path, *arguments, **environment)

    return play
