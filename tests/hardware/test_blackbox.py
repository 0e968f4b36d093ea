"""The supervisor's own record: whole lines, the task's document names, no trouble from a disk."""

from pathlib import Path

from hardware.blackbox import BlackBox, record_of
from hardware.readings import CommandReport, FaultReport, LinkNote, Sample, VentReport
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


def test_every_record_is_a_document_of_the_task() -> None:
    found = [from_json(record_of(report)) for report in (SAMPLE, COMMAND, VENT, FAULT)]
    assert [type(document) for document in found] == [Samples, Command, Vented, Note]
    assert isinstance(found[0], Samples)
    assert found[0].measured_mmhg == (131.5,)


def test_what_is_not_kept_here_is_not_a_record() -> None:
    assert record_of(LinkNote(time_s=1.0, code="x", message="y")) is None


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
