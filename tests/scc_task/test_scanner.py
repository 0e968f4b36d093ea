"""The pulse counter: dummies, missed, extra, bounced and stray pulses, and a time zero that stays."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pulse_judge import judge, unknowable

from hardware.sim.pulse_trains import LATEST, Trouble, make_train
from scc_task.documents import PulseKind
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.pulse_findings import Finding, standing_doubts
from scc_task.pulse_report import Trust
from scc_task.scanner import PulseCounter


def scanner(
    dummies: int = 0, kind: DummyKind = DummyKind.SILENT, *, tr_s: float = 2.0, volumes: int = 100
) -> ScannerPlan:
    return ScannerPlan(tr_s=tr_s, volumes=volumes, dummies=dummies, dummy_kind=kind)


def counter(
    dummies: int = 0, kind: DummyKind = DummyKind.SILENT, *, tr_s: float = 2.0, volumes: int = 100
) -> PulseCounter:
    return PulseCounter(scanner(dummies, kind, tr_s=tr_s, volumes=volumes))


def zero_s(found: PulseCounter) -> float:
    assert found.time_zero is not None
    return found.time_zero.time_s


def doubts(found: PulseCounter) -> list[str]:
    return [f.code for f in found.findings() if f.doubt]


@pytest.mark.parametrize("kind", [DummyKind.SILENT, DummyKind.STORED])
def test_dummies_without_a_pulse_or_with_a_stored_volume_start_time_at_the_first_pulse(
    kind: DummyKind,
) -> None:
    found = counter(3, kind)
    pulse = found.accept(10.0)
    assert (pulse.kind, pulse.number, zero_s(found)) == (PulseKind.VOLUME, 0, 10.0)


def test_discarded_dummies_are_counted_off_before_time_zero() -> None:
    found = counter(2, DummyKind.DISCARDED)
    assert [found.accept(t).number for t in (10.0, 12.0, 14.0)] == [-2, -1, 0]
    assert zero_s(found) == 14.0
    assert found.time_zero is not None
    assert not found.time_zero.inferred


def test_a_missed_pulse_keeps_its_number_and_moves_nothing() -> None:
    found = counter()
    pulses = [found.accept(t) for t in (10.0, 12.0, 16.0)]
    assert [p.number for p in pulses] == [0, 1, 3]
    assert (pulses[-1].missed_before, zero_s(found)) == (1, 10.0)


def test_a_missed_first_volume_is_inferred_and_said_to_be() -> None:
    found = counter(3, DummyKind.DISCARDED)
    for time_s in (10.0, 12.0, 14.0):
        found.accept(time_s)
    pulse = found.accept(18.0)
    assert pulse.number == 1
    zero = found.time_zero
    assert zero is not None
    assert (zero.pulse, zero.inferred) == (1, True)
    assert zero.time_s == pytest.approx(16.0)
    assert zero.uncertainty_s is not None
    assert 0 < zero.uncertainty_s < 0.02
    assert "time_zero_inferred" in [f.code for f in found.findings()]


def test_an_edge_out_of_place_does_not_make_time_zero_where_dummies_know_better() -> None:
    found = counter(3, DummyKind.DISCARDED)
    for time_s in (10.0, 12.0, 14.0, 15.85, 16.0, 18.0):
        found.accept(time_s)
    zero = found.time_zero
    assert zero is not None
    assert zero.inferred
    assert zero.time_s == pytest.approx(16.0, abs=0.001)
    assert zero.uncertainty_s == pytest.approx(0.15, abs=0.001)


def test_a_pulse_that_does_not_come_is_told_before_the_next_one_does() -> None:
    found = counter()
    found.accept(10.0)
    found.look(12.9)
    assert found.findings() == []
    found.look(13.1)
    (told,) = found.findings()
    assert told == Finding(13.1, "pulses_missed", "no pulse for volume 1", missed=1)
    found.accept(14.0)
    assert found.findings() == []  # not told twice


def test_no_pulse_is_expected_after_the_last_volume() -> None:
    found = counter(volumes=2)
    found.accept(10.0)
    found.accept(12.0)
    found.look(100.0)
    assert found.findings() == []
    assert found.overdue == 0


def test_a_bounce_is_told_apart_from_an_extra_pulse() -> None:
    found = counter()
    times_s = (10.0, 10.03, 12.0, 14.0, 16.0, 16.5, 16.52)
    kinds = [found.accept(t).kind for t in times_s]
    volume, bounce, extra = PulseKind.VOLUME, PulseKind.BOUNCE, PulseKind.EXTRA
    assert kinds == [volume, bounce, volume, volume, volume, extra, bounce]


def test_a_pulse_shortly_after_an_extra_one_is_no_bounce_if_it_is_where_it_should_be() -> None:
    found = counter(tr_s=0.46)
    for number in range(20):
        found.accept(10.0 + 0.46 * number)
    extra, volume = found.accept(19.2 - 0.06 + 0.0), found.accept(19.2)
    assert (volume.kind, volume.number) == (PulseKind.VOLUME, 20)
    assert extra.number is None


def test_of_two_pulses_near_one_place_the_counter_says_that_it_is_not_sure() -> None:
    found = counter(tr_s=1.0)
    for number in range(30):
        found.accept(10.0 + number)
    early, right = found.accept(39.96), found.accept(40.0)
    assert early.unsure
    assert right.unsure


@pytest.mark.parametrize("tr_s", [0.46, 0.8, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("late", [0.12, 0.25, 0.49])
def test_a_pulse_that_is_stamped_late_is_its_volumes_not_an_extra_and_a_missed_one(
    tr_s: float, late: float
) -> None:
    found = counter(tr_s=tr_s)
    times_s = [10.0 + tr_s * (n + (late if n == 20 else 0.0)) for n in range(30)]
    pulses = [found.accept(t) for t in times_s]
    assert [p.number for p in pulses] == list(range(30))
    assert [p.number for p in pulses if p.unsure] == [20]
    assert [p.missed_before for p in pulses] == [0] * 30
    told = {f.code: f.message for f in found.findings()}
    assert list(told) == ["pulse_late"]
    assert f"{late * tr_s * 1000:.0f} ms late" in told["pulse_late"]


def test_a_late_pulse_does_not_hide_those_that_were_missed_before_it() -> None:
    found = counter(tr_s=1.0)
    times_s = [*(10.0 + n for n in range(20)), 32.3, 33.0]
    pulses = [found.accept(t) for t in times_s]
    assert [(p.number, p.missed_before) for p in pulses[-2:]] == [(22, 2), (23, 0)]
    assert sum(f.missed for f in found.findings()) == 2


def test_a_second_edge_after_a_late_one_is_not_sure_to_be_the_extra_one() -> None:
    found = counter(tr_s=1.0)
    for number in range(20):
        found.accept(10.0 + number)
    late, later = found.accept(30.2), found.accept(30.4)
    assert (late.number, late.unsure) == (20, True)
    assert (later.number, later.unsure) == (None, True)


def test_a_stamp_late_by_more_than_half_a_tr_is_said_to_be_unsure() -> None:
    found = counter(tr_s=1.0)
    for number in range(20):
        found.accept(10.0 + number)
    late, following = found.accept(30.6), found.accept(31.0)
    assert late.unsure
    assert (following.number, following.missed_before) == (21, 1)


def test_a_late_first_volume_after_dummies_does_not_move_time_zero() -> None:
    found = counter(5, DummyKind.DISCARDED)
    for time_s in (10.0, 12.0, 14.0, 16.0, 18.0, 20.4, 22.0):
        found.accept(time_s)
    zero = found.time_zero
    assert zero is not None
    assert zero.inferred
    assert zero.time_s == pytest.approx(20.0, abs=0.001)
    assert zero.uncertainty_s == pytest.approx(0.4, abs=0.001)


def test_a_first_volume_that_another_grid_begins_with_is_not_called_inferred() -> None:
    found = counter(4, DummyKind.DISCARDED, tr_s=1.0)
    for number in range(6):
        found.accept(10.0 + 0.8 * number)
    zero = found.time_zero
    assert zero is not None
    assert not zero.inferred
    assert zero.time_s == pytest.approx(13.2)
    assert doubts(found) == ["tr_differs"]


def test_pulses_after_the_last_volume_are_extra_and_told_once() -> None:
    found = counter(volumes=2)
    assert [found.accept(t).kind for t in (0.0, 2.0, 4.0, 6.0)][-2:] == [PulseKind.EXTRA] * 2
    assert [f.code for f in found.findings()].count("scanner_went_on") == 1


def test_another_tr_is_told_with_its_value_within_ten_pulses() -> None:
    for tr_s in (1.02, 1.2, 1.5, 0.8, 2.0, 0.5):
        found = counter(tr_s=1.0)
        for number in range(10):
            found.accept(10.0 + number * tr_s)
        told = [f.message for f in found.findings() if f.code in ("tr_differs", "time_zero_doubt")]
        assert any(f"{tr_s:.3f}" in message for message in told), (tr_s, told)
        assert zero_s(found) == 10.0


def test_the_tr_of_the_protocol_is_not_complained_about() -> None:
    chance = random.Random(1)
    found = counter(tr_s=1.0, volumes=2000)
    for number in range(2000):
        found.accept(10.0 + number * 1.0001 + chance.gauss(0, 0.005))
    assert "tr_differs" not in [f.code for f in found.findings()]


def test_a_key_that_was_hit_before_the_scan_makes_time_zero_doubtful() -> None:
    found = counter()
    found.accept(9.3)
    for number in range(8):
        found.accept(20.0 + 2 * number)
    assert doubts(found)
    assert zero_s(found) == 9.3  # told, never moved behind anybody's back


def test_a_key_that_was_hit_before_discarded_dummies_does_not_count_as_one() -> None:
    found = counter(5, DummyKind.DISCARDED)
    found.accept(9.3)
    for number in range(8):
        found.accept(10.0 + 2 * number)
    assert "first_pulse_stray" in doubts(found)
    assert zero_s(found) == pytest.approx(20.0)


def test_a_scan_broken_off_in_its_dummies_is_counted_anew() -> None:
    found = counter(3, DummyKind.DISCARDED)
    for time_s in (10.0, 12.0, 60.0, 62.0, 64.0, 66.0):
        found.accept(time_s)
    assert zero_s(found) == 66.0
    assert "restarted" in [f.code for f in found.findings()]


def test_a_new_start_takes_back_what_was_doubted_before_it() -> None:
    found = counter(3, DummyKind.DISCARDED)
    found.listen(9.5)
    for time_s in (10.0, 12.0, 60.0, 62.0, 64.0, 66.0):
        found.accept(time_s)
    told = found.findings()
    assert [f.code for f in told if f.doubt] == ["late_start"]
    assert standing_doubts(told) == []


def test_dummies_on_another_grid_than_a_stray_first_edge_are_no_new_start() -> None:
    found = counter(6, DummyKind.DISCARDED, tr_s=1.0)
    for time_s in (9.74, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0):
        found.accept(time_s)
    codes = [f.code for f in found.findings()]
    assert "restarted" not in codes
    assert "first_pulse_stray" in codes


def test_a_first_pulse_right_after_the_program_began_to_listen_may_not_be_the_first() -> None:
    for waited_s, doubtful in ((0.5, True), (2.4, True), (2.6, False)):
        found = counter()
        found.listen(100.0)
        found.accept(100.0 + waited_s)
        assert (doubts(found) == ["late_start"]) is doubtful


def test_pulses_that_come_back_on_another_grid_are_told() -> None:
    found = counter(tr_s=1.0)
    for number in range(20):
        found.accept(10.0 + number)
    for number in range(8):
        found.accept(45.4 + number)
    assert "pulses_shifted" in doubts(found)
    assert zero_s(found) == 10.0


def test_no_train_of_the_right_kind_is_called_doubtful() -> None:
    for seed in range(20):
        plan = scanner(tr_s=1.0, volumes=300)
        trouble = Trouble(extra=0.01, bounced=0.05, jitter_s=0.002, tr_error=5e-5)
        train = make_train(trouble, tr_s=1.0, volumes=300, first=0, start_s=50.0, seed=seed)
        verdict = judge(train, plan, jitter_s=0.002, listening_s=40.0)
        assert verdict.report.trust is Trust.CONFIRMED
        assert not verdict.wrong


_SHARES = st.floats(0.0, 0.05)


@settings(max_examples=200, deadline=None)
@given(
    trouble=st.builds(
        Trouble,
        missed=_SHARES,
        extra=_SHARES,
        bounced=st.floats(0.0, 0.3),
        jitter_s=st.floats(0.0, 0.005),
        tr_error=st.sampled_from((0.0, 1e-4, -1e-4, 0.005, -0.01, 0.05, 0.2, -0.3, 0.5, 1.0)),
        lost_first=st.sampled_from((0, 0, 0, 1, 2, 9)),
        stray_s=st.none() | st.floats(0.05, 12.0),
        fewer=st.sampled_from((0, 0, 0, 1, 10)),
        late=st.sampled_from((0.0, 0.002, 0.01, 0.03)),
        late_first=st.just(0.0) | st.floats(0.0, LATEST),
    ),
    tr_s=st.sampled_from((0.46, 0.8, 1.5, 2.0, 3.0)),
    volumes=st.integers(15, 60) | st.just(None),
    dummies=st.sampled_from((0, 2, 5)),
    kind=st.sampled_from(DummyKind),
    seed=st.integers(0, 2**32),
)
def test_every_pulse_is_told_right_or_the_run_says_that_it_is_not_sure(
    trouble: Trouble, tr_s: float, volumes: int | None, dummies: int, kind: DummyKind, seed: int
) -> None:
    whole = int(1800 / tr_s)
    plan = scanner(dummies, kind, tr_s=tr_s, volumes=volumes or whole)
    train = make_train(
        trouble, tr_s=tr_s, volumes=plan.volumes, first=plan.first, start_s=500.0, seed=seed
    )
    assume(not unknowable(train, plan, jitter_s=trouble.jitter_s))
    verdict = judge(train, plan, jitter_s=trouble.jitter_s, listening_s=480.0)
    assert not verdict.silent_shift
    assert verdict.said_unsure or not verdict.wrong
