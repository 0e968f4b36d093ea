"""A device that measures no pressure: what can be checked is that it switches, seen on a gauge."""

from typing import Final

from scc_task.doctor.answers import Answers
from scc_task.doctor.questions import number, yes
from scc_task.doctor.results import Result, Verdict, failed, skipped
from scc_task.doctor.supervised import TestCuff
from scc_task.doctor.under_pressure import PULL, trouble

NAME: Final = "switching"
ON_S: Final = 8.0
NEAR_MMHG: Final = 10.0
"""How far a pressure set by hand may be from what the gauge shows (assumed)."""


def try_switching(
    cuff: TestCuff, answers: Answers, *, target_mmhg: float, by_hand: bool
) -> tuple[Result, ...]:
    """Inflate once, and ask what the gauge showed then and shows after."""
    on_s = min(ON_S, cuff.limits.inflation_s)
    first = (
        f"Set the regulator to {target_mmhg:g} mmHg by hand. Type yes" if by_hand else "Type yes"
    )
    if not yes(answers, f"{first}, then watch the gauge: it is on for {on_s:g} s:"):
        return (skipped(NAME, "nobody typed yes: the cuff was not switched"),)
    found = cuff.inflate(target_mmhg, on_s)
    if found.faults or found.refused:
        return (trouble(NAME, found),)
    shown_mmhg = number(
        answers, f"What did the gauge show while it was on, asked {target_mmhg:g}? (mmHg)"
    )
    empty = yes(answers, "Is the gauge at zero now, and the cuff slack? (yes/no)")
    figures = {"commanded_mmhg": target_mmhg, "gauge_mmhg": shown_mmhg, "empty_after": empty}
    if not empty:
        cuff.emptied = False
        return (failed(NAME, "the cuff did not empty, says the operator", PULL, **figures),)
    cuff.emptied = True
    if shown_mmhg is None:
        do = "put a gauge on the hose: this device cannot tell its pressure"
        return (skipped(NAME, "switched on and off; no gauge was read", do=do),)
    seen = f"switched on: {shown_mmhg:g} mmHg on the gauge ({target_mmhg:g} asked); off: empty"
    if not abs(shown_mmhg - target_mmhg) <= NEAR_MMHG:
        do = "look at the regulator, the supply and the valve's plug, then test again"
        return (failed(NAME, seen, do, **figures),)
    return (Result(name=NAME, verdict=Verdict.OK, seen=seen, figures=figures),)
