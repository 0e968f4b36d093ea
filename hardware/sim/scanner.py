"""An emulated scanner: a pulse train with dummies, started like a sequence at the console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseTrain:
    """When the pulses of one sequence come: ``count`` pulses, one each ``tr_s``, from ``start_s``.

    Silent dummies delay the first pulse and send none.
    """

    start_s: float
    tr_s: float
    count: int
    silent: int = 0

    def time_s(self, number: int) -> float:
        """Return the time of a pulse, counted from 0."""
        return self.start_s + (self.silent + number) * self.tr_s


class EmulatedPulses:
    """A pulse source on the task's own clock: for simulated runs."""

    def __init__(self) -> None:
        self._train: PulseTrain | None = None
        self._sent = 0

    def begin(self, train: PulseTrain) -> None:
        """Start a sequence."""
        self._train, self._sent = train, 0

    def next_due_s(self) -> float | None:
        """Return when the next pulse comes."""
        train = self._train
        return train.time_s(self._sent) if train and self._sent < train.count else None

    def until(self, now_s: float) -> list[float]:
        """Return the times of the pulses up to now, oldest first."""
        times = []
        while (due_s := self.next_due_s()) is not None and due_s <= now_s:
            times.append(due_s)
            self._sent += 1
        return times
