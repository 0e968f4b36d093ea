"""Runs a train through the counter and compares what it says with what was true."""

from collections import Counter
from dataclasses import dataclass, field

from hardware.sim.pulse_trains import Edge, Train
from scc_task.documents import Pulse, PulseKind
from scc_task.plan.steps import ScannerPlan
from scc_task.pulse_findings import Finding, standing_doubts
from scc_task.pulse_report import FIRST_S, PulseReport, Trust, pulse_report
from scc_task.pulse_review import reviewed
from scc_task.scanner import PulseCounter


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``wrong``: pulses that were told wrong without a doubt; ``silent_shift``: of time zero, in seconds."""

    pulses: list[Pulse]
    findings: list[Finding]
    report: PulseReport
    zero_s: float | None
    shift_s: float
    wrong: list[tuple[Edge, Pulse]]
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def silent_shift(self) -> bool:
        return not self.said_unsure and abs(self.shift_s) > 0.05

    @property
    def said_unsure(self) -> bool:
        """The run as a whole says that its numbers may be wrong."""
        no_zero = self.report.trust is Trust.NONE
        return no_zero or self.report.trust is Trust.DOUBTFUL or self.report.unheard_at_end > 0


def judge(
    train: Train, scanner: ScannerPlan, *, jitter_s: float, listening_s: float | None = None
) -> Verdict:
    counter = PulseCounter(scanner)
    if listening_s is not None:
        counter.listen(listening_s)
    pulses, findings = [], []
    for edge in train.edges:
        counter.look(edge.time_s)
        pulses.append(counter.accept(edge.time_s))
        findings += counter.findings()
    counter.look(train.until_s)
    findings += counter.findings()
    zero = counter.time_zero
    restarted_s = max((f.time_s for f in findings if f.code == "restarted"), default=0.0)
    counted = [p for p in pulses if p.time_s >= restarted_s]
    report = pulse_report(
        scanner,
        counted,
        zero,
        doubts=standing_doubts(findings),
        until_s=train.until_s,
    )
    pulses[len(pulses) - len(counted) :] = reviewed(counted)
    counts: Counter[str] = Counter()
    wrong = []
    stamped = {p.number: p.time_s for p in pulses if p.number is not None}
    not_sure = {p.number for p in pulses if p.number is not None and p.unsure} | {*report.strays}
    close_s = near_s(jitter_s)
    for edge, pulse in zip(train.edges, pulses, strict=True):
        counts[f"{edge.kind} edges"] += 1
        outcome = _outcome(edge, pulse, train, close_s, stamped)
        if outcome != "right" and edge.time_s < restarted_s:
            outcome = "withdrawn"  # the counter has said that what came before does not count
        said = pulse.number in report.strays or edge.number in not_sure
        if outcome != "right" and (pulse.unsure or said):
            outcome = "unsure"
        counts[outcome] += 1
        if outcome == "wrong":
            wrong.append((edge, pulse))
    return Verdict(
        pulses=pulses,
        findings=findings,
        report=report,
        zero_s=None if zero is None else zero.time_s,
        shift_s=0.0 if zero is None else zero.time_s - train.zero_s,
        wrong=wrong,
        counts=counts,
    )


def unknowable(train: Train, scanner: ScannerPlan, *, jitter_s: float) -> bool:
    """Return whether faults cancel at the two ends, so that a shifted scan looks whole.

    Such as a first pulse that was lost and a volume more than planned; or a stray edge one TR before the
    first, and a last pulse that was lost. Nobody can know from what arrives.
    """
    places = sorted(train.places_s.items())
    (first, first_s), (last, last_s) = places[0], places[-1]
    step_s = (last_s - first_s) / (last - first)
    heard = []
    for edge in train.edges:
        number = first + round((edge.time_s - first_s) / step_s)
        off_s = abs(edge.time_s - first_s - (number - first) * step_s)
        if off_s <= max(near_s(jitter_s), FIRST_S):
            heard.append(number)
    return bool(heard) and min(heard) - scanner.first == max(heard) - (scanner.volumes - 1) != 0


def near_s(jitter_s: float) -> float:
    """Return how close two stamps are that cannot be told apart by anybody."""
    return 6 * jitter_s + 0.004


def _outcome(
    edge: Edge, pulse: Pulse, train: Train, close_s: float, stamped: dict[int | None, float]
) -> str:
    """Return ``right``, ``wrong``, or ``stand-in`` where two edges are too close to be told apart."""
    if edge.kind == "pulse" and pulse.number == edge.number:
        return "right"
    if edge.kind == "bounce" and pulse.kind in (PulseKind.BOUNCE, PulseKind.EXTRA):
        return "right" if pulse.kind is PulseKind.BOUNCE else "wrong"
    if edge.kind == "extra" and pulse.number is None:
        return "right"  # extra, or within 50 ms of an edge: then it looks like a bounce
    if pulse.number is not None:
        place_s = train.places_s.get(pulse.number)
        close = place_s is not None and abs(pulse.time_s - place_s) <= close_s
        return "stand-in" if close and edge.kind != "pulse" else "wrong"
    # a pulse that was taken for extra: excused where another edge stands in its place as well as it would
    assert edge.number is not None
    place_s, told_s = train.places_s[edge.number], stamped.get(edge.number)
    return "stand-in" if told_s is not None and abs(told_s - place_s) <= close_s else "wrong"
