"""A participant's journals: of which kind of run each is, and what is wrong with those that are damaged."""

import enum
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scc_task.calibration.measured import Hold
from scc_task.documents import Document, Requested, Start
from scc_task.protocol.yaml_file import read_tree
from scc_task.record.beyond import beyond
from scc_task.record.holds import measured_holds
from scc_task.record.owner import other_run
from scc_task.record.paths import JOURNAL, RESCUE, journal_of, rescue_of, supervisor_record_of
from scc_task.record.read import (
    JournalContents,
    JournalUnreadable,
    State,
    best_copy,
    never_began,
    read_lines,
    state_of,
)

CHECK_TASK: Final = "check"
"""Added to the protocol's task label: a check is a run of its own, and no part of a calibration."""

_NAME: Final = re.compile(
    r"sub-(?P<subject>[0-9A-Za-z]+)_ses-(?P<session>[0-9A-Za-z]+)"
    rf"_task-(?P<task>[0-9A-Za-z]+)_run-(?P<run>\d+){re.escape(JOURNAL)}"
)


class Kind(enum.StrEnum):
    """What a journal is of. ``UNKNOWN``: nothing in it can be read."""

    CALIBRATION = "calibration"
    CHECK = "check"
    RUN = "run"
    UNKNOWN = "run or calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A run of any kind that was recorded.

    Attributes
    ----------
    start
        ``None`` where the journal does not say whose run it is, or holds another than its name says.
    tree
        Its protocol as it stands in the record; nothing if it is not there.
    documents
        Without the pressure.
    damage
        What is wrong with the journal; empty if it is whole.
    written_s
        When the file was written last, in seconds since 1970: no earlier than the run.
    """

    path: Path
    session: str
    task: str
    run: int
    kind: Kind
    start: Start | None
    tree: Mapping[str, Any]
    documents: tuple[Document, ...]
    damage: str
    written_s: float

    @property
    def stem(self) -> str:
        """Return the name of the run."""
        return self.path.name.removesuffix(JOURNAL)

    @property
    def began_s(self) -> float:
        """Return when it began, as far as that is known, in seconds since 1970."""
        return self.written_s if self.start is None else _wall(self.start).timestamp()

    @property
    def seen(self) -> frozenset[str] | None:
        """Return the runs of its session that it knew of; ``None`` if it does not say."""
        known = None if self.start is None else self.start.known_before
        return None if known is None else frozenset(known.get("seen", ()))

    @property
    def where(self) -> str:
        """Return when and in which session it was, in words."""
        if self.start is None:
            return f"in ses-{self.session}"
        began = _wall(self.start)
        return f"on {began:%Y-%m-%d} in ses-{self.session} ({began:%H:%M} UTC)"

    def of(self, role: str) -> Mapping[str, Any]:
        """Return one of the files that it was made with; nothing if it is not on record."""
        return {} if self.start is None else _input(self.start, role)


def came_after(log: Log, other: Log) -> bool:
    """Return whether a run came after another one, also where clocks were set back or are virtual.

    Numbers say it within a task of a session, and what the other knew of within a session. Only then the
    clock counts, and where that says nothing, when the files were written.
    """
    if (log.session, log.task) == (other.session, other.task):
        return log.run > other.run
    if log.session == other.session and other.seen is not None:
        return log.stem not in other.seen
    if log.session == other.session and log.seen is not None and other.stem in log.seen:
        return True
    return (log.began_s, log.written_s) > (other.began_s, other.written_s)


def logs(data: Path, subject: str, session: str | None = None) -> list[Log]:
    """Return the participant's runs, oldest first; within a session by their numbers.

    A journal without a first line is passed over: that program ended before anything could inflate.

    Parameters
    ----------
    session
        Of this session only.
    """
    folder, sessions = data / "sourcedata" / f"sub-{subject}", f"ses-{session or '*'}"
    paths = {journal_of(p) for end in (JOURNAL, RESCUE) for p in folder.glob(f"{sessions}/*{end}")}
    found = []
    for path in sorted(paths):
        match = _NAME.fullmatch(path.name)
        log = None if match is None else _read(path, match)
        if log is not None:
            found.append(log)
    return sorted(found, key=lambda log: (log.began_s, log.session, log.task, log.run))


def measured(log: Log) -> tuple[tuple[Hold, ...], str]:
    """Return what the cuff measured in a calibration or check, or what is wrong with its whole journal."""
    files = (log.path, rescue_of(log.path), supervisor_record_of(log.path))
    return _measured(log.path, tuple(map(state_of, files)))


@functools.lru_cache(maxsize=512)  # the pressure itself is not kept
def _measured(path: Path, _states: tuple[State | None, ...]) -> tuple[tuple[Hold, ...], str]:
    whole = best_copy(path)
    damage = _damage(whole)
    return () if damage else measured_holds((*whole.documents, *beyond(whole))), damage


def _read(path: Path, name: re.Match[str]) -> Log | None:
    copies = [p for p in (path, rescue_of(path)) if p.exists()]
    if not copies or never_began(path):
        return None
    try:
        # the pressure takes most of the time, and says nothing of who stopped or rated what
        lean = max((read_lines(p, samples=False) for p in copies), key=lambda c: len(c.documents))
    except JournalUnreadable:
        lean = JournalContents(path=path, documents=(), torn_bytes=0, corrupt_lines=())
    first = lean.documents[0] if lean.documents else None
    start = first if isinstance(first, Start) else None
    tree = {} if start is None else _tree(start)
    kind = _kind(name["task"], tree, lean.documents)
    documents, damage = lean.documents, ""
    if start is None:
        damage = "its first line, which says whose run it is, cannot be read"
    elif kind is not Kind.RUN:
        whole = best_copy(path, samples=False)
        documents, damage = (*whole.documents, *beyond(whole, samples=False)), _damage(whole)
    else:
        damage = _damage(lean)
    other = None if start is None else other_run(start, path)
    return Log(
        path=path,
        session=name["session"],
        task=name["task"],
        run=int(name["run"]),
        kind=kind,
        start=None if other is not None else start,
        tree=tree,
        documents=documents,
        damage=damage if other is None else f"it holds {other}",
        written_s=max(p.stat().st_mtime for p in copies),
    )


def _damage(contents: JournalContents) -> str:
    return next((f"line {number}: {why}" for number, why in contents.corrupt_lines), "")


def _kind(task: str, tree: Mapping[str, Any], documents: tuple[Document, ...]) -> Kind:
    if "run" in tree:  # also one whose task is called so
        return Kind.RUN
    if task.endswith(CHECK_TASK):
        return Kind.CHECK
    if tree or any(isinstance(d, Requested) for d in documents):
        return Kind.CALIBRATION
    return Kind.RUN if documents else Kind.UNKNOWN


def _tree(start: Start) -> Mapping[str, Any]:
    return _parsed(str(_input(start, "protocol").get("text", "")))


@functools.lru_cache(maxsize=64)  # most runs of a study have one of a few protocols
def _parsed(text: str) -> Mapping[str, Any]:
    tree, _ = read_tree("protocol", text.encode())
    return tree.data if tree is not None and isinstance(tree.data, Mapping) else {}


def _input(start: Start, role: str) -> Mapping[str, Any]:
    return next((i for i in start.inputs if i.get("role") == role), {})


def _wall(start: Start) -> datetime:
    began = datetime.fromisoformat(start.wall)
    return began.astimezone(UTC) if began.tzinfo is not None else began.replace(tzinfo=UTC)
