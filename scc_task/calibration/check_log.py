"""The journals of a participant's checks, and what is wrong with those that are damaged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scc_task.documents import Document, Start
from scc_task.protocol.yaml_file import read_tree
from scc_task.record.beyond import beyond
from scc_task.record.owner import other_run
from scc_task.record.paths import JOURNAL
from scc_task.record.read import JournalUnreadable, best_copy, never_began

CHECK_TASK: Final = "check"
"""Added to the protocol's task label: a check is a run of its own, and no part of a calibration."""

_NAME: Final = re.compile(
    r"sub-(?P<subject>[0-9A-Za-z]+)_ses-(?P<session>[0-9A-Za-z]+)"
    rf"_task-(?P<task>[0-9A-Za-z]*{CHECK_TASK})_run-(?P<run>\d+){re.escape(JOURNAL)}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLog:
    """A check that was recorded.

    Attributes
    ----------
    start
        ``None`` where the journal does not say what was checked.
    damage
        What is wrong with the journal; empty if it is whole.
    written_s
        When the file was written last, in seconds since 1970: no earlier than the check.
    """

    path: Path
    session: str
    run: int
    start: Start | None
    documents: tuple[Document, ...]
    damage: str
    written_s: float

    @property
    def began_s(self) -> float:
        """Return when it began, as far as that is known, in seconds since 1970."""
        if self.start is None:
            return self.written_s
        began = datetime.fromisoformat(self.start.wall)
        return (began if began.tzinfo is not None else began.replace(tzinfo=UTC)).timestamp()

    def of(self, role: str) -> Mapping[str, Any]:
        """Return one of the files that it was made with; nothing if it is not on record."""
        inputs = () if self.start is None else self.start.inputs
        return next((i for i in inputs if i.get("role") == role), {})

    def tree(self) -> Mapping[str, Any]:
        """Return its protocol as it stands in the record; nothing if it is not there."""
        tree, _ = read_tree("protocol", str(self.of("protocol").get("text", "")).encode())
        return {} if tree is None else tree.data


def check_logs(data: Path, subject: str) -> list[CheckLog]:
    """Return the participant's checks, oldest first; within a session by their numbers.

    A journal without a first line is passed over: that program ended before anything could inflate.
    """
    found = []
    for path in (data / "sourcedata").glob(f"sub-{subject}/ses-*/*{JOURNAL}"):
        match = _NAME.fullmatch(path.name)
        log = None if match is None else _read(path, match)
        if log is not None and "run" not in log.tree():  # a run whose task is called so is none
            found.append(log)
    return sorted(found, key=lambda log: (log.began_s, log.session, log.run))


def _read(path: Path, name: re.Match[str]) -> CheckLog | None:
    start: Start | None = None
    documents: tuple[Document, ...] = ()
    damage = ""
    try:
        contents = best_copy(path)
    except JournalUnreadable as error:
        if never_began(path):
            return None
        damage = error.what
    else:
        first, documents = contents.documents[0], (*contents.documents, *beyond(contents))
        damage = next((f"line {number}: {why}" for number, why in contents.corrupt_lines), "")
        start = first if isinstance(first, Start) else None
        other = None if start is None else other_run(start, path)
        if other is not None:
            damage, start = f"it holds {other}", None
    try:
        written_s = path.stat().st_mtime
    except OSError:  # it went away meanwhile
        return None
    return CheckLog(
        path=path,
        session=name["session"],
        run=int(name["run"]),
        start=start,
        documents=documents,
        damage=damage,
        written_s=written_s,
    )
