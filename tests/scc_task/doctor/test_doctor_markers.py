"""The doctor sends each marker once, to a real port, and says what went out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from protocol_files import RIGS, ROOT
from stuck_port import stuck_port

from hardware.clock import RealClock
from hardware.errors import HardwareUnavailable
from scc_task import markers_open
from scc_task.doctor.markers import try_markers
from scc_task.doctor.results import Result, Verdict
from scc_task.emulated import EmulatorProcess
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_markers import DEFAULT_CODES


def rig_file(folder: Path, more: str) -> Path:
    path = folder / "rig.yaml"
    path.write_text((RIGS / "simulated.yaml").read_text("utf-8") + f"\n{more}\n", "utf-8")
    return path


def rig_with(folder: Path, more: str) -> Rig:
    return load_rig(rig_file(folder, more)).model


def results(rig: Rig) -> tuple[list[Result], list[str]]:
    said: list[str] = []
    return list(try_markers(rig, RealClock(), said.append, between_s=0.001)), said


def test_every_code_is_sent_once_with_its_name_and_comes(tmp_path: Path) -> None:
    log = tmp_path / "codes.jsonl"
    recorder = EmulatorProcess("recorder", "--log", str(log))
    try:
        more = f"markers:\n  - {{to: serial, port: {recorder.port}, pulse_ms: 1}}"
        (result,), said = results(rig_with(tmp_path, more))
    finally:
        recorder.close()
    assert result.verdict is Verdict.OK
    assert result.figures["sent"] == len(DEFAULT_CODES)
    seen = [json.loads(line)["code"] for line in log.read_text().splitlines()]
    assert seen == list(DEFAULT_CODES.values())
    assert said[0].endswith(": cue, code 1")


def test_a_port_that_takes_nothing_has_failed(tmp_path: Path) -> None:
    with stuck_port() as port:
        more = f"markers:\n  - {{to: serial, port: {port}, codes: {{cue: 1}}}}"
        (result,), _ = results(rig_with(tmp_path, more))
    assert result.verdict is Verdict.FAIL
    assert "0 of 1 went out" in result.seen


def test_a_port_that_is_not_there_has_failed_and_the_next_is_tried(tmp_path: Path) -> None:
    register = tmp_path / "register"
    register.write_bytes(b"\0")
    more = "markers:\n  - {to: serial, port: /dev/ttyS97}"
    more += f"\n  - {{to: parallel, port: 'file:{register}', pulse_ms: 1}}"
    (missing, there), _ = results(rig_with(tmp_path, more))
    assert missing.verdict is Verdict.FAIL
    assert "/dev/ttyS97" in missing.seen
    assert there.verdict is Verdict.OK


def test_a_rig_without_markers_is_no_failure(tmp_path: Path) -> None:
    (result,), _ = results(rig_with(tmp_path, ""))
    assert result.verdict is Verdict.SKIPPED


def test_without_lsl_there_is_a_warning_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise HardwareUnavailable("no LSL here", where="pylsl", do="install it")

    monkeypatch.setattr(markers_open, "LslStreams", missing)
    (result,), _ = results(rig_with(tmp_path, "lsl: true"))
    assert (result.verdict, result.seen) == (Verdict.WARN, "no LSL here")


def test_the_command_touches_the_recorder_alone(tmp_path: Path) -> None:
    more = "markers:\n  - {to: serial, port: emulated, codes: {vent: 4}}"
    found = subprocess.run(
        [
            *(sys.executable, ROOT / "run_task.py", "doctor", "--markers", "--json"),
            *("--rig", rig_file(tmp_path, more)),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert found.returncode == 0, found.stderr
    (result,) = json.loads(found.stdout)["markers"]
    assert result["verdict"] == "ok"
    assert "emulated: vent, code 4" in found.stderr
    assert "mmHg" not in found.stderr
    assert not list(tmp_path.glob("*.doctor.jsonl"))
