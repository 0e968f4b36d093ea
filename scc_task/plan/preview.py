"""Show a plan to a person: a table of its steps, its dose, its length, its digest."""

import io
import math

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from scc_task.plan.compile import UNRESOLVED
from scc_task.plan.dose import Dose, dose_of
from scc_task.plan.steps import Plan, Step, StepKind


def preview(plan: Plan) -> RenderableType:
    """Return a plan for a rich console; without a terminal it prints as plain text."""
    return Group(_heading(plan), _steps_table(plan), _summary(plan))


def preview_text(plan: Plan, *, width: int = 80) -> str:
    """Return a plan as plain text, for a file or a pipe."""
    page = io.StringIO()
    Console(file=page, width=width, color_system=None, force_terminal=False).print(preview(plan))
    # a pipe on Windows may not know the rule's character
    lines = page.getvalue().replace("\u2500", "-").splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _heading(plan: Plan) -> Text:
    text = Text(f"{plan.protocol}", style="bold")
    text.append(
        f"  task {plan.task}, strategy {plan.strategy}, language {plan.language}, seed {plan.seed}",
        style="not bold",
    )
    return text


def _steps_table(plan: Plan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("step", "trial", "onset s", "for s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("shows", overflow="fold")
    table.add_column("pressure", justify="right", no_wrap=True)
    last_trial: int | None = None
    for step in plan.steps:
        if step.trial != last_trial and step.number > 1:
            table.add_section()
        last_trial = step.trial
        table.add_row(
            str(step.number),
            str(step.trial) if step.trial is not None else "",
            f"{step.onset_s:.1f}" if step.onset_ms % 100 == 0 else f"{step.onset_s:.3f}",
            f"{step.duration_s:g}",
            str(step.kind),
            step.text or step.cue or step.scale or "",
            _pressure(plan, step),
            style="bold" if step.kind is StepKind.INFLATE else None,
        )
    return table


def _pressure(plan: Plan, step: Step) -> str:
    pressure = next((p for p in plan.pressures if p.name == step.pressure), None)
    if pressure is None:
        return ""
    return _number(pressure.mmhg, pressure.rating, pressure.source)


def _number(mmhg: float, rating: float | None, source: str) -> str:
    return f"rating {rating:g}" if source == UNRESOLVED else f"{mmhg:g} mmHg"


def _summary(plan: Plan) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in _facts(plan, dose_of(plan)):
        table.add_row(name, value)
    return table


def _facts(plan: Plan, dose: Dose) -> list[tuple[str, str]]:
    scanner = plan.scanner
    used = math.ceil(plan.length_ms / round(scanner.tr_s * 1000))
    dummies = f", {scanner.dummies} dummies ({scanner.dummy_kind})" if scanner.dummies else ""
    facts = [
        (
            "length",
            f"{plan.length_s:.1f} s = {used} of {scanner.volumes} volumes, TR {scanner.tr_s:g} s{dummies}",
        )
    ]
    for pressure in plan.pressures:
        number = _number(pressure.mmhg, pressure.rating, pressure.source)
        rating = f" (rating {pressure.rating:g})" if pressure.rating is not None else ""
        known = pressure.source != UNRESOLVED
        facts.append((pressure.name, f"{number}{rating if known else ''}, {pressure.source}"))
    if dose.inflations:
        known = all(p.source != UNRESOLVED for p in plan.pressures)
        highest = f"highest {dose.highest_mmhg:g} mmHg" if known else "highest not known yet"
        gap = f", least gap {dose.least_gap_s:g} s" if dose.least_gap_s is not None else ""
        facts.append(
            (
                "dose",
                f"{dose.inflations} inflations, {dose.inflated_s:g} s inflated, {highest}{gap}",
            )
        )
        limits = plan.limits
        facts.append(
            (
                "limits",
                f"{limits.ceiling_mmhg:g} mmHg, {limits.inflation_s:g} s each, gap {limits.gap_s:g} s; "
                f"session {limits.session_inflations} inflations, {limits.session_inflated_s:g} s",
            )
        )
    else:
        facts.append(("dose", "none: the cuff is not used"))
    facts.extend(_jitters(plan))
    facts.append(("digest", plan.digest()))
    return facts


def _jitters(plan: Plan) -> list[tuple[str, str]]:
    """Return the sums of what varies over trials: the same for every seed."""
    by_place: dict[tuple[int, StepKind], list[int]] = {}
    rank, last = 0, None
    for step in plan.steps:
        rank = rank + 1 if step.trial == last else 1
        last = step.trial
        if step.trial is not None:
            by_place.setdefault((rank, step.kind), []).append(step.duration_ms)
    return [
        (
            "varies",
            f"{kind}, step {rank} of a trial: {min(values) / 1000:g} to {max(values) / 1000:g} s, "
            f"sum {sum(values) / 1000:g} s",
        )
        for (rank, kind), values in by_place.items()
        if len(set(values)) > 1
    ]
