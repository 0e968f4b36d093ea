"""What is stored, for a person and for a script: which holds, and whether it can be read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scc_task.calibration.last_check import last_trouble
from scc_task.calibration.refusals import CalibrationRefused
from scc_task.calibration.store import Entry, entries
from scc_task.protocol.accepted import Accepted, Bound, JournalFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stored calibration: its ``model``, or the ``problem`` with it.

    ``newest``: no other of its participant, session and site came after it that could be used instead.
    ``journal``: what has become of its journals. ``trouble``: what its checks found against it.
    """

    entry: Entry
    newest: bool
    model: Accepted | None
    problem: CalibrationRefused | None
    journal: str
    trouble: str = ""

    @property
    def holds(self) -> bool:
        """Return whether a run may use it."""
        return self.newest and self.problem is None and not self.trouble


def rows_of(data: Path, subject: str | None) -> list[Row]:
    """Return what is stored, read."""
    rows: list[Row] = []
    later: dict[tuple[str, str, str], set[bool]] = {}
    """Of each place: the kinds, simulated or not, of which a later revision is used."""
    for entry in reversed(entries(data, subject)):  # the newest first
        superseded = later.setdefault(entry.place, set())
        try:
            loaded = entry.read()
        except CalibrationRefused as error:
            rows.append(
                Row(entry=entry, newest=not superseded, model=None, problem=error, journal="")
            )
            superseded |= {False, True}
            continue
        model = loaded.model
        newest = model.simulated not in superseded
        trouble = last_trouble(data, loaded, simulated=model.simulated) if newest else None
        rows.append(
            Row(
                entry=entry,
                newest=newest,
                model=model,
                problem=None,
                journal=_journals(data, model),
                trouble="" if trouble is None else trouble.words,
            )
        )
        # a simulated run uses the newest, whichever it is; a real one passes over simulated ones
        superseded |= {True} if model.simulated else {False, True}
    return rows[::-1]


def _journals(data: Path, model: Accepted) -> str:
    """Return what has become of the calibration's journals."""
    odd = [
        f"{state} ({journal.path})"
        for journal in (*model.earlier, model.journal)
        if (state := _journal(data, journal)) != "as it was"
    ]
    return "; ".join(odd) or "as it was"


def _journal(data: Path, journal: JournalFile) -> str:
    try:
        with (data / journal.path).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "not there"
    return "as it was" if sha256 == journal.sha256 else "changed since"


def lines(rows: list[Row]) -> list[str]:
    """Return the rows as text for a person."""
    found = []
    for row in rows:
        entry, model = row.entry, row.model
        where = f"sub-{entry.subject} ses-{entry.session}  {entry.site}  revision {entry.revision}"
        state = "holds" if row.newest else "superseded"
        if model is None:
            state = "the newest, but it CANNOT BE USED" if row.newest else "superseded, damaged"
            found += [f"{where}  {state}", f"  {row.problem}"]
            continue
        if row.trouble:
            state = "the newest, but a run REFUSES it"
        simulated = ", SIMULATED: never for a real cuff" if model.simulated else ""
        found.append(f"{where}  {state}{simulated}")
        if row.trouble:
            found.append(f"  {row.trouble}")
        found += [
            f"  {t.rating:g}: {t.mmhg:g} mmHg ({model.interval_percent:g} % interval {t.low_mmhg:g} to "
            f"{t.high_mmhg:g}, {t.inflations} inflations)"
            for t in model.targets
        ]
        if model.threshold is not None:
            found.append(f"  pain begins: {_between(model.threshold)}")
        if model.tolerance is not None:
            found.append(
                f"  tolerated: {model.tolerance.mmhg:g} mmHg; {model.tolerance.high_mmhg:g} was too much"
            )
        device = f"{model.device.driver} {model.device.model} {model.device.serial_number}".strip()
        found.append(f"  accepted {model.accepted.at} by {model.accepted.by}; {device}")
        if model.accepted.comment is not None:
            found.append(f"  comment: {model.accepted.comment}")
        found.append(f"  file: {entry.path}")
        found += [
            f"  went on after {run.path} ({run.device.driver} {run.device.model} "
            f"{run.device.serial_number})"
            for run in model.earlier
        ]
        if row.journal != "as it was":
            found.append(f"  journal: {row.journal}")
    return found


def _between(bound: Bound) -> str:
    return f"{bound.mmhg:g} mmHg ({bound.low_mmhg:g} to {bound.high_mmhg:g})"


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as plain JSON types."""
    return {
        "file": str(row.entry.path),
        "subject": row.entry.subject,
        "session": row.entry.session,
        "site": row.entry.site,
        "revision": row.entry.revision,
        "holds": row.holds,
        "trouble": row.trouble or None,
        "journal": row.journal or None,
        "problem": str(row.problem) if row.problem is not None else None,
        "calibration": row.model.model_dump() if row.model is not None else None,
    }
