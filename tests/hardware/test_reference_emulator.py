"""The emulated controller decides for itself: limits, lease, states, repeated numbers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.plant import Plant, PlantSettings, Trouble
from hardware.sim.reference import EmulatedReference


class Hands:
    """Types commands at the device and beats its heart."""

    def __init__(self) -> None:
        self.now_s, self.sequence, self.beat = 0.0, 0, 0
        self.valve: list[tuple[float, str]] = []
        self.plant = Plant(seed=3)
        self.device = EmulatedReference(
            self.plant, start_s=0.0, witness=lambda what, t: self.valve.append((t, what))
        )
        self.decoder = cuff1.ReplyDecoder()
        self.wait(0.1, beating=False)  # it sees an empty cuff, and is idle

    def wait(self, for_s: float, *, beating: bool = True) -> list[cuff1.Reply]:
        found: list[cuff1.Reply] = []
        for _ in range(round(for_s / 0.05)):
            if beating:
                self.beat = (self.beat + 1) % 256
                self.device.receive(cuff1.encode_command(0, "HB", self.beat))
            self.now_s += 0.05
            self.decoder.receive(self.device.advance(self.now_s))
            found += self.decoder.replies()
        return found

    def say(self, name: str, *arguments: int) -> cuff1.Reply:
        self.sequence += 1
        self.device.receive(cuff1.encode_command(self.sequence, name, *arguments))
        self.decoder.receive(self.device.advance(self.now_s))
        answers = [r for r in self.decoder.replies() if not isinstance(r, cuff1.Status)]
        return answers[-1]

    def refused(self, name: str, *arguments: int) -> str:
        """Return why a command is refused, in words."""
        answer = self.say(name, *arguments)
        assert isinstance(answer, cuff1.Nak)
        return table.NAK_REASONS[answer.reason]

    def self_test(self) -> int:
        """Let it test itself, and return the result."""
        self.wait(0.1)
        assert isinstance(self.say("TEST"), cuff1.Ack)
        said = self.wait(table.SELFTEST_MS_MAX / 1000 + 0.1)
        (result,) = [r.value for r in said if isinstance(r, cuff1.DeviceEvent) and r.event == 3]
        return result

    def armed(self, ceiling: int = 2500) -> None:
        assert self.self_test() == 1
        assert self.say("ARM", ceiling) == cuff1.Ack(self.sequence, ceiling, 1)

    def status(self) -> cuff1.Status:
        self.device.receive(table.STATUS_BYTE)
        self.decoder.receive(self.device.advance(self.now_s))
        return [r for r in self.decoder.replies() if isinstance(r, cuff1.Status)][-1]

    def inflated(self) -> None:
        self.armed()
        assert self.say("GO", 1400, 15000, 0) == cuff1.Ack(self.sequence, 1400, 2)
        self.wait(3.0)
        assert self.device.state == "hold"


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_it_says_who_it_is(hands: Hands) -> None:
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert (identity.protocol, identity.maker) == (table.PROTOCOL, "emulated")


def test_it_reaches_the_pressure_and_vents_when_its_time_is_over(hands: Hands) -> None:
    hands.inflated()
    assert hands.device.pressure_mmhg == pytest.approx(140, abs=4)
    hands.wait(14.0)
    assert hands.device.state == "armed"
    closed_s, opened_s = (t for t, what in hands.valve if what.startswith("valve"))
    assert opened_s - closed_s == pytest.approx(15.0, abs=0.01)


def test_it_does_not_arm_without_a_heartbeat(hands: Hands) -> None:
    assert hands.self_test() == 1
    hands.wait(1.0, beating=False)
    assert hands.refused("ARM", 2500) == "no live heartbeat"


def test_it_vents_by_itself_when_the_heart_stops(hands: Hands) -> None:
    hands.inflated()
    before_s = hands.now_s
    hands.wait(1.0, beating=False)
    assert hands.device.state == "fault"
    opened_s = next(t for t, what in hands.valve if what == "valve open")
    assert opened_s - before_s <= table.LEASE_MS / 1000 + 0.01


def test_an_echoed_heartbeat_is_none(hands: Hands) -> None:
    hands.inflated()
    for _ in range(20):
        hands.device.receive(cuff1.encode_command(0, "HB", hands.beat))
        hands.wait(0.05, beating=False)
    assert hands.device.state == "fault"


def test_it_refuses_more_than_the_session_allows(hands: Hands) -> None:
    hands.armed(1500)
    assert hands.refused("GO", 1501, 1000, 0) == "a number is outside its limits"


def test_it_does_not_inflate_unarmed(hands: Hands) -> None:
    hands.wait(0.1)
    assert hands.refused("GO", 1400, 1000, 0) == "the command does not fit the state"


def test_a_repeated_number_is_answered_again_and_not_obeyed_again(hands: Hands) -> None:
    hands.armed()
    hands.say("GO", 1400, 200, 0)
    hands.wait(3.0)
    assert hands.device.state == "armed"
    hands.device.receive(cuff1.encode_command(hands.sequence, "GO", 1400, 200, 0))
    hands.wait(0.5)
    assert [what for _, what in hands.valve].count("valve closed") == 1


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
def test_a_single_byte_opens_the_valve_at_once_and_disarms(hands: Hands, byte: bytes) -> None:
    hands.inflated()
    now_s = hands.now_s
    hands.device.receive(byte)
    assert hands.valve[-1] == (pytest.approx(now_s, abs=1e-6), "valve open")
    hands.wait(3.0)
    assert hands.device.state == "idle"


def test_a_fault_stays_until_it_is_cleared(hands: Hands) -> None:
    hands.inflated()
    hands.wait(3.0, beating=False)
    assert isinstance(hands.say("ARM", 2500), cuff1.Nak)
    assert isinstance(hands.say("CLEAR"), cuff1.Ack)
    hands.wait(0.1)
    assert isinstance(hands.say("ARM", 2500), cuff1.Ack)


def test_the_stream_comes_fifty_times_a_second(hands: Hands) -> None:
    hands.say("STREAM", 50)
    statuses = [r for r in hands.wait(10.0) if isinstance(r, cuff1.Status)]
    assert len(statuses) == 500
    assert {b.device_ms - a.device_ms for a, b in itertools.pairwise(statuses)} == {20}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.binary(max_size=12)
        | st.sampled_from(
            [
                cuff1.encode_command(4, "TEST"),
                cuff1.encode_command(5, "ARM", 2500),
                cuff1.encode_command(6, "GO", 1400, 9000, 0),
            ]
        ),
        max_size=30,
    )
)
def test_without_a_heartbeat_no_bytes_whatever_close_the_valve(pieces: list[bytes]) -> None:
    hands = Hands()
    for piece in pieces:
        hands.device.receive(piece)
        hands.wait(0.05, beating=False)
    assert hands.plant.pressure_mmhg == 0.0
    assert not {"valve closed", "state selftest"} & {what for _, what in hands.valve}


def test_a_repeated_vent_acts_again(hands: Hands) -> None:
    hands.inflated()
    vent = cuff1.encode_command(200, "VENT")
    hands.device.receive(vent)
    hands.wait(3.0)
    hands.armed()
    hands.say("GO", 1400, 9000, 0)
    hands.device._last = (cuff1.HostCommand(200, "VENT", ()), b"")
    hands.device.receive(vent)
    assert hands.device.state == "venting"


def test_it_does_not_arm_before_its_self_test_has_passed(hands: Hands) -> None:
    hands.wait(0.1)
    assert hands.refused("ARM", 2500) == "its self-test has not passed"
    assert not hands.status().has("selftest_passed")
    assert hands.self_test() == 1
    assert hands.status().has("selftest_passed")
    assert isinstance(hands.say("ARM", 2500), cuff1.Ack)


@pytest.mark.parametrize("step_s", [0.0011, 0.003, 0.0073, 0.019])
def test_a_self_test_passes_at_any_pace_of_the_computer(hands: Hands, step_s: float) -> None:
    hands.wait(0.1)
    hands.say("TEST")
    found: list[cuff1.Reply] = []
    while not any(isinstance(r, cuff1.DeviceEvent) for r in found):
        hands.beat = (hands.beat + 1) % 256
        hands.device.receive(cuff1.encode_command(0, "HB", hands.beat))
        hands.now_s += step_s
        hands.decoder.receive(hands.device.advance(hands.now_s))
        found += hands.decoder.replies()
    assert [r.value for r in found if isinstance(r, cuff1.DeviceEvent)] == [1]


def test_a_self_test_never_passes_what_counts_as_empty(hands: Hands) -> None:
    hands.say("STREAM", 100)
    hands.wait(0.1)
    hands.say("TEST")
    statuses = [r for r in hands.wait(5.0) if isinstance(r, cuff1.Status)]
    puffed = [s for s in statuses if table.STATES[s.state] == "selftest"]
    assert max(s.first_tenths for s in puffed) < table.SELFTEST_TENTHS_MAX
    assert max(s.first_tenths for s in puffed) > table.SELFTEST_LEFT_TENTHS
    assert hands.plant.pressure_mmhg < 3.0
    assert hands.device.state == "idle"


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (Trouble(valve_stuck=True), "the first vent path does not"),
        (Trouble(stuck_path=1), "the first vent path does not"),
        (Trouble(stuck_path=2), "the second vent path does not"),
        (Trouble(supply_lost=True), "the pressure does not rise"),
        (Trouble(leak_per_s=4.0), "the pressure does not rise"),
        (Trouble(sensors_stuck=True), "the pressure does not rise"),
        (Trouble(lie_mmhg=5.0), "a sensor does not read zero"),
        (Trouble(runaway_mmhg=2000.0), "the pressure rose too high"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value),
)
def test_a_self_test_finds_what_is_wrong(hands: Hands, trouble: Trouble, says: str) -> None:
    hands.plant.trouble = trouble
    result = hands.self_test()
    assert table.SELFTEST[result].startswith(says)
    status = hands.status()
    assert table.FAULTS[status.fault] == "selftest"
    assert not status.has("selftest_passed")
    assert hands.plant.pressure_mmhg < table.SELFTEST_TENTHS_MAX / 10


def test_sensors_that_differ_fail_the_self_test(hands: Hands) -> None:
    read = hands.plant.sensors_tenths
    hands.plant.sensors_tenths = lambda: (read()[0] + 20, read()[1] - 20)  # type: ignore[method-assign]
    assert table.SELFTEST[hands.self_test()] == "the two sensors differ"


def test_a_regulator_that_overshoots_a_puff_fails_the_self_test(hands: Hands) -> None:
    hands.plant.settings = PlantSettings(overshoot=1.5, overshoot_tau_s=60.0, fill_tau_s=0.001)
    assert table.SELFTEST[hands.self_test()] == "the pressure rose too high"
    assert hands.device.state == "fault"


def test_a_self_test_needs_a_heartbeat_and_loses_itself_with_it(hands: Hands) -> None:
    hands.wait(0.5, beating=False)
    assert hands.refused("TEST") == "no live heartbeat"
    hands.wait(0.1)
    hands.say("TEST")
    hands.wait(1.0, beating=False)
    assert table.FAULTS[hands.status().fault] == "host_lost"
    assert not hands.status().has("selftest_passed")


def test_a_vent_breaks_a_self_test_off(hands: Hands) -> None:
    hands.wait(0.1)
    hands.say("TEST")
    hands.wait(0.5)
    hands.device.receive(table.VENT_BYTE)
    hands.wait(0.5)
    assert hands.device.state == "idle"
    assert hands.refused("ARM", 2500) == "its self-test has not passed"


def test_a_fault_of_the_device_voids_its_self_test_and_a_lost_host_does_not(hands: Hands) -> None:
    hands.armed()
    hands.wait(1.0, beating=False)
    hands.say("CLEAR")
    hands.wait(0.1)
    assert isinstance(hands.say("ARM", 2500), cuff1.Ack)
    hands.device.open_loop()
    hands.device.close_loop()
    hands.say("CLEAR")
    assert hands.refused("ARM", 2500) == "its self-test has not passed"


def test_a_restart_forgets_the_self_test_and_says_why(hands: Hands) -> None:
    hands.armed()
    hands.device.restart()
    (boot,) = [r for r in hands.wait(0.1) if isinstance(r, cuff1.DeviceEvent)]
    assert (table.EVENTS[boot.event], table.RESETS[boot.value]) == ("boot", "brown_out")
    assert hands.refused("ARM", 2500) == "its self-test has not passed"


def test_a_watchdog_reset_is_a_fault_until_it_is_cleared(hands: Hands) -> None:
    hands.device.restart("watchdog")
    hands.wait(0.1)
    assert table.FAULTS[hands.status().fault] == "wdt_reset"
    assert hands.refused("TEST") == "the command does not fit the state"
    hands.say("CLEAR")
    assert hands.device.state == "idle"


@pytest.mark.parametrize("lease_ms", [table.LEASE_MS_MIN, 250, table.LEASE_MS])
def test_it_vents_within_the_lease_it_was_given(hands: Hands, lease_ms: int) -> None:
    assert hands.say("LEASE", lease_ms) == cuff1.Ack(1, lease_ms, 0)
    hands.inflated()
    before_s = hands.now_s
    hands.wait(1.0, beating=False)
    opened_s = next(t for t, what in hands.valve if what == "valve open")
    assert lease_ms / 1000 - 0.06 <= opened_s - before_s <= lease_ms / 1000 + 0.01


def test_a_lease_changes_in_idle_only(hands: Hands) -> None:
    hands.armed()
    assert hands.refused("LEASE", 200) == "the command does not fit the state"


@pytest.mark.parametrize("state", ["idle", "armed", "inflating", "hold", "venting", "selftest"])
def test_an_open_abort_loop_vents_in_any_state_and_cannot_be_cleared(
    hands: Hands, state: str
) -> None:
    if state == "selftest":
        hands.wait(0.1)
        hands.say("TEST")
    elif state != "idle":
        hands.armed()
    if state in ("inflating", "hold", "venting"):
        hands.say("GO", 1400, 3000, 0)
        hands.wait({"inflating": 0.2, "hold": 2.5, "venting": 3.1}[state])
    assert hands.device.state == state
    hands.device.open_loop()
    assert table.FAULTS[hands.status().fault] == "abort"
    assert hands.status().has("loop_open")
    hands.wait(4.0)
    assert hands.plant.pressure_mmhg < 1.0
    assert hands.refused("CLEAR") == "the participant's abort loop is open"
    hands.device.close_loop()
    assert isinstance(hands.say("CLEAR"), cuff1.Ack)


def test_the_box_sounds_by_priority_and_can_be_hushed_until_the_next_fault(hands: Hands) -> None:
    hands.inflated()
    assert hands.device.buzzer == "off"
    hands.device.open_loop()
    assert hands.device.buzzer == "high"  # there is pressure in the cuff
    hands.wait(4.0)
    assert hands.device.buzzer == "medium"
    assert hands.status().has("buzzer")
    hands.say("HUSH")
    assert hands.device.buzzer == "off"
    hands.device.close_loop()
    hands.say("CLEAR")
    hands.device.open_loop()
    assert hands.device.buzzer == "medium"


def test_the_sites_ceiling_needs_the_jumper_and_survives_a_restart(hands: Hands) -> None:
    assert hands.refused("SITE", 2000) == "its service jumper is not set"
    hands.device.service_jumper = True
    hands.say("SITE", 2000)
    hands.device.restart()
    hands.wait(0.1)
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.site_ceiling_tenths == 2000
    assert hands.self_test() == 1
    assert hands.refused("ARM", 2001) == "a number is outside its limits"


def test_a_ramp_is_a_line_and_its_target_is_told(hands: Hands) -> None:
    hands.armed()
    hands.say("STREAM", 50)
    before_ms = hands.status().device_ms
    hands.say("GO", 1400, 15000, 10000)
    statuses = [r for r in hands.wait(14.0) if isinstance(r, cuff1.Status)]
    for s in statuses:
        line = 1400 * min(1.0, (s.device_ms - before_ms) / 10000)
        assert s.target_tenths == pytest.approx(line, abs=1.0)
        assert s.first_tenths <= line + 100
        assert s.first_tenths >= line - 100
    assert [table.STATES[s.state] for s in statuses if s.device_ms - before_ms < 9000] == [
        "inflating"
    ] * (450 - 1)
    assert hands.device.state == "hold"


def test_a_ramp_longer_than_its_program_is_refused(hands: Hands) -> None:
    hands.armed()
    assert hands.refused("GO", 1400, 1000, 1001) == "a number is outside its limits"


def test_a_long_ramp_that_the_pressure_does_not_follow_is_a_leak(hands: Hands) -> None:
    hands.armed()
    hands.say("GO", 1400, 90000, 60000)
    hands.plant.trouble.supply_lost = True
    hands.wait(25.0)
    assert table.FAULTS[hands.status().fault] == "leak"


@settings(max_examples=40, deadline=None)
@given(
    target=st.integers(table.EMPTY_TENTHS, 2500),
    on_ms=st.integers(1, 20000),
    rise_ms=st.integers(0, 20000),
)
def test_no_ramp_rises_faster_than_its_line_or_lasts_longer_than_its_program(
    target: int, on_ms: int, rise_ms: int
) -> None:
    hands = Hands()
    hands.armed()
    answer = hands.say("GO", target, on_ms, rise_ms)
    assert isinstance(answer, cuff1.Nak if rise_ms > on_ms else cuff1.Ack)
    began_s = hands.now_s
    for _ in range(round(on_ms / 50) + 2):
        hands.wait(0.05)
        share = min(1.0, (hands.now_s - began_s) * 1000 / rise_ms) if rise_ms else 1.0
        assert hands.plant.pressure_mmhg * 10 <= target * share * 1.05 + 1.0
    moves = [t for t, what in hands.valve if what.startswith("valve")]
    assert all(b - a <= on_ms / 1000 + 0.006 for a, b in itertools.pairwise(moves))
    assert len(moves) in (0, 2)
