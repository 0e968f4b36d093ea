"""Names and places: which run is where below the data folder, and what it must not overwrite."""

import re
from dataclasses import dataclass
from pathlib import Path

from scc_task.errors import RunExists, UsageInvalid

_LABEL = re.compile(r"[0-9A-Za-z]+")
JOURNAL = "_journal.jsonl"
SUPERVISOR = "_supervisor.jsonl"
RESCUE = "_journal.rescue.jsonl"
PLOT = "_curve.png"
PULSES = "_pulses"
_DERIVED = ("_events.tsv", "_events.json", "_recording-cuff_physio.tsv.gz")
_DERIVED_BEH = ("_beh.tsv", "_beh.json", "_recording-cuff_physio.tsv.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """Which run: participant, session, task and run number, as in BIDS.

    Raises
    ------
    UsageInvalid
        If a label is not made of letters and digits, or the run is not a whole number from 1.
    """

    subject: str
    session: str
    run: int
    task: str

    def __post_init__(self) -> None:
        for word, label in (
            ("subject", self.subject),
            ("session", self.session),
            ("task", self.task),
        ):
            if not _LABEL.fullmatch(label):
                raise UsageInvalid(
                    f"{label!r} cannot be part of a BIDS file name",
                    where=word,
                    do="use letters a to z and digits only, without 'sub-', spaces or dashes",
                )
        if isinstance(self.run, bool) or not isinstance(self.run, int) or self.run < 1:
            raise UsageInvalid(
                f"{self.run!r} is not a run number", where="run", do="count runs 1, 2, 3"
            )

    @property
    def session_stem(self) -> str:
        """Return ``sub-01_ses-pre``."""
        return f"sub-{self.subject}_ses-{self.session}"

    @property
    def stem(self) -> str:
        """Return ``sub-01_ses-pre_task-scc_run-1``. No zero padding: converters write none."""
        return f"{self.session_stem}_task-{self.task}_run-{self.run}"

    def session_folder(self, data: Path) -> Path:
        """Return the folder of the session."""
        return data / f"sub-{self.subject}" / f"ses-{self.session}"

    def func_folder(self, data: Path) -> Path:
        """Return the folder where images and what goes with them lie."""
        return self.session_folder(data) / "func"

    def beh_folder(self, data: Path) -> Path:
        """Return the folder of what was measured without a scanner: calibrations."""
        return self.session_folder(data) / "beh"

    def source_folder(self, data: Path) -> Path:
        """Return the folder of the session's journals."""
        return data / "sourcedata" / f"sub-{self.subject}" / f"ses-{self.session}"

    def supervisor_record(self, data: Path) -> Path:
        """Return where the cuff's supervisor keeps a record of its own."""
        return self.source_folder(data) / f"{self.stem}{SUPERVISOR}"

    def journal(self, data: Path) -> Path:
        """Return where the run's journal is written."""
        return self.source_folder(data) / f"{self.stem}{JOURNAL}"

    def calibration_plot(self, data: Path) -> Path:
        """Return where the plot of a calibration lies: beside its journal, where no validator looks."""
        return self.source_folder(data) / f"{self.stem}{PLOT}"

    def pulse_page(self, data: Path, ending: str) -> Path:
        """Return where the page on a run's pulses lies: beside its journal too."""
        return self.source_folder(data) / f"{self.stem}{PULSES}{ending}"


def rescue_of(journal: Path) -> Path:
    """Return where a journal goes whole, when its own file could not be written."""
    return journal.with_name(f"{journal.stem}.rescue.jsonl")


def supervisor_record_of(journal: Path) -> Path:
    """Return the supervisor's record that belongs to a journal."""
    return journal.with_name(journal.name.removesuffix(JOURNAL) + SUPERVISOR)


def journal_of(path: Path) -> Path:
    """Return the journal that a path names, be it the journal itself or its rescue file."""
    if path.name.endswith(RESCUE):
        return path.with_name(path.name.removesuffix(RESCUE) + JOURNAL)
    return path


def refuse_if_exists(data: Path, name: RunName) -> None:
    """Refuse a run that has left anything on disk already.

    Raises
    ------
    RunExists
        With the next free run number.
    """
    journal = name.journal(data)
    ours = [journal, rescue_of(journal)]
    ours += [name.func_folder(data) / f"{name.stem}{end}" for end in _DERIVED]
    ours += [name.beh_folder(data) / f"{name.stem}{end}" for end in _DERIVED_BEH]
    for path in ours:
        if path.exists():
            raise RunExists(
                f"run {name.run} of task {name.task} of sub-{name.subject}, ses-{name.session} "
                "is on disk already",
                where=str(path),
                do=f"take the next free number: --run {next_run(data, name)}; "
                "nothing recorded is ever overwritten",
            )


def next_run(data: Path, name: RunName) -> int:
    """Return the first run number after every run of this task and session on disk."""
    stem = f"{name.session_stem}_task-{name.task}_run-"
    numbered = re.compile(re.escape(stem) + r"0*(\d+)_.+")
    found = [0]
    for folder in (name.source_folder(data), name.func_folder(data), name.beh_folder(data)):
        if folder.is_dir():
            matches = (numbered.fullmatch(path.name) for path in folder.iterdir())
            found += [int(match[1]) for match in matches if match]
    return max(found) + 1
