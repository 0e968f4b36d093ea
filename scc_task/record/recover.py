"""Make a dataset again from its journals, after whatever happened."""

import enum
import re
from dataclasses import dataclass
from pathlib import Path

from scc_task.errors import ExplainedError, UsageInvalid
from scc_task.record.dataset import DatasetReport, derive
from scc_task.record.lock import being_written
from scc_task.record.paths import JOURNAL, RESCUE, journal_of
from scc_task.record.read import JournalUnreadable


class Outcome(enum.StrEnum):
    """What became of one journal."""

    RECOVERED = "recovered"
    """Files were missing and have been written."""
    COMPLETE = "complete"
    """Every file was there."""
    RUNNING = "running"
    """A process is still writing it; it was left alone."""
    UNREADABLE = "unreadable"
    """It could not be used; `Recovery.problem` says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The result for one journal."""

    journal: Path
    outcome: Outcome
    report: DatasetReport | None = None
    problem: ExplainedError | None = None


def recover(path: Path) -> tuple[Recovery, ...]:
    """Derive whatever is missing from every journal below a folder, or from one journal.

    Journals are only read. A journal without `Stop` gives a run with the stop reason
    ``killed``. One that cannot be used is reported and does not hinder the others.

    Raises
    ------
    UsageInvalid
        If there is no such file or folder.
    """
    if not path.exists():
        raise UsageInvalid(
            "there is no such file or folder",
            where=str(path),
            do="give the data folder (the one with sourcedata in it), or one journal",
        )
    journals = find_journals(path.resolve())
    folders = sorted({str(j.parents[3]) for j in journals if _in_its_place(j)})
    if len(folders) > 1:
        raise UsageInvalid(
            f"{len(folders)} datasets lie below it: {', '.join(folders[:4])}",
            where=str(path),
            do="give one of them",
        )
    # absolute, because the data folder is found by going up from the journal
    return tuple(_recover_one(journal) for journal in journals)


def find_journals(path: Path) -> list[Path]:
    """Return the journals below a folder in order of their names, run 2 before run 10."""
    if path.is_file():
        return [journal_of(path)]
    found = {journal_of(p) for end in (JOURNAL, RESCUE) for p in path.rglob(f"*{end}")}
    return sorted(found, key=lambda p: [f"{int(s):09d}" if s.isdigit() else s for s in _parts(p)])


def _parts(path: Path) -> list[str]:
    return re.split(r"(\d+)", str(path))


def _recover_one(journal: Path) -> Recovery:
    try:
        if being_written(journal):
            return Recovery(journal=journal, outcome=Outcome.RUNNING)
        report = derive(journal, _data_folder(journal))
    except ExplainedError as error:
        return _unreadable(journal, error)
    except OSError as error:
        return _unreadable(
            journal,
            JournalUnreadable(
                f"the disk refused: {error.strerror or error}",
                where=str(error.filename or journal),
                do="free the disk or mend its permissions, then run: run_task.py recover DATA",
            ),
        )
    except Exception as error:  # noqa: BLE001  one strange journal must not hide the others
        return _unreadable(
            journal,
            JournalUnreadable(
                f"the journal holds something unforeseen ({error!r})",
                where=str(journal),
                do="keep the file and report this; the other journals are not affected",
            ),
        )
    outcome = Outcome.RECOVERED if report.written else Outcome.COMPLETE
    return Recovery(journal=journal, outcome=outcome, report=report)


def _unreadable(journal: Path, problem: ExplainedError) -> Recovery:
    return Recovery(journal=journal, outcome=Outcome.UNREADABLE, problem=problem)


def _in_its_place(journal: Path) -> bool:
    """Return whether a journal lies where its dataset keeps it."""
    return len(journal.parents) > 3 and journal.parents[2].name == "sourcedata"


def _data_folder(journal: Path) -> Path:
    """Return the dataset of a journal: the folder that holds its ``sourcedata``."""
    if _in_its_place(journal):
        return journal.parents[3]
    raise JournalUnreadable(
        "the journal is not in its place, so its dataset is not known",
        where=str(journal),
        do="put it back under DATA/sourcedata/sub-LABEL/ses-LABEL/ and run: run_task.py recover DATA",
    )
