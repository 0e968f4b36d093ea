"""STOP without the task: a loopback socket of the supervisor's own, and how to find it.

Each supervisor announces its socket in a small file in a folder of this user and keeps that file
locked, so that what a dead process left behind is told from the living, also when its process
number is in use again. Exactly one word does anything, and what it does is to vent: no secret
guards it. Nothing here waits for the task, and the supervisor waits for nothing here.
"""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STOP: Final = b"scc-cuff stop 1"
ASK: Final = b"scc-cuff state 1"
VENTING: Final = "venting"
EMPTY: Final = "empty"
UNKNOWN: Final = "unknown"
"""Vented, but the device measures no pressure: nobody knows."""
_STATES: Final = (VENTING, EMPTY, UNKNOWN)
FOLDER: Final = "SCC_CUFF_STOP_FOLDER"
"""The variable that names another folder for the announcements (tests, several users as one)."""
LOOPBACK: Final = "127.0.0.1"
AT_ONCE: Final = 64
"""Datagrams taken in one turn: a flood costs the supervisor no more than this."""
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Announced:
    """A supervisor that runs: its process, its socket's port, and its cuff in the operator's words."""

    pid: int
    port: int
    cuff: str


def folder() -> Path:
    """Return where this user's supervisors announce themselves.

    Not the temporary folder of the environment on POSIX: a hotkey or a foot pedal may have another one.
    """
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    if sys.platform == "win32":
        import tempfile  # costs `stop` 5 ms elsewhere

        return Path(tempfile.gettempdir()) / "scc-cuff"
    return Path("/tmp") / f"scc-cuff-{os.getuid()}"  # noqa: S108  ours alone, see `_safe`


class StopLine:
    """The supervisor's end.

    Parameters
    ----------
    cuff
        What the operator calls this cuff: driver and port.
    """

    ANNOUNCE_S: Final = 1.0
    """A slow disk holds the start up by this at most; the file then comes later."""

    def __init__(self, cuff: str) -> None:
        self.problem: str | None = None
        self._socket: socket.socket | None = None
        self._file: int | None = None
        self._over = False
        self._lock = threading.Lock()
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._socket.bind((LOOPBACK, 0))
            port = self._socket.getsockname()[1]
        except OSError as error:
            self.problem = f"no loopback socket: {error}"
            self.close()
            return
        text = json.dumps({"pid": os.getpid(), "port": port, "cuff": cuff})
        self._thread = threading.Thread(target=self._announce, args=(text,), daemon=True)
        self._thread.start()
        self._thread.join(self.ANNOUNCE_S)

    def _announce(self, text: str) -> None:
        try:
            place = folder()
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _safe(place):
                self.problem = f"{place} belongs to somebody else"
                return
            list(running())  # tidies up what killed supervisors left
            self._path = place / f"{os.getpid()}.json"
            for _ in range(_TRIES):
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
                _hold(handle)
                # somebody who tidied up may have taken it for a dead one before it was locked
                with contextlib.suppress(FileNotFoundError):
                    if self._path.stat().st_ino == os.fstat(handle).st_ino:
                        os.write(handle, text.encode())
                        self._keep(handle)
                        return
                os.close(handle)
        except OSError as error:
            self.problem = f"it cannot be announced: {error}"

    def _keep(self, handle: int) -> None:
        with self._lock:
            self._file = handle
            if self._over:
                self._withdraw()

    def _withdraw(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                if sys.platform == "win32":  # an open file cannot be removed there
                    os.close(self._file)
                    self._path.unlink(missing_ok=True)
                else:
                    self._path.unlink(missing_ok=True)
                    os.close(self._file)
            self._file = None

    def fileno(self) -> int | None:
        """Return what becomes readable when somebody calls; ``None`` without a socket."""
        return None if self._socket is None else self._socket.fileno()

    def hear(self) -> tuple[bool, list[tuple[str, int]]]:
        """Return whether anybody said stop, and who waits for an answer. Never waits.

        Anything but the two words is thrown away.
        """
        stop, callers = False, []
        for _ in range(AT_ONCE if self._socket is not None else 0):
            try:
                data, caller = self._socket.recvfrom(len(ASK) + 1)  # type: ignore[union-attr]
            except BlockingIOError:
                break
            except OSError:
                continue  # Windows: too long a datagram, or a caller who has left
            if data in (STOP, ASK):
                stop = stop or data == STOP
                callers.append(caller)
        return stop, callers

    def answer(self, callers: list[tuple[str, int]], state: str, mmhg: float | None) -> None:
        """Tell callers what became of it: a state, and the measured pressure. Never waits."""
        shown = "-" if mmhg is None else f"{mmhg:.1f}"
        for caller in callers if self._socket is not None else ():
            with contextlib.suppress(OSError):
                self._socket.sendto(f"{state} {shown}".encode(), caller)  # type: ignore[union-attr]

    def close(self) -> None:
        """Withdraw the announcement and close the socket. Waits for no disk."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        with self._lock:
            self._over = True
            self._withdraw()


def running() -> Iterator[Announced]:
    """Yield the supervisors of this user that run; tidy up what dead ones left."""
    place = folder()
    if not place.is_dir() or not _safe(place):
        return
    for path in sorted(place.glob("*.json")):
        with contextlib.suppress(OSError):
            if _left_behind(path):
                continue
            found = read_announcement(path)
            if found is not None:
                yield found


def others() -> list[str]:
    """Return the user numbers whose programs may drive a cuff here and which we cannot reach."""
    if sys.platform == "win32" or os.environ.get(FOLDER):
        return []
    numbers = (place.name.rpartition("-")[2] for place in folder().parent.glob("scc-cuff-*"))
    return sorted(number for number in numbers if number.isdigit() and int(number) != os.getuid())


def read_announcement(path: Path) -> Announced | None:
    """Return what a file announces; ``None`` where it is no announcement (or not one yet)."""
    try:
        told = json.loads(path.read_bytes())
        pid, port, cuff = told["pid"], told["port"], told["cuff"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(pid, int) and isinstance(port, int) and 0 < port < 65536:
        return Announced(pid, port, str(cuff))
    return None


def read_answer(data: bytes) -> tuple[str, float | None] | None:
    """Return state and pressure of an answer, or ``None`` if it is none."""
    state, _, shown = data.decode("ascii", "replace").partition(" ")
    if state not in _STATES:
        return None
    try:
        return state, None if shown == "-" else float(shown)
    except ValueError:
        return None


if sys.platform == "win32":

    def _safe(place: Path) -> bool:
        """Return whether nobody else can write there: Windows has a folder for each user."""
        return place.is_dir()

    def _hold(handle: int) -> None:
        """Nothing to do: an open file cannot be removed."""

    def _left_behind(path: Path) -> bool:
        """Remove a file unless a process has it open; return whether it was left behind."""
        try:
            path.unlink()
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _safe(place: Path) -> bool:
        """Return whether the folder is ours alone: /tmp is open to everybody."""
        status = place.lstat()
        return place.is_dir() and not place.is_symlink() and status.st_uid == os.getuid()

    def _hold(handle: int) -> None:
        """Mark a file as a living process's, until it is closed or the process ends."""
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _left_behind(path: Path) -> bool:
        """Remove a file unless a process holds it; return whether it was left behind."""
        handle = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(handle)
