"""Give unquoted YAML words their meaning by the narrow rules of YAML 1.2, without surprises."""

import re
from typing import Final

# YAML 1.1, which most libraries still read, also has octal numbers, minutes:seconds, dates and
# eleven spellings of true. A scientist means none of them, so here they stay words, and the model
# that expects a number says what to write instead.
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_DIGITS_AT_MOST: Final = 40  # Python refuses to read integers of more than 4300 digits

_AMBIGUOUS: Final = re.compile(r"(?i:yes|no|on|off)|[-+]?0[0-9]+")
"""Words that other YAML programs read as true, false or an octal number."""

PlainValue = str | int | float | bool | None


def plain_value(word: str) -> PlainValue:
    """Return what an unquoted word means: nothing, true, false, a number, or itself."""
    if word in _SPECIAL:
        return _SPECIAL[word]
    if len(word) <= _DIGITS_AT_MOST:
        if _INT.fullmatch(word):
            return int(word)
        if _FLOAT.fullmatch(word):
            return float(word)
    return word


def is_ambiguous(word: str) -> bool:
    """Return whether another YAML program would read this unquoted word differently."""
    return _AMBIGUOUS.fullmatch(word) is not None
