"""Whether a calibration was accepted before: one calibration is one revision, whoever asks again."""

from pathlib import Path

from scc_task.calibration.refusals import CalibrationRefused
from scc_task.calibration.store import entries
from scc_task.errors import UsageInvalid
from scc_task.record.paths import RunName


def refuse_accepted(data: Path, name: RunName, journal: Path) -> tuple[str, ...]:
    """Refuse a calibration that was accepted before; return what could not be read, in words.

    A stored calibration that is damaged hinders nobody: accepted once more, the worst is that the same
    pressures are stored twice.

    Parameters
    ----------
    name
        Of the run that came to its end.
    journal
        Its journal.

    Raises
    ------
    UsageInvalid
        With the revision.
    """
    notes = []
    for entry in entries(data, name.subject):
        if entry.session != name.session:
            continue
        try:
            stored = entry.read().model.journal
        except CalibrationRefused as damaged:
            notes.append(
                f"{entry.path.name} was passed over ({damaged.what}): {name.stem} may have been accepted "
                "in it; run_task.py calibrations shows what is stored"
            )
            continue
        if (data / stored.path).resolve() == journal.resolve():
            raise UsageInvalid(
                f"{name.stem} was accepted before: revision {entry.revision}",
                where=str(entry.path),
                do="nothing; run_task.py calibrations shows what is stored",
            )
    return tuple(notes)
