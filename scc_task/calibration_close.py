"""The end of a calibration at the terminal: what was found, what the operator decides, and why.

It talks after the cuff is empty and closed and before the journal is, so that a decision stands in the
record of the inflations that it is about.
"""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from hardware.states import StopReason
from scc_task.calibration import plot
from scc_task.calibration.check import CheckResult, Held, conclude_check
from scc_task.calibration.course import CalibrationCourse
from scc_task.calibration.estimate import Result, conclude
from scc_task.calibration.procedures import AGAIN
from scc_task.calibration.verdict import verdict_line
from scc_task.documents import Decided, Requested, Stop, Subscriber
from scc_task.prepare_calibration import PreparedCalibration

ACCEPT: Final = "accept"
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
        self._repeats: list[float] = []
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
        if isinstance(document, Requested) and document.why == AGAIN:
            self._repeats.append(document.pressure_mmhg)

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
            self._decide("repeat", why=why, pressure_mmhg=mmhg)
        finished = None if self._course is None else self._course.finished
        if finished is None:
            if stop.reason == StopReason.OPERATOR:
                why = self._ask("You stopped the calibration. Why (one line)? ")
                self._decide("stop", why=why)
            return
        if self._prepared.checks is None:
            self._judge_calibration()
        else:
            self._judge_check()

    def _judge_calibration(self) -> None:
        course, prepared, out = self._course, self._prepared, self._out
        assert course is not None  # noqa: S101  __call__ has seen it
        model, outcomes = prepared.protocol.model, prepared.procedure.outcomes
        result = conclude(model, outcomes, course.finished)
        self.settled = Settled(result=result)
        out.print(verdict_line(model, outcomes, result), style="bold", soft_wrap=True)
        for target in result.targets:
            shown = "-" if target.mmhg is None else f"{target.mmhg:g} mmHg"
            low, high = target.low_mmhg, target.high_mmhg
            out.print(f"  P{target.rating:g}: {shown}  ({low:.0f} to {high:.0f})")
        self._plot(result)
        if result.accepted:
            self._ask_to_accept("to keep it")
            return
        for refusal in result.refusals:
            out.print(f"REFUSED: {refusal.what}\n  do: {refusal.do}", style="bold", soft_wrap=True)
        self._decide("refused", why="; ".join(refusal.what for refusal in result.refusals))

    def _judge_check(self) -> None:
        course, prepared, out = self._course, self._prepared, self._out
        assert course is not None  # noqa: S101  __call__ has seen it
        assert course.finished is not None  # noqa: S101
        assert prepared.checks is not None  # noqa: S101
        checked = conclude_check(
            prepared.protocol.model,
            prepared.checks.calibration.model,
            prepared.procedure.outcomes,
            course.finished,
            ceiling_mmhg=prepared.run.plan.limits.ceiling_mmhg,
        )
        self.settled = Settled(checked=checked)
        out.print(f"{checked.words}\n  do: {checked.do}", style="bold", soft_wrap=True)
        if checked.held is Held.ADJUSTED:
            self._ask_to_accept(f"to use {checked.mmhg:g} mmHg from now on")
        elif checked.held is Held.FAILED:
            self._decide("refused", why=checked.words)

    def _ask_to_accept(self, what: str) -> None:
        """Have the result accepted by a word and a name; anything else is the reason against it."""
        typed = self._ask(f"Type {ACCEPT} {what}. If not, type why not (one line): ")
        if typed != ACCEPT:
            self._out.print("Not kept. The journal has everything.")
            self._decide("decline", why=typed)
            return
        who = self._by or self._ask("Who accepts it (name or initials)? ")
        if not who:
            self._out.print("Not kept: nobody's name was given. The journal has everything.")
            self._decide("decline", why="no name was given")
            return
        comment = "" if self._by else self._ask("A comment to keep with it (Enter for none): ")
        self._decide("accept", by=who, why=comment)
        self.settled = Settled(
            accepted=True,
            by=who,
            comment=comment,
            result=self.settled.result,
            checked=self.settled.checked,
        )

    def _plot(self, result: Result) -> None:
        prepared, run = self._prepared, self._prepared.run
        path = run.name.calibration_plot(run.data)
        heading = f"{'SIMULATED  ' if run.rig.simulated else ''}{run.name.stem}"
        outcomes = prepared.procedure.outcomes
        try:
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
