"""Which status lines are news: copies and late ones are left out, a restart is a fault."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.clock import VirtualClock
from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.drivers.reference import ReferenceCuff
from hardware.drivers.reference_reports import PERIOD_MS
from hardware.readings import CuffReport, FaultReport, LinkNote, Sample


class ScriptedWire:
    """A wire that says what it is told to, one chunk a read."""

    name = "scripted"

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        pass

    def read(self, *, wait_s: float) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def close(self) -> None:
        pass


def line(counter: int, *, from_ms: int = 60_000) -> bytes:
    at_rest = cuff1.Status(counter, from_ms + counter * PERIOD_MS, 0, 0, 1, 2, 0, 0, 9, 0, 0)
    return cuff1.encode_status(at_rest)


def block(first: int, last: int) -> bytes:
    return b"".join(map(line, range(first, last + 1)))


def heard(*chunks: bytes) -> list[CuffReport]:
    wire = ScriptedWire()
    wire.chunks = list(chunks)
    cuff = ReferenceCuff(wire, VirtualClock())
    return [report for _ in chunks for report in cuff.poll()]


def counters(reports: list[CuffReport]) -> list[int]:
    return [r.counter for r in reports if isinstance(r, Sample)]


def codes(reports: list[CuffReport]) -> list[str]:
    return [r.code for r in reports if isinstance(r, FaultReport | LinkNote)]


def test_a_block_that_comes_twice_is_no_restart_and_no_sample_twice() -> None:
    reports = heard(block(1, 5), block(1, 5), block(6, 8))
    assert counters(reports) == list(range(1, 9))
    assert set(codes(reports)) == {"sample_repeated"}


def test_a_block_that_was_lost_and_comes_late_is_left_out() -> None:
    reports = heard(block(1, 5), block(9, 12), block(6, 8), block(13, 14))
    assert counters(reports) == [1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14]
    assert codes(reports) == ["samples_lost", *["sample_repeated"] * 3]


@given(st.data())
def test_whatever_is_said_twice_each_sample_counts_once_and_nothing_restarts(
    data: st.DataObject,
) -> None:
    chunks: list[bytes] = []
    counter = 1
    for size in data.draw(st.lists(st.integers(1, 10), min_size=1, max_size=8)):
        chunks.append(block(counter, counter + size - 1))
        counter += size
        if data.draw(st.booleans()):
            chunks.append(data.draw(st.sampled_from(chunks)))
    reports = heard(*chunks)
    assert counters(reports) == list(range(1, counter))
    assert not [r for r in reports if isinstance(r, FaultReport)]


def test_a_boot_event_is_a_restart_with_its_cause() -> None:
    boot = cuff1.encode_event(cuff1.DeviceEvent(0, 1, table.RESETS.index("brown_out")))
    reports = heard(block(1, 5), boot + line(1, from_ms=0))
    (fault,) = [r for r in reports if isinstance(r, FaultReport)]
    assert "(brown out)" in fault.message
    assert counters(reports) == [1, 2, 3, 4, 5, 1]


@pytest.mark.parametrize("restarted_at", [1, 3, 5, 6, 400])
def test_a_clock_that_begins_anew_is_a_restart_without_its_event(restarted_at: int) -> None:
    reports = heard(block(1, 5), line(restarted_at, from_ms=0))
    assert codes(reports) == ["device_restarted"]


def test_a_restart_is_said_once_and_what_follows_is_news() -> None:
    again = b"".join(line(counter, from_ms=0) for counter in range(1, 6))
    reports = heard(block(1, 50), again)
    assert codes(reports) == ["device_restarted"]
    assert counters(reports)[-5:] == [1, 2, 3, 4, 5]


def test_an_event_that_comes_twice_is_one_fault() -> None:
    lost = cuff1.encode_event(cuff1.DeviceEvent(70_000, 2, table.FAULTS.index("leak")))
    assert codes(heard(lost + lost)) == ["device_leak", "event_repeated"]


def test_a_status_with_a_fault_of_before_is_a_note() -> None:
    status = cuff1.Status(1, 60_000, 5, 1, 1, 2, 0, 0, 9, 0, 0)
    held = cuff1.encode_status(status) + cuff1.encode_status(
        dataclasses.replace(status, counter=2, device_ms=60_020)
    )
    assert codes(heard(held)) == ["old_fault"]
