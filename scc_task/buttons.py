"""The bytes of a serial button box as presses and releases, under names that no keyboard has."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from hardware.button_box import Arrival
from hardware.clock import Clock
from scc_task.ports import KeyEvent
from scc_task.responses import SERIAL_LOST

PREFIX: Final = "serial_"
STALL_S: Final = 0.2
"""A grip that could not be listened to for longer counts as let go: the shortest patience that a rig may
give the supervisor, which the same hold-up would use up."""
DEAF_S: Final = 1.0
"""A thread that did not listen for so long, while the run looked on, is taken for gone."""
TURN_S: Final = 0.05
"""Longer between two looks, and the run itself was held up, maybe together with the thread."""
LOST_RELEASE: Final = "its release was never heard"


class Bytes(Protocol):
    """A box, as `hardware.button_box.ButtonBox`."""

    @property
    def listened_s(self) -> float:
        """Return until when everything that came has been taken."""

    @property
    def lost_s(self) -> float | None:
        """Return when the port went away, if it did."""

    def poll(self) -> list[Arrival]:
        """Return what has come."""

    def close(self) -> None:
        """Release the port."""


class SerialButtons:
    """A serial box as a source of keys.

    A button whose release has a byte of its own is down from one to the other; if its byte comes
    again after more than ``window_s``, a release in between was lost. Any other is down until its byte
    has not come again for ``window_s``: a box that repeats the byte shows that the button is held.
    Such a release is stamped with the last byte, and known only ``window_s`` later.
    A byte that belongs to no button is passed on as a press of its own.

    Silence is what the thread that listens has heard of it; when somebody asks does not matter.

    Parameters
    ----------
    release
        What the box sends when a button is let go, by what it sends for the press.
    grip
        The button that has to be repeated while it is held, whatever its release says: a cable
        that broke is silent.
    window_s
        The same byte within this time belongs to the press before it.
    repeats
        Whether the box repeats the byte of a held button. Then bytes that may have come earlier than
        their stamps are given the benefit of it; else each byte outside the window is a press.
    """

    def __init__(
        self,
        box: Bytes,
        clock: Clock,
        *,
        release: Mapping[str, str],
        grip: str | None,
        window_s: float,
        repeats: bool = True,
    ) -> None:
        self._box, self._clock, self._grip = box, clock, grip
        self._window_s, self._repeats = window_s, repeats
        self._presses = {after: press for press, after in release.items()}
        self._says_release = frozenset(release) - {grip}
        self._down: dict[str, float] = {}
        self._gone = False
        self._polled_s = clock.now_s()
        self._listened_s, self._deaf_s = box.listened_s, 0.0

    def poll(self) -> Sequence[KeyEvent]:
        """Return what has happened since the last poll, oldest first."""
        events: list[KeyEvent] = []
        taken_s = -math.inf
        # before the bytes are taken: none of them is overlooked as late
        now_s, listened_s, lost_s = self._clock.now_s(), self._box.listened_s, self._box.lost_s
        for arrival in self._box.poll():
            earliest_s = arrival.time_s - (arrival.late_s if self._repeats else 0.0)
            events += self._fall_silent(earliest_s)
            if arrival.late_s > STALL_S and arrival.time_s > taken_s:  # once for one look
                events += self._unheard(arrival.time_s, _for(arrival.late_s))
            taken_s = arrival.time_s
            events += self._byte(arrival.time_s, earliest_s, chr(arrival.value))
        events += self._fall_silent(listened_s)
        if not self._gone and (lost_s is not None or self._is_deaf(now_s, listened_s)):
            self._gone = True
            events.append(KeyEvent(now_s if lost_s is None else lost_s, SERIAL_LOST, True))
        if self._gone:
            events += self._unheard(now_s, "its port is gone")
        elif now_s - listened_s > STALL_S:
            events += self._unheard(now_s, _for(now_s - listened_s))
        return events

    def _byte(self, time_s: float, earliest_s: float, sign: str) -> Iterator[KeyEvent]:
        press = self._presses.get(sign)
        if press is not None:
            self._down.pop(press, None)
            yield KeyEvent(time_s, PREFIX + press, False)
            return
        last_s = self._down.get(sign)
        anew = last_s is None or earliest_s - last_s > self._window_s
        if anew or self._repeats:  # bounces alone do not make their window longer
            self._down[sign] = time_s
        if sign in self._says_release and last_s is not None:
            if anew:
                yield KeyEvent(time_s, PREFIX + sign, False, doubt=LOST_RELEASE)
            yield KeyEvent(time_s, PREFIX + sign, True)  # a repeat, or a press: the filter knows
        elif last_s is None:
            yield KeyEvent(time_s, PREFIX + sign, True)

    def _fall_silent(self, until_s: float) -> Iterator[KeyEvent]:
        for sign, last_s in tuple(self._down.items()):
            if sign not in self._says_release and until_s - last_s > self._window_s:
                del self._down[sign]
                # a grip was held for as long as nobody could know better
                let_go_s = last_s + self._window_s if sign == self._grip else last_s
                yield KeyEvent(let_go_s, PREFIX + sign, False)

    def _unheard(self, time_s: float, why: str) -> Iterator[KeyEvent]:
        """Take a grip as let go that nobody could listen to."""
        if self._grip is not None and self._down.pop(self._grip, None) is not None:
            doubt = f"{why}, which counts as let go"
            yield KeyEvent(time_s, PREFIX + self._grip, False, doubt=doubt)

    def _is_deaf(self, now_s: float, listened_s: float) -> bool:
        """Return whether the thread has stood still for `DEAF_S` in which the run did not."""
        self._deaf_s += min(now_s - self._polled_s, TURN_S)
        if listened_s > self._listened_s:
            self._deaf_s = 0.0
        self._polled_s, self._listened_s = now_s, listened_s
        return self._deaf_s > DEAF_S

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows when a button will be pressed."""
        return None

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        self._box.close()


def _for(silent_s: float) -> str:
    return f"its port was not heard for {silent_s:.2f} s"
