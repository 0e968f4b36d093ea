"""The CPAR's bytes: frames to messages and back, for both ends of the wire. No port, no clock.

There is no checksum on this link. What protects a message is its exact length, the closed lists of
its values and, for programs alone, the CRC in the device's answer. Everything that does not fit
becomes `Corrupt`: evidence, never a number and never an exception.
"""

import struct
from collections.abc import Iterator
from typing import Final

from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Answer,
    BadRequest,
    Corrupt,
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    ForeignStatus,
    HostRequest,
    Instruction,
    Negative,
    OtherMessage,
    ProgramLoaded,
    Reply,
    Request,
    SetProgram,
    Start,
    Status,
    illegal,
    instruction_bytes,
    legal,
)
from hardware.codec.cpar_table import CommandMap, Verb

RESYNCHRONISE: Final = b"\x00"
"""In front of a frame: brings a receiver that lost an end mark back, whatever state it is in."""


# -- frames


def packet(code: int, data: bytes = b"") -> bytes:
    """Return code, length and data."""
    return bytes((code, len(data))) + data


def frame(body: bytes) -> bytes:
    """Return a packet between its marks, each FF doubled."""
    return b"\xff\xf1" + body.replace(b"\xff", b"\xff\xff") + b"\xff\xf2"


class Deframer:
    """Bytes to packets: the four-state receiver, its buffer bounded by the longest packet."""

    def __init__(self) -> None:
        self._inside = False
        self._escaped = False
        self._buffer = bytearray()

    def receive(self, data: bytes) -> Iterator[bytes | Corrupt]:
        """Yield whole packets, and what was dropped, in order."""
        for value in data:
            if self._escaped:
                self._escaped = False
                yield from self._after_escape(value)
            elif value == table.ESCAPE:
                self._escaped = True
            else:
                yield from self._store(value)

    def _after_escape(self, value: int) -> Iterator[bytes | Corrupt]:
        if value == table.START_OF_PACKET:
            yield from self._dropped()
            self._inside = True
        elif not self._inside:
            # outside, another FF may be the first half of a start mark
            self._escaped = value == table.ESCAPE
            yield from self._store(value)
        elif value == table.ESCAPE:
            yield from self._store(value)
        elif value == table.END_OF_PACKET:
            body, self._buffer, self._inside = bytes(self._buffer), bytearray(), False
            yield body
        else:
            self._buffer.append(value)
            yield from self._dropped()

    def _store(self, value: int) -> Iterator[Corrupt]:
        self._buffer.append(value)
        if len(self._buffer) > table.LONGEST_PACKET:
            yield from self._dropped()

    def _dropped(self) -> Iterator[Corrupt]:
        if self._buffer or self._inside:
            yield Corrupt(bytes(self._buffer))
        self._buffer, self._inside = bytearray(), False


# -- the host's half


def encode_request(request: HostRequest, command_map: CommandMap) -> bytes:
    """Return the frame of a request, without the vendor's surplus zero.

    Raises
    ------
    CodecError
        If it is not legal. A forced start, which skips the rating rule, never is.
    """
    codes = table.CODES[command_map]
    match request:
        case Request(verb) if verb in (Verb.IDENTIFY, Verb.KICK, Verb.STOP):
            return frame(packet(codes[verb]))
        case SetProgram(channel, repeat, instructions):
            body = instruction_bytes(instructions)
            if 0 <= channel < table.CHANNELS and 1 <= repeat <= 255:
                return frame(packet(codes[Verb.PROGRAM], bytes((channel, repeat)) + body))
        case Start(criterion, compressor, force):
            data = bytes((criterion & 0xFF, compressor & 0xFF))[: table.START_BYTES[command_map]]
            if not force and _start(data, command_map, force=False) == request:
                return frame(packet(codes[Verb.START], data))
    raise illegal(str(request))


def _start(data: bytes, command_map: CommandMap, *, force: bool) -> Start | None:
    if len(data) != table.START_BYTES[command_map]:
        return None
    compressor = data[1] if command_map is CommandMap.C else table.COMPRESSOR_AUTO
    most = table.STOP_ON_RELEASE if command_map is CommandMap.C else table.STOP_ON_BUTTON
    if data[0] > most or compressor > table.COMPRESSOR_MANUAL:
        return None
    return Start(data[0], compressor, force)


class ReplyDecoder:
    """Turn the device's bytes into messages.

    Before ``command_map`` is set it knows only what is the same everywhere: status messages by
    their length, identities and negative answers.
    """

    def __init__(self, command_map: CommandMap | None = None) -> None:
        self.command_map = command_map
        self._deframer = Deframer()

    def receive(self, data: bytes) -> Iterator[Reply]:
        """Yield what the bytes say, in order."""
        for body in self._deframer.receive(data):
            yield body if isinstance(body, Corrupt) else self._reply(body) or Corrupt(body)

    def _reply(self, body: bytes) -> Reply | None:
        if len(body) < 2 or len(body) != body[1] + 2 or len(body) > table.LONGEST_PACKET:
            return None
        code, data = body[0], body[2:]
        if code == table.STATUS:
            return self._status(data)
        if code == table.EVENT:
            return self._event(data)
        if code >= table.FIRST_MESSAGE:
            return OtherMessage(code, data)
        if code == table.NEGATIVE:
            return Negative(data[0]) if len(data) == 1 else None
        if self.command_map is None:
            return _identity(data) if code == table.CODES[CommandMap.C][Verb.IDENTIFY] else None
        return _answer(code, data, self.command_map)

    def _status(self, data: bytes) -> Reply | None:
        if self.command_map is None:
            return _status(data) if len(data) in (14, 15) else ForeignStatus(len(data))
        return _status(data) if len(data) == table.STATUS_BYTES[self.command_map] else None

    def _event(self, data: bytes) -> Reply | None:
        events = table.EVENTS[self.command_map or CommandMap.C]
        return DeviceEvent(data[0]) if len(data) == 1 and data[0] < len(events) else None


def _status(data: bytes) -> Status | None:
    state, flags, counter, condition, *rest = struct.unpack("<BBHBBBBBBBBBB", data[:14])
    if (
        state >= len(table.STATES)
        or flags & ~table.KNOWN_FLAGS
        or condition >= len(table.STOP_CONDITIONS)
    ):
        return None
    return Status(
        state=state,
        flags=flags,
        update_counter=counter,
        stop_condition=condition,
        rating=rest[0],
        final_rating=rest[1],
        supply=rest[2],
        actual=(rest[3], rest[4]),
        target=(rest[5], rest[6]),
        final=(rest[7], rest[8]),
        button_down=data[14] != 0 if len(data) == 15 else None,
    )


_IDENTITY_C: Final = struct.Struct("<IHIBBBBH24s24s")
_IDENTITY_A: Final = struct.Struct("<BBBBH")


def _identity(data: bytes) -> DeviceIdentity | None:
    if len(data) == _IDENTITY_A.size:
        device_type, major, engineering, checksum, serial = _IDENTITY_A.unpack(data)
        return DeviceIdentity(
            length=len(data),
            manufacturer=None,
            device_type=device_type,
            serial_number=serial,
            version=(major, 0, 0),
            engineering=engineering,
            checksum=checksum,
        )
    if len(data) != _IDENTITY_C.size:
        return None
    maker, device_type, serial, x, y, z, engineering, checksum, *names = _IDENTITY_C.unpack(data)
    first, second = (name.rstrip(b"\0") for name in names)
    if not all(32 <= value < 127 for value in first + second):
        return None
    return DeviceIdentity(
        length=len(data),
        manufacturer=maker,
        device_type=device_type,
        serial_number=serial,
        version=(x, y, z),
        engineering=engineering,
        checksum=checksum,
        manufacturer_name=first.decode("ascii"),
        device_name=second.decode("ascii"),
    )


def _answer(code: int, data: bytes, command_map: CommandMap) -> Answer | None:
    for verb, length in table.ANSWER_BYTES[command_map].items():
        if table.CODES[command_map][verb] == code and len(data) == length:
            match verb:
                case Verb.IDENTIFY:
                    return _identity(data)
                case Verb.KICK:
                    return Counter(int.from_bytes(data, "little"))
                case Verb.PROGRAM:
                    return ProgramLoaded(data[0])
                case _:
                    return Done(verb)
    return None


# -- the device's half


def encode_reply(reply: Reply, command_map: CommandMap) -> bytes:
    """Return the frame of anything a device says.

    Raises
    ------
    CodecError
        If a device does not say such a thing.
    """
    codes = table.CODES[command_map]
    match reply:
        case Negative(error):
            return frame(packet(table.NEGATIVE, bytes((error,))))
        case Counter(count):
            return frame(packet(codes[Verb.KICK], count.to_bytes(4, "little")))
        case ProgramLoaded(crc):
            return frame(packet(codes[Verb.PROGRAM], bytes((crc,))))
        case Done(verb):
            return frame(packet(codes[verb]))
        case DeviceEvent(event):
            return frame(packet(table.EVENT, bytes((event,))))
        case OtherMessage(code, data):
            return frame(packet(code, data))
        case Status():
            return frame(packet(table.STATUS, _status_bytes(reply)))
        case DeviceIdentity():
            return frame(packet(codes[Verb.IDENTIFY], _identity_bytes(reply)))
    raise illegal(str(reply))


def _status_bytes(s: Status) -> bytes:
    fixed = struct.pack("<BBHB", s.state, s.flags, s.update_counter, s.stop_condition)
    rest = bytes((s.rating, s.final_rating, s.supply, *s.actual, *s.target, *s.final))
    button = b"" if s.button_down is None else bytes((s.button_down,))
    return fixed + rest + button


def _identity_bytes(i: DeviceIdentity) -> bytes:
    if i.manufacturer is None:
        numbers = (i.device_type, i.version[0], i.engineering, i.checksum, i.serial_number)
        return _IDENTITY_A.pack(*numbers)
    return _IDENTITY_C.pack(
        i.manufacturer,
        i.device_type,
        i.serial_number,
        *i.version,
        i.engineering,
        i.checksum,
        i.manufacturer_name.encode("ascii"),
        i.device_name.encode("ascii"),
    )


class RequestDecoder:
    """Turn the host's bytes into requests, as forgiving as the device is believed to be.

    Bytes beyond the stated length are ignored (the vendor's host adds a zero); a packet shorter
    than its length is dropped in silence, as are bad frames.
    """

    def __init__(self, command_map: CommandMap) -> None:
        self._map = command_map
        self._verbs = {code: verb for verb, code in table.CODES[command_map].items()}
        self._deframer = Deframer()

    def receive(self, data: bytes) -> Iterator[HostRequest | BadRequest]:
        """Yield what the bytes ask for, in order."""
        for body in self._deframer.receive(data):
            if isinstance(body, bytes) and len(body) >= 2 and len(body) >= body[1] + 2:
                yield self._request(body[0], body[2 : 2 + body[1]])

    def _request(self, code: int, data: bytes) -> HostRequest | BadRequest:
        request: HostRequest | None = None
        verb = self._verbs.get(code)
        match verb:
            case None:
                return BadRequest(code, 1)
            case Verb.PROGRAM:
                request = _program(data)
            case Verb.START | Verb.FORCE_START:
                request = _start(data, self._map, force=verb is Verb.FORCE_START)
            case _:
                request = Request(verb) if not data else None
        return request if request is not None else BadRequest(code, 2)


def _program(data: bytes) -> SetProgram | None:
    if len(data) < 2 or (len(data) - 2) % table.INSTRUCTION_BYTES:
        return None
    instructions = tuple(Instruction(*numbers) for numbers in struct.iter_unpack("<BHH", data[2:]))
    if data[0] >= table.CHANNELS or not data[1] or not all(map(legal, instructions)):
        return None
    return SetProgram(data[0], data[1], instructions)
