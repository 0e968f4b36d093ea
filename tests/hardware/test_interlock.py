"""The interlock: a pure judge. Each rule, and that the first fault is the one that stays."""

import math

import pytest

from hardware.interlock import Interlock, InterlockSettings
from hardware.readings import FaultReport, Program, Sample
from hardware.states import CuffState, StopReason

PROGRAM = Program(number=1, onset_s=10.0, offset_s=25.0, target_mmhg=140.0)


def sample(
    time_s: float,
    mmhg: float,
    state: CuffState = CuffState.HOLD,
    *,
    second: float | None = None,
    device_ms: int | None = None,
) -> Sample:
    return Sample(
        counter=0,
        device_ms=round(time_s * 1000) if device_ms is None else device_ms,
        arrival_s=time_s,
        state=state,
        measured_mmhg=mmhg,
        second_mmhg=mmhg if second is None else second,
        commanded_mmhg=140.0,
    )


@pytest.fixture
def interlock() -> Interlock:
    judge = Interlock(InterlockSettings(), device_ceiling_mmhg=300.0)
    judge.armed(0.0)
    return judge


def judged(
    interlock: Interlock,
    mmhg: float,
    *,
    from_s: float,
    to_s: float,
    state: CuffState,
    noise: float = 0.1,
) -> FaultReport | None:
    for index in range(round((to_s - from_s) / 0.02)):
        reading = mmhg + noise * (index % 2)
        fault = interlock.judge_sample(sample(from_s + index * 0.02, reading, state))
        if fault is not None:
            return fault
    return None


def test_the_pressure_that_was_asked_for_is_no_fault(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    assert judged(interlock, 140.0, from_s=11.0, to_s=24.9, state=CuffState.HOLD) is None
    assert interlock.judge_time(24.9) is None


def test_two_samples_above_the_ceiling_are_overpressure_and_one_is_noise(
    interlock: Interlock,
) -> None:
    interlock.inflating(PROGRAM)
    assert interlock.judge_sample(sample(11.0, 310.0)) is None
    assert interlock.judge_sample(sample(11.02, 140.0)) is None
    assert interlock.judge_sample(sample(11.04, 310.0)) is None
    fault = interlock.judge_sample(sample(11.06, 310.0))
    assert fault is not None
    assert fault.code == "overpressure"


def test_the_higher_of_two_sensors_counts(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    interlock.judge_sample(sample(11.0, 140.0, second=310.0))
    fault = interlock.judge_sample(sample(11.02, 140.0, second=310.0))
    assert fault is not None


def test_an_overshoot_may_last_a_second_and_no_longer(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    assert judged(interlock, 165.0, from_s=11.0, to_s=12.0, state=CuffState.HOLD) is None
    fault = judged(interlock, 165.0, from_s=12.0, to_s=12.2, state=CuffState.HOLD)
    assert fault is not None
    assert fault.code == "overshoot"


def test_a_shortfall_counts_after_the_ramp_only(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    assert judged(interlock, 100.0, from_s=10.0, to_s=15.0, state=CuffState.INFLATING) is None
    fault = judged(interlock, 100.0, from_s=15.0, to_s=18.5, state=CuffState.HOLD)
    assert fault is not None
    assert fault.code == "shortfall"


def test_pressure_that_nobody_asked_for_is_a_fault(interlock: Interlock) -> None:
    fault = judged(interlock, 25.0, from_s=1.0, to_s=2.0, state=CuffState.ARMED)
    assert fault is not None
    assert fault.code == "unasked_pressure"


def test_a_closed_valve_that_nobody_asked_for_is_a_fault_even_without_pressure(
    interlock: Interlock,
) -> None:
    fault = judged(interlock, 0.0, from_s=1.0, to_s=2.0, state=CuffState.INFLATING)
    assert fault is not None


@pytest.mark.parametrize("mmhg", [math.nan, math.inf, -100.0])
def test_an_implausible_reading_is_a_fault(interlock: Interlock, mmhg: float) -> None:
    fault = interlock.judge_sample(sample(1.0, mmhg))
    assert fault is not None
    assert fault.code == "implausible"


def test_silence_of_the_pressure_is_a_lost_link(interlock: Interlock) -> None:
    interlock.judge_sample(sample(1.0, 0.0, CuffState.ARMED))
    assert interlock.judge_time(1.5) is None
    fault = interlock.judge_time(1.51)
    assert fault is not None
    assert (fault.code, fault.reason) == ("stale_samples", StopReason.CUFF_LINK_LOST)


def test_a_frozen_device_that_repeats_itself_is_silent(interlock: Interlock) -> None:
    for index in range(30):
        interlock.judge_sample(sample(1.0 + index * 0.02, 0.0, CuffState.ARMED, device_ms=1000))
    fault = interlock.judge_time(1.6)
    assert fault is not None
    assert fault.code == "stale_samples"


def test_an_inflation_that_goes_on_past_its_end_is_a_fault(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    judged(interlock, 140.0, from_s=24.9, to_s=25.3, state=CuffState.HOLD)
    fault = interlock.judge_time(25.31)
    assert fault is not None
    assert fault.code == "overrun"


def test_a_vent_is_confirmed_only_by_a_low_pressure_after_it(interlock: Interlock) -> None:
    interlock.judge_sample(sample(9.9, 0.0, CuffState.ARMED))
    interlock.venting(10.0)
    assert not interlock.vent_confirmed()
    interlock.judge_sample(sample(10.1, 20.0, CuffState.VENTING))
    assert not interlock.vent_confirmed()
    interlock.judge_sample(sample(10.2, 14.0, CuffState.VENTING))
    assert interlock.vent_confirmed()


def test_a_valve_that_stays_closed_after_a_vent_is_found_at_once(interlock: Interlock) -> None:
    interlock.venting(10.0)
    fault = judged(interlock, 130.0, from_s=10.02, to_s=10.5, state=CuffState.HOLD)
    assert fault is not None
    assert (fault.code, fault.time_s < 10.4) == ("vent_disobeyed", True)


def test_a_pressure_that_rises_after_a_vent_is_a_fault(interlock: Interlock) -> None:
    interlock.judge_sample(sample(9.9, 130.0))
    interlock.venting(10.0)
    fault = interlock.judge_sample(sample(10.1, 151.0, CuffState.VENTING))
    assert fault is not None
    assert fault.code == "rising_after_vent"


def test_a_cuff_that_is_not_empty_after_three_seconds_is_a_fault(interlock: Interlock) -> None:
    interlock.judge_sample(sample(9.9, 130.0))
    interlock.venting(10.0)
    assert judged(interlock, 60.0, from_s=10.1, to_s=13.0, state=CuffState.VENTING) is None
    fault = judged(interlock, 60.0, from_s=13.0, to_s=13.2, state=CuffState.VENTING)
    assert fault is not None
    assert fault.code == "slow_vent"


def test_a_cuff_that_does_not_vent_is_a_fault_that_says_disconnect(interlock: Interlock) -> None:
    interlock.venting(10.0)
    for index in range(600):
        interlock.judge_sample(sample(10.0 + index * 0.02, 90.0, CuffState.VENTING))
    fault = interlock.judge_time(20.1)
    assert fault is not None
    assert fault.code == "vent_failed"
    assert "disconnect" in fault.do


def test_sensors_that_repeat_themselves_while_holding_are_frozen(interlock: Interlock) -> None:
    interlock.inflating(PROGRAM)
    hold = {"state": CuffState.HOLD, "noise": 0.0}
    assert judged(interlock, 140.0, from_s=11.0, to_s=16.0, **hold) is None
    fault = judged(interlock, 140.0, from_s=16.0, to_s=16.2, **hold)
    assert fault is not None
    assert fault.code == "frozen_sensors"


def test_coarse_sensors_may_repeat_themselves() -> None:
    judge = Interlock(InterlockSettings(frozen_s=None), device_ceiling_mmhg=300.0)
    judge.armed(0.0)
    judge.inflating(PROGRAM)
    assert judged(judge, 140.0, from_s=11.0, to_s=24.0, state=CuffState.HOLD, noise=0.0) is None


def test_only_the_first_fault_counts(interlock: Interlock) -> None:
    first = interlock.judge_sample(sample(1.0, math.nan))
    assert first is not None
    assert interlock.judge_time(9.0) is None
    assert interlock.fault is first
