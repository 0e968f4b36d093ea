"""How an inflation ends: its time, an empty cuff, the participant."""

import pytest
from core_bench import FED, SAFE, TARGET, Core, both, faults, held

from hardware.codec import cuff1_table as table

TICK = table.TICK_MS


# -- ends


@pytest.mark.parametrize("on_ms", [1, 5, 6, 2500])
def test_a_program_ends_at_its_time(core: Core, on_ms: int) -> None:
    core.to("armed")
    core.take("GO", TARGET, on_ms, 0)
    ticks = -(-on_ms // TICK)
    for n in range(ticks):
        assert core.outputs.valves == FED, n
        core.run(TICK)
    assert core.outputs.valves == SAFE
    assert core.state in ("venting", "armed")


def test_a_vent_path_that_is_shut_beyond_its_program_is_a_fault_of_its_own(core: Core) -> None:
    held(core, on_ms=60_000)
    core.c.harness_shut_for(60_000 + table.HOLD_SLACK_MS - TICK)
    assert faults(core, core.run(TICK)) == []
    assert faults(core, core.run(TICK)) == ["hold_time"]
    assert core.outputs.valves == SAFE


def test_the_count_of_the_shut_path_begins_anew_with_each_program(core: Core) -> None:
    core.to("armed")
    for _ in range(4):
        core.take("GO", TARGET, 1000, 0)
        said = core.run(3000)
        assert faults(core, said) == []
        assert core.state == "armed"


def test_a_self_test_that_shuts_a_path_too_long_is_a_fault_of_its_own(core: Core) -> None:
    core.to("selftest")
    core.run(300)
    core.c.harness_shut_for(table.SELFTEST_MS_MAX + table.HOLD_SLACK_MS - TICK)
    assert faults(core, core.run(TICK)) == []
    assert faults(core, core.run(TICK)) == ["hold_time"]


def test_one_path_that_is_shut_too_long_counts_as_well(core: Core) -> None:
    core.to("selftest")
    while core.outputs.valves != (0, 1, 0):
        core.run(TICK)
    core.c.harness_shut_for(table.SELFTEST_MS_MAX + table.HOLD_SLACK_MS - TICK)
    assert faults(core, core.run(TICK)) == []
    assert faults(core, core.run(TICK)) == ["hold_time"]


def test_a_bad_sample_at_the_end_of_a_program_counts_nothing_in_the_next(core: Core) -> None:
    held(core, on_ms=60_000)
    high = TARGET + table.OFF_TARGET_TENTHS + 1
    assert faults(core, core.at(high, TICK)) == []
    core.take("END")
    core.at(0, 500)
    core.take("GO", TARGET, 60_000, 0)
    assert faults(core, core.at(high, TICK)) == []
    assert faults(core, core.at(high, TICK)) == ["overpressure"]


def test_empty_is_below_15_mmhg_on_both_sensors(core: Core) -> None:
    core.to("venting")
    for first, second in ((150, 149), (149, 150), (150, 0)):
        both(core, first, second, 3)
        assert core.state == "venting"
    both(core, 149, 149, 1)
    assert core.state == "armed"


@pytest.mark.parametrize("broken", [(-251, 0), (0, -251), (-500, -500)])
def test_a_broken_sensor_is_not_empty(core: Core, broken: tuple[int, int]) -> None:
    core.to("venting")
    both(core, *broken, 3)
    assert core.state == "venting"


def test_a_cuff_that_is_not_empty_after_10_s_does_not_vent(core: Core) -> None:
    core.to("venting")
    assert faults(core, core.at(150, table.VENT_MS_MAX)) == []
    assert faults(core, core.at(150, TICK)) == ["vent_fail"]


def test_the_time_to_empty_begins_with_the_vent_and_not_with_its_repetition(core: Core) -> None:
    core.to("venting")
    said = core.at(150, table.VENT_MS_MAX)
    core.hear(table.VENT_BYTE)
    assert faults(core, said + core.at(150, TICK)) == ["vent_fail"]


def test_it_is_armed_again_only_with_a_live_heart(core: Core) -> None:
    core.to("venting")
    core.at(200, 500, beating=False)
    core.at(0, TICK, beating=False)
    assert core.state == "idle"


# -- abort loop


@pytest.mark.parametrize(
    "state", ["idle", "armed", "inflating", "hold", "venting", "selftest", "fault"]
)
def test_an_open_loop_vents_at_the_next_tick_in_any_state(core: Core, state: str) -> None:
    core.to(state)
    core.said()
    core.air.loop_open = True
    said = core.run(TICK)
    assert faults(core, said) == ([] if state == "fault" else ["abort"])
    assert core.fault == ("host_lost" if state == "fault" else "abort")
    assert core.outputs.valves == SAFE
    core.air.tenths = 0
    core.run(100)
    assert core.refused("CLEAR") == "loop_open"
    core.air.loop_open = False
    core.run(TICK)
    core.take("CLEAR")
    assert core.fault == "none"
