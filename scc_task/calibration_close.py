"""The end of a calibration at the terminal: what was found, what the operator decides, and why.

It talks after the cuff is empty and closed and before the journal is, so that a decision stands in the
record of the inflations that it is about.
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from hardware.clock import RealClock
from hardware.states import StopReason
from scc_task.calibration import plot
from scc_task.calibration.check import CheckResult, Held, conclude_check, place_of
from scc_task.calibration.course import CalibrationCourse
from scc_task.calibration.estimate import Result, conclude
from scc_task.calibration.measured import Hold
from scc_task.calibration.procedures import AGAIN
from scc_task.calibration.store import acceptance
from scc_task.calibration.talk import Finished
from scc_task.calibration.verdict import verdict_line
from scc_task.documents import (
    Command,
    Decided,
    Document,
    Outcome,
    Requested,
    Samples,
    Stop,
    Subscriber,
    Vented,
)
from scc_task.errors import UsageInvalid
from scc_task.prepare_calibration import PreparedCalibration
from scc_task.protocol.check import Found
from scc_task.record.holds import measured_holds

ACCEPT: Final = "accept"
DECLINE: Final = "decline"
REPEAT: Final = "repeat"
MEASURED: Final = (Command, Outcome, Requested, Samples, Vented)
"""The documents that tell what was asked for and what was measured."""
ASKED: Final = 3
"""So often a question is put before it counts as unanswered."""
Ask = Callable[[str], str]
"""Shows a question and returns the line that was typed; nothing where nobody can type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a calibration ended.

    ``accepted``: somebody took it over, ``by`` name and with a ``comment``. Of ``result`` and ``checked``
    one is there, if the procedure came to its end.
    """

    accepted: bool = False
    by: str = ""
    comment: str = ""
    result: Result | None = None
    checked: CheckResult | None = None


class Closing:
    """Call it with how the run ended; then `settled` says what was decided.

    Parameters
    ----------
    ask
        `ask_at`, or somebody emulated.
    by
        Who accepts, where that is known; else it is asked.
    """

    def __init__(
        self, prepared: PreparedCalibration, out: Console, *, ask: Ask, by: str | None
    ) -> None:
        self._prepared, self._out, self._ask, self._by = prepared, out, ask, by
        self._publish: Subscriber = lambda document: None
        self._now_s: Callable[[], float] = float
        self._course: CalibrationCourse | None = None
        self._before: Callable[[], None] = lambda: None
        earlier = () if prepared.earlier is None else prepared.earlier.runs
        before = [d for run in earlier for d in run.contents.documents]
        self._repeats = _unexplained(before)
        self._evidence: list[Document] = []
        self.settled = Settled()

    def follow(
        self,
        course: CalibrationCourse,
        publish: Subscriber,
        now_s: Callable[[], float],
        before: Callable[[], None],
    ) -> None:
        """Take what exists only once the run does; ``before``: called before anything is printed."""
        self._course, self._publish, self._now_s, self._before = course, publish, now_s, before

    def observe(self, document: object) -> None:
        """Note what the operator wanted again."""
        if isinstance(document, MEASURED):
            self._evidence.append(document)
        if isinstance(document, Requested) and document.why.startswith(AGAIN):
            self._repeats.append(document.pressure_mmhg)

    def measured(self) -> tuple[Hold, ...]:
        """Return what the cuff measured at the rated pressures, in this run and those before it."""
        earlier = self._prepared.earlier
        before = [] if earlier is None else [run.contents.documents for run in earlier.runs]
        return tuple(
            hold for documents in (*before, self._evidence) for hold in measured_holds(documents)
        )

    def __call__(self, stop: Stop) -> None:
        """Say what was found, ask, and put the answer on record."""
        self._before()
        if stop.vent_confirmed is False:
            self._out.print(
                "THE CUFF WAS NOT SEEN TO EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW.",
                style="bold white on red",
            )
        for mmhg in self._repeats:
            why = self._ask(f"{mmhg:g} mmHg was given again. Why (one line)? ")
            self._decide(REPEAT, why=why, pressure_mmhg=mmhg)
        finished = None if self._course is None else self._course.finished
        if finished is not None:
            self.judge(finished)
        elif stop.reason == StopReason.OPERATOR:
            why = self._ask("You stopped the calibration. Why (one line)? ")
            self._decide("stop", why=why)

    def judge(self, finished: Finished) -> None:
        """Say what was found, and have it accepted or not. Without `follow` nothing goes on record."""
        if self._prepared.checks is None:
            self._judge_calibration(finished)
        else:
            self._judge_check(self._prepared.checks, finished)

    def _judge_calibration(self, finished: Finished) -> None:
        prepared, out = self._prepared, self._out
        model, outcomes = prepared.protocol.model, prepared.procedure.outcomes
        result = conclude(model, outcomes, finished, measured=self.measured())
        self.settled = Settled(result=result)
        out.print(verdict_line(model, outcomes, result), style="bold", soft_wrap=True)
        for target in result.targets:
            shown = f"none: {target.why}" if target.mmhg is None else f"{target.mmhg:g} mmHg"
            low, high = target.low_mmhg, target.high_mmhg
            out.print(f"  P{target.rating:g}: {shown}  ({low:.0f} to {high:.0f})")
        self._plot(result)
        if result.accepted:
            self._ask_to_accept("to keep it")
            return
        for refusal in result.refusals:
            out.print(f"REFUSED: {refusal.what}\n  do: {refusal.do}", style="bold", soft_wrap=True)
        self._decide("refused", why="; ".join(refusal.what for refusal in result.refusals))

    def _judge_check(self, checks: Found, finished: Finished) -> None:
        prepared, out = self._prepared, self._out
        run = prepared.run
        checked = conclude_check(
            prepared.protocol.model,
            checks.calibration.model,
            prepared.procedure.outcomes,
            finished,
            ceiling_mmhg=run.plan.limits.ceiling_mmhg,
            place=place_of(checks, run.data, run.name.session, rig=run.rig, now=RealClock().wall()),
            again=f"calibrate again: {prepared.command}",
            measured=self.measured(),
        )
        self.settled = Settled(checked=checked)
        out.print(f"{checked.words}\n  do: {checked.do}", style="bold", soft_wrap=True)
        if checked.held is Held.ADJUSTED:
            self._ask_to_accept(checked.use)
        elif checked.held is Held.FAILED:
            self._decide("refused", why=checked.words)

    def _ask_to_accept(self, what: str) -> None:
        """Have the result accepted by a word and a name, or declined by a word and a reason."""
        typed = self._one_of(f"Type {ACCEPT} {what}, or {DECLINE}: ", (ACCEPT, DECLINE))
        if typed == DECLINE and self._course is None:  # no record is open that could take a reason
            self._out.print("Not kept. Nothing was changed: it can still be accepted.")
            return
        if typed == DECLINE:
            self._out.print("Not kept. The journal has everything.")
            self._decide(DECLINE, why=self._ask("Why not (one line)? "))
            return
        told = self._who_and_why() if typed == ACCEPT else None
        if told is None:
            later = (
                "check again"
                if self._prepared.checks is not None
                else "run_task.py calibrate --accept with the same options asks again"
            )
            self._out.print(f"Not decided, so not kept. The journal has everything; {later}.")
            self._decide("undecided", why="no name" if typed == ACCEPT else "no answer")
            return
        who, comment = told
        self._decide(ACCEPT, by=who, why=comment)
        self.settled = Settled(
            accepted=True,
            by=who,
            comment=comment,
            result=self.settled.result,
            checked=self.settled.checked,
        )

    def _one_of(self, question: str, words: Sequence[str]) -> str | None:
        """Return which of some words was typed; ``None`` if none was, however often it is asked."""
        for _ in range(ASKED):
            typed = self._ask(question).strip()
            if typed.casefold() in words:
                return typed.casefold()
            self._out.print(f"'{typed}' is neither {' nor '.join(words)}.", markup=False)
        return None

    def _who_and_why(self) -> tuple[str, str] | None:
        """Return a name and a comment that can be stored; ``None`` if no name was given."""
        who = self._by or self._fit(
            "Who accepts it (name or initials)? ", lambda text: (text, None)
        )
        if who is None or self._by:
            return None if who is None else (who, "")
        again = " and ".join(f"{mmhg:g}" for mmhg in self._repeats) if self._course is None else ""
        what = f" (why was {again} mmHg given again?)" if again else ""
        comment = self._fit(
            f"A comment to keep with it{what} (Enter for none): ", lambda text: (who, text or None)
        )
        return who, comment or ""

    def _fit(self, question: str, told: Callable[[str], tuple[str, str | None]]) -> str | None:
        """Return an answer that can be stored as ``told`` says: by whom, and a comment."""
        for _ in range(ASKED):
            typed = self._ask(question)
            try:
                acceptance(*told(typed), RealClock().wall())
            except UsageInvalid as error:
                self._out.print(f"{error.what}: {error.do}", markup=False, soft_wrap=True)
                continue
            return typed
        return None

    def _plot(self, result: Result) -> None:
        prepared, run = self._prepared, self._prepared.run
        path = run.name.calibration_plot(run.data)
        heading = f"{'SIMULATED  ' if run.rig.simulated else ''}{run.name.stem}"
        outcomes = prepared.procedure.outcomes
        try:
            with contextlib.suppress(FileExistsError):  # drawn when it ended: it stays as it was
                plot.plot(path, prepared.protocol.model, outcomes, result, heading=heading)
            self._out.print(f"  plot: {path}", soft_wrap=True)
        except OSError as error:
            self._out.print(f"  the plot could not be written: {error}", soft_wrap=True)

    def _decide(
        self, what: str, *, by: str = "", why: str = "", pressure_mmhg: float | None = None
    ) -> None:
        self._publish(
            Decided(time_s=self._now_s(), what=what, by=by, why=why, pressure_mmhg=pressure_mmhg)
        )


def _unexplained(documents: Sequence[Document]) -> list[float]:
    """Return the pressures that the operator wanted again in runs before, and said no reason for."""
    found: list[float] = []
    for document in documents:
        if isinstance(document, Requested) and document.why.startswith(AGAIN):
            found.append(document.pressure_mmhg)
        elif isinstance(document, Decided) and document.pressure_mmhg in found:
            found.remove(document.pressure_mmhg)
    return found


def ask_at(out: Console) -> Ask:
    """Return who asks at the terminal. What was typed before a question is no answer to it."""

    def ask(question: str) -> str:
        _forget_typed_ahead()
        try:
            return out.input(question).strip()
        except (EOFError, KeyboardInterrupt, OSError, ValueError):
            return ""

    return ask


def _forget_typed_ahead() -> None:
    """Drop what waits at the terminal: the keys of the run went there too if it was in front."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        if not sys.stdin.isatty():
            return
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                msvcrt.getwch()
        else:
            import termios

            termios.tcflush(sys.stdin, termios.TCIFLUSH)
