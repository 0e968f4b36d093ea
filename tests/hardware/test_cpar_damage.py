"""The CPAR's codec under damage: any split, any garbage, every truncation and every flipped bit."""

import random

import pytest
from cpar_vectors import REPLIES, A, C, asked, heard, packets, pieces
from hypothesis import given
from hypothesis import strategies as st

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Corrupt,
    HostRequest,
    Instruction,
    OtherMessage,
    Request,
    SetProgram,
    Start,
    instruction_bytes,
    step,
)
from hardware.codec.cpar_table import CommandMap, Verb

VALID = [*((C, cpar.frame(bytes.fromhex(p))) for _, m, _, p in REPLIES if m is C)]


@pytest.mark.parametrize(("map_", "wire"), VALID)
def test_no_truncated_frame_gives_a_message(map_: CommandMap, wire: bytes) -> None:
    for keep in range(len(wire)):
        assert all(isinstance(r, Corrupt) for r in heard(wire[:keep], map_))
        # and what follows it is still understood
        found = [r for r in heard(wire[:keep] + b"\0" + VALID[-1][1], map_)]
        assert all(isinstance(r, Corrupt) for r in found[:-1])


@pytest.mark.parametrize(("map_", "wire"), VALID)
def test_no_lost_byte_gives_another_message_of_the_same_kind(map_: CommandMap, wire: bytes) -> None:
    (whole,) = heard(wire, map_)
    for at in range(len(wire)):
        for found in heard(wire[:at] + wire[at + 1 :], map_):
            assert isinstance(found, Corrupt) or found == whole


@pytest.mark.parametrize(("map_", "wire"), VALID)
def test_what_a_flipped_bit_can_do_is_known(map_: CommandMap, wire: bytes) -> None:
    """There is no checksum on this link: strict lengths protect the kind, not the numbers.

    A flipped bit never makes a message of another length, and values outside their closed lists
    are refused. What it CAN do, and what only plausibility rules above this codec can catch: change
    a number inside a message (a pressure, a counter, a checksum), or turn messages of equal length
    into each other (the acknowledgements of start and stop differ in one bit).
    """
    (whole,) = heard(wire, map_)
    lengths = {len(cpar.encode_reply(whole, map_))}
    for bit in range(len(wire) * 8):
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        for found in heard(bytes(changed), map_):
            if isinstance(found, Corrupt):
                continue
            body = packets(bytes(changed))[0]
            assert len(body) == len(packets(wire)[0])
            assert cpar.frame(body) == bytes(changed)
            if type(found) is not type(whole):
                assert len(body) <= 4 or isinstance(found, OtherMessage)
    assert lengths


def test_a_flipped_bit_of_an_empty_program_is_a_forced_start_so_none_is_ever_sent() -> None:
    empty = bytearray(cpar.encode_request(SetProgram(1, 1, ()), C))
    empty[2] ^= 2
    assert asked(bytes(empty)) == [Start(1, 1, force=True)]
    zero = cpar.encode_request(SetProgram(1, 1, (step(0, 1),)), C)
    for bit in range(len(zero) * 8):
        changed = bytearray(zero)
        changed[bit // 8] ^= 1 << bit % 8
        assert not any(isinstance(r, Start) for r in asked(bytes(changed)))


def flipped_kinds(request: HostRequest) -> set[type]:
    wire = cpar.encode_request(request, C)
    found: set[type] = set()
    for bit in range(len(wire) * 8):
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        found |= {type(r) for r in asked(bytes(changed)) if r != request}
    return found


def test_no_flipped_bit_of_a_kick_or_a_stop_starts_anything() -> None:
    for verb in (Verb.IDENTIFY, Verb.KICK, Verb.STOP):
        assert Start not in flipped_kinds(Request(verb))


@pytest.mark.parametrize(
    "packet",
    [
        "80 0F 03 05 D2 04 00 1A 00 B2 65 00 66 00 00 00 00",  # a fourth state
        "80 0F 01 25 D2 04 00 1A 00 B2 65 00 66 00 00 00 00",  # an unknown flag
        "80 0F 01 05 D2 04 0B 1A 00 B2 65 00 66 00 00 00 00",  # an unknown stop condition
        "80 0E 01 05 D2 04 00 1A 00 B2 65 00 66 00 00 00 00",  # a byte too many
        "80 0F 01 05 D2 04 00 1A 00 B2 65 00 66 00 00 00",  # a byte too few
        "80 8F 01 05 D2 04 00 1A 00 B2 65 00 66 00 00 00 00",  # an extended packet
        "81 01 18",
        "81 00",
        "02 03 01 00 00",
        "11 01 00",
        "00 00",
        "01 06 01 06 00 A5 0C 00",  # map A's identity on map C
        "12 00",  # nobody sent a forced start
        "13",
        "",
    ],
)
def test_what_is_not_exactly_legal_is_corrupt_and_never_a_number(packet: str) -> None:
    assert heard(cpar.frame(bytes.fromhex(packet))) == [Corrupt(bytes.fromhex(packet))]


@pytest.mark.parametrize("map_", [None, A, C])
def test_a_long_run_of_garbage_gives_nothing_but_corrupt_and_stays_bounded(
    map_: CommandMap | None,
) -> None:
    source = random.Random(7)
    decoder, device = cpar.ReplyDecoder(map_), cpar.RequestDecoder(map_ or C)
    for _ in range(200):
        noise = source.randbytes(1000)
        assert all(isinstance(r, Corrupt) for r in decoder.receive(noise))
        list(device.receive(noise))
        assert len(decoder._deframer._buffer) <= table.LONGEST_PACKET
        assert len(device._deframer._buffer) <= table.LONGEST_PACKET


MARKS = st.sampled_from(
    [0xFF, 0xFF, 0xF1, 0xF2, 0x80, 0x0F, 0x13, 0x00, 0x01, 0x10, 0x11, 0x02, 0x81]
)


@given(st.lists(MARKS, max_size=400).map(bytes), st.integers(1, 40))
def test_garbage_that_looks_like_frames_gives_only_what_is_really_there(
    noise: bytes, size: int
) -> None:
    for reply in heard(noise, size=size):
        assert isinstance(reply, Corrupt) or cpar.encode_reply(reply, C) in noise


@given(st.binary(max_size=100), st.integers(1, 9))
def test_any_bytes_survive_framing_and_any_split(body: bytes, size: int) -> None:
    deframer = cpar.Deframer()
    wire = cpar.frame(body) * 2
    found = [p for piece in pieces(wire, size) for p in deframer.receive(piece)]
    assert found == [body, body]


@given(st.binary(max_size=60))
def test_a_stop_behind_a_zero_is_understood_after_anything(noise: bytes) -> None:
    wire = noise + cpar.RESYNCHRONISE + cpar.encode_request(Request(Verb.STOP), C)
    assert asked(wire)[-1] == Request(Verb.STOP)


@given(
    st.integers(0, 1),
    st.integers(1, 255),
    st.lists(
        st.builds(
            Instruction,
            st.integers(0, 3),
            st.integers(0, table.MOST_UNITS),
            st.integers(1, table.MOST_TICKS),
        ),
        max_size=25,
    ),
    st.integers(1, 50),
)
def test_programs_survive_the_wire(
    channel: int, repeat: int, instructions: list[Instruction], size: int
) -> None:
    program = SetProgram(channel, repeat, tuple(instructions))
    assert asked(cpar.encode_request(program, C), size=size) == [program]
    assert len(instruction_bytes(program.instructions)) == 5 * len(instructions)
