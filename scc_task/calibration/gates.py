"""When ratings are no measurement: the gates between an estimate and its use, each with its words."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from scc_task.calibration.measured import Hold, worst_off
from scc_task.calibration.talk import Finished
from scc_task.protocol.calibration_protocol import CalibrationProtocol


class Gate(enum.StrEnum):
    """Why a result is refused."""

    BAD_END = "bad end"
    MEASURED = "another pressure measured"
    TOO_FEW_POINTS = "too few points"
    FLAT = "flat or falling"
    JUMP = "jump"
    NARROW = "pressures too close"
    CHANCE = "no relation to pressure"
    CEILING = "ratings at the ceiling"
    NOT_REACHED = "target not reached"
    WIDE = "interval too wide"
    NOT_BORNE = "not borne"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason against a result, and what to do about it.

    ``repeat_mmhg``: a pressure that may heal it, if it is given once more.
    """

    gate: Gate
    what: str
    do: str
    repeat_mmhg: float | None = None


def check_gates(
    protocol: CalibrationProtocol,
    points: Sequence[tuple[float, float]],
    *,
    mmhg: float | None,
    interval: tuple[float, float],
    finished: Finished | None,
    odds: float,
    measured: Sequence[Hold] = (),
    too_much_mmhg: float | None = None,
) -> tuple[Refusal, ...]:
    """Return every reason to refuse a result.

    Parameters
    ----------
    points
        Pressure and rating of what the estimate used.
    mmhg, interval
        Pressure of the study's target, and its interval.
    odds
        How many times as likely the ratings are if they rise with the pressure than if they have
        nothing to do with it.
    measured
        What the cuff measured while the rated pressures were held.
    too_much_mmhg
        Lowest pressure that was not borne to the end, or rated at the stop rating or more.
    """
    found = []
    if finished is not None and not finished.good:
        found.append(Refusal(gate=Gate.BAD_END, what=finished.why, do=finished.do))
    off = worst_off(measured)
    if off is not None:
        found.append(
            Refusal(
                gate=Gate.MEASURED,
                what=f"{off.asked_mmhg:g} mmHg was asked for and {off.measured_mmhg:g} mmHg was measured: "
                "the ratings belong to other pressures",
                do="look for a leak or a kink in hose and cuff, see that the cuff fits, calibrate again",
            )
        )
    levels = _levels(points)
    needed = protocol.gates.points
    if len(points) < needed or len(levels) < 2:
        found.append(
            Refusal(
                gate=Gate.TOO_FEW_POINTS,
                what=f"{len(points)} ratings of {len(levels)} different pressures; "
                f"{needed} of at least 2 are needed",
                do="go on until there are enough, or calibrate again",
            )
        )
        return tuple(found)  # what follows needs them
    found += _flat(protocol, points)
    found += _chance(protocol, levels, odds)
    found += _jump(protocol, levels)
    found += _ceiling(protocol, points)
    found += _target(protocol, levels, mmhg, interval)
    if mmhg is not None and too_much_mmhg is not None and mmhg >= too_much_mmhg:
        found.append(
            Refusal(
                gate=Gate.NOT_BORNE,
                what=f"rating {protocol.target:g} would need {mmhg:g} mmHg, but "
                f"{too_much_mmhg:g} mmHg was not borne to the end, or was rated "
                f"{protocol.safety.stop_rating:g} or more",
                do="talk with the participant; calibrate again on another occasion, or not at all",
            )
        )
    return tuple(found)


def _levels(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return each pressure once, with its median rating, in rising order."""
    pressures = sorted({p for p, _ in points})
    return [(p, median(r for q, r in points if q == p)) for p in pressures]


def _flat(protocol: CalibrationProtocol, points: Sequence[tuple[float, float]]) -> list[Refusal]:
    centre_p, centre_r = fmean(p for p, _ in points), fmean(r for _, r in points)
    slope = sum((p - centre_p) * (r - centre_r) for p, r in points) / sum(
        (p - centre_p) ** 2 for p, _ in points
    )
    if slope * 10 >= protocol.gates.slope_per_10_mmhg and slope > 0:
        return []
    how = "falls" if slope < 0 else "hardly rises"
    return [
        Refusal(
            gate=Gate.FLAT,
            what=f"the rating {how} with the pressure: {slope * 10:+.1f} for each 10 mmHg",
            do="explain the scale again, check that the cuff sits and inflates, calibrate again",
        )
    ]


def _chance(
    protocol: CalibrationProtocol, levels: list[tuple[float, float]], odds: float
) -> list[Refusal]:
    lowest, highest = levels[0][0], levels[-1][0]
    if highest - lowest < protocol.gates.span_mmhg:
        return [
            Refusal(
                gate=Gate.NARROW,
                what=f"all rated pressures lie within {highest - lowest:g} mmHg, from {lowest:g} to "
                f"{highest:g}; {protocol.gates.span_mmhg:g} mmHg are needed to see the rating rise",
                do="calibrate again, beginning with a lower pressure",
            )
        ]
    if odds < protocol.gates.odds:
        return [
            Refusal(
                gate=Gate.CHANCE,
                what="ratings that have nothing to do with the pressure could look the same "
                f"({odds:.1f} to 1 for a rise; {protocol.gates.odds:g} to 1 are needed)",
                do=f"repeat {lowest:g} mmHg; or explain the scale again and calibrate again, beginning "
                "with a lower pressure",
                repeat_mmhg=lowest,
            )
        ]
    return []


def _jump(protocol: CalibrationProtocol, levels: list[tuple[float, float]]) -> list[Refusal]:
    for (low_p, low_r), (high_p, high_r) in pairwise(levels):
        if abs(high_r - low_r) >= protocol.gates.jump:
            return [
                Refusal(
                    gate=Gate.JUMP,
                    what=f"the rating jumps from {low_r:g} at {low_p:g} mmHg "
                    f"to {high_r:g} at {high_p:g} mmHg",
                    do=f"ask what was felt; repeat {low_p:g} mmHg, then a pressure between",
                    repeat_mmhg=low_p,
                )
            ]
    return []


def _ceiling(protocol: CalibrationProtocol, points: Sequence[tuple[float, float]]) -> list[Refusal]:
    high = sum(r >= protocol.gates.ceiling_rating for _, r in points)
    if high / len(points) < protocol.gates.ceiling_share:
        return []
    return [
        Refusal(
            gate=Gate.CEILING,
            what=f"{high} of {len(points)} ratings are at {protocol.gates.ceiling_rating:g} or above",
            do="explain what the upper end of the scale means, calibrate again",
        )
    ]


def _target(
    protocol: CalibrationProtocol,
    levels: list[tuple[float, float]],
    mmhg: float | None,
    interval: tuple[float, float],
) -> list[Refusal]:
    low, high = interval
    if mmhg is None:
        return [
            Refusal(
                gate=Gate.NOT_REACHED,
                what=f"rating {protocol.target:g} was not reached: it lies above "
                f"{levels[-1][0]:g} mmHg, the highest pressure given",
                do="nothing is extrapolated: go on with higher pressures if they may be given, "
                "or record that the target was not reached",
            )
        ]
    width = high - low
    if width > max(protocol.gates.interval_mmhg, protocol.gates.interval_share * mmhg):
        return [
            Refusal(
                gate=Gate.WIDE,
                what=f"rating {protocol.target:g} lies anywhere from {low:.0f} to {high:.0f} mmHg",
                do=f"repeat inflations near {mmhg:g} mmHg, or calibrate again",
                repeat_mmhg=mmhg,
            )
        ]
    return []
