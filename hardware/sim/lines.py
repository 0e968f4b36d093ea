"""A serial port with modem lines, served over TCP (RFC 2217), with a contact wired to the lines.

A pseudo-terminal has no such lines. The contact hangs on both: it is closed while RTS or DTR is
asserted, so that a line which rises unasked shows. The lines fall when the client is gone, as those
of a real port do whose system drops them (``HUPCL``); a real adapter need not.
"""

import struct
from typing import Any, Protocol

from serial.rfc2217 import PortManager

from hardware.sim.contact import CLOSED, OPEN


class _Tcp(Protocol):
    """A TCP port for one client."""

    port: str

    @property
    def connected(self) -> bool: ...
    def fileno(self) -> int: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class ServedLines:
    """The end of a wire that turns a client's orders to its lines into the state of one contact.

    Parameters
    ----------
    tcp
        The port that is served, ``socket://host:port``.
    """

    at_rest = OPEN
    """What the device sees while nobody holds the lines."""

    def __init__(self, tcp: _Tcp) -> None:
        self._tcp = tcp
        self.port = tcp.port.replace("socket://", "rfc2217://")
        self._lines = _Lines()
        self._manager: Any = None

    def fileno(self) -> int:
        """Return what to wait on."""
        return self._tcp.fileno()

    def read(self) -> bytes:
        """Return the contact's state each time that a line was set or the client went away."""
        was_there = self._tcp.connected
        data = self._tcp.read()
        if self._tcp.connected and not was_there:
            self._begin()
        elif was_there and not self._tcp.connected:
            self._lines = _Lines()
            return self.at_rest
        try:
            for _ in self._manager.filter(data) if data else ():
                pass  # what is sent as data goes to nobody
        except (KeyError, TypeError, ValueError, struct.error):
            self._begin()  # not the protocol: whoever it is, the contact does not stay closed
            return self.at_rest
        return self._lines.taken()

    def _begin(self) -> None:
        self._lines = _Lines()
        lines: Any = self._lines  # it asks for a pyserial port and uses what is here
        tcp: Any = self._tcp
        self._manager = PortManager(lines, tcp)

    def write(self, data: bytes) -> None:
        """Send what the device says, as data."""
        if self._manager is not None:
            self._tcp.write(b"".join(self._manager.escape(data)))

    def close(self) -> None:
        """Release the port."""
        self._tcp.close()


class _Lines:
    """What pyserial's server wants to see of a serial port."""

    cts = dsr = ri = cd = False

    def __init__(self) -> None:
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self._rts = self._dtr = False
        self._contact = b""

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, asserted: bool) -> None:
        self._rts = asserted
        self._look()

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, asserted: bool) -> None:
        self._dtr = asserted
        self._look()

    def _look(self) -> None:
        self._contact += CLOSED if self._rts or self._dtr else OPEN

    def taken(self) -> bytes:
        """Return the contact's states since the last call, oldest first."""
        taken, self._contact = self._contact, b""
        return taken

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""
