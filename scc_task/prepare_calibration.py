"""From a request on the command line to a calibration that may begin: files read, checked, compiled."""

import dataclasses
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardware.clock import RealClock
from hardware.interlock import Given
from hardware.limits import Limits
from hardware.registry import DRIVERS
from scc_task.calibration import check, practice
from scc_task.calibration.accepted_before import refuse_accepted
from scc_task.calibration.command import calibrate_command
from scc_task.calibration.course import WAIT_TEXT
from scc_task.calibration.last_check import CHECK_TASK, stopped_runs
from scc_task.calibration.procedures import procedure_for
from scc_task.calibration.talk import Procedure
from scc_task.calibration.too_much_before import known_before, refuse_too_much_since
from scc_task.calibration.worst_case import check_worst, refuse_if_it_could_not_end, worst_of
from scc_task.errors import FilesInvalid, UsageInvalid
from scc_task.overrides import needed
from scc_task.plan.dose import Dose
from scc_task.plan.steps import Cue, DummyKind, Plan, Scale, ScannerPlan, Step, StepKind, TrialType
from scc_task.prepare import Prepared, free_name, person_of, whole_files
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
from scc_task.rest import emptied_s
from scc_task.resume_calibration import Earlier, earlier_runs, refuse_to_accept, replayed

OPERATOR_KEYS: Final = ("y", "n", "r")
CHECK_TEXT: Final = "calibration_check"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRequest:
    """What the operator asks for. ``seed`` is ``None`` for any.

    ``resume``: go on where this session's calibration was interrupted. ``emulate``: take the rig as
    if everything in it were emulated. ``check``: only see whether the stored pressure still holds.
    ``accept``: only decide on a calibration that has come to its end; nothing is inflated.
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
    accept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCalibration:
    """A calibration that may begin.

    Attributes
    ----------
    run
        What any run needs to open its devices.
    procedure
        Has been told what an interrupted run before it had found out, and begins with the last
        pressure that was rated, or less.
    trials
        Requests of the runs before: numbers go on through interruptions.
    checks
        The stored calibration that is only checked, if that is all.
    earlier
        The runs that it goes on after.
    notes
        What the operator should know before deciding.
    """

    run: Prepared
    protocol: Loaded[CalibrationProtocol]
    rig: Loaded[Rig]
    procedure: Procedure
    trials: int = 0
    checks: Found | None = None
    earlier: Earlier | None = None
    notes: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Return the command that calibrates this participant anew, as it can be typed."""
        name, rehearsed = self.run.name, self.run.rig.simulated and not self.rig.model.simulated
        return calibrate_command(
            *(name.subject, name.session),
            data=self.run.data,
            rig_file=self.run.rig_file,
            protocol=Path(self.protocol.file),
            option="--simulate" if rehearsed else "",
        )


def prepare_calibration(request: CalibrationRequest) -> PreparedCalibration:
    """Check and compile a calibration.

    Raises
    ------
    FilesInvalid
        With the problems of a file.
    UsageInvalid
        If there is nothing to resume or to accept, or a key has two meanings.
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
    _refuse_two_things(request)
    limits = room.limits.as_limits()
    before = None
    if request.resume or request.accept:
        before = earlier_runs(
            *(request.data, name),
            protocol=protocol,
            room=room,
            rig_file=request.rig,
            seed=request.seed,
            ended=request.accept,
        )
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    if before is not None:
        name = before.last.name if request.accept else name
        seed = before.seed
        shown = shown.without_practice() if before.has_begun else shown
    plan = _plan(model, texts.model, shown, task=name.task, limits=limits, seed=seed)
    # nothing inflates where something is only accepted
    inflated_s, inflations = (
        (0.0, 0) if request.accept else used_dose(request.data, name.subject, name.session)
    )
    checks = None
    notes: tuple[str, ...] = ()
    earlier = before.outcomes if before is not None else ()
    known = known_before(
        *(request.data, name, room),
        stop_rating=model.safety.stop_rating,
        goes_on_after=() if before is None else [run.start for run in before.runs],
    )
    if request.check:
        checks = check.stored_for(
            *(request.data, name.subject, name.session, model.target),
            rig=room,
            limits=limits,
            now=RealClock().wall(),
            rig_file=request.rig,
        )
        accepted = checks.calibration.model
        procedure = check.procedure_of(protocol, accepted, ceiling_mmhg=limits.ceiling_mmhg)
        worst = check_worst(model, check.target_of(accepted, model.target).mmhg)
        notes = stopped_runs(
            *(request.data, name.subject, name.session),
            site=room.cuff.site,
            simulated=room.simulated,
            calibration=checks.calibration,
        )
    else:
        procedure = procedure_for(model, seed=seed, ceiling_mmhg=limits.ceiling_mmhg)
        if before is not None:
            procedure = replayed(procedure, before, ceiling_mmhg=limits.ceiling_mmhg)
        if before is not None and request.accept:
            refuse_to_accept(procedure, before, rig=rig)
            journal = before.last.contents.path
            notes = refuse_too_much_since(
                *(request.data, name, room, journal), protocol=model, procedure=procedure
            ) + refuse_accepted(request.data, name, journal)
        else:
            procedure.know(known.too_much)
            notes = tuple(f"EARLIER IN THIS SESSION: {one.words}" for one in known.too_much)
        if request.resume:
            procedure.warm_up()
        given = sum(outcome.given for outcome in earlier)
        worst = worst_of(model, given=given)
    if not request.accept:
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
        resumes=before.last.name if before is not None else None,
        resumed_device=before.last.start.device if before is not None else None,
        known_before=known.as_dict(),
        warnings=notes if request.check else (),
    )
    return PreparedCalibration(
        run=run,
        protocol=protocol,
        rig=rig,
        procedure=procedure,
        trials=before.trials if before is not None else 0,
        checks=checks,
        earlier=before,
        notes=notes,
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


def _refuse_two_things(request: CalibrationRequest) -> None:
    wanted = [
        option
        for option, given in (
            ("--check", request.check),
            ("--resume", request.resume),
            ("--accept", request.accept),
        )
        if given
    ]
    if len(wanted) > 1:
        raise UsageInvalid(
            "a check is short: it is begun anew, not resumed"
            if wanted == ["--check", "--resume"]
            else f"{' and '.join(wanted)} are different things",
            where=wanted[1],
            do=f"leave out {' or '.join(wanted)}",
        )
