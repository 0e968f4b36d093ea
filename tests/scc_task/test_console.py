"""The operator's line: what the scanner does is seen at once."""

import dataclasses
import io
import time

from protocol_files import PROTOCOLS
from rich.console import Console

from hardware.clock import VirtualClock
from hardware.limits import Limits
from scc_task.console import StatusLine
from scc_task.documents import Note
from scc_task.plan.compile import compile_plan, unresolved
from scc_task.plan.steps import DummyKind
from scc_task.protocol.check import check_protocol
from scc_task.pulse_watch import PulseWatch


def line_and_page(**scanner: object) -> tuple[StatusLine, io.StringIO, PulseWatch]:
    checked = check_protocol(PROTOCOLS / "sync_test.yaml")
    plan = compile_plan(
        checked.protocol.model, checked.texts.model, limits=Limits(), seed=0, resolve=unresolved
    )
    changed = dataclasses.replace(plan.scanner, **scanner)  # type: ignore[arg-type]
    page = io.StringIO()
    status = StatusLine(plan, VirtualClock(), Console(file=page, width=200))

    def note(code: str, words: str, time_s: float) -> None:
        status.observe(Note(time_s=time_s, code=code, message=words))

    watch = PulseWatch(changed, publish=status.observe, note=note, lost=lambda words: None)
    return status, page, watch


def test_missed_extra_and_bounced_pulses_are_counted_in_the_line() -> None:
    status, _, watch = line_and_page()
    for time_s in (10.0, 11.0, 11.02, 12.0, 14.0, 14.5):
        watch.look(time_s)
        watch.pulse(time_s)
    assert "missed 1 extra 1 bounced 1" in status.line().plain


def test_a_missed_pulse_is_in_the_line_before_the_next_one_comes() -> None:
    status, _, watch = line_and_page()
    watch.pulse(10.0)
    watch.look(11.6)
    assert "no pulse for volume 1" in status.line().plain


def test_the_line_counts_anew_from_a_new_start_of_the_scanner() -> None:
    status, _, watch = line_and_page(dummies=5, dummy_kind=DummyKind.DISCARDED)
    for time_s in (10.0, 10.02, 12.0, 12.5, 60.0):
        watch.pulse(time_s)
    line = status.line().plain
    assert "missed" not in line
    assert "counted as a new start" in line


def test_what_speaks_against_time_zero_is_said_whole() -> None:
    status, page, watch = line_and_page()
    watch.listen(9.8)
    watch.pulse(10.0)
    with status:
        deadline_s = time.monotonic() + 20.0
        while not page.getvalue() and time.monotonic() < deadline_s:
            time.sleep(0.02)
    assert "SCANNER: the first pulse came 0.20 s after" in page.getvalue()
