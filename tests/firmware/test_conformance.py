"""One list of what CUFF/1 promises, held against the emulator, the firmware, and a real board.

Where two of them differ, one is wrong. On a real board (``-m hardware --port PORT``) the cuff is on
nobody, closed round a bottle; what needs a broken hose or another hand is left out there.
"""

import itertools
from collections.abc import Iterator

import cuff1_hands
import pytest
from cuff1_hands import Hands, is_event, needs
from gates import Binaries

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

PRESSED = ("inflating", "hold")


@pytest.fixture(params=["emulator", "firmware", pytest.param("board", marks=pytest.mark.hardware)])
def hands(request: pytest.FixtureRequest) -> Iterator[Hands]:
    if request.param == "emulator":
        yield cuff1_hands.emulator()
    elif request.param == "firmware":
        binaries: Binaries = request.getfixturevalue("binaries")
        hands = cuff1_hands.firmware(binaries.release)
        yield hands
        hands.device.board.close()
    else:
        port = request.config.getoption("--port", None)
        if port is None:
            pytest.fail("give --port PORT: the real controller, its cuff round a bottle")
        board = cuff1_hands.RealBoard(port)
        hands = Hands(board, None, [])
        yield hands
        board.close()


def raw(body: str) -> bytes:
    return cuff1.frame(body.encode("ascii"))


# -- switched on


def test_it_boots_vented_disarmed_and_says_why(hands: Hands) -> None:
    (boot,) = [r for r in hands.boot if is_event(r, "boot")]
    assert table.RESETS[boot.value] in ("power_on", "reset_pin")
    status = hands.status()
    assert table.STATES[status.state] == "idle"
    assert (status.fault, status.target_tenths, status.drive, status.flags) == (0, 0, 0, 0)
    assert hands.pressure_mmhg < 3.0


def test_it_says_nothing_unasked_after_its_boot(hands: Hands) -> None:
    assert len(hands.boot) == 1
    assert hands.run(1.0) == []


def test_without_any_heartbeat_its_age_is_the_largest_number(hands: Hands) -> None:
    assert hands.run(0.1, beating=False) == []
    hands.device.receive(table.STATUS_BYTE)
    (status,) = hands.run(0.02, beating=False)
    assert isinstance(status, cuff1.Status)
    assert status.heartbeat_age_ms == 65_535


# -- identity, questions, stream


def test_it_says_who_it_is(hands: Hands) -> None:
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.protocol == table.PROTOCOL
    assert identity.ceiling_tenths == table.CEILING_TENTHS
    assert identity.lease_ms == table.LEASE_MS
    assert table.SELFTEST_NAMES[identity.selftest] == "not_done"
    assert len(identity.firmware_hash) == 8


def test_its_identity_tells_the_lease_and_the_self_test(hands: Hands) -> None:
    hands.take("LEASE", 250)
    assert hands.self_test() == "passed"
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.lease_ms == 250
    assert table.SELFTEST_NAMES[identity.selftest] == "passed"


def test_a_ping_is_answered_with_its_number(hands: Hands) -> None:
    assert hands.say("PING", sequence=77) == cuff1.Ack(77, 0, 0)


def test_a_question_mark_brings_one_status_line(hands: Hands) -> None:
    said = hands.send(table.STATUS_BYTE)
    assert [type(reply) for reply in said] == [cuff1.Status]


@pytest.mark.parametrize("rate", [1, 10, 50, 100])
def test_the_stream_comes_as_often_as_asked(hands: Hands, rate: int) -> None:
    assert hands.take("STREAM", rate).value == rate
    lines = [r for r in hands.run(2.0) if isinstance(r, cuff1.Status)]
    assert len(lines) == pytest.approx(2 * rate, abs=1)
    assert {b.device_ms - a.device_ms for a, b in itertools.pairwise(lines)} == {1000 // rate}
    assert {b.counter - a.counter for a, b in itertools.pairwise(lines)} == {1}


def test_a_stream_of_zero_ends_it(hands: Hands) -> None:
    hands.take("STREAM", 50)
    hands.run(0.2)
    hands.take("STREAM", 0)
    hands.run(0.03)
    assert hands.run(0.5) == []


def test_the_heartbeats_age_is_told(hands: Hands) -> None:
    hands.run(0.3)
    hands.device.receive(cuff1.encode_command(0, "HB", (hands.beat + 1) % 256))
    hands.run(0.2, beating=False)
    hands.device.receive(table.STATUS_BYTE)
    (status,) = hands.run(0.02, beating=False)
    assert isinstance(status, cuff1.Status)
    assert 190 <= status.heartbeat_age_ms <= 225


# -- frames

WELL_FORMED = raw("9 PING")
DAMAGED = {
    "wrong check": b"$9 PING*0000\n",
    "check in lower case": WELL_FORMED.lower().replace(b"ping", b"PING"),
    "check too short": WELL_FORMED[:-2] + b"\n",
    "no check": b"$9 PING\n",
    "empty": b"$\n",
    "a bit turned": bytes([WELL_FORMED[0], WELL_FORMED[1] ^ 1]) + WELL_FORMED[2:],
    "no number": raw("PING"),
    "number too large": raw("256 PING"),
    "number negative": raw("-1 PING"),
    "number of four digits": raw("0009 PING"),
    "command in lower case": raw("9 ping"),
    "two blanks": raw("9  PING"),
    "blank at the end": raw("9 PING "),
    "blank at the beginning": raw(" 9 PING"),
    "negative argument": raw("9 STREAM -1"),
    "plus sign": raw("9 STREAM +1"),
    "a point": raw("9 STREAM 1.0"),
    "not a number": raw("9 STREAM x"),
    "argument of eight digits": raw("9 STREAM 00000001"),
    "command of nine letters": raw("9 ABCDEFGHI"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_frame_is_refused_counted_and_not_obeyed(hands: Hands, name: str) -> None:
    assert hands.send(DAMAGED[name]) == [cuff1.Nak(0, 1, 0)]
    assert hands.status().bad_frames == 1
    assert hands.say("PING", sequence=9) == cuff1.Ack(9, 0, 0)


KILLED = {
    "a control byte": b"$9 PI\x01NG*0000\n",
    "a carriage return": WELL_FORMED[:-1] + b"\r\n",
    "a byte above 0x7e": b"$9 PI\x80NG*0000\n",
    "delete": b"$9 PI\x7fNG*0000\n",
    "longer than a command": b"$" + b"9" * 60 + b"\n",
}


@pytest.mark.parametrize("name", KILLED)
def test_an_illegal_byte_kills_the_frame_which_is_counted(hands: Hands, name: str) -> None:
    assert hands.send(KILLED[name]) == []
    assert hands.status().bad_frames == 1


def test_the_longest_command_is_read_and_one_byte_more_kills_it(hands: Hands) -> None:
    longest = raw("9 PING" + " 0000000" * 4 + " 00")
    assert len(longest) == table.LONGEST_COMMAND
    assert hands.send(longest) == [cuff1.Nak(9, 4, 0)]
    assert hands.send(raw("9 PING" + " 0000000" * 4 + " 000")) == []
    assert hands.status().bad_frames == 1


def test_bytes_outside_a_frame_mean_nothing(hands: Hands) -> None:
    assert hands.send(b"9 PING*1234\n\n\x00\xff PING hello\r\n") == []
    assert hands.status().bad_frames == 0


def test_a_frame_that_begins_anew_loses_what_was_before(hands: Hands) -> None:
    assert hands.send(b"$1 GO 1400" + raw("9 PING")) == [cuff1.Ack(9, 0, 0)]


def test_a_question_inside_a_frame_leaves_it_whole(hands: Hands) -> None:
    frame = raw("9 PING")
    said = hands.send(frame[:4] + table.STATUS_BYTE + frame[4:])
    assert {type(reply) for reply in said} == {cuff1.Status, cuff1.Ack}


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
def test_a_stop_inside_a_frame_kills_it(hands: Hands, byte: bytes) -> None:
    hands.to("armed")
    bad = hands.status().bad_frames
    frame = raw("99 ARM 2500")
    assert hands.send(frame[:7] + byte + frame[7:], for_s=0.3) == []
    assert (hands.state, hands.status().bad_frames) == ("idle", bad + 1)


def test_commands_on_each_others_heels_are_all_answered(hands: Hands) -> None:
    said = hands.send(b"".join(raw(f"{n} PING") for n in range(1, 6)), for_s=0.1)
    assert said == [cuff1.Ack(n, 0, 0) for n in range(1, 6)]


@pytest.mark.parametrize("body", ["9 NOPE", "9 A", "9 VENTS", "9 HBX 1"])
def test_an_unknown_command_is_refused(hands: Hands, body: str) -> None:
    assert hands.send(raw(body)) == [cuff1.Nak(9, 2, 0)]


def edges() -> Iterator[str]:
    """Yield every command with a number too few, too many, and each beyond each end."""
    for name, fields in table.COMMANDS.items():
        good = [str(field.least) for field in fields]
        if fields:
            yield " ".join([name, *good[:-1]])
        yield " ".join([name, *good, "0"])
        for number, field in enumerate(fields):
            for value in (field.least - 1, field.most + 1, 9_999_999):
                if value >= 0:
                    yield " ".join([name, *good[:number], str(value), *good[number + 1 :]])


def test_no_number_beyond_its_limits_is_taken_nor_one_too_few_or_too_many(hands: Hands) -> None:
    hands.to("armed")
    for body in edges():
        assert hands.send(raw(f"9 {body}"), for_s=0.02) == [cuff1.Nak(9, 4, 1)], body
    assert hands.state == "armed"


@pytest.mark.parametrize("name", sorted(table.COMMANDS))
def test_no_flip_of_one_bit_makes_another_command_of_it(hands: Hands, name: str) -> None:
    """A check of 16 bits finds every flip of one or two; the two are in ``test_noise``."""
    arguments = [field.least for field in table.COMMANDS[name]]
    frame = cuff1.encode_command(9, name, *arguments)
    for bit in range(8, 8 * (len(frame) - 1)):
        spoilt = bytearray(frame)
        spoilt[bit // 8] ^= 1 << bit % 8
        if not {0x21, 0x3F, 0x18, 0x24, 0x0A} & set(spoilt[1:-1]):
            hands.device.receive(bytes(spoilt))
    said = hands.run(1.5)
    assert said
    assert set(said) == {cuff1.Nak(0, 1, 0)}


# -- numbers that come twice


def test_a_repeated_number_is_answered_again_and_not_obeyed_again(hands: Hands) -> None:
    hands.to("armed")
    assert hands.say("GO", 1400, 300, 0, sequence=9) == cuff1.Ack(9, 1400, 2)
    hands.until("armed")
    assert hands.say("GO", 1400, 300, 0, sequence=9) == cuff1.Ack(9, 1400, 1)  # state of now
    assert hands.state == "armed"


def test_a_repeated_refusal_is_refused_again_though_it_would_be_taken_now(hands: Hands) -> None:
    hands.run(0.5, beating=False)
    assert hands.say("TEST", sequence=9) == cuff1.Nak(9, 6, 0)
    hands.run(0.1)
    assert hands.say("TEST", sequence=9) == cuff1.Nak(9, 6, 0)
    assert hands.say("TEST", sequence=10) == cuff1.Ack(10, 0, 6)


def test_the_same_number_with_other_words_is_another_command(hands: Hands) -> None:
    assert hands.say("STREAM", 10, sequence=9) == cuff1.Ack(9, 10, 0)
    assert hands.say("STREAM", 0, sequence=9) == cuff1.Ack(9, 0, 0)


def test_a_command_that_comes_again_after_a_stop_is_not_obeyed_and_tells_the_state_of_now(
    hands: Hands,
) -> None:
    hands.to("armed")
    assert hands.say("GO", 1400, 9000, 0, sequence=9) == cuff1.Ack(9, 1400, 2)
    hands.send(table.VENT_BYTE)
    hands.until("idle")
    assert hands.say("GO", 1400, 9000, 0, sequence=9) == cuff1.Ack(9, 1400, 0)
    assert hands.say("ARM", 2500, sequence=10) == cuff1.Ack(10, 2500, 1)
    hands.send(table.VENT_BYTE)
    hands.until("idle")
    assert hands.say("ARM", 2500, sequence=10) == cuff1.Ack(10, 2500, 0)
    assert hands.state == "idle"


@pytest.mark.parametrize("name", ["VENT", "DISARM"])
def test_a_repeated_vent_acts_again(hands: Hands, name: str) -> None:
    hands.to("hold")
    assert isinstance(hands.say(name, sequence=200), cuff1.Ack)
    hands.until("idle")
    hands.to("hold")
    hands.device.receive(cuff1.encode_command(200, name))
    hands.run(0.03)
    assert hands.state == "venting"


def test_heartbeats_between_do_not_make_a_repeated_number_new(hands: Hands) -> None:
    hands.to("armed")
    hands.say("GO", 1400, 300, 0, sequence=9)
    hands.until("armed")
    hands.heart()
    assert hands.say("GO", 1400, 300, 0, sequence=9) == cuff1.Ack(9, 1400, 1)  # state of now
    assert hands.state == "armed"


# -- lease


@pytest.mark.parametrize("lease_ms", [table.LEASE_MS_MIN, 250, table.LEASE_MS])
def test_without_heartbeats_it_falls_within_its_lease(hands: Hands, lease_ms: int) -> None:
    assert hands.take("LEASE", lease_ms).value == lease_ms
    hands.to("hold")
    hands.take("STREAM", 100)
    hands.heart()
    said = [r for r in hands.run(0.6, beating=False) if isinstance(r, cuff1.Status)]
    fallen = next(r for r in said if table.STATES[r.state] == "fault")
    assert table.FAULTS[fallen.fault] == "host_lost"
    assert lease_ms - 5 <= fallen.heartbeat_age_ms <= lease_ms + 20
    assert all(r.heartbeat_age_ms <= lease_ms + 5 for r in said if r.state == 3)


@pytest.mark.parametrize("state", ["armed", "inflating", "selftest"])
def test_it_needs_its_heartbeats_in(hands: Hands, state: str) -> None:
    hands.to(state)
    hands.run(0.6, beating=False)
    assert (hands.state, hands.fault) == ("fault", "host_lost")


@pytest.mark.parametrize("state", ["idle", "venting"])
def test_it_does_not_need_them_in(hands: Hands, state: str) -> None:
    hands.to(state)
    hands.run(0.6, beating=False)
    assert hands.fault == "none"


def test_an_echoed_heartbeat_is_none(hands: Hands) -> None:
    hands.to("hold")
    for _ in range(12):
        hands.device.receive(cuff1.encode_command(0, "HB", hands.beat))
        hands.run(0.05, beating=False)
    assert hands.fault == "host_lost"


def test_other_commands_are_no_heartbeat(hands: Hands) -> None:
    hands.to("hold")
    for _ in range(12):
        hands.device.receive(raw("9 PING") + table.STATUS_BYTE)
        hands.run(0.05, beating=False)
    assert hands.fault == "host_lost"


def test_a_damaged_heartbeat_is_none(hands: Hands) -> None:
    hands.to("hold")
    for beat in range(12):
        hands.device.receive(raw(f"0 HB {beat}")[:-2] + b"\n" + raw("0 HB") + raw("0 HB 256"))
        hands.run(0.05, beating=False)
    assert hands.fault == "host_lost"


def test_a_lease_changes_in_idle_only(hands: Hands) -> None:
    hands.to("armed")
    assert hands.refused("LEASE", 200) == "wrong_state"


# -- self-test


def test_it_does_not_arm_before_its_self_test_has_passed(hands: Hands) -> None:
    hands.run(0.1)
    assert hands.refused("ARM", 2500) == "untested"
    assert not hands.status().flags & cuff1_hands.BIT["selftest_passed"]
    assert hands.self_test() == "passed"
    assert hands.status().flags == cuff1_hands.BIT["selftest_passed"]
    hands.until("idle")
    assert hands.take("ARM", 2500) == cuff1.Ack(hands.sequence, 2500, 1)


def test_a_self_test_stays_below_what_counts_as_empty(hands: Hands) -> None:
    hands.take("STREAM", 100)
    hands.to("selftest")
    seen = [r for r in hands.run(5.0) if isinstance(r, cuff1.Status)]
    tested = [r for r in seen if table.STATES[r.state] == "selftest"]
    assert max(r.first_tenths for r in tested) < table.SELFTEST_TENTHS_MAX
    assert max(r.first_tenths for r in tested) > table.SELFTEST_REACHED_TENTHS - 20
    assert hands.state == "idle"
    assert hands.moves("valve closed") == []


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"valve_stuck": True}, "first_vent"),
        ({"stuck_path": 1}, "first_vent"),
        ({"stuck_path": 2}, "second_vent"),
        ({"supply_lost": True}, "no_rise"),
        ({"leak_per_s": 4.0}, "no_rise"),
        ({"leak_per_s": 0.5}, "leak"),
        ({"sensors_stuck": True}, "no_rise"),
        ({"lie_mmhg": 5.0}, "zero"),
        ({"off_mmhg": (2.5, -2.5)}, "match"),
        ({"frozen": (False, True)}, "match"),
        ({"runaway_mmhg": 2000.0}, "too_high"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_self_test_finds_what_is_wrong(
    hands: Hands, trouble: dict[str, object], says: str
) -> None:
    needs(hands, "a hose and sensors to break")
    hands.trouble(**trouble)
    assert hands.self_test() == says
    assert (hands.state, hands.fault) == ("fault", "selftest")
    assert not hands.status().flags & cuff1_hands.BIT["selftest_passed"]


@pytest.mark.parametrize(
    "more", [{}, {"stuck_path": 1}, {"stuck_path": 2}, {"valve_stuck": True}], ids=str
)
def test_a_self_test_finds_a_shut_off_valve_that_is_stuck_open(
    hands: Hands, more: dict[str, object]
) -> None:
    needs(hands, "valves to block")
    hands.trouble(shutoff_stuck=True, **more)
    assert hands.self_test() == "shutoff"


@pytest.mark.parametrize("path", [1, 2])
def test_a_leak_does_not_pass_for_a_vent_path(hands: Hands, path: int) -> None:
    """One that would empty a puff of 6 mmHg below 3 in the time that a path has."""
    needs(hands, "a hose and valves to break")
    hands.trouble(leak_per_s=0.5, stuck_path=path)
    assert hands.self_test() == "leak"


def test_a_self_test_finds_a_dead_path_behind_a_shut_off_valve_that_sticks_later(
    hands: Hands,
) -> None:
    """The regulator stays on meanwhile: at 0 it would let the air out in the place of the path."""
    needs(hands, "valves to block")
    hands.to("selftest")
    against = table.SELFTEST_AGAINST_TENTHS * table.DRIVE_MAX // table.FULL_SCALE_TENTHS
    drives = [hands.status().drive]
    while against not in drives or drives[-1] == against:  # all closed, or before that
        hands.run(0.02)
        drives.append(hands.status().drive)
    hands.trouble(shutoff_stuck=True, stuck_path=1)
    said = hands.run(table.SELFTEST_MS_MAX / 1000, until=lambda r: is_event(r, "selftest"))
    assert [table.SELFTEST_NAMES[r.value] for r in said if is_event(r, "selftest")] == [
        "first_vent"
    ]


def test_a_self_test_does_not_see_a_kink_beyond_its_sensors(hands: Hands) -> None:
    needs(hands, "a hose to kink")
    hands.trouble(kinked=True)
    assert hands.self_test() == "passed"


def test_a_self_test_needs_a_heart_and_an_idle_device(hands: Hands) -> None:
    hands.run(0.5, beating=False)
    hands.device.receive(cuff1.encode_command(3, "TEST"))
    assert hands.run(0.05, beating=False) == [cuff1.Nak(3, 6, 0)]
    hands.to("armed")
    assert hands.refused("TEST") == "wrong_state"


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
def test_a_vent_breaks_a_self_test_off(hands: Hands, byte: bytes) -> None:
    hands.to("selftest")
    hands.run(0.4)
    said = hands.send(byte)
    assert [table.SELFTEST_NAMES[r.value] for r in said if is_event(r, "selftest")] == [
        "broken_off"
    ]
    hands.until("idle")
    assert hands.refused("ARM", 2500) == "untested"


def test_a_lost_host_keeps_the_self_test_and_an_abort_does_not(hands: Hands) -> None:
    hands.to("armed")
    hands.run(0.6, beating=False)
    hands.run(0.1)
    hands.take("CLEAR")
    hands.take("ARM", 2500)
    needs(hands, "somebody who squeezes the ball")
    hands.device.open_loop()
    hands.run(0.05)
    hands.device.close_loop()
    hands.run(0.05)
    hands.take("CLEAR")
    assert hands.refused("ARM", 2500) == "untested"


# -- arming, limits, states


def test_it_does_not_arm_without_a_heart(hands: Hands) -> None:
    assert hands.self_test() == "passed"
    hands.run(1.0, beating=False)
    hands.device.receive(cuff1.encode_command(3, "ARM", 2500))
    assert hands.run(0.05, beating=False) == [cuff1.Nak(3, 6, 0)]


def test_arming_again_can_lower_and_raise_the_sessions_ceiling(hands: Hands) -> None:
    hands.to("armed", ceiling=1500)
    assert hands.refused("GO", 1501, 1000, 0) == "out_of_limits"
    hands.take("ARM", 1200)
    assert hands.refused("GO", 1201, 1000, 0) == "out_of_limits"
    hands.take("ARM", 1600)
    assert hands.take("GO", 1501, 300, 0).value == 1501


def test_a_ceiling_of_zero_takes_nothing(hands: Hands) -> None:
    hands.to("armed")
    hands.take("ARM", 0)
    assert hands.refused("GO", table.EMPTY_TENTHS, 1000, 0) == "out_of_limits"


@pytest.mark.parametrize("state", ["idle", "selftest", "inflating", "hold", "venting", "fault"])
def test_it_does_not_inflate_unless_armed(hands: Hands, state: str) -> None:
    hands.to(state)
    assert hands.refused("GO", 1400, 1000, 0) == "wrong_state"


@pytest.mark.parametrize("state", ["selftest", "inflating", "hold", "venting", "fault"])
def test_it_does_not_arm_in(hands: Hands, state: str) -> None:
    hands.to(state)
    assert hands.refused("ARM", 2500) == "wrong_state"


@pytest.mark.parametrize("state", ["idle", "armed", "selftest", "hold"])
def test_there_is_nothing_to_clear_in(hands: Hands, state: str) -> None:
    hands.to(state)
    assert hands.refused("CLEAR") == "wrong_state"


def test_a_ramp_longer_than_its_program_is_refused(hands: Hands) -> None:
    hands.to("armed")
    assert hands.refused("GO", 1400, 1000, 1001) == "out_of_limits"
    assert hands.take("GO", 150, 1000, 1000).value == 150


# -- programs


def test_a_program_reaches_its_target_ends_by_itself_and_stays_armed(hands: Hands) -> None:
    hands.to("armed")
    hands.take("STREAM", 50)
    hands.take("GO", 1400, 5000, 0)
    said = [r for r in hands.run(8.0) if isinstance(r, cuff1.Status)]
    states = [table.STATES[r.state] for r in said]
    assert list(dict.fromkeys(states)) == ["inflating", "hold", "venting", "armed"]
    pressed = [r for r in said if table.STATES[r.state] in PRESSED]
    assert pressed[-1].device_ms - pressed[0].device_ms == pytest.approx(5000, abs=45)
    held = [r.first_tenths for r in said if table.STATES[r.state] == "hold"]
    assert sum(held) / len(held) == pytest.approx(1400, abs=30)
    assert {r.target_tenths for r in pressed} == {1400}
    assert {r.drive for r in pressed} == {1400 * table.DRIVE_MAX // table.FULL_SCALE_TENTHS}
    assert {(r.target_tenths, r.drive) for r in said if r.state == 4} == {(0, 0)}


def test_a_ramp_is_a_line_and_its_target_is_told(hands: Hands) -> None:
    hands.to("armed")
    hands.take("STREAM", 50)
    before_ms = hands.status().device_ms
    hands.take("GO", 1400, 9000, 6000)
    for s in (r for r in hands.run(8.5) if isinstance(r, cuff1.Status)):
        line = 1400 * min(1.0, max(0.0, s.device_ms - before_ms) / 6000)
        assert s.target_tenths == pytest.approx(line, abs=6.0)
        assert s.first_tenths == pytest.approx(line, abs=120)
        if s.device_ms - before_ms < 5900:
            assert table.STATES[s.state] == "inflating"
    assert hands.state == "hold"


@pytest.mark.parametrize("state", PRESSED)
def test_an_end_vents_and_stays_armed(hands: Hands, state: str) -> None:
    hands.to(state)
    assert table.STATES[hands.take("END").state] == "venting"
    hands.until("armed")


@pytest.mark.parametrize("state", ["idle", "armed", "venting", "fault"])
def test_an_end_of_nothing_changes_nothing(hands: Hands, state: str) -> None:
    hands.to(state)
    assert table.STATES[hands.take("END").state] == state


@pytest.mark.parametrize("name", ["VENT", "DISARM"])
@pytest.mark.parametrize("state", ["idle", "armed", "hold"])
def test_a_vent_opens_and_disarms(hands: Hands, state: str, name: str) -> None:
    hands.to(state)
    assert table.STATES[hands.take(name).state] == "venting"
    hands.until("idle")


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
@pytest.mark.parametrize("state", ["idle", "armed", "inflating", "hold", "venting"])
def test_a_single_byte_opens_and_disarms(hands: Hands, state: str, byte: bytes) -> None:
    hands.to(state)
    hands.send(byte)
    hands.until("idle")
    assert hands.moves("valve closed")[-1:] <= hands.moves("valve open")[-1:]


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
def test_a_single_byte_does_not_end_a_fault(hands: Hands, byte: bytes) -> None:
    hands.to("fault")
    hands.send(byte)
    assert (hands.state, hands.fault) == ("fault", "host_lost")


# -- faults


def test_a_fault_is_told_at_once_latched_and_left_by_clear_alone(hands: Hands) -> None:
    hands.to("hold")
    said = hands.run(0.6, beating=False)
    assert [table.FAULTS[r.value] for r in said if is_event(r, "fault")] == ["host_lost"]
    hands.run(3.0)
    assert hands.refused("ARM", 2500) == "wrong_state"
    assert hands.refused("GO", 1400, 1000, 0) == "wrong_state"
    assert hands.fault == "host_lost"
    assert table.STATES[hands.take("CLEAR").state] == "idle"
    assert hands.fault == "none"


def test_a_fault_is_not_cleared_while_the_cuff_is_full(hands: Hands) -> None:
    hands.to("hold")
    hands.run(0.5, beating=False)
    assert hands.refused("CLEAR") == "not_empty"


def faults() -> dict[str, tuple[str, dict[str, object], float]]:
    return {
        "regulator runs away": ("overpressure", {"runaway_mmhg": 350.0}, 1.0),
        "both sensors too high": ("overpressure", {"lie_mmhg": 40.0}, 0.1),
        "first wire open": ("sensor_range", {"wires": ("open", "whole")}, 0.1),
        "second wire open": ("sensor_range", {"wires": ("whole", "open")}, 0.1),
        "first wire short": ("sensor_range", {"wires": ("short", "whole")}, 0.1),
        "second wire short": ("sensor_range", {"wires": ("whole", "short")}, 0.1),
        "first sensor low": ("sensor_disagree", {"off_mmhg": (-25.0, 0.0)}, 0.3),
        "second sensor low": ("sensor_disagree", {"off_mmhg": (0.0, -25.0)}, 0.3),
        "hose off": ("leak", {"leak_per_s": 40.0}, 0.3),
        "both sensors frozen": ("stuck", {"sensors_stuck": True}, 3.0),
    }


@pytest.mark.parametrize("name", faults())
def test_what_goes_wrong_in_hold_is_a_fault_by_its_name(hands: Hands, name: str) -> None:
    needs(hands, "a hose and sensors to break")
    fault, trouble, within_s = faults()[name]
    hands.to("hold", on_ms=60_000)
    hands.trouble(**trouble)
    hands.run(within_s)
    assert (hands.state, hands.fault) == ("fault", fault)
    assert hands.moves("valve open")[-1] > hands.moves("valve closed")[-1]


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        ({"supply_lost": True}, "leak"),
        ({"leak_per_s": 30.0}, "leak"),
        ({"sensors_stuck": True}, "stuck"),
        ({"frozen": (True, False)}, "sensor_disagree"),
        ({"frozen": (False, True)}, "sensor_disagree"),
    ],
    ids=["no supply", "leak", "both sensors stuck", "first stuck", "second stuck"],
)
def test_what_goes_wrong_while_inflating_is_a_fault_by_its_name(
    hands: Hands, trouble: dict[str, object], fault: str
) -> None:
    needs(hands, "a hose and sensors to break")
    hands.to("armed")
    hands.run(0.2)
    hands.trouble(**trouble)
    hands.take("GO", 1400, 20_000, 0)
    hands.run(3.0)
    assert (hands.state, hands.fault) == ("fault", fault)


def test_sensors_that_freeze_on_a_slow_ramp_are_stuck_before_the_pressure_is_behind(
    hands: Hands,
) -> None:
    needs(hands, "sensors to break")
    hands.to("armed")
    hands.take("GO", 1400, 60_000, 60_000)
    hands.run(2.0)
    hands.trouble(sensors_stuck=True)
    hands.run(3.0)
    assert (hands.state, hands.fault) == ("fault", "stuck")


@pytest.mark.parametrize("target", [150, 300, 1400])
def test_a_quiet_hold_is_no_fault(hands: Hands, target: int) -> None:
    hands.to("hold", target=target, on_ms=60_000)
    hands.run(20.0)
    assert (hands.state, hands.fault) == ("hold", "none")


@pytest.mark.parametrize("target", [150, 300])
def test_a_low_pressure_that_is_lost_in_hold_is_a_leak(hands: Hands, target: int) -> None:
    needs(hands, "a hose to take off")
    hands.to("hold", target=target, on_ms=60_000)
    hands.trouble(leak_per_s=40.0)
    hands.run(1.0)
    assert (hands.state, hands.fault) == ("fault", "leak")


def test_the_sessions_ceiling_binds_the_pressure_and_not_the_order_alone(hands: Hands) -> None:
    needs(hands, "a regulator to break")
    hands.to("hold", target=1500, ceiling=1500, on_ms=60_000)
    hands.trouble(runaway_mmhg=168.0)
    hands.run(3.0)
    assert (hands.state, hands.fault) == ("hold", "none")
    hands.trouble(runaway_mmhg=173.0)
    hands.run(3.0)
    assert (hands.state, hands.fault) == ("fault", "overpressure")


def test_a_wire_that_flickers_is_a_fault(hands: Hands) -> None:
    needs(hands, "a wire to break")
    hands.to("hold", on_ms=60_000)
    for _ in range(100):
        hands.trouble(wires=("open", "whole"))
        hands.run(0.015)
        hands.trouble(wires=("whole", "whole"))
        hands.run(0.005)
    assert hands.state == "fault"
    assert hands.fault in ("sensor_range", "sensor_disagree")


def test_a_long_ramp_that_the_pressure_does_not_follow_is_a_leak(hands: Hands) -> None:
    needs(hands, "an air supply to close")
    hands.to("armed")
    hands.take("GO", 1400, 60_000, 30_000)
    hands.trouble(supply_lost=True)
    hands.run(20.0)
    assert hands.fault == "leak"


def test_a_cuff_that_does_not_vent_is_a_fault_that_cannot_be_cleared(hands: Hands) -> None:
    needs(hands, "a valve to block")
    hands.to("hold")
    hands.trouble(valve_stuck=True)
    hands.take("END")
    hands.run(table.VENT_MS_MAX / 1000 + 0.2)
    assert (hands.state, hands.fault) == ("fault", "vent_fail")
    assert hands.refused("CLEAR") == "not_empty"
    hands.trouble(valve_stuck=False)
    hands.run(3.0)
    hands.take("CLEAR")


@pytest.mark.parametrize("state", ["idle", "armed"])
def test_pressure_that_nobody_asked_for_is_a_fault_and_an_alarm(hands: Hands, state: str) -> None:
    needs(hands, "pressure in an open cuff")
    hands.to(state)
    hands.run(0.1)
    hands.trouble(lie_mmhg=35.0)
    hands.run(0.2)
    assert (hands.state, hands.fault) == ("fault", "vent_fail")
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]


@pytest.mark.parametrize("state", ["idle", "armed"])
def test_a_little_of_it_is_a_fault_if_it_stays(hands: Hands, state: str) -> None:
    needs(hands, "pressure in an open cuff")
    hands.to(state)
    hands.run(0.1)
    hands.trouble(lie_mmhg=20.0)
    hands.run(table.VENT_MS_MAX / 1000 - 0.3)
    assert hands.fault == "none"
    if state == "armed":
        assert hands.refused("GO", 1400, 1000, 0) == "not_empty"
    hands.run(0.5)
    assert (hands.state, hands.fault) == ("fault", "vent_fail")


def test_the_rest_of_a_vent_after_an_end_is_no_fault(hands: Hands) -> None:
    hands.to("hold", target=2500, on_ms=60_000)
    hands.take("END")
    hands.run(15.0)
    assert (hands.state, hands.fault) == ("armed", "none")


@pytest.mark.parametrize("cause", ["power_on", "reset_pin", "brown_out"])
def test_after_a_restart_a_full_cuff_is_not_idle_and_becomes_a_fault(
    hands: Hands, cause: str
) -> None:
    needs(hands, "a power switch")
    hands.to("hold")
    hands.trouble(valve_stuck=True)
    hands.device.restart(cause)
    hands.run(cuff1_hands.BOOT_S)
    assert (hands.state, hands.fault) == ("venting", "none")
    assert hands.refused("TEST") == "wrong_state"
    hands.run(table.VENT_MS_MAX / 1000)
    assert (hands.state, hands.fault) == ("fault", "vent_fail")
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]


def test_what_lost_its_heart_while_it_vented_is_not_armed_when_it_comes_back(hands: Hands) -> None:
    needs(hands, "a valve to block")
    hands.to("hold")
    hands.trouble(valve_stuck=True)
    hands.take("END")
    hands.run(1.0, beating=False)
    hands.run(0.5)
    hands.trouble(valve_stuck=False)
    hands.until("idle")


def test_a_fault_that_does_not_empty_the_cuff_says_so_and_keeps_its_first_cause(
    hands: Hands,
) -> None:
    needs(hands, "a valve to block")
    hands.to("hold")
    hands.trouble(valve_stuck=True)
    said = hands.run(table.VENT_MS_MAX / 1000 + 20.0, beating=False)
    told = [table.FAULTS[r.value] for r in said if is_event(r, "fault")]
    assert told == ["host_lost", "vent_fail"]
    assert hands.fault == "host_lost"
    hands.trouble(valve_stuck=False)
    hands.run(4.0)
    hands.take("CLEAR")
    assert hands.refused("ARM", 2500) == "untested"


@pytest.mark.parametrize("path", [1, 2])
def test_one_vent_path_is_enough(hands: Hands, path: int) -> None:
    needs(hands, "a valve to block")
    hands.to("hold")
    hands.trouble(stuck_path=path)
    hands.take("END")
    hands.until("armed", within_s=4.0)


def test_the_first_fault_stays(hands: Hands) -> None:
    needs(hands, "somebody who squeezes the ball")
    hands.to("hold")
    hands.run(0.6, beating=False)
    hands.device.open_loop()
    hands.run(0.1)
    assert hands.fault == "host_lost"


# -- abort loop, buzzer


@pytest.mark.parametrize("state", ["idle", "armed", "inflating", "hold", "venting", "selftest"])
def test_an_open_loop_vents_in_any_state_and_cannot_be_cleared(hands: Hands, state: str) -> None:
    needs(hands, "somebody who squeezes the ball")
    hands.to(state)
    hands.device.open_loop()
    said = hands.run(0.03)
    assert [table.FAULTS[r.value] for r in said if is_event(r, "fault")] == ["abort"]
    assert hands.status().flags & cuff1_hands.BIT["loop_open"]
    hands.run(4.0)
    assert hands.pressure_mmhg < 1.0
    assert hands.refused("CLEAR") == "loop_open"
    hands.device.close_loop()
    hands.run(0.05)
    assert not hands.status().flags & cuff1_hands.BIT["loop_open"]
    hands.take("CLEAR")


def test_the_buzzer_sounds_in_a_fault_and_is_hushed_until_the_next(hands: Hands) -> None:
    hands.to("hold")
    assert not hands.status().flags & cuff1_hands.BIT["buzzer"]
    hands.run(0.6, beating=False)
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]
    hands.take("HUSH")
    assert not hands.status().flags & cuff1_hands.BIT["buzzer"]
    hands.run(3.0)
    hands.take("CLEAR")
    hands.take("ARM", 2500)
    hands.run(0.6, beating=False)
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]


def test_a_hushed_alarm_sounds_again_when_it_gets_worse(hands: Hands) -> None:
    needs(hands, "pressure in an open cuff")
    hands.to("fault")
    hands.run(3.0)
    hands.take("HUSH")
    hands.run(1.0)
    assert not hands.status().flags & cuff1_hands.BIT["buzzer"]
    hands.trouble(lie_mmhg=40.0)
    hands.run(0.1)
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]


def test_an_alarm_of_high_priority_is_hushed_for_a_minute_and_not_for_good(hands: Hands) -> None:
    needs(hands, "a valve to block")
    hands.to("hold")
    hands.trouble(valve_stuck=True)
    hands.run(11.0, beating=False)
    hands.take("HUSH")
    hands.run(table.HUSH_HIGH_MS / 1000 - 1.0)
    assert not hands.status().flags & cuff1_hands.BIT["buzzer"]
    hands.run(1.1)
    assert hands.status().flags & cuff1_hands.BIT["buzzer"]


# -- site's ceiling, restarts


def test_the_sites_ceiling_needs_the_jumper_and_survives_a_restart(hands: Hands) -> None:
    needs(hands, "the service jumper")
    assert hands.refused("SITE", 2000) == "no_jumper"
    hands.device.service_jumper = True
    hands.run(0.05)
    assert hands.take("SITE", 2000).value == 2000
    hands.run(0.2)
    hands.device.restart("brown_out")
    hands.run(cuff1_hands.BOOT_S)
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.site_ceiling_tenths == 2000
    assert hands.self_test() == "passed"
    hands.until("idle")
    assert hands.refused("ARM", 2001) == "out_of_limits"
    hands.take("ARM", 2000)
    assert hands.refused("SITE", 2500) == "wrong_state"


@pytest.mark.parametrize("cause", ["power_on", "reset_pin", "brown_out"])
@pytest.mark.parametrize("state", ["armed", "hold"])
def test_a_restart_vents_forgets_everything_and_says_why(
    hands: Hands, state: str, cause: str
) -> None:
    needs(hands, "a power switch")
    hands.to(state)
    hands.take("STREAM", 50)
    hands.device.restart(cause)
    said = hands.run(cuff1_hands.BOOT_S)
    assert [table.RESETS[r.value] for r in said if is_event(r, "boot")] == [cause]
    assert not any(isinstance(r, cuff1.Status) for r in hands.run(0.5))
    assert hands.state == "idle"
    assert len(hands.moves("valve closed")) == len(hands.moves("valve open"))
    assert hands.refused("ARM", 2500) == "untested"
    assert hands.status().device_ms < 5000


def test_a_restart_gives_the_longest_lease_again(hands: Hands) -> None:
    needs(hands, "a power switch")
    hands.take("LEASE", 200)
    hands.device.restart("power_on")
    hands.run(cuff1_hands.BOOT_S)
    identity = hands.say("ID")
    assert isinstance(identity, cuff1.DeviceIdentity)
    assert identity.lease_ms == table.LEASE_MS
