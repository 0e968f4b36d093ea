"""First contact with something that may be a CPAR: listen, ask who is there, refuse what does not fit.

The command maps of its generations overlap with different meanings: what loads a program in one
starts a stimulation in another. So nothing but the one harmless request goes out before both the
status messages and the identity say the same.
"""

from typing import Final

from hardware.clock import Clock
from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import DeviceIdentity, ForeignStatus, Request, Status
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.errors import HardwareUnavailable
from hardware.transport import Transport

LISTEN_S: Final = 3.0
"""Status messages come 20 times a second; a board that restarts on opening needs about 2 s."""
ANSWER_S: Final = 0.5
TRIES: Final = 3
READ_S: Final = 0.02
SHOWN_BYTES: Final = 48


def contact(
    wire: Transport, clock: Clock, *, allow_map_a: bool, accepted: tuple[int, int]
) -> tuple[CommandMap, DeviceIdentity, Status]:
    """Return the map the device speaks, who it is, and its last status.

    Raises
    ------
    HardwareUnavailable
        If nothing answers, or what answers is not exactly what we speak.
    LinkLost
        If the wire goes away meanwhile.
    """
    heard = _Heard(wire, clock)
    heard.listen(LISTEN_S, for_identity=False)
    if heard.status is None:
        raise _refused(wire, f"no CPAR status message within {LISTEN_S:g} s{heard.shown()}")
    for _ in range(TRIES):
        wire.write(cpar.encode_request(Request(Verb.IDENTIFY), CommandMap.C))
        heard.listen(ANSWER_S, for_identity=True)
        if heard.identity is not None:
            break
    else:
        seen = f"status messages of {_bytes(heard.lengths)} but no identity{heard.shown()}"
        raise _refused(wire, seen)
    if len(heard.lengths) != 1:
        raise _refused(wire, f"status messages of different lengths: {_bytes(heard.lengths)}")
    (length,) = heard.lengths
    command_map = _decided(wire, length, heard.identity, accepted, allow_map_a=allow_map_a)
    if not isinstance(heard.status, Status):
        raise _refused(wire, "no status message that can be read")
    return command_map, heard.identity, heard.status


class _Heard:
    """What the device has said so far."""

    def __init__(self, wire: Transport, clock: Clock) -> None:
        self._wire, self._clock = wire, clock
        self._decoder = cpar.ReplyDecoder()
        self._raw = b""
        self.status: Status | ForeignStatus | None = None
        self.lengths: set[int] = set()
        self.identity: DeviceIdentity | None = None

    def listen(self, for_s: float, *, for_identity: bool) -> None:
        """Listen until the awaited message has come, or the time is over."""
        deadline_s = self._clock.now_s() + for_s
        while self._clock.now_s() < deadline_s:
            data = self._wire.read(wait_s=READ_S)
            self._raw = (self._raw + data)[-SHOWN_BYTES:]
            for reply in self._decoder.receive(data):
                if isinstance(reply, Status | ForeignStatus):
                    self.status = reply
                    self.lengths.add(_length(reply))
                elif isinstance(reply, DeviceIdentity) and for_identity:
                    self.identity = reply
            if (self.identity if for_identity else self.status) is not None:
                return

    def shown(self) -> str:
        """Return the last raw bytes, for the person who has to find out what this is."""
        return f"; last bytes: {self._raw.hex(' ')}" if self._raw else "; not one byte came"


def _length(status: Status | ForeignStatus) -> int:
    if isinstance(status, ForeignStatus):
        return status.length
    return table.STATUS_BYTES[CommandMap.A if status.button_down is None else CommandMap.C]


def _decided(
    wire: Transport,
    status_bytes: int,
    who: DeviceIdentity,
    accepted: tuple[int, int],
    *,
    allow_map_a: bool,
) -> CommandMap:
    named = (who.manufacturer, who.device_type)
    seen = (
        f"status of {status_bytes} bytes, identity of {who.length} bytes, "
        f"manufacturer {who.manufacturer}, device type {who.device_type}"
    )
    status_a, status_c = table.STATUS_BYTES[CommandMap.A], table.STATUS_BYTES[CommandMap.C]
    match status_bytes, who.length:
        case (n, 64) if n == status_c and named == accepted:
            return CommandMap.C
        case (n, 6) if n == status_a and who.device_type == table.CPAR and allow_map_a:
            return CommandMap.A
        case (n, 6) if n == status_a and who.device_type == table.CPAR:
            raise _refused(wire, f"a CPAR with the old firmware (map A): {seen}")
        case (n, 64) if n == status_a:
            raise _refused(wire, f"a CPAR with development firmware (map B): {seen}")
        case (n, _) if n == table.CPAR_PLUS_STATUS_BYTES or named == table.CPAR_PLUS_IDENTITY:
            raise _refused(wire, f"a LabBench CPAR+, which is another device: {seen}")
    raise _refused(wire, f"not a CPAR that this program knows: {seen}")


def _bytes(lengths: set[int]) -> str:
    return " and ".join(str(length) for length in sorted(lengths)) + " bytes"


def _refused(wire: Transport, seen: str) -> HardwareUnavailable:
    return HardwareUnavailable(
        f"the cuff was refused: {seen}",
        where=wire.name,
        do="check power, cable and port, and docs/devices/cpar.md; update the CPAR's firmware "
        "if it is an old one; nothing was inflated",
    )
