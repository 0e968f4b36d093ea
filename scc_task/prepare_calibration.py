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
from scc_task.calibration import check, practice
from scc_task.calibration.course import WAIT_TEXT, outcomes_in
from scc_task.calibration.procedures import procedure_for, replay
from scc_task.calibration.talk import Outcome, Procedure
from scc_task.calibration.worst_case import check_worst, refuse_if_it_could_not_end, worst_of
from scc_task.documents import Requested, Start, Stop
from scc_task.errors import FilesInvalid, UsageInvalid
from scc_task.overrides import needed
from scc_task.plan.dose import Dose
from scc_task.plan.steps import Cue, DummyKind, Plan, Scale, ScannerPlan, Step, StepKind, TrialType
from scc_task.prepare import RESUMES, Prepared, free_name, person_of, whole_files
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.check import Found, grip_problems, vent_problems
from scc_task.protocol.load import (
    Loaded,
    load_calibration_protocol,
    load_rig,
    load_texts,
    text_file,
)
from scc_task.protocol.rig import Rig
from scc_task.protocol.texts import Texts, own_texts
from scc_task.record.dose import used_dose
from scc_task.record.paths import JOURNAL, RunName
from scc_task.record.read import JournalContents, best_copy
from scc_task.rest import emptied_s

OPERATOR_KEYS: Final = ("y", "n", "r")
CHECK_TEXT: Final = "calibration_check"
CHECK_TASK: Final = "check"
"""Added to the protocol's task label: a check is a run of its own, and no part of a calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRequest:
    """What the operator asks for. ``seed`` is ``None`` for any.

    ``resume``: go on where this session's calibration was interrupted. ``emulate``: take the rig as
    if everything in it were emulated. ``check``: only see whether the stored pressure still holds.
    """

    protocol: Path
    rig: Path
    subject: str
    session: str
    data: Path
    seed: int | None
    resume: bool = False
    emulate: bool = False
    check: bool = False


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
    checks
        The stored calibration that is only checked, if that is all.
    """

    run: Prepared
    protocol: Loaded[CalibrationProtocol]
    rig: Loaded[Rig]
    procedure: Procedure
    warm_up_mmhg: float | None
    checks: Found | None = None


def prepare_calibration(request: CalibrationRequest) -> PreparedCalibration:
    """Check and compile a calibration.

    Raises
    ------
    FilesInvalid
        With the problems of a file.
    UsageInvalid
        If there is nothing to resume, or a key has two meanings.
    CalibrationRefused
        If there is nothing to check.
    PlanRefused
        If the calibration could meet a limit before its end.
    """
    protocol = load_calibration_protocol(request.protocol)
    model = protocol.model
    texts = load_texts(text_file(request.protocol, model.language))
    shown = _shown(model, check=request.check)
    _check_texts(protocol, texts, shown)
    rig = load_rig(request.rig)
    room = rig.model.as_emulated() if request.emulate else rig.model
    _check_room(room, rig, texts)
    name = free_name(
        request.data,
        subject=request.subject,
        session=request.session,
        task=model.task + (CHECK_TASK if request.check else ""),
        run=None,
    )
    if request.check and request.resume:
        raise UsageInvalid(
            "a check is short: it is begun anew, not resumed",
            where="--resume",
            do="leave out --resume, or --check",
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
    if any(isinstance(d, Requested) for _, found in chain for d in found.documents):
        shown = shown.without_practice()
    plan = _plan(model, texts.model, shown, task=name.task, limits=limits, seed=seed)
    inflated_s, inflations = used_dose(request.data, name.subject, name.session)
    checks = None
    warm_up_mmhg = _warm_up_mmhg(earlier) if chain else None
    if request.check:
        checks = check.stored_for(
            *(request.data, name.subject, name.session, model.target),
            rig=room,
            limits=limits,
            now=RealClock().wall(),
        )
        accepted = checks.calibration.model
        procedure = check.procedure_of(protocol, accepted, ceiling_mmhg=limits.ceiling_mmhg)
        worst = check_worst(model, check.target_of(accepted, model.target).mmhg)
    else:
        procedure = procedure_for(model, seed=seed, ceiling_mmhg=limits.ceiling_mmhg)
        given = sum(outcome.given for outcome in earlier)
        worst = worst_of(model, given=given, warm_up=warm_up_mmhg is not None)
    refuse_if_it_could_not_end(
        worst,
        limits=limits,
        used=Dose(inflations=inflations, inflated_s=inflated_s),
        able=DRIVERS[room.cuff.driver].capabilities,
    )
    run = Prepared(
        name=name,
        rig=room,
        rig_file=Path(rig.file),
        plan=plan,
        found=checks,
        inputs=whole_files(
            protocol=protocol,
            texts=texts,
            rig=rig,
            calibration=None if checks is None else checks.calibration,
        ),
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
        warm_up_mmhg=warm_up_mmhg,
        checks=checks,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is shown before the first inflation: keys of texts, and whether the scale is practised."""

    instructions: tuple[str, ...]
    practice: bool

    @property
    def own(self) -> tuple[str, ...]:
        """Return the keys of texts that the program shows by itself."""
        return (WAIT_TEXT, *(practice.TEXTS if self.practice else ()))

    def without_practice(self) -> "_Shown":
        return dataclasses.replace(self, practice=False)


def _shown(model: CalibrationProtocol, *, check: bool) -> _Shown:
    if check:  # the scale is known from the calibration
        return _Shown(instructions=(CHECK_TEXT,), practice=False)
    return _Shown(instructions=model.instructions, practice=model.practice)


def _check_texts(
    protocol: Loaded[CalibrationProtocol], texts: Loaded[Texts], shown: _Shown
) -> None:
    model = protocol.model
    problems = [
        protocol.problem(
            f"there is no text '{key}' in {texts.file}",
            ("instructions", model.instructions.index(key)) if key in model.instructions else (),
            do="add it there, or use another text"
            if key in model.instructions
            else "add it there; the shipped text/en.yaml has it",
        )
        for key in (*shown.instructions, *shown.own)
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
    else:
        scale = texts.model.scales[model.rating.scale]
        if (scale.lowest, scale.highest) != (0, 100):
            problems.append(
                protocol.problem(
                    f"the scale '{model.rating.scale}' goes from {scale.lowest} to {scale.highest}",
                    ("rating", "scale"),
                    do="a calibration rates from 0 to 100: use a scale without 'from' and 'to'",
                )
            )
    if problems:
        raise FilesInvalid(problems)


def _check_room(room: Rig, rig: Loaded[Rig], texts: Loaded[Texts]) -> None:
    """Refuse a room in which a calibration makes no sense or does harm."""
    able = DRIVERS[room.cuff.driver].capabilities
    if not able.sets_pressure:
        raise UsageInvalid(
            f"the pressure of a {room.cuff.driver} cuff is set by hand: it cannot be calibrated here",
            where=f"{rig.file}, cuff: driver",
            do="use a cuff that takes its pressure from the program, or write a calibration file by hand",
        )
    problems = [
        *vent_problems(dataclasses.replace(rig, model=room)),
        *grip_problems(room, texts),
    ]
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


def _plan(
    model: CalibrationProtocol, texts: Texts, shown: _Shown, *, task: str, limits: Limits, seed: int
) -> Plan:
    """Return the plan as far as it is known: what comes before the first inflation."""
    steps: list[Step] = []
    for number, key in enumerate(shown.instructions, start=1):
        steps.append(
            Step(
                number=number,
                kind=StepKind.SHOW,
                onset_ms=(number - 1) * practice.READING_MS,
                duration_ms=practice.READING_MS,
                trial_type=TrialType.INSTRUCTION,
                text=key,
            )
        )
    scale = model.rating.scale
    if shown.practice:
        steps += practice.practice_steps(
            number=len(steps) + 1,
            from_ms=len(steps) * practice.READING_MS,
            scale=scale,
            rate_ms=round(1000 * model.rating.for_s),
        )
    keys = sorted({*own_texts(texts), *shown.instructions, *shown.own})
    return Plan(
        protocol=model.name,
        task=task,
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
