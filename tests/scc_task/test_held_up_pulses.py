"""Pulses that a computer took in late, at once, or on another clock: counted, and not trusted too much."""

from collections.abc import Sequence

import pytest

from hardware.triggers import Stamp
from scc_task.documents import Document, Pulse, PulseKind
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.pulse_report import PulseReport, Trust, pulse_report
from scc_task.pulse_watch import PulseWatch
from scc_task.scanner import PulseCounter

PLAN = ScannerPlan(tr_s=1.0, volumes=40, dummies=0, dummy_kind=DummyKind.SILENT)


def counted(stamps: Sequence[tuple[float, float]]) -> tuple[list[Pulse], PulseReport]:
    """Return pulses (time, how late it may be) as they were counted, and what they come to."""
    counter = PulseCounter(PLAN)
    pulses = []
    for time_s, late_s in stamps:
        counter.look(time_s)
        pulses.append(counter.accept(time_s, late_s))
    found = [f.message for f in counter.findings() if f.doubt]
    return pulses, pulse_report(PLAN, pulses, counter.time_zero, doubts=found, until_s=45.0)


def healthy(first: int, end: int) -> list[tuple[float, float]]:
    return [(float(n), 0.0) for n in range(first, end)]


@pytest.mark.parametrize("woke_s", [23.002, 23.3, 23.48, 23.7])
def test_the_pulses_of_a_thread_that_was_held_up_are_those_volumes_and_not_sure(
    woke_s: float,
) -> None:
    bunch = [(woke_s + 0.0001 * n, woke_s - 19.9) for n in range(4)]
    pulses, report = counted([*healthy(0, 20), *bunch, *healthy(24, 40)])
    assert [p.number for p in pulses] == list(range(40))
    assert all(p.unsure for p in pulses[20:24])
    assert not any(p.unsure for p in pulses[24:])
    assert (report.missed, report.bounced) == ((), 0)
    assert report.trust is Trust.CONFIRMED  # the total fits, and the first ones were in time


def test_more_edges_at_once_than_places_are_left_over_and_not_sure() -> None:
    bunch = [(22.002, 2.5)] * 5
    pulses, _ = counted([*healthy(0, 20), *bunch, *healthy(23, 40)])
    assert [p.number for p in pulses[20:25]] == [20, 21, 22, None, None]
    assert all(p.unsure for p in pulses[20:25])


def test_a_late_stamp_in_its_place_is_sure_where_no_other_place_is_free() -> None:
    pulses, report = counted([*healthy(0, 20), (20.001, 0.3), *healthy(21, 40)])
    assert not any(p.unsure for p in pulses)
    assert report.trust is Trust.CONFIRMED


def test_a_first_pulse_of_a_held_up_thread_puts_time_zero_in_doubt() -> None:
    _, report = counted([(3.0, 3.2), (3.0, 3.2), *healthy(4, 40)])
    assert report.trust is Trust.DOUBTFUL
    assert "this computer was held up" in report.doubts[0]


def test_edges_at_once_after_missed_pulses_are_not_sure_and_nothing_is_confirmed() -> None:
    bunch = [(23.002 + 0.0002 * n, 0.0) for n in range(4)]  # nobody knows how late they are
    pulses, report = counted([*healthy(0, 20), *bunch, *healthy(24, 40)])
    assert [p.kind for p in pulses[21:24]] == [PulseKind.BOUNCE] * 3
    assert all(p.unsure for p in pulses[21:24])
    assert report.unsure == 4  # the one that got a number too
    assert report.trust is Trust.UNCONFIRMED


def test_a_contact_that_bounces_after_a_missed_pulse_is_just_that() -> None:
    pulses, report = counted([*healthy(0, 20), (21.0, 0.0), (21.012, 0.0), *healthy(22, 40)])
    assert not pulses[21].unsure
    assert report.trust is Trust.CONFIRMED


# -- as a run takes them


class Room:
    def __init__(self, plan: ScannerPlan = PLAN) -> None:
        self.heard: list[Document] = []
        self.told: list[tuple[str, str]] = []
        self.watch = PulseWatch(
            plan,
            publish=self.heard.append,
            note=lambda code, words, time_s: self.told.append((code, words)),
            lost=lambda words: None,
        )

    def pulses(self) -> list[Pulse]:
        return [d for d in self.heard if isinstance(d, Pulse)]


def test_stamps_of_another_clock_count_by_arrival_and_time_zero_is_doubted_once() -> None:
    for off_s in (0.3, 5.0, -2.0):
        room = Room()
        for n in range(40):
            room.watch.look(n + 99.99)
            room.watch.pulse(n + 100.0 + off_s, n + 100.0)
        assert [p.time_s for p in room.pulses()] == [n + 100.0 for n in range(40)]
        assert all(p.unsure for p in room.pulses())
        doubts = [words for code, words in room.told if code == "time_zero_doubt"]
        assert len(doubts) == 1
        assert "another clock" in doubts[0]
        assert room.watch.report(145.0).trust is Trust.DOUBTFUL


def test_what_the_trigger_says_against_a_stamp_reaches_the_report() -> None:
    room = Room()
    for n in range(40):
        doubt = f"the sender's clock is not LSL's: {n} s"
        room.watch.pulse(Stamp(n + 100.0, doubt=doubt), n + 100.0)
    assert room.watch.report(145.0).doubts == ("the sender's clock is not LSL's: 0 s",)
    assert type(room.pulses()[0].time_s) is float


def test_pulses_that_all_come_in_late_do_not_flood_the_operator() -> None:
    room = Room(ScannerPlan(tr_s=1.0, volumes=80, dummies=0, dummy_kind=DummyKind.SILENT))
    for tenth in range(1000):
        now_s = 100.0 + tenth / 10
        if tenth % 10 == 0 and tenth >= 70:
            room.watch.pulse(now_s - 6.2)  # in late, with true stamps
        room.watch.look(now_s)
    stops = [words for code, words in room.told if code == "pulses_stopped"]
    assert len(stops) == 1
    assert [code for code, _ in room.told].count("pulses_heard_late") == 1


def test_gaps_that_come_again_and_again_are_counted_in_the_end() -> None:
    room = Room(ScannerPlan(tr_s=1.0, volumes=100, dummies=0, dummy_kind=DummyKind.SILENT))
    for now in range(100):
        if now % 10 < 4:
            room.watch.pulse(float(now))
        room.watch.look(now + 0.4)
    room.watch.sum_up(110.0)
    stops = [words for code, words in room.told if code == "pulses_stopped"]
    assert len(stops) == 4
    assert "7 more times" in stops[-1]


def test_the_live_counts_follow_when_the_scanner_turns_out_to_have_another_tr() -> None:
    room = Room()
    for n in range(20):
        room.watch.look(100.0 + 2 * n)
        room.watch.pulse(100.0 + 2 * n)
    assert room.watch.missed == 0
    assert room.watch.counts == {PulseKind.VOLUME: 20}
