"""The command ``stop``: vent every cuff of this user now, from any terminal, hotkey or foot pedal.

Talks to the supervisors, never to the task, so a hung window cannot hold it up. Imports next to
nothing: `run_task.py` starts it before anything else is loaded.
"""

import contextlib
import select
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hardware.clock import RealClock
from hardware.stop_line import (
    ASK,
    EMPTY,
    LOOPBACK,
    STOP,
    UNKNOWN,
    Announced,
    others,
    read_answer,
    running,
)
from scc_task.errors import ExitCode

WAIT_S: Final = 12.0
"""Longer than the interlock's own limit of 10 s for a vent."""
NO_ANSWER_S: Final = 2.0
ASK_S: Final = 0.1
LOUD: Final = "DISCONNECT THE HOSE FROM THE CUFF NOW."


@dataclass(slots=True)
class _Asked:
    cuff: Announced
    state: str | None = None
    mmhg: float | None = None

    @property
    def over(self) -> bool:
        return self.state in (EMPTY, UNKNOWN)

    def pressure(self) -> str:
        return "pressure unknown" if self.mmhg is None else f"{self.mmhg:.1f} mmHg"


def stop(say: Callable[[str], None]) -> ExitCode:
    """Vent, and say for each cuff what became of it."""
    clock = RealClock()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        asked: dict[int, _Asked] = {}
        for cuff in running():
            asked[cuff.port] = _Asked(cuff)
            _send(line, cuff.port, STOP)  # at once: the next file may be slow to read
        if not asked:
            say(
                "No cuff of yours is being driven by this program on this computer: nothing to stop."
            )
            if users := others():
                say(
                    f"Programs of other users may drive one (user {', '.join(users)}): say it as they."
                )
            say(f"If there is pressure in a cuff: {LOUD}")
            return ExitCode.BAD_USAGE
        begun_s = clock.now_s()
        ask_s = begun_s + ASK_S
        while not all(one.over for one in asked.values()):
            now_s = clock.now_s()
            silent = all(one.over or one.state is None for one in asked.values())
            if now_s > begun_s + (NO_ANSWER_S if silent else WAIT_S):
                break
            if now_s >= ask_s:
                ask_s = now_s + ASK_S
                for one in asked.values():
                    if not one.over:
                        _send(line, one.cuff.port, STOP if one.state is None else ASK)
            select.select([line], [], [], ASK_S / 2)
            _listen(line, asked, now_s - begun_s, say)
    return _conclude(list(asked.values()), say)


def _send(line: socket.socket, port: int, word: bytes) -> None:
    with contextlib.suppress(OSError):
        line.sendto(word, (LOOPBACK, port))


def _listen(
    line: socket.socket, asked: dict[int, _Asked], after_s: float, say: Callable[[str], None]
) -> None:
    for _ in range(64):
        try:
            data, (_, port) = line.recvfrom(64)
        except BlockingIOError:
            return
        except OSError:  # Windows: nobody is at one of the ports
            continue
        answer, one = read_answer(data), asked.get(port)
        if answer is None or one is None or one.over:
            continue
        before, (one.state, one.mmhg) = one.state, answer
        if one.state == EMPTY:
            say(f"{_name(one)}: empty, {one.pressure()}, {after_s:.1f} s after the stop")
        elif one.state != before:
            say(f"{_name(one)}: venting, {one.pressure()}")


def _name(one: _Asked) -> str:
    return f"{one.cuff.cuff} (process {one.cuff.pid})"


def _conclude(asked: list[_Asked], say: Callable[[str], None]) -> ExitCode:
    for one in asked:
        if one.state is None:
            say(f"{_name(one)}: ITS SUPERVISOR DOES NOT ANSWER. {LOUD}")
        elif one.state == UNKNOWN:
            say(
                f"{_name(one)}: VENTED, BUT THIS DEVICE MEASURES NO PRESSURE. SEE THAT THE CUFF IS EMPTY."
            )
        elif one.state != EMPTY:
            say(f"{_name(one)}: NOT SEEN TO EMPTY, {one.pressure()}. {LOUD}")
            say("  its supervisor goes on venting it; ask again with: run_task.py stop")
    confirmed = all(one.state == EMPTY for one in asked)
    return ExitCode.DONE if confirmed else ExitCode.HARDWARE_UNAVAILABLE


def main() -> int:
    """Stop, and print what became of it; a terminal that is gone changes nothing."""

    def say(text: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    code = int(stop(say))
    if len(sys.argv) > 2:
        say(f"'stop' takes nothing else; it has stopped, and not heeded: {' '.join(sys.argv[2:])}")
    return code
