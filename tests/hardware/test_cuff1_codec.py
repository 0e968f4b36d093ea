"""The codec of CUFF/1: golden bytes, any split, any garbage, any flipped bit."""

import dataclasses
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.errors import CodecError

byte = st.integers(0, 255)
state = st.integers(0, len(table.STATES) - 1)
statuses = st.builds(
    cuff1.Status,
    counter=st.integers(0, 2**31),
    device_ms=st.integers(0, 2**31),
    state=state,
    fault=st.integers(0, len(table.FAULTS) - 1),
    first_tenths=st.integers(-50, 5000),
    second_tenths=st.integers(-50, 5000),
    target_tenths=st.integers(0, 3000),
    drive=st.integers(0, 1023),
    heartbeat_age_ms=st.integers(0, 65535),
    bad_frames=st.integers(0, 65535),
    flags=byte,
)
acks = st.builds(cuff1.Ack, sequence=byte, value=st.integers(0, 65535), state=state)
naks = st.builds(
    cuff1.Nak, sequence=byte, reason=st.sampled_from(sorted(table.NAK_REASONS)), state=state
)
events = st.builds(
    cuff1.DeviceEvent,
    device_ms=st.integers(0, 2**31),
    event=st.sampled_from(sorted(table.EVENTS)),
    value=byte,
)
identities = st.builds(
    cuff1.DeviceIdentity,
    byte,
    *(
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=longest)
        # a dollar sign begins a frame wherever it stands, and an asterisk ends a body
        .filter(lambda word: not set(word) & set("$*!?"))
        for longest in table.IDENTITY_WORDS.values()
    ),
    *(st.integers(field.least, field.most) for field in table.IDENTITY_NUMBERS),
)
replies = statuses | acks | naks | events | identities


def encoded(reply: cuff1.Reply) -> bytes:
    match reply:
        case cuff1.Status():
            return cuff1.encode_status(reply)
        case cuff1.Ack():
            return cuff1.encode_ack(reply)
        case cuff1.Nak():
            return cuff1.encode_nak(reply)
        case cuff1.DeviceEvent():
            return cuff1.encode_event(reply)
        case cuff1.DeviceIdentity():
            return cuff1.encode_identity(reply)
    raise AssertionError(reply)


def decoded(*pieces: bytes) -> list[cuff1.Reply]:
    decoder = cuff1.ReplyDecoder()
    found: list[cuff1.Reply] = []
    for piece in pieces:
        decoder.receive(piece)
        found += decoder.replies()
    return found


def heard(*pieces: bytes) -> list[object]:
    decoder = cuff1.CommandDecoder()
    return [command for piece in pieces for command in decoder.receive(piece)]


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_the_check_is_crc_16_ccitt_as_published() -> None:
    # "123456789" gives 0x29B1 in every catalogue of checks
    assert cuff1.frame(b"123456789") == b"$123456789*29B1\n"


def test_a_command_has_its_golden_bytes() -> None:
    assert cuff1.encode_command(7, "GO", 1310, 15000, 0) == b"$7 GO 1310 15000 0*D68B\n"


@given(st.lists(replies, min_size=1, max_size=5), st.integers(1, 40))
def test_replies_survive_any_split_of_their_bytes(sent: list[cuff1.Reply], size: int) -> None:
    wire = b"".join(map(encoded, sent))
    assert decoded(*pieces_of(wire, size)) == sent


@given(st.binary(max_size=300), st.integers(1, 40))
def test_garbage_gives_corrupt_messages_and_never_an_exception(noise: bytes, size: int) -> None:
    for reply in decoded(*pieces_of(noise, size)):
        assert isinstance(reply, cuff1.Corrupt) or encoded(reply) in noise


@given(st.binary(max_size=60).filter(lambda noise: b"$" not in noise), statuses)
def test_a_reply_after_noise_is_still_understood(noise: bytes, status: cuff1.Status) -> None:
    assert decoded(noise + encoded(status))[-1] == status


@given(statuses, statuses, st.integers(1, 30))
def test_a_reply_after_a_cut_one_is_still_understood(
    first: cuff1.Status, second: cuff1.Status, keep: int
) -> None:
    found = decoded(encoded(first)[:keep] + encoded(second))
    assert [reply for reply in found if not isinstance(reply, cuff1.Corrupt)] == [second]


@given(statuses, st.data())
def test_no_one_or_two_flipped_bits_give_another_status(
    status: cuff1.Status, data: st.DataObject
) -> None:
    wire = bytearray(encoded(status))
    bits = data.draw(
        st.lists(st.integers(0, len(wire) * 8 - 1), min_size=1, max_size=2, unique=True)
    )
    for bit in bits:
        wire[bit // 8] ^= 1 << bit % 8
    assert not any(
        isinstance(reply, cuff1.Status) and reply != status for reply in decoded(bytes(wire))
    )


def test_no_one_or_two_flipped_bits_of_a_command_give_another_command() -> None:
    wire = cuff1.encode_command(9, "GO", 1400, 15000, 500)
    sent = heard(wire)
    for bits in [
        *((b,) for b in range(len(wire) * 8)),
        *combinations(range(0, len(wire) * 8, 3), 2),
    ]:
        changed = bytearray(wire)
        for bit in bits:
            changed[bit // 8] ^= 1 << bit % 8
        commands = [c for c in heard(bytes(changed)) if isinstance(c, cuff1.HostCommand)]
        assert commands in ([], sent)


@given(replies)
def test_no_reply_is_longer_than_the_longest_frame(reply: cuff1.Reply) -> None:
    assert len(encoded(reply)) <= table.LONGEST_FRAME


def test_the_longest_frame_is_as_long_as_the_table_says() -> None:
    words = ["W" * longest for longest in table.IDENTITY_WORDS.values()]
    numbers = [field.most for field in table.IDENTITY_NUMBERS]
    frame = cuff1.encode_identity(cuff1.DeviceIdentity(255, *words, *numbers))
    assert len(frame) == table.LONGEST_FRAME
    assert isinstance(decoded(frame)[0], cuff1.DeviceIdentity)


@given(st.sampled_from(sorted(table.REPLIES)), st.data())
def test_a_number_outside_the_table_makes_a_reply_corrupt(letter: str, data: st.DataObject) -> None:
    fields = table.REPLIES[letter]
    numbers = [data.draw(st.integers(field.least, field.most)) for field in fields]
    wrong = data.draw(st.integers(0, len(fields) - 1))
    field = fields[wrong]
    numbers[wrong] = data.draw(st.sampled_from([field.most + 1, field.least - 1]))
    body = " ".join([letter, *map(str, numbers)]).encode()
    (reply,) = decoded(cuff1.frame(body))
    assert isinstance(reply, cuff1.Corrupt)


@given(identities, st.data())
def test_an_identity_with_a_word_too_long_or_missing_is_corrupt(
    identity: cuff1.DeviceIdentity, data: st.DataObject
) -> None:
    words = cuff1.encode_identity(identity)[1:-6].split(b" ")
    longest = list(table.IDENTITY_WORDS.values())
    at = data.draw(st.integers(0, len(longest) - 1))
    words[2 + at] = data.draw(st.sampled_from([b"", b"W" * (longest[at] + 1)]))
    (reply,) = decoded(cuff1.frame(b" ".join(words)))
    assert isinstance(reply, cuff1.Corrupt)


@given(statuses, st.sets(st.sampled_from(table.FLAGS)))
def test_each_flag_is_one_bit(status: cuff1.Status, names: set[str]) -> None:
    flagged = dataclasses.replace(status, flags=cuff1.flags(*names))
    (reply,) = decoded(cuff1.encode_status(flagged))
    assert isinstance(reply, cuff1.Status)
    assert {name for name in table.FLAGS if reply.has(name)} == names


def test_the_buffer_stays_bounded() -> None:
    decoder = cuff1.ReplyDecoder()
    for _ in range(100):
        decoder.receive(b"$" + b"7" * 500)
        list(decoder.replies())
    assert len(decoder._buffer) <= table.LONGEST_FRAME + 500


@given(st.sampled_from(sorted(table.COMMANDS)), byte, st.data(), st.integers(1, 10))
def test_commands_survive_any_split_of_their_bytes(
    name: str, sequence: int, data: st.DataObject, size: int
) -> None:
    arguments = tuple(data.draw(st.integers(f.least, f.most)) for f in table.COMMANDS[name])
    wire = cuff1.encode_command(sequence, name, *arguments)
    assert len(wire) <= table.LONGEST_COMMAND
    assert heard(*pieces_of(wire, size)) == [cuff1.HostCommand(sequence, name, arguments)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("GO", (3001, 100, 0)),
        ("GO", (149, 100, 0)),
        ("GO", (1000, 180_001, 0)),
        ("GO", (1000, 0, 0)),
        ("GO", (1000, 100)),
        ("LEASE", (149,)),
        ("LEASE", (401,)),
        ("ARM", (-1,)),
        ("JUMP", ()),
    ],
)
def test_an_illegal_command_is_not_encoded(name: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(CodecError, match="not a CUFF/1 command"):
        cuff1.encode_command(1, name, *arguments)


@given(st.sampled_from([n for n, f in table.COMMANDS.items() if f]), st.data())
def test_the_device_refuses_a_number_outside_the_table(name: str, data: st.DataObject) -> None:
    fields = table.COMMANDS[name]
    numbers = [data.draw(st.integers(field.least, field.most)) for field in fields]
    wrong = data.draw(st.integers(0, len(fields) - 1))
    too_small = [fields[wrong].least - 1] if fields[wrong].least else []
    numbers[wrong] = data.draw(st.sampled_from([fields[wrong].most + 1, *too_small]))
    body = " ".join(["9", name, *map(str, numbers)]).encode()
    assert heard(cuff1.frame(body)) == [cuff1.BadCommand(9, 4)]


@pytest.mark.parametrize(
    "body",
    [b"1 HB", b"1 HB ", b"1 HB +7", b"1 HB -1", b"1 HB 7 ", b"1 HB 0x7", b"1  HB 7", b"HB 7"],
)
def test_the_device_takes_digits_only(body: bytes) -> None:
    (answer,) = heard(cuff1.frame(body))
    assert isinstance(answer, cuff1.BadCommand)


@given(st.sampled_from([table.VENT_BYTE, table.STATUS_BYTE, table.RESET_BYTE]), st.integers(0, 20))
def test_a_real_time_byte_acts_wherever_it_stands(real_time: bytes, at: int) -> None:
    wire = cuff1.encode_command(3, "ARM", 2500)
    found = heard(wire[:at] + real_time + wire[at:])
    assert cuff1.RealTimeByte(real_time) in found
    whole = at == 0 or at >= len(wire) or real_time == table.STATUS_BYTE
    assert (cuff1.HostCommand(3, "ARM", (2500,)) in found) is whole  # a vent kills it


def test_a_pressure_is_rounded_down_on_the_wire() -> None:
    assert cuff1.tenths(131.09) == 1310
    assert cuff1.tenths(15.0) == 150
