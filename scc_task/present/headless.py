"""A screen and a keyboard that are not there: for `simulate`. Imports no PsychoPy."""

from collections.abc import Mapping, Sequence
from typing import Any

from hardware.clock import Clock
from scc_task.plan.steps import Plan, Step
from scc_task.ports import KeyEvent


class HeadlessScreen:
    """A screen that shows nothing, at once: a flip takes no time on the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def frame_s(self) -> float:
        """Return 0.0: flips do not wait."""
        return 0.0

    def describe(self) -> Mapping[str, Any]:
        """Return facts for the record, with the keys of the real screen."""
        return {
            "width_px": None,
            "height_px": None,
            "refresh_hz": None,
            "software": "none",
            "version": None,
            "number": None,
            "fullscreen": None,
        }

    def prepare(self, plan: Plan) -> None:
        """Build nothing."""

    def draw_message(self, key: str) -> None:
        """Draw nothing."""

    def draw_live(self, key: str, values: Mapping[str, str]) -> None:
        """Draw nothing."""

    def draw_step(self, step: Step) -> None:
        """Draw nothing."""

    def draw_rating(self, step: Step, *, position: int, confirmed: bool) -> None:
        """Draw nothing."""

    def flip(self) -> float:
        """Return the time."""
        return self._clock.now_s()

    def closed(self) -> bool:
        """Return ``False``: nobody can close it."""
        return False

    def close(self) -> None:
        """Do nothing."""


class NoKeys:
    """A keyboard that nobody touches."""

    def poll(self) -> Sequence[KeyEvent]:
        """Return nothing."""
        return ()

    def next_due_s(self) -> float | None:
        """Return ``None``: nothing will come."""
        return None

    def close(self) -> None:
        """Do nothing."""
