"""The CPAR's codec: every published vector in both directions, and its numbers."""

import math

import pytest
from cpar_vectors import (
    D3,
    FRAMES,
    REPLIES,
    REQUESTS,
    WHO_A,
    WHO_C,
    A,
    C,
    asked,
    heard,
    packets,
)
from hypothesis import given
from hypothesis import strategies as st

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    BadRequest,
    Corrupt,
    Done,
    ForeignStatus,
    HostRequest,
    Instruction,
    Reply,
    Request,
    SetProgram,
    Start,
    Status,
    crc8,
    mmhg_from_counts,
    mmhg_from_units,
    program_units,
    ramp_units,
    step,
    units_from_mmhg,
)
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.errors import CodecError

# -- the published vectors


@pytest.mark.parametrize(("packet", "frame"), FRAMES)
def test_frames_are_as_published_in_both_directions(packet: str, frame: str) -> None:
    assert cpar.frame(bytes.fromhex(packet)) == bytes.fromhex(frame)
    assert packets(bytes.fromhex(frame)) == [bytes.fromhex(packet)]


@pytest.mark.parametrize(
    ("map_", "request_", "packet"), [v[1:] for v in REQUESTS], ids=[v[0] for v in REQUESTS]
)
def test_requests_are_as_published_in_both_directions(
    map_: CommandMap, request_: HostRequest, packet: str
) -> None:
    wire = cpar.frame(bytes.fromhex(packet))
    assert cpar.encode_request(request_, map_) == wire
    assert asked(wire, map_) == [request_]
    assert asked(cpar.frame(bytes.fromhex(packet) + b"\0"), map_) == [request_]  # vendor's zero
    for size in range(1, len(wire)):
        assert asked(wire, map_, size=size) == [request_]


@pytest.mark.parametrize(
    ("map_", "reply", "packet"), [v[1:] for v in REPLIES], ids=[v[0] for v in REPLIES]
)
def test_replies_are_as_published_in_both_directions(
    map_: CommandMap, reply: Reply, packet: str
) -> None:
    wire = cpar.frame(bytes.fromhex(packet))
    assert cpar.encode_reply(reply, map_) == wire
    assert heard(wire, map_) == [reply]
    for size in range(1, len(wire)):
        assert heard(wire, map_, size=size) == [reply]


def test_a_forced_start_is_heard_by_a_device_and_never_said_by_us() -> None:
    assert asked(cpar.frame(bytes.fromhex("12020101"))) == [Start(1, 1, force=True)]
    assert asked(cpar.frame(bytes.fromhex("0A0100")), A) == [Start(0, 0, force=True)]
    for map_ in CommandMap:
        with pytest.raises(CodecError):
            cpar.encode_request(Start(1, 0, force=True), map_)
        with pytest.raises(CodecError):
            cpar.encode_request(Request(Verb.FORCE_START), map_)


def test_calibration_and_another_devices_requests_are_unknown() -> None:
    assert asked(cpar.frame(bytes.fromhex("060B00C94001000040C0FFFFA7")), A) == [BadRequest(6, 1)]
    assert asked(cpar.frame(bytes.fromhex("110500000200 00"))) == [BadRequest(0x11, 2)]
    assert asked(cpar.frame(bytes.fromhex("1008 0001DC05999999D9"))) == [BadRequest(0x10, 2)]


def test_the_status_of_another_device_is_seen_and_not_read() -> None:
    wire = cpar.frame(bytes.fromhex(D3))
    assert heard(wire, None) == [ForeignStatus(22)]
    assert heard(wire) == [Corrupt(bytes.fromhex(D3))]


def test_before_the_map_is_known_only_what_is_the_same_everywhere_is_read() -> None:
    known = b"".join(cpar.encode_reply(r, m) for _, m, r, _ in REPLIES if isinstance(r, Status))
    assert all(isinstance(r, Status) for r in heard(known, None))
    assert heard(cpar.encode_reply(WHO_A, A) + cpar.encode_reply(WHO_C, C), None) == [WHO_A, WHO_C]
    assert isinstance(heard(cpar.encode_reply(Done(Verb.START), C), None)[0], Corrupt)


def test_a_receiver_finds_its_way_back_as_published() -> None:
    c19 = bytes.fromhex(REPLIES[9][3])
    wire = bytes.fromhex("00FF12") + cpar.frame(c19) + bytes.fromhex("FFF10200FFF10104FFF2")
    assert packets(wire) == [c19, bytes.fromhex("0104")]
    found = [r for r in heard(wire) if not isinstance(r, Corrupt)]
    assert found == [REPLIES[9][2]]


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"123456789", 0xF4),
        (b"", 0),
        (bytes.fromhex("0300662C01"), 0x4B),
        (bytes.fromhex("0300662C010300000100"), 0xC4),
        (bytes.fromhex("0300FFFF00"), 0x5A),
        (bytes.fromhex("03771F9B000141002C0102A3007800"), 0xBD),
        (bytes.fromhex("012000D007"), 0x03),
        (bytes.fromhex("01020405"), 0x8F),
        (bytes.fromhex("01020406"), 0x86),
    ],
)
def test_the_checksum_of_a_program_is_as_published(data: bytes, crc: int) -> None:
    assert crc8(data) == crc


# -- numbers


@pytest.mark.parametrize("kpa", [100.0, 25.0, 45.0, 50.0, 85.0, 90.0, 95.0])
def test_the_pressures_that_floating_point_gets_wrong_are_right(kpa: float) -> None:
    assert program_units(kpa) == round(kpa * 652.8)


@pytest.mark.parametrize("kpa", [100.001, 101.0, 300.0, -0.001, math.nan, math.inf, -math.inf])
def test_a_pressure_the_device_can_not_have_is_refused_and_never_wrapped(kpa: float) -> None:
    with pytest.raises(CodecError):
        program_units(kpa)
    with pytest.raises(CodecError):
        units_from_mmhg(kpa * 7.500617)


@given(st.floats(0.0, 750.0))
def test_a_program_is_never_above_what_was_asked_and_less_than_a_step_below(mmhg: float) -> None:
    units = units_from_mmhg(mmhg)
    assert 0 <= units <= table.MOST_UNITS
    assert -0.01150 < mmhg_from_units(units) - mmhg <= 1e-7


def test_one_count_is_just_below_three_mmhg() -> None:
    assert mmhg_from_counts(1) == pytest.approx(2.9414, abs=1e-4)
    assert mmhg_from_counts(255) == pytest.approx(750.0617)


@pytest.mark.parametrize(
    ("rate", "units"), [(0.5, 16), (1.0, 32), (2.0, 65), (3.0, 97), (5.0, 163), (10.0, 326)]
)
def test_ramps_are_coarse_and_rounded_down(rate: float, units: int) -> None:
    assert ramp_units(rate) == units


@pytest.mark.parametrize(
    "bad",
    [
        SetProgram(2, 1, ()),
        SetProgram(0, 0, ()),
        SetProgram(0, 256, ()),
        SetProgram(0, 1, (step(0xFF01, 1),)),
        SetProgram(0, 1, (step(0, 0),)),
        SetProgram(0, 1, (step(0, 65_536),)),
        SetProgram(0, 1, (Instruction(4, 0, 1),)),
        SetProgram(0, 1, (step(0, 1),) * 26),
        Start(3, 0),
        Start(0, 2),
        Start(-1, 0),
        Start(256, 0),
    ],
)
def test_what_is_not_legal_is_not_encoded(bad: HostRequest) -> None:
    with pytest.raises(CodecError):
        cpar.encode_request(bad, C)


def test_map_a_has_no_compressor_and_no_release() -> None:
    for bad in (Start(2, 0), Start(0, 1)):
        with pytest.raises(CodecError):
            cpar.encode_request(bad, A)
