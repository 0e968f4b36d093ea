"""Questions to the operator, and what counts as an answer."""

import math

from scc_task.doctor.answers import Answers

MOST_MMHG = 1000.0


def yes(answers: Answers, question: str) -> bool:
    """Return whether the word ``yes`` was typed: nothing else, and not by silence."""
    return (answers.line(question) or "").lower() == "yes"


def number(answers: Answers, question: str, *, tries: int = 3) -> float | None:
    """Return a pressure that was typed, or ``None`` for an empty line; ask again for anything else."""
    for _ in range(tries):
        typed = answers.line(question)
        if not typed:
            return None
        try:
            value = float(typed.lower().removesuffix("mmhg").strip().replace(",", "."))
        except ValueError:
            value = math.nan
        if 0.0 <= value <= MOST_MMHG:
            return value
        question = (
            f"'{typed}' is no pressure in mmHg; a number like 60 or 59.5, or Return for none:"
        )
    return None
