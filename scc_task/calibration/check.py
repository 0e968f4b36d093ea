"""Does a stored pressure still hold on another occasion, such as lying in the scanner.

It may be adjusted within the interval that was accepted, never above the highest pressure that was
given and borne then, nor to one that was too much then. What lies outside is a new calibration's
business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hardware.limits import Limits
from scc_task.calibration.check_verdict import Held as Held
from scc_task.calibration.check_verdict import check_procedure, judge
from scc_task.calibration.check_verdict import range_mmhg as range_mmhg
from scc_task.calibration.check_verdict import target_of as target_of
from scc_task.calibration.command import calibrate_command
from scc_task.calibration.find import find, first_session
from scc_task.calibration.last_check import known_since
from scc_task.calibration.measured import Hold, worst_off
from scc_task.calibration.refusals import NoCalibration
from scc_task.calibration.store import entries
from scc_task.calibration.talk import Finished, Outcome, Procedure
from scc_task.errors import UsageInvalid
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.check import Found
from scc_task.protocol.load import Loaded
from scc_task.protocol.model import CalibrationPolicy
from scc_task.protocol.rig import Rig


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check came to, in words, and what to do.

    ``mmhg``: the pressure that holds now, if one does. ``use``: what accepting it is for.
    """

    held: Held
    words: str
    do: str
    mmhg: float | None
    use: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """In which session a check is made, and what is stored around it.

    ``first_session``: whose pressure the policy ``same_pressure`` uses. ``age_days``: of the calibration;
    ``None`` where it was simulated.
    """

    session: str
    first_session: str | None
    age_days: int | None


def place_of(found: Found, data: Path, session: str, *, rig: Rig, now: datetime) -> Place:
    """Return where a calibration is checked."""
    model = found.calibration.model
    age_days = (now.astimezone(UTC).date() - model.accepted.time.date()).days
    return Place(
        session=session,
        first_session=first_session(entries(data, model.subject), rig),
        age_days=None if model.simulated else age_days,
    )


def stored_for(
    data: Path,
    subject: str,
    session: str,
    rating: float,
    *,
    rig: Rig,
    limits: Limits,
    now: datetime,
    rig_file: Path | None = None,
) -> Found:
    """Return the calibration to check: this session's newest, or else the first session's.

    What was too much in a check since then bounds it too.

    Raises
    ------
    CalibrationRefused
        As for a run.
    """
    own = any(e.session == session for e in entries(data, subject))
    policy = CalibrationPolicy(policy="recalibrate" if own else "same_pressure")
    found = find(
        *(data, subject, session, policy),
        rig=rig,
        ratings=(rating,),
        limits=limits,
        now=now,
        rig_file=rig_file,
        to_check=True,
    )
    if found is not None:
        now_known = known_since(data, found.calibration, simulated=rig.simulated)
        return replace(found, calibration=now_known)
    raise NoCalibration(
        f"no calibration is stored for participant {subject}: there is nothing to check",
        path=data / "sourcedata" / f"sub-{subject}" / f"ses-{session}",
        do=f"calibrate: {calibrate_command(subject, session, data=data, rig_file=rig_file)}",
    )


def procedure_of(
    protocol: Loaded[CalibrationProtocol], accepted: Accepted, *, ceiling_mmhg: float
) -> Procedure:
    """Return the procedure of a check.

    Raises
    ------
    UsageInvalid
        If the protocol has no rule to check by.
    """
    model = protocol.model
    if model.confirm is None:
        raise UsageInvalid(
            "this protocol confirms nothing, so it has no rule to check by",
            where=protocol.file,
            do="add the block 'confirm:' as in protocols/calibration.yaml, or check with that file",
        )
    return check_procedure(model, accepted, ceiling_mmhg=ceiling_mmhg)


def conclude_check(
    protocol: CalibrationProtocol,
    accepted: Accepted,
    outcomes: Sequence[Outcome],
    finished: Finished,
    *,
    ceiling_mmhg: float,
    place: Place,
    again: str = "calibrate again",
    measured: Sequence[Hold] = (),
) -> CheckResult:
    """Return what a check came to.

    Parameters
    ----------
    again
        How to calibrate again, for a person.
    measured
        What the cuff measured meanwhile.
    """
    target = target_of(accepted, protocol.target)
    judged = judge(
        protocol, accepted, outcomes, finished, ceiling_mmhg=ceiling_mmhg, measured=measured
    )
    use = ""
    if worst_off(measured) is not None:
        do = (
            "look for a leak or a kink in hose and cuff, see that the cuff fits, then check again; "
            "nothing was changed in the store"
        )
    elif judged.held is Held.HOLDS:
        do = _go_on(accepted, place, again)
    elif judged.held is Held.ADJUSTED and judged.mmhg is not None:
        use = _use(judged.mmhg, place)
        do = (
            f"accept it {use}, or {again}; no run uses {target.mmhg:g} mmHg after this, unless a later "
            "check finds that it holds"
        )
    elif judged.held is Held.UNKNOWN:
        do = f"check again, or {again}; nothing was changed in the store"
    else:
        do = f"{again}; nothing was changed in the store"
    return CheckResult(held=judged.held, words=judged.words, do=do, mmhg=judged.mmhg, use=use)


def _go_on(accepted: Accepted, place: Place, again: str) -> str:
    """Return what to do with a pressure that holds: which runs use it."""
    own, first = accepted.session == place.session, accepted.session == place.first_session
    words = "go on with the run"
    if not own:
        words += (
            f", if its protocol says 'policy: same_pressure'; with 'recalibrate' it needs a calibration of "
            f"ses-{place.session}: {again}"
        )
    elif not first:
        words += (
            ", if its protocol says 'policy: recalibrate'; with 'same_pressure' it uses the pressure of "
            f"ses-{place.first_session}, which was not checked"
        )
    if place.age_days:
        words += (
            f"; the calibration is {place.age_days} day{'s' if place.age_days != 1 else ''} old, and a run "
            "refuses it where 'max_age_days' in its protocol is less"
        )
    return words


def _use(mmhg: float, place: Place) -> str:
    """Return what accepting an adjusted pressure is for: it becomes the calibration of this session."""
    if place.session == place.first_session:
        return f"to use {mmhg:g} mmHg from now on"
    return (
        f"to use {mmhg:g} mmHg in runs of ses-{place.session} whose protocol says 'policy: recalibrate' "
        f"(with 'same_pressure' they keep the pressure of ses-{place.first_session})"
    )
