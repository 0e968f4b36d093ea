"""STOP past the task, and wires that come back: real processes, seen from the emulated device's log."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.interlock_table import HIGH_MMHG
from hardware.stop_line import FOLDER, read_announcement
from scc_task.documents import Note, Samples, Vented
from scc_task.emulated import EmulatorProcess
from scc_task.record.read import read_lines

ROOT = Path(__file__).parents[2]
GENEROUS_S = 40.0
MOST_PATIENCE_S = "2.0"


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + GENEROUS_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)
    return value


class Room:
    """An emulated cuff behind a name that survives it, and a task that holds a pressure in it."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.folder, self.driver, self.port = folder, driver, folder / "cuff"
        self.log = folder / "device.jsonl"
        self.environment = {**os.environ, FOLDER: str(folder / "stop")}
        self.devices: list[EmulatorProcess] = []
        self.task: subprocess.Popen[str] | None = None
        self.supervisor = 0
        self.plug_in()

    def plug_in(self) -> None:
        self.devices.append(
            EmulatorProcess(self.driver, "--log", str(self.log), "--link", str(self.port))
        )

    def unplug(self) -> None:
        os.kill(self.devices[-1].pid, signal.SIGKILL)
        self.port.unlink()

    def unplug_under_pressure(self) -> None:
        until(lambda: self.highest_mmhg() >= HIGH_MMHG, "pressure")
        self.unplug()

    def hold(self, *, patience_s: str = MOST_PATIENCE_S) -> None:
        self.task = subprocess.Popen(
            [
                *(sys.executable, str(Path(__file__).with_name("host.py"))),
                *(str(self.port), self.driver, patience_s),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        self.supervisor = int(self.told().split()[1])
        assert self.told() == "holding"
        until(lambda: self.seen("valve closed"), "valve closed")

    def told(self) -> str:
        assert self.task is not None
        assert self.task.stdout is not None
        return self.task.stdout.readline().strip()

    def tells(self, what: str) -> None:
        until(lambda: self.told() == what, what)

    def stop(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "run_task.py"), *(words or ("stop",))],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def seen(self, what: str) -> bool:
        return any(event["what"] == what for event in self.events())

    def recorded(self) -> list[str]:
        """Return the codes of the notes in the supervisor's own record."""
        documents = read_lines(Path(f"{self.port}-record.jsonl")).documents
        return [d.code for d in documents if isinstance(d, Note)]

    def vents(self) -> list[bool | None]:
        """Return whether each vent of the supervisor's own record was confirmed."""
        documents = read_lines(Path(f"{self.port}-record.jsonl")).documents
        return [d.confirmed for d in documents if isinstance(d, Vented)]

    def highest_mmhg(self) -> float:
        """Return the highest pressure in the supervisor's own record."""
        documents = read_lines(Path(f"{self.port}-record.jsonl")).documents
        return max((max(d.measured_mmhg) for d in documents if isinstance(d, Samples)), default=0.0)

    def supervisor_lives(self) -> bool:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.supervisor}/stat").read_text().split()[2] != "Z"
        return False

    def close(self) -> None:
        if self.task is not None:
            self.task.send_signal(signal.SIGCONT)
            self.task.kill()
            self.task.wait()
            assert self.task.stdout is not None
            self.task.stdout.close()
        if self.supervisor_lives():
            os.kill(self.supervisor, signal.SIGKILL)
        for device in self.devices:
            device.close()


@pytest.fixture(params=["reference"])
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    found = Room(tmp_path, request.param)
    yield found
    found.close()


every_driver = pytest.mark.parametrize("room", ["reference", "cpar", "alicat"], indirect=True)


def test_stop_without_a_cuff_says_so(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(ROOT / "run_task.py"), "stop"],
        env={**os.environ, FOLDER: str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 2
    assert "nothing to stop" in found.stdout
    assert "DISCONNECT THE HOSE" in found.stdout


@pytest.mark.parametrize("words", [("stop", "--rig", "rigs/room.yaml"), ("Stop",), ("--stop",)])
def test_whatever_else_is_typed_a_stop_stops_first(room: Room, words: tuple[str, ...]) -> None:
    room.hold()
    found = room.stop(*words)
    assert found.returncode == 0, found.stdout
    assert room.seen("valve open")


@every_driver
def test_stop_vents_a_cuff_and_sees_it_empty(room: Room) -> None:
    room.hold()
    found = room.stop()
    assert found.returncode == 0, found.stdout
    assert "venting" in found.stdout
    assert "empty" in found.stdout
    assert room.seen("valve open")
    room.tells("fault operator_stop")


def test_a_stopped_task_does_not_hold_up_a_stop(room: Room) -> None:
    room.hold()
    assert room.task is not None
    room.task.send_signal(signal.SIGSTOP)
    found = room.stop()
    assert found.returncode == 0, found.stdout
    assert "operator_stop" in room.recorded()
    assert "task_silent" not in room.recorded()  # the first fault is the reason
    room.task.send_signal(signal.SIGCONT)
    room.tells("fault operator_stop")


def test_a_full_report_pipe_does_not_hold_up_a_stop(room: Room) -> None:
    """With a patience that lasts; the task stands still until nothing fits into the pipe."""
    room.hold()
    assert room.task is not None
    room.task.send_signal(signal.SIGSTOP)
    until(lambda: room.seen("valve open"), "valve open")
    time.sleep(12.0)  # 50 samples a second fill the 64 KiB of a pipe in less
    found = room.stop()
    assert found.returncode == 0, found.stdout
    room.task.send_signal(signal.SIGCONT)
    room.tells("fault task_silent")


def test_noise_at_the_socket_vents_nothing(room: Room) -> None:
    room.hold()
    (path,) = Path(room.environment[FOLDER]).glob("*.json")
    announced = read_announcement(path)
    assert announced is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for number in range(20_000):
            noise.sendto(
                b"stop"[: number % 5] + bytes([number % 256]), ("127.0.0.1", announced.port)
            )
    time.sleep(0.5)
    assert not room.seen("valve open")
    stopped = room.stop()
    assert stopped.returncode == 0, stopped.stdout


def test_a_supervisor_that_does_not_answer_is_said_loudly(room: Room) -> None:
    room.hold()
    os.kill(room.supervisor, signal.SIGSTOP)
    found = room.stop()
    assert found.returncode == 4
    assert "DOES NOT ANSWER" in found.stdout
    assert "DISCONNECT THE HOSE" in found.stdout


def test_a_cuff_that_cannot_be_reached_is_said_loudly(room: Room) -> None:
    room.hold()
    room.unplug()
    room.tells("fault link_lost")
    found = room.stop()
    assert found.returncode == 4
    assert "NOT SEEN TO EMPTY" in found.stdout


@every_driver
def test_a_cuff_that_is_plugged_in_again_is_vented_and_nobody_says_that_it_was_seen_to_fall(
    room: Room,
) -> None:
    """It reads nothing then, and so does the hose in front of a kink: the operator is sent to the cuff."""
    room.hold()
    room.unplug_under_pressure()
    room.tells("fault link_lost")
    room.plug_in()
    until(lambda: "link_back" in room.recorded(), "link back")
    until(lambda: "fast_fall" in room.recorded(), "the doubt")
    time.sleep(1.0)  # three low samples confirmed it
    assert True not in room.vents()
    moves = [e["what"] for e in room.events() if e["what"] == "valve closed"]
    assert moves == ["valve closed"]  # never inflated again


def test_a_dead_task_does_not_end_the_trying(room: Room) -> None:
    room.hold()
    room.unplug_under_pressure()
    room.tells("fault link_lost")
    assert room.task is not None
    room.task.kill()
    time.sleep(11.0)  # longer than a cuff may take to vent
    assert room.supervisor_lives()
    assert "still_trying" in room.recorded()
    room.plug_in()
    until(lambda: not room.supervisor_lives(), "the supervisor ends")
    assert "link_back" in room.recorded()
    assert room.vents() == [False]  # it fell while nobody looked


def test_the_end_of_a_run_leaves_a_trying_supervisor_behind_and_says_so(room: Room) -> None:
    room.hold()
    room.unplug_under_pressure()
    begun = time.monotonic()
    said = until(lambda: (line := room.told()).startswith("left") and line, "left behind")
    assert "goes on trying to vent it" in said
    room.tells("closed")
    assert room.task is not None
    assert room.task.wait(20) == 0
    assert time.monotonic() - begun < 30  # the patience of the supervisor is not the operator's
    assert room.supervisor_lives()
    room.plug_in()
    until(lambda: not room.supervisor_lives(), "the supervisor ends")
    assert "link_back" in room.recorded()
    assert room.vents() == [False]  # it fell while nobody looked
