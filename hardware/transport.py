"""Wires: four members and no opinions. Silence is ``b""``; a dead link raises."""

import contextlib
import os
import select
import socket
from typing import Any, Final, Literal, Protocol, runtime_checkable

import serial

from hardware.clock import RealClock
from hardware.errors import HardwareUnavailable, LinkLost

try:  # pyserial leaks termios.error on POSIX, which is no OSError; Windows has no such module
    import termios
except ImportError:
    _WIRE_ERRORS: tuple[type[Exception], ...] = (OSError,)
else:
    _WIRE_ERRORS = (OSError, termios.error)
_OPEN_ERRORS: tuple[type[Exception], ...] = (*_WIRE_ERRORS, ValueError)
_USE_ERRORS: tuple[type[Exception], ...] = (*_OPEN_ERRORS, TypeError)


class Transport(Protocol):
    """A wire: serial port, TCP socket, pty, or an emulator in the same process."""

    @property
    def name(self) -> str:
        """Return what the operator would call this wire, e.g. ``COM4``."""

    def write(self, data: bytes) -> None:
        """Send all bytes, or raise `LinkLost`."""

    def read(self, *, wait_s: float) -> bytes:
        """Return what has arrived; ``b""`` after ``wait_s`` of silence."""

    def close(self) -> None:
        """Release the wire. Safe to call twice."""


Line = Literal["rts", "dtr"]
"""An output line of a serial port that a program can switch."""
LINES: Final[tuple[Line, ...]] = ("rts", "dtr")


@runtime_checkable
class LineWire(Transport, Protocol):
    """A wire with output lines that can be switched."""

    def set_line(self, line: Line, *, asserted: bool) -> None:
        """Switch a line, or raise `LinkLost`."""


class SerialTransport:
    """A serial port, or ``socket://host:port``, through pyserial.

    Parameters
    ----------
    port
        What pyserial opens: ``COM4``, ``/dev/ttyUSB0``, a pty, ``socket://127.0.0.1:7000``.
    baud
        Bits per second; ignored by ptys and sockets.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened, or somebody else has it.
    """

    WRITE_TIMEOUT_S = 0.2
    """Without one a write can hang for ever on a stuck port."""

    def __init__(self, port: str, *, baud: int) -> None:
        self._name = port
        try:
            self._serial = self._opened(port, baud)
        except _OPEN_ERRORS as error:
            raise HardwareUnavailable(
                f"the port cannot be opened: {error}",
                where=port,
                do="check the cable, the name in the rig file, and that no other program uses it",
            ) from error

    def _opened(self, port: str, baud: int) -> Any:  # what pyserial opens has no common type
        wire = serial.serial_for_url(
            port, baudrate=baud, timeout=0, write_timeout=self.WRITE_TIMEOUT_S, do_not_open=True
        )
        if "://" not in port:
            wire.exclusive = True  # a second client on the wire would split the replies
        wire.open()
        return wire

    @property
    def name(self) -> str:
        """Return the port."""
        return self._name

    def fileno(self) -> int:
        """Return the descriptor to wait on (POSIX ports and sockets)."""
        return int(self._serial.fileno())

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        try:
            self._serial.write(data)
        except _USE_ERRORS as error:
            raise self._lost(error) from error

    def read(self, *, wait_s: float) -> bytes:
        """Return what has arrived, waiting at most ``wait_s`` for the first byte."""
        try:
            if wait_s > 0.0:
                self._wait(wait_s)
            return bytes(self._serial.read(4096))
        except _USE_ERRORS as error:
            # pyserial answers with ValueError or TypeError when its descriptor is gone
            raise self._lost(error) from error

    def _wait(self, wait_s: float) -> None:
        if os.name == "posix" or "://" in self._name:
            select.select([self.fileno()], [], [], wait_s)
            return
        clock = RealClock()  # a Windows COM handle cannot be waited for together with others
        deadline_s = clock.now_s() + wait_s
        while not self._serial.in_waiting and clock.now_s() < deadline_s:
            clock.sleep_until(clock.now_s() + 0.001)

    def close(self) -> None:
        """Release the port."""
        with contextlib.suppress(*_WIRE_ERRORS):
            self._serial.close()

    def _lost(self, error: Exception) -> LinkLost:
        return LinkLost(
            f"the link went away: {error}",
            where=self._name,
            do="disconnect the hose from the cuff, then check cable and power",
        )


class LineTransport(SerialTransport):
    """The output lines of a serial port, both off from before it is opened until after it is closed.

    Nothing is written. Reading shows whether the port is still there.

    Parameters
    ----------
    port
        What pyserial opens: ``COM4``, ``/dev/ttyUSB0``, ``rfc2217://127.0.0.1:7000``.
    baud
        Bits per second; it does not matter for the lines.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened, somebody else has it, or it has no such lines.
    """

    ANSWER_S = 0.5
    """How long a port on the network may take to confirm a line; pyserial would wait 3 s."""

    def __init__(self, port: str, *, baud: int) -> None:
        # a port on the network has no descriptor to wait on; this one never wakes anybody
        self._silent, self._far_end = socket.socketpair()
        try:
            super().__init__(port, baud=baud)
        except HardwareUnavailable:
            self._close_silent()
            raise

    def _opened(self, port: str, baud: int) -> Any:
        wire = serial.serial_for_url(
            _bounded(port, self.ANSWER_S), baudrate=baud, timeout=0, do_not_open=True
        )
        wire.rts = wire.dtr = False  # or opening switches both on
        if "://" not in port:
            wire.exclusive = True
        wire.open()
        try:
            _fall_at_the_end(wire)
            for line in LINES:  # pyserial does not mind a port that has none
                setattr(wire, line, False)
        except _USE_ERRORS as error:
            wire.close()
            raise HardwareUnavailable(
                f"this port has no RTS and DTR that can be switched: {error}",
                where=port,
                do="use a real serial port or adapter; pseudo-terminals and plain sockets have none",
            ) from error
        return wire

    def fileno(self) -> int:
        """Return a descriptor that may be waited on and stays silent."""
        return self._silent.fileno()

    def set_line(self, line: Line, *, asserted: bool) -> None:
        """Switch a line. A port on the network takes 50 ms to return, the line switches at once.

        Raises
        ------
        LinkLost
            If the port is gone or does not confirm within `ANSWER_S`.
        """
        try:
            if not self._serial.is_open:  # pyserial would only remember it
                raise OSError("the port is closed")
            setattr(self._serial, line, asserted)
        except _USE_ERRORS as error:
            raise self._lost(error) from error

    def read(self, *, wait_s: float) -> bytes:
        """Return what has arrived within ``wait_s``."""
        clock = RealClock()
        deadline_s, data = clock.now_s() + wait_s, b""
        while True:
            try:
                # at a port on the network pyserial takes one byte at a time
                for _ in range(max(1, self._serial.in_waiting)):
                    data += self._serial.read(1)
            except _USE_ERRORS as error:
                raise self._lost(error) from error
            if data or clock.now_s() >= deadline_s:
                return data
            clock.sleep_until(min(deadline_s, clock.now_s() + 0.005))

    def close(self) -> None:
        """Switch both lines off and release the port."""
        for line in LINES:
            with contextlib.suppress(*_USE_ERRORS):
                setattr(self._serial, line, False)
        super().close()
        self._close_silent()

    def _close_silent(self) -> None:
        for end in (self._silent, self._far_end):
            end.close()


def _bounded(port: str, answer_s: float) -> str:
    """Return a network port's address with a limit on waiting; other ports as they are."""
    if not port.startswith("rfc2217://") or "timeout=" in port:
        return port
    return f"{port}{'&' if '?' in port else '?'}timeout={answer_s}"


def _fall_at_the_end(wire: Any) -> None:
    """Have the system drop the lines when the last user of the port is gone, also a killed one."""
    if os.name != "posix" or not hasattr(wire, "fd"):
        return
    settings = termios.tcgetattr(wire.fd)
    settings[2] |= termios.HUPCL
    termios.tcsetattr(wire.fd, termios.TCSANOW, settings)
