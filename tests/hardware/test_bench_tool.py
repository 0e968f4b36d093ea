"""What an engineer types at a controller on the bench, through the tool, at an emulated one."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from scc_task.emulated import EmulatorProcess

TOOL = Path(__file__).parents[2] / "tools" / "cuff1_bench.py"
PATIENCE_S = 30.0
STRICT = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
"""As a terminal that takes UTF-8 and nothing else."""
NO_UTF8 = b"h\xe4llo".decode("utf-8", "surrogateescape")


class Typist:
    """Types at the tool, and reads on until something is said."""

    def __init__(self, port: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(TOOL), port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",  # what we type may be no UTF-8
            env=STRICT,
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


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cuff1_bench", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


@pytest.mark.parametrize("typed", [b"\xff\n", b"", b"y\xe9s\n"])
def test_whatever_is_typed_at_the_question_but_yes_opens_no_port(typed: bytes) -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "/nowhere"], input=typed, capture_output=True, env=STRICT
    )
    assert done.returncode == 1
    assert b"Nothing was opened" in done.stdout
    assert not done.stderr


def test_an_interrupt_at_the_question_opens_no_port(typist: Typist) -> None:
    typist.until("Type yes")
    typist.process.send_signal(signal.SIGINT)
    assert typist.until("Nothing was opened")
    assert typist.process.wait(PATIENCE_S) == 1
    assert typist.process.stdout is not None
    assert typist.process.stdout.read() == ""  # no traceback


def test_a_letter_that_is_no_utf8_does_not_make_it_deaf(
    typist: Typist, emulator: tuple[EmulatorProcess, Path]
) -> None:
    inflated(typist)
    typist.type(NO_UTF8)
    typist.until("refused: .*, hold")
    typist.type("!")
    assert vented(emulator[1])
    typist.type("quit")
    assert typist.process.wait(PATIENCE_S) == 0


def test_a_tool_that_hears_nobody_any_more_ends_and_vents(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wire:
        sent = b""

        def write(self, data: bytes) -> None:
            self.sent += data

        def read(self, *, wait_s: float) -> bytes:
            time.sleep(wait_s)
            return b""

    def gone() -> Iterator[str]:
        yield "heart on"
        raise OSError("the terminal is gone")

    wire = Wire()
    monkeypatch.setattr(sys, "stdin", gone())
    tool().type_at(wire)
    assert wire.sent.endswith(table.VENT_BYTE)


@pytest.mark.parametrize(
    "reply",
    [cuff1.Nak(1, 10, 0), cuff1.DeviceEvent(5, 1, 99), cuff1.DeviceEvent(5, 3, 99)],
    ids=str,
)
def test_a_number_of_a_newer_firmware_is_shown_as_it_is(reply: cuff1.Reply) -> None:
    number = reply.reason if isinstance(reply, cuff1.Nak) else reply.value
    assert f"number {number}, which this program does not know" in tool().shown(reply)


def test_an_event_of_a_newer_firmware_is_shown_as_it_is() -> None:
    assert "event=99" in tool().shown(cuff1.DeviceEvent(5, 99, 1))


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


@pytest.mark.parametrize("how", ["end of input", "interrupt", "closed terminal"])
def test_however_it_ends_it_vents(
    how: str, typist: Typist, emulator: tuple[EmulatorProcess, Path]
) -> None:
    inflated(typist)
    assert "valve closed" in valve(emulator[1])
    if how != "end of input":
        typist.process.send_signal(signal.SIGINT if how == "interrupt" else signal.SIGHUP)
    else:
        assert typist.process.stdin is not None
        typist.process.stdin.close()
        typist.process.stdin = None
    assert typist.process.wait(PATIENCE_S) == 0
    assert vented(emulator[1])
