"""What a key means: answers, stops and trigger pulses told apart, the same for every keyboard."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Action(enum.StrEnum):
    """What the rig file makes of a key."""

    LEFT = "left"
    RIGHT = "right"
    CONFIRM = "confirm"
    STOP = "stop"
    """The participant's stop."""
    YES = "yes"
    """The operator agrees."""
    NO = "no"
    """The operator does not."""
    ESCAPE = "escape"
    """The operator's stop. Esc always works, on every rig."""
    PULSE = "pulse"
    """Not an answer: a scanner that types."""


def plain_name(key: str) -> str:
    """Return a key's name with the numeric keypad folded in: a box may type either."""
    return key.removeprefix("num_")


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Keys to actions. Build it with `key_map`."""

    actions: Mapping[str, Action]

    def action(self, key: str) -> Action | None:
        """Return what a key means, or ``None``."""
        return self.actions.get(plain_name(key))


def key_map(
    *,
    left: tuple[str, ...],
    right: tuple[str, ...],
    confirm: tuple[str, ...],
    stop: tuple[str, ...],
    trigger: str | None,
    asks_operator: bool = False,
) -> KeyMap:
    """Return the map of a rig. The trigger key is never an answer, whatever else names it.

    With ``asks_operator``, ``y`` and ``n`` are the operator's, where the rig has not given them away.
    """
    actions = {
        **({"y": Action.YES, "n": Action.NO} if asks_operator else {}),
        **dict.fromkeys(map(plain_name, left), Action.LEFT),
        **dict.fromkeys(map(plain_name, right), Action.RIGHT),
        **dict.fromkeys(map(plain_name, confirm), Action.CONFIRM),
        **dict.fromkeys(map(plain_name, stop), Action.STOP),
        "escape": Action.ESCAPE,
    }
    if trigger is not None:
        actions[plain_name(trigger)] = Action.PULSE
    return KeyMap(actions)
