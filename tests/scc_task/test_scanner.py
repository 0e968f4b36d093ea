"""The pulse counter: dummies of three kinds, missed and extra pulses, and a time zero that stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scc_task.documents import PulseKind
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.scanner import PulseCounter


def counter(
    dummies: int = 0, kind: DummyKind = DummyKind.SILENT, *, tr_s: float = 2.0, volumes: int = 100
) -> PulseCounter:
    return PulseCounter(ScannerPlan(tr_s=tr_s, volumes=volumes, dummies=dummies, dummy_kind=kind))


def zero_s(found: PulseCounter) -> float:
    assert found.time_zero is not None
    return found.time_zero.time_s


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


def test_a_missed_pulse_keeps_its_number_and_moves_nothing() -> None:
    found = counter()
    pulses = [found.accept(t) for t in (10.0, 12.0, 16.0)]
    assert [p.number for p in pulses] == [0, 1, 3]
    assert (pulses[-1].missed_before, found.missed, zero_s(found)) == (1, 1, 10.0)


def test_a_missed_first_volume_is_inferred_from_the_next_one() -> None:
    found = counter(1, DummyKind.DISCARDED)
    found.accept(10.0)
    pulse = found.accept(14.0)
    assert pulse.number == 1
    assert found.time_zero is not None
    assert (found.time_zero.time_s, found.time_zero.pulse) == (12.0, 1)


def test_a_bounce_is_extra() -> None:
    found = counter()
    kinds = [found.accept(t).kind for t in (10.0, 10.05, 12.0)]
    assert kinds == [PulseKind.VOLUME, PulseKind.EXTRA, PulseKind.VOLUME]


def test_pulses_after_the_last_volume_are_extra() -> None:
    found = counter(volumes=2)
    assert [found.accept(t).kind for t in (0.0, 2.0, 4.0)][-1] is PulseKind.EXTRA


@given(
    st.floats(0.3, 3.0),
    st.sets(st.integers(1, 59)),
    st.lists(st.floats(-0.2, 0.2), min_size=60, max_size=60),
)
def test_no_missed_or_late_pulse_moves_time_zero_or_a_number(
    tr_s: float, missed: set[int], jitter: list[float]
) -> None:
    found = counter(tr_s=tr_s)
    for number in range(60):
        if number in missed:
            continue
        time_s = 100.0 + number * tr_s + (jitter[number] * tr_s if number else 0.0)
        pulse = found.accept(time_s)
        assert pulse.number == number
    assert zero_s(found) == 100.0
    last = max(set(range(60)) - missed)
    assert found.missed == len([n for n in missed if n < last])
