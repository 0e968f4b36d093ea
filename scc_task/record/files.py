"""Files that are whole or not there at all: folders, atomic writes, syncs, tab-separated tables."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MISSING = "n/a"
"""How BIDS writes a value that is not there. Never ``nan``, never an empty cell."""


def make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they survive a power cut."""
    new = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in new:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that any reader, at any time, finds the old one or the new one, whole."""
    make_folder(path.parent)
    # a leading dot: the validator passes over what a power cut may leave behind
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet: whole or not at all, whoever else tries to.

    Raises
    ------
    FileExistsError
        If there is one already. It stays as it is.
    """
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        _write_synced(draft, data)
        try:
            os.link(draft, path)  # fails where the name is taken, which a rename would not
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links: a power cut may leave a part of the file
            _write_synced(path, data)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _write_synced(path: Path, data: bytes) -> None:
    file = path.open("xb")
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # ours: it was not there before
        raise


def json_bytes(data: Mapping[str, Any]) -> bytes:
    """Return indented JSON, LF line ends, UTF-8, no byte order mark."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # an undecodable file name arrives as lone surrogates; backslashes keep it, and it stays JSON
    return text.encode("utf-8", errors="backslashreplace")


def table_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return a tab-separated table; what a row does not have is `MISSING`."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(_cell(row.get(column)) for column in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode("utf-8", errors="backslashreplace")


def _cell(value: str | None) -> str:
    """Return what may stand in a cell: one line, no tab, not empty."""
    return " ".join(value.split()) or MISSING if value else MISSING
