"""When ratings are no measurement: the gates between an estimate and its use, each with its words."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from scc_task.calibration.talk import Finished
from scc_task.protocol.calibration_protocol import CalibrationProtocol


class Gate(enum.StrEnum):
    """Why a result is refused."""

    BAD_END = "bad end"
    TOO_FEW_POINTS = "too few points"
    FLAT = "flat or falling"
    JUMP = "jump"
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
    not_borne_mmhg: float | None = None,
) -> tuple[Refusal, ...]:
    """Return every reason to refuse a result.

    Parameters
    ----------
    points
        Pressure and rating of what the estimate used.
    mmhg, interval
        Pressure of the study's target, and its interval.
    not_borne_mmhg
        Lowest pressure that was stopped, or cut short.
    """
    found = []
    if finished is not None and not finished.good:
        found.append(Refusal(gate=Gate.BAD_END, what=finished.why, do=finished.do))
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
    found += _jump(protocol, levels)
    found += _ceiling(protocol, points)
    found += _target(protocol, levels, mmhg, interval)
    if mmhg is not None and not_borne_mmhg is not None and mmhg >= not_borne_mmhg:
        found.append(
            Refusal(
                gate=Gate.NOT_BORNE,
                what=f"rating {protocol.target:g} would need {mmhg:g} mmHg, but "
                f"{not_borne_mmhg:g} mmHg was not borne to the end",
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
