"""Walk a plan before it runs, and refuse what nobody may do to a leg.

The dry run judges the object that will be executed, not the file it came from: a plan that was
made by other means, or read back from a journal, meets the same limits.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

from hardware.cuff import Capabilities
from hardware.errors import LimitExceeded
from hardware.limits import DEFLATION_S, LEAST_MMHG
from scc_task.plan.compile import UNRESOLVED
from scc_task.plan.dose import Dose, dose_of
from scc_task.plan.steps import DummyKind, Plan, Step, StepKind

__all__ = ["Dose", "PlanRefused", "dry_run"]


class PlanRefused(LimitExceeded):
    """A plan breaks limits; it carries every finding, not only the first."""

    code = "SCC-231"

    def __init__(self, findings: tuple[LimitExceeded, ...]) -> None:
        count = f"{len(findings)} reason" + ("s" if len(findings) != 1 else "")
        super().__init__(
            f"the run cannot start: {count}",
            where=findings[0].where,
            do="mend the protocol, or recalibrate",
        )
        self.findings = findings

    def __str__(self) -> str:
        listed = [f"{f.where}: {f.what}\n    do: {f.do}" for f in self.findings]
        return "\n".join([*listed, f"{self.what}   [{self.code}]"])


def dry_run(
    plan: Plan,
    *,
    used: Dose | None = None,
    able: Capabilities | None = None,
    allow_unresolved: bool = False,
) -> Dose:
    """Return the dose of a plan, or refuse it.

    Parameters
    ----------
    plan
        The plan that will be executed.
    used
        What this session has given the participant already; counts against the session's budget.
    able
        What the cuff of this room can do; not looked at where no room is known.
    allow_unresolved
        Let pressures without a number pass, for `check` and `preview`. Never for a run.

    Raises
    ------
    PlanRefused
        With all findings: a pressure above the ceiling or not a number, an inflation too long, a
        deflated gap too short, too much for one session, a run longer than its volumes, steps
        that overlap or name what the plan does not hold.
    """
    before = used if used is not None else Dose()
    found = [
        *_timing(plan),
        *_references(plan),
        *_pressures(plan, allow_unresolved=allow_unresolved),
        *_inflations(plan),
        *_gaps(plan),
        *_budget(plan, before),
        *_length(plan),
        *(_abilities(plan, able) if able is not None else ()),
    ]
    if found:
        raise PlanRefused(_grouped(found))
    return dose_of(plan)


Finding = tuple[str, str, str]
"""What, where, and what to do."""


def _grouped(found: list[Finding]) -> tuple[LimitExceeded, ...]:
    """Return the findings, the same one in many steps told once: eight trials make one sentence."""
    places: dict[tuple[str, str], list[str]] = {}
    for what, where, do in found:
        places.setdefault((what, do), []).append(where)
    return tuple(
        LimitExceeded(
            what,
            where=at[0] if len(at) == 1 else f"{at[0]} and {len(at) - 1} more",
            do=do,
        )
        for (what, do), at in places.items()
    )


def _place(step: Step) -> str:
    trial = f"trial {step.trial}, " if step.trial is not None else ""
    return f"step {step.number} ({trial}{step.kind} at {step.onset_s:g} s)"


def _timing(plan: Plan) -> Iterator[Finding]:
    if not plan.steps:
        yield "there is nothing to do", "plan", "add steps under 'run'"
        return
    stored = plan.scanner.dummy_kind is DummyKind.STORED
    due_ms = round(plan.scanner.dummies * plan.scanner.tr_s * 1000) if stored else 0
    remedy = "compile the protocol again; if it stays, this is a fault of the program"
    for number, step in enumerate(plan.steps, start=1):
        if step.number != number:
            yield f"number {number} is expected here", _place(step), remedy
        if step.duration_ms <= 0:
            yield f"it lasts {step.duration_s:g} s", _place(step), remedy
        if step.onset_ms != due_ms:
            yield (
                f"it should begin at {due_ms / 1000:g} s, when the step before ends",
                _place(step),
                remedy,
            )
        due_ms = step.onset_ms + step.duration_ms


def _references(plan: Plan) -> Iterator[Finding]:
    known = {
        "text": {key for key, _ in plan.texts},
        "cue": {cue.name for cue in plan.cues},
        "scale": {scale.name for scale in plan.scales},
        "pressure": {pressure.name for pressure in plan.pressures},
    }
    for step in plan.steps:
        for noun, names in known.items():
            name = getattr(step, noun)
            if name is not None and name not in names:
                yield (
                    f"there is no {noun} '{name}' in the plan",
                    _place(step),
                    "check the protocol again",
                )


def _pressures(plan: Plan, *, allow_unresolved: bool) -> Iterator[Finding]:
    resolved = {pressure.name: pressure for pressure in plan.pressures}
    ceiling_mmhg = plan.limits.ceiling_mmhg
    for step in plan.steps:
        target_mmhg = step.target_mmhg
        if step.kind is not StepKind.INFLATE:
            if target_mmhg is not None:
                yield (
                    "it has a pressure, but is no inflation",
                    _place(step),
                    "check the protocol again",
                )
            continue
        pressure = resolved.get(step.pressure or "")
        if pressure is not None and pressure.source == UNRESOLVED:
            if not allow_unresolved:
                yield (
                    f"'{pressure.name}' (rating {pressure.rating:g}) has no pressure yet",
                    _place(step),
                    "give the participant's calibration (--calibration FILE)",
                )
            continue
        if target_mmhg is None or math.isnan(target_mmhg):
            yield "the pressure is not a number", _place(step), "check the calibration"
        elif not LEAST_MMHG <= target_mmhg <= ceiling_mmhg:  # so that nothing odd passes
            yield (
                f"{target_mmhg:g} mmHg is not within {LEAST_MMHG:g} to the ceiling of {ceiling_mmhg:g} mmHg",
                _place(step),
                "lower the pressure or recalibrate; the ceiling is set in the rig file and the protocol",
            )
        elif pressure is not None and target_mmhg != pressure.mmhg:
            yield (
                f"{target_mmhg:g} mmHg, but '{pressure.name}' is {pressure.mmhg:g} mmHg",
                _place(step),
                "compile the protocol again; if it stays, this is a fault of the program",
            )


def _inflations(plan: Plan) -> Iterator[Finding]:
    for step in plan.inflations:
        if not step.duration_s <= plan.limits.inflation_s:
            yield (
                f"inflated for {step.duration_s:g} s; the limit is {plan.limits.inflation_s:g} s",
                _place(step),
                "shorten the inflation",
            )
        if not 0 <= step.rise_ms <= step.duration_ms:
            yield (
                f"it rises for {step.rise_ms / 1000:g} s of {step.duration_s:g} s",
                _place(step),
                "make 'rise_s' shorter than the inflation",
            )


def _gaps(plan: Plan) -> Iterator[Finding]:
    inflations = plan.inflations
    for before, step in pairwise(inflations):
        gap_s = (step.onset_ms - before.end_ms) / 1000
        if not gap_s >= plan.limits.rest_s:
            yield (
                f"only {gap_s:g} s since step {before.number}; the limit is {plan.limits.gap_s:g} s "
                f"deflated, and {DEFLATION_S:g} s to deflate",
                _place(step),
                f"lengthen the steps between them by {plan.limits.rest_s - gap_s:g} s or more",
            )


def _budget(plan: Plan, used: Dose) -> Iterator[Finding]:
    dose, limits = dose_of(plan), plan.limits
    if dose.inflations == 0:
        return
    inflations = used.inflations + dose.inflations
    if not inflations <= limits.session_inflations:
        yield (
            f"{inflations} inflations in this session ({used.inflations} given already); "
            f"the limit is {limits.session_inflations}",
            "session",
            "end the session here, or choose a run with fewer trials",
        )
    inflated_s = used.inflated_s + dose.inflated_s
    if not inflated_s <= limits.session_inflated_s:
        yield (
            f"{inflated_s:g} s inflated in this session ({used.inflated_s:g} s given already); "
            f"the limit is {limits.session_inflated_s:g} s",
            "session",
            "end the session here, or choose a shorter run",
        )


def _abilities(plan: Plan, able: Capabilities) -> Iterator[Finding]:
    """Yield what this kind of cuff cannot do, however it is asked."""
    for step in plan.inflations:
        if able.longest_s is not None and not step.duration_s <= able.longest_s:
            yield (
                f"inflated for {step.duration_s:g} s; this kind of cuff takes {able.longest_s:g} s at most",
                _place(step),
                "shorten the inflation, or use another cuff",
            )
        if step.rise_ms and not able.ramps:
            yield (
                "this kind of cuff cannot raise the pressure in a line",
                _place(step),
                "leave 'rise_s' out, or use another cuff",
            )
    if not able.sets_pressure and len({step.target_mmhg for step in plan.inflations}) > 1:
        yield (
            "this cuff's pressure is set by hand and cannot change within a run",
            "pressures",
            "use one pressure in the whole run, or another cuff",
        )


def _length(plan: Plan) -> Iterator[Finding]:
    if not plan.steps:
        return
    scanned_s = plan.scanner.volumes * plan.scanner.tr_s
    if not plan.length_ms <= round(scanned_s * 1000):
        needed = math.ceil(plan.length_s / plan.scanner.tr_s) if plan.scanner.tr_s > 0 else 0
        yield (
            f"the run ends at {plan.length_s:g} s, but {plan.scanner.volumes} volumes last {scanned_s:g} s",
            "scanner",
            f"write {needed} volumes or more in the protocol, and set the scanner to the same",
        )
