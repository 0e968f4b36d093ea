"""Every way a run can end early: vented first, one stop reason, the right exit code, data kept."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from outside import Fingers, Running, events_of, program, until

from scc_task.record.validate import validate_dataset

Start = Callable[..., Running]

BROKEN_SCREEN = """
import sys
from scc_task.cli import main
from scc_task.present.window import PsychoPyScreen

def broken(self, step):
    if step.kind == "inflate":
        return drawn(self, step)
    if step.kind == "fixation" and step.trial:
        raise RuntimeError("a broken screen")
    return drawn(self, step)

drawn, PsychoPyScreen.draw_step = PsychoPyScreen.draw_step, broken
sys.exit(main())
"""


def stopped(run: Running, *, validate: bool = False) -> tuple[int, str, str]:
    """Return exit code, stop reason and output; what was recorded is in the dataset."""
    code, output = run.end()
    (stop,) = run.kinds("stop")
    assert run.documents()[-1]["type"] == "stop"
    assert "Traceback" not in output
    rows = events_of(run.data)
    assert rows[0]["trial_type"] == "instruction"
    assert rows[-1]["trial_type"] == "pain"
    assert rows[-1]["commanded_mmhg"] == "120.0"
    if validate:
        assert validate_dataset(run.data) == []
    return code, stop["reason"], output


def test_escape_vents_and_stops(start: Start, short_protocol: Path, fingers: Fingers) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    fingers.press("escape")
    assert stopped(run, validate=True)[:2] == (5, "operator")
    assert run.vented()


def test_the_participants_key_vents_and_stops(
    start: Start, short_protocol: Path, fingers: Fingers
) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    fingers.press("s")
    assert stopped(run)[:2] == (5, "participant")
    assert run.vented()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_the_whole_group_vents_and_stops(
    start: Start, short_protocol: Path, name: str
) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    os.killpg(run.process.pid, getattr(signal, name))
    assert stopped(run)[:2] == (5, "interrupted")
    assert run.vented()


def test_a_closed_window_vents_and_stops(
    start: Start, short_protocol: Path, fingers: Fingers
) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    fingers.close_window()
    assert stopped(run)[:2] == (5, "window_closed")
    assert run.vented()


def test_a_display_that_dies_vents_and_the_program_ends(
    display_environment: dict[str, str], tmp_path: Path, short_protocol: Path
) -> None:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        display = f":{answer.readline().strip()}"
    run = Running({**display_environment, "DISPLAY": display}, tmp_path / "data", short_protocol)
    run.wait_for_pressure()
    server.kill()
    server.wait()
    code, _ = run.end()  # it may also be ended by its own X library: what counts is that it ends
    assert code != 0
    until(run.vented, what="vented")


def test_an_exception_in_a_screen_vents_and_is_kept(start: Start, short_protocol: Path) -> None:
    run = start(short_protocol, script=BROKEN_SCREEN)
    code, reason, _ = stopped(run)
    assert (code, reason) == (1, "program_error")
    assert run.vented()
    traceback = next(n for n in run.kinds("note") if n["code"] == "traceback")
    assert "a broken screen" in traceback["message"]


def test_a_pulled_cuff_stops_the_run_and_says_disconnect(
    start: Start, short_protocol: Path
) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
    emulators = [
        int(pid)
        for pid in children
        if b"emulate\0reference" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(emulators[0], signal.SIGKILL)
    code, reason, output = stopped(run)
    assert (code, reason) == (4, "cuff_link_lost")
    assert "DISCONNECT THE HOSE" in output


def test_a_killed_task_is_vented_and_recovered(start: Start, short_protocol: Path) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    run.process.kill()
    run.process.communicate()
    until(run.vented, what="vented")
    whole = run.documents()
    found = program("recover", run.data)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "killed" in found.stdout
    assert run.documents() == whole
    rows = events_of(run.data)
    assert [r["trial_type"] for r in rows] == ["instruction", "anticipation", "pain"]
    assert rows[-1]["fall_s"] != "n/a"  # the supervisor went on recording until the cuff was empty
    assert validate_dataset(run.data) == []


def test_a_supervisor_that_is_killed_stops_the_run(start: Start, short_protocol: Path) -> None:
    run = start(short_protocol)
    run.wait_for_pressure()
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
    supervisors = [
        int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(supervisors[0], signal.SIGKILL)
    code, reason, _ = stopped(run)
    assert (code, reason) == (4, "supervisor_lost")
    assert run.vented()
