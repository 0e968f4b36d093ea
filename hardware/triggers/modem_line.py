"""Pulses on an input line of a serial port: CTS, DSR, DCD or RI, a rising or a falling edge.

Three ways, best first. Where the system can wait for an edge and counts edges (Linux, ``TIOCMIWAIT``
and ``TIOCGICOUNT``), a thread sleeps until one comes, and none is lost however late it wakes. A port
on the network tells of each change (RFC 2217). Everywhere else the line is read every millisecond.
"""

import contextlib
import os
import struct
from collections.abc import Mapping
from typing import Any, Final

import serial
from serial import rfc2217

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.triggers.listening import WAIT_S, Listening, Polling, PulseListener, Stamps

if os.name == "posix":
    import fcntl
    import termios

LINES: Final = ("cts", "dsr", "dcd", "ri")

# Bits of the line, and its place among the counters of `struct serial_icounter_struct`
# (linux/serial.h, verified).
_TIOCM: Final[Mapping[str, int]] = {"cts": 0x20, "dsr": 0x100, "dcd": 0x40, "ri": 0x80}
_COUNTER: Final[Mapping[str, int]] = {"cts": 0, "dsr": 1, "ri": 2, "dcd": 3}
_COUNTERS: Final = struct.Struct("20i")
_NETWORK: Final[Mapping[str, int]] = {
    "cts": rfc2217.MODEMSTATE_MASK_CTS,
    "dsr": rfc2217.MODEMSTATE_MASK_DSR,
    "ri": rfc2217.MODEMSTATE_MASK_RI,
    "dcd": rfc2217.MODEMSTATE_MASK_CD,
}
_PYSERIAL: Final[Mapping[str, str]] = {"cts": "cts", "dsr": "dsr", "dcd": "cd", "ri": "ri"}
_BAUD: Final = 9600  # it does not matter for the lines


def open_modem_line(port: str, *, line: str, edge: str, clock: Clock) -> PulseListener:
    """Listen to a line in the best way that its port has.

    RTS and DTR are switched on: some cables take the power for their opto-coupler from there.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened or has no such lines.
    """
    if port.startswith("rfc2217://"):
        return NetworkLinePulses(port, line=line, edge=edge, clock=clock)
    wire = _opened(port)
    # an UART reports only the end of a ring, so that waiting for the line RI sees half its edges
    if line != "ri" and _counts_edges(wire):
        return WaitingLinePulses(wire, port, line=line, edge=edge, clock=clock)
    return PolledLinePulses(wire, line=line, edge=edge, clock=clock)


class PolledLinePulses(Polling):
    """Reads the line every millisecond."""

    def __init__(self, wire: Any, *, line: str, edge: str, clock: Clock) -> None:
        super().__init__(clock, edge=edge)
        self._wire, self._name = wire, _PYSERIAL[line]
        self._thread.start()

    def _level(self) -> bool:
        return bool(getattr(self._wire, self._name))

    def close(self) -> None:
        """Stop listening and release the port."""
        super().close()
        _closed(self._wire)


class WaitingLinePulses(Polling):
    """Sleeps until the system reports an edge; its counters say how many there were.

    Parameters
    ----------
    ioctl
        The system's, or a stand-in for a port that is not there.
    """

    def __init__(
        self, wire: Any, port: str, *, line: str, edge: str, clock: Clock, ioctl: Any = None
    ) -> None:
        super().__init__(clock, edge=edge)
        self._wire, self._port, self._line = wire, port, line
        self._ioctl = ioctl or fcntl.ioctl
        self._fd = wire.fileno()
        self._waits = True
        self._thread.start()

    def _listen(self) -> str | None:
        try:
            self._wait_for_edges()
        except OSError as error:
            if self._over.is_set():
                return None
            if error.errno in _NO_SUCH_IOCTL:  # it counts edges and cannot wait for one
                self._waits = False
                return super()._listen()
            return f"{error} ({self._port})"
        return None

    def _wait_for_edges(self) -> None:
        seen, _ = self._state()
        while not self._over.is_set():
            self._ioctl(self._fd, termios.TIOCMIWAIT, _TIOCM[self._line])
            time_s = self._clock.now_s()
            if self._over.is_set():  # the descriptor may be somebody else's by now
                return
            count, high = self._state()
            self._times.extend([time_s] * of_one_kind(count - seen, high=high, rising=self._rising))
            seen = count

    def _state(self) -> tuple[int, bool]:
        """Return how many edges there have been, and the level after them."""
        while True:
            count, high, again = self._count(), self._level(), self._count()
            if count == again:
                return count, high

    def _count(self) -> int:
        answer = self._ioctl(self._fd, termios.TIOCGICOUNT, bytes(_COUNTERS.size))
        return int(_COUNTERS.unpack(answer)[_COUNTER[self._line]])

    def _level(self) -> bool:
        (bits,) = struct.unpack("I", self._ioctl(self._fd, termios.TIOCMGET, bytes(4)))
        return bool(bits & _TIOCM[self._line])

    def stamps(self) -> Stamps:
        """Return that the system reports the edge at once, unless the port cannot."""
        if not self._waits:
            return super().stamps()
        usb = "USB" in self._port or "ACM" in self._port
        return Stamps(
            made="by a thread that the system wakes at the edge",
            uncertainty_ms=2.0 if usb else 0.1,
            because="a USB adapter reports its lines every one or two milliseconds (assumed)"
            if usb
            else "an interrupt of a port of the mainboard (assumed)",
        )

    def close(self) -> None:
        """Release the port. The thread may sleep on until the next edge, and then just ends."""
        self._over.set()
        self._thread.join(WAIT_S)
        with contextlib.suppress(OSError, serial.SerialException):
            self._wire.exclusive = False  # the sleeping thread keeps the port, not the lock
        _closed(self._wire)


class NetworkLinePulses(Listening):
    """Hears of each change from a port server (RFC 2217)."""

    def __init__(self, port: str, *, line: str, edge: str, clock: Clock) -> None:
        super().__init__(clock)
        self._mask, self._rising = _NETWORK[line], edge == "rising"
        self._high: bool | None = None
        self._open = False
        self._wire = _NotifyingPort(self._heard)
        self._port = port
        try:
            self._wire.port = port
            self._wire.timeout = WAIT_S
            self._wire.open()
        except (OSError, ValueError) as error:
            raise _unavailable(port, error) from error
        self._open = True
        self._thread.start()

    def _heard(self, state: int) -> None:
        """Take a notice: four bits of levels above four that say which of them have changed."""
        time_s, high = self._clock.now_s(), bool(state & self._mask)
        # a server need not tell the levels when it is opened; what it tells then is no pulse
        changed = bool(state & self._mask >> 4) if self._high is None else high != self._high
        if self._open and changed and high == self._rising:
            self._times.append(time_s)
        self._high = high

    def _listen(self) -> str | None:
        try:
            while not self._over.is_set():
                self._wire.read(1)  # raises once the server is gone
        except (OSError, TypeError) as error:
            return None if self._over.is_set() else f"{error} ({self._port})"
        return None

    def stamps(self) -> Stamps:
        """Return that the network and the server are in between."""
        return Stamps(
            made="by a thread, as the port server's notice arrives",
            uncertainty_ms=2.0,
            because="a port server on the same wire (assumed); a busy network adds more",
        )

    def close(self) -> None:
        """Stop listening and release the port."""
        super().close()
        self._wire.close()


class _NotifyingPort(rfc2217.Serial):
    """pyserial's client, which only remembers the last state, made to tell of each notice at once."""

    def __init__(self, heard: Any) -> None:
        super().__init__()
        self._tell = heard

    def _telnet_process_subnegotiation(self, suboption: bytes) -> None:
        if suboption[1:2] == rfc2217.SERVER_NOTIFY_MODEMSTATE and len(suboption) > 2:
            self._tell(suboption[2])
        super()._telnet_process_subnegotiation(suboption)  # type: ignore[misc]


def of_one_kind(edges: int, *, high: bool, rising: bool) -> int:
    """Return how many of some edges, after which the line is high or low, were rising (or falling)."""
    last_is_wanted = high == rising
    return (edges + 1) // 2 if last_is_wanted else edges // 2


_NO_SUCH_IOCTL: Final = (22, 25, 515)
"""``EINVAL``, ``ENOTTY``, and ``ENOIOCTLCMD``, which some drivers let through."""


def _counts_edges(wire: Any) -> bool:
    if os.name != "posix" or not hasattr(termios, "TIOCGICOUNT"):
        return False
    try:
        fcntl.ioctl(wire.fileno(), termios.TIOCGICOUNT, bytes(_COUNTERS.size))
    except OSError:
        return False
    return True


def _opened(port: str) -> Any:
    try:
        wire = serial.serial_for_url(port, baudrate=_BAUD, timeout=0, do_not_open=True)
        wire.exclusive = True
        wire.open()
    except (OSError, ValueError) as error:
        raise _unavailable(port, error) from error
    try:
        _ = wire.cts
    except (OSError, AttributeError) as error:
        wire.close()
        raise HardwareUnavailable(
            f"this port has no lines that can be read: {error}",
            where=port,
            do="use a real serial port or adapter; pseudo-terminals and plain sockets have none",
        ) from error
    return wire


def _closed(wire: Any) -> None:
    with contextlib.suppress(OSError, serial.SerialException):
        wire.close()


def _unavailable(port: str, error: Exception) -> HardwareUnavailable:
    return HardwareUnavailable(
        f"the port cannot be opened: {error}",
        where=port,
        do="check the cable, the name in the rig file, and that no other program uses it",
    )
