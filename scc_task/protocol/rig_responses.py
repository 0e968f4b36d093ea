"""How the participant answers and stops: the block ``responses`` of a rig file."""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from scc_task.protocol.base import Model, Words, refuse
from scc_task.protocol.rig_words import known_key, plain_name

ButtonName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9_]{1,20}|[\x21-\x7e])$")]
"""A key, or the one character that a serial box sends."""

ADAPTER_S: Final = 0.016
"""How long a USB serial adapter may hold a byte back: FTDI's latency timer as it is delivered (FTDI
AN232B-04, verified)."""
LEAST_REPEAT_S: Final = 0.06
"""Longer than a held button is ever silent: 1/30 s between its repeats (the fastest keyboards, recalled),
`ADAPTER_S`, and 10 ms for a box that is not even (assumed): 0.0593 s."""
REPEAT_S: Final = 0.07
"""If the rig does not say: bears a box that repeats 23 times a second, too."""
ACTIONS: Final = ("left", "right", "confirm", "stop")
MOUSE_BUTTONS: Final = ("button_left", "button_middle", "button_right")
SERIAL: Final = "serial_"
"""What the names of a serial box's buttons begin with, so that no key is taken for one of them."""

_KEYS: Final = (
    "keys, in lower case: letters, digits (in quotes), left, right, return, space; "
    "serial: the characters that are sent, in quotes; mouse: button_left, button_middle, button_right"
)
_ONLY: Final = {
    "port": "serial",
    "baud": "serial",
    "release": "serial",
    "repeat_s": "serial",
    "end_to_end_px": "mouse",
}
"""Settings of one kind of answers."""


class Responses(Model):
    """How the participant answers, and stops."""

    answers: Literal["emulated", "keyboard", "serial", "mouse"] = Field(
        description="keyboard: keys, or a box that types; serial: a box that sends one byte for each "
        "press; mouse: a mouse or a trackball; emulated: a simulated participant",
        examples=["keyboard"],
    )
    left: tuple[ButtonName, ...] = Field(
        default=(), description=f"{_KEYS}; not with a mouse", examples=["[left, b]"]
    )
    right: tuple[ButtonName, ...] = Field(
        default=(), description=f"{_KEYS}; not with a mouse", examples=["[right, c]"]
    )
    confirm: tuple[ButtonName, ...] = Field(
        min_length=1, description=_KEYS, examples=["[return, a]"]
    )
    stop: tuple[ButtonName, ...] = Field(
        min_length=1, description=f"the participant's stop button; {_KEYS}", examples=["[s]"]
    )
    grip: ButtonName | None = Field(
        default=None,
        description="what the participant holds all the while: to let go stops the run and vents; "
        "a serial box has to repeat it while it is held",
        examples=["g"],
    )
    port: Words | None = Field(
        default=None, description="serial only: the port of the box", examples=["COM5"]
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200] | None = Field(
        default=None,
        description="serial only: speed of the port; 115200 if not given",
        examples=[19200],
    )
    release: dict[ButtonName, ButtonName] = Field(
        default_factory=dict,
        description="serial only: what the box sends when a button is let go",
        examples=['{"1": A, "2": B}'],
    )
    repeat_s: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="serial only: a held button's character comes again within this many seconds, "
        f"{LEAST_REPEAT_S:g} or more; {REPEAT_S:g} if not given; 0: this box never repeats",
        examples=[REPEAT_S],
    )
    end_to_end_px: int | None = Field(
        default=None,
        ge=50,
        le=20000,
        description="mouse only: way from one end of the scale to the other; 600 if not given",
        examples=[600],
    )
    bounce_s: float = Field(
        default=0.01,
        ge=0,
        le=0.05,
        description="a press of an answer sooner than this after its release is none, in seconds",
        examples=[0.01],
    )
    rating_step: int = Field(
        default=1,
        ge=1,
        le=50,
        description="hundredths of the scale that one press moves the marker",
        examples=[1],
    )
    speed_per_s: float = Field(
        default=40.0,
        gt=0,
        le=500,
        description="hundredths of the scale per second while a key is held",
        examples=[40],
    )
    hold_after_s: float = Field(
        default=0.25,
        gt=0,
        le=5,
        description="seconds after which a pressed key counts as held",
        examples=[0.25],
    )

    entry: ClassVar[str] = "setting"

    @model_validator(mode="after")
    def _has_what_its_answers_need(self) -> Self:
        for name, kind in _ONLY.items():
            if self.answers != kind and name in self.model_fields_set:
                refuse(
                    f"'{name}' does not fit 'answers: {self.answers}'",
                    do=f"remove it; only 'answers: {kind}' has it",
                    at=(name,),
                )
        if self.repeat_s is not None:
            self._waits_long_enough(self.repeat_s)
        if self.answers == "serial" and self.port is None:
            refuse("'port' is missing: a serial box has one", do="add 'port: COM5'")
        for name in ("left", "right"):
            if self.answers == "mouse" and getattr(self, name):
                refuse(
                    f"'{name}' does not fit a mouse, which moves the marker itself",
                    do="remove it",
                    at=(name,),
                )
            if self.answers != "mouse" and not getattr(self, name):
                refuse(f"'{name}' has too few entries", do=f"add '{name}: [{name}]'")
        return self

    def _waits_long_enough(self, repeat_s: float) -> None:
        if 0 < repeat_s < LEAST_REPEAT_S:
            refuse(
                f"'repeat_s: {repeat_s:g}' is too tight: a box that repeats 30 times a second behind a "
                f"USB adapter is silent for up to {LEAST_REPEAT_S:g} s while its button is held, and one "
                "press would count several times",
                do=f"write {REPEAT_S:g}, or what 'doctor --buttons' measures; 0 if the box never repeats",
                at=("repeat_s",),
            )
        if repeat_s == 0 and self.grip is not None:
            refuse(
                "a grip with 'repeat_s: 0': a box that never repeats cannot show that it is held",
                do="have the box repeat the grip's character while it is held, and write how often; "
                "or remove 'grip'",
                at=("repeat_s",),
            )

    @model_validator(mode="after")
    def _names_what_its_box_can_send(self) -> Self:
        for name, at in self._written():
            if self.answers == "serial" and len(name) != 1:
                refuse(
                    f"'{name}' is more than the one character that a serial box sends",
                    do="write that character, in quotes",
                    at=at,
                )
            if self.answers == "mouse" and at[0] != "grip" and name not in MOUSE_BUTTONS:
                refuse(
                    f"'{name}' is no button of a mouse",
                    do=f"write {', '.join(MOUSE_BUTTONS[:-1])} or {MOUSE_BUTTONS[-1]}",
                    at=at,
                )
            if self.answers in ("keyboard", "emulated") and name != name.lower():
                refuse(f"'{name}' is no key", do=f"write it in lower case: {name.lower()}", at=at)
            if self.answers in ("keyboard", "emulated") or (self.answers, at[0]) == (
                "mouse",
                "grip",
            ):
                known_key(name, at)
        return self

    @model_validator(mode="after")
    def _has_each_key_once(self) -> Self:
        owners: dict[str, str] = {}
        for key, at in self._written():
            if key in ("escape", "esc"):
                refuse(
                    "the Escape key belongs to the operator: it stops the run",
                    do="choose another key",
                    at=at,
                )
            if plain_name(key) in owners:
                refuse(
                    f"key '{key}' stands under '{owners[plain_name(key)]}' already",
                    do="give each key one meaning (the numeric keypad's 1 is the same as 1)"
                    if key.startswith("num_")
                    else "give each key one meaning",
                    at=at,
                )
            owners[plain_name(key)] = str(at[0])
        presses = {key for key, at in self._written() if at[0] != "release"}
        for press in self.release:
            if press not in presses:
                refuse(
                    f"no button sends '{press}'",
                    do="write what a button sends when it is pressed, then what it sends after",
                    at=("release",),
                )
        return self

    def _written(self) -> list[tuple[str, tuple[str | int, ...]]]:
        """Return every key and character with its place."""
        found: list[tuple[str, tuple[str | int, ...]]] = [
            (key, (action, position))
            for action in ACTIONS
            for position, key in enumerate(getattr(self, action))
        ]
        if self.grip is not None:
            found.append((self.grip, ("grip",)))
        return found + [(after, ("release", press)) for press, after in self.release.items()]

    def place_of(self, key: str) -> tuple[str | int, ...] | None:
        """Return where a key of a keyboard stands, if it does."""
        if self.port is not None:
            return None
        plain = plain_name(key)
        return next((at for name, at in self._written() if plain_name(name) == plain), None)

    def action_of(self, key: str) -> str | None:
        """Return what a key of a keyboard means (left, right, confirm, stop, grip), or ``None``."""
        place = self.place_of(key)
        return None if place is None else str(place[0])

    @property
    def box_repeats(self) -> bool:
        """Return whether a serial box may repeat the character of a button that is held."""
        return self.repeat_s != 0

    @property
    def window_s(self) -> float:
        """Return within which time the same character belongs to the press before it.

        Where the box never repeats, only its bounces do: an adapter may bring them apart.
        """
        if not self.box_repeats:
            return self.bounce_s + ADAPTER_S
        return self.repeat_s or REPEAT_S

    def keys(self, action: str) -> tuple[str, ...]:
        """Return the keys of an action under the names that they have when they come in."""
        before = SERIAL if self.port is not None else ""
        keys = tuple(before + key for key in getattr(self, action))
        return keys or (
            f"emulated_{action}",
        )  # a mouse has none: a simulated participant needs one

    @property
    def grip_key(self) -> str | None:
        """Return the grip under the name that it has when it comes in."""
        if self.grip is None:
            return None
        return (SERIAL if self.port is not None else "") + self.grip

    def as_emulated(self) -> "Responses":
        """Return the same answers from a simulated participant."""
        return self.model_copy(update={"answers": "emulated"})
