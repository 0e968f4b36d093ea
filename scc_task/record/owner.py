"""Whose run a journal holds: what is inside must be what its name and its folder say."""

from pathlib import Path

from scc_task.documents import Start
from scc_task.errors import UsageInvalid
from scc_task.record.paths import JOURNAL


def other_run(start: Start, journal: Path) -> str | None:
    """Return the name of the run that a journal holds, if its own name or its folder says another.

    Parameters
    ----------
    start
        Its first document.
    journal
        Where it lies, below ``sourcedata``.
    """
    session = f"sub-{start.subject}_ses-{start.session}"
    stem = f"{session}_task-{start.plan.get('task')}_run-{start.run}"
    folder = (f"sub-{start.subject}", f"ses-{start.session}")
    named = journal.name == f"{stem}{JOURNAL}" and journal.parent.parts[-2:] == folder
    return None if named else stem


def refuse_other_run(start: Start, journal: Path) -> None:
    """Refuse a journal that was copied to another participant, session, task or run.

    Parameters
    ----------
    start, journal
        As in `other_run`.

    Raises
    ------
    UsageInvalid
        With the names that differ.
    """
    stem = other_run(start, journal)
    if stem is None:
        return
    raise UsageInvalid(
        f"the journal holds {stem}, not the run that it is named for",
        where=str(journal),
        do="move it back to where it belongs, or out of 'sourcedata'; never copy a journal to another "
        "participant, session or run",
    )
