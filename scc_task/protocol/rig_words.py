"""Words that several parts of a rig file share."""

from difflib import get_close_matches
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from scc_task.protocol.base import refuse
from scc_task.protocol.keynames import key_names

EMULATED: Final = "emulated"
"""The port of a device that this program emulates."""


def plain_name(key: str) -> str:
    """Return a key's name with the numeric keypad folded in: a box may type either."""
    return key.removeprefix("num_")


KEYS: Final = frozenset(
    plain_name(name)
    for platform in ("linux", "win32", "darwin")
    for name in key_names(platform).values()
)
"""Every key that some keyboard has."""


_YAML_WORDS: Final = {"yes": "true", "no": "false"}
_CLOSE: Final = 0.75
"""A likeness of `difflib`: one letter of four may differ (assumed)."""


def known_key(name: str, at: tuple[str | int, ...] = ()) -> str:
    """Return a key's name, or refuse one that no keyboard sends: a stop that is never heard is none."""
    if plain_name(name) not in KEYS and name != "esc":
        refuse(f"there is no key '{name}' on any keyboard", do=_key_meant(name), at=at)
    return name


def _key_meant(name: str) -> str:
    if name in _YAML_WORDS:
        return f"write {name[0]}, or another key: '{name}' is what YAML has for {_YAML_WORDS[name]}"
    # a letter is near to every short word
    names = sorted(key for key in KEYS if len(key) > 1)
    near = get_close_matches(plain_name(name), names, 1, _CLOSE)
    return (
        f"write {near[0]}"
        if near
        else "write a letter, a digit in quotes, left, right, return, space"
    )


KeyName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$"), AfterValidator(known_key)]
"""A key as PsychoPy names it: lower case, ``left``, ``return``, ``space``, ``b``, ``5``."""
