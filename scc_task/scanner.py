"""The pulse counter: numbers every scanner pulse, finds missed and extra ones, gives time zero. Pure."""

from scc_task.documents import Pulse, PulseKind, TimeZero
from scc_task.plan.steps import DummyKind, ScannerPlan


class PulseCounter:
    """Counts pulses as they come.

    A pulse sooner than half a TR after the last one is extra (a bounce, a second key). A gap of
    more than one and a half TR means missed pulses; they keep their numbers, so that a missed pulse
    never moves time zero.
    """

    def __init__(self, scanner: ScannerPlan) -> None:
        self._tr_s, self._volumes = scanner.tr_s, scanner.volumes
        # stored dummies are volumes: time zero is the first of them
        self._first = -scanner.dummies if scanner.dummy_kind is DummyKind.DISCARDED else 0
        self._last_number: int | None = None
        self._last_s = 0.0
        self.time_zero: TimeZero | None = None
        self.volumes = self.missed = self.extra = 0

    def begin(self, time_s: float) -> TimeZero:
        """Return time zero without a scanner."""
        self.time_zero = TimeZero(time_s=time_s, pulse=0)
        return self.time_zero

    def accept(self, time_s: float) -> Pulse:
        """Return a pulse with its number and kind."""
        last = self._last_number
        steps = 1 if last is None else round((time_s - self._last_s) / self._tr_s)
        number = self._first if last is None else last + steps
        if steps < 1 or number >= self._volumes:
            self.extra += 1
            return Pulse(time_s=time_s, kind=PulseKind.EXTRA, number=None, missed_before=0)
        self._last_number, self._last_s = number, time_s
        self.missed += steps - 1
        if number < 0:
            kind = PulseKind.DUMMY
        else:
            kind = PulseKind.VOLUME
            self.volumes += 1
            if self.time_zero is None:
                self.time_zero = TimeZero(time_s=time_s - number * self._tr_s, pulse=number)
        return Pulse(time_s=time_s, kind=kind, number=number, missed_before=steps - 1)
