"""Our end of each wire that a trigger box may have: what a pulse's edges become on it.

Each is served by `hardware.sim.serve` like any emulated device's end. Where a machine stands that we
do not own (a parallel port), the end is the register that the port's driver would read.
"""

import contextlib
import mmap
import os
import socket
import struct
import tempfile
from pathlib import Path
from typing import Any, Final, Protocol

from serial.rfc2217 import PortManager

from hardware.errors import HardwareUnavailable
from hardware.lsl_clock import lsl_library
from hardware.sim.serve import open_end, open_tcp

PINS: Final = {10: 0x40, 11: 0x80, 12: 0x20, 13: 0x10, 15: 0x08}
"""Bits of a parallel port's status register (linux/parport.h, verified)."""
IDLE: Final = 0x80
"""What the register reads while all inputs are low: the port turns pin 11 round."""


class _Port(Protocol):
    """A wire for bytes, a pty or a TCP port."""

    port: str

    def fileno(self) -> int: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class _TcpPort(_Port, Protocol):
    @property
    def connected(self) -> bool: ...


class ByteEnd:
    """A serial box: one byte for each pulse, none for its end."""

    at_rest = b""

    def __init__(self, wire: _Port, byte: bytes) -> None:
        self._wire, self._byte = wire, byte
        self.port = wire.port

    def edge(self, *, begins: bool) -> None:
        """Send the byte."""
        if begins:
            self._wire.write(self._byte)

    def fileno(self) -> int:
        """Return what to wait on."""
        return self._wire.fileno()

    def read(self) -> bytes:
        """Return what was sent to the box, which does not listen."""
        return self._wire.read()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._wire.write(data)

    def close(self) -> None:
        """Release the wire."""
        self._wire.close()


class LineEnd:
    """An input line of a serial port, served over TCP (RFC 2217): a pseudo-terminal has none."""

    at_rest = b""

    def __init__(self, tcp: _TcpPort, *, line: str, rising: bool) -> None:
        self._tcp, self._rising = tcp, rising
        self.port = tcp.port.replace("socket://", "rfc2217://")
        self._lines = _Lines("cd" if line == "dcd" else line, high=not rising)
        self._manager: Any = None

    def edge(self, *, begins: bool) -> None:
        """Move the line and tell the client."""
        self._lines.move(high=begins == self._rising)
        if self._manager is not None and self._tcp.connected:
            self._manager.check_modem_lines()

    def fileno(self) -> int:
        """Return what to wait on."""
        return self._tcp.fileno()

    def read(self) -> bytes:
        """Take the client's side of the protocol; data go to nobody."""
        was_there = self._tcp.connected
        data = self._tcp.read()
        if self._tcp.connected and not was_there:
            self._begin()
        try:
            for _ in self._manager.filter(data) if data else ():
                pass
        except (KeyError, TypeError, ValueError, struct.error):
            self._begin()  # not the protocol, whoever it is
        return b""

    def _begin(self) -> None:
        lines: Any = self._lines  # it asks for a pyserial port and uses what is here
        tcp: Any = self._tcp
        self._manager = PortManager(lines, tcp)

    def write(self, data: bytes) -> None:
        """Send nothing: this wire carries no bytes."""

    def close(self) -> None:
        """Release the port."""
        self._tcp.close()


class _Lines:
    """What pyserial's server wants to see of a serial port."""

    def __init__(self, line: str, *, high: bool) -> None:
        self.cts = self.dsr = self.ri = self.cd = self.rts = self.dtr = False
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self._line = line
        self.move(high=high)

    def move(self, *, high: bool) -> None:
        setattr(self, self._line, high)

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""


class _Silent:
    """An end to which nobody can send anything."""

    at_rest = b""
    port: str

    def __init__(self) -> None:
        self._quiet, self._far_end = socket.socketpair()

    def fileno(self) -> int:
        """Return a descriptor that stays silent."""
        return self._quiet.fileno()

    def read(self) -> bytes:
        """Return nothing."""
        return b""

    def write(self, data: bytes) -> None:
        """Send nothing: this wire carries no bytes."""

    def close(self) -> None:
        """Release the descriptors."""
        self._quiet.close()
        self._far_end.close()


class KeyEnd(_Silent):
    """A box that types: a key that goes down and up, made by the X server (XTEST)."""

    def __init__(self, key: str) -> None:
        super().__init__()
        from Xlib import XK
        from Xlib.display import Display
        from Xlib.error import DisplayError

        try:
            self._display: Any = Display()
        except (DisplayError, OSError) as error:
            super().close()
            raise HardwareUnavailable(
                f"there is no X display to type on: {error}",
                where=f"DISPLAY={os.environ.get('DISPLAY', '')}",
                do="start it where the task's window is, with the same DISPLAY",
            ) from error
        name = key if len(key) == 1 or key == "space" else key.capitalize()
        self._code = self._display.keysym_to_keycode(XK.string_to_keysym(name))
        if not self._code:
            self.close()
            raise HardwareUnavailable(
                f"this keyboard has no key '{key}'",
                where="--key",
                do="name a letter, a digit, space, return, left or right",
            )
        self.port = f"key {key}"

    def edge(self, *, begins: bool) -> None:
        """Press or release the key."""
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._display, X.KeyPress if begins else X.KeyRelease, self._code)
        self._display.flush()

    def close(self) -> None:
        """Leave the display."""
        super().close()
        self._display.close()


class RegisterEnd(_Silent):
    """The status register of a parallel port: one byte of memory that the reader maps too."""

    def __init__(self, *, pin: int, rising: bool) -> None:
        super().__init__()
        self._bit, self._rising = PINS[pin], rising
        descriptor, name = tempfile.mkstemp(prefix="scc-parallel-")
        with os.fdopen(descriptor, "r+b") as file:
            file.write(b"\0")
            file.flush()
            self._map = mmap.mmap(file.fileno(), 1)
        self._path = Path(name)
        self.port = f"file:{name}"
        self.edge(begins=False)

    def edge(self, *, begins: bool) -> None:
        """Set or clear the pin's bit."""
        high = begins == self._rising
        self._map[0] = IDLE ^ (self._bit if high else 0)

    def close(self) -> None:
        """Remove the register."""
        super().close()
        self._map.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


class StreamEnd(_Silent):
    """An LSL outlet of markers."""

    def __init__(self, stream: str, marker: str) -> None:
        super().__init__()
        lsl = lsl_library()
        info = lsl.StreamInfo(stream, "Markers", 1, lsl.IRREGULAR_RATE, "string", f"scc-{stream}")
        self._outlet = lsl.StreamOutlet(info)
        self._marker, self._now_s = marker, lsl.local_clock
        self.port = stream

    def edge(self, *, begins: bool) -> None:
        """Send the marker."""
        if begins:
            self._outlet.push_sample([self._marker], self._now_s())


def open_pulse_end(
    trigger: str,
    *,
    link: Path | None,
    tcp: int | None,
    byte: bytes,
    key: str,
    line: str,
    pin: int,
    rising: bool,
    stream: str,
    marker: str,
) -> ByteEnd | LineEnd | KeyEnd | RegisterEnd | StreamEnd:
    """Return our end of a trigger's wire; what the kind of trigger does not have is not looked at.

    Raises
    ------
    HardwareUnavailable
        If the wire cannot be made.
    """
    if trigger == "keyboard":
        return KeyEnd(key)
    if trigger == "parallel":
        return RegisterEnd(pin=pin, rising=rising)
    if trigger == "lsl":
        return StreamEnd(stream, marker)
    if trigger == "modem_line":
        return LineEnd(open_tcp(tcp or 0), line=line, rising=rising)
    return ByteEnd(open_end(link=link, tcp_port=tcp), byte)
