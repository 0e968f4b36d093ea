"""An emulated physiology recorder: it writes down each code that it sees, when, and for how long."""

import json
from typing import IO, Final

from hardware.clock import now_s
from hardware.sim.contact import CLOSED, OPEN

ON_A_LINE: Final = {CLOSED[0]: 1, OPEN[0]: 0}
"""What a line's state is as a code."""


class EmulatedRecorder:
    """Eight digital inputs behind a serial port, or one that hangs on a line of it.

    One JSON object for each code: ``time_s`` (monotonic, when it came), ``code``, and ``width_ms``
    until the 0 after it; ``null`` where another code or the end came first.

    Parameters
    ----------
    on_a_line
        The bytes are states of a contact on the port's lines, not codes.
    """

    def __init__(self, log: IO[str] | None, *, on_a_line: bool = False) -> None:
        self._log, self._on_a_line = log, on_a_line
        self._seen: tuple[float, int] | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes as they come."""
        time_s = now_s()
        for value in data:
            code = ON_A_LINE.get(value, 0) if self._on_a_line else value
            if code and self._on_a_line and self._seen is not None:
                continue  # the other line, or the same once more
            width_ms = None if code or self._seen is None else (time_s - self._seen[0]) * 1000
            self._write(width_ms)
            if code:
                self._seen = time_s, code

    def advance(self, now_s: float) -> bytes:
        """Say nothing: a recorder only listens."""
        return b""

    def next_due_s(self) -> float | None:
        """Return ``None``: it waits for bytes."""
        return None

    def may_end(self) -> bool:
        """Return that a recorder may always be switched off."""
        self._write(None)
        return True

    def _write(self, width_ms: float | None) -> None:
        seen, self._seen = self._seen, None
        if seen is None or self._log is None:
            return
        width = None if width_ms is None else round(width_ms, 3)
        line = {"time_s": round(seen[0], 6), "code": seen[1], "width_ms": width}
        self._log.write(json.dumps(line) + "\n")
