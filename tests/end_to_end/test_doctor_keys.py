"""The doctor listens to a box that types: a real display, its keyboard, and key presses of 10 ms."""

import subprocess
import sys
from pathlib import Path

from outside import GENEROUS_S, ROOT

PROGRAM = str(ROOT / "run_task.py")


def test_a_box_that_types_is_heard_and_one_that_types_something_else_is_named(
    display_environment: dict[str, str], tmp_path: Path
) -> None:
    rig = tmp_path / "keyboard.yaml"
    rig.write_bytes((ROOT / "rigs" / "keyboard.yaml").read_bytes())
    for key, code, expected in (("5", 0, "HEALTHY"), ("6", 4, "WRONG KEY: ")):
        options = ("--trigger", "keyboard", "--key", key, "--tr", "0.4", "--delay", "0.2")
        box = subprocess.Popen(
            [sys.executable, PROGRAM, "emulate", "scanner", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=display_environment,
        )
        doctor = subprocess.Popen(
            [
                *(sys.executable, PROGRAM, "doctor", "--rig", str(rig), "--scanner"),
                *("--tr", "0.4", "--pulses", "6", "--listen", str(GENEROUS_S)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**display_environment, "PYTHONUNBUFFERED": "1"},
        )
        assert box.stdin
        assert box.stdout
        assert doctor.stdout
        try:
            assert box.stdout.readline() == f"ready key {key}\n"
            shown = ""
            while "START THE SEQUENCE" not in shown:
                line = doctor.stdout.readline()
                assert line, shown
                shown += line
            box.stdin.write("start\n")
            box.stdin.flush()
            shown += doctor.communicate(timeout=2 * GENEROUS_S)[0]
        finally:
            for process in (box, doctor):
                process.kill()
                process.communicate()
        assert expected in shown
        assert doctor.returncode == code
