"""The supervisor's own record: what it saw and did, on disk, whatever becomes of the task.

One line for each report: eight hex digits of CRC-32, a blank, and JSON with the field names of the
task's documents (`scc_task.documents`), so that ``recover`` can join the two. A thread writes; a
slow, full or missing disk costs the supervisor nothing. What it does not take is kept in memory and
tried again.
"""

import contextlib
import json
import os
import threading
import zlib
from collections import deque
from pathlib import Path
from typing import Any, Final

from hardware.readings import (
    CommandReport,
    FaultReport,
    LinkNote,
    Refusal,
    Sample,
    VentReport,
)

BACKLOG: Final = 20_000
"""Records kept while the disk takes none: 6 min of samples. The oldest go first."""
BATCH: Final = 500
AGAIN_S: Final = 0.5
"""How often a disk that refuses is tried again."""


def record_of(report: object) -> dict[str, Any] | None:
    """Return a report as a document, or ``None`` for what is not kept here."""
    match report:
        case Sample():
            return {
                "type": "samples",
                "counter": [report.counter],
                "device_ms": [report.device_ms],
                "arrival_s": [round(report.arrival_s, 6)],
                "state": [str(report.state)],
                "measured_mmhg": [report.measured_mmhg],
                "second_mmhg": [report.second_mmhg],
                "commanded_mmhg": [report.commanded_mmhg],
            }
        case CommandReport():
            return {
                "type": "command",
                "command": report.command,
                "step": report.program,
                "planned_s": report.planned_s,
                "sent_s": report.sent_s,
                "acknowledged_s": report.acknowledged_s,
                "commanded_mmhg": report.commanded_mmhg,
                "acknowledged_mmhg": report.acknowledged_mmhg,
            }
        case VentReport():
            return {
                "type": "vented",
                "started_s": report.started_s,
                "time_s": report.time_s,
                "confirmed": report.confirmed,
                "residual_mmhg": report.residual_mmhg,
            }
        case FaultReport():
            return _note(report.time_s, report.code, f"{report.message}; {report.do}")
        case LinkNote():
            return _note(report.time_s, report.code, f"{report.message} {report.raw}".strip())
        case Refusal():
            return _note(report.time_s, "refused", report.message)
        case _:
            return None


def _note(time_s: float, code: str, message: str) -> dict[str, Any]:
    return {"type": "note", "time_s": time_s, "code": code, "message": message}


class BlackBox:
    """Writes records without ever making the caller wait.

    Parameters
    ----------
    path
        Appended to; made with its folder at the first report.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._backlog: deque[dict[str, Any]] = deque(maxlen=BACKLOG)
        self._lines: list[bytes] = []
        self._torn = False
        self._file: int | None = None
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="black box")
        self._thread.start()

    def take(self, report: object) -> None:
        """Take a report. Returns at once."""
        record = record_of(report)
        if record is not None:
            self._backlog.append(record)
            self._wake.set()

    def finish(self, wait_s: float) -> None:
        """Write the rest, for at most so long."""
        self._over.set()
        self._wake.set()
        self._thread.join(wait_s)

    def _work(self) -> None:
        over = False
        while not over:
            self._wake.wait()
            self._wake.clear()
            over = self._over.is_set()  # looked at before the last writing, not after
            try:
                while self._take_lines():
                    self._write()
            except OSError:
                self._over.wait(AGAIN_S)
                self._wake.set()
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)

    def _take_lines(self) -> bool:
        """Move records to the lines that are written next, if none of the last ones is left."""
        with contextlib.suppress(IndexError):
            while len(self._lines) < BATCH:
                self._lines.append(_line(self._backlog.popleft()))
        return bool(self._lines)

    def _write(self) -> None:
        """Write lines; those that the disk has not taken whole stay."""
        if self._file is None:  # not before: a cuff that is not there leaves no folder
            self._path.parent.mkdir(parents=True, exist_ok=True)
            binary = getattr(os, "O_BINARY", 0)  # Windows would add a carriage return
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | binary
            self._file = os.open(self._path, flags, 0o644)
        data = b"\n" * self._torn + b"".join(self._lines)  # a torn line is ended, and written again
        written = os.write(self._file, data)
        left = written - self._torn
        while self._lines and left >= len(self._lines[0]):
            left -= len(self._lines.pop(0))
        self._torn = left > 0 or (self._torn and written == 0)


def _line(record: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(record, separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError:  # a number that is none: kept as it looked
        return _line({"type": "note", "time_s": 0.0, "code": "no_number", "message": repr(record)})
    return b"%08x %b\n" % (zlib.crc32(text), text)
