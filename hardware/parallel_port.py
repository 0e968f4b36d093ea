"""A parallel port: eight data pins to write, five status pins to read. Linux, through ``/dev/parport0``.

No package is needed: the kernel's ``ppdev`` answers a few ``ioctl`` calls. On Windows only a third-party
driver can touch such a port; this module has not been tried with one and refuses.
"""

import contextlib
import mmap
import os
import sys
from pathlib import Path
from typing import Any, Final, Protocol

from hardware.errors import HardwareUnavailable

if os.name == "posix":
    import fcntl

PPEXCL: Final = 0x708F
PPCLAIM: Final = 0x708B
PPRELEASE: Final = 0x708C
PPWDATA: Final = 0x40017086
PPRSTATUS: Final = 0x80017081
"""Orders of linux/ppdev.h (verified)."""


class ParallelPort(Protocol):
    """What can be done with a port. An emulated one has a single byte for both."""

    def read_status(self) -> int:
        """Return the status register as the port has it."""

    def write_data(self, value: int) -> None:
        """Set the data pins."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


def open_parallel_port(port: str, *, instead: str) -> ParallelPort:
    """Open ``/dev/parport0`` and the like, or ``file:PATH``, the register of an emulated port.

    Parameters
    ----------
    instead
        What to do on a system that cannot.

    Raises
    ------
    HardwareUnavailable
        If there is no such port, it is somebody else's, or this system has no driver for it.
    """
    try:
        if port.startswith("file:"):
            return _FilePort(Path(port.removeprefix("file:")))
        if not sys.platform.startswith("linux"):
            raise HardwareUnavailable(
                "a parallel port can be used on Linux only", where=port, do=instead
            )
        return _Ppdev(port)
    except (OSError, ValueError) as error:  # ValueError: an emulated register without its byte
        reason = error.strerror if isinstance(error, OSError) else None
        raise HardwareUnavailable(
            f"the parallel port cannot be opened: {reason or error}",
            where=port,
            do="load its driver (modprobe parport_pc ppdev), free it (modprobe -r lp), and let this user"
            " into the group lp",
        ) from error


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

    def read_status(self) -> int:
        return fcntl.ioctl(self._fd, PPRSTATUS, b"\0")[0]

    def write_data(self, value: int) -> None:
        fcntl.ioctl(self._fd, PPWDATA, bytes((value,)))

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(fd, PPRELEASE)
            os.close(fd)


class _FilePort:
    """The register of an emulated port: one byte that two processes share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map: Any = mmap.mmap(file.fileno(), 1)

    def read_status(self) -> int:
        return int(self._map[0])

    def write_data(self, value: int) -> None:
        self._map[0] = value

    def close(self) -> None:
        self._map.close()
