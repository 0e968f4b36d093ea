"""CUFF/1: frames to messages and back, for both ends of the wire. No port, no clock, no state of a cuff."""

import binascii
import dataclasses
import enum
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import cuff1_table as table
from hardware.errors import CodecError
from hardware.units import device_steps


class NeedData(enum.Enum):
    """What a decoder answers when no whole message has arrived yet."""

    MORE = "need data"


NEED_DATA: Final = NeedData.MORE


@dataclass(frozen=True, slots=True)
class Ack:
    """The device took a command.

    ``value`` is what it took: tenths of mmHg (ARM, GO, SITE), ms (LEASE), Hz (STREAM), otherwise 0.
    """

    sequence: int
    value: int
    state: int


@dataclass(frozen=True, slots=True)
class Nak:
    """The device refused a command; ``reason`` is a key of ``NAK_REASONS``."""

    sequence: int
    reason: int
    state: int


@dataclass(frozen=True, slots=True)
class Status:
    """One status line. Pressures in tenths of a mmHg; the target is the momentary one of a ramp."""

    counter: int
    device_ms: int
    state: int
    fault: int
    first_tenths: int
    second_tenths: int
    target_tenths: int
    drive: int
    heartbeat_age_ms: int
    bad_frames: int
    flags: int

    def has(self, flag: str) -> bool:
        """Return whether a flag of ``FLAGS`` is set."""
        return bool(self.flags & flags(flag))


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Something the device says unasked: a boot, a fault, the end of a self-test, each with its number."""

    device_ms: int
    event: int
    value: int


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """The answer to ``ID``. ``lease_ms`` is the one in force, ``selftest`` a key of ``SELFTEST``."""

    sequence: int
    protocol: str
    maker: str
    model: str
    serial_number: str
    firmware: str
    firmware_hash: str
    calibrated: str
    ceiling_tenths: int
    site_ceiling_tenths: int
    lease_ms: int
    selftest: int
    reset: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A frame that failed its check. Framing starts anew at the next ``$``."""

    raw: bytes


Reply = Ack | Nak | Status | DeviceEvent | DeviceIdentity | Corrupt


@dataclass(frozen=True, slots=True)
class HostCommand:
    """A framed command as the device hears it."""

    sequence: int
    name: str
    arguments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RealTimeByte:
    """A byte that acts at once and only ever towards safety."""

    byte: bytes


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A well-framed command that the table does not know or whose numbers do not fit."""

    sequence: int
    reason: int


def frame(body: bytes) -> bytes:
    """Return ``$body*CRC`` and a line feed, with CRC-16/CCITT (polynomial 0x1021, start 0xFFFF)."""
    return b"$%b*%04X\n" % (body, binascii.crc_hqx(body, 0xFFFF))


def tenths(pressure_mmhg: float) -> int:
    """Return a pressure as the wire has it, rounded down: never above what was asked."""
    return device_steps(pressure_mmhg, step_mmhg=table.MMHG_STEP)


def flags(*names: str) -> int:
    """Return the bits of flags of ``FLAGS``."""
    return sum(1 << table.FLAGS.index(name) for name in names)


def _fit(values: Iterable[int], fields: tuple[table.Field, ...]) -> bool:
    """Return whether numbers are as many as the table says, each within its limits."""
    numbers = tuple(values)
    return len(numbers) == len(fields) and all(
        isinstance(v, int) and f.least <= v <= f.most for v, f in zip(numbers, fields, strict=True)
    )


def encode_command(sequence: int, name: str, *arguments: int) -> bytes:
    """Return the frame of a command.

    Raises
    ------
    CodecError
        If the table does not know the command or an argument is outside its limits.
    """
    fields = table.COMMANDS.get(name)
    if fields is None or not 0 <= sequence <= 255 or not _fit(arguments, fields):
        raise CodecError(
            f"'{name} {' '.join(map(str, arguments))}' is not a CUFF/1 command",
            where="cuff command",
            do="this is a program error; nothing was sent",
        )
    return frame(" ".join([str(sequence), name, *map(str, arguments)]).encode("ascii"))


def encode_ack(ack: Ack) -> bytes:
    """Return the frame of an acknowledgement (the device's half)."""
    return frame(b"A %d %d %d" % (ack.sequence, ack.value, ack.state))


def encode_nak(nak: Nak) -> bytes:
    """Return the frame of a refusal (the device's half)."""
    return frame(b"N %d %d %d" % (nak.sequence, nak.reason, nak.state))


def encode_status(s: Status) -> bytes:
    """Return the frame of a status line (the device's half)."""
    return frame(
        b"S %d %d %d %d %d %d %d %d %d %d %d"
        % (
            s.counter,
            s.device_ms,
            s.state,
            s.fault,
            s.first_tenths,
            s.second_tenths,
            s.target_tenths,
            s.drive,
            s.heartbeat_age_ms,
            s.bad_frames,
            s.flags,
        )
    )


def encode_event(event: DeviceEvent) -> bytes:
    """Return the frame of an event (the device's half)."""
    return frame(b"E %d %d %d" % (event.device_ms, event.event, event.value))


def encode_identity(identity: DeviceIdentity) -> bytes:
    """Return the frame of an identity (the device's half). Words must not hold spaces."""
    # the order of the dataclass is the order on the wire
    return frame(" ".join(["I", *map(str, dataclasses.astuple(identity))]).encode("ascii"))


_NUMBERS = re.compile(rb"-?\d{1,10}(?: -?\d{1,10})*")
_DIGITS: Final = re.compile(rb"\d{1,10}")
_HEX: Final = re.compile(rb"[0-9A-F]{4}")
_WORDS: Final = tuple(
    re.compile(rb"[!-~]{1,%d}" % longest) for longest in table.IDENTITY_WORDS.values()
)
_MESSAGES: Final[dict[bytes, tuple[tuple[table.Field, ...], Callable[..., Reply]]]] = {
    b"A ": (table.REPLIES["A"], Ack),
    b"N ": (table.REPLIES["N"], Nak),
    b"S ": (table.REPLIES["S"], Status),
    b"E ": (table.REPLIES["E"], DeviceEvent),
}


def _checked(line: bytes) -> bytes | None:
    """Return what stands between ``$`` and ``*CRC``, or ``None`` if the check fails."""
    body, check = line[:-5], line[-4:]
    if line[-5:-4] != b"*" or not _HEX.fullmatch(check):
        return None
    return body if binascii.crc_hqx(body, 0xFFFF) == int(check, 16) else None


def _reply(body: bytes) -> Reply | None:
    message = _MESSAGES.get(body[:2])
    if message is None:
        return _identity(body)
    fields, build = message
    if not _NUMBERS.fullmatch(body, 2):
        return None
    numbers = [int(word) for word in body[2:].split(b" ")]
    return build(*numbers) if _fit(numbers, fields) else None


def _identity(body: bytes) -> DeviceIdentity | None:
    letter, *rest = body.split(b" ")
    words, numbers = rest[1 : 1 + len(_WORDS)], rest[1 + len(_WORDS) :]
    digits = [*rest[:1], *numbers]
    if letter != b"I" or len(words) != len(_WORDS) or not all(_DIGITS.fullmatch(d) for d in digits):
        return None
    sequence, *values = map(int, digits)
    if sequence > 255 or not _fit(values, table.IDENTITY_NUMBERS):
        return None
    if not all(legal.fullmatch(word) for legal, word in zip(_WORDS, words, strict=True)):
        return None
    protocol, maker, model, serial, firmware, firmware_hash, calibrated = (
        word.decode("ascii") for word in words
    )
    return DeviceIdentity(
        sequence, protocol, maker, model, serial, firmware, firmware_hash, calibrated, *values
    )


class ReplyDecoder:
    """Turn the device's bytes into messages.

    A frame that fails its check becomes a `Corrupt` message: it is evidence, not silence, and never
    a number. The buffer is bounded by the longest frame.
    """

    def __init__(self) -> None:
        self._buffer = b""

    def receive(self, data: bytes) -> None:
        """Store bytes. Parsing happens in `next_reply`."""
        self._buffer += data

    def next_reply(self) -> Reply | NeedData:
        """Return the next message, or `NEED_DATA`."""
        while True:
            buffer = self._buffer
            if buffer[:1] != b"$":
                start = buffer.find(b"$")
                noise = buffer if start < 0 else buffer[:start]
                self._buffer = b"" if start < 0 else buffer[start:]
                noise = noise.strip(b"\r\n")
                if noise:
                    return Corrupt(noise[: table.LONGEST_FRAME])
                if start < 0:
                    return NEED_DATA
                continue
            end = buffer.find(b"\n")
            again = buffer.find(b"$", 1, end if end >= 0 else len(buffer))
            if again > 0:  # a new frame began inside this one: its line end was lost
                self._buffer = buffer[again:]
                return Corrupt(buffer[: min(again, table.LONGEST_FRAME)])
            if end < 0:
                if len(buffer) <= table.LONGEST_FRAME:
                    return NEED_DATA
                self._buffer = b""
                return Corrupt(buffer[: table.LONGEST_FRAME])
            self._buffer = buffer[end + 1 :]
            body = _checked(buffer[1:end])
            reply = _reply(body) if body is not None else None
            return reply if reply is not None else Corrupt(buffer[: table.LONGEST_FRAME])

    def replies(self) -> Iterator[Reply]:
        """Yield messages until more bytes are needed."""
        while (reply := self.next_reply()) is not NEED_DATA:
            assert not isinstance(reply, NeedData)  # noqa: S101  narrows the type
            yield reply


_LINE: Final = table.LONGEST_COMMAND - len(b"$\n")


class CommandDecoder:
    """Turn the host's bytes into commands: the device's half, as strict as firmware must be.

    Real-time bytes act wherever they stand, also inside a frame; those that vent kill it, as does
    anything outside printable ASCII. Numbers are digits only: no sign, no blank, no leading garbage, no
    overflow.
    """

    _FRAME = re.compile(rb"(\d{1,3}) ([A-Z]{1,8})((?: \d{1,7})*)")

    def __init__(self) -> None:
        self._line: bytearray | None = None
        self.bad_frames = 0

    def receive(self, data: bytes) -> Iterator[HostCommand | RealTimeByte | BadCommand]:
        """Yield what the bytes say, in order."""
        for value in data:
            byte = bytes((value,))
            if byte == table.STATUS_BYTE:
                yield RealTimeByte(byte)
            elif byte in (table.VENT_BYTE, table.RESET_BYTE):
                self._kill()  # what was being said before a stop does not count after it
                yield RealTimeByte(byte)
            elif byte == b"$":
                self._line = bytearray()
            elif self._line is None:
                continue
            elif byte == b"\n":
                line, self._line = bytes(self._line), None
                yield self._command(line)
            elif not 0x20 <= value <= 0x7E or len(self._line) >= _LINE:
                self._kill()
            else:
                self._line.append(value)

    def _kill(self) -> None:
        if self._line is not None:
            self._line = None
            self.bad_frames += 1

    def _command(self, line: bytes) -> HostCommand | BadCommand:
        body = _checked(line)
        match = self._FRAME.fullmatch(body) if body is not None else None
        if match is None:
            self.bad_frames += 1
            return BadCommand(0, 1)
        sequence, name = int(match[1]), match[2].decode("ascii")
        arguments = tuple(int(word) for word in match[3].split())
        if sequence > 255:
            self.bad_frames += 1
            return BadCommand(0, 1)
        fields = table.COMMANDS.get(name)
        if fields is None:
            return BadCommand(sequence, 2)
        if not _fit(arguments, fields):
            return BadCommand(sequence, 4)
        return HostCommand(sequence, name, arguments)
