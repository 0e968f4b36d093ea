"""The most that a calibration could come to ask for, held against the limits before it starts.

Which inflations come is not known before; how many at most, how long and from which pressure on is. What
could run into a limit half-way is refused at the beginning, when nobody has been pressed in vain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.cuff import Capabilities
from hardware.errors import LimitExceeded
from hardware.limits import Limits
from scc_task.calibration.guard import LOWEST_MMHG
from scc_task.dryrun import PlanRefused
from scc_task.plan.dose import Dose
from scc_task.protocol.calibration_protocol import CalibrationProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The most that is left to give.

    Attributes
    ----------
    inflations
        How many at most.
    longest_s
        The longest of them.
    inflated_s
        All of them together.
    least_mmhg
        Pressures that have to be given whatever is rated, with the keys that ask for them.
    needed
        No fewer ``inflations`` may stand in the protocol: it would never come to a result.
    """

    inflations: int
    longest_s: float
    inflated_s: float
    least_mmhg: tuple[tuple[str, float], ...]
    needed: int


def worst_of(protocol: CalibrationProtocol, *, given: int = 0) -> Worst:
    """Return the most that a calibration could still ask for.

    Parameters
    ----------
    given
        Inflations of the calibration that were given before it was interrupted.
    """
    familiar, hold_s = protocol.familiarise, protocol.stimulus.hold_s
    left = max(0, protocol.safety.inflations - given)
    unrated = min(left, max(0, familiar.count - given))
    return Worst(
        inflations=left,
        longest_s=max(hold_s, familiar.hold_s if unrated else _pre_exposure_s(protocol)),
        # the longer of the two, wherever it is not known which comes
        inflated_s=unrated * familiar.hold_s
        + (left - unrated) * max(hold_s, _pre_exposure_s(protocol)),
        least_mmhg=tuple(_least(protocol)),
        needed=protocol.least_inflations,
    )


def check_worst(protocol: CalibrationProtocol, accepted_mmhg: float) -> Worst:
    """Return the most that the check of an accepted pressure could ask for."""
    confirm, safety, hold_s = protocol.confirm, protocol.safety, protocol.stimulus.hold_s
    rated = 1 if confirm is None else 1 + confirm.tries * confirm.times
    inflations = min(safety.inflations, rated * (safety.repeats + 1))
    return Worst(
        inflations=inflations,
        longest_s=hold_s,
        inflated_s=inflations * hold_s,
        least_mmhg=(("the accepted pressure", accepted_mmhg),),
        needed=protocol.least_inflations,
    )


def refuse_if_it_could_not_end(
    worst: Worst, *, limits: Limits, used: Dose, able: Capabilities
) -> None:
    """Refuse what could run into a limit before its end.

    Parameters
    ----------
    used
        What this session has given the participant already.
    able
        What the cuff of this room can do.

    Raises
    ------
    PlanRefused
        With every limit that could be met.
    """
    found = tuple(
        LimitExceeded(what, where=where, do=do)
        for what, where, do in _findings(worst, limits, used, able)
    )
    if found:
        raise PlanRefused(found)


def _findings(
    worst: Worst, limits: Limits, used: Dose, able: Capabilities
) -> Iterator[tuple[str, str, str]]:
    longest_s = limits.inflation_s
    if able.longest_s is not None:
        longest_s = min(longest_s, able.longest_s)
    if worst.longest_s > longest_s:
        yield (
            f"an inflation of {worst.longest_s:g} s; the limit is {longest_s:g} s",
            "stimulus, hold_s",
            "shorten 'hold_s' in the calibration protocol; the limit is the rig's or the cuff's",
        )
    for key, mmhg in worst.least_mmhg:
        if mmhg > limits.ceiling_mmhg:
            yield (
                f"{mmhg:g} mmHg; the ceiling is {limits.ceiling_mmhg:g} mmHg",
                key,
                "lower it in the calibration protocol, or calibrate; the ceiling is set in the rig file",
            )
    if limits.ceiling_mmhg < LOWEST_MMHG:
        yield (
            f"the ceiling is {limits.ceiling_mmhg:g} mmHg, and nothing below {LOWEST_MMHG:g} mmHg is given",
            "limits",
            "raise 'ceiling_mmhg' in the rig file",
        )
    inflations = used.inflations + worst.inflations
    if inflations > limits.session_inflations:
        yield (
            f"it could come to {inflations} inflations in this session ({used.inflations} given already, "
            f"up to {worst.inflations} more); the limit is {limits.session_inflations}",
            "safety, inflations",
            _fewer(limits.session_inflations - used.inflations, worst.needed),
        )
    inflated_s = used.inflated_s + worst.inflated_s
    if inflated_s > limits.session_inflated_s:
        left = (limits.session_inflated_s - used.inflated_s) // worst.longest_s
        yield (
            f"it could come to {inflated_s:.0f} s inflated in this session ({used.inflated_s:.0f} s given "
            f"already, up to {worst.inflated_s:.0f} s more); the limit is {limits.session_inflated_s:g} s",
            "safety, inflations",
            _fewer(int(left), worst.needed),
        )


def _fewer(left: int, needed: int) -> str:
    if left < needed:
        return "calibrate in another session"
    return (
        f"write 'inflations: {left}' or less under 'safety' in the calibration protocol, or calibrate in "
        "another session"
    )


def _pre_exposure_s(protocol: CalibrationProtocol) -> float:
    """Return how long the unrated inflations of a regression are held, if there are any."""
    numbers = protocol.regression
    return protocol.familiarise.hold_s if numbers is not None and numbers.pre_exposure_mmhg else 0.0


def _least(protocol: CalibrationProtocol) -> Iterator[tuple[str, float]]:
    if protocol.familiarise.count:
        yield "familiarise, mmhg", protocol.familiarise.mmhg
    if protocol.ascent is not None:
        yield "ascent, start_mmhg", protocol.ascent.start_mmhg
    if protocol.staircase is not None:
        yield "staircase, start_mmhg", protocol.staircase.start_mmhg
    if protocol.fixed is not None:
        for level in protocol.fixed.levels_mmhg:
            yield "fixed, levels_mmhg", level
    if protocol.regression is not None:
        for level in protocol.regression.pre_exposure_mmhg:
            yield "regression, pre_exposure_mmhg", level
