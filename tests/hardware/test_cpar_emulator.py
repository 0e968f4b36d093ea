"""The emulated CPAR decides for itself: programs, limits, watchdog, button, flags."""

import itertools
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    HostRequest,
    Instruction,
    Negative,
    ProgramLoaded,
    Reply,
    Request,
    SetProgram,
    Start,
    Status,
    crc8,
    instruction_bytes,
    program_units,
    step,
)
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.sim.cpar import REFILL_MS, WATCHDOG_MS, EmulatedCpar
from hardware.sim.plant import Plant

KICK, STOP = Request(Verb.KICK), Request(Verb.STOP)
TWENTY = program_units(20.0)
PULSE = SetProgram(0, 1, (step(TWENTY, 200), step(0, 1)))


class Hands:
    """Types requests at the device and kicks its watchdog."""

    def __init__(self, map_: Literal["A", "C"] = "C") -> None:
        self.now_s = 0.0
        self.map = CommandMap(map_)
        self.valve: list[tuple[float, str]] = []
        self.device = EmulatedCpar(
            Plant(seed=3),
            start_s=0.0,
            witness=lambda what, t: self.valve.append((t, what)),
            map_=map_,
        )
        self.decoder = cpar.ReplyDecoder(self.map)
        self.status: Status | None = None
        self.events: list[str] = []

    def hear(self) -> list[Reply]:
        found = list(self.decoder.receive(self.device.advance(self.now_s)))
        for reply in found:
            if isinstance(reply, Status):
                self.status = reply
            elif isinstance(reply, DeviceEvent):
                self.events.append(table.EVENTS[self.map][reply.event])
        return found

    def wait(self, for_s: float, *, kicking: bool = True) -> list[Reply]:
        found: list[Reply] = []
        for n in range(round(for_s / 0.05)):
            if kicking and n % 10 == 0:
                self.device.receive(cpar.encode_request(KICK, self.map))
            self.now_s += 0.05
            found += self.hear()
        return found

    def say(self, request: HostRequest) -> Reply:
        self.device.receive(cpar.encode_request(request, self.map))
        return next(r for r in self.hear() if not isinstance(r, Status | DeviceEvent))

    def started(self) -> None:
        assert isinstance(self.say(PULSE), ProgramLoaded)
        criterion, compressor = table.STOP_ON_BUTTON, table.COMPRESSOR_AUTO
        assert self.say(Start(criterion, compressor)) == Done(Verb.START)
        self.wait(3.0)
        assert self.device.state == "stimulating"

    def condition(self) -> str:
        self.wait(0.1, kicking=False)
        assert self.status is not None
        return table.STOP_CONDITIONS[self.status.stop_condition]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.mark.parametrize("map_", ["C", "A"])
def test_it_streams_twenty_times_a_second_from_the_beginning(map_: Literal["A", "C"]) -> None:
    hands = Hands(map_)
    out = hands.device.advance(10.0)
    length = table.STATUS_BYTES[hands.map]
    bodies = [p for p in cpar.Deframer().receive(out) if isinstance(p, bytes)]
    assert len(bodies) == 200
    assert {(p[0], p[1], len(p)) for p in bodies} == {(0x80, length, length + 2)}


@pytest.mark.parametrize(("map_", "length"), [("C", 64), ("A", 6)])
def test_it_says_who_it_is(map_: Literal["A", "C"], length: int) -> None:
    who = Hands(map_).say(Request(Verb.IDENTIFY))
    assert isinstance(who, DeviceIdentity)
    assert (who.length, who.device_type) == (length, table.CPAR)


def test_it_runs_a_program_tick_by_tick_and_ends_by_itself(hands: Hands) -> None:
    hands.say(SetProgram(0, 2, (step(TWENTY, 40), step(0, 20))))
    hands.say(SetProgram(1, 2, (step(0, 60),)))
    assert hands.say(Start(1, 0)) == Done(Verb.START)
    targets = [r.target[0] for r in hands.wait(6.5) if isinstance(r, Status)]
    # the first tick begins with the start, so one status fewer shows it
    runs = [(value, len(list(same))) for value, same in itertools.groupby(targets)]
    assert runs[:3] == [(51, 39), (0, 20), (51, 40)]
    assert hands.device.state == "idle"
    assert hands.condition() == "completed"
    assert "waveforms_completed" in hands.events


def test_ramps_rise_and_fall_by_their_argument_each_tick(hands: Hands) -> None:
    up, down = Instruction(table.INC, 512, 10), Instruction(table.DEC, 1024, 5)
    hands.say(SetProgram(0, 1, (up, down)))
    hands.say(Start(1, 0))
    found = [r.target[0] for r in hands.wait(0.8) if isinstance(r, Status)]
    assert found[:14] == [4, 6, 8, 10, 12, 14, 16, 18, 20, 16, 12, 8, 4, 0]


def test_it_reaches_its_pressure_and_never_passes_100_kpa(hands: Hands) -> None:
    hands.started()
    assert hands.device.pressure_mmhg == pytest.approx(150, abs=4)
    assert hands.status is not None
    assert hands.status.target == (51, 0)
    too_much = bytes.fromhex("100700010301FF2C01")  # 255.004 counts
    hands.say(STOP)
    hands.device.receive(cpar.frame(too_much))
    assert Negative(2) in hands.hear()


def test_a_stop_opens_the_valve_at_once_and_is_harmless_when_idle(hands: Hands) -> None:
    assert hands.say(STOP) == Done(Verb.STOP)
    hands.started()
    now_s = hands.now_s
    assert hands.say(STOP) == Done(Verb.STOP)
    assert hands.valve[-1] == (pytest.approx(now_s, abs=1e-6), "valve open")
    assert hands.condition() == "host_stop"
    hands.wait(3.0)
    assert hands.device.pressure_mmhg < 1.0


def test_without_kicks_it_vents_by_itself_and_says_so(hands: Hands) -> None:
    hands.started()
    hands.say(KICK)
    before_s = hands.now_s
    hands.wait(4.0, kicking=False)
    opened_s = next(t for t, what in hands.valve if what == "valve open")
    assert opened_s - before_s == pytest.approx(WATCHDOG_MS / 1000, abs=0.01)
    assert hands.condition() == "watchdog"
    assert "watchdog" in hands.events


def test_other_requests_do_not_feed_the_watchdog(hands: Hands) -> None:
    hands.started()
    for _ in range(80):
        hands.say(Request(Verb.IDENTIFY))
        hands.wait(0.05, kicking=False)
    assert hands.condition() == "watchdog"


def test_no_run_is_longer_than_ten_minutes(hands: Hands) -> None:
    hands.say(SetProgram(0, 255, (step(TWENTY, 1000),)))
    hands.say(Start(1, 0))
    hands.wait(601.0)
    opened_s = next(t for t, what in hands.valve if what == "valve open")
    assert opened_s == pytest.approx(600.0, abs=0.02)
    assert hands.condition() == "maximum_time"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("emergency", True, 9),
        ("power_on", False, 8),
        ("meter_connected", False, 5),
        ("rating", 9, 6),
        ("compressor_on", True, 7),
    ],
)
def test_it_does_not_start_when_it_says_that_it_can_not(
    hands: Hands, name: str, value: object, error: int
) -> None:
    hands.say(PULSE)
    setattr(hands.device, name, value)
    hands.wait(0.1)
    assert hands.status is not None
    assert not hands.status.flags & table.START_POSSIBLE
    assert hands.say(Start(1, 0)) == Negative(error)
    assert "valve closed" not in [what for _, what in hands.valve]


@pytest.mark.parametrize(
    ("name", "value", "condition"),
    [
        ("emergency", True, "emergency_stop"),
        ("power_on", False, "power_off"),
        ("meter_connected", False, "meter_disconnected"),
        ("button_down", True, "button"),
    ],
)
def test_flags_and_buttons_end_a_run_at_once(
    hands: Hands, name: str, value: object, condition: str
) -> None:
    hands.started()
    setattr(hands.device, name, value)
    assert hands.condition() == condition
    assert hands.device.state == ("emergency" if name == "emergency" else "idle")
    assert hands.valve[-1][1] == "valve open"


def test_the_rating_ends_a_run_only_where_it_was_asked_to(hands: Hands) -> None:
    hands.started()
    hands.device.rating = 255
    hands.wait(0.5)
    assert hands.device.state == "stimulating"


def test_nothing_can_be_loaded_or_started_while_it_runs(hands: Hands) -> None:
    hands.started()
    assert hands.say(PULSE) == Negative(3)
    assert hands.say(Start(1, 0)) == Negative(3)


def test_after_a_run_the_compressor_refills_before_the_next_start(hands: Hands) -> None:
    hands.started()
    hands.say(STOP)
    assert hands.say(Start(1, 0)) == Negative(7)
    hands.wait(REFILL_MS / 1000 + 0.1)
    assert hands.say(Start(1, 0)) == Done(Verb.START)


def test_programs_stay_and_the_checksum_is_that_of_the_instructions(hands: Hands) -> None:
    assert hands.say(PULSE) == ProgramLoaded(crc8(instruction_bytes(PULSE.instructions)))
    assert hands.say(SetProgram(1, 1, ())) == ProgramLoaded(0)
    hands.device.wrong_crc = True
    assert hands.say(PULSE) != ProgramLoaded(crc8(instruction_bytes(PULSE.instructions)))


def test_the_stop_condition_stays_until_the_next_run(hands: Hands) -> None:
    hands.started()
    hands.say(STOP)
    hands.wait(10.0)
    assert hands.condition() == "host_stop"
    hands.say(Start(1, 0))
    assert hands.condition() == "none"


def test_the_counter_rises_with_every_kick_and_falls_with_a_restart(hands: Hands) -> None:
    first, second = hands.say(KICK), hands.say(KICK)
    assert isinstance(first, Counter)
    assert second == Counter(first.count + 1)
    hands.device.restart()
    assert hands.say(KICK) == Counter(1)


def test_it_ignores_the_vendors_zero_and_answers_nonsense(hands: Hands) -> None:
    hands.device.receive(cpar.frame(b"\x13\x00\x00"))
    assert Done(Verb.STOP) in hands.hear()
    hands.device.receive(cpar.frame(b"\x77\x00"))
    assert Negative(1) in hands.hear()
    hands.device.receive(cpar.frame(b"\x11\x01\x00"))
    assert Negative(2) in hands.hear()
    hands.device.receive(cpar.frame(b"\x11\x02\x00"))  # shorter than it says: dropped in silence
    assert hands.hear() == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.binary(max_size=12)
        | st.sampled_from([cpar.encode_request(r, CommandMap.C) for r in (PULSE, KICK, STOP)]),
        max_size=30,
    )
)
def test_without_a_start_no_bytes_whatever_close_the_valve(written: list[bytes]) -> None:
    hands = Hands()
    for piece in written:
        hands.device.receive(piece)
        hands.wait(0.05, kicking=False)
    assert "valve closed" not in [what for _, what in hands.valve]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.05, 3.0), max_size=6), st.floats(0.0, 100.0))
def test_whatever_is_loaded_pressure_ends_with_the_kicks(waits: list[float], kpa: float) -> None:
    hands = Hands()
    hands.say(SetProgram(0, 255, (step(program_units(kpa), 60_000),)))
    hands.say(Start(1, 0))
    for wait_s in waits:
        hands.wait(wait_s)
        assert hands.device.pressure_mmhg <= 750.1 * 1.05
    hands.wait(WATCHDOG_MS / 1000 + 6.0, kicking=False)
    assert hands.device.pressure_mmhg < 1.0
