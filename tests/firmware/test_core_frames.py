"""What the firmware's core takes for a command, and what it refuses."""

import pytest
from core_bench import Core
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

DAMAGED = [cuff1.Nak(0, 1, 0)]


@pytest.fixture(autouse=True)
def _at_rest(core: Core) -> None:
    """It is idle once it has seen an empty cuff."""
    core.run(table.TICK_MS, beating=False)


def legal(name: str) -> list[int]:
    return [field.least for field in table.COMMANDS[name]]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"1", b"1 ", b" 1 PING", b"PING", b"1PING", b"256 PING", b"999 PING"),
        *(b"0001 PING", b"1 ping", b"1 PINg", b"1 PING ", b"1  PING", b"1 PING 1 ", b"1 PING  1"),
        *(b"-1 PING", b"+1 PING", b"1 HB -1", b"1 HB +1", b"1 HB 1.0", b"1 HB 0x1", b"1 HB x"),
        *(b"1 HB 00000001", b"1 HB 12345678", b"1 PINGPINGP", b"1 1", b"1 PING1", b"1 @", b"1 ["),
        *(b"1 HB 1,", b"1 HB /", b"1 HB :", b"1 HB 1 2 3 4 ", b"/ PING", b": PING", b"1\tPING"),
    ],
)
def test_what_is_no_command_is_damaged_and_counted(core: Core, body: bytes) -> None:
    core.said()
    if b"\t" in body:
        assert core.body(body) == []  # killed without an answer
    else:
        assert core.body(body) == DAMAGED
    assert core.status().bad_frames == 1


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"0 PING", 0), (b"255 PING", 0), (b"007 PING", 0), (b"9 STREAM 0000100", 100)],
)
def test_leading_zeros_are_digits(core: Core, body: bytes, value: int) -> None:
    assert core.body(body) == [cuff1.Ack(int(body.split()[0]), value, 0)]


@pytest.mark.parametrize(
    "body", [b"7 PIN", b"7 PINGS", b"7 A", b"7 Z", b"7 ABCDEFGH 1 2", b"7 HANGS", b"7 STREAMS 1"]
)
def test_what_the_table_does_not_have_is_unknown_and_not_damaged(core: Core, body: bytes) -> None:
    assert core.body(body) == [cuff1.Nak(7, 2, 0)]
    assert core.status().bad_frames == 0


@pytest.mark.parametrize("name", sorted(table.COMMANDS))
def test_every_letter_of_a_name_counts(core: Core, name: str) -> None:
    for at in range(len(name)):
        other = name[:at] + ("Z" if name[at] != "Z" else "Y") + name[at + 1 :]
        values = " ".join(str(field.least) for field in table.COMMANDS[name])
        (answer,) = core.body(f"7 {other} {values}".rstrip().encode())
        assert isinstance(answer, cuff1.Nak)
        assert table.NAK_NAMES[answer.reason - 1] == "unknown"


@pytest.mark.parametrize("name", table.COMMANDS)
def test_a_command_has_exactly_its_fields(core: Core, name: str) -> None:
    numbers = legal(name)
    for wrong in (numbers[:-1], [*numbers, 0], [*numbers, 0, 0], [*numbers, 0, 0, 0]):
        if len(wrong) == len(numbers):
            continue
        body = " ".join(map(str, (7, name, *wrong))).encode()
        assert core.body(body) == [cuff1.Nak(7, 4, 0)], wrong


@pytest.mark.parametrize(
    ("name", "at"), [(name, n) for name in table.COMMANDS for n in range(len(table.COMMANDS[name]))]
)
def test_a_number_beyond_its_limits_is_refused_and_at_them_taken(
    core: Core, name: str, at: int
) -> None:
    field = table.COMMANDS[name][at]

    def sent(number: int) -> bool:
        """Return whether the number was within its limits."""
        numbers = legal(name)
        numbers[at] = number
        core.boot()
        core.run(table.TICK_MS, beating=False)
        answers = core.body(" ".join(map(str, (7, name, *numbers))).encode())
        return cuff1.Nak(7, 4, 0) not in answers

    assert sent(field.least)
    assert sent(field.most)
    assert not sent(field.most + 1)
    assert not sent(9_999_999)
    assert not field.least or not sent(field.least - 1)


@pytest.mark.parametrize(
    "frame",
    [
        *(b"$1 PING*0000\n", b"$1 PING\n", b"$\n", b"$*\n", b"$1 PING*\n", b"$*FFFF\n"),
        *(b"$1\n", b"$1 PING 8A63\n", b"$ffff\n", b"$1 PING*8a6d\n"),
    ],
)
def test_a_wrong_check_is_damage(core: Core, frame: bytes) -> None:
    core.said()
    core.hear(frame)
    assert core.said() == DAMAGED
    assert core.status().bad_frames == 1


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("wrong", b"/:@Ga")
def test_a_check_is_four_upper_case_digits(core: Core, at: int, wrong: int) -> None:
    frame = bytearray(cuff1.encode_command(1, "PING"))
    frame[len(frame) - 5 + at] = wrong
    core.said()
    core.hear(bytes(frame))
    assert core.said() == DAMAGED


def test_every_digit_of_a_check_counts(core: Core) -> None:
    core.said()
    for sequence in range(256):
        for name in ("PING", "HUSH"):
            frame = cuff1.encode_command(sequence, name)
            core.hear(frame)
            assert core.said() == [cuff1.Ack(sequence, 0, 0)]
            wrong = bytearray(frame)
            wrong[-2 - sequence % 4] = (
                ord("0") if wrong[-2 - sequence % 4] != ord("0") else ord("F")
            )
            core.hear(bytes(wrong))
            assert core.said() == DAMAGED


@pytest.mark.parametrize("byte", [0x00, 0x09, 0x0D, 0x1F, 0x7F, 0x80, 0xFF])
def test_a_byte_that_is_no_text_kills_the_frame(core: Core, byte: int) -> None:
    core.said()
    core.hear(cuff1.encode_command(1, "PING").replace(b"PI", b"PI" + bytes((byte,))))
    assert core.said() == []
    assert core.status().bad_frames == 1


@pytest.mark.parametrize("byte", [0x20, 0x22, 0x7E])
def test_a_byte_that_is_text_does_not_kill_the_frame(core: Core, byte: int) -> None:
    core.said()
    core.hear(cuff1.encode_command(1, "PING").replace(b"PI", b"PI" + bytes((byte,))))
    assert core.said() == DAMAGED


def test_a_frame_has_48_bytes_at_most(core: Core) -> None:
    room = table.LONGEST_COMMAND - len(b"$*0000\n")
    longest = b"1 ABCDEFGH 0000001 0000001 0000001 0000001"[:room]
    longest = longest[: room - 2] + b"11" if longest[-1:] == b" " else longest
    assert len(cuff1.frame(longest.ljust(room, b"1"))) == table.LONGEST_COMMAND
    core.said()
    core.hear(cuff1.frame(b"1 PING ".ljust(room, b" ")))
    assert core.said() == DAMAGED  # it was read to its end
    core.hear(cuff1.frame(b"1 PING ".ljust(room + 1, b" ")))
    assert core.said() == []  # it was killed on its way
    assert core.status().bad_frames == 2
    core.hear(b"$" + b"1" * 500 + b"\n")
    assert core.status().bad_frames == 3


def test_what_stands_outside_of_a_frame_is_nothing(core: Core) -> None:
    core.said()
    core.hear(b"1 PING*8A63\n\n\x00\xff~ garbage\n")
    assert core.said() == []
    assert core.status().bad_frames == 0
    assert core.body(b"1 PING") == [cuff1.Ack(1, 0, 0)]


def test_a_killed_frame_stays_dead_until_the_next_begins(core: Core) -> None:
    core.said()
    core.hear(b"$1 \x001 PING*8A63\n")
    assert core.said() == []
    assert core.body(b"1 PING") == [cuff1.Ack(1, 0, 0)]


def test_a_frame_that_begins_within_another_counts_alone(core: Core) -> None:
    core.said()
    core.hear(b"$1 STREAM 1" + cuff1.encode_command(2, "PING"))
    assert core.said() == [cuff1.Ack(2, 0, 0)]


def test_a_question_within_a_frame_leaves_it_whole(core: Core) -> None:
    frame = cuff1.encode_command(1, "PING")
    core.hear(frame[:4] + table.STATUS_BYTE + frame[4:])
    status, answer = core.said()
    assert isinstance(status, cuff1.Status)
    assert answer == cuff1.Ack(1, 0, 0)


@pytest.mark.parametrize("byte", [table.VENT_BYTE, table.RESET_BYTE])
def test_a_vent_kills_the_frame_it_stands_in_and_no_more(core: Core, byte: bytes) -> None:
    frame = cuff1.encode_command(1, "PING")
    for at in range(1, len(frame)):
        core.hear(frame[:at] + byte + frame[at:])
        assert core.said() == []
        assert core.status().bad_frames == at
        assert core.state == "venting"
    core.hear(byte + frame)
    assert core.said() == [cuff1.Ack(1, 0, 4)]
    assert core.status().bad_frames == len(frame) - 1


def test_the_count_of_bad_frames_stops_at_its_largest(core: Core) -> None:
    core.hear(b"$\n" * 65_534)
    assert core.status().bad_frames == 65_534
    core.hear(b"$\n" * 5)
    assert core.status().bad_frames == 65_535


def test_an_answer_that_finds_no_room_is_lost_and_nothing_waits(core: Core) -> None:
    core.c.harness_break(1, 0)
    assert core.body(b"1 PING") == []
    core.c.harness_break(0, 0)
    assert core.body(b"1 PING") == [cuff1.Ack(1, 0, 0)]


WORDS = st.sampled_from([*table.COMMANDS, "PIN", "XYZ", "ABCDEFGHI", "hb", ""])
NUMBERS = st.integers(0, 300).map(str) | st.integers(0, 200_000).map(str)
ODD = st.sampled_from(["", "-1", "00000001", "0000001", "1 ", "99999999", "1x", "~"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(NUMBERS | ODD, WORDS, st.lists(NUMBERS | ODD, max_size=4)).map(
            lambda parts: cuff1.frame(" ".join([parts[0], parts[1], *parts[2]]).encode())
        )
        | st.binary(max_size=60),
        max_size=8,
    )
)
def test_the_core_reads_what_the_codec_reads(core_library: object, pieces: list[bytes]) -> None:
    core = Core(core_library)  # type: ignore[arg-type]
    codec = cuff1.CommandDecoder()
    core.said()
    for piece in pieces:
        core.hear(piece)
        heard = list(codec.receive(piece))
        refused = [(h.sequence, h.reason) for h in heard if isinstance(h, cuff1.BadCommand)]
        told = [(r.sequence, r.reason) for r in core.said() if isinstance(r, cuff1.Nak)]
        assert [t for t in told if t[1] in (1, 2)] == [r for r in refused if r[1] in (1, 2)]
        assert {r for r in refused if r[1] == 4} <= set(told)
    assert core.status().bad_frames == codec.bad_frames
