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
from scc_task.hands import Hands
from scc_task.plan.steps import ScannerPlan
from scc_task.ports import CuffPort, KeySource, PulseSource, Screen
from scc_task.pulse_watch import PulseWatch
from scc_task.responses import Action, KeyMap
from scc_task.samples import SampleBlock


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
        scanner: ScannerPlan,
        publish: Subscriber,
        recording_failed: Callable[[], Exception | None],
    ) -> None:
        self._clock, self._screen, self._cuff = clock, screen, cuff
        self._pulses, self._keys, self._key_map = pulses, keys, key_map
        self._publish = publish
        self._counts_pulses = scanner.volumes > 0
        self.scanner = PulseWatch(
            scanner,
            publish=publish,
            note=self.note,
            lost=lambda what: self.request(StopReason.SCANNER_LOST, what),
        )
        self._recording_failed = recording_failed
        self._block = SampleBlock()
        self.requested: Stopped | None = None
        self.armed = False
        self.not_empty = False
        self.asked_again = False
        self.vented: VentReport | None = None
        self.hands = Hands(key_map, publish=publish, request=self.request)
        self.notes: list[str] = []

    @property
    def time_zero(self) -> TimeZero | None:
        """Return time zero, once the pulses have given it."""
        return self.scanner.time_zero

    def begin_now(self) -> None:
        """Take this moment as time zero: there is no scanner to wait for."""
        self.scanner.begin_now(self._clock.now_s())

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
        now_s = self._clock.now_s()  # what comes while we look is not late
        self.look_at_cuff()
        self.look_at_pulses()
        self.look_at_keys()
        self.scanner.look(now_s)
        if self.requested is not None:
            raise self.requested
        if self._screen.closed():
            raise Stopped(StopReason.WINDOW_CLOSED, "the participant's window was closed")
        failure = self._recording_failed()
        if failure is not None:
            raise Stopped(StopReason.RECORDING_LOST, str(failure))

    def next_due_s(self) -> float | None:
        """Return when the next key or pulse is known to come (emulated sources)."""
        sources = (self._keys, self._pulses, self.hands)
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
            self.scanner.pulse(time_s, self._clock.now_s())
        problem = self._pulses.problem()
        if problem is not None:
            self.scanner.port_gone(problem, self._clock.now_s())

    # -- the participant and the operator

    def look_at_keys(self) -> None:
        """Sort the keys into pulses, answers and stops."""
        for event in self._keys.poll():
            if self._key_map.action(event.key) is not Action.PULSE:
                self.hands.take(event)
            elif (
                not self._counts_pulses
            ):  # a calibration beside a scanner that types: on record, no more
                self._publish(
                    Key(time_s=event.time_s, key=event.key, down=event.down, action=Action.PULSE)
                )
            elif event.down:
                self.scanner.pulse(event.time_s, self._clock.now_s())
        self.hands.settle(self._clock.now_s())


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
