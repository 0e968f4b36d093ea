"""What a session has done to the leg so far, counted from its journals."""

from pathlib import Path

from hardware.limits import Limits
from scc_task.documents import Document, Planned, Start
from scc_task.plan.steps import StepKind
from scc_task.record.paths import JOURNAL, RESCUE, journal_of, rescue_of, supervisor_record_of
from scc_task.record.read import JournalContents, JournalUnreadable, read_lines
from scc_task.record.run import inflations


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
    folder = data / "sourcedata" / f"sub-{subject}" / f"ses-{session}"
    inflated_s, count = 0.0, 0
    found = {journal_of(p) for end in (JOURNAL, RESCUE) for p in folder.glob(f"*{end}")}
    for journal in sorted(found):
        contents = _fullest(journal)
        if not contents.documents and (record := supervisor_record_of(journal)).exists():
            contents = read_lines(record, samples=False)  # the first line of the journal is lost
        more_s, more = _dose(contents)
        inflated_s, count = inflated_s + more_s, count + more
    return inflated_s, count


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
