"""Does a stored pressure still hold on another occasion, such as lying in the scanner.

It may be adjusted within the interval that was accepted, never above the highest pressure that was
given and borne then, nor to one that was too much then. What lies outside is a new calibration's
business.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hardware.limits import Limits
from scc_task.calibration.command import calibrate_command
from scc_task.calibration.estimate import rated
from scc_task.calibration.find import find, first_session
from scc_task.calibration.guard import GRID_MMHG, down
from scc_task.calibration.measured import Hold, worst_off
from scc_task.calibration.procedures import check_for
from scc_task.calibration.refusals import NoCalibration
from scc_task.calibration.store import entries
from scc_task.calibration.talk import Finished, Outcome, Procedure
from scc_task.errors import UsageInvalid
from scc_task.protocol.accepted import Accepted, Target
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.check import Found
from scc_task.protocol.load import Loaded
from scc_task.protocol.model import CalibrationPolicy
from scc_task.protocol.rig import Rig

LEAST_SD_LN: Final = 0.08
"""A person is believed to have changed by at least this much (as a share, assumed)."""


class Held(enum.StrEnum):
    """What a check came to."""

    HOLDS = "holds"
    ADJUSTED = "adjusted"
    FAILED = "failed"


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
    if found is None:
        raise NoCalibration(
            f"no calibration is stored for participant {subject}: there is nothing to check",
            path=data / "sourcedata" / f"sub-{subject}" / f"ses-{session}",
            do=f"calibrate: {calibrate_command(subject, session, data=data, rig_file=rig_file)}",
        )
    return found


def target_of(accepted: Accepted, rating: float) -> Target:
    """Return the stored target of a rating; `stored_for` has refused a calibration without it."""
    return next(target for target in accepted.targets if target.rating == rating)


def range_mmhg(accepted: Accepted, rating: float, *, ceiling_mmhg: float) -> tuple[float, float]:
    """Return from where to where a check may adjust the pressure of a rating."""
    target = target_of(accepted, rating)
    high = min(max(target.mmhg, down(target.high_mmhg)), accepted.highest_given_mmhg, ceiling_mmhg)
    too_much_mmhg = math.inf if accepted.tolerance is None else accepted.tolerance.high_mmhg
    if high >= too_much_mmhg:
        below = down(too_much_mmhg - GRID_MMHG)
        high = max(below, target.mmhg) if target.mmhg < too_much_mmhg else below
    return min(target.mmhg, down(target.low_mmhg), high), high


def expecting(protocol: CalibrationProtocol, accepted: Accepted) -> CalibrationProtocol:
    """Return the protocol with what is known of this person as its expectation.

    The expectation is of the pressure rated 40; for another target the population's is kept.
    """
    if protocol.target != 40:
        return protocol
    target = target_of(accepted, protocol.target)
    spread = math.log(target.high_mmhg / max(target.low_mmhg, 1.0)) / (2 * 1.645)
    estimate = protocol.estimate.model_copy(
        update={"median_mmhg": target.mmhg, "sd_ln": min(2.0, max(LEAST_SD_LN, spread))}
    )
    return protocol.model_copy(update={"estimate": estimate})


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
    _, high_mmhg = range_mmhg(accepted, model.target, ceiling_mmhg=ceiling_mmhg)
    return check_for(
        expecting(model, accepted),
        accepted_mmhg=target_of(accepted, model.target).mmhg,
        ceiling_mmhg=high_mmhg,
    )


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
    name = f"P{target.rating:g}"
    seen = "; ".join(f"{mmhg:g} mmHg was rated {rating:g}" for mmhg, rating in rated(outcomes))
    low, high = range_mmhg(accepted, target.rating, ceiling_mmhg=ceiling_mmhg)
    now_mmhg = finished.confirmed_mmhg
    off = worst_off(measured)
    if off is not None:
        return CheckResult(
            held=Held.FAILED,
            words=f"{name} = {target.mmhg:g} mmHg could not be checked: {off.asked_mmhg:g} mmHg was asked "
            f"for and {off.measured_mmhg:g} mmHg was measured",
            do="look for a leak or a kink in hose and cuff, see that the cuff fits, then check again; "
            "nothing was changed in the store",
            mmhg=None,
        )
    if now_mmhg is None or not finished.good:
        return CheckResult(
            held=Held.FAILED,
            words=f"{name} = {target.mmhg:g} mmHg does not hold: {finished.why}"
            + (f" ({seen})" if seen else ""),
            do=f"{again}; nothing was changed in the store",
            mmhg=None,
        )
    if now_mmhg == target.mmhg:
        return CheckResult(
            held=Held.HOLDS,
            words=f"{name} = {target.mmhg:g} mmHg holds: {seen}",
            do=_go_on(accepted, place, again),
            mmhg=target.mmhg,
        )
    if not low <= now_mmhg <= high:
        return CheckResult(
            held=Held.FAILED,
            words=f"{name} was {target.mmhg:g} mmHg and would be {now_mmhg:g} mmHg now, outside the "
            f"accepted {low:g} to {high:g} mmHg ({seen})",
            do=f"{again}; nothing was changed in the store",
            mmhg=None,
        )
    return CheckResult(
        held=Held.ADJUSTED,
        words=f"{name} was {target.mmhg:g} mmHg and is {now_mmhg:g} mmHg now: {seen}",
        do=f"accept it {_use(now_mmhg, place)}; otherwise {target.mmhg:g} mmHg stays",
        mmhg=now_mmhg,
        use=_use(now_mmhg, place),
    )


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
