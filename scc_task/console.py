"""The operator's status line: phase, time left, measured pressure, pulses. An onlooker, never in the way.

It runs in a thread of its own: a terminal that does not take output (a paused or marked window)
stops this thread and nothing else.
"""

import threading
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hardware.clock import Clock
from scc_task.documents import Document, Note, Pulse, PulseKind, Samples, StepBegan, Stop, TimeZero
from scc_task.plan.steps import Plan, StepKind
from scc_task.pulse_findings import RESTARTED

REFRESH_S: Final = 0.2
STYLES: Final = {
    StepKind.INFLATE: "bold white on red",
    StepKind.ANTICIPATION: "bold black on yellow",
}
QUIET_NOTES: Final = ("waiting", "traceback", "armed", "pulse_report")
SAID_WHOLE: Final = (
    "time_zero_doubt",
    "time_zero_inferred",
    "tr_differs",
    "pulses_stopped",
    "pulses_lost",
    "scanner_went_on",
    "scan_before_ready",
    RESTARTED,
)
"""Notes on the scanner that the operator has to read whole, while there is still something to be done."""


class StatusLine:
    """What goes on, in one line. Subscribe `observe`; use it as a context manager.

    Parameters
    ----------
    console
        Where it is shown; without a terminal, one plain line for each phase.
    """

    def __init__(self, plan: Plan, clock: Clock, console: Console) -> None:
        self._plan, self._clock, self._console = plan, clock, console
        self._phase, self._kind, self._trial = "getting ready", "", None
        self._zero_s: float | None = None
        self._measured_mmhg: float | None = None
        self._commanded_mmhg = 0.0
        self._volumes = self._missed = self._extra = self._bounced = 0
        self._warnings: list[str] = []
        self._loud: list[str] = []
        self._said: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True, name="status line")

    def __enter__(self) -> "StatusLine":
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
        """Leave the terminal to others. Safe to call twice."""
        self._over.set()
        self._thread.join(1.0)

    def observe(self, document: Document) -> None:
        """Take what is shown from a document."""
        if isinstance(document, Note) and document.code == RESTARTED:
            self._volumes = self._missed = self._extra = self._bounced = 0
        match document:
            case StepBegan():
                self._kind, self._trial = document.kind, document.trial  # type: ignore[assignment]
                self._phase = document.trial_type or document.kind
            case TimeZero():
                self._zero_s = document.time_s
            case Samples():
                self._measured_mmhg = document.measured_mmhg[-1]
                self._commanded_mmhg = document.commanded_mmhg[-1]
            case Pulse():
                self._volumes += document.kind is PulseKind.VOLUME
                self._extra += document.kind is PulseKind.EXTRA
                self._bounced += document.kind is PulseKind.BOUNCE
                self._missed += document.missed_before
            case Note() if document.code == "waiting":
                self._phase = "waiting for the scanner (Esc stops)"
            case Note() if document.code not in QUIET_NOTES:
                self._warnings.append(document.message)
                if "disconnect the hose" in document.message:
                    self._loud.append(document.message)
                if document.code in SAID_WHOLE:
                    self._said.append(f"SCANNER: {document.message}")
            case Stop():
                self._phase = f"ended: {document.reason}"

    def line(self) -> Text:
        """Return the line as it is now."""
        text = Text(no_wrap=True, overflow="ellipsis")
        trials = max((step.trial or 0 for step in self._plan.steps), default=0)
        of = f"/{trials}" if trials else ""  # a calibration does not know how many there will be
        trial = f" {self._trial}{of}" if self._trial else ""
        style = STYLES.get(StepKind(self._kind)) if self._kind else None
        text.append(f" {self._phase}{trial} ", style=style or "bold")
        if self._zero_s is not None:
            left_s = max(0.0, self._plan.length_s - (self._clock.now_s() - self._zero_s))
            text.append(f"  left {int(left_s) // 60}:{int(left_s) % 60:02d}")
        if self._measured_mmhg is not None:
            text.append(f"  cuff {max(0.0, self._measured_mmhg):.0f} mmHg")
            if self._commanded_mmhg:
                text.append(f" (asked {self._commanded_mmhg:.0f})")
        text.append(f"  volumes {self._volumes}")
        if self._missed or self._extra or self._bounced:
            wrong = f"  missed {self._missed} extra {self._extra} bounced {self._bounced}"
            text.append(wrong, style="bold yellow")
        if self._warnings:
            text.append(f"  ! {self._warnings[-1]}", style="bold yellow")
        return text

    def _show(self) -> None:
        if self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                while not self._over.wait(REFRESH_S):
                    self._shout()
                    live.update(self.line(), refresh=True)
            return
        shown = None
        while not self._over.wait(REFRESH_S):
            self._shout()
            if (self._phase, self._trial) != shown:
                shown = self._phase, self._trial
                self._console.print(self.line())

    def _shout(self) -> None:
        """Say what cannot wait, whole and above the line."""
        while self._said:
            self._console.print(self._said.pop(0), style="bold yellow", soft_wrap=True)
        while self._loud:
            self._console.print(
                self._loud.pop(0).upper(), style="bold white on red", soft_wrap=True
            )
