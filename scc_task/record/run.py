"""One run's documents, sorted out: what began when, what was commanded, how it ended."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from hardware.states import StopReason
from scc_task.documents import (
    Command,
    Confirmed,
    Decided,
    Document,
    Marker,
    Note,
    Outcome,
    Planned,
    Pulse,
    Rating,
    Requested,
    Samples,
    Start,
    StepBegan,
    StepMissed,
    Stop,
    TimeZero,
    Tracked,
    Vented,
)
from scc_task.plan.steps import Plan, Step, plan_from_dict, step_from_dict
from scc_task.pulse_findings import RESTARTED
from scc_task.pulse_review import reviewed
from scc_task.record.read import JournalContents, JournalUnreadable

RELEASES = frozenset({"end", "vent"})
"""Commands that let the pressure out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflation:
    """One ``go`` that was sent, and when the pressure was let out again (``None``: unknown)."""

    go: Command
    released_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a journal says about its run. Times are on the machine's clock, in seconds.

    ``plan`` holds the steps that joined it on the way too.
    ``requests`` and, by trial, ``outcomes`` are those of a calibration, as are
    the operator's ``decisions``; other runs have none.
    ``pulses`` and ``pulse_doubts`` (what was said against time zero) are those since the scanner's last
    start, as they are known in the end (`scc_task.pulse_review`); ``pulses_before`` came before it and do
    not count.
    ``end_s`` is when the steps ended; in a journal without `Stop` it is the last time recorded.
    """

    start: Start
    plan: Plan
    t0_s: float | None
    began: dict[int, StepBegan]
    missed: frozenset[int]
    inflations: dict[int, Inflation]
    ratings: dict[int, Rating]
    tracked: tuple[Tracked, ...]
    requests: tuple[Requested, ...]
    outcomes: dict[int, Outcome]
    decisions: tuple[Decided, ...]
    pulses: tuple[Pulse, ...]
    pulses_before: tuple[Pulse, ...]
    pulse_doubts: tuple[str, ...]
    zero: TimeZero | None
    samples: tuple[Samples, ...]
    stop: Stop | None
    stop_reason: str
    end_s: float
    last_s: float

    @property
    def calibrates(self) -> bool:
        """Return whether it is a calibration: of all runs, only these have no scanner."""
        return bool(self.requests) or not self.plan.scanner.volumes

    @property
    def measures_pressure(self) -> bool:
        """Return whether the cuff measures its pressure; journals that do not say so have one that does."""
        return _can(self.start, "measures_pressure")

    @property
    def sets_pressure(self) -> bool:
        """Return whether the cuff takes its pressure from the program, or somebody sets it by hand."""
        return _can(self.start, "sets_pressure")


def _can(start: Start, what: str) -> bool:
    return start.device.get("capabilities", {}).get(what) is not False


def sort_out(contents: JournalContents, more: tuple[Document, ...] = ()) -> RunRecord:
    """Return the run of a journal.

    Parameters
    ----------
    more
        What the cuff's supervisor recorded beyond it (`scc_task.record.beyond`).

    Raises
    ------
    JournalUnreadable
        If the plan in its first document is not one of ours.
    """
    documents = contents.documents
    start = documents[0]
    if not isinstance(start, Start):
        raise TypeError("read_journal gives contents that begin with Start")
    try:
        plan = plan_from_dict(dict(start.plan))
        grown = [s for d in documents if isinstance(d, Planned) for s in d.steps]
        steps = (*plan.steps, *map(step_from_dict, grown))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalUnreadable(
            f"the plan in the first document is not one this version knows ({error!r})",
            where=str(contents.path),
            do="use the version of the program that wrote it: "
            + str(start.versions.get("scc-task", "see the first line")),
        ) from error
    zero = next((d for d in documents if isinstance(d, TimeZero)), None)
    stop = next((d for d in reversed(documents) if isinstance(d, Stop)), None)
    last_s = last_time_s(documents)
    pulses = [d for d in documents if isinstance(d, Pulse)]
    notes = [d for d in documents if isinstance(d, Note)]
    started_s = max((n.time_s for n in notes if n.code == RESTARTED), default=float("-inf"))
    return RunRecord(
        start=start,
        plan=dataclasses.replace(plan, steps=steps),
        t0_s=None if zero is None else zero.time_s,
        began={d.number: d for d in reversed(documents) if isinstance(d, StepBegan)},
        missed=frozenset(d.number for d in documents if isinstance(d, StepMissed)),
        inflations=inflations((*documents, *more)),
        ratings=ratings(documents, steps),
        tracked=tuple(d for d in documents if isinstance(d, Tracked)),
        requests=tuple(d for d in documents if isinstance(d, Requested)),
        outcomes={d.trial: d for d in documents if isinstance(d, Outcome)},
        decisions=tuple(d for d in documents if isinstance(d, Decided)),
        pulses=tuple(reviewed([p for p in pulses if p.time_s >= started_s])),
        pulses_before=tuple(p for p in pulses if p.time_s < started_s),
        pulse_doubts=tuple(
            n.message for n in notes if n.code == "time_zero_doubt" and n.time_s >= started_s
        ),
        zero=zero,
        samples=tuple(d for d in (*documents, *more) if isinstance(d, Samples)),
        stop=stop,
        stop_reason=StopReason.KILLED.value if stop is None else stop.reason,
        end_s=last_s if stop is None else stop.end_s,
        last_s=last_s,
    )


def ratings(documents: tuple[Document, ...], steps: tuple[Step, ...]) -> dict[int, Rating]:
    """Return what came of each rating slot, by the number of its step.

    Of a slot whose end is not on record (the program was killed in it) what was confirmed is known.
    """
    ended = {d.step: d for d in documents if isinstance(d, Rating)}
    shown_s = {d.number: d.flip_s for d in documents if isinstance(d, StepBegan)}
    scales = {step.number: str(step.scale) for step in steps}
    cut = {
        d.step: Rating(
            step=d.step,
            scale=scales[d.step],
            flip_s=shown_s[d.step],
            end_s=d.time_s,
            rating=d.rating,
            last_position=d.rating,
            moved=True,
            response_time_s=d.time_s - shown_s[d.step],
            trace=((d.time_s - shown_s[d.step], d.rating),),
        )
        for d in documents
        if isinstance(d, Confirmed) and d.step in scales and d.step in shown_s
    }
    return cut | ended


def inflations(documents: tuple[Document, ...]) -> dict[int, Inflation]:
    """Return every inflation that was sent, by the number of its step, in order.

    It ends with the first ``end`` or ``vent`` command before the next ``go``. Where the
    journal has none, because a supervisor let go by itself, it ends when that venting began.
    """
    commands = [d for d in documents if isinstance(d, Command)]
    goes = sorted((c for c in commands if c.command == "go"), key=lambda c: c.sent_s)
    sent = sorted(c.sent_s for c in commands if c.command in RELEASES)
    seen = sorted(d.started_s for d in documents if isinstance(d, Vented))
    found: dict[int, Inflation] = {}
    for index, go in enumerate(goes):
        until_s = goes[index + 1].sent_s if index + 1 < len(goes) else float("inf")
        released_s = _first(sent, go.sent_s, until_s)
        if released_s is None:
            released_s = _first(seen, go.sent_s, until_s)
        # a number no step has, should a ``go`` ever come without its step: it still counts
        key = go.step if go.step is not None and go.step not in found else -1 - index
        found[key] = Inflation(go=go, released_s=released_s)
    return found


def _first(times_s: list[float], from_s: float, until_s: float) -> float | None:
    return next((t for t in times_s if from_s <= t < until_s), None)


def last_time_s(documents: tuple[Document, ...]) -> float:
    """Return the latest time that any of the documents gives; there is at least one."""
    return max(filter(None, map(_time_s, documents)))


def _time_s(document: Document) -> float | None:
    """Return the latest time that a document gives."""
    if isinstance(document, StepBegan):
        return document.flip_s
    if isinstance(document, Command):
        return document.sent_s
    if isinstance(document, Rating):
        return document.end_s
    if isinstance(document, Marker):
        return document.handed_s
    if isinstance(document, Samples):
        return document.arrival_s[-1] if document.arrival_s else None
    time_s: Any = document.time_s
    return None if time_s is None else float(time_s)
