"""The journal's writer: order, syncs, exclusive creation, and disks that fail."""

import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from record_builders import make_documents, make_plan, make_start, record

from scc_task.documents import Note, Samples, Start
from scc_task.errors import RecordingLost, RunExists
from scc_task.record.journal import Journal, encode_line
from scc_task.record.lock import being_written
from scc_task.record.paths import rescue_of
from scc_task.record.read import best_copy, read_journal

DOCUMENTS = make_documents(make_plan(trials=1), stop_at_s=70.0)
START = make_start(make_plan(trials=1))
ROOT = Path(__file__).parents[3]


def note(number: int) -> Note:
    return Note(time_s=float(number), code="test", message=f"note {number} äöü \u2028")


def wait_until(true: Callable[[], bool], limit_s: float = 5.0) -> None:
    until_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until_s, "nothing happened"
        time.sleep(0.005)


class BrokenDisk:
    """A file that takes so many bytes and then fails; or, with an event, waits for it first."""

    def __init__(self, room: int, *, gate: threading.Event | None = None) -> None:
        self.room, self.gate, self.taken = room, gate, b""
        self._handle, name = tempfile.mkstemp()
        Path(name).unlink()

    def write(self, data: bytes) -> int:
        if self.gate is not None:
            self.gate.wait()
        if not self.room:
            raise OSError(28, "No space left on device")
        part = data[: self.room]
        self.room -= len(part)
        self.taken += part
        return len(part)

    def fileno(self) -> int:
        return self._handle

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture
def no_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send the system's temporary folder to a place of our own."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_everything_comes_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "run_journal.jsonl"
    record(path, DOCUMENTS)
    contents = read_journal(path)
    assert list(contents.documents) == DOCUMENTS
    assert (contents.torn_bytes, contents.corrupt_lines) == (0, ())


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run_journal.jsonl"
    record(path, DOCUMENTS)
    before = path.read_bytes()
    with pytest.raises(RunExists, match="has a journal already"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RecordingLost, match="cannot be created"):
        Journal(tmp_path / "file" / "run_journal.jsonl")


def test_numbers_that_are_none_become_null(tmp_path: Path) -> None:
    odd = Samples(
        counter=(1,),
        device_ms=(20,),
        arrival_s=(1.0,),
        state=("hold",),
        measured_mmhg=(float("nan"),),
        second_mmhg=(float("inf"),),
        commanded_mmhg=(1.5,),
    )
    line = encode_line(odd)
    assert b"NaN" not in line
    assert b"Infinity" not in line
    record(tmp_path / "j", [DOCUMENTS[0], odd])
    assert read_journal(tmp_path / "j").documents[1].measured_mmhg == (None,)  # type: ignore[union-attr]


def test_values_in_strange_clothes_are_kept(tmp_path: Path) -> None:
    odd = {
        "level": np.float32(1.5),
        "none": np.float64("nan"),
        "array": np.arange(2),
        "path": Path("a/b"),
        "set": {"b", "a"},
        ("a", "key"): MappingProxyType({"deep": float("inf")}),
        "bad name": "\udcff",
    }
    start = dataclasses.replace(START, device=odd)
    record(tmp_path / "j", [start])
    [back] = read_journal(tmp_path / "j").documents
    assert isinstance(back, Start)
    assert back.device == {
        "level": 1.5,
        "none": None,
        "array": [0, 1],
        "path": "a/b",
        "set": ["a", "b"],
        "('a', 'key')": {"deep": None},
        "bad name": "\udcff",
    }


def test_a_barrier_syncs_without_waiting(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for number in range(100):
            journal.append(note(number))
        journal.barrier()
        wait_until(lambda: journal.synced == 100)
        assert (tmp_path / "j").read_bytes().count(b"\n") == 100


def test_documents_are_synced_every_second_without_a_barrier(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(note(1))
        wait_until(lambda: (tmp_path / "j").stat().st_size > 0)
        wait_until(lambda: journal.synced == 1, limit_s=2.0)


def test_the_engine_never_waits_for_the_disk(tmp_path: Path) -> None:
    gate = threading.Event()
    disk = BrokenDisk(10**9, gate=gate)
    journal = Journal(tmp_path / "j", create=lambda path: disk)
    slowest_s = 0.0
    for number in range(2000):
        before_s = time.perf_counter()
        journal.append(note(number))
        journal.barrier()
        slowest_s = max(slowest_s, time.perf_counter() - before_s)
    assert slowest_s < 0.1
    assert journal.synced == 0
    gate.set()
    journal.close()
    assert disk.taken.count(b"\n") == journal.synced == 2000


def test_a_full_disk_is_reported_and_every_document_rescued(tmp_path: Path) -> None:
    path = tmp_path / "sub-01_journal.jsonl"
    disk = BrokenDisk(len(encode_line(DOCUMENTS[0])) + 50)
    journal = Journal(path, create=lambda _: disk)
    for document in DOCUMENTS[:5]:
        journal.append(document)
    wait_until(lambda: journal.failed() is not None)
    for document in DOCUMENTS[5:]:
        journal.append(document)  # the run is ending; what it still says must not be lost
    with pytest.raises(RecordingLost, match="No space left") as caught:
        journal.close()
    assert str(rescue_of(path)) in str(caught.value)
    assert list(read_journal(rescue_of(path)).documents) == DOCUMENTS
    path.write_bytes(disk.taken)
    assert list(best_copy(path).documents) == DOCUMENTS
    journal.close()  # safe to call twice


def test_a_full_device(tmp_path: Path) -> None:
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  the journal closes it
    journal = Journal(tmp_path / "j.jsonl", create=lambda _: full)
    journal.append(DOCUMENTS[0])
    with pytest.raises(RecordingLost, match="No space left on device"):
        journal.close()
    assert len(read_journal(tmp_path / "j.rescue.jsonl").documents) == 1


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        for document in DOCUMENTS:
            journal.append(document)
        wait_until(lambda: journal.failed() is not None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(RecordingLost, match="File too large"):
        journal.close()
    assert path.stat().st_size == 20_000
    assert read_journal(path).torn_bytes > 0
    assert list(best_copy(path).documents) == DOCUMENTS


def test_a_rescue_goes_to_the_temporary_folder_if_it_must(tmp_path: Path, no_temp: Path) -> None:
    path = tmp_path / "gone" / "j_journal.jsonl"
    journal = Journal(path, create=lambda _: BrokenDisk(0))
    path.parent.rmdir()  # as if the disk had been pulled out
    journal.append(DOCUMENTS[0])
    with pytest.raises(RecordingLost, match="copy that file to") as caught:
        journal.close()
    [saved] = no_temp.iterdir()
    assert str(saved) in caught.value.what
    assert list(read_journal(saved).documents) == DOCUMENTS[:1]


def test_when_nothing_takes_the_rescue_the_message_says_so(tmp_path: Path, no_temp: Path) -> None:
    path = tmp_path / "gone" / "j_journal.jsonl"
    journal = Journal(path, create=lambda _: BrokenDisk(0))
    path.parent.rmdir()
    no_temp.rmdir()
    journal.append(DOCUMENTS[0])
    with pytest.raises(RecordingLost, match="0 of 1 documents are on disk"):
        journal.close()


def test_a_disk_that_hangs_does_not_hang_the_program(tmp_path: Path, no_temp: Path) -> None:
    gate = threading.Event()
    journal = Journal(tmp_path / "j", create=lambda _: BrokenDisk(10**6, gate=gate))
    journal.append(DOCUMENTS[0])
    with pytest.raises(RecordingLost, match="did not answer within"):
        journal.close(timeout_s=0.2)
    gate.set()
    [saved] = no_temp.iterdir()
    assert list(read_journal(saved).documents) == DOCUMENTS[:1]


def test_a_document_after_the_end_is_an_error(tmp_path: Path) -> None:
    journal = record(tmp_path / "j", [])
    with pytest.raises(RecordingLost, match="after the journal was closed"):
        journal.append(note(1))


def test_a_journal_is_locked_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "j"
    assert not being_written(path)
    with Journal(path) as journal:
        journal.append(note(1))
        assert being_written(path)
        assert being_written(path)
    assert not being_written(path)


CHILD = """
import os, signal, sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from record_builders import make_documents, make_plan
from scc_task.record.journal import Journal
journal = Journal(Path(sys.argv[1]))
documents = make_documents(make_plan(trials=1))
for document in documents[:30]:
    journal.append(document)
journal.barrier()
while journal.synced < 20:
    time.sleep(0.001)
for document in documents[30:]:
    journal.append(document)
synced = journal.synced
sys.stdout.write(str(synced)); sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_synced_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "j"
    script = CHILD.format(paths=[str(ROOT), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    found = read_journal(path).documents
    assert len(found) >= int(done.stdout) >= 20
    assert list(found) == make_documents(make_plan(trials=1))[: len(found)]
    assert not being_written(path)
