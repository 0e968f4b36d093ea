"""Pulses from a serial box: one byte, one pulse, stamped as it arrives."""

import contextlib
from pathlib import Path
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import LinkLost
from hardware.transport import SerialTransport
from hardware.triggers.listening import WAIT_S, HoldUps, Listening, Stamp, Stamps

BITS: Final = 10
"""Of one byte on the wire: start, eight, stop."""
USB_LATENCY_MS: Final = 16.0
"""What an FTDI adapter may hold a byte back unless told otherwise (FTDI AN232B-04, verified)."""
USB_TIMERS: Final = Path("/sys/bus/usb-serial/devices")


class SerialPulses(Listening):
    """Waits for bytes. Those that are no pulse are counted as strangers.

    Parameters
    ----------
    port, baud
        As pyserial takes them.
    byte
        The byte that means a pulse.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened.
    """

    def __init__(self, port: str, *, baud: int, byte: bytes, clock: Clock) -> None:
        super().__init__(clock)
        self._wire = QuickPort(port, baud=baud)
        self._baud, self._byte = baud, byte[0]
        self._thread.start()

    def _listen(self) -> str | None:
        hold_ups = HoldUps(self._clock.now_s())
        try:
            while not self._over.is_set():
                data = self._wire.read(wait_s=WAIT_S)
                now_s = self._clock.now_s()
                time_s = Stamp(now_s, late_s=hold_ups.late_s(now_s))
                for value in data:
                    if value == self._byte:
                        self._times.append(time_s)
                    else:
                        self._others[byte_name(value)] += 1
        except LinkLost as error:
            return f"{error.what} ({error.where})"
        return None

    def stamps(self) -> Stamps:
        """Return that the byte and its adapter take their time."""
        byte_ms = BITS / self._baud * 1000
        timer_ms, because = usb_latency_ms(self._wire.name)
        return Stamps(
            made="by a thread, as the byte arrives",
            uncertainty_ms=byte_ms + timer_ms,
            because=because,
        )

    def close(self) -> None:
        """Stop listening and release the port."""
        super().close()
        self._wire.close()


class QuickPort(SerialTransport):
    """A port whose adapter is asked not to wait for more bytes."""

    def _opened(self, port: str, baud: int) -> Any:
        wire = super()._opened(port, baud)
        # only Linux can, and only where the driver knows how: FTDI's then waits 1 ms instead of 16
        with contextlib.suppress(AttributeError, NotImplementedError, OSError, ValueError):
            wire.set_low_latency_mode(True)
        return wire


def byte_of(word: str) -> bytes:
    """Return the byte that a rig file means: a character, or its number as ``0x01``."""
    return word.encode("ascii") if len(word) == 1 else bytes([int(word, 16)])


def byte_name(value: int) -> str:
    """Return a byte in words."""
    return f"'{chr(value)}' (0x{value:02x})" if 0x21 <= value <= 0x7E else f"0x{value:02x}"


def usb_latency_ms(port: str, timers: Path = USB_TIMERS) -> tuple[float, str]:
    """Return how long a port's adapter may hold bytes back, and how that is known."""
    if port.startswith(("/dev/pts/", "socket://")):
        return 0.0, "one byte's time; there is no adapter here"
    name = Path(port).resolve().name
    with contextlib.suppress(OSError, ValueError):
        timer_ms = float((timers / name / "latency_timer").read_text("ascii"))
        return timer_ms, f"one byte's time and the adapter's latency timer, {timer_ms:g} ms"
    if name.startswith("ttyS"):
        return 0.0, "one byte's time; a port of the mainboard holds nothing back"
    return (
        USB_LATENCY_MS,
        "one byte's time and 16 ms, the usual latency timer of a USB adapter; set it to 1 ms",
    )
