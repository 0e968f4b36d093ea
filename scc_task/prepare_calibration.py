"""From a request on the command line to a calibration that may begin: files read, checked, compiled."""

import dataclasses
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardware.clock import RealClock
from hardware.interlock import Given
from hardware.limits import Limits
from hardware.registry import DRIVERS
from scc_task.calibration.course import outcomes_in
from scc_task.calibration.procedures import procedure_for, replay
from scc_task.calibration.talk import Outcome, Procedure
from scc_task.documents import Start, Stop
from scc_task.errors import FilesInvalid, UsageInvalid
from scc_task.overrides import needed
from scc_task.plan.steps import Cue, DummyKind, Plan, Scale, ScannerPlan, Step, StepKind, TrialType
from scc_task.prepare import RESUMES, Prepared, free_name, person_of, whole_files
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.check import vent_problems
from scc_task.protocol.load import (
    Loaded,
    load_calibration_protocol,
    load_rig,
    load_texts,
    text_file,
)
from scc_task.protocol.rig import Rig
from scc_task.protocol.texts import REQUIRED_TEXTS, Texts
from scc_task.record.dose import used_dose
from scc_task.record.paths import JOURNAL, RunName
from scc_task.record.read import JournalContents, best_copy
from scc_task.rest import emptied_s

READING_MS: Final = 20_000
"""How long each text before the first inflation is shown (assumed)."""
OPERATOR_KEYS: Final = ("y", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRequest:
    """What the operator asks for. ``seed`` is ``None`` for any.

    ``resume``: go on where this session's calibration was interrupted. ``emulate``: take the rig as
    if everything in it were emulated.
    """

    protocol: Path
    rig: Path
    subject: str
    session: str
    data: Path
    seed: int | None
    resume: bool = False
    emulate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCalibration:
    """A calibration that may begin.

    Attributes
    ----------
    run
        What any run needs to open its devices.
    procedure
        Has been told what an interrupted run before it had found out.
    warm_up_mmhg
        The first inflation of a calibration that goes on: the last pressure that was rated, never more.
    """

    run: Prepared
    protocol: Loaded[CalibrationProtocol]
    rig: Loaded[Rig]
    procedure: Procedure
    warm_up_mmhg: float | None


def prepare_calibration(request: CalibrationRequest) -> PreparedCalibration:
    """Check and compile a calibration.

    Raises
    ------
    FilesInvalid
        With the problems of a file.
    UsageInvalid
        If there is nothing to resume, a key has two meanings, or the session's budget is used up.
    """
    protocol = load_calibration_protocol(request.protocol)
    model = protocol.model
    texts = load_texts(text_file(request.protocol, model.language))
    _check_texts(protocol, texts)
    rig = load_rig(request.rig)
    room = rig.model.as_emulated() if request.emulate else rig.model
    _check_room(room, rig)
    name = free_name(
        request.data,
        subject=request.subject,
        session=request.session,
        task=model.task,
        run=None,
    )
    chain = _chain(request.data, name) if request.resume else []
    if request.resume and not chain:
        raise UsageInvalid(
            f"no calibration of {name.session_stem} was interrupted",
            where="--resume",
            do="leave --resume out: a new calibration begins",
        )
    earlier = tuple(outcome for _, found in chain for outcome in outcomes_in(found.documents))
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    if chain:
        seed = _seed_of(chain, protocol)
    limits = room.limits.as_limits()
    plan = _plan(model, texts.model, limits=limits, seed=seed)
    procedure = procedure_for(model, seed=seed, ceiling_mmhg=limits.ceiling_mmhg)
    inflated_s, inflations = used_dose(request.data, name.subject, name.session)
    run = Prepared(
        name=name,
        rig=room,
        rig_file=Path(rig.file),
        plan=plan,
        found=None,
        inputs=whole_files(protocol=protocol, texts=texts, rig=rig),
        overrides=needed(plan, room.limits),
        given=Given(
            inflations=inflations,
            inflated_s=inflated_s,
            emptied_s=emptied_s(room, request.data, name.subject, name.session, RealClock()),
        ),
        data=request.data,
        person=person_of(request.subject),
        calibrates=True,
        resumes=chain[-1][0] if chain else None,
    )
    return PreparedCalibration(
        run=run,
        protocol=protocol,
        rig=rig,
        procedure=replay(procedure, earlier),
        warm_up_mmhg=_warm_up_mmhg(earlier) if chain else None,
    )


def _check_texts(protocol: Loaded[CalibrationProtocol], texts: Loaded[Texts]) -> None:
    model = protocol.model
    problems = [
        protocol.problem(
            f"there is no text '{key}' in {texts.file}",
            ("instructions", position),
            do="add it there, or use another text",
        )
        for position, key in enumerate(model.instructions)
        if key not in texts.model.texts
    ]
    if model.rating.scale not in texts.model.scales:
        problems.append(
            protocol.problem(
                f"there is no scale '{model.rating.scale}' in {texts.file}",
                ("rating", "scale"),
                do="add it there, or use another scale",
            )
        )
    if problems:
        raise FilesInvalid(problems)


def _check_room(room: Rig, rig: Loaded[Rig]) -> None:
    """Refuse a room in which a calibration makes no sense or does harm."""
    able = DRIVERS[room.cuff.driver].capabilities
    if not able.sets_pressure:
        raise UsageInvalid(
            f"the pressure of a {room.cuff.driver} cuff is set by hand: it cannot be calibrated here",
            where=f"{rig.file}, cuff: driver",
            do="use a cuff that takes its pressure from the program, or write a calibration file by hand",
        )
    problems = vent_problems(dataclasses.replace(rig, model=room))
    if problems:
        raise FilesInvalid(problems)
    taken = [key for key in OPERATOR_KEYS if room.responses.action_of(key) is not None]
    if room.scanner.trigger_key in OPERATOR_KEYS:
        taken.append(room.scanner.trigger_key)
    if taken:
        raise UsageInvalid(
            f"the key {taken[0]!r} is the operator's during a calibration: y and n say yes and no",
            where=f"{rig.file}, responses",
            do="give the participant another key",
        )


def _plan(model: CalibrationProtocol, texts: Texts, *, limits: Limits, seed: int) -> Plan:
    """Return the plan as far as it is known: the texts before the first inflation."""
    steps: list[Step] = []
    for number, key in enumerate(model.instructions, start=1):
        steps.append(
            Step(
                number=number,
                kind=StepKind.SHOW,
                onset_ms=(number - 1) * READING_MS,
                duration_ms=READING_MS,
                trial_type=TrialType.INSTRUCTION,
                text=key,
            )
        )
    keys = sorted({*REQUIRED_TEXTS, *model.instructions})
    scale = model.rating.scale
    return Plan(
        protocol=model.name,
        task=model.task,
        strategy="none",
        language=model.language,
        seed=seed,
        scanner=ScannerPlan(tr_s=0.0, volumes=0, dummies=0, dummy_kind=DummyKind.SILENT),
        limits=limits,
        pressures=(),
        cues=tuple(
            Cue(name=name, shape=cue.shape, color=cue.color)
            for name, cue in sorted(model.cues.items())
        ),
        scales=(Scale(name=scale, **texts.scales[scale].model_dump()),),
        texts=tuple((key, texts.texts[key]) for key in keys),
        steps=tuple(steps),
    )


def _chain(data: Path, name: RunName) -> list[tuple[RunName, JournalContents]]:
    """Return the interrupted calibration of a session: its runs, oldest first; none if it was finished."""
    pattern = re.compile(
        re.escape(f"{name.session_stem}_task-{name.task}_run-") + r"(\d+)" + re.escape(JOURNAL)
    )
    found: dict[int, JournalContents] = {}
    folder = name.source_folder(data)
    for path in folder.iterdir() if folder.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match is not None:
            found[int(match[1])] = best_copy(path)
    chain: list[tuple[RunName, JournalContents]] = []
    for run in sorted(found, reverse=True):
        contents = found[run]
        if not chain and _completed(contents):
            return []
        one = RunName(subject=name.subject, session=name.session, task=name.task, run=run)
        chain.insert(0, (one, contents))
        start = contents.documents[0]
        if not (isinstance(start, Start) and RESUMES in start.provenance):
            break
    return chain


def _completed(contents: JournalContents) -> bool:
    return any(isinstance(d, Stop) and d.reason == "completed" for d in contents.documents)


def _seed_of(
    chain: list[tuple[RunName, JournalContents]], protocol: Loaded[CalibrationProtocol]
) -> int:
    """Return the seed of an interrupted calibration, or refuse another protocol than its own."""
    start = chain[0][1].documents[0]
    if not isinstance(start, Start):
        raise TypeError("a journal begins with Start")
    before = next((i["sha256"] for i in start.inputs if i["role"] == "protocol"), None)
    if before != protocol.sha256:
        raise UsageInvalid(
            f"{chain[0][0].stem} was begun with another protocol",
            where=protocol.file,
            do="give the same file as then, or leave --resume out and begin anew",
        )
    return int(start.plan["seed"])


def _warm_up_mmhg(earlier: tuple[Outcome, ...]) -> float | None:
    """Return the last pressure that was borne and rated."""
    rated = [o.request.pressure_mmhg for o in earlier if o.borne and o.rating is not None]
    return rated[-1] if rated else None
