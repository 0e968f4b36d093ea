"""The supervisor stepped in the task's own process, on a virtual clock: for simulated runs only."""

from collections.abc import Callable, Sequence

from hardware.clock import Clock, VirtualClock
from hardware.readings import CuffReport, Identity, Program
from hardware.registry import CuffAddress, build_driver
from hardware.supervisor import Arm, Load, Supervisor, SupervisorSettings, Vent
from hardware.transport import Transport


class InProcessCuff:
    """The same supervisor, driver and codec as in a real run; time is handed to them in small steps.

    Parameters
    ----------
    wire
        A transport whose far end lives on ``cuff_clock``.
    cuff_clock
        The cuff's own virtual clock. It follows the task's clock, never overtakes it.
    wire_due_s
        Returns when the far end has something to say.
    """

    def __init__(
        self,
        address: CuffAddress,
        settings: SupervisorSettings,
        wire: Transport,
        *,
        clock: Clock,
        cuff_clock: VirtualClock,
        wire_due_s: Callable[[], float],
    ) -> None:
        self._address, self._settings, self._wire = address, settings, wire
        self._clock, self._cuff_clock, self._wire_due_s = clock, cuff_clock, wire_due_s
        self._supervisor: Supervisor | None = None
        self._found: list[CuffReport] = []
        self._beats = 0

    def open(self) -> Identity:
        """Identify the device."""
        self._cuff_clock.sleep_until(self._clock.now_s())
        cuff = build_driver(self._address, self._wire, self._cuff_clock)
        identity = cuff.identify()
        self._clock.sleep_until(self._cuff_clock.now_s())
        self._supervisor = Supervisor(cuff, identity, self._settings, self._found.append)
        return identity

    def arm(self) -> None:
        """Arm the cuff."""
        self._started.handle(Arm(), self._clock.now_s())

    def load(self, program: Program) -> None:
        """Hand over an inflation."""
        self._started.handle(Load(program), self._clock.now_s())

    def vent(self) -> None:
        """Vent the cuff."""
        if self._supervisor is not None:
            self._supervisor.handle(Vent(), self._clock.now_s())

    def beat(self) -> None:
        """Show a sign of life; the supervisor sees it once its time has caught up."""
        self._beats += 1

    def poll(self) -> Sequence[CuffReport]:
        """Let the cuff's time catch up with the task's, and return what was reported."""
        supervisor, now_s, cuff_clock = self._supervisor, self._clock.now_s(), self._cuff_clock
        while supervisor is not None and (then_s := cuff_clock.now_s()) < now_s:
            due_s = min(supervisor.next_due_s(then_s), self._wire_due_s())
            cuff_clock.sleep_until(min(now_s, max(due_s, then_s + 1e-6)))
            supervisor.step(cuff_clock.now_s())
        if supervisor is not None:
            supervisor.heart(self._beats, now_s)
        found, self._found[:] = list(self._found), []
        return found

    def next_due_s(self) -> float | None:
        """Return ``None``: the cuff never wakes the engine, it catches up."""
        return None

    def close(self) -> None:
        """Vent, and release the wire."""
        self.vent()
        self._wire.close()

    @property
    def _started(self) -> Supervisor:
        assert self._supervisor is not None, "open() comes first"  # noqa: S101
        return self._supervisor
