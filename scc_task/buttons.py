"""The bytes of a serial button box as presses and releases, under names that no keyboard has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from hardware.clock import Clock
from scc_task.ports import KeyEvent
from scc_task.responses import SERIAL_LOST

PREFIX: Final = "serial_"


class Bytes(Protocol):
    """A box, as `hardware.button_box.ButtonBox`."""

    @property
    def lost_s(self) -> float | None:
        """Return when the port went away, if it did."""

    def poll(self) -> list[tuple[float, int]]:
        """Return time and byte of what has come."""

    def close(self) -> None:
        """Release the port."""


class SerialButtons:
    """A serial box as a source of keys.

    A button whose release has a byte of its own is down from one to the other. Any other is down
    until its byte has not come again for ``repeat_s``: a box that repeats the byte shows that the
    button is held. Such a release is stamped with the last byte, and known only ``repeat_s`` later.
    A byte that belongs to no button is passed on as a press of its own.

    Parameters
    ----------
    release
        What the box sends when a button is let go, by what it sends for the press.
    grip
        The button that has to be repeated while it is held, whatever its release says: a cable
        that broke is silent.
    """

    def __init__(
        self,
        box: Bytes,
        clock: Clock,
        *,
        release: Mapping[str, str],
        grip: str | None,
        repeat_s: float,
    ) -> None:
        self._box, self._clock, self._grip, self._repeat_s = box, clock, grip, repeat_s
        self._presses = {after: press for press, after in release.items()}
        self._says_release = frozenset(release) - {grip}
        self._down: dict[str, float] = {}
        self._gone = False

    def poll(self) -> Sequence[KeyEvent]:
        """Return what has happened since the last poll, oldest first."""
        events: list[KeyEvent] = []
        now_s = (
            self._clock.now_s()
        )  # before the bytes are taken: none of them is overlooked as late
        for time_s, value in self._box.poll():
            events += self._fall_silent(time_s)
            events += self._byte(time_s, chr(value))
        events += self._fall_silent(now_s)
        if self._box.lost_s is not None and not self._gone:
            self._gone = True
            events.append(KeyEvent(self._box.lost_s, SERIAL_LOST, True))
        return events

    def _byte(self, time_s: float, sign: str) -> Iterator[KeyEvent]:
        press = self._presses.get(sign)
        if press is not None:
            self._down.pop(press, None)
            yield KeyEvent(time_s, PREFIX + press, False)
        elif sign in self._down and sign not in self._says_release:
            self._down[sign] = time_s  # it is still held
        else:
            self._down[sign] = time_s
            yield KeyEvent(time_s, PREFIX + sign, True)

    def _fall_silent(self, now_s: float) -> Iterator[KeyEvent]:
        for sign, last_s in tuple(self._down.items()):
            if sign not in self._says_release and now_s - last_s > self._repeat_s:
                del self._down[sign]
                # a grip was held for as long as nobody could know better
                let_go_s = last_s + self._repeat_s if sign == self._grip else last_s
                yield KeyEvent(let_go_s, PREFIX + sign, False)

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows when a button will be pressed."""
        return None

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        self._box.close()
