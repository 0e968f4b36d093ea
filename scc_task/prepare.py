"""From a request on the command line to a plan that may run: files read, checked, compiled, dry-run."""

import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from hardware.clock import RealClock
from hardware.interlock import Given
from hardware.registry import DRIVERS
from hardware.sim.participant import PainCurve, draw_curve
from scc_task.calibration.find import finder, resolve_of
from scc_task.calibration.last_check import stopped_runs
from scc_task.dryrun import dry_run
from scc_task.overrides import Override, needed
from scc_task.plan.compile import Resolve, compile_plan, unresolved
from scc_task.plan.dose import Dose
from scc_task.plan.steps import Plan, ResolvedPressure
from scc_task.protocol.check import Checked, Found, check_protocol
from scc_task.protocol.load import Loaded
from scc_task.protocol.rig import Rig
from scc_task.record.dose import used_dose
from scc_task.record.paths import RunName, next_run, refuse_if_exists
from scc_task.rest import emptied_s

RESUMES: Final = "resumes"
"""Key of the provenance of a calibration that goes on where another run ended."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the operator asks for. ``run`` and ``seed`` are ``None`` for "the next" and "any".

    ``emulate``: take the rig as if everything in it were emulated.
    """

    protocol: Path
    rig: Path
    calibration: Path | None
    subject: str
    session: str
    run: int | None
    data: Path = field(kw_only=True)
    seed: int | None = field(kw_only=True)
    emulate: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that passed every check which needs no port and no window.

    Attributes
    ----------
    rig_file
        Where the rig was read.
    found
        The accepted calibration that the run uses, if it found one by itself.
    inputs
        Every file that shaped the run, whole.
    overrides
        What somebody has to allow before it.
    given
        What the session has had before it.
    person
        The emulated participant, should there be one.
    calibrates
        Its inflations are decided on the way.
    resumes, resumed_device
        The run that it goes on from, if a calibration was interrupted, and the device of then.
    known_before
        What a calibration knows of pressures that were too much, for the record.
    warnings
        What the operator should know before it begins, for console and record.
    """

    name: RunName
    rig: Rig
    rig_file: Path
    plan: Plan
    found: Found | None
    inputs: tuple[dict[str, str], ...]
    overrides: tuple[Override, ...]
    given: Given
    data: Path
    person: PainCurve
    calibrates: bool = False
    resumes: RunName | None = None
    resumed_device: Mapping[str, Any] | None = None
    known_before: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def uses_cuff(self) -> bool:
        """Return whether a cuff is needed."""
        return self.calibrates or bool(self.plan.inflations)


def whole_files(**files: Loaded[Any] | None) -> tuple[dict[str, str], ...]:
    """Return files with their roles, names, digests and texts, for the record."""
    return tuple(
        {"role": role, "name": Path(f.file).name, "sha256": f.sha256, "text": f.text}
        for role, f in files.items()
        if f is not None
    )


def free_name(data: Path, *, subject: str, session: str, task: str, run: int | None) -> RunName:
    """Return the name of a run, the next free number if none is given.

    Raises
    ------
    RunExists, UsageInvalid
        If the name is taken or cannot be one.
    """
    name = RunName(subject=subject, session=session, task=task, run=run or 1)
    if run is None:
        name = replace(name, run=next_run(data, name))
    refuse_if_exists(data, name)
    return name


def person_of(subject: str) -> PainCurve:
    """Return the emulated participant of a label: the same label is the same person."""
    digest = hashlib.sha256(f"participant {subject}".encode()).digest()
    return draw_curve(int.from_bytes(digest[:4], "big"))


def prepare(request: RunRequest) -> Prepared:
    """Check and compile a run.

    Raises
    ------
    FilesInvalid
        With all problems of all files.
    PlanRefused
        If the compiled plan passes a limit.
    RunExists, UsageInvalid
        If the run's name is taken or cannot be one.
    """
    checked = check_protocol(
        request.protocol,
        request.rig,
        request.calibration,
        subject=request.subject,
        emulate=request.emulate,
        find=finder(
            *(request.data, request.subject, request.session),
            now=RealClock().wall(),
            rig_file=request.rig,
        ),
    )
    assert checked.rig is not None  # noqa: S101  it was asked for
    rig = checked.rig.model
    name = free_name(
        request.data,
        subject=request.subject,
        session=request.session,
        task=checked.protocol.model.task,
        run=request.run,
    )
    person = person_of(request.subject)
    plan = compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=checked.limits,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        resolve=pressures_for(checked, person, request.subject),
    )
    inflated_s, inflations = used_dose(request.data, name.subject, name.session)
    dry_run(
        plan,
        used=Dose(inflations=inflations, inflated_s=inflated_s),
        able=DRIVERS[rig.cuff.driver].capabilities,
    )
    found = checked.found
    return Prepared(
        name=name,
        rig=rig,
        rig_file=Path(checked.rig.file),
        plan=plan,
        found=found,
        inputs=whole_files(
            protocol=checked.protocol,
            texts=checked.texts,
            rig=checked.rig,
            calibration=found.calibration if found else checked.calibration,
        ),
        overrides=needed(plan, rig.limits),
        given=Given(
            inflations=inflations,
            inflated_s=inflated_s,
            emptied_s=emptied_s(rig, request.data, name.subject, name.session, RealClock()),
        ),
        data=request.data,
        person=person,
        warnings=stopped_runs(
            *(request.data, name.subject, name.session),
            site=rig.cuff.site,
            simulated=rig.simulated,
            calibration=found.calibration if found else None,
        )
        if plan.inflations
        else (),
    )


def pressures_for(checked: Checked, person: PainCurve, subject: str) -> Resolve:
    """Return where ratings become pressures: the calibration, or on a simulated rig the curve."""
    if checked.rig is None or not checked.rig.model.simulated:
        # otherwise only reached without ratings: the check has refused the rest
        return resolve_of(checked, unresolved)

    def from_curve(name: str, rating: float) -> ResolvedPressure:
        mmhg = float(math.floor(person.pressure_mmhg(rating)))
        source = f"curve of the emulated participant {subject} (P40 {person.p40_mmhg:g} mmHg)"
        return ResolvedPressure(name=name, mmhg=mmhg, rating=rating, source=source)

    return resolve_of(checked, from_curve)
