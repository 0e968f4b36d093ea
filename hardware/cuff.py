"""What any cuff device must do for the supervisor: verbs in, reports out, evidence for every command."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from hardware.readings import CuffReport, Identity, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind of device can and cannot do, as data.

    ``finite_programs``: an inflation ends by itself on the device, also when the wire is gone.
    ``own_watchdog``: the device vents by itself when it no longer hears from us.
    ``shows_noise``: its sensor is finer than its noise, so that a reading which repeats itself for
    seconds is no measurement. ``samples_hz``: how often it reports its pressure; 0 where it measures none.
    """

    measures_pressure: bool
    finite_programs: bool
    own_watchdog: bool
    samples_hz: float
    channels: int
    shows_noise: bool = False


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
