"""From the outcomes of a calibration to pressures with intervals and a verdict, or a refusal.

The curve and its uncertainty are `scc_task.calibration.curve`'s. Nothing is extrapolated: a target
whose pressure lies above the highest one given has no pressure. Pressures are rounded down. A pressure
that was confirmed is the result for the study's target, whatever the curve adds: it was given and
rated so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from scc_task.calibration.curve import Posterior, log_evidence_of_chance
from scc_task.calibration.gates import Refusal, check_gates
from scc_task.calibration.measured import Hold
from scc_task.calibration.talk import NOT_USED, Finished, Outcome
from scc_task.protocol.calibration_protocol import CalibrationProtocol

PAIN_BEGINS: Final = 5.0
"""Rating whose pressure is called the pain threshold: the curve never is quite 0 (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The pressure of a rating, with its interval.

    ``mmhg`` is ``None`` where it would lie above the highest pressure given, or where rounding leaves
    no difference to a neighbouring target; ``low_mmhg`` and ``high_mmhg`` then say where the curve
    would put it, for the record only, and ``why`` says which of these it is.
    """

    rating: float
    mmhg: float | None
    low_mmhg: float
    high_mmhg: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The curve at a pressure: median and interval of the mean rating."""

    pressure_mmhg: float
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a calibration found.

    Attributes
    ----------
    targets
        In the order of the protocol.
    threshold
        Where pain begins: the pressure rated `PAIN_BEGINS`.
    highest_borne_mmhg, lowest_not_borne_mmhg
        Highest pressure borne to the end; lowest one that was stopped or rated at the stop rating.
    accepted
        Whether all gates let it pass. ``refusals`` says why not, each with what to do.
    """

    targets: tuple[Target, ...]
    threshold: Target
    highest_borne_mmhg: float | None
    lowest_not_borne_mmhg: float | None
    accepted: bool
    refusals: tuple[Refusal, ...]

    def mmhg_for(self, rating: float) -> float | None:
        """Return the pressure of one of the targets, if it has one."""
        return next((t.mmhg for t in self.targets if t.rating == rating), None)


def rated(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return pressure and rating of the outcomes that the estimate uses.

    Familiarisation is left out: it is shorter, and people are still learning the scale. So is the first
    inflation after an interruption.
    """
    return [
        (o.request.pressure_mmhg, o.rating)
        for o in outcomes
        if o.borne and o.rating is not None and o.request.phase not in NOT_USED
    ]


def posterior_of(protocol: CalibrationProtocol, outcomes: Sequence[Outcome]) -> Posterior:
    """Return what is believed of the person's curve after these outcomes."""
    belief = Posterior.before(protocol.estimate)
    for pressure_mmhg, rating in rated(outcomes):
        belief = belief.after(pressure_mmhg, rating)
    return belief


def conclude(
    protocol: CalibrationProtocol,
    outcomes: Sequence[Outcome],
    finished: Finished | None = None,
    *,
    measured: Sequence[Hold] = (),
) -> Result:
    """Return what the outcomes so far say.

    Parameters
    ----------
    finished
        How the procedure ended; a bad end is a refusal of its own. ``None`` while it goes on.
    measured
        What the cuff measured meanwhile, as far as it measures.
    """
    belief = posterior_of(protocol, outcomes)
    points = rated(outcomes)
    highest = max((p for p, _ in points), default=0.0)
    targets = _rising([_target(protocol, belief, r, highest) for r in protocol.targets])
    too_much = too_much_mmhg(protocol, outcomes)
    place = protocol.targets.index(protocol.target)
    targets = [t if n == place else _borne(t, too_much) for n, t in enumerate(targets)]
    if finished is not None and finished.confirmed_mmhg is not None:
        targets[place] = _confirmed(targets[place], finished.confirmed_mmhg)
    wanted = targets[place]
    targets = _told_apart(targets, place)
    refusals = check_gates(
        protocol,
        points,
        mmhg=wanted.mmhg,
        interval=(wanted.low_mmhg, wanted.high_mmhg),
        finished=finished,
        too_much_mmhg=min(too_much, default=None),
        measured=measured,
        odds=math.exp(
            min(50.0, belief.log_evidence - log_evidence_of_chance([r for _, r in points]))
        ),
    )
    borne = [o.request.pressure_mmhg for o in outcomes if o.borne]
    return Result(
        targets=tuple(targets),
        threshold=_target(protocol, belief, PAIN_BEGINS, highest),
        highest_borne_mmhg=max(borne, default=None),
        lowest_not_borne_mmhg=min(too_much, default=None),
        accepted=not refusals,
        refusals=refusals,
    )


def _target(
    protocol: CalibrationProtocol, belief: Posterior, rating: float, highest_mmhg: float
) -> Target:
    tail = (1.0 - protocol.estimate.interval) / 2.0
    low, median, high = belief.pressures_mmhg(rating, (tail, 0.5, 1.0 - tail))
    step = protocol.estimate.round_down_mmhg
    mmhg: float | None = (median + 1e-6) // step * step
    # what lies above by less than the rounding is the highest pressure itself
    if median >= highest_mmhg + step or not mmhg:
        mmhg = None
    return Target(
        rating=rating,
        mmhg=None if mmhg is None else min(mmhg, highest_mmhg),
        low_mmhg=low if mmhg is None else min(low, mmhg),
        high_mmhg=high,
        why="" if mmhg is not None else f"not within what was given, {highest_mmhg:g} mmHg at most",
    )


def too_much_mmhg(protocol: CalibrationProtocol, outcomes: Sequence[Outcome]) -> list[float]:
    """Return the pressures that were not borne to the end, or rated at the stop rating or more."""
    return [
        o.request.pressure_mmhg
        for o in outcomes
        if o.given
        and (o.turned_down or (o.rating is not None and o.rating >= protocol.safety.stop_rating))
    ]


def _borne(target: Target, too_much: Sequence[float]) -> Target:
    """Return a target without its pressure, if one no higher was too much."""
    if target.mmhg is None or target.mmhg < min(too_much, default=math.inf):
        return target
    why = f"{min(too_much):g} mmHg was not borne to the end, or was rated at the stop rating"
    return replace(target, mmhg=None, why=why)


def _rising(targets: list[Target]) -> list[Target]:
    """Return the targets with intervals that never fall, as the grid's steps may make them do."""
    kept: list[Target] = []
    for target in targets:
        before = kept[-1] if kept else target
        kept.append(
            replace(
                target,
                low_mmhg=max(target.low_mmhg, before.low_mmhg),
                high_mmhg=max(target.high_mmhg, before.high_mmhg),
            )
        )
    return kept


def _confirmed(target: Target, mmhg: float) -> Target:
    """Return a target at the pressure that was confirmed: what was given and rated so is used."""
    return replace(
        target,
        mmhg=mmhg,
        why="",
        low_mmhg=min(target.low_mmhg, mmhg),
        high_mmhg=max(target.high_mmhg, mmhg),
    )


def _told_apart(targets: list[Target], place: int) -> list[Target]:
    """Return the targets without those whose pressures are no lower or higher than their neighbour's.

    The study's own target, at ``place``, stays as it is.
    """
    kept = list(targets)
    for step in (-1, 1):
        edge, at = kept[place].mmhg, place + step
        while 0 <= at < len(kept):
            mmhg = kept[at].mmhg
            if mmhg is not None and edge is not None and (mmhg - edge) * step <= 0:
                why = f"no other pressure than {edge:g} mmHg, that of its neighbour"
                kept[at] = replace(kept[at], mmhg=None, why=why)
            elif mmhg is not None:
                edge = mmhg
            at += step
    return kept


def curve_of(protocol: CalibrationProtocol, outcomes: Sequence[Outcome]) -> tuple[CurvePoint, ...]:
    """Return the curve for a plot, from the lowest to the highest pressure rated."""
    points = rated(outcomes)
    if not points:
        return ()
    belief = posterior_of(protocol, outcomes)
    tail = (1.0 - protocol.estimate.interval) / 2.0
    from_mmhg, to_mmhg = min(p for p, _ in points), max(p for p, _ in points)
    curve = []
    low, median, high = 0.0, 0.0, 0.0
    for number in range(41):
        pressure_mmhg = from_mmhg + (to_mmhg - from_mmhg) * number / 40
        found = belief.ratings(pressure_mmhg, (tail, 0.5, 1.0 - tail))
        # quantiles between grid points may fall by a hair where every curve of the grid rises
        low, median, high = (max(p) for p in zip((low, median, high), found, strict=True))
        curve.append(CurvePoint(pressure_mmhg=pressure_mmhg, median=median, low=low, high=high))
    return tuple(curve)
