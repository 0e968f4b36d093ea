"""The scanner's side of a run: pulses are counted, published, told to the operator, judged for a stop."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hardware.triggers import Stamp, checked
from scc_task.documents import Note, Pulse, PulseKind, Subscriber, TimeZero
from scc_task.plan.steps import ScannerPlan
from scc_task.pulse_findings import RESTARTED, Finding
from scc_task.pulse_report import PulseReport, pulse_report
from scc_task.pulse_review import changes_grid, reviewed
from scc_task.scanner import PulseCounter

GOES_ON: Final = 10
"""So many volumes more than the protocol's are waited for."""
SLOWER: Final = 0.1
"""A scanner this part slower than the protocol's TR is still counted to its end."""
SILENT_END: Final = 3.0
"""After so many TRs of silence the scan is over."""
GAPS_TOLD: Final = 3
"""So many times it is said that the pulses have stopped; further gaps are counted."""


class PulseWatch:
    """What a run knows of its scanner.

    Parameters
    ----------
    publish
        Takes every document.
    note
        Publishes a note (code, message, time) and keeps it for the end of the run.
    lost
        Called with words if the pulses have stopped and the protocol wants the run to stop then.

    Attributes
    ----------
    counts, missed
        Pulses by kind, and those that did not come, since the scanner's last start.
    interval_s
        Time between the last two numbered pulses.
    told
        Grows with everything that comes: who shows numbers looks here for news.
    """

    def __init__(
        self,
        scanner: ScannerPlan,
        *,
        publish: Subscriber,
        note: Callable[[str, str, float], None],
        lost: Callable[[str], None],
    ) -> None:
        self._scanner, self._counter = scanner, PulseCounter(scanner)
        self._publish, self._note, self._lost = publish, note, lost
        self._pulses: list[Pulse] = []
        self._doubts: list[str] = []
        self._stopped = False
        self.counts: Counter[PulseKind] = Counter()
        self.missed = self.told = 0
        self.interval_s: float | None = None
        self._last_s: float | None = None
        self._port_problem: str | None = None
        self._looked_s: float | None = None
        self._clock_doubted = False
        self._gaps = 0

    @property
    def time_zero(self) -> TimeZero | None:
        """Return time zero, once the pulses have given it."""
        return self._counter.time_zero

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """Return the pulses up to now."""
        return tuple(self._pulses)

    def listen(self, now_s: float) -> None:
        """Say that from now on a pulse would be heard."""
        self._counter.listen(now_s)

    def begin_now(self, now_s: float) -> None:
        """Take this moment as time zero: there is no scanner to wait for."""
        self._publish(self._counter.begin(now_s))

    def pulse(self, time_s: float, now_s: float | None = None) -> None:
        """Take a pulse, which may be a `Stamp`; ``now_s``: when it was taken up."""
        had_zero = self.time_zero is not None
        stamp = Stamp.of(time_s)
        if now_s is not None:
            stamp = checked(time_s, looked_s=self._looked_s, now_s=now_s)
        time_s = float(stamp)
        pulse = self._counter.accept(time_s, stamp.late_s)
        if stamp.doubt:
            pulse = replace(pulse, unsure=True)
        found = self._counter.findings()
        if found and found[0].code == RESTARTED:  # told before the pulse: all counts begin with it
            self._forget()
            self._tell(found[:1])
            found = found[1:]
        if stamp.doubt and not self._clock_doubted:
            self._clock_doubted = True
            found.append(Finding(time_s, "wrong_clock", stamp.doubt, doubt=True))
        self._pulses.append(pulse)
        self.counts[pulse.kind] += 1
        if len(self._pulses) > 1 and changes_grid(pulse):
            self._count_again()
        self.told += 1
        self._publish(pulse)
        self._tell(found)
        if not had_zero and self.time_zero is not None:
            self._publish(self.time_zero)
        if pulse.number is not None:
            self.interval_s = None if self._last_s is None else time_s - self._last_s
            self._last_s = time_s

    def look(self, now_s: float) -> None:
        """See what should have come by now."""
        self._looked_s = now_s
        if not self._scanner.volumes:
            return
        self._counter.look(now_s)
        self._tell(self._counter.findings())
        if not self._counter.overdue:  # pulses that come in late one by one are no end of the gap
            self._stopped = False
        if self._counter.overdue >= self._scanner.lost_after and not self._stopped:
            self._stopped = True
            self._gaps += 1
            if self._gaps > GAPS_TOLD and self._scanner.when_pulses_stop != "stop":
                return
            number, count = self._counter.next_number, self._counter.overdue
            what = f"the scanner's pulses have stopped: {count} in a row are missing, from volume {number} on"
            self._over(what, "pulses_stopped", now_s)

    def port_gone(self, problem: str, now_s: float) -> None:
        """Take it that no more pulses can come."""
        if self._port_problem is None:
            self._port_problem = f"the scanner's trigger port is gone: {problem}"
            self._over(self._port_problem, "pulses_lost", now_s)

    def _over(self, what: str, code: str, now_s: float) -> None:
        """Go on by the clock, or ask for a stop, as the protocol says; before time zero there is no clock."""
        port_gone = self.time_zero is None and code == "pulses_lost"
        stops = port_gone or (
            self.time_zero is not None and self._scanner.when_pulses_stop == "stop"
        )
        waits = self.time_zero is None
        goes_on = "the run still waits for the scanner" if waits else "the run goes on by the clock"
        self._note(code, what if stops else f"{what}; {goes_on}", now_s)
        if stops:
            self._lost(what)

    def _forget(self) -> None:
        """Begin the counts anew: what came before a new start of the scanner is in the journal only."""
        self._pulses.clear()
        self._doubts.clear()
        self.counts.clear()
        self.missed = 0
        self._clock_doubted = False
        self.interval_s = self._last_s = None

    def _count_again(self) -> None:
        """Count as the pulses are known now: they have another TR, and earlier numbers were wrong."""
        known = reviewed(self._pulses)
        self.counts = Counter(pulse.kind for pulse in known)
        self.missed = sum(pulse.missed_before for pulse in known)

    def _tell(self, findings: Sequence[Finding]) -> None:
        for found in findings:
            self.missed += found.missed
            self.told += 1
            if found.doubt:
                self._doubts.append(found.message)
            if not found.message:
                continue
            if found.code == "pulses_missed":  # too many to repeat them all at the end
                self._publish(Note(time_s=found.time_s, code=found.code, message=found.message))
            else:
                code = "time_zero_doubt" if found.doubt else found.code
                self._note(code, found.message, found.time_s)

    # -- the end

    def over(self, now_s: float) -> bool:
        """Return whether the scanner has been silent for long enough to count what it sent."""
        quiet_s = self._counter.quiet_from_s
        return quiet_s is None or now_s - quiet_s > SILENT_END * self._scanner.tr_s

    def last_due_s(self, now_s: float) -> float:
        """Return when even a scanner that goes on for a while will have been counted."""
        left = max(0, self._scanner.volumes - self._counter.next_number)
        return now_s + (left + GOES_ON) * self._scanner.tr_s * (1 + SLOWER)

    def report(self, now_s: float) -> PulseReport:
        """Return what the pulses come to."""
        return pulse_report(
            self._scanner, self._pulses, self.time_zero, doubts=self._doubts, until_s=now_s
        )

    def sum_up(self, now_s: float) -> None:
        """Put on record what the pulses came to; keep for the end what speaks against time zero."""
        if not self._scanner.volumes or not self._pulses:
            return
        report = self.report(now_s)
        for line in report.lines():
            self._publish(Note(time_s=now_s, code="pulse_report", message=line))
        more = self._gaps - GAPS_TOLD
        if more > 0:
            words = f"the scanner's pulses stopped {more} more times, or came in late so often"
            self._note("pulses_stopped", words, now_s)
        for doubt in report.doubts:
            if doubt not in self._doubts:
                self._note("time_zero_doubt", doubt, now_s)
        if report.unheard_at_end == 1:  # more of them are a doubt, and said as such
            self._note("missed_at_end", report.at_end(), now_s)
