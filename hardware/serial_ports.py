"""The serial ports that this computer knows, by name, with what the system says of each."""

from dataclasses import dataclass

from serial.tools import list_ports


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
