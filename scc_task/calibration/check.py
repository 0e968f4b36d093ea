"""Does a stored pressure still hold on another occasion, such as lying in the scanner.

It may be adjusted within the interval that was accepted, never above the highest pressure that was
given and borne then. What lies outside is a new calibration's business.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from hardware.limits import Limits
from scc_task.calibration.estimate import rated
from scc_task.calibration.find import find
from scc_task.calibration.guard import GRID_MMHG, down
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
    """What a check came to, in words, and what to do. ``mmhg``: the pressure that holds now, if one does."""

    held: Held
    words: str
    do: str
    mmhg: float | None


def stored_for(
    data: Path,
    subject: str,
    session: str,
    rating: float,
    *,
    rig: Rig,
    limits: Limits,
    now: datetime,
) -> Found:
    """Return the calibration to check: this session's newest, or else the first session's.

    Raises
    ------
    CalibrationRefused
        As for a run.
    """
    own = any(e.session == session for e in entries(data, subject))
    policy = CalibrationPolicy(policy="recalibrate" if own else "same_pressure")
    found = find(data, subject, session, policy, rig=rig, ratings=(rating,), limits=limits, now=now)
    if found is None:
        raise NoCalibration(
            f"no calibration is stored for participant {subject}: there is nothing to check",
            path=data / "sourcedata" / f"sub-{subject}" / f"ses-{session}",
            do=f"calibrate: run_task.py calibrate --subject {subject} --session {session}",
        )
    return found


def target_of(accepted: Accepted, rating: float) -> Target:
    """Return the stored target of a rating; `stored_for` has refused a calibration without it."""
    return next(target for target in accepted.targets if target.rating == rating)


def range_mmhg(accepted: Accepted, rating: float, *, ceiling_mmhg: float) -> tuple[float, float]:
    """Return from where to where a check may adjust the pressure of a rating."""
    target = target_of(accepted, rating)
    high = min(max(target.mmhg, down(target.high_mmhg)), accepted.highest_given_mmhg, ceiling_mmhg)
    return min(target.mmhg, down(target.low_mmhg)), high


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
) -> CheckResult:
    """Return what a check came to."""
    target = target_of(accepted, protocol.target)
    name = f"P{target.rating:g}"
    seen = "; ".join(f"{mmhg:g} mmHg was rated {rating:g}" for mmhg, rating in rated(outcomes))
    low, high = range_mmhg(accepted, target.rating, ceiling_mmhg=ceiling_mmhg)
    now_mmhg = finished.confirmed_mmhg
    again = f"calibrate again: run_task.py calibrate --subject {accepted.subject}"
    if now_mmhg is None or not finished.good:
        return CheckResult(
            held=Held.FAILED,
            words=f"{name} = {target.mmhg:g} mmHg does not hold: {finished.why}"
            + (f" ({seen})" if seen else ""),
            do=f"{again}; nothing was changed in the store",
            mmhg=None,
        )
    if abs(now_mmhg - target.mmhg) < GRID_MMHG:
        return CheckResult(
            held=Held.HOLDS,
            words=f"{name} = {target.mmhg:g} mmHg holds: {seen}",
            do="go on with the run",
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
        do=f"accept it to use {now_mmhg:g} mmHg from now on; otherwise {target.mmhg:g} mmHg stays",
        mmhg=now_mmhg,
    )
