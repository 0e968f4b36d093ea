"""What the last check of a stored calibration came to, from the checks' own journals.

A check that was stopped, or found that the pressure does not hold, changes nothing in the store. This is
how the next run knows of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardware.states import StopReason
from scc_task.documents import Decided, Document, Outcome, Requested, Start, Stop
from scc_task.record.paths import JOURNAL
from scc_task.record.read import JournalUnreadable, best_copy

CHECK_TASK: Final = "check"
"""Added to the protocol's task label: a check is a run of its own, and no part of a calibration."""
TOO_HIGH: Final = 80.0
"""No protocol may have a higher stop rating: a pressure rated so is not given again."""

_NAME: Final = re.compile(rf".*_task-[0-9A-Za-z]*{CHECK_TASK}_run-(\d+){re.escape(JOURNAL)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the last check found against a stored pressure.

    ``too_much``: it was stopped, or rated too high: not even a check gives it again.
    """

    words: str
    too_much: bool


def last_trouble(data: Path, subject: str, sha256: str, *, simulated: bool) -> Trouble | None:
    """Return what the newest check that came to something found against a calibration, if it did.

    Parameters
    ----------
    sha256
        Of the calibration's file.
    simulated
        Whether checks on an emulated cuff count, and no others.
    """
    checks = [
        (start.wall, path.name, start, documents)
        for path, start, documents in _checks(data, subject)
        if start.simulated is simulated
        and any(i["role"] == "calibration" and i["sha256"] == sha256 for i in start.inputs)
    ]
    for _, _, start, documents in sorted(checks, key=lambda c: c[:2], reverse=True):
        if _came_to_something(documents):
            return _trouble(start, documents)
    return None


def _checks(data: Path, subject: str) -> Iterator[tuple[Path, Start, tuple[Document, ...]]]:
    for path in sorted((data / "sourcedata").glob(f"sub-{subject}/ses-*/*{JOURNAL}")):
        if _NAME.fullmatch(path.name) is None:
            continue
        try:
            documents = best_copy(path).documents
        except JournalUnreadable:
            continue  # it does not say what it checked
        start = documents[0]
        if isinstance(start, Start):
            yield path, start, documents


def _came_to_something(documents: tuple[Document, ...]) -> bool:
    """Return whether a check came to its end or was stopped; one that broke off says nothing."""
    completed = any(isinstance(d, Stop) and d.reason == StopReason.COMPLETED for d in documents)
    return completed or _stopped(documents) or _rated_too_high(documents)


def _stopped(documents: tuple[Document, ...]) -> bool:
    if any(isinstance(d, Outcome) and d.stopped for d in documents):
        return True
    begun = any(isinstance(d, Requested) for d in documents)
    return begun and any(
        isinstance(d, Stop) and d.reason == StopReason.PARTICIPANT for d in documents
    )


def _rated_too_high(documents: tuple[Document, ...]) -> bool:
    return any(
        isinstance(d, Outcome) and d.rating is not None and d.rating >= TOO_HIGH for d in documents
    )


def _trouble(start: Start, documents: tuple[Document, ...]) -> Trouble | None:
    where = f"{start.wall[:10]} in ses-{start.session}"
    refused = next((d.why for d in documents if isinstance(d, Decided) and d.what == "refused"), "")
    if _stopped(documents):
        return Trouble(words=f"the participant stopped its check on {where}", too_much=True)
    if refused:
        return Trouble(
            words=f"its check on {where} found: {refused}", too_much=_rated_too_high(documents)
        )
    if _rated_too_high(documents):  # an adjustment that was accepted is another revision
        return Trouble(words=f"it was rated too high in its check on {where}", too_much=True)
    return None
