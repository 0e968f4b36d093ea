"""What only a person may allow, by typing it: inflations and pressures beyond the usual limits.

A site allows them in its rig file; whoever sits at the console allows them for this run. What was
asked and what was typed goes into the journal.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hardware.limits import Limits
from scc_task.errors import UsageInvalid
from scc_task.plan.steps import Plan
from scc_task.protocol.base import LONGEST_INFLATION_S
from scc_task.protocol.rig_limits import RigLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One thing to allow: its ``code``, the sentence that is shown, and what has to be typed."""

    code: str
    what: str
    word: str


def needed(plan: Plan, limits: RigLimits) -> tuple[Override, ...]:
    """Return what has to be allowed before a plan may run."""
    found = []
    longest_s = max((step.duration_s for step in plan.inflations), default=0.0)
    if longest_s > LONGEST_INFLATION_S:
        found.append(
            Override(
                code="tonic",
                what=f"The cuff stays inflated for {longest_s:g} s at a time; {LONGEST_INFLATION_S:g} s "
                "is the usual limit. Only with the ethics committee's approval for this study.",
                word="tonic",
            )
        )
    found += _beyond_the_usual_dose(plan)
    highest_mmhg = max((step.target_mmhg or 0.0 for step in plan.inflations), default=0.0)
    if highest_mmhg > limits.confirm_above_mmhg:
        found.append(
            Override(
                code="high_pressure",
                what=f"The pressure is {highest_mmhg:g} mmHg; this site wants to be asked above "
                f"{limits.confirm_above_mmhg:g} mmHg.",
                word=f"{highest_mmhg:g}",
            )
        )
    return tuple(found)


def _beyond_the_usual_dose(plan: Plan) -> list[Override]:
    """Ask for it where a site has loosened the rest or the dose of a session, and the protocol has not."""
    usual, here = Limits(), plan.limits
    loose = [
        f"{name}: {value:g} instead of {usually:g}"
        for name, value, usually, looser in (
            ("gap_s", here.gap_s, usual.gap_s, here.gap_s < usual.gap_s),
            (
                *("session_inflated_s", here.session_inflated_s, usual.session_inflated_s),
                here.session_inflated_s > usual.session_inflated_s,
            ),
            (
                *("session_inflations", here.session_inflations, usual.session_inflations),
                here.session_inflations > usual.session_inflations,
            ),
        )
        if looser
    ]
    if not loose:
        return []
    what = f"This rig allows a leg less rest or more inflations than usual ({'; '.join(loose)})."
    return [Override(code="dose", what=what, word="dose")]


def confirm(
    overrides: tuple[Override, ...], ask: Callable[[str], str]
) -> tuple[dict[str, str], ...]:
    """Have each override typed, and return what goes into the journal.

    Parameters
    ----------
    ask
        Shows a sentence and returns the line that was typed; raises `EOFError` where nobody can type.

    Raises
    ------
    UsageInvalid
        If anything else was typed. Nothing has been opened then.
    """
    journalled = []
    for override in overrides:
        try:
            typed = ask(f"{override.what}\nType {override.word} to allow it: ").strip()
        except EOFError:
            typed = ""
        if typed != override.word:
            raise UsageInvalid(
                f"this was not allowed: {typed!r} was typed",
                where=override.what,
                do=f"start again in a terminal and type {override.word}, or change the protocol",
            )
        journalled.append({"code": override.code, "what": override.what, "typed": typed})
    return tuple(journalled)


def emulated(overrides: tuple[Override, ...]) -> tuple[dict[str, str], ...]:
    """Return the overrides of a run in which nobody is pressed and nobody types."""
    return tuple({"code": o.code, "what": o.what, "typed": "emulated operator"} for o in overrides)
