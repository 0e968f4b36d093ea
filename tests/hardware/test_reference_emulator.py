"""The emulated controller decides for itself: limits, lease, states, repeated numbers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference


class Hands:
    """Types commands at the device and beats its heart."""

    def __init__(self) -> None:
        self.now_s, self.sequence, self.beat = 0.0, 0, 0
        self.valve: list[tuple[float, str]] = []
        self.device = EmulatedReference(
            Plant(seed=3), start_s=0.0, witness=lambda what, t: self.valve.append((t, what))
        )
        self.decoder = cuff1.ReplyDecoder()

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

    def inflated(self) -> None:
        self.wait(0.1)
        assert isinstance(self.say("ARM", 2500), cuff1.Ack)
        assert self.say("GO", 1400, 15000) == cuff1.Ack(self.sequence, 1400, 2)
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
    hands.wait(1.0, beating=False)
    assert hands.say("ARM", 2500) == cuff1.Nak(1, 6, 0)


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
    hands.wait(0.1)
    hands.say("ARM", 1500)
    answer = hands.say("GO", 1501, 1000)
    assert isinstance(answer, cuff1.Nak)
    assert answer.reason == 4


def test_it_does_not_inflate_unarmed(hands: Hands) -> None:
    hands.wait(0.1)
    answer = hands.say("GO", 1400, 1000)
    assert isinstance(answer, cuff1.Nak)
    assert answer.reason == 3


def test_a_repeated_number_is_answered_again_and_not_obeyed_again(hands: Hands) -> None:
    hands.wait(0.1)
    hands.say("ARM", 2500)
    hands.say("GO", 1400, 200)
    hands.wait(3.0)
    assert hands.device.state == "armed"
    hands.device.receive(cuff1.encode_command(hands.sequence, "GO", 1400, 200))
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
            [cuff1.encode_command(5, "ARM", 2500), cuff1.encode_command(6, "GO", 1400, 9000)]
        ),
        max_size=30,
    )
)
def test_without_a_heartbeat_no_bytes_whatever_close_the_valve(pieces: list[bytes]) -> None:
    hands = Hands()
    for piece in pieces:
        hands.device.receive(piece)
        hands.wait(0.05, beating=False)
    assert "valve closed" not in [what for _, what in hands.valve]
