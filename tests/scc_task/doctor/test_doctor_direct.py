"""The doctor's own hold of the cuff: the stop command reaches it as it reaches a run."""

import threading
from pathlib import Path

import pytest

from hardware.clock import RealClock
from hardware.registry import CuffAddress
from hardware.stop_line import FOLDER
from scc_task.cli_stop import stop
from scc_task.doctor.direct import DirectCuff
from scc_task.emulated import EmulatorProcess
from scc_task.errors import ExitCode


def test_the_stop_command_vents_what_the_doctor_holds_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    emulator = EmulatorProcess("reference")
    said: list[str] = []
    codes: list[ExitCode] = []
    caller = threading.Thread(target=lambda: codes.append(stop(said.append)))
    try:
        address = CuffAddress(driver="reference", port=emulator.port, baud=115200)
        with pytest.raises(KeyboardInterrupt), DirectCuff(address, RealClock()) as cuff:  # noqa: PT012
            cuff.identify()
            caller.start()
            cuff.listen(30.0, beat=True)
    finally:
        emulator.close()
        caller.join(30.0)
    assert codes == [ExitCode.DONE], said
    assert any("doctor, reference" in line and "empty" in line for line in said)


def test_a_stop_while_the_doctor_lets_go_does_not_break_off_the_venting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    emulator = EmulatorProcess("reference")
    try:
        address = CuffAddress(driver="reference", port=emulator.port, baud=115200)
        cuff = DirectCuff(address, RealClock())
        cuff.identify()
        cuff.listen(1.0)
        calls = iter([(True, [])])
        monkeypatch.setattr(cuff._stop_line, "hear", lambda: next(calls, (False, [])))
        cuff.close()
        assert cuff.empty
    finally:
        emulator.close()
