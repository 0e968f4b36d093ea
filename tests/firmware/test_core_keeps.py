"""What the firmware's core keeps: the last command, the first fault, the site's ceiling."""

import pytest
from core_bench import FED, SAFE, TARGET, Core

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

TICK = table.TICK_MS


# -- repeated numbers


def test_a_repeated_command_is_answered_again_and_not_obeyed_again(core: Core) -> None:
    core.armed()
    core.take("GO", TARGET, 100, 0)
    again = cuff1.encode_command(core.sequence, "GO", TARGET, 100, 0)
    core.run(3000)
    assert core.state == "armed"
    core.said()
    core.hear(again)
    assert core.said() == [cuff1.Ack(core.sequence, TARGET, 1)]  # with the state of now
    assert core.outputs.valves == SAFE


@pytest.mark.parametrize("name", ["ARM", "GO", "TEST"])
@pytest.mark.parametrize("way", ["vent", "fault"])
def test_a_command_that_comes_again_after_a_stop_is_not_obeyed(
    core: Core, name: str, way: str
) -> None:
    core.armed() if name == "GO" else core.self_test()
    numbers = {"ARM": [2500], "GO": [1400, 9000, 0]}.get(name, [])
    core.heart()
    core.take(name, *numbers)
    again = cuff1.encode_command(core.sequence, name, *numbers)
    if way == "vent":
        core.hear(table.VENT_BYTE)
    else:
        core.run(table.LEASE_MS, beating=False)
    core.run(4000)
    before = core.state
    core.said()
    core.hear(again)
    value = numbers[0] if numbers else 0
    assert core.said() == [cuff1.Ack(core.sequence, value, table.STATES.index(before))]
    assert (core.state, core.outputs.valves) == (before, SAFE)
    assert before == ("idle" if way == "vent" else "fault")


@pytest.mark.parametrize(
    "other",
    [
        *(b"10 GO 1400 100 0", b"9 GO 1401 100 0", b"9 GO 1400 101 0", b"9 GO 1400 100 1"),
        *(b"9 ARM 1400", b"8 ARM 2500"),
    ],
)
def test_what_differs_from_the_last_command_is_obeyed(core: Core, other: bytes) -> None:
    core.armed()
    core.body(b"9 GO 1400 100 0")
    core.run(3000)
    (answer,) = core.body(other)
    assert isinstance(answer, cuff1.Ack)
    assert answer.sequence == int(other.split()[0])
    assert answer.value == int(other.split()[2])
    assert answer.state == (1 if b"ARM" in other else 2)
    assert core.outputs.valves == (SAFE if b"ARM" in other else FED)


def test_a_refusal_is_repeated_too(core: Core) -> None:
    core.run(100, beating=False)
    core.body(b"5 TEST")
    core.heart()
    assert core.body(b"5 TEST") == [cuff1.Nak(5, 6, 0)]
    assert isinstance(core.body(b"6 TEST")[0], cuff1.Ack)


@pytest.mark.parametrize("between", [b"3 HB 200", b"7 XX", b"5 HB 999", b"bad"])
def test_what_is_not_taken_does_not_count_as_the_last(core: Core, between: bytes) -> None:
    core.take("STREAM", 100)
    core.body(b"5 STREAM 0")
    core.body(b"6 STREAM 100")
    core.body(between)
    core.body(b"6 STREAM 100")
    core.body(b"7 STREAM 0")
    core.body(between)
    core.body(b"7 STREAM 0")
    assert core.run(100) == []


def test_a_command_of_before_the_last_is_obeyed(core: Core) -> None:
    core.body(b"5 STREAM 100")
    core.body(b"6 STREAM 0")
    core.body(b"5 STREAM 100")
    assert len(core.run(100)) == 10


@pytest.mark.parametrize("name", table.ALWAYS_ACTS)
def test_a_repeated_command_that_does_no_harm_acts_again(core: Core, name: str) -> None:
    core.to("armed")
    body = f"9 {name}".encode()
    core.body(body)
    core.run(100)
    if name in ("VENT", "DISARM"):
        core.boot()
        core.armed()
        core.body(body)
        core.run(100)
        core.take("ARM", 2500)
        core.take("GO", 1400, 5000, 0)
        core.hear(cuff1.frame(b"8 HUSH"))
        core.body(body)
        assert core.outputs.valves == SAFE
    (answer,) = core.body(body)
    (answer,) = core.body(body)
    assert not isinstance(answer, cuff1.Nak)


def test_a_vent_that_comes_twice_vents_twice(core: Core) -> None:
    core.run(TICK)
    core.body(b"9 VENT")
    core.run(50)
    assert core.state == "idle"
    (answer,) = core.body(b"9 VENT")
    assert answer == cuff1.Ack(9, 0, 4)
    assert core.state == "venting"


# -- fault


def test_a_fault_says_its_first_cause_and_is_left_by_clear_alone(core: Core) -> None:
    core.to("fault")
    core.air.loop_open = True
    core.run(3000)
    core.air.loop_open = False
    core.run(TICK)
    assert core.fault == "host_lost"
    core.take("CLEAR")
    assert (core.state, core.fault) == ("idle", "none")


def test_a_lost_host_keeps_the_self_test_and_anything_else_does_not(core: Core) -> None:
    core.to("armed")
    core.run(table.LEASE_MS, beating=False)
    core.run(100)
    core.take("CLEAR")
    assert core.status().has("selftest_passed")
    core.take("ARM", 2500)
    core.air.loop_open = True
    core.run(TICK)
    core.air.loop_open = False
    core.run(TICK)
    core.take("CLEAR")
    assert not core.status().has("selftest_passed")
    assert core.refused("ARM", 2500) == "untested"


def test_the_flags_tell_the_loop(core: Core) -> None:
    core.run(TICK)
    assert core.status().flags == 0
    core.air.loop_open = True
    core.run(TICK)
    assert core.status().has("loop_open")


def test_an_alarm_has_its_priority_until_it_is_hushed(core: Core) -> None:
    def sounds(ms: int = 2100) -> int:
        return sum((core.run(TICK), core.outputs.buzzer)[1] for _ in range(ms // TICK))

    core.to("hold")
    assert sounds() == 0
    assert not core.status().has("buzzer")
    core.air.loop_open = True
    core.run(TICK)
    assert core.status().has("buzzer")
    core.air.fixed, core.air.tenths = True, 150
    core.run(TICK)
    high = sounds()
    core.air.tenths = 140
    core.run(TICK)
    medium = sounds()
    assert high > 180 > medium > 90
    core.take("HUSH")
    assert sounds() == 0
    assert not core.status().has("buzzer")
    core.air.tenths = 0
    core.air.loop_open = False
    core.run(TICK)
    core.take("CLEAR")
    core.air.loop_open = True
    core.run(TICK)
    assert core.status().has("buzzer")


@pytest.mark.parametrize(("fault", "is_high"), [("overpressure", True), ("abort", False)])
def test_some_alarms_are_of_high_priority_with_an_empty_cuff_too(
    core: Core, fault: str, is_high: bool
) -> None:
    if fault == "overpressure":
        core.at(3001, 2 * TICK)
    core.air.loop_open = True
    core.at(0, TICK)
    assert core.fault == fault
    count = sum((core.at(0, TICK), core.outputs.buzzer)[1] for _ in range(2048 // TICK))
    assert (count > 180) is is_high


# -- site


def test_the_sites_ceiling_needs_idle_and_the_jumper(core: Core) -> None:
    core.run(TICK)
    assert core.refused("SITE", 2000) == "no_jumper"
    core.air.jumper_set = True
    core.run(TICK)
    assert core.take("SITE", 2000).value == 2000
    assert core.self_test() == "passed"
    core.run(TICK)
    assert core.refused("ARM", 2001) == "out_of_limits"
    core.take("ARM", 2000)


def test_a_ceiling_that_was_not_stored_is_not_acknowledged(core: Core) -> None:
    core.air.jumper_set = True
    core.run(TICK)
    core.c.harness_break(0, 1)
    assert core.take("SITE", 2000).value == table.EMPTY_TENTHS
    identity = core.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.site_ceiling_tenths == table.EMPTY_TENTHS
