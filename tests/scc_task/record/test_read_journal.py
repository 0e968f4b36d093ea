"""Reading a journal back, whole, cut and damaged."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_builders import make_documents, make_plan

from scc_task.documents import Note, Samples
from scc_task.record.journal import encode_line
from scc_task.record.read import (
    JournalUnreadable,
    best_copy,
    forget_journals,
    never_began,
    read_journal,
    read_lines,
)

_ALL = make_documents(make_plan(trials=1), stop_at_s=12.0)
DOCUMENTS = [
    _ALL[0],
    *[Note(time_s=n / 7, code="note", message=f"größer {n}\n\t\\ \x00") for n in range(4)],
    *_ALL[-3:],
]
LINES = [encode_line(d) for d in DOCUMENTS]
WHOLE = b"".join(LINES)


def test_cut_at_every_byte_every_whole_document_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    for size in range(len(WHOLE) + 1):
        path.write_bytes(WHOLE[:size])
        contents = read_lines(path)
        lines = WHOLE[:size].count(b"\n")
        tail = size - (WHOLE[:size].rfind(b"\n") + 1)
        # a line that lacks only its line feed passes its checksum, so it is kept
        complete = bool(tail) and WHOLE[size : size + 1] == b"\n"
        assert list(contents.documents) == DOCUMENTS[: lines + complete]
        assert contents.torn_bytes == (0 if complete else tail)
        assert contents.corrupt_lines == ()
        if lines + complete:
            assert read_journal(path) == contents
        else:
            with pytest.raises(JournalUnreadable, match="before the first was on disk"):
                read_journal(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_goes_unnoticed(tmp_path: Path, place: int, byte: int) -> None:
    damaged = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    path = tmp_path / "damaged"
    path.write_bytes(damaged)
    contents = read_lines(path)
    if damaged == WHOLE:
        assert list(contents.documents) == DOCUMENTS
        return
    hit = WHOLE[:place].count(b"\n")
    # a line feed that is gone joins two lines: both are lost, and reported as one
    lost = 2 if WHOLE[place : place + 1] == b"\n" else 1
    expected = DOCUMENTS[:hit] + DOCUMENTS[hit + lost :]
    if place == len(WHOLE) - 1:
        expected = DOCUMENTS[:-1]
    assert list(contents.documents) == expected
    assert contents.corrupt_lines or contents.torn_bytes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage=st.binary(max_size=200))
def test_garbage_anywhere_is_never_a_document(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(LINES[0] + garbage + b"\n" + WHOLE[len(LINES[0]) :])
    contents = read_journal(path)
    assert list(contents.documents) == DOCUMENTS
    assert len(contents.corrupt_lines) == garbage.count(b"\n") + 1


def test_damage_is_reported_in_words(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(LINES[0] + LINES[1].replace(b"note", b"nope") + LINES[2] + b"12345678 {")
    contents = read_journal(path)
    assert contents.corrupt_lines == ((2, "the checksum does not fit"),)
    assert contents.notes == (
        "line 2 is damaged and was left out: the checksum does not fit",
        "the last line was cut: 10 bytes at the end were left out",
    )


def test_a_document_of_a_later_version_is_reported(tmp_path: Path) -> None:
    import zlib

    body = b'{"type":"aura","time_s":1.0}'
    (tmp_path / "j").write_bytes(LINES[0] + b"%08x %s\n" % (zlib.crc32(body), body))
    [(number, why)] = read_journal(tmp_path / "j").corrupt_lines
    assert number == 2
    assert "this version" in why


def test_zeros_after_a_power_cut_are_torn_bytes(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(WHOLE + bytes(4096))
    contents = read_journal(tmp_path / "j")
    assert list(contents.documents) == DOCUMENTS
    assert contents.torn_bytes == 4096


def test_a_lost_first_document_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"x" + WHOLE)
    with pytest.raises(JournalUnreadable, match="whose run this is") as caught:
        read_journal(tmp_path / "j")
    assert "do not delete" in caught.value.do
    with pytest.raises(JournalUnreadable, match="cannot be opened"):
        read_journal(tmp_path / "missing")


def test_the_fuller_copy_counts(tmp_path: Path) -> None:
    journal, rescue = tmp_path / "a_journal.jsonl", tmp_path / "a_journal.rescue.jsonl"
    journal.write_bytes(b"".join(LINES[:3]))
    assert best_copy(journal).path == journal
    rescue.write_bytes(WHOLE)
    assert best_copy(journal).path == rescue
    rescue.write_bytes(LINES[0])
    assert best_copy(journal).path == journal
    journal.write_bytes(b"")
    assert best_copy(journal).path == rescue


SAMPLES = encode_line(next(d for d in _ALL if isinstance(d, Samples)))


def test_the_same_copy_counts_with_and_without_the_pressure(tmp_path: Path) -> None:
    journal, rescue = tmp_path / "a_journal.jsonl", tmp_path / "a_journal.rescue.jsonl"
    journal.write_bytes(LINES[0] + LINES[1] + 2 * SAMPLES)
    rescue.write_bytes(LINES[0] + LINES[1] + SAMPLES)
    assert best_copy(journal).path == best_copy(journal, samples=False).path == journal
    assert list(best_copy(journal, samples=False).documents) == DOCUMENTS[:2]


def test_without_its_pressure_a_journal_is_read_again_only_when_it_has_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j"
    path.write_bytes(LINES[0] + SAMPLES)
    first = read_lines(path, samples=False)
    assert read_lines(path, samples=False) is first
    with path.open("ab") as file:
        file.write(LINES[1])
    assert list(read_lines(path, samples=False).documents) == DOCUMENTS[:2]
    path.write_bytes(LINES[0])
    assert list(read_lines(path, samples=False).documents) == DOCUMENTS[:1]


def test_another_file_of_the_same_size_and_time_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "j", tmp_path / "other"
    path.write_bytes(LINES[0] + LINES[1])
    read_lines(path, samples=False)
    other.write_bytes(LINES[0] + LINES[1].replace(b"note", b"nope"))
    then = path.stat()
    os.utime(other, ns=(then.st_atime_ns, then.st_mtime_ns))
    other.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (then.st_size, then.st_mtime_ns)
    assert read_lines(path, samples=False).corrupt_lines


def test_a_journal_that_was_read_and_is_gone_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(LINES[0])
    read_lines(path, samples=False)
    path.unlink()
    with pytest.raises(JournalUnreadable, match="cannot be opened"):
        read_lines(path, samples=False)


def test_what_was_read_can_be_let_go_of(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(LINES[0])
    first = read_lines(path, samples=False)
    forget_journals()
    assert read_lines(path, samples=False) is not first


@pytest.mark.parametrize(
    ("size", "began"), [(0, False), (20, False), (len(LINES[0]) - 1, False), (len(LINES[0]), True)]
)
def test_a_run_began_when_its_first_line_was_whole(tmp_path: Path, size: int, began: bool) -> None:
    path = tmp_path / "a_journal.jsonl"
    path.write_bytes(WHOLE[:size])
    assert never_began(path) is not began
