"""The operator's way to the supervisor past the task: found, exact, bounded, gone with its process."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware import stop_line
from hardware.stop_line import ASK, AT_ONCE, EMPTY, FOLDER, STOP, VENTING, StopLine, running

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from hardware.stop_line import StopLine
line = StopLine("reference on COM4")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "stop"))
    return tmp_path / "stop"


@pytest.fixture
def line(folder: Path) -> Iterator[StopLine]:
    found = StopLine("reference on COM4")
    assert found.problem is None
    yield found
    found.close()


@pytest.fixture
def caller() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.settimeout(10)
        yield found


def port_of(line: StopLine) -> int:
    (announced,) = running()
    return announced.port


def test_a_supervisor_is_found_by_what_it_announced(line: StopLine) -> None:
    (found,) = running()
    assert (found.pid, found.cuff) == (os.getpid(), "reference on COM4")


def test_a_closed_line_is_not_found_and_leaves_no_file(line: StopLine, folder: Path) -> None:
    line.close()
    assert list(running()) == []
    assert list(folder.iterdir()) == []


def test_the_exact_word_stops(line: StopLine, caller: socket.socket) -> None:
    caller.sendto(STOP, ("127.0.0.1", port_of(line)))
    stop, callers = line.hear()
    assert stop
    line.answer(callers, VENTING, 131.5)
    assert stop_line.read_answer(caller.recv(64)) == (VENTING, 131.5)


def test_asking_is_answered_and_stops_nothing(line: StopLine, caller: socket.socket) -> None:
    caller.sendto(ASK, ("127.0.0.1", port_of(line)))
    stop, callers = line.hear()
    assert not stop
    line.answer(callers, EMPTY, None)
    assert stop_line.read_answer(caller.recv(64)) == (EMPTY, None)


@pytest.mark.parametrize(
    "noise", [b"", b"!", STOP[:-1], STOP + b"\n", STOP.upper(), b"\x00" * 3000, b"GET / HTTP/1.1"]
)
def test_anything_else_stops_nothing_and_gets_no_answer(
    line: StopLine, caller: socket.socket, noise: bytes
) -> None:
    caller.sendto(noise, ("127.0.0.1", port_of(line)))
    assert line.hear() == (False, [])


def test_nobody_calling_is_no_wait(line: StopLine) -> None:
    assert line.hear() == (False, [])


def test_a_flood_is_taken_in_bounded_pieces(line: StopLine, caller: socket.socket) -> None:
    for _ in range(AT_ONCE + 20):
        caller.sendto(STOP, ("127.0.0.1", port_of(line)))
    assert len(line.hear()[1]) == AT_ONCE
    assert len(line.hear()[1]) == 20


def test_what_a_dead_process_left_is_tidied_up(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    assert [found.pid for found in running()] == [holder.pid]
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert (folder / f"{holder.pid}.json").exists()
    assert list(running()) == []
    assert list(folder.iterdir()) == []


def test_a_dead_ones_number_in_use_again_does_not_make_it_alive(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    told = {"pid": os.getpid(), "port": 9, "cuff": "old"}
    (folder / f"{os.getpid()}.json").write_text(json.dumps(told))
    assert list(running()) == []


def test_a_new_supervisor_tidies_up_what_dead_ones_left(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "1.json").write_text("{}")
    line = StopLine("reference on COM4")
    assert [path.name for path in folder.iterdir()] == [f"{os.getpid()}.json"]
    line.close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "port": 0, "cuff": ""}'])
def test_a_file_that_announces_nothing_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    assert stop_line.read_announcement(tmp_path / "1.json") is None


def test_a_folder_that_cannot_be_made_is_a_problem_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file" / "stop"))
    line = StopLine("reference on COM4")
    assert line.problem is not None
    assert line.hear() == (False, [])
    line.close()


def test_a_slow_disk_holds_the_start_up_by_a_bounded_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StopLine, "ANNOUNCE_S", 0.05)
    monkeypatch.setattr(stop_line, "folder", lambda: time.sleep(1.0) or folder)
    line = StopLine("reference on COM4")
    assert not folder.exists()
    line.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has a temporary folder for each user")
def test_a_folder_behind_a_link_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stop").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv(FOLDER, str(tmp_path / "stop"))
    line = StopLine("reference on COM4")
    assert line.problem is not None
    assert list((tmp_path / "elsewhere").iterdir()) == []
    line.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX only")
def test_the_folder_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    before = stop_line.folder()
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert stop_line.folder() == before
