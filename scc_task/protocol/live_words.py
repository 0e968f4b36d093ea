"""Words in braces in a text: numbers of the scanner, filled in while the text is on the screen."""

import re
from collections.abc import Mapping
from typing import Final

LIVE_WORDS: Final[Mapping[str, str]] = {
    "volumes": "99999",
    "planned": "99999",
    "interval_s": "99.999",
    "tr_s": "99.999",
    "missed": "99999",
    "extra": "99999",
    "bounced": "99999",
}
"""Each word with the longest that may come to stand there."""
NOTHING_YET: Final = "-"
_WORD: Final = re.compile(r"\{([^{}]*)\}")


def words_in(text: str) -> list[str]:
    """Return the words in braces."""
    return _WORD.findall(text)


def is_live(text: str) -> bool:
    """Return whether something in a text changes while it is shown."""
    return any(word in LIVE_WORDS for word in words_in(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its words in braces filled in; what has no value yet is a dash."""
    return _WORD.sub(lambda found: values.get(found[1], NOTHING_YET), text)
