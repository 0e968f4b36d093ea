"""What a check of a stored pressure found, from the outcomes that are on record.

Whoever asks gets the same answer: the check itself at its end, the run that comes after it, the list of
what is stored.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scc_task.calibration.estimate import rated, too_much_mmhg
from scc_task.calibration.guard import GRID_MMHG, down
from scc_task.calibration.measured import Hold, worst_off
from scc_task.calibration.procedures import check_for
from scc_task.calibration.talk import Finished, Outcome, Procedure
from scc_task.protocol.accepted import Accepted, Bound, Target
from scc_task.protocol.calibration_protocol import CalibrationProtocol

LEAST_SD_LN: Final = 0.08
"""A person is believed to have changed by at least this much (as a share, assumed)."""


class Held(enum.StrEnum):
    """What a check came to. ``UNKNOWN``: the pressure was not rated, so nothing new is known."""

    HOLDS = "holds"
    ADJUSTED = "adjusted"
    FAILED = "failed"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a check found, in words. ``mmhg``: the pressure that holds now, if one does."""

    held: Held
    words: str
    mmhg: float | None = None


def target_of(accepted: Accepted, rating: float) -> Target:
    """Return the stored target of a rating, which the calibration must have."""
    return next(target for target in accepted.targets if target.rating == rating)


def range_mmhg(accepted: Accepted, rating: float, *, ceiling_mmhg: float) -> tuple[float, float]:
    """Return from where to where a check may adjust the pressure of a rating."""
    target = target_of(accepted, rating)
    high = min(max(target.mmhg, down(target.high_mmhg)), accepted.highest_given_mmhg, ceiling_mmhg)
    too_much = math.inf if accepted.tolerance is None else accepted.tolerance.high_mmhg
    if high >= too_much:
        below = down(too_much - GRID_MMHG)
        high = max(below, target.mmhg) if target.mmhg < too_much else below
    return min(target.mmhg, down(target.low_mmhg), high), high


def after_too_much(accepted: Accepted, too_much: float, borne: Sequence[float]) -> Accepted:
    """Return a calibration with what is known since: a pressure that was too much, and those borne.

    Its highest pressure given then lies below, too.
    """
    if too_much == math.inf:
        return accepted
    tolerance = accepted.tolerance
    known = [*borne, *(t.mmhg for t in accepted.targets)]
    if tolerance is not None:
        known.append(tolerance.mmhg)
        too_much = min(too_much, tolerance.high_mmhg)
    below = [mmhg for mmhg in known if mmhg < too_much]
    if below:
        tolerance = Bound(mmhg=max(below), low_mmhg=max(below), high_mmhg=too_much)
    highest = max(below, default=0.0)
    highest = max(highest, min(accepted.highest_given_mmhg, down(too_much - GRID_MMHG)))
    return accepted.model_copy(update={"tolerance": tolerance, "highest_given_mmhg": highest})


def check_procedure(
    protocol: CalibrationProtocol,
    accepted: Accepted,
    *,
    ceiling_mmhg: float,
    outcomes: Sequence[Outcome] = (),
) -> Procedure:
    """Return the procedure of a check.

    Parameters
    ----------
    outcomes
        What came of it already, to be judged.

    Raises
    ------
    ValueError
        If the protocol confirms nothing.
    """
    low_mmhg, high_mmhg = range_mmhg(accepted, protocol.target, ceiling_mmhg=ceiling_mmhg)
    return check_for(
        expecting(protocol, accepted),
        accepted_mmhg=target_of(accepted, protocol.target).mmhg,
        ceiling_mmhg=high_mmhg,
        lowest_mmhg=low_mmhg,
        outcomes=outcomes,
    )


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


def ended(
    protocol: CalibrationProtocol,
    accepted: Accepted,
    outcomes: Sequence[Outcome],
    *,
    ceiling_mmhg: float,
) -> Finished | None:
    """Return how a check ended after these outcomes; ``None`` if it would have gone on."""
    procedure = check_procedure(protocol, accepted, ceiling_mmhg=ceiling_mmhg, outcomes=outcomes)
    end = procedure.next()
    return end if isinstance(end, Finished) else None


def judge(
    protocol: CalibrationProtocol,
    accepted: Accepted,
    outcomes: Sequence[Outcome],
    finished: Finished | None,
    *,
    ceiling_mmhg: float,
    measured: Sequence[Hold] = (),
) -> Judged:
    """Return what the outcomes of a check say of the stored pressure.

    Parameters
    ----------
    finished
        How it ended; ``None`` if it broke off.
    measured
        What the cuff measured meanwhile.
    """
    target = target_of(accepted, protocol.target)
    name, points = f"P{target.rating:g}", rated(outcomes)
    seen = "; ".join(f"{mmhg:g} mmHg was rated {rating:g}" for mmhg, rating in points)
    low, high = range_mmhg(accepted, target.rating, ceiling_mmhg=ceiling_mmhg)
    off = worst_off(measured)
    if off is not None:
        return Judged(
            held=Held.FAILED,
            words=f"{name} = {target.mmhg:g} mmHg could not be checked: {off.asked_mmhg:g} mmHg was asked "
            f"for and {off.measured_mmhg:g} mmHg was measured",
        )
    now_mmhg = finished.confirmed_mmhg if finished is not None and finished.good else None
    if now_mmhg is None:
        why = "no pressure was confirmed" if finished is None else finished.why
        told = any(mmhg == target.mmhg for mmhg, _ in points)
        if not told and not too_much_mmhg(protocol, outcomes):
            return Judged(
                held=Held.UNKNOWN,
                words=f"{name} = {target.mmhg:g} mmHg could not be checked: "
                + ("the check broke off before its rating" if finished is None else why),
            )
        return Judged(
            held=Held.FAILED,
            words=f"{name} = {target.mmhg:g} mmHg does not hold: {why}"
            + (f" ({seen})" if seen else ""),
        )
    if now_mmhg == target.mmhg:
        return Judged(
            held=Held.HOLDS,
            words=f"{name} = {target.mmhg:g} mmHg holds: {seen}",
            mmhg=target.mmhg,
        )
    if not low <= now_mmhg <= high:
        return Judged(
            held=Held.FAILED,
            words=f"{name} was {target.mmhg:g} mmHg and would be {now_mmhg:g} mmHg now, outside the "
            f"accepted {low:g} to {high:g} mmHg ({seen})",
        )
    return Judged(
        held=Held.ADJUSTED,
        words=f"{name} was {target.mmhg:g} mmHg and is {now_mmhg:g} mmHg now: {seen}",
        mmhg=now_mmhg,
    )
