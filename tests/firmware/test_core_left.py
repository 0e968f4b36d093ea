"""Pressure that nobody asked for, alarms that are hushed, and faults that flicker, to their tick."""

import itertools

import pytest
from core_bench import SAFE, TARGET, Core, both, faults, feeding, held

from hardware.codec import cuff1_table as table

TICK = table.TICK_MS


# -- pressure with both paths open


@pytest.mark.parametrize("state", ["idle", "armed"])
def test_much_of_it_counts_after_100_ms_and_a_kick_does_not(core: Core, state: str) -> None:
    core.to(state)
    limit, ms = table.LEFT_TENTHS, table.LEFT_SAMPLES * TICK
    assert faults(core, core.at(limit, 1000)) == []
    assert faults(core, core.at(limit + 1, ms - TICK)) == []
    assert faults(core, core.at(0, 2 * ms)) == []
    assert faults(core, core.at(limit + 1, ms - TICK)) == []
    assert core.state == state
    assert faults(core, core.at(limit + 1, TICK)) == ["vent_fail"]
    assert core.outputs.valves == SAFE


@pytest.mark.parametrize("state", ["idle", "armed", "venting"])
def test_a_little_of_it_counts_after_its_time_and_begins_anew_when_empty(
    core: Core, state: str
) -> None:
    core.to(state)
    assert faults(core, core.at(150, table.VENT_MS_MAX)) == []
    if state != "venting":
        core.at(149, TICK)
        assert faults(core, core.at(150, table.VENT_MS_MAX)) == []
    assert faults(core, core.at(150, TICK)) == ["vent_fail"]


def test_what_is_left_in_a_vent_does_not_count_against_the_rest_that_follows(core: Core) -> None:
    core.to("venting")
    core.at(1400, 500)
    core.at(149, TICK)
    assert core.state == "armed"
    assert faults(core, core.at(149, 1000)) == []


@pytest.mark.parametrize("reset", ["power_on", "reset_pin", "brown_out"])
def test_a_boot_is_venting_until_the_cuff_is_empty(core: Core, reset: str) -> None:
    core.boot(reset)
    assert core.state == "venting"
    assert faults(core, core.at(150, table.VENT_MS_MAX)) == []
    assert (core.state, core.outputs.valves) == ("venting", SAFE)
    assert faults(core, core.at(150, TICK)) == ["vent_fail"]
    core.boot(reset)
    core.at(149, TICK)
    assert core.state == "idle"


def test_a_fault_that_does_not_vent_says_so_once_and_voids_the_self_test(core: Core) -> None:
    core.to("hold")
    core.heart()
    assert faults(core, core.at(TARGET, table.LEASE_MS, beating=False)) == ["host_lost"]
    core.at(TARGET, TICK)
    assert core.status().has("selftest_passed")
    assert faults(core, core.at(150, table.VENT_MS_MAX - TICK)) == []
    assert faults(core, core.at(150, TICK)) == ["vent_fail"]
    assert faults(core, core.at(150, 3 * table.VENT_MS_MAX)) == []
    assert core.fault == "host_lost"
    core.at(0, TICK)
    core.take("CLEAR")
    assert not core.status().has("selftest_passed")
    assert faults(core, core.at(150, table.VENT_MS_MAX + TICK)) == ["vent_fail"]


def test_a_broken_wire_in_a_fault_is_no_pressure(core: Core) -> None:
    core.to("idle")
    assert faults(core, both(core, -500, 0, table.RANGE_SAMPLES)) == ["sensor_range"]
    assert faults(core, both(core, -500, 0, 2 * table.VENT_MS_MAX // TICK)) == []


@pytest.mark.parametrize("silent_ms", [table.LEASE_MS - TICK, table.LEASE_MS])
def test_a_vent_that_loses_its_heart_does_not_end_armed(core: Core, silent_ms: int) -> None:
    core.to("venting")
    core.heart()
    core.at(200, silent_ms, beating=False)
    core.at(200, 500)
    core.at(0, TICK)
    assert core.state == ("armed" if silent_ms < table.LEASE_MS else "idle")


# -- after a fault


@pytest.mark.parametrize(
    ("readings", "says"),
    [((0, 250), "sensor_disagree"), ((4251, 4251), "overpressure"), ((4251, 0), "sensor_range")],
)
def test_a_fault_of_the_sensors_is_over_when_they_are_sound_again(
    core: Core, readings: tuple[int, int], says: str
) -> None:
    core.to("idle")
    assert faults(core, both(core, *readings, 30)) == [says]
    both(core, 0, 0, 60)
    core.take("CLEAR")
    assert faults(core, both(core, 0, 0, 60)) == []
    assert core.state == "idle"


def test_before_the_first_reading_the_cuff_is_not_known_to_be_empty(core: Core) -> None:
    core.run(100)
    core.boot("watchdog")
    assert core.refused("CLEAR") == "not_empty"
    both(core, 0, 0, 1)
    core.take("CLEAR")
    assert core.state == "idle"


# -- hush


def sounds(core: Core, tenths: float, ms: int = 2100) -> int:
    return sum((core.at(tenths, TICK), core.outputs.buzzer)[1] for _ in range(ms // TICK))


MEDIUM_PULSES, HIGH_PULSES = 3, 8
"""In 2048 ms."""


def pulses(core: Core, tenths: float) -> int:
    heard = [(core.at(tenths, TICK), core.outputs.buzzer)[1] for _ in range(2048 // TICK + 1)]
    return sum(now > before for before, now in itertools.pairwise(heard))


def test_a_vent_that_failed_after_another_fault_sounds_high_also_when_the_cuff_is_empty(
    core: Core,
) -> None:
    core.to("hold")
    core.heart()
    assert faults(core, core.at(TARGET, table.LEASE_MS, beating=False)) == ["host_lost"]
    assert pulses(core, 0) == MEDIUM_PULSES
    assert faults(core, core.at(150, table.VENT_MS_MAX + TICK)) == ["vent_fail"]
    assert pulses(core, 0) == HIGH_PULSES
    assert core.fault == "host_lost"


def test_a_vent_that_failed_is_told_anew_in_the_next_fault(core: Core) -> None:
    core.to("hold")
    core.heart()
    core.at(TARGET, table.LEASE_MS, beating=False)
    assert faults(core, core.at(150, table.VENT_MS_MAX + TICK)) == ["vent_fail"]
    core.at(0, TICK)
    core.take("CLEAR")
    core.air.loop_open = True
    assert faults(core, core.at(0, TICK)) == ["abort"]
    core.air.loop_open = False
    assert pulses(core, 0) == MEDIUM_PULSES
    assert faults(core, core.at(150, table.VENT_MS_MAX + TICK)) == ["vent_fail"]


def test_pressure_left_at_rest_is_counted_anew_after_each_program(core: Core) -> None:
    core.to("armed")
    limit, ms = table.LEFT_TENTHS, table.LEFT_SAMPLES * TICK
    assert faults(core, core.at(limit + 1, ms - TICK)) == []
    core.at(0, TICK)
    core.take("GO", 1400, 100, 0)
    core.at(0, 150)
    assert core.state == "armed"
    assert faults(core, core.at(limit + 1, ms - TICK)) == []
    assert faults(core, core.at(limit + 1, TICK)) == ["vent_fail"]


def test_a_hushed_alarm_sounds_when_it_gets_worse_and_stays_silent_when_it_gets_better(
    core: Core,
) -> None:
    core.to("fault")
    core.at(100, TICK)
    core.take("HUSH")
    assert sounds(core, 100) == 0
    assert sounds(core, 150) > 180
    core.take("HUSH")
    assert sounds(core, 150) == 0
    assert sounds(core, 100) == 0
    assert sounds(core, 150) > 180


def test_an_alarm_of_high_priority_is_hushed_for_a_minute(core: Core) -> None:
    core.to("fault")
    core.at(150, table.VENT_MS_MAX + 1000)
    core.take("HUSH")
    assert sounds(core, 150, table.HUSH_HIGH_MS - TICK) == 0
    assert not core.status().has("buzzer")
    core.at(150, TICK)
    assert core.status().has("buzzer")
    assert sounds(core, 150) > 180


def test_one_of_medium_priority_is_hushed_for_as_long_as_it_lasts(core: Core) -> None:
    core.to("fault")
    core.at(100, TICK)
    core.take("HUSH")
    assert sounds(core, 100, 2 * table.HUSH_HIGH_MS) == 0


def test_a_hush_without_an_alarm_silences_nothing_that_comes(core: Core) -> None:
    core.to("idle")
    core.take("HUSH")
    core.air.loop_open = True
    core.run(TICK)
    assert core.status().has("buzzer")
    assert sounds(core, 0) > 90


def test_a_failed_vent_sounds_though_the_alarm_before_it_was_hushed(core: Core) -> None:
    core.to("hold")
    core.at(TARGET, table.LEASE_MS, beating=False)
    core.at(TARGET, 1000)
    core.take("HUSH")
    assert sounds(core, TARGET) == 0
    assert faults(core, core.at(TARGET, table.VENT_MS_MAX)) == ["vent_fail"]
    assert core.status().has("buzzer")


# -- what flickers


@pytest.mark.parametrize(
    ("bad", "good", "apart", "fault"),
    [
        (1, 1, 0, "overpressure"),
        (3, 1, -4000, "sensor_range"),
        (19, 1, -250, "sensor_disagree"),
        (1, 2, 0, None),
    ],
)
def test_a_fault_that_flickers_is_found_if_it_is_there_more_than_a_third_of_the_time(
    core: Core, bad: int, good: int, apart: int, fault: str | None
) -> None:
    held(core)
    said = []
    for n in range(200):  # no sensor stands still
        said += both(
            core,
            2800 if not apart else TARGET + n % 2,
            (2800 if not apart else TARGET) + apart,
            bad,
        )
        said += both(core, TARGET, TARGET, good)
    assert faults(core, said)[:1] == ([fault] if fault else [])


# -- under pressure


@pytest.mark.parametrize("state", ["inflating", "hold"])
def test_two_sensors_that_repeat_themselves_under_pressure_are_stuck(
    core: Core, state: str
) -> None:
    if state == "hold":
        held(core)
    else:
        feeding(core, 0, rise_ms=60_000)
    core.at(TARGET + 1 if state == "hold" else 1, TICK)
    reading = TARGET if state == "hold" else 0
    core.at(reading, TICK)  # the first of its kind
    assert faults(core, core.at(reading, table.STILL_PRESSED_MS - TICK)) == []
    assert core.state == state
    assert faults(core, core.at(reading, TICK)) == ["stuck"]
    assert core.outputs.valves == SAFE


def test_an_empty_cuff_whose_sensors_were_quiet_before_is_not_stuck_at_once(core: Core) -> None:
    core.to("armed")
    core.at(0, 2 * table.STILL_PRESSED_MS)
    core.take("GO", TARGET, 60_000, 60_000)
    assert faults(core, core.at(0, table.STILL_PRESSED_MS - TICK)) == []
    assert faults(core, core.at(0, TICK)) == ["stuck"]


@pytest.mark.parametrize("state", ["idle", "armed", "venting"])
def test_without_pressure_they_may_be_still(core: Core, state: str) -> None:
    core.to(state)
    core.at(160 if state == "venting" else 0, 3 * table.STILL_PRESSED_MS)
    assert core.state == state


@pytest.mark.parametrize(("site", "session"), [(3000, 1200), (1200, 1200)])
def test_a_pressure_stays_20_mmhg_above_the_smaller_ceiling_at_most(
    core: Core, site: int, session: int
) -> None:
    core.boot(site=site)
    core.armed(session)
    core.take("GO", 1200, 60_000, 0)
    core.run(2000)
    limit = 1200 + table.OVERSHOOT_TENTHS
    assert faults(core, core.at(limit, 500)) == []
    assert faults(core, core.at(limit + 1, TICK)) == []
    assert faults(core, core.at(limit + 1, TICK)) == ["overpressure"]


@pytest.mark.parametrize(
    ("target", "lost"), [(150, 75), (300, 150), (599, 300), (600, 300), (900, 600)]
)
def test_a_held_pressure_is_lost_30_mmhg_below_or_at_half(
    core: Core, target: int, lost: int
) -> None:
    held(core, target=target)
    assert faults(core, core.at(lost, 500)) == []
    assert faults(core, core.at(lost - 1, TICK)) == []
    assert faults(core, core.at(lost - 1, TICK)) == ["leak"]
