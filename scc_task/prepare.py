"""From a request on the command line to a plan that may run: files read, checked, compiled, dry-run."""

import hashlib
import math
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from hardware.clock import RealClock
from hardware.interlock import Given
from hardware.registry import DRIVERS
from hardware.sim.participant import PainCurve, draw_curve
from scc_task.calibration.find import finder, from_store
from scc_task.dryrun import dry_run
from scc_task.overrides import Override, needed
from scc_task.plan.compile import Resolve, calibrated, compile_plan, unresolved
from scc_task.plan.dose import Dose
from scc_task.plan.steps import Plan, ResolvedPressure
from scc_task.protocol.check import Checked, check_protocol
from scc_task.protocol.rig import Rig
from scc_task.record.dose import used_dose
from scc_task.record.paths import RunName, next_run, refuse_if_exists


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

    ``dose`` is the run's own, ``given`` what the session has had before it.
    """

    name: RunName
    checked: Checked
    rig: Rig
    plan: Plan
    dose: Dose
    given: Given
    data: Path
    person: PainCurve

    @property
    def overrides(self) -> tuple[Override, ...]:
        """Return what somebody has to allow before this run."""
        return needed(self.plan, self.rig.limits)

    @property
    def inputs(self) -> tuple[dict[str, str], ...]:
        """Return every file that shaped the run, whole."""
        found = self.checked.found
        files = {
            "protocol": self.checked.protocol,
            "texts": self.checked.texts,
            "rig": self.checked.rig,
            "calibration": found.calibration if found else self.checked.calibration,
        }
        return tuple(
            {"role": role, "name": Path(f.file).name, "sha256": f.sha256, "text": f.text}
            for role, f in files.items()
            if f is not None
        )


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
        find=finder(request.data, request.subject, request.session, now=RealClock().wall()),
    )
    assert checked.rig is not None  # noqa: S101  it was asked for
    rig = checked.rig.model
    name = RunName(
        subject=request.subject,
        session=request.session,
        task=checked.protocol.model.task,
        run=request.run or 1,
    )
    if request.run is None:
        name = RunName(
            subject=name.subject,
            session=name.session,
            task=name.task,
            run=next_run(request.data, name),
        )
    refuse_if_exists(request.data, name)
    person = person_of(request.subject)
    plan = compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=checked.limits,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        resolve=pressures_for(checked, person, request.subject),
    )
    inflated_s, inflations = used_dose(request.data, name.subject, name.session)
    dose = dry_run(
        plan,
        used=Dose(inflations=inflations, inflated_s=inflated_s),
        able=DRIVERS[rig.cuff.driver].capabilities,
    )
    return Prepared(
        name=name,
        checked=checked,
        rig=rig,
        plan=plan,
        dose=dose,
        given=Given(inflations=inflations, inflated_s=inflated_s),
        data=request.data,
        person=person,
    )


def pressures_for(checked: Checked, person: PainCurve, subject: str) -> Resolve:
    """Return where ratings become pressures: the calibration, or on a simulated rig the curve."""
    if checked.found is not None:
        return from_store(checked.found)
    if checked.calibration is not None:
        return calibrated(checked.calibration)
    if checked.rig is None or not checked.rig.model.simulated:
        return unresolved  # only reached without ratings: the check has refused the rest

    def from_curve(name: str, rating: float) -> ResolvedPressure:
        mmhg = float(math.floor(person.pressure_mmhg(rating)))
        source = f"curve of the emulated participant {subject} (P40 {person.p40_mmhg:g} mmHg)"
        return ResolvedPressure(name=name, mmhg=mmhg, rating=rating, source=source)

    return from_curve
