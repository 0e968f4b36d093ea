"""Real presses out of a button's chatter: bounces and auto-repeat dropped, nothing else.

A contact that closes or opens bounces for a few milliseconds; a held key that repeats goes up and
down again, or only down again, many times a second. A press counts at once: nobody waits for an
answer. A button counts as let go once it has stayed so for the bounce time; a press within that
time belongs to the press before it. Every event comes out, with a word for those that were dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scc_task.ports import KeyEvent

BOUNCE: Final = "bounce"
"""Down and up again faster than any finger."""
REPEAT: Final = "repeat"
"""Down though it was down, or up though it was up."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An event of a button, and why it does not count (``None``: it does)."""

    event: KeyEvent
    dropped: str | None = None


class Debounce:
    """All the buttons of one participant.

    Parameters
    ----------
    bounce_s
        Presses of a button closer than this after its release are none. 0 drops repeats only.
    """

    def __init__(self, bounce_s: float) -> None:
        self._bounce_s = bounce_s
        self._down: set[str] = set()
        self._released: dict[str, KeyEvent] = {}

    def take(self, event: KeyEvent) -> Iterator[Settled]:
        """Take an event and yield what is decided by it, the event itself or an earlier one first."""
        waiting = self._released.pop(event.key, None)
        if waiting is not None:
            if event.down and event.time_s - waiting.time_s < self._bounce_s:
                yield Settled(waiting, BOUNCE)
                yield Settled(event, BOUNCE)
                return
            yield self._let_go(waiting)
        if event.down == (event.key in self._down):
            yield Settled(event, REPEAT)
        elif event.down:
            self._down.add(event.key)
            yield Settled(event)
        elif event.doubt:  # nobody heard it: it cannot bounce, and the press that shows it is one
            yield self._let_go(event)
        else:
            self._released[event.key] = event

    def due(self, now_s: float) -> Iterator[Settled]:
        """Yield the releases that have lasted long enough by now, oldest first."""
        for event in sorted(self._released.values(), key=lambda e: e.time_s):
            if now_s >= event.time_s + self._bounce_s:  # as `next_due_s` says it, to the last bit
                del self._released[event.key]
                yield self._let_go(event)

    def next_due_s(self) -> float | None:
        """Return when the next release is certain."""
        times = [event.time_s + self._bounce_s for event in self._released.values()]
        return min(times, default=None)

    def _let_go(self, event: KeyEvent) -> Settled:
        self._down.discard(event.key)
        return Settled(event)
