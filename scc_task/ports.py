"""The engine's seams: what it needs of a screen, a cuff, a scanner and a participant.

The real ones live in `scc_task.present` and `hardware`; the emulated ones satisfy the same protocols.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.readings import CuffReport, Identity, Program
from hardware.states import StopReason
from scc_task.plan.steps import Plan, Step

RequestStop = Callable[[StopReason, str], None]
"""Asks for a stop: why, and in words."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key went down or up. ``key`` is PsychoPy's lower-case name (``left``, ``return``, ``5``).

    Buttons of a serial box are ``serial_1``, those of a mouse ``button_left``. Where a mouse or a
    trackball moved, ``key`` is ``pointer`` and ``moved`` the way, as a part of the scale's length.
    ``doubt``: in words, why the event was not heard but inferred.
    """

    time_s: float
    key: str
    down: bool
    moved: float = 0.0
    doubt: str = ""


class Screen(Protocol):
    """The participant's window. Draw into the back buffer, then flip; the flip's time is the onset."""

    @property
    def frame_s(self) -> float:
        """Return the display's frame period; 0.0 where flips do not wait for a frame."""

    def describe(self) -> Mapping[str, Any]:
        """Return facts for the record: width_px, height_px, refresh_hz, software, version."""

    def prepare(self, plan: Plan) -> None:
        """Build every stimulus of the plan once, before the run."""

    def draw_message(self, key: str) -> None:
        """Draw one of the plan's texts by its key."""

    def draw_live(self, key: str, values: Mapping[str, str]) -> None:
        """Draw one of the plan's texts with its words in braces filled in."""

    def draw_step(self, step: Step) -> None:
        """Draw what the step shows (for a rating: the scale with its marker at the start)."""

    def draw_rating(self, step: Step, *, position: int, confirmed: bool) -> None:
        """Draw the scale of a rating step with its marker."""

    def flip(self) -> float:
        """Show what was drawn and return the time, on the machine's clock, at which it appeared."""

    def closed(self) -> bool:
        """Handle the window's events and return whether somebody closed it."""

    def close(self) -> None:
        """Close the window. Safe to call twice."""


class KeySource(Protocol):
    """Keys with time stamps taken at the press, not at the poll."""

    def poll(self) -> Sequence[KeyEvent]:
        """Return what has happened since the last poll, oldest first."""

    def next_due_s(self) -> float | None:
        """Return when the next event is known to come (emulated sources), else ``None``."""

    def close(self) -> None:
        """Release the keyboard. Safe to call twice."""


class PulseSource(Protocol):
    """Scanner pulses, stamped on arrival."""

    def poll(self) -> Sequence[float]:
        """Return the times of the pulses since the last poll, oldest first."""

    def next_due_s(self) -> float | None:
        """Return when the next pulse is known to come (emulated sources), else ``None``."""

    def problem(self) -> str | None:
        """Return why no more pulses can come, if that is so."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


class Course(Protocol):
    """Steps that are not known before the run: each batch depends on what came of the last."""

    def more(self, from_ms: int) -> Sequence[Step] | None:
        """Return the steps that follow, back to back, the first at ``from_ms`` from time zero or later.

        Nothing when that is not known yet: it is asked again. ``None`` when the run is over.
        """

    def attend(self, request_stop: RequestStop) -> None:
        """Take what stops the run, before it begins."""

    def interrupted(self, reason: StopReason) -> None:
        """Put on record that the run ends before its course did."""


class CuffPort(Protocol):
    """The supervisor, seen from the task. Nothing here blocks, but `open` and `close`."""

    def open(self) -> Identity:
        """Start the supervisor, open the wire, identify the device.

        Raises
        ------
        HardwareUnavailable
            If the port, or the device behind it, is not there or does not fit.
        """

    def arm(self) -> None:
        """Ask the supervisor to arm the cuff; a `CommandReport` or a fault follows."""

    def load(self, program: Program) -> None:
        """Hand a finite inflation over, ahead of its onset."""

    def vent(self) -> None:
        """Empty the cuff now, in any state. A `VentReport` follows. Never raises."""

    def beat(self) -> None:
        """Show a sign of life."""

    def poll(self) -> Sequence[CuffReport]:
        """Return what the supervisor has reported since the last poll, oldest first."""

    def next_due_s(self) -> float | None:
        """Return when the next report is known to come (virtual clock), else ``None``."""

    def close(self) -> None:
        """Vent, let the supervisor end, release the wire. Safe to call twice."""
