"""What a person types: whole lines, and single keys without Return."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.text import Text

if sys.platform == "win32":
    import msvcrt
else:
    import termios
    import tty


class Answers(Protocol):
    """Somebody who can be asked."""

    def line(self, question: str) -> str | None:
        """Return the answer without spaces around it; ``None``: nobody is there."""

    def pressing(self) -> contextlib.AbstractContextManager[None]:
        """Let single keys through, without Return, for a while."""

    def key(self) -> str | None:
        """Return a key that was pressed, if any. Does not wait."""

    @property
    def ended(self) -> bool:
        """Return whether nobody can answer any more."""


class TypedAnswers:
    """Whoever sits at standard input. Where that is no terminal, each line counts as one key.

    Parameters
    ----------
    console
        Where questions are shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._fd = sys.stdin.fileno()
        self._terminal = os.isatty(self._fd)
        self._typed = b""
        self._ended = False

    @property
    def ended(self) -> bool:
        """Return whether standard input is over."""
        return self._ended and not self._typed

    def line(self, question: str) -> str | None:
        """Ask and wait for Return."""
        self._console.print(Text(question), end=" ", soft_wrap=True)
        while b"\n" not in self._typed and not self._ended:
            self._read()
        if not self._terminal:
            self._console.print()
        if self.ended:
            return None
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    @contextlib.contextmanager
    def pressing(self) -> Iterator[None]:
        """Take keys as they are pressed; Ctrl-C goes on to interrupt."""
        if sys.platform == "win32" or not self._terminal:
            yield
            return
        before = termios.tcgetattr(self._fd)
        termios.tcflush(self._fd, termios.TCIFLUSH)  # what was typed before is no answer
        tty.setcbreak(self._fd)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSANOW, before)

    def key(self) -> str | None:
        """Return a key that was pressed, if any."""
        if sys.platform == "win32" and self._terminal:
            return msvcrt.getwch() if msvcrt.kbhit() else None
        if not self._terminal:
            return self._first_of_line()
        if select.select([self._fd], [], [], 0.0)[0]:
            self._read()
        key, self._typed = self._typed[:1], self._typed[1:]
        return key.decode("ascii", "replace") or None

    def _first_of_line(self) -> str | None:
        if b"\n" not in self._typed and not self._ended:
            self._read()  # a script or a file: its lines are there, or it is over
        line, _, self._typed = self._typed.partition(b"\n")
        return line[:1].decode("utf-8", "replace") or None

    def _read(self) -> None:
        data = os.read(self._fd, 1024)
        self._typed += data
        self._ended = not data
