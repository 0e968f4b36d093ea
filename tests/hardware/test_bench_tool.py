"""What an engineer types at a controller on the bench, through the tool, at an emulated one."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scc_task.emulated import EmulatorProcess

TOOL = Path(__file__).parents[2] / "tools" / "cuff1_bench.py"
PATIENCE_S = 30.0


class Typist:
    """Types at the tool, and reads on until something is said."""

    def __init__(self, port: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(TOOL), port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, pattern: str) -> str:
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError(f"'{pattern}' was not said in {said}")


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[tuple[EmulatorProcess, Path]]:
    log = tmp_path / "log.jsonl"
    process = EmulatorProcess("reference", "--log", str(log))
    yield process, log
    process.close()


@pytest.fixture
def typist(emulator: tuple[EmulatorProcess, Path]) -> Iterator[Typist]:
    typist = Typist(emulator[0].port)
    yield typist
    typist.process.kill()
    typist.process.communicate()


def inflated(typist: Typist) -> None:
    typist.type("yes")
    typist.until("idle, none")
    for line, answer in (
        ("TEST", "selftest passed"),
        ("", "idle, none"),
        ("ARM 2500", "taken: 2500"),
    ):
        typist.type(line)
        typist.until(answer)
    typist.type("GO 600 60000 0")
    typist.until("hold, none")


def valve(log: Path) -> str:
    return [line for line in log.read_text().splitlines() if "valve" in line][-1]


def vented(log: Path) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while "valve open" not in valve(log) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return "valve open" in valve(log)


def test_without_a_yes_no_port_is_opened() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "/nowhere"], input="no\n", capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Nothing was opened" in done.stdout


def test_it_says_who_is_there_and_what_is_refused(typist: Typist) -> None:
    typist.type("yes")
    typist.type("ID")
    assert "CUFF/1" in typist.until("DeviceIdentity")
    typist.type("ARM 2500")
    typist.until("refused: untested, idle")
    typist.type("SITE 2000")
    typist.until("refused: no_jumper, idle")


def test_a_heart_that_stops_is_found_by_the_device(
    typist: Typist, emulator: tuple[EmulatorProcess, Path]
) -> None:
    inflated(typist)
    typist.type("heart off")
    typist.until("fault, host_lost")
    assert vented(emulator[1])


@pytest.mark.parametrize("how", ["end of input", "interrupt"])
def test_however_it_ends_it_vents(
    how: str, typist: Typist, emulator: tuple[EmulatorProcess, Path]
) -> None:
    inflated(typist)
    assert "valve closed" in valve(emulator[1])
    if how == "interrupt":
        typist.process.send_signal(signal.SIGINT)
    else:
        assert typist.process.stdin is not None
        typist.process.stdin.close()
        typist.process.stdin = None
    assert typist.process.wait(PATIENCE_S) == 0
    assert vented(emulator[1])
