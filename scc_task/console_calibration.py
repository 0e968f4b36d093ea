"""The operator's table of a calibration: each inflation, its rating, and what comes next.

An onlooker like the status line: it prints in a thread of its own, so that a terminal that takes no
output holds nothing up.
"""

import queue
import threading
from types import TracebackType

from rich.console import Console

from scc_task.documents import Document, Note, Offered, Outcome, Requested


class CalibrationTable:
    """One line for each inflation. Subscribe `observe`; use it as a context manager.

    Parameters
    ----------
    notes
        Print what the practice of the scale showed too, where no status line does.
    """

    def __init__(self, console: Console, *, notes: bool = False) -> None:
        self._console, self._notes = console, notes
        self._asked: Requested | None = None
        self._lines: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._print, daemon=True, name="calibration table")

    def __enter__(self) -> "CalibrationTable":
        self._lines.put(("  no.  mmHg  phase         rating", "bold"))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Print what is left, and leave the terminal to others. Safe to call twice."""
        self._lines.put(None)
        self._thread.join(1.0)

    def observe(self, document: Document) -> None:
        """Take a request, or what came of it."""
        if isinstance(document, Requested):
            self._asked = document
            self._lines.put(
                (f"       next: {document.pressure_mmhg:g} mmHg: {document.why}", "dim")
            )
            if document.needs_yes:
                question = f"  INFLATE TO {document.pressure_mmhg:g} mmHg?  y: yes   n: no"
                self._lines.put((question, "bold black on yellow"))
        elif isinstance(document, Offered):
            if document.repeat_mmhg is not None:
                self._lines.put((f"  {document.verdict}", "bold"))
                question = f"  DONE?  y: yes   r: {document.repeat_mmhg:g} mmHg once more first"
                self._lines.put((question, "bold black on yellow"))
        elif isinstance(document, Note) and document.code == "practice":
            if self._notes:
                self._lines.put((f"  {document.message}", "bold"))
        elif isinstance(document, Outcome) and self._asked is not None:
            asked = self._asked
            self._lines.put(
                (
                    f"  {document.trial:3d}  {asked.pressure_mmhg:4.0f}  {asked.phase:12s}  "
                    f"{_came_of(document, asked)}",
                    "",
                )
            )

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            self._console.print(line[0], style=line[1], soft_wrap=True)


def _came_of(outcome: Outcome, asked: Requested) -> str:
    if outcome.operator_said_yes is False:
        return "not given: the operator said no"
    if outcome.stopped:
        return "STOPPED by the participant"
    if not outcome.tolerated:
        return "interrupted"
    if outcome.cut is not None:
        return "interrupted before its rating"
    if outcome.rating is not None:
        return f"{outcome.rating:.0f}"
    return "not rated" if asked.phase == "familiarise" else "NO RATING"
