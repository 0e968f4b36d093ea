"""A mouse or a trackball in the participant's window: ways and buttons, as key events.

The window's events are stamped when they are handled, at every look of the run's loop: a stamp may
be late by one turn (5 to 10 ms), or by the frame that is being drawn.
"""

from collections.abc import Sequence
from typing import Any, Final

from hardware.clock import Clock
from scc_task.ports import KeyEvent
from scc_task.responses import POINTER

_BUTTONS: Final = {1: "button_left", 2: "button_middle", 4: "button_right"}
"""Pyglet's numbers."""


class Pointer:
    """The pointer of the participant's window, held inside it so that it never meets an edge.

    Parameters
    ----------
    window
        Pyglet's window. Its events are handled by whoever owns it.
    end_to_end_px
        Way from one end of the scale to the other.
    """

    def __init__(self, window: Any, clock: Clock, *, end_to_end_px: int) -> None:
        self._window, self._clock, self._end_to_end_px = window, clock, end_to_end_px
        self._events: list[KeyEvent] = []
        window.push_handlers(
            on_mouse_motion=self._on_motion,
            on_mouse_drag=self._on_drag,
            on_mouse_press=self._on_press,
            on_mouse_release=self._on_release,
        )
        window.set_exclusive_mouse(True)

    def _on_motion(self, x: int, y: int, dx: int, dy: int) -> None:
        if dx:
            self._events.append(
                KeyEvent(self._clock.now_s(), POINTER, False, dx / self._end_to_end_px)
            )

    def _on_drag(self, x: int, y: int, dx: int, dy: int, buttons: int, modifiers: int) -> None:
        self._on_motion(x, y, dx, dy)

    def _on_press(self, x: int, y: int, button: int, modifiers: int) -> None:
        self._button(button, down=True)

    def _on_release(self, x: int, y: int, button: int, modifiers: int) -> None:
        self._button(button, down=False)

    def _button(self, button: int, *, down: bool) -> None:
        name = _BUTTONS.get(button, f"button_{button}")
        self._events.append(KeyEvent(self._clock.now_s(), name, down))

    def poll(self) -> Sequence[KeyEvent]:
        """Return what has happened since the last poll, oldest first."""
        found, self._events = self._events, []
        return found

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows when a hand will move."""
        return None

    def close(self) -> None:
        """Nothing to release: the window lets the pointer go when it closes."""
