"""Practice of the scale before the first inflation: three imagined pains, no pressure."""

from collections.abc import Sequence
from typing import Final

from scc_task.plan.steps import Plan, Step, StepKind, TrialType

INTRODUCTION: Final = "practice_scale"
IMAGINED: Final = ("imagine_mild", "imagine_medium", "imagine_strong")
"""Keys of the texts, from the weakest to the strongest pain."""
OVER: Final = "practice_over"
TEXTS: Final = (INTRODUCTION, *IMAGINED, OVER)

READING_MS: Final = 20_000
"""How long each text before the first inflation is shown (assumed)."""
IMAGINING_MS: Final = 8_000
OVER_MS: Final = 5_000
LONGER: Final = 1.5
"""Times the rating slot of the protocol: it is the first time (this and the times above: assumed)."""


def practice_steps(*, number: int, from_ms: int, scale: str, rate_ms: int) -> list[Step]:
    """Return the steps of the practice.

    Parameters
    ----------
    number, from_ms
        Number and onset of the first one.
    rate_ms
        Length of the protocol's rating slot.
    """
    steps: list[Step] = []

    def add(kind: StepKind, duration_ms: int, **shown: str) -> None:
        rates = kind is StepKind.RATE
        steps.append(
            Step(
                number=number + len(steps),
                kind=kind,
                onset_ms=steps[-1].end_ms if steps else from_ms,
                duration_ms=duration_ms,
                trial_type=TrialType.RATING if rates else TrialType.INSTRUCTION,
                text=shown.get("text"),
                scale=shown.get("scale"),
            )
        )

    add(StepKind.SHOW, READING_MS, text=INTRODUCTION)
    for key in IMAGINED:
        add(StepKind.SHOW, IMAGINING_MS, text=key)
        add(StepKind.RATE, round(LONGER * rate_ms), scale=scale)
    add(StepKind.SHOW, OVER_MS, text=OVER)
    return steps


def rated_steps(plan: Plan) -> tuple[Step, ...] | None:
    """Return the rating steps of a plan's practice, or ``None`` if it has none."""
    if not any(step.text == INTRODUCTION for step in plan.steps):
        return None
    return tuple(step for step in plan.steps if step.kind is StepKind.RATE)


def doubt(ratings: Sequence[int | None]) -> str | None:
    """Return what speaks against the participant's understanding of the scale, if anything does.

    Parameters
    ----------
    ratings
        Of the imagined pains, from the weakest to the strongest.
    """
    given = [rating for rating in ratings if rating is not None]
    if len(given) < len(IMAGINED):
        return (
            f"practice: {len(given)} of {len(IMAGINED)} ratings were confirmed; ask whether the buttons "
            "are clear; Esc ends the calibration"
        )
    if not given[0] <= given[1] <= given[2] or given[0] == given[2]:
        shown = ", ".join(map(str, given))
        return (
            f"practice: a mild, a medium and a strong pain were rated {shown}; explain the scale; "
            "Esc ends the calibration"
        )
    return None
