"""An emulated button box: told on standard input what a finger does, it sends what a box sends."""

import json
import random
from collections import deque
from collections.abc import Mapping
from typing import IO, Final

from hardware.clock import now_s

BOUNCE_S: Final = 0.004
"""Contacts chatter for a few milliseconds (recalled)."""


class EmulatedButtons:
    """A box with any buttons. ``down 1``, ``up 1`` and ``tap 1`` move a finger; each is one line.

    Parameters
    ----------
    release
        What is sent when a button is let go, by its press; nothing for other buttons.
    repeat_s
        How often the byte of a held button comes again; ``None``: never.
    bounces
        How often a contact chatters: so many more bytes within `BOUNCE_S` of each press.
    """

    def __init__(
        self,
        *,
        release: Mapping[str, str],
        repeat_s: float | None,
        bounces: int,
        seed: int,
        log: IO[str] | None,
    ) -> None:
        self._release, self._repeat_s, self._bounces, self._log = release, repeat_s, bounces, log
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self._orders: deque[str] = deque()
        self._held: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def order(self, line: str) -> None:
        """Take a line; from any thread."""
        self._orders.append(line)

    def receive(self, data: bytes) -> None:
        """Ignore them: a button box does not listen."""

    def advance(self, now: float) -> bytes:
        """Move the finger and return what is due."""
        while self._orders:
            word, _, button = self._orders.popleft().partition(" ")
            if word in ("down", "tap"):
                self._press(button, now)
            if word in ("up", "tap"):
                self._let_go(button, now)
        if self._repeat_s is not None:
            for button, next_s in self._held.items():
                if next_s <= now:
                    self._due.append((now, button))
                    self._held[button] = now + self._repeat_s
        sent = sorted(entry for entry in self._due if entry[0] <= now)
        self._due = [entry for entry in self._due if entry[0] > now]
        return b"".join(self._send(sign) for _, sign in sent)

    def _press(self, button: str, now: float) -> None:
        self._due.append((now, button))
        chatter = [now + self._random.uniform(0.0, BOUNCE_S) for _ in range(self._bounces)]
        self._due += [(time_s, button) for time_s in chatter]
        self._held[button] = now + (self._repeat_s or 0.0)

    def _let_go(self, button: str, now: float) -> None:
        self._held.pop(button, None)
        if button in self._release:
            self._due.append((now, self._release[button]))

    def _send(self, sign: str) -> bytes:
        if self._log is not None:
            self._log.write(json.dumps({"time_s": round(now_s(), 6), "what": sign}) + "\n")
        return sign.encode("ascii", "replace")

    def next_due_s(self) -> float | None:
        """Return when the next byte is due."""
        times = [time_s for time_s, _ in self._due]
        if self._repeat_s is not None:
            times += self._held.values()
        return min(times, default=None)

    def may_end(self) -> bool:
        """Return that a box may always end."""
        return True
