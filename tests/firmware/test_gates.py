"""Where the firmware cannot be made: a laptop skips its tests, CI fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gates import cannot_be_made

ROOT = Path(__file__).parents[2]
ONE_TEST = "tests/firmware/test_promises.py::test_the_release_has_no_test_command"


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_in_ci_what_cannot_be_made_fails(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.fail.Exception, match="no compiler"):
        cannot_be_made("no compiler")


@pytest.mark.parametrize("ci", [None, ""])
def test_elsewhere_what_cannot_be_made_is_skipped(
    monkeypatch: pytest.MonkeyPatch, ci: str | None
) -> None:
    if ci is None:
        monkeypatch.delenv("CI", raising=False)
    else:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match="no compiler"):
        cannot_be_made("no compiler")


def test_a_test_of_the_binary_without_a_compiler_fails_in_ci(tmp_path: Path) -> None:
    """The whole way: pytest itself, with no program in the path."""
    environment = {**os.environ, "PATH": str(tmp_path), "CI": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", ONE_TEST]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the firmware cannot be built here, avr-gcc" in done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a script of bash")
def test_the_gates_say_that_they_are_ci(tmp_path: Path) -> None:
    """`.ci/run` itself, with a `make` that only says what it was told."""
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "make $1 in CI=$CI: 1 passed"\n', encoding="utf-8")
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment.pop("CI", None)
    done = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "make test in CI=true" in done.stdout
