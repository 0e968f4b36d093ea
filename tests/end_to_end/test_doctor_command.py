"""The command as an operator meets it: what is asked, what is printed, how Ctrl-C ends."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doctor_bench import ROOT

from scc_task.doctor.store import read_records, store_path
from scc_task.emulated import EmulatorProcess

DEADLINE_S = 40.0


def doctor(*arguments: object, answers: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run_task.py"), "doctor", *map(str, arguments)],
        input=answers,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    path = tmp_path / "simulated.yaml"
    path.write_bytes((ROOT / "rigs" / "simulated.yaml").read_bytes())
    return path


def test_a_script_gets_one_json_object_and_nobody_answering_inflates_nothing(
    simulated: Path,
) -> None:
    done = doctor("--rig", simulated, "--skip-button", "--json")
    record = json.loads(done.stdout)
    assert record["failed"] == []
    assert done.returncode == 0
    assert record["under_pressure"] is False
    assert "MUST NOT BE ON A PERSON" in done.stderr
    assert done.stderr.count("start a sequence") == 1
    assert (record["checked"], record["scanner"]) == ("cuff", None)
    assert read_records(store_path(simulated)) == [record]


def test_the_scanner_can_be_looked_at_alone_and_a_script_gets_one_json_object(
    simulated: Path,
) -> None:
    done = doctor("--rig", simulated, "--scanner", "--tr", "0.2", "--pulses", "6", "--json")
    record = json.loads(done.stdout)
    assert record["checked"] == "scanner"
    assert [result["name"] for result in record["results"]][:2] == [
        "trigger opens",
        "scanner pulses",
    ]
    assert record["device"] is None
    assert record["results"][1]["figures"]["pulses"] >= 6
    assert "pulse   1" in done.stderr
    assert "SCANNER" in done.stderr
    assert read_records(store_path(simulated)) == [record]


def test_the_whole_doctor_keeps_cuff_and_scanner_apart(simulated: Path) -> None:
    arguments = ("--skip-button", "--json", "--tr", "0.2", "--pulses", "6")
    done = doctor("--rig", simulated, *arguments, answers="no\nyes\n")
    record = json.loads(done.stdout)
    names = [result["name"] for result in record["scanner"]["results"]]
    assert "scanner pulses" in names
    assert not set(names) & {result["name"] for result in record["results"]}


def test_a_fault_that_is_found_is_exit_code_4_and_readable_in_80_columns(
    simulated: Path, tmp_path: Path
) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("version: 1\nfaults:\n  - {kind: lie, start_s: 0, amount: 30}\n", "utf-8")
    done = doctor("--rig", simulated, "--skip-button", "--faults", faults)
    assert done.returncode == 4
    assert "NOT READY: zero reading" in done.stdout
    checks = done.stdout[: done.stdout.index("kept in")]
    assert max(map(len, checks.splitlines())) <= 80


def test_a_fault_script_never_goes_with_a_real_cuff() -> None:
    faults = ROOT / "protocols" / "faults-example.yaml"
    done = doctor("--rig", ROOT / "rigs" / "reference.yaml", "--faults", faults)
    assert done.returncode == 2
    assert "real one" in done.stderr


def test_a_port_that_is_not_there_says_so_and_what_to_do(tmp_path: Path) -> None:
    rig = tmp_path / "room.yaml"
    text = (ROOT / "rigs" / "reference.yaml").read_text("utf-8")
    rig.write_text(text.replace("/dev/ttyUSB0", str(tmp_path / "no-port")), "utf-8")
    done = doctor("--rig", rig)
    assert done.returncode == 4
    assert "fail    port opens" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_under_pressure_vents_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    rig, log = tmp_path / "room.yaml", tmp_path / "log.jsonl"
    emulator = EmulatorProcess("alicat", "--log", str(log))
    text = (ROOT / "rigs" / "alicat.yaml").read_text("utf-8")
    text = text.replace("/dev/ttyUSB0", emulator.port)
    rig.write_text(text.replace("  # independent_vent", "  independent_vent"), "utf-8")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_task.py"), "doctor", "--rig", str(rig), "--skip-button"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write("yes\n")
        process.stdin.flush()
        assert seen_in(log, "valve closed")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # an impatient second one costs nothing
        shown, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
        emulator.close()
    assert process.returncode == 5
    assert "the cuff was vented and is empty" in shown
    assert "Traceback" not in shown
    assert not store_path(rig).exists()
    assert seen_in(log, "valve open")


def seen_in(log: Path, what: str) -> bool:
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        if f'"{what}"' in log.read_text("utf-8"):
            return True
        time.sleep(0.02)
    return False
