"""What a session's earlier runs of a calibration found: to go on after them, or to accept it later."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scc_task.calibration.from_journal import last_trial, outcomes_in
from scc_task.calibration.procedures import replay
from scc_task.calibration.same import Option, anew, could_go_on, refuse_other_room
from scc_task.calibration.talk import Finished, Outcome, Procedure
from scc_task.calibration.too_much_before import recorded
from scc_task.documents import Outcome as OutcomeDocument
from scc_task.documents import Requested, Start, Stop
from scc_task.errors import UsageInvalid
from scc_task.prepare import RESUMES
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import Loaded
from scc_task.protocol.rig import Rig
from scc_task.record.beyond import beyond
from scc_task.record.owner import refuse_other_run
from scc_task.record.paths import JOURNAL, RunName, journal_of
from scc_task.record.read import JournalContents, JournalUnreadable, best_copy, never_began


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """One run of a calibration that was recorded."""

    name: RunName
    contents: JournalContents
    start: Start

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what came of every inflation."""
        return outcomes_in((*self.contents.documents, *beyond(self.contents)))

    @property
    def protocol_sha256(self) -> str | None:
        """Return which protocol file it was made with; ``None`` if it does not say."""
        return next((i["sha256"] for i in self.start.inputs if i["role"] == "protocol"), None)

    @property
    def completed(self) -> bool:
        """Return whether its procedure came to its end."""
        return any(isinstance(d, Stop) and d.reason == "completed" for d in self.contents.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The runs of one calibration, oldest first: each but the first goes on after the one before it.

    ``option``: by which they are taken up.
    """

    runs: tuple[EarlierRun, ...]
    option: Option

    @property
    def last(self) -> EarlierRun:
        """Return the newest run."""
        return self.runs[-1]

    @property
    def seed(self) -> int:
        """Return the seed with which it was begun."""
        return int(self.runs[0].start.plan["seed"])

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what came of every inflation."""
        return tuple(outcome for run in self.runs for outcome in run.outcomes)

    @property
    def trials(self) -> int:
        """Return the number of the last request."""
        return max(last_trial(run.contents.documents) for run in self.runs)

    @property
    def has_begun(self) -> bool:
        """Return whether an inflation was asked for: the practice is over then."""
        return any(isinstance(d, Requested) for run in self.runs for d in run.contents.documents)


def earlier_runs(
    data: Path,
    name: RunName,
    *,
    protocol: Loaded[CalibrationProtocol],
    room: Rig,
    rig_file: Path,
    seed: int | None,
    ended: bool = False,
) -> Earlier:
    """Return the newest calibration of a session, on this leg and with this protocol, as far as it came.

    A rehearsal is passed over where a person is in the cuff, and the reverse.

    Parameters
    ----------
    room, rig_file
        What is connected now, and where that was read.
    seed
        What the operator wants; another than that of the calibration is refused.
    ended
        Want one that came to its end, not one that was interrupted.

    Raises
    ------
    UsageInvalid
        If there is none, or this is another protocol, leg, cuff or seed, or its record is damaged.
    """
    option: Option = "--accept" if ended else "--resume"
    chain = _chain(data, name, protocol, room, option)
    if ended:
        if not chain:
            raise UsageInvalid(
                f"no calibration of {name.session_stem} is on record{_but_kind(data, name, room)}",
                where="--accept",
                do="calibrate; or check --subject, --session, --data and --rig",
            )
    elif not chain or chain[-1].completed:
        raise UsageInvalid(
            f"no calibration of {name.session_stem} was interrupted{_but_kind(data, name, room)}"
            + (f": {chain[-1].name.stem} came to its end" if chain else ""),
            where="--resume",
            do="leave --resume out: a new calibration begins"
            + ("; to accept that one now: --accept instead of --resume" if chain else ""),
        )
    for run in chain:
        refuse_other_room(run.start, run.name.stem, room, where=rig_file, option=option)
        _refuse_damaged(run, option)
    _refuse_other_protocol(chain[0], protocol, option)
    found = Earlier(runs=tuple(chain), option=option)
    if seed is not None and seed != found.seed:
        raise UsageInvalid(
            f"{chain[0].name.stem} was begun with the seed {found.seed}, which holds to its end",
            where="--seed",
            do="leave --seed out",
        )
    return found


def replayed(procedure: Procedure, earlier: Earlier, *, ceiling_mmhg: float) -> Procedure:
    """Tell a fresh procedure what the earlier runs found, and return it.

    Parameters
    ----------
    ceiling_mmhg
        The one that the procedure was made with.

    Raises
    ------
    UsageInvalid
        If the procedure would not have asked for what was given.
    """
    try:
        for run in earlier.runs:
            procedure.know(recorded(run.start))
            replay(procedure, run.outcomes)
        return procedure
    except (KeyError, ValueError) as error:
        then_mmhg = float(earlier.runs[0].start.plan["limits"]["ceiling_mmhg"])
        changed, instead = then_mmhg != ceiling_mmhg, anew(earlier.option)
        raise UsageInvalid(
            f"what {earlier.last.name.stem} has on record is not what this calibration would have "
            + (
                f"asked for: the ceiling was {then_mmhg:g} mmHg then and is {ceiling_mmhg:g} mmHg now"
                if changed
                else "asked for: something in its journal is missing or changed, or it was made with an "
                "earlier version of this program"
            ),
            where=str(earlier.last.contents.path),
            do=f"set the ceiling in the rig file as it was, or {instead}" if changed else instead,
        ) from error


def refuse_to_accept(procedure: Procedure, earlier: Earlier, *, rig: Loaded[Rig]) -> None:
    """Refuse to accept what has not come to its end, or was made with another rig.

    Raises
    ------
    UsageInvalid
        With what to do instead.
    """
    last = earlier.last
    if not isinstance(procedure.next(), Finished):
        raise UsageInvalid(
            f"{last.name.stem} has not come to its end: there is nothing to accept",
            where="--accept",
            do="go on with --resume instead of --accept",
        )
    then = next((i["sha256"] for i in last.start.inputs if i["role"] == "rig"), None)
    if then != rig.sha256:
        raise UsageInvalid(
            f"{last.name.stem} was made with another rig file",
            where=rig.file,
            do="give the same file as then with --rig",
        )


def _chain(
    data: Path, name: RunName, protocol: Loaded[CalibrationProtocol], room: Rig, option: Option
) -> list[EarlierRun]:
    """Return the newest calibration of the same kind with all runs that it goes on after."""
    found = {run.name.stem: run for run in _recorded(data, name)}
    kind = [run for run in found.values() if could_go_on(run.start, room)]
    newest = _newest(kind, protocol, room)
    chain: list[EarlierRun] = []
    while newest is not None:
        whole = best_copy(journal_of(newest.contents.path))
        chain.insert(0, replace(newest, contents=whole))
        before = newest.start.provenance.get(RESUMES)
        if before is None:
            break
        if before not in found or before in {run.name.stem for run in chain}:
            raise UsageInvalid(
                f"{newest.name.stem} goes on after {before}, whose journal is not there",
                where=str(newest.contents.path.parent),
                do=f"put that journal back, or {anew(option)}",
            )
        newest = found[before]
    return chain


def _newest(
    runs: Sequence[EarlierRun], protocol: Loaded[CalibrationProtocol], room: Rig
) -> EarlierRun | None:
    """Return the newest run on this leg and with this protocol.

    Without one, the newest on this leg, or of all: whoever refuses it says what differs.
    """
    here = [run for run in runs if run.start.cuff_site == room.cuff.site] or runs
    same = [run for run in here if run.protocol_sha256 == protocol.sha256] or here
    return same[-1] if same else None


def _recorded(data: Path, name: RunName) -> list[EarlierRun]:
    """Return all runs of the session's calibrations, by their number, without the pressure.

    One whose program ended before anything was on disk is passed over.

    Raises
    ------
    UsageInvalid
        If a journal cannot be read, or is another run's.
    """
    pattern = re.compile(
        re.escape(f"{name.session_stem}_task-{name.task}_run-") + r"([1-9]\d*)" + re.escape(JOURNAL)
    )
    folder = name.source_folder(data)
    runs = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        try:
            contents = best_copy(path, samples=False)
        except JournalUnreadable as error:
            if never_began(path):
                continue
            raise UsageInvalid(
                f"what this session's calibrations found is not known: {error.what}",
                where=error.where,
                do=error.do,
            ) from error
        start = contents.documents[0]
        assert isinstance(start, Start)  # noqa: S101  best_copy has seen it
        refuse_other_run(start, path)
        one = RunName(subject=name.subject, session=name.session, task=name.task, run=int(match[1]))
        runs.append(EarlierRun(name=one, contents=contents, start=start))
    return sorted(runs, key=lambda run: run.name.run)


def _but_kind(data: Path, name: RunName, room: Rig) -> str:
    """Return in words that runs of the other kind were passed over, if there are any."""
    others = [r for r in _recorded(data, name) if not could_go_on(r.start, room)]
    if not others:
        return ""
    return f" ({others[-1].name.stem} was {'of a person' if room.simulated else 'simulated'})"


def _refuse_other_protocol(
    first: EarlierRun, protocol: Loaded[CalibrationProtocol], option: Option
) -> None:
    if first.protocol_sha256 != protocol.sha256:
        raise UsageInvalid(
            f"{first.name.stem} was begun with another protocol",
            where=protocol.file,
            do=f"give the same file as then, or {anew(option)}",
        )


def _refuse_damaged(run: EarlierRun, option: Option) -> None:
    """Refuse a record of which a part is lost: it may be a rating that was too much."""
    asked: set[int] = set()
    what = None
    for document in run.contents.documents:
        if isinstance(document, Requested):
            asked.add(document.trial)
        elif isinstance(document, OutcomeDocument) and document.trial not in asked:
            what = f"the request of trial {document.trial} is missing"
    if run.contents.corrupt_lines:
        number, why = run.contents.corrupt_lines[0]
        what = f"line {number} is damaged ({why})"
    if what is not None:
        raise UsageInvalid(
            f"the journal of {run.name.stem} is not whole: {what}; that may have been a pressure that "
            "was too much",
            where=str(run.contents.path),
            do=f"put back a whole copy of it, or {anew(option)}",
        )
