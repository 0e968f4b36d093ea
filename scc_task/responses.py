"""What a key means: answers, stops and trigger pulses told apart, the same for every keyboard."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from scc_task.protocol.rig_words import plain_name


class Action(enum.StrEnum):
    """What the rig file makes of a key."""

    LEFT = "left"
    RIGHT = "right"
    CONFIRM = "confirm"
    STOP = "stop"
    """The participant's stop."""
    GRIP = "grip"
    """Held: go on. Let go: stop."""
    MOVE = "move"
    """A mouse or a trackball moved."""
    LOST = "lost"
    """The participant's buttons are gone, and the stop with them."""
    YES = "yes"
    """The operator agrees."""
    NO = "no"
    """The operator does not."""
    REPEAT = "repeat"
    """The operator wants a pressure once more."""
    ESCAPE = "escape"
    """The operator's stop. Esc always works, on every rig."""
    PULSE = "pulse"
    """Not an answer: a scanner that types."""


ANSWERS = frozenset({Action.LEFT, Action.RIGHT, Action.CONFIRM})
"""What may bounce and repeat. A stop is never held up by a filter."""
POINTER = "pointer"
SERIAL_LOST = "serial_lost"


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Keys to actions. Build it with `key_map`."""

    actions: Mapping[str, Action]
    bounce_s: float = 0.0

    @property
    def has_grip(self) -> bool:
        """Return whether the participant has to hold on to something."""
        return Action.GRIP in self.actions.values()

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
    grip: str | None = None,
    bounce_s: float = 0.0,
    asks_operator: bool = False,
) -> KeyMap:
    """Return the map of a rig. The trigger key is never an answer, whatever else names it.

    With ``asks_operator``, ``y``, ``n`` and ``r`` are the operator's, where the rig has not given them away.
    """
    actions = {
        **({"y": Action.YES, "n": Action.NO, "r": Action.REPEAT} if asks_operator else {}),
        **dict.fromkeys(map(plain_name, left), Action.LEFT),
        **dict.fromkeys(map(plain_name, right), Action.RIGHT),
        **dict.fromkeys(map(plain_name, confirm), Action.CONFIRM),
        **dict.fromkeys(map(plain_name, stop), Action.STOP),
        **({} if grip is None else {plain_name(grip): Action.GRIP}),
        POINTER: Action.MOVE,
        SERIAL_LOST: Action.LOST,
        "escape": Action.ESCAPE,
    }
    if trigger is not None:
        actions[plain_name(trigger)] = Action.PULSE
    return KeyMap(actions, bounce_s)
