"""What the firmware's core does with each command, in each state."""

import pytest
from core_bench import FED, SAFE, Core, faults

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

TICK = table.TICK_MS
STATES = ["idle", "armed", "inflating", "hold", "venting", "selftest", "fault"]


@pytest.mark.parametrize("reset", table.RESETS)
def test_it_boots_vented_disarmed_and_silent_and_says_why(core: Core, reset: str) -> None:
    core.boot(reset)
    assert core.said() == [cuff1.DeviceEvent(0, 1, table.RESETS.index(reset))]
    assert core.outputs.valves == SAFE
    assert core.outputs.drive == 0
    assert core.run(1000) == []
    watchdog = reset == "watchdog"
    assert (core.state, core.fault) == (("fault", "wdt_reset") if watchdog else ("idle", "none"))


def test_a_boot_forgets_everything(core: Core) -> None:
    core.to("fault", target=2000)
    core.take("STREAM", 100)
    core.hear(b"$1 PI")
    last = cuff1.encode_command(core.sequence, "STREAM", 100)
    core.boot()
    core.said()
    core.hear(b"NG*8A63\n")
    assert core.said() == []
    status = core.status()
    assert (status.counter, status.device_ms, status.heartbeat_age_ms) == (1, 0, 65_535)
    assert (status.state, status.fault, status.flags, status.bad_frames) == (4, 0, 0, 0)
    assert core.run(500, beating=False) == []
    core.hear(last)  # it has seen an empty cuff meanwhile
    assert core.said() == [cuff1.Ack(int(last.split()[0][1:]), 100, 0)]
    assert core.run(20) != []  # it obeyed: this is no repetition


def test_a_boot_forgets_what_the_sensors_did(core: Core) -> None:
    core.at(-500, 3 * TICK)
    core.boot()
    core.at(-500, TICK)
    assert core.fault == "none"


def test_it_says_who_it_is(core: Core) -> None:
    core.c.harness_words(b"maker", b"S1", b"2026-01-02")
    core.boot(site=2500)
    said = core.say("ID")
    assert said == cuff1.DeviceIdentity(
        *(1, "CUFF/1", "maker", "reference-cuff", "S1", "uno-1", "00000000", "2026-01-02"),
        *(table.CEILING_TENTHS, 2500, table.LEASE_MS, 0, 0),
    )
    core.c.harness_words(b"tests", b"T0001", b"none")


def test_the_longest_identity_fits(core: Core) -> None:
    core.c.harness_words(b"m" * 16, b"s" * 16, b"2026-01-02")
    core.boot("watchdog")
    (event, identity) = [*core.said(), *core.body(b"255 ID")]
    assert isinstance(event, cuff1.DeviceEvent)
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert (identity.maker, identity.serial_number) == ("m" * 16, "s" * 16)
    assert identity.reset == 3
    core.c.harness_words(b"tests\0", b"T0001\0", b"none\0")


def test_the_identity_tells_lease_and_self_test(core: Core) -> None:
    core.to("selftest")
    core.hear(table.VENT_BYTE)
    core.run(100)
    core.take("LEASE", 200)
    identity = core.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert (identity.lease_ms, identity.selftest) == (200, 9)


# -- stream


@pytest.mark.parametrize("rate", [1, 3, 30, 50, 100])
def test_the_stream_keeps_its_rate(core: Core, rate: int) -> None:
    core.take("STREAM", rate)
    said = core.run(3000)
    period = 1000 // rate
    due = [ms for ms in range(TICK, 3001, TICK) if ms % period < TICK]
    assert [r.device_ms for r in said if isinstance(r, cuff1.Status)] == due
    assert [r.counter for r in said if isinstance(r, cuff1.Status)] == list(range(1, len(due) + 1))
    core.take("STREAM", 0)
    assert core.run(1000) == []


def test_a_line_that_is_lost_is_counted(core: Core) -> None:
    core.take("STREAM", 100)
    core.c.harness_break(1, 0)
    core.run(50)
    core.c.harness_break(0, 0)
    (status,) = core.run(10)
    assert isinstance(status, cuff1.Status)
    assert status.counter == 6


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (1, 9), (10, 99), (-1, -10), (-250, -249), (999, 1000)]
)
def test_readings_are_told_with_their_sign(core: Core, first: int, second: int) -> None:
    core.air.apart = second - first
    core.at(first, TICK)
    status = core.status()
    assert (status.first_tenths, status.second_tenths) == (first, second)


def test_a_reading_of_zero_has_no_sign(core: Core) -> None:
    core.at(0, TICK)
    core.said()
    core.hear(table.STATUS_BYTE)
    assert b" 0 0 0 0 0 " in core.raw()


def test_a_long_clock_is_told_in_full(core: Core) -> None:
    core.run(70_000)
    assert core.status().device_ms == 70_000


# -- states and commands

REFUSED = {
    "TEST": set(STATES) - {"idle"},
    "LEASE": set(STATES) - {"idle"},
    "ARM": set(STATES) - {"idle", "armed"},
    "GO": set(STATES) - {"armed"},
    "CLEAR": set(STATES) - {"fault"},
    "SITE": set(STATES) - {"idle"},
}


@pytest.mark.parametrize(
    ("name", "state"),
    [(name, state) for name, states in REFUSED.items() for state in sorted(states)],
)
def test_a_command_that_does_not_fit_the_state_is_refused(
    core: Core, name: str, state: str
) -> None:
    core.to(state)
    core.air.jumper_set = True
    numbers = [field.least for field in table.COMMANDS[name]]
    before = core.outputs.valves
    assert core.refused(name, *numbers) == "wrong_state"
    assert (core.state, core.outputs.valves) == (state, before)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("way", ["VENT", "DISARM", "!", "\x18"])
def test_a_vent_opens_at_once_and_disarms_for_good(core: Core, state: str, way: str) -> None:
    core.to(state)
    core.said()
    if len(way) == 1:
        core.hear(way.encode())
    else:
        core.take(way)
    assert core.outputs.valves == SAFE
    assert core.outputs.drive == 0
    assert core.state == ("fault" if state == "fault" else "venting")
    assert faults(core, core.run(4000)) == []
    assert core.state == ("fault" if state == "fault" else "idle")


@pytest.mark.parametrize("state", STATES)
def test_an_end_ends_a_program_and_nothing_else(core: Core, state: str) -> None:
    core.to(state)
    ends = state in ("inflating", "hold")
    assert core.take("END").state == table.STATES.index("venting" if ends else state)
    if ends:
        assert core.outputs.valves == SAFE
        assert core.status().target_tenths == 0
        core.run(4000)
        assert core.state == "armed"


def test_after_a_vent_an_end_does_not_keep_it_armed(core: Core) -> None:
    core.to("hold")
    core.take("END")
    core.take("VENT")
    core.run(4000)
    assert core.state == "idle"


@pytest.mark.parametrize("state", STATES)
def test_a_ping_changes_nothing(core: Core, state: str) -> None:
    core.to(state)
    before = core.outputs.valves
    assert core.take("PING").value == 0
    assert (core.state, core.outputs.valves) == (state, before)


def test_it_does_nothing_before_the_first_look_at_the_sensors(core: Core) -> None:
    core.heart()
    assert core.state == "venting"
    for name, numbers in (("TEST", []), ("ARM", [2500]), ("GO", [1400, 1000, 0])):
        assert core.refused(name, *numbers) == "wrong_state"
    core.run(TICK)
    core.take("TEST")


@pytest.mark.parametrize("name", ["TEST", "ARM", "GO", "CLEAR"])
def test_a_cuff_that_is_not_empty_is_refused(core: Core, name: str) -> None:
    if name == "CLEAR":
        core.to("fault")
    elif name == "TEST":
        core.run(TICK)
    else:
        core.armed()
    core.at(150, 2 * TICK)
    numbers = {"ARM": [2500], "GO": [1400, 1000, 0]}.get(name, [])
    assert core.refused(name, *numbers) == "not_empty"
    core.at(149, TICK)
    core.take(name, *numbers)


@pytest.mark.parametrize("name", ["TEST", "ARM"])
def test_without_a_heart_it_is_refused(core: Core, name: str) -> None:
    assert core.self_test() == "passed"
    core.heart()
    core.run(table.LEASE_MS, beating=False)
    assert core.refused(name, *[2500] * (name == "ARM")) == "no_heart"
    core.heart()
    core.run(table.LEASE_MS - TICK, beating=False)
    core.take(name, *[2500] * (name == "ARM"))


def test_a_ceiling_holds_until_the_next(core: Core) -> None:
    core.boot(site=2000)
    core.armed(1500)
    core.run(TICK)
    assert core.refused("GO", 1501, 1000, 0) == "out_of_limits"
    assert core.refused("ARM", 2001) == "out_of_limits"
    assert core.refused("GO", 1501, 1000, 0) == "out_of_limits"
    assert core.take("ARM", 2000).value == 2000
    assert core.refused("GO", 2001, 1000, 0) == "out_of_limits"
    assert core.take("GO", 2000, 1000, 1000).value == 2000


def test_a_ramp_is_not_longer_than_its_program(core: Core) -> None:
    core.armed()
    assert core.refused("GO", 1400, 1000, 1001) == "out_of_limits"
    core.take("GO", 1400, 1000, 1000)


@pytest.mark.parametrize(("target", "drive"), [(150, 38), (1400, 358), (3000, 767)])
def test_a_program_feeds_the_cuff_with_its_target(core: Core, target: int, drive: int) -> None:
    core.armed(3000)
    core.take("GO", target, 1000, 0)
    assert core.outputs.valves == FED
    assert core.outputs.drive == drive == target * table.DRIVE_MAX // table.FULL_SCALE_TENTHS
    status = core.status()
    assert (status.target_tenths, status.drive) == (target, drive)


def test_a_ramp_is_a_line(core: Core) -> None:
    core.armed(3000)
    core.take("GO", 3000, 180_000, 180_000)
    for ms in range(0, 180_000, 2500):
        status = core.status()
        assert status.target_tenths == 3000 * ms // 180_000
        assert status.drive == status.target_tenths * 1023 // 4000
        core.run(2500)
    assert core.state == "venting"
