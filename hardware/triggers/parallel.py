"""Pulses on a pin of a parallel port, read every millisecond. Linux, through ``/dev/parport0``.

No package is needed: the kernel's ``ppdev`` answers a few ``ioctl`` calls (linux/ppdev.h, verified).
On Windows only a third-party driver can read such a port; this module has not been tried with one and
refuses.
"""

import contextlib
import mmap
import os
import sys
from pathlib import Path
from typing import Any, Final, Protocol

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.triggers.listening import Polling

if os.name == "posix":
    import fcntl

PPCLAIM: Final = 0x708B
PPRELEASE: Final = 0x708C
PPRSTATUS: Final = 0x80017081

PINS: Final[dict[int, int]] = {10: 0x40, 11: 0x80, 12: 0x20, 13: 0x10, 15: 0x08}
"""The five input pins and their bits in the status register (linux/parport.h, verified)."""
INVERTED: Final = 0x80
"""Pin 11 (BUSY) is turned round by the port itself."""


class StatusRegister(Protocol):
    """The inputs of a parallel port."""

    def read(self) -> int:
        """Return the status register as the port has it."""

    def close(self) -> None:
        """Release the port."""


class ParallelPulses(Polling):
    """Reads one pin.

    Raises
    ------
    HardwareUnavailable
        If there is no such port, or this system cannot read it.
    """

    def __init__(self, port: str, *, pin: int, edge: str, clock: Clock) -> None:
        super().__init__(clock, edge=edge)
        self._port, self._bit = port, PINS[pin]
        self._register = open_register(port)
        self._thread.start()

    def _level(self) -> bool:
        return bool((self._register.read() ^ INVERTED) & self._bit)

    def close(self) -> None:
        """Stop listening and release the port."""
        super().close()
        self._register.close()


def open_register(port: str) -> StatusRegister:
    """Open ``/dev/parport0`` and the like, or ``file:PATH``, the register of an emulated port."""
    try:
        if port.startswith("file:"):
            return FileRegister(Path(port.removeprefix("file:")))
        if not sys.platform.startswith("linux"):
            raise HardwareUnavailable(
                "a parallel port can be read on Linux only",
                where=port,
                do="connect the trigger to a serial port: 'trigger: modem_line' or 'serial'",
            )
        return _Ppdev(port)
    except OSError as error:
        raise HardwareUnavailable(
            f"the parallel port cannot be opened: {error.strerror or error}",
            where=port,
            do="load its driver (modprobe parport_pc ppdev; modprobe -r lp), and let this user"
            " into the group lp",
        ) from error


class _Ppdev:
    """A parallel port of this machine."""

    def __init__(self, port: str) -> None:
        self._fd = os.open(port, os.O_RDWR)
        try:
            fcntl.ioctl(self._fd, PPCLAIM)
        except OSError:
            os.close(self._fd)
            raise

    def read(self) -> int:
        return fcntl.ioctl(self._fd, PPRSTATUS, b"\0")[0]

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(fd, PPRELEASE)
            os.close(fd)


class FileRegister:
    """The register of an emulated port: one byte that two processes share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map: Any = mmap.mmap(file.fileno(), 1)

    def read(self) -> int:
        """Return the byte."""
        return int(self._map[0])

    def close(self) -> None:
        """Release the memory."""
        self._map.close()
