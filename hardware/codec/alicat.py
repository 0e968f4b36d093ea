"""Alicat ASCII: lines to messages and back, for both ends of the wire. No port, no clock, no state.

There is no checksum and no sequence number. What stands in for them is shape: a line counts only if
its unit id, the number of its columns, the width and the decimals of every number and every status
word are exactly what the device announced. A flipped digit still gives another number; the driver
and the interlock have to live with that (see ``docs/devices/alicat.md``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hardware.codec import alicat_table as table
from hardware.errors import CodecError


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is always there. ``width`` counts sign, digits and point; 0 for words."""

    name: str
    width: int
    decimals: int
    unit: str


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """How this device writes a data line.

    ``pressure_at``, ``setpoint_at``: indices of ``columns`` (without the unit id). ``unit``: a key of
    `alicat_table.MMHG_PER`. ``reference``: G (gauge), A (absolute), D (differential) or empty.
    """

    unit_id: str
    columns: tuple[Column, ...]
    pressure_at: int
    setpoint_at: int
    unit: str
    reference: str
    flags: frozenset[str]

    @property
    def decimals(self) -> int:
        """Return the decimals of pressure and set-point."""
        return self.columns[self.pressure_at].decimals

    @property
    def step_mmhg(self) -> float:
        """Return the pressure of one unit of the last decimal."""
        return table.MMHG_PER[self.unit] / 10.0**self.decimals


@dataclass(frozen=True, slots=True)
class DataLine:
    """One data line. Pressure and set-point in steps (units of the last decimal), flags as they came."""

    pressure_steps: int
    setpoint_steps: int
    flags: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of a table: ``M`` (manufacturer) or ``D`` (data frame), its number and its text."""

    table: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The device could make nothing of a command."""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A line that is none of the others. Evidence, never a number."""

    raw: bytes


Reply = DataLine | TableLine | NotUnderstood | Corrupt


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What the manufacturer table says. ``full_scale_mmhg`` and ``reference`` come from the model."""

    manufacturer: str
    model: str
    serial_number: str
    firmware: str
    full_scale_mmhg: float
    reference: str


@dataclass(frozen=True, slots=True)
class HostCommand:
    """A command as the device hears it; ``value`` only for a set-point."""

    name: bytes
    value: float | None = None


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A line for this device that is no command."""

    raw: bytes


def encode_command(unit_id: str, name: bytes = b"") -> bytes:
    """Return a command without a value; without a name it is a poll. Needs no state."""
    return unit_id.encode("ascii") + name + table.END


def encode_setpoint(unit_id: str, steps: int, *, decimals: int) -> bytes:
    """Return the command that sets a set-point, with the device's own decimals.

    Raises
    ------
    CodecError
        If the set-point is negative: no cuff is meant to hold a vacuum.
    """
    if steps < 0:
        raise _unfit(f"a set-point of {steps} steps is below zero")
    number = f"{steps / 10**decimals:.{decimals}f}".encode("ascii")
    return encode_command(unit_id, table.SETPOINT + number)


def encode_data(frame: FrameFormat, values: tuple[int, ...], flags: tuple[str, ...]) -> bytes:
    """Return a data line of number columns (the device's half)."""
    numbers = [
        f"{steps / 10**c.decimals:+0{c.width}.{c.decimals}f}"
        for c, steps in zip(frame.columns, values, strict=True)
    ]
    return " ".join([frame.unit_id, *numbers, *flags]).encode("ascii") + table.END


def encode_info(unit_id: str, model: str, serial_number: str, firmware: str) -> list[bytes]:
    """Return the lines of the manufacturer table (the device's half)."""
    said = {
        0: "Alicat Scientific",
        4: f"Model Number {model}",
        5: f"Serial Number {serial_number}",
        9: f"Software Revision {firmware}",
    }
    return [f"{unit_id} M{i:02d} {said.get(i, '-')}\r".encode("ascii") for i in range(10)]


def encode_frame(frame: FrameFormat) -> list[bytes]:
    """Return the lines of the data frame table (the device's half, newer layout)."""
    rows = ["ID_ NAME______________________ TYPE_______ WIDTH NOTES___________________"]
    rows.append("700 Unit ID                    string          1")
    for column in frame.columns:
        size = f"{column.width}/{column.decimals}"
        number = "038" if "Setpt" in column.name else "006"
        rows.append(f"{number} {column.name:<26} {'s decimal':<11} {size:>5} 010 02 {column.unit}")
    rows += [f"702 {'*Status':<26} {'string':<11} {3:>5} {flag}" for flag in sorted(frame.flags)]
    return [f"{frame.unit_id} D{i:02d} {row}\r".encode("ascii") for i, row in enumerate(rows)]


_TABLE_LINE: Final = re.compile(rb"([A-Z]) {1,4}([MD])(\d\d)(?: {1,4}([ -~]*))?")
_NUMBER: Final = re.compile(rb"[+-]?\d{1,9}(?:\.(\d{1,6}))?")
_WORD: Final = re.compile(rb"[!-~]{1,16}")
_UNIT: Final = re.compile(r"(PSI|KPA|MMHG)([GAD]?)")
_UNITS: Final = {unit.upper(): unit for unit in table.MMHG_PER}
_NEWER: Final = re.compile(
    r"\d{3} (\*?)(\S.*?) {2,}(s decimal|decimal|string) +(\d+)(?:/(\d))?(?: +(.*))?"
)
_OLDER: Final = re.compile(r"(\S.*?) +(char|string|signed|unsigned) +(\S+) +(\S+) +(\S+)")
_MODEL: Final = re.compile(
    r"E?PCD[A-Z]*-(\d{1,5}(?:\.\d{1,4})?)(PSI|KPA|MMHG|TORR|M?BAR)([GAD])\b.*"
)


def identity_of(lines: tuple[TableLine, ...]) -> DeviceIdentity:
    """Return who wrote these manufacturer lines.

    Raises
    ------
    CodecError
        If it is not a dual-valve pressure controller by Alicat, or a line is missing.
    """
    text = {line.number: line.text for line in lines if line.table == "M"}
    manufacturer = text.get(0, "")
    model = _after(text, 4, "Model Number")
    if "ALICAT" not in manufacturer.upper():
        raise _unfit(f"the manufacturer reads {manufacturer!r}, not Alicat")
    match = _MODEL.fullmatch(model.upper())
    if match is None:
        raise _unfit(f"{model!r} is no dual-valve pressure controller (PCD, EPCD) with a range")
    return DeviceIdentity(
        manufacturer=manufacturer,
        model=model,
        serial_number=_after(text, 5, "Serial Number"),
        firmware=_after(text, 9, "Software Revision"),
        full_scale_mmhg=float(match[1]) * table.FULL_SCALE_MMHG_PER[match[2]],
        reference=match[3],
    )


def _after(text: dict[int, str], number: int, label: str) -> str:
    found = text.get(number, "")
    rest = found[len(label) :].strip()
    if not found.startswith(label) or not rest:
        raise _unfit(f"line M{number:02d} reads {found!r}, not '{label} ...'")
    return rest


def frame_of(unit_id: str, lines: tuple[TableLine, ...]) -> FrameFormat:
    """Return the data frame that these lines announce, in the newer or the older layout.

    Raises
    ------
    CodecError
        If a row cannot be read, rows are missing, or pressure and set-point are not one of each, with
        the same unit and decimals.
    """
    rows = sorted((line.number, line.text) for line in lines if line.table == "D")
    if [number for number, _ in rows] != list(range(len(rows))) or len(rows) < 4:
        raise _unfit("the data frame table has gaps")
    columns: list[Column] = []
    flags: set[str] = set()
    for _, text in rows[2:]:  # the first row is a heading, the second one the unit id
        parsed = _row(text)
        if isinstance(parsed, str):
            flags.add(parsed)
        elif flags:
            raise _unfit("a column follows the status words in the data frame table")
        else:
            columns.append(parsed)
    setpoints = [i for i, c in enumerate(columns) if c.width and "SETP" in c.name.upper()]
    pressures = [
        i
        for i, c in enumerate(columns)
        if c.width and "PRESS" in c.name.upper() and i not in setpoints
    ]
    if len(setpoints) != 1 or len(pressures) != 1:
        raise _unfit("the data frame has not exactly one pressure and one set-point")
    pressure, setpoint = columns[pressures[0]], columns[setpoints[0]]
    if (pressure.unit, pressure.decimals) != (setpoint.unit, setpoint.decimals):
        raise _unfit("pressure and set-point differ in unit or decimals")
    unit = _UNIT.fullmatch(pressure.unit.upper())
    if unit is None:
        raise _unfit(f"the pressure unit {pressure.unit!r} is none of {', '.join(table.MMHG_PER)}")
    named = {"GAUGE": "G", "ABS": "A", "DIFF": "D"}.get(pressure.name.upper().split(" ")[0], "")
    if unit[2] and named and unit[2] != named:
        raise _unfit(f"the column {pressure.name!r} is in {pressure.unit!r}")
    return FrameFormat(
        unit_id=unit_id,
        columns=tuple(columns),
        pressure_at=pressures[0],
        setpoint_at=setpoints[0],
        unit=_UNITS[unit[1]],
        reference=unit[2] or named,
        flags=frozenset(flags),
    )


def _row(text: str) -> Column | str:
    """Return a column, or the status word that a conditional row announces."""
    newer = _NEWER.fullmatch(text)
    if newer is not None:
        star, name, kind, width, decimals, notes = newer.groups()
        last = (notes or "").split(" ")[-1]
        if star:
            return _flag(last)
        numeric = kind != "string"
        return Column(name, int(width), int(decimals or 0), last) if numeric else _words(name)
    older = _OLDER.fullmatch(text)
    if older is not None:
        name, kind, _, most, unit = older.groups()
        if name in ("Error", "Status"):
            return _flag(most)
        number = _NUMBER.fullmatch(most.encode("ascii"))
        if kind in ("char", "string"):
            return _words(name)
        if number is not None:
            return Column(name, len(most), len(number[1] or b""), unit)
    raise _unfit(f"the data frame row {text!r} cannot be read")


def _words(name: str) -> Column:
    return Column(name, 0, 0, "")


def _flag(word: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", word):
        raise _unfit(f"the data frame announces the status word {word!r}")
    return word


def _unfit(what: str) -> CodecError:
    return CodecError(
        what, where="alicat tables", do="compare the device with docs/devices/alicat.md"
    )


class ReplyDecoder:
    """Turn the device's bytes into messages.

    Parameters
    ----------
    unit_id
        The letter that must begin every line. Another unit's line is `Corrupt` here.
    """

    def __init__(self, unit_id: str) -> None:
        self.unit_id, self._unit_id = unit_id, unit_id.encode("ascii")
        self._buffer = b""
        self._too_long = False
        self.frame: FrameFormat | None = None
        """Set once it is known; before that no data line is understood."""

    def receive(self, data: bytes) -> Iterator[Reply]:
        """Yield what the bytes say, in order. What is incomplete waits, at most `LONGEST_LINE` bytes."""
        *lines, rest = (self._buffer + data).split(table.END)
        self._buffer = rest[: table.LONGEST_LINE + 1]
        for line in lines:
            too_long, self._too_long = self._too_long, False
            line = line.removeprefix(b"\n")
            if too_long or len(line) > table.LONGEST_LINE:
                yield Corrupt(line[: table.LONGEST_LINE])
            elif line.strip(b" "):  # tables end with an empty line [V]
                yield self._line(line)
        self._too_long |= len(rest) > table.LONGEST_LINE

    def _line(self, line: bytes) -> Reply:
        words = [word for word in line.split(b" ") if word]
        if words in ([table.NOT_UNDERSTOOD], [self._unit_id, table.NOT_UNDERSTOOD]):
            return NotUnderstood()
        entry = _TABLE_LINE.fullmatch(line)
        if entry is not None and entry[1] == self._unit_id:
            text = (entry[4] or b"").decode("ascii").strip()
            return TableLine(entry[2].decode("ascii"), int(entry[3]), text)
        data = self._data(line, words) if self.frame is not None else None
        return Corrupt(line) if data is None else data

    def _data(self, line: bytes, words: list[bytes]) -> DataLine | None:
        frame = self.frame
        assert frame is not None  # noqa: S101  narrows the type
        count = len(frame.columns)
        if len(words) < count + 1 or words[0] != self._unit_id or line[:1] != self._unit_id:
            return None
        steps = [_steps(w, c) for w, c in zip(words[1:], frame.columns, strict=False)]
        pressure, setpoint = steps[frame.pressure_at], steps[frame.setpoint_at]
        if None in steps or pressure is None or setpoint is None:
            return None
        flags = tuple(word.decode("ascii", "replace") for word in words[count + 1 :])
        known = table.KNOWN_FLAGS | frame.flags
        if not known.issuperset(flags) or len(set(flags)) != len(flags):
            return None
        return DataLine(pressure, setpoint, flags, line)


def _steps(word: bytes, column: Column) -> int | None:
    """Return a number in steps, 0 for a legal word, ``None`` for anything of another shape."""
    if not column.width:
        return 0 if _WORD.fullmatch(word) else None
    number = _NUMBER.fullmatch(word)
    # older devices write a set-point without its sign [V]
    bare = word[:1].isdigit() and "SETP" in column.name.upper()
    if number is None or len(word) != column.width - bare:
        return None
    if len(number[1] or b"") != column.decimals:
        return None
    return int(word.replace(b".", b""))


class CommandDecoder:
    """Turn the host's bytes into commands: the device's half. Other units' commands are not heard."""

    _SETPOINT = re.compile(rb"S(-?\d{1,6}(?:\.\d{1,4})?)")
    _NAMES = (b"", *table.PLAIN_COMMANDS)

    def __init__(self, unit_id: str) -> None:
        self._unit_id = unit_id.encode("ascii")
        self._line = b""

    def receive(self, data: bytes) -> Iterator[HostCommand | BadCommand]:
        """Yield what the bytes say, in order."""
        *lines, rest = (self._line + data).split(table.END)
        self._line = rest[: table.LONGEST_COMMAND + 1]  # one byte more: too long stays too long
        for line in lines:
            if line[:1].upper() == self._unit_id:
                yield self._command(line[1:].upper())

    def _command(self, body: bytes) -> HostCommand | BadCommand:
        if body in self._NAMES:
            return HostCommand(body)
        match = self._SETPOINT.fullmatch(body)
        return HostCommand(table.SETPOINT, float(match[1])) if match else BadCommand(body)
