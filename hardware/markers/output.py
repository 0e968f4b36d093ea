"""One port to one recorder, in a thread of its own: whoever sends never waits for it."""

import threading
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from hardware.clock import Clock
from hardware.errors import HardwareError
from hardware.markers.wires import MarkerWire

BACKLOG: Final = 64
"""Codes that may wait; a run sends some ten in a trial."""
STALE_S: Final = 1.0
"""A code that had to wait longer is not sent: on the recorder's trace it would be wrong, not late."""
CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one code. ``written_s`` is ``None`` where it did not go out."""

    tag: int
    written_s: float | None


class MarkerOutput:
    """Puts codes on a wire one after the other: each for ``pulse_s``, then rest for as long.

    Parameters
    ----------
    wire
        Closed by `close`.
    pulse_s
        0: the recorder's box ends the pulse by itself, and no rest is written.
    """

    def __init__(self, wire: MarkerWire, clock: Clock, *, pulse_s: float) -> None:
        self._wire, self._clock, self._pulse_s = wire, clock, pulse_s
        self._orders: SimpleQueue[tuple[int, int, float] | None] = SimpleQueue()
        self._sent: deque[Sent] = deque()
        self._problem: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="markers")
        self._thread.start()

    def send(self, code: int, tag: int) -> None:
        """Have a code written. Returns at once; `taken` tells what became of it, by its tag."""
        if self._orders.qsize() >= BACKLOG:
            self._give_up(tag, f"{BACKLOG} codes wait already")
        else:
            self._orders.put((code, tag, self._clock.now_s()))

    def taken(self) -> list[Sent]:
        """Return what became of codes since the last call, in order."""
        found = []
        while self._sent:
            found.append(self._sent.popleft())
        return found

    def problem(self) -> str | None:
        """Return what went wrong first, if anything did."""
        return self._problem

    def close(self) -> None:
        """Write what waits, take the last code off the wire, release it. A stuck port costs a second."""
        self._orders.put(None)
        self._thread.join(CLOSE_S)
        self._over.set()

    def _work(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    order = self._orders.get(timeout=CLOSE_S)
                except Empty:
                    continue
                if order is None:
                    return
                self._pulse(*order)
        finally:
            self._wire.close()

    def _pulse(self, code: int, tag: int, handed_s: float) -> None:
        if self._clock.now_s() - handed_s > STALE_S:
            self._give_up(tag, "the port did not take the codes before it in time")
            return
        try:
            self._wire.put(code)
        except HardwareError as error:
            self._give_up(tag, error.what)
            return
        written_s = self._clock.now_s()
        self._sent.append(Sent(tag, written_s))
        if not self._pulse_s:
            return
        self._clock.sleep_until(written_s + self._pulse_s)
        try:
            self._wire.rest()
        except HardwareError as error:
            self._problem = self._problem or error.what
        self._clock.sleep_until(self._clock.now_s() + self._pulse_s)

    def _give_up(self, tag: int, why: str) -> None:
        self._problem = self._problem or why
        self._sent.append(Sent(tag, None))
