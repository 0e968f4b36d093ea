"""From what a rig file says about the trigger to an open source. A new kind is one entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.triggers.listening import PulseListener


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerAddress:
    """Where pulses come from. What a kind of trigger does not have is ``None``.

    ``kind``: ``serial``, ``modem_line``, ``parallel`` or ``lsl``. ``port``: as pyserial takes it, a
    parallel port's device, or the name of an LSL stream.
    """

    kind: str
    port: str
    baud: int | None = None
    byte: str | None = None
    line: str | None = None
    edge: str | None = None
    pin: int | None = None
    marker: str | None = None
    source_id: str | None = None


def open_trigger(address: TriggerAddress, clock: Clock) -> PulseListener:
    """Open a source of pulses.

    Raises
    ------
    HardwareUnavailable
        If it is not there, or the address lacks what this kind needs.
    """
    return _KINDS[address.kind](address, clock)


# Imported only when asked for: a room with a serial box needs neither LSL nor a parallel port.


def _serial(a: TriggerAddress, clock: Clock) -> PulseListener:
    from hardware.triggers.serial_byte import SerialPulses, byte_of

    if a.byte is None or a.baud is None:
        raise _incomplete(a, "'byte' and 'baud'")
    return SerialPulses(a.port, baud=a.baud, byte=byte_of(a.byte), clock=clock)


def _modem_line(a: TriggerAddress, clock: Clock) -> PulseListener:
    from hardware.triggers.modem_line import LINES, open_modem_line

    if a.line is None or a.line not in LINES or a.edge is None:
        raise _incomplete(a, "'line' and 'edge'")
    return open_modem_line(a.port, line=a.line, edge=a.edge, clock=clock)


def _parallel(a: TriggerAddress, clock: Clock) -> PulseListener:
    from hardware.triggers.parallel import PINS, ParallelPulses

    if a.pin is None or a.pin not in PINS or a.edge is None:
        raise _incomplete(a, "'pin' and 'edge'")
    return ParallelPulses(a.port, pin=a.pin, edge=a.edge, clock=clock)


def _lsl(a: TriggerAddress, clock: Clock) -> PulseListener:
    from hardware.triggers.lsl import LslPulses

    if a.marker is None:
        raise _incomplete(a, "'marker'")
    return LslPulses(a.port, marker=a.marker, clock=clock, source_id=a.source_id)


_KINDS: Mapping[str, Callable[[TriggerAddress, Clock], PulseListener]] = {
    "serial": _serial,
    "modem_line": _modem_line,
    "parallel": _parallel,
    "lsl": _lsl,
}


def _incomplete(address: TriggerAddress, what: str) -> HardwareUnavailable:
    return HardwareUnavailable(
        f"a {address.kind} trigger needs {what}",
        where=address.port,
        do="complete the part 'scanner' of the rig file",
    )
