"""What a recorder is told and when: occasions, out of the run's documents and the cuff's reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hardware.readings import CommandReport, CuffReport, Sample, VentReport
from scc_task.documents import (
    Document,
    Rating,
    Start,
    StepBegan,
    Stop,
    TimeZero,
    Tracked,
)
from scc_task.plan.steps import StepKind
from scc_task.protocol.rig_markers import MarkerKind
from scc_task.record.events import EMPTY_MMHG, RISEN
from scc_task.record.run import RELEASES


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Something that a recorder is told of. Times as in `scc_task.documents.Marker`."""

    kind: MarkerKind
    event_s: float
    planned_s: float | None = None
    step: int | None = None


SHOWN: Final[Mapping[str, MarkerKind]] = {
    StepKind.ANTICIPATION: MarkerKind.CUE,
    StepKind.RATE: MarkerKind.RATING_ON,
}
"""Steps whose first flip is marked."""


class RunCourse:
    """What the screen, the scanner and the run give a recorder to know, out of the run's documents."""

    def __init__(self) -> None:
        self._tracked: int | None = None

    def take(self, document: Document) -> Occasion | None:
        """Return what a document gives a recorder to know, if anything."""
        match document:
            case Start():
                return Occasion(kind=MarkerKind.RUN_START, event_s=document.time_s)
            case TimeZero():
                return Occasion(kind=MarkerKind.TIME_ZERO, event_s=document.time_s)
            case StepBegan() if document.kind in SHOWN:
                return Occasion(
                    kind=SHOWN[document.kind],
                    event_s=document.flip_s,
                    planned_s=document.planned_s,
                    step=document.number,
                )
            case Rating():
                return _rating(MarkerKind.RATING_OFF, document.end_s, document.step)
            case Tracked(position=None):
                return _rating(MarkerKind.RATING_OFF, document.time_s, document.step)
            case Tracked() if document.step != self._tracked:  # later ones are moves of its marker
                self._tracked = document.step
                return _rating(MarkerKind.RATING_ON, document.time_s, document.step)
            case Stop():
                return Occasion(kind=MarkerKind.RUN_END, event_s=document.time_s)
        return None


def _rating(kind: MarkerKind, event_s: float, step: int) -> Occasion:
    return Occasion(kind=kind, event_s=event_s, step=step)


class CuffCourse:
    """One inflation after the other, out of the supervisor's reports.

    ``at_target`` and ``below_15`` are the first samples by which the events file has ``rise_s`` and
    ``fall_s``. A device that measures nothing has neither. Vents of an empty cuff are not marked.
    """

    def __init__(self) -> None:
        self._step: int | None = None
        self._target_mmhg: float | None = None
        self._inflated = self._vented = False
        self._since_s = 0.0

    def take(self, report: CuffReport) -> Occasion | None:
        """Return what a report gives a recorder to know, if anything."""
        match report:
            case CommandReport(command="go"):
                self._step, self._target_mmhg = report.program, report.commanded_mmhg
                self._inflated, self._vented = True, False
                self._since_s = report.sent_s
                return self._now(MarkerKind.INFLATE, report.sent_s, report.planned_s)
            case CommandReport() if report.command in RELEASES and self._inflated:
                return self._vent(report.sent_s, report.planned_s)
            case VentReport() if self._inflated:  # begun by the supervisor or the device itself
                return self._vent(report.started_s, None)
            case Sample() if report.arrival_s > self._since_s:
                return self._sample(report)
        return None

    def _vent(self, event_s: float, planned_s: float | None) -> Occasion:
        self._inflated, self._vented, self._target_mmhg = False, True, None
        self._since_s = event_s
        return self._now(MarkerKind.VENT, event_s, planned_s)

    def _sample(self, sample: Sample) -> Occasion | None:
        target_mmhg = self._target_mmhg
        if target_mmhg is not None and sample.measured_mmhg >= RISEN * target_mmhg:
            self._target_mmhg = None
            return self._now(MarkerKind.AT_TARGET, sample.arrival_s, None)
        if self._vented and sample.measured_mmhg < EMPTY_MMHG:
            self._vented = False
            return self._now(MarkerKind.BELOW_15, sample.arrival_s, None)
        return None

    def _now(self, kind: MarkerKind, event_s: float, planned_s: float | None) -> Occasion:
        return Occasion(kind=kind, event_s=event_s, planned_s=planned_s, step=self._step)
