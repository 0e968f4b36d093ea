"""What comes in while a run goes on: reports of the cuff, pulses, keys. Published, and judged for a stop.

The engine looks here in every turn of its loop. Everything that arrived is recorded before a stop
that it asks for is obeyed.
"""

from collections.abc import Callable

from hardware.clock import Clock
from hardware.interlock_table import NOT_EMPTY
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    LinkNote,
    Refusal,
    Sample,
    VentReport,
)
from hardware.states import StopReason
from scc_task.documents import Command, Key, Note, Samples, Subscriber, TimeZero, Vented
from scc_task.ports import CuffPort, KeyEvent, KeySource, PulseSource, Screen
from scc_task.responses import Action, KeyMap
from scc_task.samples import SampleBlock
from scc_task.scanner import PulseCounter

Answer = Callable[[Action, KeyEvent], None]
"""Takes the presses and releases that may be answers."""


class Stopped(Exception):
    """Not an error: how a run's loop is left."""

    def __init__(self, reason: StopReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Intake:
    """Everything that a run listens to.

    Parameters
    ----------
    cuff
        ``None`` for a plan without inflations.
    pulses
        ``None`` where the scanner types (its key is in ``keys``).
    recording_failed
        Returns why the journal cannot be written, if that is so.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        screen: Screen,
        cuff: CuffPort | None,
        pulses: PulseSource | None,
        keys: KeySource,
        key_map: KeyMap,
        counter: PulseCounter,
        publish: Subscriber,
        recording_failed: Callable[[], Exception | None],
    ) -> None:
        self._clock, self._screen, self._cuff = clock, screen, cuff
        self._pulses, self._keys, self._key_map = pulses, keys, key_map
        self._counter, self._publish = counter, publish
        self._recording_failed = recording_failed
        self._block = SampleBlock()
        self._pulses_lost = False
        self.requested: Stopped | None = None
        self.armed = False
        self.not_empty = False
        self.asked_again = False
        self.vented: VentReport | None = None
        self.answer: Answer | None = None
        self.notes: list[str] = []

    @property
    def time_zero(self) -> TimeZero | None:
        """Return time zero, once the pulses have given it."""
        return self._counter.time_zero

    def begin_now(self) -> None:
        """Take this moment as time zero: there is no scanner to wait for."""
        self._publish(self._counter.begin(self._clock.now_s()))

    def request(self, reason: StopReason, detail: str) -> None:
        """Ask for a stop at the next look. Only the first request counts."""
        if self.requested is None:
            self.requested = Stopped(reason, detail)
        else:
            self.asked_again = True

    def note(self, code: str, message: str, time_s: float) -> None:
        """Publish something worth knowing, and keep it for the end of the run."""
        self.notes.append(message)
        self._publish(Note(time_s=time_s, code=code, message=message))

    def look(self) -> None:
        """Take in everything that has happened.

        Raises
        ------
        Stopped
            If anything of it, or anybody, asks for a stop.
        """
        self.look_at_cuff()
        self.look_at_pulses()
        self.look_at_keys()
        if self.requested is not None:
            raise self.requested
        if self._screen.closed():
            raise Stopped(StopReason.WINDOW_CLOSED, "the participant's window was closed")
        failure = self._recording_failed()
        if failure is not None:
            raise Stopped(StopReason.RECORDING_LOST, str(failure))

    def next_due_s(self) -> float | None:
        """Return when the next key or pulse is known to come (emulated sources)."""
        sources = (self._keys, self._pulses)
        due = [source.next_due_s() for source in sources if source is not None]
        return min((due_s for due_s in due if due_s is not None), default=None)

    def last_samples(self) -> Samples | None:
        """Return the samples that are not published yet."""
        return self._block.flush()

    # -- the cuff

    def look_at_cuff(self) -> None:
        """Show a sign of life and take the supervisor's reports."""
        if self._cuff is not None:
            self._cuff.beat()
            for report in self._cuff.poll():
                self._take(report)

    def _take(self, report: CuffReport) -> None:
        match report:
            case Sample():
                block = self._block.add(report)
                if block is not None:
                    self._publish(block)
            case CommandReport():
                self.armed = self.armed or report.command == "arm"
                self._publish(_command(report))
            case VentReport():
                self.vented = report
                self.not_empty = self.not_empty and report.confirmed is not True
                self._publish(_vented(report))
            case LinkNote():
                message = f"{report.message} {report.raw}".strip()
                self._publish(Note(time_s=report.time_s, code=report.code, message=message))
            case Refusal():
                # without it the participant would not get what the plan says
                self.note("refused", report.message, report.time_s)
                self.request(StopReason.CUFF_FAULT, f"a command was refused: {report.message}")
            case FaultReport():
                self.not_empty = self.not_empty or report.code in NOT_EMPTY
                self.note(report.code, f"{report.message}; {report.do}", report.time_s)
                self.request(report.reason, f"{report.message}; {report.do}")

    # -- the scanner

    def look_at_pulses(self) -> None:
        """Take and number the pulses that have come through a port."""
        if self._pulses is None:
            return
        for time_s in self._pulses.poll():
            self._pulse(time_s)
        problem = self._pulses.problem()
        if problem is not None and not self._pulses_lost:
            self._pulses_lost = True
            problem = f"the scanner's trigger port is gone: {problem}"
            self.note("pulses_lost", problem, self._clock.now_s())
            if self.time_zero is None:  # later, the run goes on by the clock
                self.request(StopReason.SCANNER_LOST, problem)

    def _pulse(self, time_s: float) -> None:
        had_zero = self.time_zero is not None
        pulse = self._counter.accept(time_s)
        self._publish(pulse)
        if pulse.missed_before:
            message = f"{pulse.missed_before} scanner pulses missed before volume {pulse.number}"
            self.note("pulses_missed", message, time_s)
        if not had_zero and self.time_zero is not None:
            self._publish(self.time_zero)

    # -- the participant and the operator

    def look_at_keys(self) -> None:
        """Sort the keys into pulses, answers and stops."""
        for event in self._keys.poll():
            self._key(event)

    def _key(self, event: KeyEvent) -> None:
        action = self._key_map.action(event.key)
        if action is Action.PULSE:
            if event.down:
                self._pulse(event.time_s)
            return
        self._publish(Key(time_s=event.time_s, key=event.key, down=event.down, action=action))
        if action is Action.ESCAPE and event.down:
            self.request(StopReason.OPERATOR, "Esc was pressed")
        elif action is Action.STOP and event.down:
            self.request(StopReason.PARTICIPANT, "the participant pressed the stop key")
        elif action in (Action.LEFT, Action.RIGHT, Action.CONFIRM) and self.answer is not None:
            self.answer(action, event)


def _command(report: CommandReport) -> Command:
    return Command(
        command=report.command,
        step=report.program,
        planned_s=report.planned_s,
        sent_s=report.sent_s,
        acknowledged_s=report.acknowledged_s,
        commanded_mmhg=report.commanded_mmhg,
        acknowledged_mmhg=report.acknowledged_mmhg,
    )


def _vented(report: VentReport) -> Vented:
    return Vented(
        started_s=report.started_s,
        time_s=report.time_s,
        confirmed=report.confirmed,
        residual_mmhg=report.residual_mmhg,
    )
