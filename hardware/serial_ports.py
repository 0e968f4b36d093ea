"""The serial ports that this computer knows, by name, with what the system says of each."""

import os
import re
from dataclasses import dataclass
from typing import Final

from serial.tools import list_ports

_PSEUDO_TERMINAL: Final = re.compile(r"/dev/(pts/\d+|ttys\d+)")
"""As Linux and macOS call it."""


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port as pyserial takes it, and its description."""

    name: str
    description: str


def serial_ports() -> tuple[SerialPort, ...]:
    """Return the ports, sorted by name. Nothing is opened."""
    found = list_ports.comports()
    return tuple(
        SerialPort(port.device, port.description or "n/a")
        for port in sorted(found, key=lambda port: str(port.device))
    )


def is_pseudo_terminal(name: str) -> bool:
    """Return whether a port is an emulator's: there is no wire that somebody could plug in again."""
    return _PSEUDO_TERMINAL.fullmatch(name) is not None


def usb_number(name: str) -> str | None:
    """Return the serial number of the USB adapter behind a port, ``None`` where it has none.

    It tells one adapter from the next, also where the port's name is given to whatever comes first.
    """
    names = (name, os.path.realpath(name))  # a link such as those in /dev/serial/by-id
    try:
        return next((p.serial_number for p in list_ports.comports() if p.device in names), None)
    except OSError:  # the system does not say
        return None
