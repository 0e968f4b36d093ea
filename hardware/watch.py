"""One cuff watched through everything that can happen to its wire: lost, opened again, vented again."""

from collections.abc import Callable
from typing import Final

from hardware.clock import RealClock
from hardware.cuff import CuffDriver
from hardware.pressure_rules import LEAST_EMPTY_MMHG, higher_mmhg
from hardware.readings import CuffReport, Identity, Sample, VentReport
from hardware.registry import CuffAddress
from hardware.rescue import Rescue
from hardware.states import PRESSURISED_STATES
from hardware.stop_line import EMPTY, UNKNOWN, VENTING
from hardware.supervisor import Order, Supervisor, SupervisorSettings, Vent
from hardware.transport import SerialTransport

STOPPED: Final = "the operator used the stop command"
STOP_AGAIN_S: Final = 0.1
DEAF_S: Final = 2.0
"""A cuff that is silent for so long while it should vent gets its port opened anew."""
PATIENCE_S: Final = 5.0
"""So does one that keeps its valve closed for so long: many controllers restart when a port is opened."""


class Watch:
    """The supervisor of a cuff, and after a lost wire another one that only vents.

    The first supervisor keeps the latched fault and refuses whatever the task still wants. A wire
    that comes back gets a supervisor that was never armed and is asked for nothing but vents.

    Parameters
    ----------
    report
        Takes every report. Must not block and must not raise.
    """

    def __init__(
        self,
        address: CuffAddress,
        settings: SupervisorSettings,
        wire: SerialTransport,
        cuff: CuffDriver,
        identity: Identity,
        clock: RealClock,
        report: Callable[[CuffReport], None],
    ) -> None:
        self._settings, self._identity, self._report_on = settings, identity, report
        self._wire, self._cuff = wire, cuff
        self._first = Supervisor(cuff, identity, settings, self._report)
        self._now = self._first
        self._rescue = Rescue(address, identity, clock, self._report)
        self._sample: Sample | None = None
        self._heard_s = clock.now_s()
        self._vent: VentReport | None = None
        self._venting_since_s: float | None = None
        self._stopped_s: float | None = None

    def _report(self, found: CuffReport) -> None:
        if isinstance(found, Sample):
            self._sample, self._heard_s = found, found.arrival_s
        elif isinstance(found, VentReport):
            self._vent = found
        self._report_on(found)

    @property
    def venting(self) -> bool:
        """Return whether a vent was begun that nothing has confirmed, or the wire is away."""
        return self._now.venting or self._rescue.busy

    @property
    def stopped(self) -> bool:
        """Return whether the operator's stop command has been here."""
        return self._stopped_s is not None

    @property
    def hopeless(self) -> bool:
        """Return whether the cuff cannot be reached any more, whatever is tried."""
        return self._rescue.hopeless

    def pressure_shown(self, now_s: float) -> bool:
        """Return whether the cuff shows that it is not empty."""
        if self.out_of_reach(now_s):
            return False
        # a reading that is no pressure at all does not show an empty cuff either
        return not LEAST_EMPTY_MMHG <= self._measured_mmhg() < self._settings.interlock.vented_mmhg

    def out_of_reach(self, now_s: float) -> bool:
        """Return whether nobody knows what the cuff does: the wire is away, or the device is silent."""
        return self._rescue.busy or now_s - self._heard_s >= DEAF_S

    def _measured_mmhg(self) -> float:
        return 0.0 if self._sample is None else higher_mmhg(self._sample)

    def fileno(self) -> int | None:
        """Return what to wait for on the wire; ``None`` while it is away."""
        up = not self._rescue.busy and self._now.link_up
        return self._wire.fileno() if up else None

    def next_due_s(self, now_s: float) -> float:
        """Return when `step` has something to do even if the wire stays silent."""
        return now_s + DEAF_S if self._rescue.busy else self._now.next_due_s(now_s)

    def heart(self, count: int, now_s: float) -> None:
        """Take the task's sign of life."""
        self._first.heart(count, now_s)

    def handle(self, order: Order, now_s: float) -> None:
        """Carry an order of the task out, or refuse it."""
        if isinstance(order, Vent):
            self.vent(now_s)
        else:
            self._first.handle(order, now_s)

    def vent(self, now_s: float) -> None:
        """Vent on whatever wire there is; one that is away is vented through when it is back."""
        if self._rescue.busy:
            self._first.handle(Vent(), now_s)
        else:
            self._now.vent(now_s)

    def stop(self, now_s: float) -> None:
        """Vent for the operator; the run is over. Asking again vents again, but not in a flood."""
        if self._stopped_s is not None and now_s - self._stopped_s < STOP_AGAIN_S:
            return
        self._stopped_s = now_s
        self._vent = None
        self._first.stop(now_s, STOPPED)
        if self._now is not self._first:
            self.vent(now_s)

    def stop_state(self) -> tuple[str, float | None]:
        """Return what became of the operator's stop, and the pressure."""
        shown = None if self._sample is None else self._measured_mmhg()
        if self.venting or self._vent is None or self._vent.confirmed is False:
            return VENTING, shown
        return (EMPTY if self._vent.confirmed else UNKNOWN), shown

    def step(self, now_s: float) -> None:
        """Read, judge, do what is due; look after the wire."""
        saved = self._rescue.take()
        if saved is not None:
            self._wire, self._cuff = saved.wire, saved.cuff
            # a wire that is back mends no sensor, and another cuff's pressure says nothing of this one
            doubt = not (self._now.trusted and saved.known)
            self._now = Supervisor(
                saved.cuff,
                self._identity,
                self._settings,
                self._report,
                distrust=doubt,
                was_high=self._now.falls,  # it fell while nobody looked: behind a kink that reads the same
            )
            self._now.vent(now_s)
            self._venting_since_s = now_s
            self._heard_s = now_s
        if self._rescue.busy:
            self._now.judge_time(now_s)
            return
        self._now.step(now_s)
        if not self._now.venting:
            self._venting_since_s = None
        elif self._venting_since_s is None:
            self._venting_since_s = now_s
        vanished = not self._now.link_up
        if vanished or self._unheeded(now_s):
            self._rescue.begin(self._wire, vanished=vanished)

    def _unheeded(self, now_s: float) -> bool:
        """Return whether the cuff is asked to vent and does not seem to hear."""
        if self._venting_since_s is None or not self._cuff.capabilities.measures_pressure:
            return False
        venting_s = now_s - self._venting_since_s
        deaf = venting_s > DEAF_S and now_s - self._heard_s > DEAF_S
        closed = self._sample is not None and self._sample.state in PRESSURISED_STATES
        return deaf or (venting_s > PATIENCE_S and closed)

    def give_up(self, now_s: float) -> None:
        """Report a vent that could not be confirmed."""
        self._now.give_up(now_s)

    def close(self) -> None:
        """Release the wire."""
        self._rescue.end()
        if not self._rescue.busy:
            self._wire.close()
