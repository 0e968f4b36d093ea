"""What all pulse sources have in common: a thread that only waits and stamps, and what it found."""

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from hardware.clock import Clock

WAIT_S: Final = 0.1
"""How long a listening thread sleeps at most before it looks whether it should end."""
POLL_S: Final = 0.001
"""How often a level is read where nothing tells of its edges."""
OLD_S: Final = 0.5
"""No pulse is so long on its way (assumed): an older stamp is from another clock."""
FUTURE_S: Final = 0.005
"""A stamp further in the future is from another clock: clocks are compared more closely (assumed)."""
HELD_S: Final = 0.02
"""A look that ends so much later than it should was held up; less is a busy computer's usual (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """How the time stamps of a source are made, and by how much they may be wrong.

    ``uncertainty_ms``: what the pulse's way into this program adds at most, without the time until
    the system lets the listening thread run; that is measured by ``benchmarks/pulses.py``.
    ``because``: where that figure is from.
    """

    made: str
    uncertainty_ms: float
    because: str

    def __str__(self) -> str:
        """Return it in one sentence."""
        return f"stamped {self.made}, to within {self.uncertainty_ms:.2g} ms ({self.because})"


class Stamp(float):
    """The time of a pulse in seconds, and what is known against it.

    Attributes
    ----------
    late_s
        By how much it may be too late, because the listening thread was held up; 0.0: not known to be.
    doubt
        In words, why it is not the sender's stamp but the time of arrival.
    """

    __slots__ = ("doubt", "late_s")
    late_s: float
    doubt: str

    def __new__(cls, time_s: float, *, late_s: float = 0.0, doubt: str = "") -> "Stamp":
        """Return the time with what is known of it."""
        stamp = super().__new__(cls, time_s)
        stamp.late_s, stamp.doubt = late_s, doubt
        return stamp

    @classmethod
    def of(cls, time_s: float) -> "Stamp":
        """Return a time as a stamp; one that is none has nothing against it."""
        return time_s if isinstance(time_s, cls) else cls(time_s)


def checked(time_s: float, *, looked_s: float | None, now_s: float) -> Stamp:
    """Return a stamp, or, where it cannot be true, the time at which it was taken up.

    Parameters
    ----------
    looked_s
        When the source was last asked, if it was: what it gives now came later.
    now_s
        When it gave the stamp.
    """
    stamp = Stamp.of(time_s)
    if stamp <= now_s + FUTURE_S and (looked_s is None or stamp >= looked_s - OLD_S):
        return stamp
    words = (
        f"a pulse was stamped {stamp - now_s:+.4g} s from when it came in: that is another clock, or it was "
        "on its way too long; such pulses count from when they came in, and are not sure"
    )
    return Stamp(now_s, late_s=stamp.late_s, doubt=stamp.doubt or words)


class HoldUps:
    """What a thread knows that looks at least each `WAIT_S`: by how much a stamp may be too late."""

    def __init__(self, now_s: float) -> None:
        self._ended_s, self._held_s = now_s, 0.0

    def late_s(self, ended_s: float) -> float:
        """Return by how much what a look found may have come before its end."""
        gap_s = ended_s - self._ended_s
        held_s = gap_s if gap_s > WAIT_S + HELD_S else 0.0
        # what came while the last look's stamp was waited for is found by this one
        late_s = held_s + self._held_s
        self._ended_s, self._held_s = ended_s, held_s
        return late_s


class PulseListener(Protocol):
    """A source of pulses that is open. A time may be a `Stamp`, which knows more."""

    def poll(self) -> list[float]:
        """Return the times of the pulses since the last poll, oldest first."""

    def strangers(self) -> Mapping[str, int]:
        """Return what came that is no pulse, in words, and how often."""

    def problem(self) -> str | None:
        """Return why no more pulses can come, if that is so."""

    def next_due_s(self) -> float | None:
        """Return when the next pulse comes, if that is known."""

    def stamps(self) -> Stamps:
        """Return how the stamps are made, as it is known by now."""

    def close(self) -> None:
        """Stop listening and release the port. Safe to call twice."""


class Listening(ABC):
    """A source with a thread of its own. Subclasses say how to listen, and how stamps are made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque()
        self._others: Counter[str] = Counter()
        self._lost: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="scanner pulses")

    def _run(self) -> None:
        try:
            self._lost = self._listen()
        except Exception as error:  # noqa: BLE001  whatever ends it: nobody hears the pulses any more
            self._lost = f"listening ended: {type(error).__name__}: {error}"

    @abstractmethod
    def _listen(self) -> str | None:
        """Stamp pulses until `_over` is set; return why the source is gone, if that ends it."""

    @abstractmethod
    def stamps(self) -> Stamps:
        """Return how the stamps are made, as it is known by now."""

    def poll(self) -> list[float]:
        """Return the times of the pulses since the last poll, oldest first."""
        found = []
        while self._times:
            found.append(self._times.popleft())
        return found

    def strangers(self) -> Mapping[str, int]:
        """Return what came that is no pulse, in words, and how often."""
        return dict(self._others)

    def problem(self) -> str | None:
        """Return why the port is gone, if it is."""
        return self._lost

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows."""
        return None

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2 * WAIT_S + 1.0)


class Polling(Listening):
    """A source whose level is read every `POLL_S`. A pulse shorter than the longest gap may be missed."""

    def __init__(self, clock: Clock, *, edge: str) -> None:
        super().__init__(clock)
        self._rising = edge == "rising"
        self._gap_s = POLL_S

    @abstractmethod
    def _level(self) -> bool:
        """Return whether the line is high now.

        Raises
        ------
        OSError
            If the port is gone.
        """

    def _listen(self) -> str | None:
        try:
            self._poll_level()
        except OSError as error:
            return str(error)
        return None

    def _poll_level(self) -> None:
        level, read_s = self._level(), self._clock.now_s()
        while not self._over.is_set():
            self._clock.sleep_until(read_s + POLL_S)
            now_high, now_s = self._level(), self._clock.now_s()
            if now_high != level and now_high == self._rising:
                self._times.append(Stamp(now_s, late_s=now_s - read_s))
            self._gap_s = max(self._gap_s, now_s - read_s)
            level, read_s = now_high, now_s

    def stamps(self) -> Stamps:
        """Return how the stamps are made; the longest gap so far is what they may be late."""
        return Stamps(
            made="by reading the line every millisecond",
            uncertainty_ms=self._gap_s * 1000,
            because="the longest time between two readings so far",
        )
