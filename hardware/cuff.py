"""What any cuff device must do for the supervisor: verbs in, reports out, evidence for every command."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.readings import CuffReport, Identity, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind of device can and cannot do, as data.

    ``finite_programs``: an inflation ends by itself on the device, also when the wire is gone.
    ``own_watchdog``: the device vents by itself when it no longer hears from us.
    ``shows_noise``: its sensor is finer than its noise, so that a reading which repeats itself for
    seconds is no measurement. ``samples_hz``: how often it reports its pressure; 0 where it measures none.
    ``fastest_fall_s``: no honest cuff on it falls from 60 to 15 mmHg in less; what does is taken for a
    kinked hose (`fast_fall`). A kink is seen where two intervals between samples are shorter. 0 where
    it measures none.
    ``sets_pressure``: it takes its target from us; otherwise somebody sets it by hand. ``ramps``: it
    can raise the pressure along a line that takes a given time (`Program.rise_s`). ``longest_s``: its
    longest inflation, ``None`` where none is known.
    """

    measures_pressure: bool
    finite_programs: bool
    own_watchdog: bool
    samples_hz: float
    fastest_fall_s: float
    channels: int
    shows_noise: bool = False
    sets_pressure: bool = True
    ramps: bool = False
    longest_s: float | None = None


def limitations(capabilities: Capabilities) -> tuple[str, ...]:
    """Return in plain sentences what the program cannot know or enforce on such a device."""
    found = []
    if not capabilities.measures_pressure:
        found.append(
            "The pressure is not measured: an overshoot, a leak, or a cuff that does not empty is not "
            "noticed, and no ceiling is enforced. Watch the gauge."
        )
    if not capabilities.sets_pressure:
        found.append(
            "The pressure is set by hand on the device: the program can neither set nor check it."
        )
    if not capabilities.finite_programs:
        found.append("The device does not end an inflation by itself: a command has to end it.")
    if not capabilities.own_watchdog:
        what = "The device does not notice when this computer falls silent: "
        what += (
            "the inflation goes on to its planned end then."
            if capabilities.finite_programs
            else "only the independent vent valve empties the cuff then."
        )
        found.append(what)
    return tuple(found)


def described(capabilities: Capabilities) -> dict[str, Any]:
    """Return what a record says of a kind of device: what it can, and in words what it cannot."""
    return {
        "capabilities": dataclasses.asdict(capabilities),
        "limitations": limitations(capabilities),
    }


class CuffDriver(Protocol):
    """What the supervisor needs of any device. Another device is another implementation of this."""

    capabilities: Capabilities

    def identify(self) -> Identity:
        """Ask who is there, before anything else; refuse what does not fit."""

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Make the device ready to inflate, never above the ceiling."""

    def prepare(self, program: Program) -> None:
        """Load an inflation ahead of its onset, so that starting it takes one short command."""

    def inflate(self, program: Program) -> None:
        """Start a finite inflation now."""

    def end(self, program: Program) -> None:
        """End an inflation now and stay armed."""

    def vent(self) -> None:
        """Empty the cuff now and disarm: every way there is, in any state. Never raises."""

    def heartbeat(self) -> None:
        """Renew the device's lease."""

    def poll(self) -> Iterator[CuffReport]:
        """Yield what the device has said, and send what is due."""

    def next_due_s(self) -> float | None:
        """Return when `poll` has something to send; ``None`` while it only listens."""

    def close(self) -> None:
        """Release the wire."""
