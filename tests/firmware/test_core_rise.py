"""How the firmware's core judges a pressure that rises, or does not, to its tick and tenth."""

import pytest
from core_bench import TARGET, Core, both, faults, feeding, held

from hardware.codec import cuff1_table as table

TICK = table.TICK_MS


# -- rise


@pytest.mark.parametrize("off", [table.AT_TARGET_TENTHS, -table.AT_TARGET_TENTHS])
def test_at_target_is_within_5_mmhg_and_not_beyond(core: Core, off: int) -> None:
    feeding(core, TARGET - 100)
    core.at(TARGET + off + (1 if off > 0 else -1), 500)
    assert core.state == "inflating"
    core.at(TARGET + off, TICK)
    assert core.state == "hold"


def test_a_target_is_not_reached_before_its_ramp_is_over(core: Core) -> None:
    feeding(core, 0, rise_ms=1000)
    core.at(TARGET, 0)
    for _ in range(199):
        core.at(core.status().target_tenths, TICK)
        assert core.state == "inflating"
    core.at(TARGET, TICK)
    assert core.state == "hold"


def test_a_cuff_that_is_fed_and_does_not_rise_leaks(core: Core) -> None:
    feeding(core, 0)
    core.air.still = False  # its sensors live
    said = core.run(table.NO_RISE_MS)
    assert faults(core, said) == []
    assert faults(core, core.run(TICK)) == ["leak"]


def test_sensors_that_repeat_themselves_exactly_are_stuck(core: Core) -> None:
    feeding(core, 0)
    assert faults(core, core.at(0, table.NO_RISE_MS + TICK)) == ["stuck"]


@pytest.mark.parametrize(("repeats", "fault"), [(99, "leak"), (100, "stuck")])
def test_sensors_are_stuck_after_half_a_second(core: Core, repeats: int, fault: str) -> None:
    feeding(core, 0)
    last = table.NO_RISE_MS // TICK
    for n in range(last + 1):
        if n % 10 == 0:
            core.heart()
        reading = 820 + min(n, last - repeats) % 2
        core.c.harness_tick(reading, reading, 0, 0)
    assert core.fault == fault


@pytest.mark.parametrize("which", [0, 1])
def test_one_sensor_that_lives_is_enough_not_to_be_stuck(core: Core, which: int) -> None:
    feeding(core, 0)
    for n in range(table.NO_RISE_MS // TICK + 1):
        if n % 10 == 0:
            core.heart()
        core.c.harness_tick(820 + (n % 2) * (which == 0), 820 + (n % 2) * (which == 1), 0, 0)
    assert core.fault == "leak"


@pytest.mark.parametrize(("step", "leaks"), [(table.NO_RISE_TENTHS, False), (19, True)])
def test_a_rise_of_2_mmhg_in_one_and_a_half_seconds_is_enough(
    core: Core, step: int, leaks: bool
) -> None:
    feeding(core, 0)
    said = []
    for n in range(1, 5):
        said += core.at(n * step, table.NO_RISE_MS)
    assert faults(core, said) == (["leak"] if leaks else [])


def test_a_fall_is_no_rise(core: Core) -> None:
    feeding(core, 0)
    core.at(500, 100)
    said = core.at(300, table.NO_RISE_MS - 100) + core.at(519, TICK)
    assert faults(core, said) == []
    assert faults(core, core.at(519, TICK)) == ["leak"]


def test_only_what_is_30_mmhg_behind_has_to_rise(core: Core) -> None:
    feeding(core, TARGET - table.OFF_TARGET_TENTHS)
    for n in range(4):  # no sensor stands still for long
        near = TARGET - table.OFF_TARGET_TENTHS + n % 2
        assert faults(core, core.at(near, 1300)) == []
    said = core.at(TARGET - table.OFF_TARGET_TENTHS, TICK)
    said += core.at(TARGET - table.OFF_TARGET_TENTHS - 1, table.NO_RISE_MS)
    assert faults(core, said) == []
    said = core.at(TARGET - table.OFF_TARGET_TENTHS - 1, TICK)
    assert faults(core, said) == ["stuck"]


def test_a_pressure_that_creeps_is_a_leak_after_8_s_behind(core: Core) -> None:
    feeding(core, 0, rise_ms=50_000)
    core.at(0, 0)
    for n in range(2500):
        near = core.status().target_tenths - table.OFF_TARGET_TENTHS + 2
        core.at(max(0, near) + n % 2, TICK)
    assert core.state == "inflating"
    said, steps = [], 0
    behind = core.air.tenths - 4
    while not faults(core, said):
        said = core.at(behind + steps // 200 * 25 + steps % 2, TICK)
        steps += 1
    assert steps * TICK == table.INFLATE_MS_MAX + TICK
    assert core.fault == "leak"


@pytest.mark.parametrize("rise_ms", [0, 3000])
def test_a_target_that_is_not_reached_8_s_after_its_ramp_is_a_leak(
    core: Core, rise_ms: int
) -> None:
    feeding(core, 0, rise_ms=rise_ms)
    said = []
    for _ in range((rise_ms + table.INFLATE_MS_MAX) // TICK):
        asked = core.status().target_tenths
        said += core.at(max(0, asked - 200 + core.air.ms // TICK % 2), TICK)
        if core.air.ms % 50 == 0:
            core.heart()
    assert faults(core, said) == []
    assert core.state == "inflating"
    core.air.still = False
    core.air.fixed = True
    assert len(faults(core, core.run(TICK))) == 1


@pytest.mark.parametrize("short", [300, 301])
def test_a_held_pressure_that_is_lost_counts_at_the_second_sample(core: Core, short: int) -> None:
    held(core)
    lost = short > table.OFF_TARGET_TENTHS
    assert faults(core, core.at(TARGET - short, TICK)) == []
    assert faults(core, core.at(TARGET, TICK)) == []
    assert faults(core, core.at(TARGET - short, TICK)) == []
    assert faults(core, core.at(TARGET - short, TICK)) == (["leak"] if lost else [])
    assert (core.state == "hold") is not lost


def test_one_sensor_that_falls_is_no_leak(core: Core) -> None:
    held(core)
    assert faults(core, both(core, TARGET - 310, TARGET, 15)) == []
    assert faults(core, both(core, TARGET, TARGET - 310, 4)) == []
