"""What the operator may do at the end of a procedure: take it as it is, or have a pressure given again."""

from collections.abc import Sequence
from dataclasses import dataclass

from scc_task.calibration.estimate import Result, conclude
from scc_task.calibration.measured import Hold
from scc_task.calibration.talk import Finished, Procedure
from scc_task.calibration.verdict import verdict_line
from scc_task.protocol.calibration_protocol import CalibrationProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is put to the operator.

    ``acceptable``: the result passed its gates. ``repeat_mmhg``: the pressure that may be given once
    more, or ``None``.
    """

    verdict: str
    acceptable: bool
    repeat_mmhg: float | None


def offer_of(
    protocol: CalibrationProtocol,
    procedure: Procedure,
    finished: Finished,
    *,
    measured: Sequence[Hold] = (),
) -> Offer:
    """Return what the operator may do, now that a procedure has ended.

    ``measured``: what the cuff measured meanwhile.
    """
    result = conclude(protocol, procedure.outcomes, finished, measured=measured)
    wish_mmhg = _worth_repeating(protocol, result)
    return Offer(
        verdict=verdict_line(protocol, procedure.outcomes, result),
        acceptable=result.accepted,
        repeat_mmhg=wish_mmhg
        if wish_mmhg is not None and procedure.may_repeat(wish_mmhg)
        else None,
    )


def _worth_repeating(protocol: CalibrationProtocol, result: Result) -> float | None:
    """Return the pressure whose repetition may tell more; ``None`` where none can heal the result."""
    if result.accepted:
        return result.mmhg_for(protocol.target)
    wishes = [refusal.repeat_mmhg for refusal in result.refusals]
    return wishes[0] if None not in wishes else None
