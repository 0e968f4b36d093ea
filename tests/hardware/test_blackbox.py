"""The supervisor's own record: whole lines, the task's document names, no trouble from a disk."""

import errno
import math
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hardware import blackbox
from hardware.blackbox import BlackBox, record_of
from hardware.readings import (
    CommandReport,
    FaultReport,
    Identity,
    LinkNote,
    Refusal,
    Sample,
    VentReport,
)
from hardware.states import CuffState, StopReason
from scc_task.documents import Command, Note, Samples, Vented, from_json
from scc_task.record.read import read_lines

SAMPLE = Sample(
    counter=7,
    device_ms=140,
    arrival_s=12.5,
    state=CuffState.HOLD,
    measured_mmhg=131.5,
    second_mmhg=131.25,
    commanded_mmhg=131.0,
)
COMMAND = CommandReport(
    command="go",
    program=4,
    planned_s=1.0,
    sent_s=1.001,
    acknowledged_s=1.004,
    commanded_mmhg=131.0,
    acknowledged_mmhg=131.0,
)
VENT = VentReport(started_s=1.0, time_s=2.0, confirmed=True, residual_mmhg=12.0)
FAULT = FaultReport(
    reason=StopReason.CUFF_FAULT, code="overshoot", time_s=3.0, message="too much", do="look"
)
NOTE = LinkNote(time_s=1.0, code="still_trying", message="the cuff cannot be reached")
REFUSAL = Refusal(command="arm", program=None, time_s=1.0, message="a fault is latched")
IDENTITY = Identity(
    manufacturer="m",
    model="m",
    serial_number="1",
    firmware="1",
    protocol="p",
    ceiling_mmhg=300.0,
    lease_ms=400,
    simulated=True,
)


def test_every_record_is_a_document_of_the_task() -> None:
    reports = (SAMPLE, COMMAND, VENT, FAULT, NOTE, REFUSAL)
    found = [from_json(record_of(report)) for report in reports]
    assert [type(document) for document in found] == [Samples, Command, Vented, Note, Note, Note]
    assert isinstance(found[0], Samples)
    assert found[0].measured_mmhg == (131.5,)


def test_what_is_not_kept_here_is_not_a_record() -> None:
    assert record_of(IDENTITY) is None


def test_the_record_reads_back_whole(tmp_path: Path) -> None:
    box = BlackBox(tmp_path / "folder" / "supervisor.jsonl")
    for report in (SAMPLE, COMMAND, VENT, FAULT):
        box.take(report)
    box.finish(5.0)
    contents = read_lines(tmp_path / "folder" / "supervisor.jsonl")
    assert len(contents.documents) == 4
    assert contents.corrupt_lines == ()


def test_a_supervisor_that_saw_nothing_leaves_no_file(tmp_path: Path) -> None:
    box = BlackBox(tmp_path / "folder" / "supervisor.jsonl")
    box.finish(5.0)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_the_record_and_nothing_else() -> None:
    box = BlackBox(Path("/dev/full"))
    for _ in range(100):
        box.take(SAMPLE)
    box.finish(5.0)
    box.take(SAMPLE)


def test_a_disk_that_is_full_for_a_while_gets_everything_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, room = tmp_path / "supervisor.jsonl", os.write, [100, 0, 0]

    def on_a_full_disk(handle: int, data: bytes) -> int:
        free = room.pop(0) if room else len(data)
        if free == 0:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(handle, data[:free])

    monkeypatch.setattr(blackbox, "AGAIN_S", 0.01)
    monkeypatch.setattr(blackbox.os, "write", on_a_full_disk)
    box = BlackBox(path)
    for counter in range(50):
        box.take(replace(SAMPLE, counter=counter))
    deadline = time.monotonic() + 20.0
    while room and time.monotonic() < deadline:
        time.sleep(0.01)
    box.finish(5.0)
    contents = read_lines(path)
    counters = [d.counter[0] for d in contents.documents if isinstance(d, Samples)]
    assert counters == list(range(50))


def test_a_disk_that_never_takes_anything_lets_the_process_end() -> None:
    box = BlackBox(Path("/dev/full"))
    box.take(SAMPLE)
    box.finish(10.0)
    assert not box._thread.is_alive()


def test_a_number_that_is_none_costs_no_other_record(tmp_path: Path) -> None:
    box = BlackBox(tmp_path / "supervisor.jsonl")
    box.take(replace(SAMPLE, measured_mmhg=math.nan))
    box.take(SAMPLE)
    box.finish(5.0)
    documents = read_lines(tmp_path / "supervisor.jsonl").documents
    assert [type(document) for document in documents] == [Note, Samples]
