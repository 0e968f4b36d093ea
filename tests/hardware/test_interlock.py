"""The interlock, rule by rule: each boundary from both sides, and that the first fault stays."""

import dataclasses
import math

import pytest

from hardware.interlock import BLIND_S, EMPTY_FOR_S, TOO_LATE_S, Given, Interlock
from hardware.interlock_table import RULE, RULES, InterlockSettings, Phase
from hardware.limits import Limits
from hardware.readings import FaultReport, Program, Sample
from hardware.states import CuffState, StopReason

PROGRAM = Program(number=1, onset_s=10.0, offset_s=25.0, target_mmhg=140.0)
TICK_S = 1 / 64
"""Sums of it are exact, so that a boundary can be met to the bit."""


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


FALLS = [
    (140.0, 0.199, "fast_fall"),
    (140.0, 0.2, None),
    (60.0, 0.1, "fast_fall"),
    (59.9, 0.1, None),
    (140.0, 0.0, "fast_fall"),
]


def interlock_with(
    *,
    limits: Limits | None = None,
    given: Given | None = None,
    measures: bool = True,
    **other: float,
) -> Interlock:
    return Interlock(
        dataclasses.replace(InterlockSettings(patience_s=1e9, rise_mmhg_per_s=1e9), **other),
        limits=limits or Limits(),
        device_ceiling_mmhg=300.0,
        measures=measures,
        given=given,
    )


@pytest.fixture
def idle() -> Interlock:
    return interlock_with()


@pytest.fixture
def armed(idle: Interlock) -> Interlock:
    assert idle.arm(0.0) is None
    return idle


@pytest.fixture
def inflating(armed: Interlock) -> Interlock:
    assert armed.inflate(PROGRAM, 10.0) is None
    return armed


def judged(
    interlock: Interlock,
    mmhg: float,
    *,
    from_s: float,
    to_s: float,
    state: CuffState = CuffState.HOLD,
    noise: float = 0.1,
) -> FaultReport | None:
    """Return the first fault of samples from one time to another, both included."""
    for index in range(round((to_s - from_s) / TICK_S) + 1):
        reading = mmhg - noise * (index % 2)
        fault = interlock.judge_sample(sample(from_s + index * TICK_S, reading, state))
        if fault is not None:
            return fault
    return None


def shown_empty(interlock: Interlock, time_s: float, state: CuffState) -> bool:
    """Show an empty cuff for 0.2 s, and return whether that confirms the vent."""
    for before_s in (0.2, 0.1, 0.0):
        assert interlock.judge_sample(sample(time_s - before_s, 3.0, state)) is None
    return interlock.vent_confirmed(time_s)


def code(fault: FaultReport | None) -> str | None:
    return None if fault is None else fault.code


def program(
    *, onset_s: float = 10.0, on_s: float = 15.0, target_mmhg: float = 140.0, rise_s: float = 0.0
) -> Program:
    return Program(
        number=1, onset_s=onset_s, offset_s=onset_s + on_s, target_mmhg=target_mmhg, rise_s=rise_s
    )


class TestSamples:
    def test_the_pressure_that_was_asked_for_is_no_fault(self, inflating: Interlock) -> None:
        assert judged(inflating, 140.0, from_s=11.0, to_s=24.9) is None
        assert inflating.judge_time(24.9) is None

    def test_two_samples_above_the_ceiling_are_overpressure_and_one_is_noise(
        self, inflating: Interlock
    ) -> None:
        for time_s, mmhg in ((11.0, 300.1), (11.1, 140.0), (11.2, 300.0), (11.3, 300.1)):
            assert inflating.judge_sample(sample(time_s, mmhg)) is None
        assert code(inflating.judge_sample(sample(11.4, 300.1))) == "overpressure"

    def test_the_ceiling_itself_is_not_overpressure(self, idle: Interlock) -> None:
        assert idle.judge_sample(sample(11.0, 300.0)) is None
        assert idle.judge_sample(sample(11.1, 300.0)) is None

    def test_the_higher_of_two_sensors_counts(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(11.0, 140.0, second=310.0))
        assert code(inflating.judge_sample(sample(11.1, 140.0, second=310.0))) == "overpressure"

    def test_the_first_sensor_counts_as_much_as_the_second(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(11.0, 310.0, second=140.0))
        assert code(inflating.judge_sample(sample(11.1, 310.0, second=140.0))) == "overpressure"

    @pytest.mark.parametrize("mmhg", [math.nan, math.inf, -math.inf, -50.1])
    def test_an_implausible_reading_is_a_fault(self, armed: Interlock, mmhg: float) -> None:
        assert code(armed.judge_sample(sample(1.0, mmhg))) == "implausible"

    @pytest.mark.parametrize(("first", "second"), [(math.nan, 0.0), (0.0, math.nan)])
    def test_a_sensor_that_reads_no_number_is_not_hidden_by_the_other(
        self, armed: Interlock, first: float, second: float
    ) -> None:
        fault = armed.judge_sample(sample(1.0, first, CuffState.ARMED, second=second))
        assert code(fault) == "implausible"

    def test_a_sensor_that_is_a_little_off_below_zero_is_plausible(self, armed: Interlock) -> None:
        assert armed.judge_sample(sample(1.0, -50.0, CuffState.ARMED)) is None

    def test_an_overshoot_may_last_a_second_and_no_longer(self, inflating: Interlock) -> None:
        assert judged(inflating, 165.0, from_s=11.0, to_s=12.0) is None
        fault = inflating.judge_sample(sample(12.0 + TICK_S, 165.0))
        assert code(fault) == "overshoot"

    def test_twenty_above_the_target_is_no_overshoot(self, inflating: Interlock) -> None:
        assert judged(inflating, 160.0, from_s=11.0, to_s=14.0, noise=0.0) is None

    def test_an_overshoot_that_comes_and_goes_is_counted_anew(self, inflating: Interlock) -> None:
        assert judged(inflating, 165.0, from_s=11.0, to_s=11.9) is None
        assert judged(inflating, 150.0, from_s=12.0, to_s=12.1) is None
        assert judged(inflating, 165.0, from_s=12.2, to_s=13.1) is None

    def test_pressure_that_runs_ahead_of_a_slow_rise_is_an_overshoot(
        self, armed: Interlock
    ) -> None:
        assert armed.inflate(program(rise_s=10.0), 10.0) is None
        assert judged(armed, 33.0, from_s=11.0, to_s=12.0) is None  # 14 to 28 are asked for
        assert code(judged(armed, 80.0, from_s=12.25, to_s=14.0)) == "overshoot"

    def test_a_shortfall_counts_after_the_time_to_get_there(self, inflating: Interlock) -> None:
        assert judged(inflating, 100.0, from_s=10.0, to_s=15.0) is None
        # from 15 s on it counts, from then it may last 3 s
        assert judged(inflating, 100.0, from_s=15.0 + TICK_S, to_s=18.0 + TICK_S) is None
        assert code(inflating.judge_sample(sample(18.0 + 2 * TICK_S, 100.0))) == "shortfall"

    def test_twenty_below_the_target_is_no_shortfall(self, inflating: Interlock) -> None:
        assert judged(inflating, 120.0, from_s=15.5, to_s=19.5, noise=0.0) is None

    def test_a_slow_rise_has_its_own_time_before_a_shortfall_counts(self, armed: Interlock) -> None:
        assert armed.inflate(program(on_s=25.0, rise_s=6.0), 10.0) is None
        assert judged(armed, 30.0, from_s=12.0, to_s=24.0) is None
        assert code(judged(armed, 30.0, from_s=24.0, to_s=24.2)) == "shortfall"

    def test_sensors_that_repeat_themselves_while_holding_are_frozen(
        self, inflating: Interlock
    ) -> None:
        # the first repetition is the second sample
        end_s = 11.0 + TICK_S + 5.0
        assert judged(inflating, 140.0, from_s=11.0, to_s=end_s, noise=0.0) is None
        assert code(inflating.judge_sample(sample(end_s + TICK_S, 140.0))) == "frozen_sensors"

    def test_coarse_sensors_may_repeat_themselves(self) -> None:
        judge = interlock_with(frozen_s=None)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        assert judged(judge, 140.0, from_s=11.0, to_s=24.0, noise=0.0) is None

    def test_one_sensor_that_moves_shows_that_they_measure(self, inflating: Interlock) -> None:
        for index in range(600):
            reading = sample(11.0 + index * TICK_S, 140.0, second=139.0 + 0.1 * (index % 2))
            assert inflating.judge_sample(reading) is None

    def test_pressure_that_nobody_asked_for_is_a_fault(self, armed: Interlock) -> None:
        state = CuffState.ARMED
        assert judged(armed, 20.25, from_s=1.0, to_s=1.5, state=state) is None
        fault = armed.judge_sample(sample(1.5 + TICK_S, 20.25, state))
        assert code(fault) == "unasked_pressure"

    def test_twenty_that_nobody_asked_for_are_a_sensor_that_is_off(self, armed: Interlock) -> None:
        assert judged(armed, 20.0, from_s=1.0, to_s=3.0, state=CuffState.ARMED, noise=0.0) is None

    def test_a_closed_valve_that_nobody_asked_for_is_a_fault_even_without_pressure(
        self, armed: Interlock
    ) -> None:
        fault = judged(armed, 0.0, from_s=1.0, to_s=2.0, state=CuffState.INFLATING)
        assert code(fault) == "unasked_pressure"

    def test_unasked_pressure_is_judged_before_arming_too(self, idle: Interlock) -> None:
        fault = judged(idle, 60.0, from_s=1.0, to_s=2.0, state=CuffState.IDLE)
        assert code(fault) == "unasked_pressure"

    def test_a_rise_faster_than_any_inflator_is_a_fault(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        # 0.2 s at 500 mmHg/s is 100 mmHg
        for time_s, mmhg in ((10.0, 0.0), (10.1, 50.0), (10.2, 100.0), (10.3, 150.0)):
            assert judge.judge_sample(sample(time_s, mmhg)) is None
        assert judge.judge_sample(sample(10.4, 201.0)) is None  # one may be noise
        assert code(judge.judge_sample(sample(10.5, 252.0))) == "rise_rate"

    def test_one_sample_that_jumps_is_noise(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        for number in range(100):
            mmhg = 295.0 if number == 50 else 140.0
            assert judge.judge_sample(sample(12.0 + 0.02 * number, mmhg)) is None

    def test_the_rate_of_rise_is_measured_over_two_tenths_of_a_second(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        for time_s, mmhg in ((10.0, 0.0), (10.05, 90.0), (10.19, 99.0), (10.2, 100.0)):
            assert judge.judge_sample(sample(time_s, mmhg)) is None

    def test_the_newest_two_tenths_count(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        for time_s in (10.0, 10.1, 10.2):
            assert judge.judge_sample(sample(time_s, 0.0)) is None
        assert judge.judge_sample(sample(10.3, 101.0)) is None
        fault = judge.judge_sample(sample(10.4, 101.0))
        assert code(fault) == "rise_rate"  # of 0.2 s, not of 0.3

    def test_samples_that_come_twice_do_not_hide_a_rise(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        found = []
        for index in range(10):
            for _ in range(2):
                found.append(code(judge.judge_sample(sample(10.0 + 0.05 * index, 28.0 * index))))
        assert "rise_rate" in found

    def test_a_burst_on_the_wire_is_no_rise(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        for index in range(40):  # all arrive within 1 ms, but the device took them over 0.8 s
            reading = sample(10.8, 3.0 * index, device_ms=10_000 + 20 * index)
            assert judge.judge_sample(dataclasses.replace(reading, arrival_s=10.8)) is None

    def test_a_clock_that_starts_anew_is_no_rise(self) -> None:
        judge = interlock_with(rise_mmhg_per_s=500.0)
        judge.judge_sample(sample(1.0, 0.0, CuffState.IDLE, device_ms=90_000))
        for index in range(30):
            reading = sample(1.0, 0.0, CuffState.IDLE, device_ms=20 * index)
            assert judge.judge_sample(reading) is None


class TestVenting:
    def test_a_vent_is_confirmed_only_by_a_low_pressure_after_it(self, armed: Interlock) -> None:
        armed.judge_sample(sample(10.0, 0.0, CuffState.ARMED))
        armed.vent(10.0)
        assert not armed.vent_confirmed(10.0)
        armed.judge_sample(sample(10.1, 15.0, CuffState.VENTING))
        assert not armed.vent_confirmed(10.1)
        for time_s in (10.2, 10.25):
            armed.judge_sample(sample(time_s, 14.9, CuffState.VENTING))
            assert not armed.vent_confirmed(time_s)
        armed.judge_sample(sample(10.4, 14.9, CuffState.VENTING))
        assert armed.vent_confirmed(10.4)
        assert not armed.vent_confirmed(10.5)

    def test_one_low_sample_among_others_confirms_nothing(self, armed: Interlock) -> None:
        armed.vent(10.0)
        for number, mmhg in enumerate((96.0, 3.0, 96.0, 3.0, 3.0, 96.0)):
            armed.judge_sample(sample(10.1 + 0.09 * number, mmhg, CuffState.VENTING))
            assert not armed.vent_confirmed(10.1 + 0.09 * number)

    def test_samples_from_before_the_vent_confirm_nothing(self, armed: Interlock) -> None:
        for number in range(10):
            armed.judge_sample(sample(9.0 + 0.1 * number, 3.0, CuffState.ARMED))
        armed.vent(10.0)
        assert not armed.vent_confirmed(10.0)
        armed.judge_sample(sample(10.05, 3.0, CuffState.ARMED))
        assert not armed.vent_confirmed(10.05)

    @pytest.mark.parametrize("mmhg", [14.9, 0.0, -15.0])
    def test_a_tenth_of_a_second_of_low_samples_is_enough(
        self, idle: Interlock, mmhg: float
    ) -> None:
        idle.vent(-1.0)
        for time_s in (0.0, EMPTY_FOR_S / 2):
            idle.judge_sample(sample(time_s, mmhg, CuffState.IDLE))
            assert not idle.vent_confirmed(time_s)
        idle.judge_sample(sample(EMPTY_FOR_S, mmhg, CuffState.IDLE))
        assert idle.vent_confirmed(EMPTY_FOR_S)

    def test_a_shortfall_that_still_read_fifteen_can_fall(self, inflating: Interlock) -> None:
        assert code(judged(inflating, 20.0, from_s=11.0, to_s=19.0)) == "shortfall"
        inflating.judge_sample(sample(19.0, 15.0))
        inflating.vent(19.0)
        assert shown_empty(inflating, 20.0, CuffState.VENTING)

    @pytest.mark.parametrize("mmhg", [-15.1, -270.0, -math.inf, math.nan])
    def test_a_broken_sensor_does_not_say_that_the_cuff_is_empty(
        self, inflating: Interlock, mmhg: float
    ) -> None:
        inflating.vent(11.0)
        for number in range(20):
            inflating.judge_sample(sample(11.1 + 0.1 * number, mmhg, CuffState.VENTING))
        assert not inflating.vent_confirmed(13.0)

    @pytest.mark.parametrize("broken", ["implausible", "frozen_sensors"])
    def test_after_a_broken_sensor_nothing_confirms_a_vent(
        self, inflating: Interlock, broken: str
    ) -> None:
        if broken == "implausible":
            inflating.judge_sample(sample(11.0, math.nan))
        else:
            judged(inflating, 140.0, from_s=11.0, to_s=17.0, noise=0.0)
        assert inflating.fault is not None
        assert inflating.fault.code == broken
        inflating.vent(17.0)
        assert not shown_empty(inflating, 18.0, CuffState.VENTING)
        assert code(inflating.judge_time(27.1)) == "vent_failed"

    @pytest.mark.parametrize(("mmhg", "confirmed"), [(0.0, False), (90.0, True)])
    def test_after_a_shortfall_a_reading_has_to_fall_to_confirm_a_vent(
        self, inflating: Interlock, mmhg: float, confirmed: bool
    ) -> None:
        assert judged(inflating, 90.0, from_s=11.0, to_s=12.0) is None
        assert code(judged(inflating, mmhg, from_s=12.1, to_s=19.0)) == "shortfall"
        inflating.vent(19.0)
        assert shown_empty(inflating, 20.0, CuffState.VENTING) is confirmed

    def test_pressure_that_no_sensor_sees_is_a_fault_long_before_a_shortfall(
        self, inflating: Interlock
    ) -> None:
        assert judged(inflating, 14.9, from_s=11.0, to_s=14.0) is None
        assert code(inflating.judge_sample(sample(14.1, 14.9))) == "no_rise"

    def test_a_cuff_that_has_shown_some_pressure_is_no_blind_one(
        self, inflating: Interlock
    ) -> None:
        inflating.judge_sample(sample(11.0, 15.0))
        assert judged(inflating, 10.0, from_s=11.1, to_s=14.5) is None

    @pytest.mark.parametrize(("target_mmhg", "found"), [(29.9, None), (30.0, "no_rise")])
    def test_only_pressure_that_must_be_seen_is_missed(
        self, armed: Interlock, target_mmhg: float, found: str | None
    ) -> None:
        armed.inflate(program(target_mmhg=target_mmhg), 10.0)
        assert code(judged(armed, 1.0, from_s=10.0, to_s=14.0)) == found

    def test_a_slow_ramp_is_only_missed_from_where_it_must_be_seen(self, armed: Interlock) -> None:
        armed.inflate(program(target_mmhg=60.0, rise_s=10.0, on_s=20.0), 10.0)  # 30 mmHg at 15.0
        assert judged(armed, 1.0, from_s=10.0, to_s=18.0) is None
        assert code(judged(armed, 1.0, from_s=18.1, to_s=18.2)) == "no_rise"

    @pytest.mark.parametrize(("blind_s", "confirmed"), [(BLIND_S, True), (BLIND_S + 0.1, False)])
    def test_sensors_that_saw_nothing_of_an_inflation_do_not_say_that_it_is_over(
        self, inflating: Interlock, blind_s: float, confirmed: bool
    ) -> None:
        assert judged(inflating, 3.0, from_s=10.0, to_s=10.0 + blind_s) is None
        inflating.vent(10.0 + blind_s)
        assert shown_empty(inflating, 13.0, CuffState.VENTING) is confirmed

    def test_an_inflation_that_was_seen_may_end_after_one_that_was_not(self) -> None:
        judge = interlock_with(limits=Limits(gap_s=0.0))
        judge.arm(0.0)
        judge.inflate(program(on_s=1.0), 10.0)
        judged(judge, 3.0, from_s=10.0, to_s=11.0)
        judge.end(11.0)
        assert shown_empty(judge, 12.0, CuffState.ARMED)
        judge.inflate(program(onset_s=20.0), 20.0)
        judged(judge, 140.0, from_s=20.5, to_s=23.0)
        judge.end(23.0)
        assert shown_empty(judge, 24.5, CuffState.ARMED)

    def test_a_distrust_from_before_the_wire_was_lost_stays(self) -> None:
        judge = Interlock(
            InterlockSettings(), limits=Limits(), device_ceiling_mmhg=300.0, distrust=True
        )
        judge.vent(1.0)
        assert not shown_empty(judge, 3.0, CuffState.IDLE)
        assert not judge.trusted

    @pytest.mark.parametrize(("high_mmhg", "apart_s", "found"), FALLS)
    def test_a_cuff_never_empties_at_once_but_a_kinked_hose_does(
        self, inflating: Interlock, high_mmhg: float, apart_s: float, found: str | None
    ) -> None:
        inflating.judge_sample(sample(12.0, high_mmhg))
        inflating.vent(12.0)
        fault = inflating.judge_sample(sample(12.0 + apart_s, 14.9, CuffState.VENTING))
        assert code(fault) == found
        assert shown_empty(inflating, 13.0, CuffState.VENTING) is (found is None)

    @pytest.mark.parametrize(("apart_s", "found"), [(0.109, "fast_fall"), (0.11, None)])
    def test_how_fast_a_cuff_may_fall_is_set(self, apart_s: float, found: str | None) -> None:
        judge = interlock_with(fall_s=0.11)
        judge.arm(9.0)
        judge.inflate(PROGRAM, 10.0)
        judge.judge_sample(sample(12.0, 140.0))
        judge.vent(12.0)
        fault = judge.judge_sample(sample(12.0 + apart_s, 14.9, CuffState.VENTING))
        assert code(fault) == found

    def test_a_fall_is_over_below_what_counts_as_empty(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(12.0, 140.0))
        inflating.vent(12.0)
        assert inflating.judge_sample(sample(12.1, 15.0, CuffState.VENTING)) is None
        assert inflating.judge_sample(sample(12.5, 14.9, CuffState.VENTING)) is None

    @pytest.mark.parametrize("silent_s", [0.05, 1.0])
    def test_a_fall_that_nobody_saw_because_the_device_restarted_is_not_believed(
        self, inflating: Interlock, silent_s: float
    ) -> None:
        # an honest cuff may well be empty after 1 s; a kinked one that is full reads the same
        inflating.judge_sample(sample(12.0, 140.0))
        inflating.vent(12.0)
        anew_s = 12.0 + silent_s
        anew = sample(anew_s, 5.0, CuffState.IDLE, device_ms=100)
        assert code(inflating.judge_sample(anew)) == "fast_fall"
        assert not inflating.trusted

    @pytest.mark.parametrize("high_mmhg", [100.0, 30.0])
    @pytest.mark.parametrize(("fell_ms", "found"), [(199, "fast_fall"), (200, None)])
    def test_after_a_restart_only_what_is_seen_of_the_fall_counts(
        self, inflating: Interlock, high_mmhg: float, fell_ms: int, found: str | None
    ) -> None:
        inflating.judge_sample(sample(12.0, 140.0))
        inflating.vent(12.0)
        inflating.judge_sample(sample(12.1, high_mmhg, CuffState.IDLE, device_ms=40))
        low = sample(12.4, 14.9, CuffState.IDLE, device_ms=40 + fell_ms)
        assert code(inflating.judge_sample(low)) == found
        assert inflating.trusted is (found is None)

    @pytest.mark.parametrize("mmhg", [140.0, 3.0])
    def test_what_a_silent_device_repeats_shows_nothing_of_a_fall(
        self, inflating: Interlock, mmhg: float
    ) -> None:
        inflating.judge_sample(sample(12.0, 140.0))
        last = sample(12.1, mmhg)
        inflating.judge_sample(last)
        assert code(inflating.judge_time(12.7)) == "stale_samples"
        inflating.vent(12.7)
        repeated = dataclasses.replace(last, arrival_s=12.8)
        low = sample(13.5, 3.0, CuffState.VENTING)
        faults = [inflating.judge_sample(each) for each in (repeated, low)]
        (fault,) = (found for found in faults if found is not None)
        assert fault.code == "fast_fall"
        assert "seen for 0.00 s" in fault.message
        assert not inflating.trusted

    def test_a_device_that_restarts_with_an_empty_cuff_is_believed(self, armed: Interlock) -> None:
        armed.judge_sample(sample(11.9, 3.0, CuffState.IDLE))
        armed.vent(12.0)
        for device_ms in (40, 110, 180):
            time_s = 12.0 + device_ms / 1000
            low = sample(time_s, 3.0, CuffState.IDLE, device_ms=device_ms)
            assert armed.judge_sample(low) is None
        assert armed.vent_confirmed(12.18)

    @pytest.mark.parametrize("first", ["operator_stop", "task_silent", "device_abort"])
    @pytest.mark.parametrize(("apart_s", "found"), [(0.199, "fast_fall"), (0.2, None)])
    def test_a_kinked_hose_is_found_after_another_fault_and_the_first_one_stays_the_reason(
        self, inflating: Interlock, first: str, apart_s: float, found: str | None
    ) -> None:
        inflating.judge_sample(sample(12.0, 140.0))
        inflating.vent(12.0)
        inflating.latch(
            FaultReport(reason=StopReason.OPERATOR, code=first, time_s=12.0, message="", do="")
        )
        low = sample(12.0 + apart_s, 14.9, CuffState.VENTING)
        fault = inflating.judge_sample(low)
        assert code(fault) == found
        assert fault is None or "disconnect the hose" in fault.do
        assert code(inflating.fault) == first
        assert shown_empty(inflating, 13.0, CuffState.VENTING) is (found is None)

    def test_sensors_that_are_doubted_after_another_fault_are_said_once(
        self, inflating: Interlock
    ) -> None:
        judged(inflating, 200.0, from_s=11.0, to_s=12.1)
        inflating.vent(12.1)
        assert code(inflating.judge_sample(sample(12.2, -60.0))) == "implausible"
        assert inflating.judge_sample(sample(12.22, -60.0)) is None
        assert not inflating.trusted

    def test_two_samples_do_not_show_an_empty_cuff(self, armed: Interlock) -> None:
        armed.vent(10.0)
        for time_s in (10.1, 10.3):
            armed.judge_sample(sample(time_s, 3.0, CuffState.IDLE))
            assert not armed.vent_confirmed(time_s)
        armed.judge_sample(sample(10.35, 3.0, CuffState.IDLE))
        assert armed.vent_confirmed(10.35)

    def test_a_sample_that_is_repeated_may_be_from_before_the_vent(self, armed: Interlock) -> None:
        armed.vent(10.0)
        old = sample(9.9, 3.0, CuffState.IDLE)
        armed.judge_sample(old)
        for tick in range(1, 9):
            armed.judge_sample(dataclasses.replace(old, arrival_s=10.0 + tick / 10))
        assert not armed.vent_confirmed(10.8)

    def test_a_low_pressure_with_a_closed_valve_confirms_nothing(self, armed: Interlock) -> None:
        armed.vent(10.0)
        armed.judge_sample(sample(10.2, 0.0, CuffState.HOLD))
        assert not armed.vent_confirmed(10.2)

    def test_a_valve_that_stays_closed_after_a_vent_is_found_at_once(self) -> None:
        disobeyed_s = 0.3125  # exact in binary
        inflating = interlock_with(disobeyed_s=disobeyed_s)
        inflating.vent(11.0)
        assert inflating.judge_sample(sample(11.0 + disobeyed_s, 130.0)) is None
        assert code(inflating.judge_sample(sample(11.01 + disobeyed_s, 130.0))) == "vent_disobeyed"

    def test_a_pressure_that_rises_after_a_vent_is_a_fault(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(10.9, 130.0))
        inflating.vent(11.0)
        assert inflating.judge_sample(sample(11.3, 150.0, CuffState.VENTING)) is None
        fault = inflating.judge_sample(sample(11.4, 150.1, CuffState.VENTING))
        assert code(fault) == "rising_after_vent"

    def test_a_pressure_that_was_still_rising_may_turn(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(10.9, 60.0))
        inflating.vent(11.0)
        for time_s, mmhg in ((11.1, 120.0), (11.25, 110.0), (11.4, 139.0)):
            assert inflating.judge_sample(sample(time_s, mmhg, CuffState.VENTING)) is None
        fault = inflating.judge_sample(sample(11.5, 141.0, CuffState.VENTING))
        assert code(fault) == "rising_after_vent"

    def test_venting_again_does_not_forgive_a_rise(self, inflating: Interlock) -> None:
        inflating.judge_sample(sample(10.9, 130.0))
        inflating.vent(11.0)
        inflating.judge_sample(sample(11.3, 145.0, CuffState.VENTING))
        inflating.vent(11.4)
        fault = inflating.judge_sample(sample(11.5, 151.0, CuffState.VENTING))
        assert code(fault) == "rising_after_vent"

    def test_a_cuff_that_is_not_empty_after_three_seconds_is_a_fault(
        self, inflating: Interlock
    ) -> None:
        inflating.vent(11.0)
        state = CuffState.VENTING
        assert judged(inflating, 15.1, from_s=11.5, to_s=14.0, state=state, noise=0.0) is None
        assert code(inflating.judge_sample(sample(14.0 + TICK_S, 15.0, state))) == "slow_vent"

    def test_a_cuff_below_fifteen_is_not_slow(self, inflating: Interlock) -> None:
        inflating.vent(11.0)
        assert judged(inflating, 14.9, from_s=11.1, to_s=15.0, state=CuffState.VENTING) is None

    def test_a_cuff_that_does_not_vent_is_a_fault_that_says_disconnect(
        self, idle: Interlock
    ) -> None:
        idle.vent(10.0)
        assert idle.judge_time(20.0) is None
        fault = idle.judge_time(20.1)
        assert code(fault) == "vent_failed"
        assert fault is not None
        assert "disconnect the hose" in fault.do

    def test_a_failed_vent_is_said_once_even_after_another_fault(
        self, inflating: Interlock
    ) -> None:
        judged(inflating, 200.0, from_s=11.0, to_s=12.1)
        inflating.vent(12.1)
        assert inflating.fault is not None
        assert code(inflating.judge_time(22.2)) == "vent_failed"
        assert inflating.judge_time(22.3) is None
        assert inflating.fault.code == "overshoot"

    def test_a_planned_end_leaves_it_armed_and_a_vent_does_not(self, inflating: Interlock) -> None:
        inflating.end(25.0)
        assert shown_empty(inflating, 26.0, CuffState.ARMED)
        assert inflating.phase is Phase.ARMED
        inflating.vent(27.0)
        assert shown_empty(inflating, 27.4, CuffState.ARMED)
        assert inflating.phase is Phase.IDLE

    def test_pressure_that_comes_back_after_a_fault_is_vented_again(
        self, inflating: Interlock
    ) -> None:
        judged(inflating, 200.0, from_s=11.0, to_s=12.1)
        inflating.vent(12.1)
        assert shown_empty(inflating, 13.0, CuffState.IDLE)
        assert judged(inflating, 60.0, from_s=14.0, to_s=15.0, state=CuffState.IDLE) is None
        assert inflating.pressure_is_back

    def test_pressure_that_is_still_there_has_not_come_back(self, inflating: Interlock) -> None:
        judged(inflating, 200.0, from_s=11.0, to_s=12.1)
        inflating.vent(12.1)
        for mmhg in (190.0, 3.0):
            inflating.judge_sample(sample(12.2, mmhg, CuffState.VENTING))
            assert not inflating.pressure_is_back

    def test_an_empty_cuff_after_a_fault_has_no_pressure_that_came_back(
        self, inflating: Interlock
    ) -> None:
        judged(inflating, 200.0, from_s=11.0, to_s=12.1)
        inflating.vent(12.1)
        assert shown_empty(inflating, 13.0, CuffState.IDLE)
        inflating.judge_sample(sample(14.0, 3.0, CuffState.IDLE))
        assert not inflating.pressure_is_back


class TestTime:
    def test_silence_of_the_pressure_is_a_lost_link(self, armed: Interlock) -> None:
        armed.judge_sample(sample(1.0, 0.0, CuffState.ARMED))
        assert armed.judge_time(1.5) is None
        fault = armed.judge_time(1.51)
        assert fault is not None
        assert (fault.code, fault.reason) == ("stale_samples", StopReason.CUFF_LINK_LOST)

    def test_a_device_that_never_says_a_pressure_is_found_from_arming_on(
        self, armed: Interlock
    ) -> None:
        assert armed.judge_time(0.5) is None
        assert code(armed.judge_time(0.51)) == "stale_samples"

    def test_a_frozen_device_that_repeats_itself_is_silent(self, armed: Interlock) -> None:
        for index in range(30):
            armed.judge_sample(sample(1.0 + index * 0.02, 0.0, CuffState.ARMED, device_ms=1000))
        assert code(armed.judge_time(1.6)) == "stale_samples"

    def test_an_unarmed_device_may_be_silent(self, idle: Interlock) -> None:
        assert idle.judge_time(1000.0) is None

    def test_an_inflation_that_goes_on_past_its_end_is_a_fault(self, inflating: Interlock) -> None:
        judged(inflating, 140.0, from_s=24.9, to_s=25.3)
        assert inflating.judge_time(25.3) is None
        assert code(inflating.judge_time(25.31)) == "overrun"

    def test_a_silent_task_is_found_after_the_patience(self) -> None:
        judge = interlock_with(patience_s=0.5, stale_s=1e9)
        assert judge.arm(3.0) is None
        assert judge.judge_time(3.5) is None
        judge.task_alive(3.5)
        assert judge.judge_time(4.0) is None
        fault = judge.judge_time(4.01)
        assert fault is not None
        assert (fault.code, fault.reason) == ("task_silent", StopReason.TASK_SILENT)

    def test_only_the_first_fault_counts(self, armed: Interlock) -> None:
        first = armed.judge_sample(sample(1.0, math.nan))
        assert first is not None
        assert armed.judge_time(9.0) is None
        assert armed.fault is first
        assert armed.phase is Phase.FAULT


class TestCommands:
    @pytest.mark.parametrize("target_mmhg", [15.0, 250.0])
    def test_the_limits_themselves_are_allowed(self, armed: Interlock, target_mmhg: float) -> None:
        assert armed.judge_load(program(target_mmhg=target_mmhg), 9.0) is None

    @pytest.mark.parametrize("target_mmhg", [14.9, 250.1, 0.0, -1.0, math.nan, math.inf])
    def test_a_pressure_outside_is_refused(self, armed: Interlock, target_mmhg: float) -> None:
        refusal = armed.judge_load(program(target_mmhg=target_mmhg), 9.0)
        assert refusal is not None
        assert "outside 15 to 250" in refusal

    def test_the_device_may_have_the_lower_ceiling(self) -> None:
        judge = Interlock(
            InterlockSettings(), limits=Limits(ceiling_mmhg=250.0), device_ceiling_mmhg=100.0
        )
        judge.arm(0.0)
        assert "outside 15 to 100" in str(judge.judge_load(program(target_mmhg=101.0), 0.0))

    @pytest.mark.parametrize(("on_s", "good"), [(90.0, True), (90.1, False), (0.0, False)])
    def test_an_inflation_has_a_longest_time(
        self, armed: Interlock, on_s: float, good: bool
    ) -> None:
        assert (armed.judge_load(program(on_s=on_s), 9.0) is None) is good

    @pytest.mark.parametrize(
        ("rise_s", "good"), [(0.0, True), (15.0, True), (15.1, False), (-0.1, False)]
    )
    def test_a_rise_ends_before_the_inflation_does(
        self, armed: Interlock, rise_s: float, good: bool
    ) -> None:
        assert (armed.judge_load(program(rise_s=rise_s), 9.0) is None) is good

    @pytest.mark.parametrize(("late_s", "good"), [(TOO_LATE_S, True), (TOO_LATE_S + 0.001, False)])
    def test_a_program_is_handed_over_before_it_is_due(
        self, armed: Interlock, late_s: float, good: bool
    ) -> None:
        assert (armed.judge_load(program(onset_s=20.0 - late_s), 20.0) is None) is good

    @pytest.mark.parametrize(("now_s", "good"), [(10.0 + TOO_LATE_S, True), (10.06, False)])
    def test_a_late_inflation_is_a_wrong_one(
        self, armed: Interlock, now_s: float, good: bool
    ) -> None:
        assert (armed.inflate(program(), now_s) is None) is good

    def test_the_rest_is_counted_from_the_empty_cuff(self, inflating: Interlock) -> None:
        inflating.end(25.0)
        assert shown_empty(inflating, 27.0, CuffState.ARMED)
        assert inflating.judge_load(program(onset_s=57.0), 50.0) is None
        refusal = str(inflating.judge_load(program(onset_s=56.9), 50.0))
        assert "30 s are needed" in refusal
        assert inflating.inflate(program(onset_s=57.0), 57.0) is None

    def test_before_the_first_inflation_there_is_nothing_to_rest_from(
        self, armed: Interlock
    ) -> None:
        armed.judge_sample(sample(5.0, 15.2, CuffState.ARMED))
        assert armed.judge_load(program(onset_s=10.0), 6.0) is None

    def test_what_is_left_in_the_cuff_is_no_rest(self, inflating: Interlock) -> None:
        inflating.end(25.0)
        assert shown_empty(inflating, 27.0, CuffState.ARMED)
        inflating.judge_sample(sample(40.0, 15.0, CuffState.ARMED))
        assert "30 s are needed" in str(inflating.judge_load(program(onset_s=69.9), 60.0))
        assert inflating.judge_load(program(onset_s=70.0), 60.0) is None

    @pytest.mark.parametrize(("mmhg", "found"), [(14.9, None), (15.0, "unasked_pressure")])
    def test_a_little_pressure_does_not_stay_for_long(
        self, armed: Interlock, mmhg: float, found: str | None
    ) -> None:
        until_then = judged(armed, mmhg, from_s=1.0, to_s=11.0, state=CuffState.ARMED, noise=0.0)
        assert until_then is None
        after = judged(armed, mmhg, from_s=11.1, to_s=11.2, state=CuffState.ARMED, noise=0.0)
        assert code(after) == found

    @pytest.mark.parametrize(("onset_s", "good"), [(30.0 - TOO_LATE_S, True), (29.94, False)])
    def test_the_rest_may_be_as_much_shorter_as_a_command_may_be_late(
        self, onset_s: float, good: bool
    ) -> None:
        judge = interlock_with()
        judge.arm(-30.0)
        judge.inflate(program(onset_s=-20.0), -20.0)
        judge.end(-5.0)
        assert shown_empty(judge, 0.0, CuffState.ARMED)
        assert (judge.judge_load(program(onset_s=onset_s), 20.0) is None) is good

    def test_the_rest_is_judged_again_when_the_inflation_begins(self, inflating: Interlock) -> None:
        next_one = program(onset_s=55.5)
        assert inflating.judge_load(next_one, 24.0) is None  # 30.5 s after the planned end
        inflating.end(25.0)
        assert shown_empty(inflating, 27.0, CuffState.ARMED)
        assert "only 28.5 s" in str(inflating.inflate(next_one, 55.5))

    def test_a_cuff_that_is_still_emptying_is_not_inflated(self) -> None:
        judge = interlock_with(limits=Limits(gap_s=0.1))
        judge.arm(0.0)
        judge.inflate(PROGRAM, 10.0)
        judge.end(25.0)
        assert judge.inflate(program(onset_s=26.0), 26.0) == "the cuff is not empty yet"

    @pytest.mark.parametrize(("onset_s", "good"), [(30.0, True), (29.9, False)])
    def test_the_rest_after_the_run_before_is_kept_too(self, onset_s: float, good: bool) -> None:
        judge = interlock_with(given=Given(inflations=1, inflated_s=15.0, emptied_s=0.0))
        judge.arm(10.0)
        assert (judge.judge_load(program(onset_s=onset_s), 20.0) is None) is good

    def test_the_session_budget_counts_inflations(self) -> None:
        limits, given = Limits(session_inflations=5), Given(inflations=4)
        judge = interlock_with(limits=limits, given=given)
        judge.arm(0.0)
        assert judge.judge_load(program(), 9.0) is None
        judge.inflate(PROGRAM, 10.0)
        assert "5 inflations are used up" in str(judge.judge_load(program(onset_s=80.0), 70.0))

    def test_the_session_budget_counts_inflated_seconds(self) -> None:
        limits, given = Limits(session_inflated_s=100.0), Given(inflated_s=70.0)
        judge = interlock_with(limits=limits, given=given)
        judge.arm(0.0)
        assert judge.judge_load(program(on_s=30.0), 9.0) is None
        assert judge.judge_load(program(on_s=30.1), 9.0) is not None
        judge.inflate(PROGRAM, 10.0)
        assert "100 s inflated" in str(judge.judge_load(program(onset_s=80.0, on_s=16.0), 70.0))

    def test_nothing_inflates_unarmed(self, idle: Interlock) -> None:
        assert idle.judge_load(PROGRAM, 9.0) == "the cuff is not armed"
        assert idle.inflate(PROGRAM, 10.0) == "the cuff is not armed"

    def test_a_latched_fault_refuses_arming(self, armed: Interlock) -> None:
        armed.judge_sample(sample(1.0, math.nan))
        assert armed.arm(2.0) == "a fault is latched: start a new run"
        assert armed.judge_load(PROGRAM, 2.0) == "a fault is latched: start a new run"


class TestWithoutMeasuredPressure:
    def test_silence_is_not_judged_but_time_is(self) -> None:
        judge = interlock_with(measures=False)
        judge.arm(0.0)
        assert judge.judge_time(9.0) is None
        judge.inflate(PROGRAM, 10.0)
        assert code(judge.judge_time(25.31)) == "overrun"

    def test_a_vent_is_over_after_three_seconds_that_nobody_measured(self) -> None:
        judge = interlock_with(measures=False)
        judge.arm(0.0)
        judge.vent(10.0)
        assert not judge.vent_confirmed(12.9)
        assert judge.vent_confirmed(13.0)
        assert judge.judge_time(30.0) is None


class TestTable:
    def test_each_rule_reads_settings_that_exist(self) -> None:
        fields = {field.name for field in dataclasses.fields(InterlockSettings)}
        assert {name for rule in RULES for name in rule.settings} == fields

    def test_each_rule_has_one_code(self) -> None:
        assert len(RULE) == len(RULES)
