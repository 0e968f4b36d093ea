"""When the firmware's core vents by itself: lease, ceilings, sensors, each to its tick and tenth."""

import ctypes

import pytest
from core_bench import SAFE, TARGET, Core, both, faults, held

from hardware.codec import cuff1_table as table

TICK = table.TICK_MS
SUMS = 8 * 1023
"""Of the eight conversions of a tick, at most."""


# -- lease


@pytest.mark.parametrize("lease_ms", [table.LEASE_MS_MIN, 250, table.LEASE_MS])
@pytest.mark.parametrize("state", ["armed", "inflating", "hold", "selftest"])
def test_it_vents_when_the_lease_is_over_and_not_before(
    core: Core, state: str, lease_ms: int
) -> None:
    core.run(10)
    assert core.take("LEASE", lease_ms).value == lease_ms
    core.to(state)
    core.air.fixed = True
    core.heart()
    assert faults(core, core.run(lease_ms - TICK, beating=False)) == []
    assert core.state == state
    assert faults(core, core.run(TICK, beating=False)) == ["host_lost"]
    assert core.outputs.valves == SAFE
    assert core.outputs.drive == 0


@pytest.mark.parametrize("state", ["idle", "venting"])
def test_a_cuff_that_is_let_go_needs_no_heart(core: Core, state: str) -> None:
    core.to(state)
    core.air.fixed = True
    assert faults(core, core.run(2000, beating=False)) == []
    assert core.state == state


def test_a_beat_that_repeats_itself_is_none(core: Core) -> None:
    core.to("armed")
    for _ in range(table.LEASE_MS // TICK):
        core.beat -= 1
        core.heart()
        core.run(TICK, beating=False)
    assert core.fault == "host_lost"


def test_the_first_beat_counts_whatever_its_number(core: Core) -> None:
    for beat in (0, 255):
        core.boot()
        core.beat = beat - 1
        core.heart()
        assert core.status().heartbeat_age_ms == 0
        core.run(TICK, beating=False)
        assert core.status().heartbeat_age_ms == TICK


def test_the_age_of_the_heartbeat_stops_at_its_largest(core: Core) -> None:
    assert core.status().heartbeat_age_ms == 65_535
    core.heart()
    core.run(65_525, beating=False)
    assert core.status().heartbeat_age_ms == 65_525
    core.run(TICK, beating=False)
    assert core.status().heartbeat_age_ms == 65_530
    core.run(6 * TICK, beating=False)
    assert core.status().heartbeat_age_ms == 65_535


def test_other_commands_do_not_renew_the_lease(core: Core) -> None:
    core.to("armed")
    core.heart()
    for _ in range(table.LEASE_MS // TICK):
        core.take("PING")
        core.run(TICK, beating=False)
    assert core.fault == "host_lost"


# -- too high


def test_the_ceiling_counts_on_either_sensor_at_the_second_sample(core: Core) -> None:
    for first, second in ((3001, 2990), (2990, 3001)):
        core.boot()
        held(core, target=3000)
        assert faults(core, both(core, 3000, 3000, 50)) == []
        assert faults(core, both(core, first, second, 1)) == []
        assert faults(core, both(core, 3000, 3000, 2)) == []
        assert faults(core, both(core, first, second, 1)) == []
        assert faults(core, both(core, first, second, 1)) == ["overpressure"]
        assert core.outputs.valves == SAFE


@pytest.mark.parametrize("state", ["idle", "armed", "venting"])
def test_the_ceiling_counts_in_every_state(core: Core, state: str) -> None:
    core.to(state)
    assert faults(core, core.at(3001, 2 * TICK)) == ["overpressure"]


def test_in_a_fault_nothing_is_judged_again(core: Core) -> None:
    core.to("fault")
    assert faults(core, core.at(4400, 1000)) == []
    assert core.fault == "host_lost"


@pytest.mark.parametrize("state", ["inflating", "hold"])
def test_far_above_the_target_counts_at_the_second_sample(core: Core, state: str) -> None:
    if state == "hold":
        held(core)
    else:
        core.to("armed")
        core.take("GO", TARGET, 60_000, 0)
    high = TARGET + table.OFF_TARGET_TENTHS
    assert faults(core, core.at(high, 50 * TICK)) == []
    assert faults(core, core.at(high + 1, TICK)) == []
    assert faults(core, core.at(high, TICK)) == []
    assert faults(core, core.at(high + 1, TICK)) == []
    assert core.state == state
    assert faults(core, core.at(high + 1, TICK)) == ["overpressure"]


def test_far_above_a_ramp_is_far_above_its_momentary_target(core: Core) -> None:
    core.to("armed")
    core.take("GO", TARGET, 60_000, 14_000)
    core.at(100, 1500)
    core.at(101, 1500)
    asked = core.status().target_tenths
    assert asked == 300
    assert faults(core, core.at(asked + 302, TICK)) == []
    assert faults(core, core.at(asked + 303, TICK)) == ["overpressure"]


# -- sensors


@pytest.mark.parametrize("state", ["idle", "armed", "hold", "venting"])
@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize(
    ("good", "bad"), [(table.SENSOR_TENTHS_MIN, -251), (table.SENSOR_TENTHS_MAX, 4251)]
)
def test_a_sensor_beyond_its_range_counts_at_the_fourth_sample(
    core: Core, state: str, which: str, good: int, bad: int
) -> None:
    held(core) if state == "hold" else core.to(state)
    other = core.air.tenths

    def lone(reading: float, ticks: int) -> list[str]:
        pair = (reading, other) if which == "first" else (other, reading)
        return faults(core, both(core, *pair, ticks))

    if good < 0:
        assert lone(good, table.DISAGREE_SAMPLES - 1) == []
        assert lone(other, 2 * table.DISAGREE_SAMPLES) == []
    assert lone(bad, table.RANGE_SAMPLES - 1) == []
    assert lone(other, 2 * table.RANGE_SAMPLES) == []
    assert lone(bad, table.RANGE_SAMPLES - 1) == []
    assert lone(bad, 1) == ["sensor_range"]
    assert core.outputs.valves == SAFE


def test_one_sensor_at_the_end_of_its_range_is_pressure(core: Core) -> None:
    core.run(100)
    assert faults(core, both(core, table.SENSOR_TENTHS_MAX, 0, 1)) == []
    assert faults(core, both(core, table.SENSOR_TENTHS_MAX, 0, 1)) == ["overpressure"]


def test_both_sensors_beyond_full_scale_are_pressure(core: Core) -> None:
    held(core)
    assert faults(core, both(core, 4251, 4251, 1)) == []
    assert faults(core, both(core, 4251, 4251, 1)) == ["overpressure"]


def test_one_sensor_short_and_one_open_is_no_pressure(core: Core) -> None:
    core.run(100)
    assert faults(core, both(core, 4495, -500, table.RANGE_SAMPLES)) == ["sensor_range"]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("state", ["idle", "armed", "hold", "venting"])
def test_sensors_too_far_apart_for_100_ms_disagree(core: Core, state: str, sign: int) -> None:
    held(core, target=1000) if state == "hold" else core.to(state)
    middle = 1000 if state in ("hold", "venting") else 0
    half = table.DISAGREE_TENTHS // 2 * sign

    def apart(more: int, ticks: int) -> list[str]:
        return faults(core, both(core, middle - half, middle + half + more * sign, ticks))

    assert apart(0, 60) == []
    assert apart(1, table.DISAGREE_SAMPLES - 1) == []
    assert apart(0, 2 * table.DISAGREE_SAMPLES) == []
    assert apart(1, table.DISAGREE_SAMPLES - 1) == []
    assert apart(1, 1) == ["sensor_disagree"]


def test_every_sum_of_conversions_reads_as_the_middle_of_its_step(core: Core) -> None:
    core.c.sensors_first.restype = ctypes.c_int16
    for total in range(SUMS + 1):
        core.c.sensors_take(total, 0)
        millivolts = (2 * total + 8) * 5000 // (2 * 8 * 1024)
        assert core.c.sensors_first() == millivolts - 500, (
            total
        )  # 0.1 mmHg is 1 mV, as pins.h has it
