"""The record of every doctor's run, beside the rig file: one JSON object a line, only ever appended."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import scc_task
from hardware.clock import Clock
from hardware.readings import Identity
from scc_task.doctor.results import Result, Verdict, worst
from scc_task.errors import RecordingLost
from scc_task.protocol.load import Loaded
from scc_task.protocol.rig import Rig

Record = dict[str, Any]


def store_path(rig_path: Path) -> Path:
    """Return where the records of a rig are."""
    return rig_path.with_name(f"{rig_path.stem}.doctor.jsonl")


def make_record(
    rig: Loaded[Rig],
    clock: Clock,
    identity: Identity | None,
    results: Sequence[Result],
    *,
    under_pressure: bool,
    faults: str | None,
    scanner: Record | None = None,
    scanner_alone: bool = False,
) -> Record:
    """Return what is kept of one doctor's run.

    Parameters
    ----------
    under_pressure
        Whether the cuff was inflated.
    faults
        The fault script of an emulated cuff, whole.
    scanner
        What was found at the scanner's trigger; it says nothing about the cuff.
    scanner_alone
        Whether the cuff was left out: then the record does not count as a check of the cuff.
    """
    return {
        "version": 1,
        "date": clock.wall().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "program": scc_task.__version__,
        "checked": "scanner" if scanner_alone else "cuff",
        "rig": rig.model.name,
        "rig_sha256": rig.sha256,
        "simulated": rig.model.simulated or bool(identity and identity.simulated),
        "faults": faults,
        "device": _finite(asdict(identity)) if identity is not None else None,
        "under_pressure": under_pressure,
        "verdict": str(worst(result.verdict for result in results)),
        "failed": [r.name for r in results if r.verdict is Verdict.FAIL],
        "results": [_finite(asdict(result)) for result in results],
        "scanner": _finite(scanner),
    }


def _finite(node: Any) -> Any:
    """Return data without what JSON has no word for: a ceiling that is not known is ``null``."""
    if isinstance(node, Mapping):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node


def append_record(path: Path, record: Record) -> None:
    """Add a record and make it durable; a line that broke off before it stays broken and alone.

    Raises
    ------
    RecordingLost
        If it cannot be written.
    """
    line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        with path.open("a+b") as file:
            if file.tell() and not _ends_whole(file):
                line = "\n" + line
            file.write(line.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RecordingLost(
            f"the doctor's results cannot be kept: {error.strerror or error}",
            where=str(path),
            do="make the rig file's folder writable, then start the doctor again",
        ) from error


def _ends_whole(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def read_records(path: Path) -> list[Record]:
    """Return the records, oldest first; what cannot be read (a torn line) is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("version") == 1:
            found.append(record)
    return found
