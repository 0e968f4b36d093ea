"""What a session has done to the leg so far, counted from its journals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hardware.limits import Limits
from scc_task.documents import Document, Planned, Start, Vented
from scc_task.plan.steps import StepKind
from scc_task.record.paths import JOURNAL, RESCUE, journal_of, rescue_of, supervisor_record_of
from scc_task.record.read import JournalContents, JournalUnreadable, read_lines
from scc_task.record.run import inflations, last_time_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """When the cuff of a session was last emptied, on the machine's clock of that run and on the wall."""

    time_s: float
    wall: datetime


def used_dose(data: Path, subject: str, session: str) -> tuple[float, int]:
    """Return the seconds inflated and the number of inflations of a session's earlier runs.

    Every journal of the session counts, whatever the task and also emulated ones, from ``go`` to
    ``end`` or ``vent``. Where the evidence has a gap, the higher number is taken: an inflation
    without an end counts as long as it was planned (at most the longest allowed), and a journal
    with damaged lines counts with its whole plan.

    Raises
    ------
    JournalUnreadable
        If a damaged journal has lost its plan too: then the dose is not known.
    """
    inflated_s, count = 0.0, 0
    for contents in _session(data, subject, session):
        more_s, more = _dose(contents)
        inflated_s, count = inflated_s + more_s, count + more
    return inflated_s, count


def last_emptied(data: Path, subject: str, session: str) -> Emptied | None:
    """Return when pressure last left the leg in a session's earlier runs, the latest that may be.

    A vent that nothing confirmed counts until the journal's last word. Journals that have lost their first
    line are left out: their clock is not known.
    """
    found = [_emptied(contents.documents) for contents in _session(data, subject, session)]
    return max((e for e in found if e is not None), key=lambda e: e.wall, default=None)


def _emptied(documents: tuple[Document, ...]) -> Emptied | None:
    start = documents[0] if documents else None
    if not isinstance(start, Start) or not inflations(documents):
        return None
    go_s = max(one.go.sent_s for one in inflations(documents).values())
    seen = [d.time_s for d in documents if isinstance(d, Vented) and d.confirmed is not False]
    time_s = min((t for t in seen if t >= go_s), default=last_time_s(documents))
    label = datetime.fromisoformat(start.wall)
    began = label if label.tzinfo else label.replace(tzinfo=UTC)
    return Emptied(time_s=time_s, wall=began + timedelta(seconds=time_s - start.time_s))


def _session(data: Path, subject: str, session: str) -> Iterator[JournalContents]:
    folder = data / "sourcedata" / f"sub-{subject}" / f"ses-{session}"
    found = {journal_of(p) for end in (JOURNAL, RESCUE) for p in folder.glob(f"*{end}")}
    for journal in sorted(found):
        contents = _fullest(journal)
        if not contents.documents and (record := supervisor_record_of(journal)).exists():
            contents = read_lines(record, samples=False)  # the first line of the journal is lost
        yield contents


def _fullest(journal: Path) -> JournalContents:
    copies = [read_lines(p, samples=False) for p in (journal, rescue_of(journal)) if p.exists()]
    return max(copies, key=lambda c: len(c.documents))


def _dose(contents: JournalContents) -> tuple[float, int]:
    planned_s = _planned_s(contents.documents)
    if contents.corrupt_lines:
        if planned_s is None:
            raise JournalUnreadable(
                "the session's dose is not known: a journal is damaged and has lost its plan",
                where=str(contents.path),
                do="do not inflate again in this session; run: run_task.py recover DATA",
            )
        # what joined the plan on a damaged line is missing there, but its command may be readable
        known_s = dict.fromkeys(inflations(contents.documents), Limits().inflation_s) | planned_s
        return sum(known_s.values()), len(known_s)
    sent = inflations(contents.documents)
    longest_s = Limits().inflation_s
    inflated_s = sum(
        (planned_s or {}).get(step, longest_s)
        if one.released_s is None
        else one.released_s - one.go.sent_s
        for step, one in sent.items()
    )
    return inflated_s, len(sent)


def _planned_s(documents: tuple[Document, ...]) -> dict[int, float] | None:
    """Return the planned length of every inflation by step, or ``None`` without a plan."""
    if not documents or not isinstance(documents[0], Start):
        return None
    joined = [step for d in documents if isinstance(d, Planned) for step in d.steps]
    return {
        step["number"]: step["duration_ms"] / 1000
        for step in (*documents[0].plan["steps"], *joined)
        if step["kind"] == StepKind.INFLATE
    }
