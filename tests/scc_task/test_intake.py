"""What comes in while a run goes on: a scanner that types beside a run that has no scanner."""

from types import SimpleNamespace

from hardware.clock import VirtualClock
from scc_task.documents import Document, Key
from scc_task.intake import Intake
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.ports import KeyEvent
from scc_task.present.headless import HeadlessScreen
from scc_task.responses import key_map


def test_pulses_that_are_typed_while_nobody_waits_for_a_scanner_are_on_record_and_no_more() -> None:
    clock, heard = VirtualClock(), list[Document]()
    presses = [KeyEvent(time_s=1000.0 + n, key="5", down=True) for n in range(3)]
    keys = SimpleNamespace(
        poll=lambda: [presses.pop(0)] if presses else [], next_due_s=lambda: None
    )
    intake = Intake(
        clock=clock,
        screen=HeadlessScreen(clock),
        cuff=None,
        pulses=None,
        keys=keys,
        key_map=key_map(left=("b",), right=("c",), confirm=("a",), stop=("d",), trigger="5"),
        scanner=ScannerPlan(tr_s=0.0, volumes=0, dummies=0, dummy_kind=DummyKind.SILENT),
        publish=heard.append,
        recording_failed=lambda: None,
    )
    for _ in range(3):
        intake.look_at_keys()
    assert [d.action for d in heard if isinstance(d, Key)] == ["pulse"] * 3
    assert len(heard) == 3
    assert intake.time_zero is None
