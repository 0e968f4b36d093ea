"""One journal to its BIDS files: derived, whole, and never over what is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scc_task import __version__
from scc_task.plan.steps import digest_of
from scc_task.protocol.live_words import is_live
from scc_task.record import descriptions
from scc_task.record.beyond import beyond
from scc_task.record.calibration import COLUMNS as CALIBRATION_COLUMNS
from scc_task.record.calibration import INSTITUTION, calibration_rows, calibration_sidecar
from scc_task.record.continuous import rating_sidecar, rating_table
from scc_task.record.events import COLUMNS, event_rows
from scc_task.record.files import MISSING, json_bytes, table_bytes, write_atomic
from scc_task.record.paths import JOURNAL, RunName, journal_of
from scc_task.record.physio import physio_sidecar, physio_table
from scc_task.record.provenance import data_source, provenance, run_events_sidecar
from scc_task.record.pulse_page import page_as_picture, page_in_words
from scc_task.record.pulses import counted, pulses_block, report_of
from scc_task.record.read import best_copy
from scc_task.record.run import RunRecord, sort_out
from scc_task.record.samples import trace_of
from scc_task.record.tables import (
    Unmergeable,
    merge,
    merged_json,
    merged_table,
    read_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What deriving one journal did.

    ``kept`` are files that were there, differ from what the journal gives, and were left alone;
    ``unchanged`` are those that were there and are the same.
    """

    journal: Path
    name: RunName
    stop_reason: str
    documents: int
    torn_bytes: int
    corrupt_lines: tuple[tuple[int, str], ...]
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    unchanged: tuple[Path, ...]
    notes: tuple[str, ...]
    pulses: tuple[str, ...] = ()
    """What the scanner's pulses come to, in words."""


@dataclass(slots=True)
class _Ledger:
    """What has happened to which file so far."""

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def place(self, path: Path, data: bytes) -> None:
        """Write a file of the run, unless one is there."""
        if not path.exists():
            write_atomic(path, data)
            self.written.append(path)
        elif path.read_bytes() == data:
            self.unchanged.append(path)
        else:
            self.kept.append(path)
            self.notes.append(
                f"{path.name} is there and differs from what the journal gives: it was left as it "
                "is; move it away and run: run_task.py recover DATA to have it made again"
            )

    def merge(self, path: Path, make: Callable[[], bytes | None]) -> None:
        """Add to a file that people edit too; leave it alone if that could do harm."""
        try:
            data = make()
        except Unmergeable as problem:
            self.kept.append(path)
            self.notes.append(f"{path.name} was left as it is, nothing was added: {problem}")
            return
        if data is None:
            self.unchanged.append(path)
        else:
            write_atomic(path, data)
            self.written.append(path)


def derive(journal_path: Path, data_dir: Path) -> DatasetReport:
    """Write the BIDS files of one run from its journal. Twice gives the same bytes.

    Files of the run that exist are never overwritten; files of the dataset and the session are
    added to. A run that stopped before time zero has no files of its own: its journal is its record.

    Raises
    ------
    JournalUnreadable
        If the journal does not say whose it is.
    OSError
        If the disk does not take the files; nothing is left half-written, and `derive` can be
        called again.
    """
    contents = best_copy(journal_of(journal_path))
    more = beyond(contents)
    run = sort_out(contents, more)
    start = run.start
    name = RunName(subject=start.subject, session=start.session, run=start.run, task=run.plan.task)
    ledger = _Ledger(notes=[*contents.notes, *_remarks(run, name, contents.path)])
    if more:
        ledger.notes.append(
            f"{len(more)} documents after the journal broke off are from the supervisor's own record"
        )
    if run.t0_s is None:
        ledger.notes.append(
            f"the run ended before time zero ({run.stop_reason}): there are no events and no "
            "recording; what happened is in the journal"
        )
    else:
        _write_run(run, name, data_dir, run.t0_s, ledger)
        _merge_scans(run, name, data_dir, ledger)
    # the session took place in either case: a folder with a journal is a valid dataset too
    _merge_session(run, name, data_dir, ledger)
    _merge_dataset(run, name, data_dir, ledger)
    pulses = report_of(run)
    return DatasetReport(
        pulses=() if pulses is None else tuple(pulses.lines()),
        journal=contents.path,
        name=name,
        stop_reason=run.stop_reason,
        documents=len(contents.documents),
        torn_bytes=contents.torn_bytes,
        corrupt_lines=contents.corrupt_lines,
        written=tuple(ledger.written),
        kept=tuple(ledger.kept),
        unchanged=tuple(ledger.unchanged),
        notes=tuple(ledger.notes),
    )


def _remarks(run: RunRecord, name: RunName, path: Path) -> list[str]:
    """Return what a person must know before using the run."""
    remarks = []
    if path.name.startswith("sub-") and not path.name.startswith(f"{name.stem}_"):
        remarks.append(
            f"the journal {path.name} says it is {name.stem}: its own word counts, not its file name"
        )
    if digest_of(dict(run.start.plan)) != run.start.plan_digest:
        remarks.append("the plan in the journal does not fit its digest")
    if run.stop is None:
        remarks.append(
            "the journal has no stop document: the program ended without a chance to write one "
            "(stop reason 'killed')"
        )
    elif run.stop.vent_confirmed is False:
        remarks.append("the cuff was told to vent at the end, but no falling pressure was seen")
    if run.inflations and not run.measures_pressure:
        remarks.append(
            "the pressure was not measured: the events have no measured pressures, there is no "
            "recording, and nobody knows whether the cuff emptied; the pulses are in the journal"
        )
    return remarks


def _write_run(run: RunRecord, name: RunName, data: Path, t0_s: float, ledger: _Ledger) -> None:
    """Write the run's own four files; two where the pressure was not measured."""
    trace = trace_of(run.samples)
    rows, notes = event_rows(run, trace)
    ledger.notes += notes
    if not run.calibrates and not rows and _modelled(run):
        ledger.notes.append("the run ended before its first modelled step: its table has no rows")
    origin = provenance(run.start, run.plan, run.stop_reason, f"{name.stem}{JOURNAL}")
    pulses = pulses_block(run, t0_s)
    if pulses is not None:
        origin["ScannerPulses"] = pulses
        _write_pulse_page(run, name, data, ledger)
    table = _table(name, data, calibration=run.calibrates)
    if run.calibrates:
        asked, notes = calibration_rows(run, rows)
        ledger.notes += notes
        if not run.requests:
            has = "only the rows of the practice" if asked else "no rows"
            ledger.notes.append(f"the run ended before its first request: its table has {has}")
        ledger.place(table, table_bytes(CALIBRATION_COLUMNS, [row.cells() for row in asked]))
        ledger.place(table.with_suffix(".json"), json_bytes(calibration_sidecar(run, origin)))
        institution = data / f"task-{name.task}_beh.json"
        ledger.merge(institution, lambda: merged_json(institution, INSTITUTION))
    else:
        ledger.place(table, table_bytes(COLUMNS, [row.cells() for row in rows]))
        sidecar = run_events_sidecar(run, origin)
        ledger.place(table.with_suffix(".json"), json_bytes(sidecar))
    if any(step.scale is not None for step in run.plan.inflations):
        stem = f"{name.stem}_recording-rating_physio"
        ledger.place(table.with_name(f"{stem}.tsv.gz"), rating_table(run, t0_s))
        ledger.place(table.with_name(f"{stem}.json"), json_bytes(rating_sidecar(run, origin)))
    if not run.measures_pressure:
        return
    end_s = max([run.end_s, *(t0_s + row.onset + row.duration for row in rows)])
    scanned = run.plan.scanner.volumes > 0
    recording, rate_hz = physio_table(
        trace, counted(run) if scanned else None, t0_s=t0_s, end_s=end_s
    )
    recorded = f"{name.stem}_recording-cuff_physio"
    ledger.place(table.with_name(f"{recorded}.tsv.gz"), recording)
    described = physio_sidecar(run.start, run.plan, origin, rate_hz=rate_hz, scanned=scanned)
    ledger.place(table.with_name(f"{recorded}.json"), json_bytes(described))


def _modelled(run: RunRecord) -> bool:
    return any(step.trial_type is not None for step in run.plan.steps)


def _write_pulse_page(run: RunRecord, name: RunName, data: Path, ledger: _Ledger) -> None:
    """Write the report on the pulses of a run that showed them, in words and as a picture."""
    report = report_of(run)
    if report is None or not any(is_live(text) for _, text in run.plan.texts):
        return
    heading = f"{name.stem}, {run.start.provenance.get('pulses', MISSING)}"
    words = page_in_words(heading, report, run.pulses)
    ledger.place(name.pulse_page(data, ".md"), words.encode())
    ledger.place(name.pulse_page(data, ".png"), page_as_picture(heading, report, run.pulses))


def _table(name: RunName, data: Path, *, calibration: bool) -> Path:
    """Return where the table of a run lies."""
    if calibration:
        return name.beh_folder(data) / f"{name.stem}_beh.tsv"
    return name.func_folder(data) / f"{name.stem}_events.tsv"


def _merge_scans(run: RunRecord, name: RunName, data: Path, ledger: _Ledger) -> None:
    """Add the run to its session."""
    scans = name.session_folder(data) / f"{name.session_stem}_scans.tsv"
    table = _table(name, data, calibration=run.calibrates)
    scan = {
        "filename": table.relative_to(scans.parent).as_posix(),
        "acq_time": _utc(run.start.wall),
        "stop_reason": run.stop_reason,
        "data_source": data_source(run.start),
    }
    ledger.merge(scans, lambda: merged_table(scans, scan))
    described = data / "scans.json"
    ledger.merge(described, lambda: merged_json(described, descriptions.SCANS))


def _merge_session(run: RunRecord, name: RunName, data: Path, ledger: _Ledger) -> None:
    """Add the session to its participant."""
    acq_time = _utc(run.start.wall)
    folder = name.session_folder(data).parent
    sessions = folder / f"sub-{name.subject}_sessions.tsv"
    session = {"session_id": f"ses-{name.session}", "acq_time": acq_time}
    ledger.merge(sessions, lambda: merged_table(sessions, session))
    described = folder / f"sub-{name.subject}_sessions.json"
    ledger.merge(described, lambda: merged_json(described, descriptions.SESSIONS))


def _merge_dataset(run: RunRecord, name: RunName, data: Path, ledger: _Ledger) -> None:
    """Add the run to the files of the dataset as a whole."""
    described = data / "participants.json"
    ledger.merge(described, lambda: merged_json(described, descriptions.PARTICIPANTS))
    participants = data / "participants.tsv"
    participant = {
        "participant_id": f"sub-{name.subject}",
        "data_source": data_source(run.start),
    }
    joined = {"data_source": "mixed"}
    ledger.merge(participants, lambda: merged_table(participants, participant, joined=joined))
    simulated = run.start.simulated
    description = data / "dataset_description.json"
    ledger.merge(description, lambda: _description(description, simulated=simulated))
    ledger.merge(data / "README.md", lambda: _readme(data, simulated=simulated))
    day = _utc(run.start.wall)[: len("2024-01-31")]
    if day != MISSING and not (data / "CHANGES").exists():
        ledger.merge(data / "CHANGES", lambda: descriptions.changes(day).encode())


def _description(path: Path, *, simulated: bool) -> bytes | None:
    """Return the dataset's description; once it holds a simulated run it says so for good."""
    there = read_json(path) if path.exists() else {}
    merged = merge(there, descriptions.dataset_description(__version__))
    if simulated:
        merged["ContainsSimulatedRuns"] = True
        if merged["Name"] == descriptions.DATASET_NAME:
            merged["Name"] += descriptions.SIMULATED_SUFFIX
    return None if merged == there else json_bytes(merged)


def _readme(data: Path, *, simulated: bool) -> bytes | None:
    """Return our README where there is none, or where ours does not name the simulated runs yet."""
    there = sorted(data.glob("README*"))
    ours = descriptions.readme(simulated=simulated).encode()
    if not there:
        return ours
    plain = descriptions.readme(simulated=False).encode()
    untouched = there[0].name == "README.md" and there[0].read_bytes() == plain
    return ours if simulated and untouched else None


def _utc(wall: str) -> str:
    """Return a date and time in UTC without its zone, as the tables have it."""
    try:
        when = datetime.fromisoformat(wall)
    except ValueError:
        return MISSING
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    return when.isoformat(timespec="seconds")
