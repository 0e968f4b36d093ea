"""Guess what a person meant by a value that does not fit, and say how to write it."""

import re
from typing import Any, Final

_FACTORS: Final = {
    # unit: (factor to our unit, our unit)
    "s": (1.0, "s"),
    "sec": (1.0, "s"),
    "secs": (1.0, "s"),
    "second": (1.0, "s"),
    "seconds": (1.0, "s"),
    "ms": (0.001, "s"),
    "min": (60.0, "s"),
    "minute": (60.0, "s"),
    "minutes": (60.0, "s"),
    "mmhg": (1.0, "mmHg"),
    "kpa": (7.500617, "mmHg"),
    "m": (1.0, "m"),
    "cm": (0.01, "m"),
    "px": (1.0, "px"),
}

_CLOCK: Final = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?")
_WITH_UNIT: Final = re.compile(r"([-+]?\d{1,9}(?:\.\d{1,9})?)\s*([A-Za-z]+)")
_WITH_COMMA: Final = re.compile(r"[-+]?\d{1,9},\d{1,9}")
_WITH_ZEROS: Final = re.compile(r"0+(\d{1,9}(?:\.\d*)?)")
_NUMBER: Final = re.compile(r"[-+]?\d{1,9}(?:\.\d{1,9})?")


def shown(value: Any) -> str:
    """Return a value as a person wrote it, shortened, for a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: ..." for key in list(value)[:3]) + "}" if value else "{}"
    if isinstance(value, tuple):
        return "a list" if value else "[]"
    text = " ".join(str(value).split())
    return f"'{text}'" if len(text) <= 50 else f"'{text[:47]}...'"


def what_it_is(value: Any) -> str:
    """Return what kind of thing a value is."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a word" if re.fullmatch(r"\w+", value) else "a text"
    if isinstance(value, tuple):
        return "a list"
    return "a block of 'name: value'"


def hint_for_number(value: Any, *, unit: str) -> str | None:
    """Return how to write a value as the number it seems to be, or ``None``.

    Parameters
    ----------
    value
        What stands in the file.
    unit
        Unit of the field: ``s``, ``mmHg``, ``m``, ``px`` or nothing.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    if (match := _CLOCK.fullmatch(text)) is not None:
        first, second, third = (int(part or 0) for part in match.groups())
        total_s = first * 60 + second if match[3] is None else (first * 60 + second) * 60 + third
        return f"write seconds as a plain number, e.g. {total_s}"
    if (match := _WITH_UNIT.fullmatch(text)) is not None:
        factor, target = _FACTORS.get(match[2].lower(), (None, None))
        if factor is not None and target == unit:
            number = f"{float(match[1]) * factor:g}"
            why = f"the unit is always {unit}" if factor == 1.0 else f"{text} is {number} {unit}"
            return f"write the number alone, {number} ({why})"
        return f"write the number alone{f', in {unit}' if unit else ''}"
    if _WITH_COMMA.fullmatch(text):
        return f"use a point, not a comma: {text.replace(',', '.')}"
    if (match := _WITH_ZEROS.fullmatch(text)) is not None:
        return f"leave the zeros in front away: {match[1]}"
    if _NUMBER.fullmatch(text):
        return f"leave the quotation marks away: {text}"
    return None
