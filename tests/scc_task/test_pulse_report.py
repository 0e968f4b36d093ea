"""What a run's pulses come to: drift with its uncertainty, and whether time zero can be trusted."""

import dataclasses
import random

import pytest

from scc_task.documents import Pulse, PulseKind, TimeZero
from scc_task.drift import line_through
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.pulse_report import PulseReport, Trust, pulse_report
from scc_task.scanner import PulseCounter

PLAN = ScannerPlan(tr_s=1.0, volumes=100, dummies=0, dummy_kind=DummyKind.SILENT)


def report(times_s: list[float], *, until_s: float, plan: ScannerPlan = PLAN) -> PulseReport:
    counter = PulseCounter(plan)
    pulses = [counter.accept(t) for t in times_s]
    found = [f.message for f in counter.findings() if f.doubt]
    return pulse_report(plan, pulses, counter.time_zero, doubts=found, until_s=until_s)


def test_the_slope_is_the_tr_and_the_rest_is_jitter() -> None:
    chance = random.Random(3)
    line = line_through([(n, 1e5 + n * 1.00005 + chance.gauss(0, 0.002)) for n in range(500)])
    assert line is not None
    ppm, error_ppm = line.drift_ppm(1.0)
    assert abs(ppm - 50) < 4 * error_ppm < 4
    assert line.jitter_s == pytest.approx(0.002, rel=0.15)
    assert line.zero_s == pytest.approx(1e5, abs=4 * line.zero_error_s)


def test_the_error_of_the_drift_is_as_large_as_drifts_scatter() -> None:
    off = []
    for seed in range(200):
        chance = random.Random(seed)
        line = line_through([(n, n + chance.gauss(0, 0.003)) for n in range(60)])
        assert line is not None
        ppm, error_ppm = line.drift_ppm(1.0)
        off.append(ppm / error_ppm)
    assert sum(o * o for o in off) / len(off) == pytest.approx(1.0, abs=0.3)


def test_a_late_stamp_does_not_bend_the_line() -> None:
    times = [(n, float(n) + 0.0002 * (n % 2)) for n in range(50)]
    line = line_through([*times, (50, 50.4)])
    assert line is not None
    assert line.pulses == 50
    assert line.tr_s == pytest.approx(1.0, abs=1e-5)


def test_two_pulses_make_no_line() -> None:
    assert line_through([(0, 1.0), (1, 2.0)]) is None


def test_a_whole_scan_confirms_time_zero() -> None:
    found = report([float(n) for n in range(100)], until_s=101.0)
    assert found.trust is Trust.CONFIRMED
    assert found.missed == ()


def test_a_run_that_ends_before_the_scan_does_not_confirm_it() -> None:
    found = report([float(n) for n in range(90)], until_s=90.2)
    assert found.trust is Trust.UNCONFIRMED


def test_one_is_counted_as_one() -> None:
    plan = dataclasses.replace(PLAN, volumes=99, dummies=1, dummy_kind=DummyKind.DISCARDED)
    found = report([float(n) for n in range(101)], until_s=104.0, plan=plan)
    assert (found.went_on, found.dummies) == (1, 1)
    said = "\n".join(found.lines())
    assert "1 pulse came after the last volume" in said
    assert "1 pulse too many" in said
    assert "the first one was none of its volumes (a dummy?)" in said
    assert "99 volumes, 1 dummy, 0 missed" in said


def test_first_pulses_that_were_lost_show_in_the_total() -> None:
    found = report([float(n) for n in range(2, 100)], until_s=103.0)
    assert found.trust is Trust.DOUBTFUL
    assert "2 TR too late" in found.doubts[0]
    assert found.unheard_at_end == 2


def test_one_pulse_short_is_no_doubt_but_confirms_nothing_and_says_what_it_may_be() -> None:
    for times in (range(99), range(1, 100)):
        found = report([float(n) for n in times], until_s=103.0)
        assert (found.trust, found.doubts) == (Trust.UNCONFIRMED, ())
        assert found.unheard_at_end == 1
        said = "\n".join(found.lines())
        assert "it was lost, or the scanner stopped one volume early" in said
        assert "time zero would be 1 TR too late" in said


def test_where_there_is_no_time_zero_nothing_is_said_of_its_trust() -> None:
    plan = ScannerPlan(tr_s=1.0, volumes=100, dummies=5, dummy_kind=DummyKind.DISCARDED)
    found = report([10.0, 11.0, 12.0], until_s=60.0, plan=plan)
    assert (found.trust, found.doubts) == (Trust.NONE, ())
    assert found.lines()[0] == "there is no time zero: no pulse of a volume came"


@pytest.mark.parametrize("tr_s", [0.46, 0.8, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("volumes", [15, 30, 60])
@pytest.mark.parametrize("late", [0.0, 0.06, 0.09, 0.2, 0.45])
def test_a_first_pulse_that_was_stamped_late_is_not_confirmed_even_in_a_short_scan(
    tr_s: float, volumes: int, late: float
) -> None:
    late = max(late, 0.055 / tr_s) if late else 0.0
    chance = random.Random(volumes)
    plan = ScannerPlan(tr_s=tr_s, volumes=volumes, dummies=0, dummy_kind=DummyKind.SILENT)
    times = [n * tr_s + chance.uniform(-0.002, 0.002) for n in range(volumes)]
    found = report([times[0] + late * tr_s, *times[1:]], until_s=(volumes + 3) * tr_s, plan=plan)
    assert (found.trust is Trust.CONFIRMED) is (not late)


def test_a_pulse_after_a_last_one_that_was_stamped_late_is_one_too_many() -> None:
    found = report([*(float(n) for n in range(99)), 99.2, 100.0], until_s=103.0)
    assert found.went_on == 1


def test_a_stray_edge_after_the_last_volume_confirms_nothing_it_may_be_one_too_many_late() -> None:
    found = report([*(float(n) for n in range(100)), 100.3], until_s=103.0)
    assert (found.trust, found.unsure) == (Trust.UNCONFIRMED, 1)


def test_the_largest_residual_is_that_of_all_pulses_and_those_left_out_are_counted() -> None:
    times = [float(n) + (0.3 if n == 50 else 0.001 * (n % 2)) for n in range(100)]
    found = report(times, until_s=103.0)
    assert found.line is not None
    assert found.line.worst_s == pytest.approx(0.3, abs=0.002)
    assert (found.line.pulses, found.line.left_out) == (99, 1)
    assert "at most 299.5 ms, 1 left out of the line" in found.lines()[-1]


def test_strays_in_a_short_scan_do_not_bend_the_line() -> None:
    times = [(n, float(n) + 0.0002 * (n % 3)) for n in range(15)]
    times[0] = (0, 0.4)
    times[11] = (11, 11.3)
    line = line_through(times)
    assert line is not None
    assert line.tr_s == pytest.approx(1.0, abs=1e-4)
    assert line.zero_s == pytest.approx(0.0, abs=1e-3)
    assert line.left_out == 2


def test_a_tr_differs_only_beyond_its_own_error_and_what_clocks_do() -> None:
    chance = random.Random(5)
    for tr_s, jitter_s, differs in (
        (1.002, 0.0005, True),
        (1.002, 0.02, False),
        (1.0005, 0, False),
    ):
        times = [n * tr_s + chance.gauss(0, jitter_s) for n in range(20)]
        found = report(times, until_s=30.0)
        assert found.line is not None
        words = next(line for line in found.lines() if line.startswith("TR "))
        assert ("another TR" in words) is differs
        assert f"± {found.line.tr_error_s:.6f} s" in words


def test_dummies_that_the_protocol_does_not_know_show_in_the_total() -> None:
    found = report([float(n) for n in range(105)], until_s=108.0)
    assert found.trust is Trust.DOUBTFUL
    assert "5 TR too early" in found.doubts[0]
    assert found.went_on == 5


def test_a_time_zero_off_the_line_is_doubtful() -> None:
    pulses = [
        Pulse(time_s=float(n), kind=PulseKind.VOLUME, number=n, missed_before=0) for n in range(100)
    ]
    found = pulse_report(PLAN, pulses, TimeZero(time_s=0.1, pulse=0), doubts=(), until_s=102.0)
    assert found.trust is Trust.DOUBTFUL
    assert "+100 ms" in found.doubts[0]


def test_a_pulse_in_the_place_of_a_missed_one_is_named_by_the_whole_run() -> None:
    pulses = [
        Pulse(
            time_s=n + (0.012 if n == 8 else 0.0),
            kind=PulseKind.VOLUME,
            number=n,
            missed_before=0,
        )
        for n in range(100)
    ]
    zero = TimeZero(time_s=0.0, pulse=0)
    assert pulse_report(PLAN, pulses, zero, doubts=(), until_s=102.0).strays == (8,)


def test_the_words_have_everything() -> None:
    times = [n * 1.0001 for n in range(100) if n not in (5, 6)] + [99.01]
    text = "\n".join(report(times, until_s=103.0).lines())
    for part in ("confirmed", "98 volumes", "2 missed", "1 bounced", "+100.0 ± ", "ppm"):
        assert part in text


@pytest.mark.parametrize("real_s", [2.0, 1.5, 3.0, 0.5, 1.1])
def test_pulses_heard_before_the_counter_knew_another_tr_were_heard_and_have_one_number_each(
    real_s: float,
) -> None:
    found = report([n * real_s for n in range(60)], until_s=61.0 * real_s)
    assert (found.volumes, found.missed, found.extra) == (60, (), 0)
    assert found.unsure >= 5
    assert found.trust is Trust.DOUBTFUL


def test_a_scan_that_was_started_again_keeps_no_number_twice() -> None:
    pulses = [
        Pulse(time_s=float(n), kind=PulseKind.VOLUME, number=n, missed_before=0, off_s=0.0)
        for n in range(60)
    ]
    again = [
        Pulse(
            time_s=70.4 + n,
            kind=PulseKind.VOLUME,
            number=50 + n,
            missed_before=0,
            unsure=not n,
            off_s=0.0 if n else None,
        )
        for n in range(10)
    ]
    zero = TimeZero(time_s=0.0, pulse=0)
    found = pulse_report(PLAN, [*pulses, *again], zero, doubts=(), until_s=100.0)
    assert found.volumes == 60
    assert (found.extra, found.missed) == (10, ())


@pytest.mark.parametrize("phase", [0.1, 0.25, 0.5, 0.8])
def test_pulses_that_come_regularly_after_the_last_volume_on_any_phase_are_going_on(
    phase: float,
) -> None:
    pulses = [
        Pulse(time_s=float(n), kind=PulseKind.VOLUME, number=n, missed_before=0) for n in range(100)
    ]
    later = [
        Pulse(time_s=100.0 + phase + n, kind=PulseKind.EXTRA, number=None, missed_before=0)
        for n in range(5)
    ]
    zero = TimeZero(time_s=0.0, pulse=0)
    found = pulse_report(PLAN, [*pulses, *later], zero, doubts=(), until_s=110.0)
    assert (found.went_on, found.trust) == (5, Trust.DOUBTFUL)


def test_many_stray_edges_after_the_last_volume_confirm_nothing() -> None:
    pulses = [
        Pulse(time_s=float(n), kind=PulseKind.VOLUME, number=n, missed_before=0) for n in range(100)
    ]
    zero = TimeZero(time_s=0.0, pulse=0)
    for later, trust in (
        ((100.3, 102.6), Trust.CONFIRMED),
        ((100.3, 101.7, 102.5), Trust.UNCONFIRMED),
    ):
        strays = [
            Pulse(time_s=t, kind=PulseKind.EXTRA, number=None, missed_before=0) for t in later
        ]
        found = pulse_report(PLAN, [*pulses, *strays], zero, doubts=(), until_s=110.0)
        assert (found.went_on, found.trust) == (0, trust)
