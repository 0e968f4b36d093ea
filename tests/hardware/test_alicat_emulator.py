"""The emulated pressure controller: full scale, exhaust, status words, answers in their time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.errors import HardwareUnavailable
from hardware.sim.alicat import EmulatedAlicat
from hardware.sim.plant import Plant


class Hands:
    """Types commands at the device and reads what it says."""

    def __init__(self, **options: str | float) -> None:
        self.now_s = 0.0
        self.seen: list[tuple[float, str]] = []
        self.device = EmulatedAlicat(
            Plant(seed=3),
            start_s=0.0,
            witness=lambda what, t: self.seen.append((t, what)),
            **options,  # type: ignore[arg-type]
        )
        self.decoder = alicat.ReplyDecoder(self.device.frame.unit_id)
        self.decoder.frame = self.device.frame

    def wait(self, for_s: float) -> list[alicat.Reply]:
        found: list[alicat.Reply] = []
        for _ in range(round(for_s / 0.005)):
            self.now_s += 0.005
            found += self.decoder.receive(self.device.advance(self.now_s))
        return found

    def type(self, body: bytes) -> None:
        self.device.receive(alicat.encode_command(self.device.frame.unit_id, body))

    def say(self, body: bytes) -> alicat.DataLine:
        self.type(body)
        (line,) = self.wait(0.06)
        assert isinstance(line, alicat.DataLine)
        return line


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_it_says_who_it_is_and_how_it_speaks(hands: Hands) -> None:
    hands.type(table.INFO_QUERY)
    who = alicat.identity_of(tuple(r for r in hands.wait(0.5) if isinstance(r, alicat.TableLine)))
    assert who.model == "PCD-10PSIG-D"
    hands.type(table.FRAME_QUERY)
    lines = tuple(r for r in hands.wait(1.0) if isinstance(r, alicat.TableLine))
    assert alicat.frame_of("A", lines) == hands.device.frame


def test_an_answer_takes_its_time_on_the_wire(hands: Hands) -> None:
    hands.type(b"")
    assert hands.wait(0.010) == []
    (line,) = hands.wait(0.030)
    assert isinstance(line, alicat.DataLine)


def test_it_works_towards_the_set_point_and_stays_there_for_ever(hands: Hands) -> None:
    assert hands.say(b"S140.0").setpoint_steps == 1400
    hands.wait(4.0)
    assert hands.device.state == "hold"
    hands.wait(60.0)
    assert hands.device.pressure_mmhg == pytest.approx(140, abs=4)


def test_an_exhaust_shows_and_empties_and_a_cancel_ends_it(hands: Hands) -> None:
    hands.say(b"S140.0")
    hands.wait(4.0)
    assert "EXH" in hands.say(table.EXHAUST).flags
    assert hands.device.state == "venting"
    hands.wait(3.0)
    assert hands.device.state == "idle"
    assert hands.device.pressure_mmhg < 1.0
    assert "EXH" not in hands.say(table.CANCEL).flags
    hands.wait(4.0)
    assert hands.device.pressure_mmhg == pytest.approx(140, abs=4)  # the set-point had stayed
    valve = [what for _, what in hands.seen if not what.startswith("state")]
    assert valve == ["vent byte", "valve open", "valve closed"]


def test_held_valves_trap_the_air(hands: Hands) -> None:
    hands.say(b"S140.0")
    hands.wait(4.0)
    assert "HLD" in hands.say(table.HOLD_CLOSED).flags
    hands.say(b"S0.0")
    hands.wait(10.0)
    assert hands.device.pressure_mmhg == pytest.approx(140, abs=4)


@pytest.mark.parametrize("asked", [b"S517.2", b"S99999", b"S-1.0"])
def test_a_set_point_out_of_range_is_not_taken(hands: Hands, asked: bytes) -> None:
    hands.say(b"S100.0")
    assert hands.say(asked).setpoint_steps == 1000


def test_what_it_does_not_understand_changes_nothing(hands: Hands) -> None:
    hands.say(b"S100.0")
    hands.type(b"SX")
    assert hands.wait(0.06) == [alicat.NotUnderstood()]
    assert hands.say(b"").setpoint_steps == 1000


def test_a_command_that_begins_before_the_answer_ended_is_lost(hands: Hands) -> None:
    hands.type(b"")
    hands.wait(0.005)
    hands.type(table.EXHAUST)
    (line,) = hands.wait(0.2)
    assert isinstance(line, alicat.DataLine)
    assert "EXH" not in line.flags
    assert hands.device.overlaps == 1


@pytest.mark.parametrize(("unit", "steps"), [("mmHg", 1000), ("kPa", 1333), ("psi", 1934)])
def test_it_speaks_in_the_unit_that_it_is_set_to(unit: str, steps: int) -> None:
    hands = Hands(pressure_unit=unit, unit_id="C")
    decimals = hands.device.frame.decimals
    hands.type(f"S{steps / 10**decimals:.{decimals}f}".encode())
    hands.wait(4.0)
    assert hands.device.pressure_mmhg == pytest.approx(100.0, abs=4)
    assert hands.say(b"").setpoint_steps == steps


def test_no_device_has_another_unit() -> None:
    with pytest.raises(HardwareUnavailable):
        Hands(pressure_unit="furlong")


def test_more_than_it_can_measure_shows_as_a_status_word() -> None:
    hands = Hands(ceiling_mmhg=100.0)
    hands.device._plant.pressure_mmhg = 150.0
    assert "POV" in hands.say(table.HOLD_CLOSED).flags


def test_it_hears_only_its_own_letter(hands: Hands) -> None:
    hands.device.receive(b"BE\rB\r")
    assert hands.wait(0.2) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=30))
def test_no_garbage_moves_it_past_its_full_scale(pieces: list[bytes]) -> None:
    hands = Hands(ceiling_mmhg=200.0)
    for piece in pieces:
        hands.device.receive(piece)
        hands.wait(0.05)
        assert hands.device.pressure_mmhg <= 200.0 * 1.05
