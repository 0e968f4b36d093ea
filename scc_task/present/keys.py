"""Keys with the time of the press itself, from psychtoolbox's queue.

A thread of psychtoolbox's own stamps every press and release as the system reports it, whether the
window has the focus or not, and however long a frame takes. PsychoPy's keyboard classes stand on
the same queue but drop a key that went down and up between two polls, as a scanner's pulse may.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from hardware.errors import HardwareUnavailable
from scc_task.errors import WindowUnavailable
from scc_task.ports import KeyEvent
from scc_task.present import quiet
from scc_task.present.display import display_answers
from scc_task.protocol.keynames import key_names

_SLOTS: Final = 10_000  # events a queue holds between polls; psychtoolbox drops what comes after
_COMBINED: Final = None  # Windows: psychtoolbox sees all keyboards as one, without a number


class Presses:
    """Turns one keyboard's raw events into presses and releases.

    A held key repeats its press; a key held since before the start is released without one. Both
    are left out, so that down and up alternate for every key.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._down: set[int] = set()

    def event(self, time_s: float, code: int, *, down: bool) -> KeyEvent | None:
        """Return what a raw event means, or ``None`` for a repetition."""
        if down == (code in self._down):
            return None
        (self._down.add if down else self._down.discard)(code)
        return KeyEvent(time_s, self._names.get(code, f"code_{code}"), down)


class Keyboard:
    """All keyboards of the machine. A button box or trigger box that types counts as one.

    A keyboard connected after the start is not heard.

    Raises
    ------
    HardwareUnavailable
        If the keys cannot be read with time stamps. There is no second-best way that would be
        taken instead: a keyboard that loses short presses must not look like a working one.
    """

    def __init__(self) -> None:
        self._queues: list[tuple[Any, Presses]] = []
        names = key_names(sys.platform)
        try:
            self._offset_s = quiet.clock_offset_s()
            from psychtoolbox import hid

            for number in _device_numbers(hid):
                # The class's own constructor would create a queue with other settings first.
                queue = hid.Keyboard.__new__(hid.Keyboard)
                queue.device_number = number
                queue._create_queue(_SLOTS, 0, None)  # noqa: SLF001 - the package's documented way
                queue.queue_start()
                self._queues.append((queue, Presses(names)))
        except WindowUnavailable as problem:
            raise HardwareUnavailable(problem.what, where=problem.where, do=problem.do) from problem
        except Exception as problem:  # a C library that raises anything
            self.close()
            raise HardwareUnavailable(
                f"the keyboard cannot be read: {type(problem).__name__}: {problem}",
                where="psychtoolbox keyboard queue",
                do=_ADVICE.get(sys.platform, _ADVICE["linux"]),
            ) from problem
        if not self._queues:
            raise HardwareUnavailable(
                "no keyboard was found",
                where="psychtoolbox keyboard queue",
                do="connect a keyboard or the button box, then start again",
            )

    def poll(self) -> Sequence[KeyEvent]:
        """Return what has happened since the last poll, oldest first."""
        events: list[KeyEvent] = []
        for queue, presses in self._queues:
            while queue.flush(1):  # the number of events that wait
                raw, _left = queue.queue_get_event()
                event = presses.event(
                    float(raw["Time"]) + self._offset_s,
                    int(raw["Keycode"]),
                    down=bool(raw["Pressed"]),
                )
                if event is not None:
                    events.append(event)
        return sorted(events, key=lambda e: e.time_s)

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows when a key will be pressed."""
        return None

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        queues, self._queues = self._queues, []
        # on a display that died, stopping a queue would freeze this whole process for ever
        if not queues or not display_answers():
            return
        for queue, _ in queues:
            queue.queue_stop()
            queue._release_queue()  # noqa: SLF001 - as above


_ADVICE: Final = {
    "linux": "start from a desktop session (X11) whose user may read the keyboard",
    "darwin": "System Settings, Privacy and Security, Input Monitoring: allow the terminal",
    "win32": "close other programs that hold the keyboard, then start again",
}


def _device_numbers(hid: Any) -> Iterable[int | None]:
    """Return the keyboards to listen to, so that one press on one of them is one event.

    X11 reports a press for the keyboard itself and again for the "master" that gathers all of them.
    """
    if sys.platform == "win32":
        return [_COMBINED]
    numbers, _names, infos = hid.get_keyboard_indices()
    pairs = zip(numbers, infos, strict=True)
    return [int(n) for n, info in pairs if "master" not in str(info.get("usageName", ""))]
