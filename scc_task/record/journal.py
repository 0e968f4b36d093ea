"""The journal: every document, appended, checksummed and synced by a thread of its own.

One line per document: eight hex digits of the CRC-32 of the JSON bytes, a space, compact ASCII
JSON, a line feed. Everything else on disk can be made again from it.
"""

import json
import math
import os
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Protocol

from hardware.clock import now_s
from scc_task.documents import Document, to_json
from scc_task.errors import RecordingLost, RunExists
from scc_task.record.files import make_folder, sync_folder
from scc_task.record.lock import hold
from scc_task.record.paths import rescue_of

SYNC_PERIOD_S: Final = 1.0
"""No document waits longer than this for the disk, even without a barrier."""


class RawFile(Protocol):
    """The part of an unbuffered file that the journal needs."""

    def write(self, data: bytes, /) -> int | None:
        """Write some of the bytes and return how many."""

    def fileno(self) -> int:
        """Return the descriptor to sync."""

    def close(self) -> None:
        """Release the file."""


def encode_line(document: Document) -> bytes:
    """Return the line of one document."""
    body = _json(to_json(document))
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _json(data: Mapping[str, Any]) -> bytes:
    """Return compact ASCII JSON; what is not a finite number becomes null."""
    try:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError):  # NaN, infinity, odd keys: rare, so only then walk through all
        text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode("ascii")


def _plain(value: object) -> object:
    """Return something JSON knows. A value in strange clothes is better kept than lost."""
    if isinstance(value, Mapping):
        return _finite(value)
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if type(value).__module__ == "numpy":  # scalars and arrays
        return _finite(getattr(value, "tolist", value.__str__)())
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _create(path: Path) -> RawFile:
    """Open a new file, unbuffered; an existing one is never touched."""
    file = path.open("xb", buffering=0)
    hold(file.fileno())
    sync_folder(path.parent)
    return file


def _opened(path: Path, create: Callable[[Path], RawFile]) -> RawFile:
    """Make the folders and the file, or explain why not."""
    try:
        make_folder(path.parent)
        try:
            return create(path)
        except FileExistsError as error:
            raise RunExists(
                "this run has a journal already",
                where=str(path),
                do="take the next free run number; nothing recorded is ever overwritten",
            ) from error
    except OSError as error:
        raise RecordingLost(
            f"the journal cannot be created: {error.strerror or error}",
            where=str(path),
            do="give --data a folder on a disk that can be written and is not full",
        ) from error


class Journal:
    """The record of one run. Subscribe `append`; the caller never waits for the disk.

    A thread encodes, writes and syncs. Documents reach the operating system within
    milliseconds (and so survive the end of this process), and the disk at every barrier and at
    least once a second (and so survive a power cut).

    Parameters
    ----------
    path
        A file that must not exist; its folders are made.
    create
        Opens the file. Tests put a failing disk here.

    Raises
    ------
    RunExists
        If the file exists.
    RecordingLost
        If it cannot be created.
    """

    def __init__(self, path: Path, *, create: Callable[[Path], RawFile] = _create) -> None:
        self.path: Final = path
        self._file = _opened(path, create)
        # All documents stay in memory to the end (a few MB): if the disk fails, none is missing.
        self._documents: list[Document] = []
        self._wake = threading.Condition()
        self._written = self._synced = self._wanted = 0
        self._closing = False
        self._error: RecordingLost | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def append(self, document: Document) -> None:
        """Take a document. Returns at once.

        Raises
        ------
        RecordingLost
            If the journal is closed: there is nowhere left to keep the document.
        """
        with self._wake:
            if self._closing:
                raise RecordingLost(
                    f"a {document.type!r} document came after the journal was closed",
                    where=str(self.path),
                    do="report this as a fault of the program",
                )
            self._documents.append(document)
            self._wake.notify()

    def barrier(self) -> None:
        """Ask for a sync of everything taken so far. Returns at once; see `synced`."""
        with self._wake:
            self._wanted = len(self._documents)
            self._wake.notify()

    @property
    def synced(self) -> int:
        """Return how many documents the disk has confirmed."""
        return self._synced

    def failed(self) -> RecordingLost | None:
        """Return why documents no longer reach the disk, or ``None`` while they do."""
        return self._error

    def close(self, timeout_s: float = 10.0) -> None:
        """Write, sync and close. Safe to call twice.

        Raises
        ------
        RecordingLost
            If the journal's file does not hold everything. All documents are then in the
            rescue file that the message names, if any disk took it.
        """
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout_s)
        hung = self._thread.is_alive()
        if hung:
            self._error = self._lost(f"the disk did not answer within {timeout_s:g} s")
        else:
            self._release()
        if self._error is not None:
            raise self._rescued(self._error, hung=hung) from self._error.__cause__

    def _release(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # some network disks report a full disk only here
            self._error = self._error or self._lost(error.strerror or str(error), error)

    def _work(self) -> None:
        """Write and sync until closed or failed (the thread's whole life)."""
        synced_at_s = now_s()
        try:
            while True:
                with self._wake:
                    self._wake.wait_for(self._has_work, self._patience_s(synced_at_s))
                    batch = self._documents[self._written :]
                    wanted, closing = self._wanted, self._closing
                if batch:
                    self._write(b"".join(map(encode_line, batch)))
                    self._written += len(batch)
                overdue = now_s() - synced_at_s >= SYNC_PERIOD_S
                if self._written > self._synced and (wanted > self._synced or closing or overdue):
                    os.fsync(self._file.fileno())
                    self._synced, synced_at_s = self._written, now_s()
                if closing:
                    return
        except Exception as error:  # noqa: BLE001  whatever it is, the run must learn of it
            reason = error.strerror if isinstance(error, OSError) else None
            self._error = self._lost(reason or repr(error), error)

    def _has_work(self) -> bool:
        return len(self._documents) > self._written or self._wanted > self._synced or self._closing

    def _patience_s(self, synced_at_s: float) -> float | None:
        """Return how long the thread may sleep: for ever when the disk has everything."""
        if self._written == self._synced:
            return None
        return max(0.0, synced_at_s + SYNC_PERIOD_S - now_s())

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:  # a disk that fills up takes a part, and refuses the next
            view = view[self._file.write(bytes(view)) or 0 :]

    def _lost(self, reason: str, cause: BaseException | None = None) -> RecordingLost:
        error = RecordingLost(
            f"the journal could not be written: {reason}",
            where=str(self.path),
            do="the run must end; free the disk",
        )
        error.__cause__ = cause
        return error

    def _rescued(self, error: RecordingLost, *, hung: bool) -> RecordingLost:
        """Save every document somewhere else and say where."""
        with self._wake:
            documents = tuple(self._documents)
        data = b"".join(map(encode_line, documents))
        rescue = rescue_of(self.path)
        # a disk that hangs would hang us too
        for save in (_save_in_temp,) if hung else (_save, _save_in_temp):
            try:
                saved = save(rescue, data)
            except OSError:
                continue
            beside = saved == rescue
            return RecordingLost(
                f"{error.what}; all {len(documents)} documents were saved in {saved}",
                where=error.where,
                do="free the disk, then "
                + ("" if beside else f"copy that file to {rescue}, then ")
                + "run: run_task.py recover DATA",
            )
        return RecordingLost(
            f"{error.what}; {self._synced} of {len(documents)} documents are on disk and no "
            "other folder took the rest",
            where=error.where,
            do="write down what happened; run: run_task.py recover DATA for what is on disk",
        )


def _save(rescue: Path, data: bytes) -> Path:
    with rescue.open("xb") as file:
        try:
            _fill(file, data)
        except OSError:
            rescue.unlink(missing_ok=True)  # half a rescue would look like one
            raise
    return rescue


def _save_in_temp(rescue: Path, data: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f"{rescue.stem}.", suffix=".jsonl")
    with os.fdopen(handle, "wb") as file:
        _fill(file, data)
    return Path(name)


def _fill(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
