"""The codec of the Alicat language: golden lines, any split, any garbage, and what protects a line.

There is no checksum. What these tests show is that shape protects: every truncation is refused, and
of all flipped bits only those within a digit or a sign give another number.
"""

import dataclasses
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.errors import CodecError

# the layouts of captures that others have published, with the columns of a pressure controller
NEWER = """\
A D00 ID_ NAME______________________ TYPE_______ WIDTH NOTES___________________
A D01 700 Unit ID                    string          1
A D02 006 Gauge Press                s decimal     7/2 010 02 PSIG
A D03 038 Gauge Press Setpt          s decimal     7/2 010 02 PSIG
A D04 701 *Error                     string          3 ADC
A D05 702 *Status                    string          3 EXH
A D06 702 *Status                    string          3 HLD"""
OLDER = """\
A  D00 NAME_______ TYPE_____ MinVal_  MaxVal_  UNITS__
A  D01 Unit ID     char         A         Z         na
A  D02 Pressure    signed    +000.00  +015.00     PSIG
A  D03 SetPoint    signed    +000.00  +015.00     PSIG
A  D04 Error       string         na      ADC       na
A  D05 Status      string         na      LCK       na"""
MAKER = """\
A M00 ALICAT SCIENTIFIC
A M01 www.example.com
A M04 Model Number  PCD-15PSIG-D
A M05 Serial Number 104488
A M09 Software Revision 9v01"""

FRAME = alicat.FrameFormat(
    unit_id="A",
    columns=(
        alicat.Column("Gauge Press", 7, 1, "mmHgG"),
        alicat.Column("Gauge Press Setpt", 7, 1, "mmHgG"),
    ),
    pressure_at=0,
    setpoint_at=1,
    unit="mmHg",
    reference="G",
    flags=frozenset({"EXH", "HLD"}),
)
numbers = st.integers(-9999, 9999)
flag_sets = st.lists(st.sampled_from(sorted(table.KNOWN_FLAGS)), unique=True, max_size=4).map(tuple)


def decoded(*pieces: bytes, frame: alicat.FrameFormat | None = FRAME) -> list[alicat.Reply]:
    decoder = alicat.ReplyDecoder("A")
    decoder.frame = frame
    return [reply for piece in pieces for reply in decoder.receive(piece)]


def tabled(text: str) -> tuple[alicat.TableLine, ...]:
    replies = decoded(text.replace("\n", "\r").encode() + b"\r\r", frame=None)
    assert all(isinstance(reply, alicat.TableLine) for reply in replies)
    return tuple(reply for reply in replies if isinstance(reply, alicat.TableLine))


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_commands_have_their_golden_bytes() -> None:
    assert alicat.encode_command("A") == b"A\r"
    assert alicat.encode_command("A", table.EXHAUST) == b"AE\r"
    assert alicat.encode_command("A", table.CANCEL) == b"AC\r"
    assert alicat.encode_command("C", table.INFO_QUERY) == b"C??M*\r"
    assert alicat.encode_setpoint("A", 1234, decimals=2) == b"AS12.34\r"
    assert alicat.encode_setpoint("A", 0, decimals=1) == b"AS0.0\r"


def test_a_negative_set_point_is_not_encoded() -> None:
    with pytest.raises(CodecError, match="below zero"):
        alicat.encode_setpoint("A", -1, decimals=1)


def test_a_published_line_of_a_pcd_is_read() -> None:
    columns = tuple(alicat.Column(name, 7, 3, "bar") for name in ("Pressure", "SetPoint"))
    frame = dataclasses.replace(FRAME, columns=columns)
    line = b"A +01.104 +00.000 LCK"
    assert decoded(line + b"\r", frame=frame) == [alicat.DataLine(1104, 0, ("LCK",), line)]


def test_the_newer_table_gives_the_data_frame() -> None:
    frame = alicat.frame_of("A", tabled(NEWER))
    assert [(c.name, c.width, c.decimals, c.unit) for c in frame.columns] == [
        ("Gauge Press", 7, 2, "PSIG"),
        ("Gauge Press Setpt", 7, 2, "PSIG"),
    ]
    assert (frame.unit, frame.reference, frame.decimals) == ("psi", "G", 2)
    assert frame.flags == {"ADC", "EXH", "HLD"}
    assert frame.step_mmhg == pytest.approx(0.517, abs=0.001)


def test_the_older_table_gives_the_same_columns() -> None:
    newer, older = alicat.frame_of("A", tabled(NEWER)), alicat.frame_of("A", tabled(OLDER))
    assert [(c.width, c.decimals) for c in older.columns] == [(7, 2), (7, 2)]
    assert (older.unit, older.reference) == (newer.unit, newer.reference)
    (line,) = decoded(b"A +002.70 002.70\r", frame=older)  # older ones drop the sign of a set-point
    assert isinstance(line, alicat.DataLine)
    assert (line.pressure_steps, line.setpoint_steps) == (270, 270)


def test_the_manufacturer_table_gives_the_identity() -> None:
    who = alicat.identity_of(tabled(MAKER))
    assert (who.model, who.serial_number, who.firmware) == ("PCD-15PSIG-D", "104488", "9v01")
    assert who.full_scale_mmhg == pytest.approx(775.7, abs=0.1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ALICAT", "ACME"),
        ("PCD-15PSIG-D", "MC-5SLPM-D"),
        ("PCD-15PSIG-D", "PC-15PSIG-D"),
        ("PCD-15PSIG-D", "PCD"),
        ("Serial Number 104488", "Serial Number"),
        ("M09", "M08"),
    ],
)
def test_another_device_is_refused(old: str, new: str) -> None:
    with pytest.raises(CodecError):
        alicat.identity_of(tabled(MAKER.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A D03", "A D09"),
        ("Gauge Press Setpt", "Mass Flow        "),
        ("Gauge Press Setpt", "Gauge Press      "),
        ("PSIG", "inH2OG"),
        ("PSIG", "PSIA"),
        ("s decimal     7/2 010 02 PSIG\nA D04", "s decimal     7/3 010 02 PSIG\nA D04"),
        ("s decimal", "mystery  "),
        ("3 ADC", "3 A"),
    ],
)
def test_a_data_frame_that_does_not_fit_is_refused(old: str, new: str) -> None:
    assert old in NEWER
    with pytest.raises(CodecError):
        alicat.frame_of("A", tabled(NEWER.replace(old, new)))


@given(st.lists(st.tuples(numbers, numbers, flag_sets), min_size=1, max_size=5), st.integers(1, 40))
def test_lines_survive_any_split_of_their_bytes(
    sent: list[tuple[int, int, tuple[str, ...]]], size: int
) -> None:
    wire = b"".join(alicat.encode_data(FRAME, (p, s), flags) for p, s, flags in sent)
    found = decoded(*pieces_of(wire, size))
    assert [
        (r.pressure_steps, r.setpoint_steps, r.flags)
        for r in found
        if isinstance(r, alicat.DataLine)
    ] == sent
    assert len(found) == len(sent)


@given(st.binary(max_size=300), st.integers(1, 40))
def test_garbage_gives_corrupt_messages_and_never_an_exception(noise: bytes, size: int) -> None:
    for reply in decoded(*pieces_of(noise, size)):
        assert not isinstance(reply, alicat.DataLine) or reply.raw in noise


def test_two_hundred_thousand_random_bytes_give_no_number() -> None:
    noise = random.Random(5).randbytes(200_000)
    decoder = alicat.ReplyDecoder("A")
    decoder.frame = FRAME
    for piece in pieces_of(noise, 997):
        assert not any(
            isinstance(r, alicat.DataLine | alicat.TableLine) for r in decoder.receive(piece)
        )
        assert len(decoder._buffer) <= table.LONGEST_LINE + 1


def test_a_line_without_end_does_not_fill_the_memory_and_is_reported_once() -> None:
    decoder = alicat.ReplyDecoder("A")
    decoder.frame = FRAME
    found = [r for _ in range(1000) for r in decoder.receive(b"A +0140.0 ")]
    assert len(decoder._buffer) <= table.LONGEST_LINE + 1
    found += decoder.receive(b"\rA +0001.0 +0000.0\r")
    assert [type(r) for r in found] == [alicat.Corrupt, alicat.DataLine]


@given(numbers, numbers, flag_sets, st.data())
def test_every_truncation_is_refused_or_loses_status_words_only(
    pressure: int, setpoint: int, flags: tuple[str, ...], data: st.DataObject
) -> None:
    line = alicat.encode_data(FRAME, (pressure, setpoint), flags)[:-1]
    keep = data.draw(st.integers(1, len(line) - 1))
    for reply in decoded(line[:keep] + b"\r"):
        if isinstance(reply, alicat.DataLine):  # cut exactly between two words
            assert (reply.pressure_steps, reply.setpoint_steps) == (pressure, setpoint)
            assert reply.flags == flags[: len(reply.flags)]


def test_a_set_point_answer_that_is_too_short_is_no_answer() -> None:
    for short in (b"A\r", b"A +0140.0\r", b"A +0140.0 +\r", b"A +0140.0 +0140.\r", b"A EXH\r"):
        (reply,) = decoded(short)
        assert isinstance(reply, alicat.Corrupt)


def test_a_flipped_bit_changes_a_digit_or_a_sign_or_nothing_is_read() -> None:
    # nothing in the line protects a digit: two lines in a row, the set-point and the interlock must
    line = alicat.encode_data(FRAME, (1398, 1400), ("EXH", "LCK"))[:-1]
    digits = string.digits.encode() + b"+-"
    for at in range(len(line)):
        for bit in range(8):
            changed = bytearray(line)
            changed[at] ^= 1 << bit
            for reply in decoded(bytes(changed) + b"\r"):
                if isinstance(reply, alicat.DataLine):
                    assert line[at] in digits
                    assert changed[at] in digits
                    assert reply.flags == ("EXH", "LCK")


@pytest.mark.parametrize(
    "line",
    [
        b"B +0140.0 +0140.0",
        b" A +0140.0 +0140.0",
        b"A +140.0 +0140.0",
        b"A +0140.00 +0140.0",
        b"A +00140. +0140.0",
        b"A +0140.0 +0140.0 XYZ",
        b"A +0140.0 +0140.0 EXH EXH",
        b"A +0140.0 +0140.0 +0140.0",
        b"A +0140.0 -------",
        b"A nan +0140.0",
        b"A +1e10.0 +0140.0",
    ],
)
def test_a_line_of_another_shape_is_corrupt(line: bytes) -> None:
    assert decoded(line + b"\r") == [alicat.Corrupt(line)]


def test_flags_are_never_dropped_and_keep_their_order() -> None:
    (line,) = decoded(b"A +0140.0 +0140.0 POV HLD LCK\r")
    assert isinstance(line, alicat.DataLine)
    assert line.flags == ("POV", "HLD", "LCK")


def test_a_question_mark_is_a_refusal() -> None:
    assert decoded(b"?\r", b"A ?\r") == [alicat.NotUnderstood()] * 2


def test_before_the_frame_is_known_no_line_is_a_number() -> None:
    assert decoded(b"A +0140.0 +0140.0\r", frame=None) == [alicat.Corrupt(b"A +0140.0 +0140.0")]


@given(st.integers(0, 9999), st.integers(1, 10))
def test_commands_survive_any_split_of_their_bytes(steps: int, size: int) -> None:
    wire = alicat.encode_setpoint("A", steps, decimals=1) + b"AE\rB\ra??m*\rAS-1x\r"
    decoder = alicat.CommandDecoder("A")
    found = [c for piece in pieces_of(wire, size) for c in decoder.receive(piece)]
    assert found == [
        alicat.HostCommand(table.SETPOINT, steps / 10),
        alicat.HostCommand(table.EXHAUST),
        alicat.HostCommand(table.INFO_QUERY),
        alicat.BadCommand(b"S-1X"),
    ]


def test_a_command_too_long_is_bad_and_the_buffer_stays_bounded() -> None:
    decoder = alicat.CommandDecoder("A")
    found = [c for _ in range(100) for c in decoder.receive(b"A" + b"S" * 50)]
    assert len(decoder._line) <= table.LONGEST_COMMAND + 1
    found += decoder.receive(b"\r")
    assert [type(c) for c in found] == [alicat.BadCommand]
