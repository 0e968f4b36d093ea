"""The supervisor's own record: what it saw and did, on disk, whatever becomes of the task.

One line for each report: eight hex digits of CRC-32, a blank, and JSON with the field names of the
task's documents (`scc_task.documents`), so that ``recover`` can join the two. A thread writes; a
slow, full or missing disk costs the record and nothing else.
"""

import contextlib
import json
import threading
import zlib
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO, Final

from hardware.readings import CommandReport, FaultReport, Sample, VentReport

BACKLOG: Final = 20_000


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
            message = f"{report.message}; {report.do}"
            return {
                "type": "note",
                "time_s": report.time_s,
                "code": report.code,
                "message": message,
            }
        case _:
            return None


class BlackBox:
    """Writes records without ever making the caller wait.

    Parameters
    ----------
    path
        Appended to; made with its folder at the first report. A disk that refuses gives no record.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._backlog: deque[dict[str, Any] | None] = deque(maxlen=BACKLOG)
        self._wake = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._write, daemon=True, name="black box")
        self._thread.start()

    def take(self, report: object) -> None:
        """Take a report. Returns at once."""
        record = record_of(report)
        if record is not None:
            self._backlog.append(record)
            self._wake.release()

    def finish(self, wait_s: float) -> None:
        """Write the rest, for at most so long."""
        self._backlog.append(None)
        self._wake.release()
        self._thread.join(wait_s)

    def _write(self) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            file: BinaryIO | None = None
            while True:
                self._wake.acquire()
                lines, over = self._waiting()
                if lines and file is None:  # not before: a cuff that is not there leaves no folder
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    file = stack.enter_context(self._path.open("ab"))
                if file is not None:
                    file.write(b"".join(lines))
                    file.flush()
                if over:
                    return

    def _waiting(self) -> tuple[list[bytes], bool]:
        lines: list[bytes] = []
        with contextlib.suppress(IndexError):
            while (record := self._backlog.popleft()) is not None:
                lines.append(_line(record))
            return lines, True
        return lines, False


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%08x %b\n" % (zlib.crc32(text), text)
