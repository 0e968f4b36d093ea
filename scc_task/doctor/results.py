"""What a check yields: a verdict, what was seen with its figures, and what to do."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Figure = float | int | str | bool | None | list[Any]


class Verdict(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check. ``figures``: the numbers behind ``seen``, with units in their names."""

    name: str
    verdict: Verdict
    seen: str
    do: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)


def skipped(name: str, why: str, *, do: str = "") -> Result:
    """Return a check that was not made."""
    return Result(name=name, verdict=Verdict.SKIPPED, seen=why, do=do)


def failed(name: str, seen: str, do: str, **figures: Figure) -> Result:
    """Return a check that found something wrong."""
    return Result(name=name, verdict=Verdict.FAIL, seen=seen, do=do, figures=figures)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; a skipped check is neither good nor bad."""
    found = set(verdicts)
    return next((v for v in (Verdict.FAIL, Verdict.WARN, Verdict.OK) if v in found), Verdict.OK)
