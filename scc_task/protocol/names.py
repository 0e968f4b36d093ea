"""Offer the nearest known name for one that is not known."""

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a person most likely meant, or ``None``."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower()[:60], by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def offer(name: str, known: Sequence[str], *, noun: str) -> str:
    """Return what to do about an unknown name: the nearest one, and all there are.

    Parameters
    ----------
    noun
        What the names are, in the plural: ``verbs``, ``cues``, ``texts``.
    """
    if not known:
        return f"there are no {noun} yet; add it, or remove this line"
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    near = nearest(name, known)
    if near is None:
        return f"known {noun}: {listed}"
    return f"did you mean '{near}'?" + (f" (known {noun}: {listed})" if len(known) > 1 else "")
