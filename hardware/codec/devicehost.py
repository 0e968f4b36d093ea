"""LabBench DeviceHost: statements to messages and back, for both ends. No socket, no clock, no state.

A packet is ``START; ... END;``, one statement before each semicolon. It carries neither a number nor
the name of what it answers, and no checksum: TCP keeps bytes whole and in order, but it cuts them
anywhere. So a packet counts only when all of its statements together are one of the answers known.
"""

import re
from collections.abc import Iterator
from typing import Final

from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Answer,
    BadRequest,
    Corrupt,
    Done,
    Heard,
    HostRequest,
    Instruction,
    Rating,
    Refused,
    Request,
    Response,
    Signals,
    Start,
    State,
    Waveform,
    Who,
)
from hardware.errors import CodecError


def encode_request(request: HostRequest, port: str) -> bytes:
    """Return the packet of a request for the device at a port of DeviceHost's computer.

    Raises
    ------
    CodecError
        If a number is outside what the device takes.
    """
    lines: list[str] = []
    match request:
        case Request("CREATE"):
            lines = [f"PORT {port}", f"DEVICE {table.DEVICE}"]
        case Waveform(channel, instructions):
            _check_waveform(channel, instructions)
            lines = [f"CHANNEL {channel}", "REPEAT 1", f"INSTRUCTIONS {len(instructions)}"]
            lines += [f"{i.name} {i.argument} {i.duration_ms}" for i in instructions]
        case Start(outlets, criterion):
            if criterion not in table.STOP_CRITERIA or not {-1, 0, 1}.issuperset(outlets):
                raise _unfit(f"a start of {outlets} with stop criterion {criterion}")
            lines = [f"STOPCRITERION {criterion}", "EXTERNALTRIGGER 0", "OVERRIDERATING 1"]
            lines += [f"OUTLET{i:02d} {channel + 1}" for i, channel in enumerate(outlets, 1)]
    name = _name(request)
    use = "SERVER" if name == "CREATE" else f"PORT {port} {table.DEVICE}"
    return _packet([f"USE {use}", f"CMD {name}", *lines], b"\n")


def encode_response(answer: Answer) -> bytes:
    """Return the packet of an answer, as DeviceHost writes it on Windows (the device's half)."""
    match answer:
        case Done():
            lines = ["OK"]
        case Refused(error):
            lines = [f"ERR {error}"]
        case Who(device, version):
            lines = [f"DEVICE {device}", f"VERSION {version}"]
        case Signals(samples):
            lines = [f"DATA {first} {second} {rating}" for first, second, rating in samples]
        case Rating(score, final_score, button, latched):
            values = (score, final_score, int(button), int(latched))
            lines = [f"{n} {v}" for n, v in zip(table.RATING_NAMES, values, strict=True)]
        case State() as s:
            flags = (s.response_connected, s.response_low, s.power, s.start_possible, s.supply_ok)
            lines = [f"STATE {s.state}", f"STOP_CONDITION {s.stop_condition}"]
            lines += [f"{n} {int(v)}" for n, v in zip(table.STATE_FLAGS, flags, strict=True)]
            numbers = (*s.final_tenths, s.supply_tenths)
            lines += [f"{n} {v}" for n, v in zip(table.STATE_NUMBERS, numbers, strict=True)]
    return _packet(lines, b"\r\n")


def _packet(lines: list[str], newline: bytes) -> bytes:
    statements = [table.BEGIN, *lines, table.END]
    return b"".join(line.encode("ascii") + b";" + newline for line in statements)


def _name(request: HostRequest) -> str:
    match request:
        case Request(command):
            return command
        case Waveform():
            return "WAVEFORM"
        case Start():
            return "START"


def _check_waveform(channel: int, instructions: tuple[Instruction, ...]) -> None:
    """Refuse a program that the device could not play as it is written, or that does not end at 0."""
    level = total_ms = 0.0
    for i in instructions:
        change = i.argument * i.duration_ms / 1000
        level = {"STEP": i.argument, "INC": level + change, "DEC": level - change}[i.name]
        total_ms += i.duration_ms
        legal = 0 <= i.argument <= table.MOST_TENTHS and 0.0 <= level <= table.MOST_TENTHS
        if not legal or i.duration_ms < table.TICK_MS or i.duration_ms % table.TICK_MS:
            raise _unfit(f"{i.name} {i.argument} for {i.duration_ms} ms, which leads to {level:g}")
    if not 1 <= len(instructions) <= table.MOST_INSTRUCTIONS or channel not in (0, 1):
        raise _unfit(f"{len(instructions)} instructions for channel {channel}")
    if instructions[-1].name != "STEP" or level or total_ms >= table.RUN_S_MAX * 1000:
        raise _unfit(f"a program that ends at {level:g} after {total_ms / 1000:g} s")


def _unfit(what: str) -> CodecError:
    return CodecError(
        f"not a request for this device: {what}",
        where="DeviceHost request",
        do="this is a fault of the program: report it",
    )


_ENDS: Final = re.compile(rb"[;\n]")
_BLANK: Final = b" \t\r"
_STATEMENT: Final = re.compile(rb"([A-Z][A-Z_]{0,23}(?:0[12])?)(?:[ \t]+([ -~]+))?", re.IGNORECASE)
_SAMPLE: Final = re.compile(r"(-?\d{1,4})[ ,]+(-?\d{1,4})[ ,]+(\d{1,3})")
_NUMBER: Final = re.compile(r"-?\d{1,6}")
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,48}")
_FLAGS: Final = {"0": False, "1": True, "False": False, "True": True}

_Pair = tuple[str, str]


class _Statements:
    """Cuts a stream into statements; keeps at most `LONGEST_STATEMENT` bytes of one that is not whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Yield whole statements, what is too long cut to one byte more than is legal."""
        *parts, rest = _ENDS.split(self._rest + data)
        self._rest = rest[: table.LONGEST_STATEMENT + 1]
        for part in parts:
            too_long, self._too_long = self._too_long, False
            part = part.strip(_BLANK) if not too_long else part
            if part:
                yield part[: table.LONGEST_STATEMENT + 1]
        self._too_long |= len(rest) > table.LONGEST_STATEMENT


def _pair(statement: bytes) -> _Pair | None:
    """Return name and value of a statement; ``None`` if it is none."""
    match = _STATEMENT.fullmatch(statement)
    if match is None or len(statement) > table.LONGEST_STATEMENT:
        return None
    name = match[1].decode("ascii").upper()
    return table.ALIASES.get(name, name), (match[2] or b"").decode("ascii").strip()


class ResponseDecoder:
    """Turn DeviceHost's bytes into answers: the host's half."""

    def __init__(self) -> None:
        self._statements = _Statements()
        self._pairs: list[_Pair] | None = None
        self._samples: list[tuple[int, int, int]] = []
        self._bad = b""

    def receive(self, data: bytes) -> list[Response]:
        """Return what the bytes say, in order. What is incomplete waits, within the table's bounds."""
        statements = self._statements.receive(data)
        return [response for statement in statements for response in self._take(statement)]

    def _take(self, statement: bytes) -> Iterator[Response]:
        pair = _pair(statement)
        if pair == (table.BEGIN, ""):
            if self._pairs is not None:  # the last one never ended
                yield Corrupt(self._bad or statement)
            self._pairs, self._samples, self._bad = [], [], b""
        elif self._pairs is None:
            yield Corrupt(statement)
        elif pair == (table.END, ""):
            yield self._answer(self._pairs)
            self._pairs, self._samples, self._bad = None, [], b""
        elif not self._bad:
            if pair is None or not self._add(pair, self._pairs):
                self._bad = statement
            elif len(self._samples) == table.MOST_SAMPLES:
                yield Signals(tuple(self._samples), complete=False)
                self._samples = []

    def _add(self, pair: _Pair, pairs: list[_Pair]) -> bool:
        if pair[0] != "DATA":
            pairs.append(pair)
            return len(pairs) <= table.MOST_STATEMENTS
        match = _SAMPLE.fullmatch(pair[1])
        if match is not None:
            self._samples.append((int(match[1]), int(match[2]), int(match[3])))
        return match is not None

    def _answer(self, pairs: list[_Pair]) -> Response:
        if self._bad or (self._samples and pairs):
            return Corrupt(self._bad or pairs[0][0].encode("ascii"))
        if not pairs:
            return Signals(tuple(self._samples))
        values = dict(pairs)
        answer = _known(pairs, values) if len(values) == len(pairs) else None
        if answer is None:
            return Corrupt("; ".join(f"{n} {v}" for n, v in pairs).encode("ascii"))
        return answer


def _known(pairs: list[_Pair], values: dict[str, str]) -> Answer | None:
    if pairs == [("OK", "")]:
        return Done()
    match set(values):
        case names if names == {"ERR"} and _WORD.fullmatch(values["ERR"]):
            return Refused(values["ERR"])
        case names if names == {"DEVICE", "VERSION"} and all(values.values()):
            return Who(values["DEVICE"], values["VERSION"])
        case names if names == set(table.STATE_NAMES):
            return _state(values)
        case names if names == set(table.RATING_NAMES):
            return _rating(values)
    return None


def _state(values: dict[str, str]) -> State | None:
    flags = [_FLAGS.get(values[name]) for name in table.STATE_FLAGS]
    numbers = [values[name] for name in table.STATE_NUMBERS]
    if values["STATE"] not in table.STATES or not _WORD.fullmatch(values["STOP_CONDITION"]):
        return None
    if None in flags or not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    doubled = values["STATE"] == table.DOUBLED_STIMULATING
    connected, low, power, possible, supply_ok = (bool(flag) for flag in flags)
    first, second, supply = (int(number) for number in numbers)
    return State(
        state=table.STIMULATING if doubled else values["STATE"],
        response_connected=connected,
        response_low=low,
        power=power,
        start_possible=possible,
        supply_ok=supply_ok,
        stop_condition=values["STOP_CONDITION"],
        final_tenths=(first, second),
        supply_tenths=supply,
    )


def _rating(values: dict[str, str]) -> Rating | None:
    scores = [values["SCORE"], values["FINAL_SCORE"]]
    button, latched = _FLAGS.get(values["BUTTON"]), _FLAGS.get(values["LATCHED_BUTTON"])
    if button is None or latched is None or not all(_NUMBER.fullmatch(s) for s in scores):
        return None
    return Rating(int(scores[0]), int(scores[1]), button, latched)


class RequestDecoder:
    """Turn the host's bytes into requests: DeviceHost's half."""

    def __init__(self) -> None:
        self._statements = _Statements()
        self._pairs: list[_Pair] | None = None

    def receive(self, data: bytes) -> list[Heard | BadRequest]:
        """Return what the bytes ask, in order."""
        statements = self._statements.receive(data)
        return [heard for statement in statements for heard in self._take(statement)]

    def _take(self, statement: bytes) -> Iterator[Heard | BadRequest]:
        pair = _pair(statement)
        if pair == (table.BEGIN, ""):
            if self._pairs is not None:
                yield BadRequest("ParketFrammingError")
            self._pairs = []
        elif self._pairs is None:
            return
        elif pair == (table.END, ""):
            yield _request(self._pairs)
            self._pairs = None
        elif pair is None or len(self._pairs) > table.MOST_STATEMENTS + table.MOST_INSTRUCTIONS:
            yield BadRequest("InvalidCommandFormat")
            self._pairs = None
        else:
            self._pairs.append(pair)


def _request(pairs: list[_Pair]) -> Heard | BadRequest:
    if len(pairs) < 2 or pairs[0][0] != "USE" or pairs[1][0] != "CMD":
        return BadRequest("MissingUseStatement")
    use, name, rest = pairs[0][1].split(), pairs[1][1], pairs[2:]
    if use == ["SERVER"]:
        told = dict(rest)
        if name != "CREATE" or set(told) != {"PORT", "DEVICE"} or told["DEVICE"] != table.DEVICE:
            return BadRequest("InvalidCommandContent")
        return Heard(told["PORT"], Request("CREATE"))
    if len(use) != 3 or use[0] != "PORT" or use[2] != table.DEVICE:
        return BadRequest("MissingUseStatement")
    port = use[1]
    try:
        match name:
            case "WAVEFORM":
                return Heard(port, _waveform(rest))
            case "START":
                return Heard(port, _start(rest))
            case "OPEN" | "PING" | "CLEAR" | "STOP" | "STATE" | "SIGNALS" | "RATING" if not rest:
                return Heard(port, Request(name))
    except (ValueError, IndexError):
        return BadRequest("InvalidInteger")
    except KeyError:
        return BadRequest("InvalidStartCommandContent")
    return BadRequest("UnknownCommand")


def _waveform(rest: list[_Pair]) -> Waveform:
    head = [name for name, _ in rest[:3]]
    channel, repeat, count = (int(value) for _, value in rest[:3])
    steps: list[Instruction] = []
    for name, value in rest[3:]:
        argument, duration_ms = (int(number) for number in value.split())
        match name:
            case "STEP" | "INC" | "DEC":
                steps.append(Instruction(name, argument, duration_ms))
            case _:
                raise ValueError(name)
    if head != ["CHANNEL", "REPEAT", "INSTRUCTIONS"] or repeat != 1 or count != len(steps):
        raise ValueError(head)
    return Waveform(channel, tuple(steps))


def _start(rest: list[_Pair]) -> Start:
    told = {name: int(value) for name, value in rest}
    if told["EXTERNALTRIGGER"] or not told["OVERRIDERATING"]:
        raise ValueError(told)
    return Start((told["OUTLET01"] - 1, told["OUTLET02"] - 1), told["STOPCRITERION"])
