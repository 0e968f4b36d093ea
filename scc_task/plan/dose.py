"""What a plan does to the leg, in four numbers."""

from dataclasses import dataclass
from itertools import pairwise

from scc_task.plan.steps import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """Inflations, inflated time, highest pressure and shortest deflated gap.

    ``inflated_s`` counts from each command to its vent. ``least_gap_s`` counts from a vent to the
    next command and is ``None`` with fewer than two inflations.
    """

    inflations: int = 0
    inflated_s: float = 0.0
    highest_mmhg: float = 0.0
    least_gap_s: float | None = None

    def plus(self, other: "Dose") -> "Dose":
        """Return the dose of two runs of one session together; the gap between them is not known."""
        gaps = [gap for gap in (self.least_gap_s, other.least_gap_s) if gap is not None]
        return Dose(
            inflations=self.inflations + other.inflations,
            inflated_s=self.inflated_s + other.inflated_s,
            highest_mmhg=max(self.highest_mmhg, other.highest_mmhg),
            least_gap_s=min(gaps, default=None),
        )


def dose_of(plan: Plan) -> Dose:
    """Return the dose of a plan, as planned; nothing is judged."""
    inflations = plan.inflations
    gaps_ms = [b.onset_ms - a.end_ms for a, b in pairwise(inflations)]
    return Dose(
        inflations=len(inflations),
        inflated_s=sum(step.duration_ms for step in inflations) / 1000,
        highest_mmhg=max((step.target_mmhg or 0.0 for step in inflations), default=0.0),
        least_gap_s=min(gaps_ms) / 1000 if gaps_ms else None,
    )
