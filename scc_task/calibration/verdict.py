"""What a calibration found, in one line for the operator."""

from collections.abc import Sequence
from typing import Final

from scc_task.calibration.estimate import Result
from scc_task.calibration.talk import Outcome
from scc_task.protocol.calibration_protocol import CalibrationProtocol

_TIMES: Final = {0: "not confirmed", 1: "confirmed once", 2: "confirmed twice"}


def verdict_line(protocol: CalibrationProtocol, outcomes: Sequence[Outcome], result: Result) -> str:
    """Return the pressure of the study's target with its interval, or why there is none and what to do.

    >>> verdict_line(protocol, outcomes, result)  # doctest: +SKIP
    'P40 = 135 mmHg (90 % interval 126 to 146), confirmed twice'
    """
    target = next(t for t in result.targets if t.rating == protocol.target)
    if result.refusals:
        first, *others = result.refusals
        more = f" (and: {'; '.join(r.what for r in others)})" if others else ""
        return f"refused: {first.what}; {first.do}{more}"
    if target.mmhg is None:
        raise ValueError("a target without a pressure is refused by the gates")
    times = confirmations(protocol, outcomes, target.mmhg)
    return (
        f"P{target.rating:g} = {target.mmhg:g} mmHg ({100 * protocol.estimate.interval:g} % interval "
        f"{target.low_mmhg:.0f} to {target.high_mmhg:.0f}), "
        + _TIMES.get(times, f"confirmed {times} times")
    )


def confirmations(protocol: CalibrationProtocol, outcomes: Sequence[Outcome], mmhg: float) -> int:
    """Return how often in a row, last of all, a pressure was rated as the protocol wants it confirmed."""
    if protocol.confirm is None:
        return 0
    count = 0
    for outcome in reversed(outcomes):
        asked = outcome.request
        if asked.phase not in ("confirm", "check") or not outcome.borne or outcome.rating is None:
            continue
        off = abs(outcome.rating - protocol.target)
        if asked.pressure_mmhg != mmhg or off > protocol.confirm.within:
            break
        count += 1
    return count
