"""Wires: four members and no opinions. Silence is ``b""``; a dead link raises."""

import contextlib
import os
import select
from typing import Protocol

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
            self._serial = serial.serial_for_url(
                port, baudrate=baud, timeout=0, write_timeout=self.WRITE_TIMEOUT_S, do_not_open=True
            )
            if "://" not in port:
                self._serial.exclusive = True  # a second client on the wire would split the replies
            self._serial.open()
        except _OPEN_ERRORS as error:
            raise HardwareUnavailable(
                f"the port cannot be opened: {error}",
                where=port,
                do="check the cable, the name in the rig file, and that no other program uses it",
            ) from error

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
