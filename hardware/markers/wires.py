"""What a code is put on: bytes of a serial port, a line of one, or the data pins of a parallel port."""

import contextlib
from typing import Protocol

from hardware.errors import LinkLost
from hardware.parallel_port import open_parallel_port
from hardware.transport import Line, LineTransport, SerialTransport


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
    """The eight data pins of a parallel port (``/dev/parport0``, or ``file:PATH``, an emulated one).

    Raises
    ------
    HardwareUnavailable
        If there is no such port, it is somebody else's, or this system has no driver for it.
    """

    def __init__(self, port: str) -> None:
        self._name = port
        self._port = open_parallel_port(
            port, instead="connect the recorder to a serial port: 'to: serial' or 'to: line'"
        )
        self.rest()

    @property
    def name(self) -> str:
        """Return the port."""
        return self._name

    def put(self, code: int) -> None:
        """Set the pins."""
        try:
            self._port.write_data(code)
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
        self._port.close()
