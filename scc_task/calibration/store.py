"""Keep accepted calibrations: one file for each, never overwritten; the newest revision holds.

A participant, a session and a site of the cuff have revisions 1, 2, 3 ..., beside the session's
journals: ``sourcedata/sub-01/ses-pre/sub-01_ses-pre_site-leftcalf_revision-1_calibration.yaml``.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError

from hardware.readings import Identity
from scc_task.calibration.accepted_file import file_bytes, read_accepted
from scc_task.calibration.refusals import Misplaced
from scc_task.errors import RecordingLost, UsageInvalid
from scc_task.protocol.accepted import (
    WALL,
    Acceptance,
    Accepted,
    Device,
    EarlierRun,
    JournalFile,
    NamedFile,
    Proposal,
)
from scc_task.protocol.load import Loaded
from scc_task.protocol.rig import Site
from scc_task.record.files import write_new
from scc_task.record.paths import RunName

_SITES: Final[dict[str, Site]] = {site.replace(" ", ""): site for site in get_args(Site)}
_NAME: Final = re.compile(
    r"sub-(?P<subject>[0-9A-Za-z]+)_ses-(?P<session>[0-9A-Za-z]+)"
    rf"_site-(?P<site>{'|'.join(_SITES)})_revision-(?P<revision>[1-9][0-9]{{0,8}})_calibration\.yaml"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An accepted calibration by its name; its file has not been read."""

    path: Path
    subject: str
    session: str
    site: Site
    revision: int

    @property
    def place(self) -> tuple[str, str, str]:
        """Return what it is a revision of."""
        return self.subject, self.session, self.site

    def read(self) -> Loaded[Accepted]:
        """Return the calibration.

        Raises
        ------
        Damaged
            If the file is not what was written.
        Misplaced
            If it was written under another name.
        """
        loaded = read_accepted(self.path)
        model = loaded.model
        inside = (model.subject, model.session, model.site, model.revision)
        if inside != (*self.place, self.revision):
            where = (
                f"sub-{model.subject}, ses-{model.session}, {model.site}, revision {model.revision}"
            )
            raise Misplaced(
                f"the file is named for another calibration than it holds: {where}",
                path=self.path,
                do="move it back to where it belongs, or out of 'sourcedata'; never copy one to "
                "another participant, session or leg",
            )
        return loaded


def entries(data: Path, subject: str | None = None) -> tuple[Entry, ...]:
    """Return what is stored, by participant, session, site and rising revision.

    Parameters
    ----------
    data
        The dataset's folder; it need not be there.
    subject
        Of this participant only.
    """
    source = data / "sourcedata"
    people = f"sub-{subject}" if subject is not None else "sub-*"
    found = [e for f in sorted(source.glob(f"{people}/ses-*")) for e in _entries_in(f)]
    return tuple(sorted(found, key=lambda e: (*e.place, e.revision)))


def _entries_in(folder: Path) -> Iterator[Entry]:
    if not folder.is_dir():
        return
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        raise UsageInvalid(
            f"the folder cannot be read: {error.strerror or error}",
            where=str(folder),
            do="check its permissions: an accepted calibration may be in it",
        ) from error
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None or folder.parts[-2:] != (f"sub-{match[1]}", f"ses-{match[2]}"):
            continue
        yield Entry(
            path=path,
            subject=match["subject"],
            session=match["session"],
            site=_SITES[match["site"]],
            revision=int(match["revision"]),
        )


def device_of(identity: Identity, driver: str) -> Device:
    """Return what a calibration keeps of the device that made its pressures."""
    return Device(
        driver=driver,
        model=identity.model,
        serial_number=identity.serial_number,
        firmware=identity.firmware,
    )


def accept(
    data: Path,
    proposal: Proposal,
    *,
    journal: Path,
    by: str,
    comment: str | None,
    now: datetime,
    earlier: Sequence[tuple[Path, NamedFile, Device]] = (),
) -> Loaded[Accepted]:
    """Store a calibration that a person accepts, under the next revision, and read it back.

    Parameters
    ----------
    journal
        Of the calibration, closed: its SHA-256 is kept.
    by, comment
        Who accepts it, and what they have to say, as typed.
    now
        Wall time, with its time zone.
    earlier
        The journal, rig and device of each run that the calibration went on after, oldest first.

    Raises
    ------
    UsageInvalid
        If nobody's name is given, or a text is too long.
    RecordingLost
        If the file cannot be written. Nothing is stored then.
    """
    accepted = acceptance(by, comment, now)
    name = RunName(subject=proposal.subject, session=proposal.session, task="calibration", run=1)
    folder = name.source_folder(data)
    site = next(label for label, words in _SITES.items() if words == proposal.site)
    fields = {
        "version": 1,
        **proposal.model_dump(),
        "accepted": accepted.model_dump(),
        "journal": _journal_file(data, journal).model_dump(),
        "earlier": tuple(
            EarlierRun(
                **_journal_file(data, path).model_dump(), rig=rig, device=device
            ).model_dump()
            for path, rig, device in earlier
        ),
    }
    place = (proposal.subject, proposal.session, proposal.site)
    while True:
        known = [e.revision for e in _entries_in(folder) if e.place == place]
        revision = max(known, default=0) + 1
        path = folder / f"{name.session_stem}_site-{site}_revision-{revision}_calibration.yaml"
        try:
            write_new(path, file_bytes({**fields, "revision": revision}))
        except FileExistsError:
            continue  # somebody else accepted one at the same time: ours is the next
        except OSError as error:
            raise RecordingLost(
                f"the accepted calibration cannot be stored: {error.strerror or error}",
                where=str(path),
                do="make the data folder writable and see that the disk is not full; then "
                "run_task.py calibrate --accept with the same options (a check is done again)",
            ) from error
        return read_accepted(path)


def acceptance(by: str, comment: str | None, now: datetime) -> Acceptance:
    """Return who accepts a calibration and when.

    Raises
    ------
    UsageInvalid
        If nobody's name is given, or a text is too long.
    """
    said = _typed(comment or "") or None
    at = now.astimezone(UTC).strftime(WALL)
    try:
        return Acceptance(by=_typed(by), at=at, comment=said)
    except ValidationError as error:
        field = "comment" if error.errors()[0]["loc"] == ("comment",) else "name"
        raise UsageInvalid(
            f"the {field} has {len(said or '') if field == 'comment' else len(_typed(by))} characters",
            where="accepting a calibration",
            do="type who accepts it; a name and a comment have at most 2000 characters each",
        ) from error


def _typed(text: str) -> str:
    """Return what a person typed, also where the terminal's encoding was not theirs."""
    return text.strip().encode("utf-8", "backslashreplace").decode()


def _journal_file(data: Path, journal: Path) -> JournalFile:
    try:
        with journal.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingLost(
            f"the calibration's journal cannot be read: {error.strerror or error}",
            where=str(journal),
            do="without its journal a calibration is not stored; see that the disk is there",
        ) from error
    whole, root = journal.resolve(), data.resolve()
    inside = whole.relative_to(root) if whole.is_relative_to(root) else whole
    return JournalFile(path=inside.as_posix(), sha256=sha256)
