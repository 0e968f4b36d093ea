"""Read a journal back: every whole document, and a report of what is damaged."""

import functools
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scc_task.documents import Document, Start, from_json
from scc_task.errors import ExplainedError
from scc_task.record.paths import rescue_of

_LINE = re.compile(rb"([0-9a-f]{8}) (\{.*\})", re.DOTALL)


class JournalUnreadable(ExplainedError):
    """A journal that does not say whose it is, or cannot be opened."""

    code = "SCC-310"


_SAMPLES = b'{"type":"samples",'
_KEPT: Final = 512
"""Journals that are kept in memory without their pressure: many times what a participant has."""

State = tuple[int, int, int]
"""Of a file: which one it is, when it was written last, and its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalContents:
    """What a journal holds.

    ``torn_bytes`` counts the bytes of a last line that was cut; ``corrupt_lines`` names the other
    lines (counted from 1) that cannot be trusted, and why; ``left_out`` counts the lines of pressure
    that were not wanted. Whoever reads the same file again may get the same object: change nothing in it.
    """

    path: Path
    documents: tuple[Document, ...]
    torn_bytes: int
    corrupt_lines: tuple[tuple[int, str], ...]
    left_out: int = 0

    @property
    def lines(self) -> int:
        """Return how many lines can be trusted, wanted or not."""
        return len(self.documents) + self.left_out

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is damaged, in words."""
        notes = [
            f"line {number} is damaged and was left out: {why}"
            for number, why in self.corrupt_lines
        ]
        if self.torn_bytes:
            notes.append(f"the last line was cut: {self.torn_bytes} bytes at the end were left out")
        return tuple(notes)


def read_journal(path: Path, *, samples: bool = True) -> JournalContents:
    """Return the documents of a journal that begins with a readable `Start`.

    Parameters
    ----------
    samples
        As in `read_lines`.

    Raises
    ------
    JournalUnreadable
        If it cannot be opened, is empty, or its first document is damaged.
    """
    contents = read_lines(path, samples=samples)
    if contents.documents and isinstance(contents.documents[0], Start):
        return contents
    if not contents.lines and not contents.corrupt_lines:
        raise JournalUnreadable(
            "the journal has no whole document: the program ended before the first was on disk",
            where=str(path),
            do="nothing was recorded; move the file out of sourcedata to free the run number",
        )
    raise JournalUnreadable(
        "the first document, which says whose run this is, cannot be read "
        f"({contents.lines} later ones can)",
        where=str(path),
        do="do not delete the file; put back a whole copy (a backup, or a .rescue.jsonl file "
        "next to it or in the system's temporary folder) and run: run_task.py recover DATA",
    )


def read_lines(path: Path, *, samples: bool = True) -> JournalContents:
    """Return whatever documents a journal holds, also when its first one is damaged.

    Parameters
    ----------
    samples
        Whether the pressure is wanted; without it the checksums are still looked at, reading takes a
        tenth of the time, and a file that has not changed since is not read again.

    Raises
    ------
    JournalUnreadable
        If it cannot be opened.
    """
    try:
        # looked at before it is read: what is written meanwhile counts as a change the next time
        state = None if samples else state_of(path)
        return _read(path, samples=samples) if state is None else _without_pressure(path, state)
    except OSError as error:
        raise JournalUnreadable(
            f"the journal cannot be opened: {error.strerror or error}",
            where=str(path),
            do="check that the file is there and that you may read it",
        ) from error


def state_of(path: Path) -> State | None:
    """Return what changes with a file, for those who keep what they made of it; ``None`` without one."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return None
    return now.st_ino, now.st_mtime_ns, now.st_size


def forget_journals() -> None:
    """Let go of what is kept in memory, before a run: the collector would go through it meanwhile."""
    _without_pressure.cache_clear()


@functools.lru_cache(maxsize=_KEPT)
def _without_pressure(path: Path, _state: State) -> JournalContents:
    """Return what a journal holds but for its pressure, read once for each state of the file."""
    return _read(path, samples=False)


def _read(path: Path, *, samples: bool) -> JournalContents:
    data = path.read_bytes()
    left_out = 0
    documents: list[Document] = []
    corrupt: list[tuple[int, str]] = []
    *lines, last = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        found = _document(line, samples=samples)
        if isinstance(found, str):
            corrupt.append((number, found))
        elif found is None:
            left_out += 1
        else:
            documents.append(found)
    tail = _document(last, samples=samples) if last else ""
    # a last line that lacks nothing but its line feed passes its checksum: it is whole
    if tail is None:
        left_out += 1
    elif not isinstance(tail, str):
        documents.append(tail)
    return JournalContents(
        path=path,
        documents=tuple(documents),
        torn_bytes=len(last) if isinstance(tail, str) else 0,
        corrupt_lines=tuple(corrupt),
        left_out=left_out,
    )


def _document(line: bytes, *, samples: bool) -> Document | str | None:
    """Return the document of a line, why it cannot be trusted, or ``None`` for what is not wanted."""
    match = _LINE.fullmatch(line)
    if match is None:
        return "not a journal line"
    if zlib.crc32(match[2]) != int(match[1], 16):
        return "the checksum does not fit"
    if not samples and match[2].startswith(_SAMPLES):
        return None
    try:
        return from_json(json.loads(match[2]))
    except (KeyError, TypeError, ValueError) as error:
        return f"not a document that this version knows ({error!r})"


def never_began(journal: Path) -> bool:
    """Return whether the program ended before the first document was on disk: nothing was recorded."""
    try:
        with journal.open("rb") as file:
            data = file.readline()
    except OSError:
        return False
    first = b'{"type":"start",'.startswith(data[9:25])  # after its checksum; not a block of zeros
    return first and b"\n" not in data and not rescue_of(journal).exists()


def best_copy(journal: Path, *, samples: bool = True) -> JournalContents:
    """Return the contents of a journal, or of its rescue file where that holds more.

    Parameters
    ----------
    samples
        As in `read_lines`.

    Raises
    ------
    JournalUnreadable
        If neither can be read.
    """
    rescue = rescue_of(journal)
    if not rescue.exists():
        return read_journal(journal, samples=samples)
    saved = read_lines(rescue, samples=samples)
    try:
        own = read_journal(journal, samples=samples)
    except JournalUnreadable:
        return read_journal(rescue, samples=samples)
    whole = bool(saved.documents) and isinstance(saved.documents[0], Start)
    return saved if whole and saved.lines >= own.lines else own
