"""What a code is put on: bytes of a serial port, a line of one, or the data pins of a parallel port."""

import contextlib
import mmap
import os
import sys
from pathlib import Path
from typing import Any, Final, Protocol

from hardware.errors import HardwareUnavailable, LinkLost
from hardware.transport import Line, LineTransport, SerialTransport

if os.name == "posix":
    import fcntl

PPEXCL: Final = 0x708F
PPCLAIM: Final = 0x708B
PPRELEASE: Final = 0x708C
PPWDATA: Final = 0x40017086
"""Orders of linux/ppdev.h (verified)."""


class MarkerWire(Protocol):
    """A wire to a recorder. Nothing here takes longer than a fraction of a second."""

    @property
    def name(self) -> str:
        """Return the port."""

    def put(self, code: int) -> None:
        """Put a code on the wire, or raise `LinkLost`."""

    def rest(self) -> None:
        """Take it off again, or raise `LinkLost`."""

    def close(self) -> None:
        """Release the port."""


class SerialBytes(SerialTransport):
    """A serial port: the code is a byte, rest is the byte 0."""

    def put(self, code: int) -> None:
        """Send the code."""
        self.write(bytes((code,)))

    def rest(self) -> None:
        """Send 0."""
        self.write(b"\0")

    def close(self) -> None:
        """Release the port, without waiting for what a stuck recorder never took."""
        with contextlib.suppress(Exception):  # pyserial lets termios' errors through
            self._serial.reset_output_buffer()
        super().close()


class SerialLine(LineTransport):
    """A line of a serial port: on for every code, off at rest and whenever the port is closed."""

    def __init__(self, port: str, *, line: Line) -> None:
        super().__init__(port, baud=9600)  # nothing is ever sent as data
        self._line: Line = line

    def put(self, code: int) -> None:
        """Switch the line on; it has no codes."""
        self.set_line(self._line, asserted=True)

    def rest(self) -> None:
        """Switch it off."""
        self.set_line(self._line, asserted=False)


class ParallelPins:
    """The eight data pins of a parallel port, through the kernel's ``ppdev`` (Linux, ``/dev/parport0``).

    Parameters
    ----------
    port
        The device file; ``file:PATH`` is the data register of an emulated port.

    Raises
    ------
    HardwareUnavailable
        If there is no such port, it is somebody else's, or this system has no driver for it.
    """

    def __init__(self, port: str) -> None:
        self._name = port
        try:
            self._register = _register(port)
            self._register.write(0)
        except (OSError, ValueError) as error:  # ValueError: an emulated register without its byte
            reason = error.strerror if isinstance(error, OSError) else None
            raise HardwareUnavailable(
                f"the parallel port cannot be opened: {reason or error}",
                where=port,
                do="load its driver (modprobe parport_pc ppdev), free it (modprobe -r lp), and let this user"
                " into the group lp",
            ) from error

    @property
    def name(self) -> str:
        """Return the port."""
        return self._name

    def put(self, code: int) -> None:
        """Set the pins."""
        try:
            self._register.write(code)
        except (OSError, ValueError) as error:  # ValueError: its file is closed
            raise LinkLost(
                f"the port went away: {error}", where=self._name, do="check the card and its driver"
            ) from error

    def rest(self) -> None:
        """Set all pins low."""
        self.put(0)

    def close(self) -> None:
        """Set all pins low and release the port."""
        with contextlib.suppress(LinkLost):
            self.rest()
        self._register.close()


class _Register(Protocol):
    """The outputs of a parallel port."""

    def write(self, value: int) -> None: ...
    def close(self) -> None: ...


def _register(port: str) -> _Register:
    if port.startswith("file:"):
        return _FileRegister(Path(port.removeprefix("file:")))
    if not sys.platform.startswith("linux"):
        raise HardwareUnavailable(
            "markers on a parallel port are possible on Linux only",
            where=port,
            do="connect the recorder to a serial port: 'to: serial' or 'to: line'",
        )
    return _Ppdev(port)


class _Ppdev:
    """A parallel port of this machine, claimed for us alone: claiming one that is in use would block."""

    def __init__(self, port: str) -> None:
        self._fd = os.open(port, os.O_RDWR)
        try:
            for order in (PPEXCL, PPCLAIM):
                fcntl.ioctl(self._fd, order)
        except OSError:
            os.close(self._fd)
            raise

    def write(self, value: int) -> None:
        fcntl.ioctl(self._fd, PPWDATA, bytes((value,)))

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(fd, PPRELEASE)
            os.close(fd)


class _FileRegister:
    """The register of an emulated port: one byte that two processes share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map: Any = mmap.mmap(file.fileno(), 1)

    def write(self, value: int) -> None:
        self._map[0] = value

    def close(self) -> None:
        self._map.close()
