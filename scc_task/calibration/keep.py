"""What a calibration, or its check, hands to the store once somebody has accepted it."""

import math
from collections.abc import Sequence

from scc_task.calibration.check import CheckResult, target_of
from scc_task.calibration.check_verdict import after_too_much
from scc_task.calibration.estimate import Result, rated, too_much_mmhg
from scc_task.calibration.talk import Outcome
from scc_task.protocol.accepted import Accepted, Bound, Device, NamedFile, Proposal, Target
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import Loaded
from scc_task.protocol.rig import Rig, Site

CHECKED = "check"
"""The procedure of a revision that a check has made."""


def proposal_of(
    protocol: Loaded[CalibrationProtocol],
    rig: Loaded[Rig],
    outcomes: Sequence[Outcome],
    result: Result,
    *,
    subject: str,
    session: str,
    site: Site,
    simulated: bool,
    device: Device,
) -> Proposal:
    """Return what a calibration found, to be accepted."""
    points = rated(outcomes)
    highest_mmhg = max(mmhg for mmhg, _ in points)
    return Proposal(
        subject=subject,
        session=session,
        site=site,
        simulated=simulated,
        targets=tuple(
            Target(
                rating=target.rating,
                mmhg=target.mmhg,
                low_mmhg=min(target.low_mmhg, target.mmhg),
                high_mmhg=max(target.high_mmhg, target.mmhg),
                inflations=len(points),
            )
            for target in result.targets
            if target.mmhg is not None
        ),
        interval_percent=100 * protocol.model.estimate.interval,
        procedure=protocol.model.procedure,
        protocol=NamedFile(name=protocol.model.name, sha256=protocol.sha256),
        rig=NamedFile(name=rig.model.name, sha256=rig.sha256),
        device=device,
        highest_given_mmhg=highest_mmhg,
        threshold=threshold_of(result, highest_mmhg),
        tolerance=tolerance_of(protocol.model, outcomes),
    )


def threshold_of(result: Result, highest_mmhg: float) -> Bound | None:
    """Return where pain begins, if that lies within what was given."""
    found = result.threshold
    if found.mmhg is None or not 0.0 < found.mmhg <= highest_mmhg:
        return None
    return Bound(
        mmhg=found.mmhg,
        low_mmhg=min(found.low_mmhg, found.mmhg),
        high_mmhg=max(found.high_mmhg, found.mmhg),
    )


def tolerance_of(protocol: CalibrationProtocol, outcomes: Sequence[Outcome]) -> Bound | None:
    """Return between which pressures tolerance ends, if the calibration came so far.

    From the highest pressure that was borne and rated below the stop rating, to the lowest that was
    not borne, or rated so high. Nothing is assumed where nothing was too much.
    """
    limit_mmhg = min(too_much_mmhg(protocol, outcomes), default=None)
    if limit_mmhg is None:
        return None
    borne = [
        o.request.pressure_mmhg
        for o in outcomes
        if o.borne and o.rating is not None and o.request.pressure_mmhg < limit_mmhg
    ]
    if not borne:
        return None
    return Bound(mmhg=max(borne), low_mmhg=max(borne), high_mmhg=limit_mmhg)


def adjusted_by_check(
    accepted: Accepted,
    protocol: Loaded[CalibrationProtocol],
    rig: Loaded[Rig],
    outcomes: Sequence[Outcome],
    result: CheckResult,
    *,
    session: str,
    simulated: bool,
    device: Device,
) -> Proposal:
    """Return an adjusted pressure, to be accepted: of the checked rating only, the others are not known.

    Its interval stays that of the calibration. What was tolerated does too, down to what was too much now.
    """
    before = target_of(accepted, protocol.model.target)
    if result.mmhg is None:
        raise ValueError("a check that found no pressure adjusts none")
    borne = [o.request.pressure_mmhg for o in outcomes if o.borne and o.rating is not None]
    limit_mmhg = min(too_much_mmhg(protocol.model, outcomes), default=math.inf)
    known = after_too_much(accepted, limit_mmhg, borne)
    return Proposal(
        subject=accepted.subject,
        session=session,
        site=accepted.site,
        simulated=simulated,
        targets=(
            Target(
                rating=before.rating,
                mmhg=result.mmhg,
                low_mmhg=min(before.low_mmhg, result.mmhg),
                high_mmhg=max(before.high_mmhg, result.mmhg),
                inflations=len(rated(outcomes)),
            ),
        ),
        interval_percent=accepted.interval_percent,
        procedure=CHECKED,
        protocol=NamedFile(name=protocol.model.name, sha256=protocol.sha256),
        rig=NamedFile(name=rig.model.name, sha256=rig.sha256),
        device=device,
        highest_given_mmhg=known.highest_given_mmhg,
        tolerance=known.tolerance,
    )
