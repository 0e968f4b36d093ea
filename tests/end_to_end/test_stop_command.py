"""``stop`` from another terminal ends a run in a real window, with the operator as its reason."""

from pathlib import Path

import pytest
from outside import Running, program

from hardware.stop_line import FOLDER


def test_a_stop_from_another_terminal_vents_and_ends_the_run(
    display_environment: dict[str, str],
    tmp_path: Path,
    short_protocol: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "stop"))
    environment = {**display_environment, FOLDER: str(tmp_path / "stop")}
    run = Running(environment, tmp_path / "data", short_protocol)
    run.wait_for_pressure()
    found = program("stop")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "empty" in found.stdout
    code, output = run.end()
    (stop,) = run.kinds("stop")
    assert (code, stop["reason"], stop["vent_confirmed"]) == (5, "operator", True), output
    assert run.vented()
