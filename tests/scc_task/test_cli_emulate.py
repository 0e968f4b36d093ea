"""The command ``emulate``: every emulated cuff is served, with the same options, by its own name."""

import json
import re

import pytest
from typer.testing import CliRunner

from hardware.errors import HardwareUnavailable
from hardware.registry import DRIVERS
from hardware.sim.devices import DEVICES
from scc_task.cli_emulate import app
from scc_task.emulated import EmulatorProcess
from scc_task.errors import UsageInvalid


def plain(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", output)


def test_every_driver_has_an_emulated_device_and_every_device_says_what_it_is() -> None:
    assert set(DEVICES) == set(DRIVERS)
    shown = plain(CliRunner().invoke(app, ["--help"]).output)
    for driver, make in DEVICES.items():
        assert make.__doc__
        assert re.search(rf"{driver} +Serve ", shown)


@pytest.mark.parametrize("driver", DEVICES)
def test_every_emulated_cuff_has_the_same_options(driver: str) -> None:
    shown = plain(CliRunner().invoke(app, [driver, "--help"]).output)
    assert all(f"--{name}" in shown for name in ("link", "tcp", "seed", "faults", "log"))


def test_a_server_on_tcp_is_one_without_being_asked_and_refuses_a_pty(tmp_path) -> None:
    process = EmulatorProcess("devicehost", "--log", str(tmp_path / "log.jsonl"))
    try:
        assert process.port.startswith("socket://127.0.0.1:")
    finally:
        process.close()
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert first["what"].startswith("switched on")
    refused = CliRunner().invoke(app, ["devicehost", "--link", str(tmp_path / "pty")])
    assert isinstance(refused.exception, UsageInvalid)


def test_a_file_that_is_no_link_of_ours_is_never_taken_away(tmp_path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("precious")
    refused = CliRunner().invoke(app, ["cpar", "--link", str(path)])
    assert isinstance(refused.exception, HardwareUnavailable)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_of_the_users_own_is_never_taken_away(tmp_path, there: bool) -> None:
    data, link = tmp_path / "data", tmp_path / "link"
    if there:
        data.mkdir()
    link.symlink_to(data)
    refused = CliRunner().invoke(app, ["cpar", "--link", str(link)])
    assert isinstance(refused.exception, HardwareUnavailable)
    assert "no link of an emulator" in str(refused.exception)
    assert link.readlink() == data


@pytest.mark.parametrize("left", ["/dev/pts/999999", "/dev/ttys999"])
def test_a_link_that_an_emulator_left_behind_is_taken_over_and_taken_away(tmp_path, left) -> None:
    link = tmp_path / "cuff"
    link.symlink_to(left)
    process = EmulatorProcess("cpar", "--link", str(link))
    try:
        assert process.port == str(link)
        assert link.exists()
    finally:
        process.close()
    assert not link.is_symlink()
