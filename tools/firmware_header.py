"""Write hardware/firmware/cuff1_table.h from the table of CUFF/1: ``python tools/firmware_header.py``.

The firmware takes every number of the language from that header, so that it and the host cannot drift apart.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hardware.codec import cuff1_table as table  # noqa: E402  the path comes first

HEADER = ROOT / "hardware" / "firmware" / "cuff1_table.h"
BYTES = ("VENT_BYTE", "STATUS_BYTE", "RESET_BYTE")
MOST_ARGUMENTS = max(len(fields) for fields in table.COMMANDS.values())
MOST_DIGITS = 7
"""Digits of an argument, as the codec has it: enough for the largest, and no number overflows 32 bits."""


def numbers() -> Iterable[str]:
    """Return every number of the table that has a name of its own, in the table's order."""
    for name, value in vars(table).items():
        if name.isupper() and isinstance(value, int):
            number = f"{value}L" if value > 32767 else f"({value})" if value < 0 else f"{value}"
            yield f"#define {name} {number}"
        elif name in BYTES:
            yield f"#define {name} 0x{value[0]:02X}"


def names(title: str, prefix: str, words: Iterable[str], *, first: int = 0) -> list[str]:
    """Return an enumeration: one line for each word."""
    lines = [f"enum {{ /* {title} */"]
    lines += [f"    {prefix}_{word.upper()} = {n}," for n, word in enumerate(words, first)]
    count = first + len(lines) - 1
    return [*lines, f"    {prefix}_COUNT = {count}", "};", ""]


def commands() -> list[str]:
    """Return the commands with the limits of their fields."""
    lines = names("commands, in the order of COMMAND_TABLE", "COMMAND", table.COMMANDS)
    lines += [f"#define MOST_ARGUMENTS {MOST_ARGUMENTS}", f"#define MOST_DIGITS {MOST_DIGITS}"]
    lines.append(f"#define LONGEST_NAME {max(map(len, table.COMMANDS))}")
    lines.append(
        "/* name, number of fields, least and largest legal value of each; acts when repeated */"
    )
    lines.append("#define COMMAND_TABLE \\")
    for name, fields in table.COMMANDS.items():
        padded = [(f.least, f.most) for f in fields] + [(0, 0)] * (MOST_ARGUMENTS - len(fields))
        least = ", ".join(f"{low}L" for low, _ in padded)
        most = ", ".join(f"{high}L" for _, high in padded)
        again = int(name in table.ALWAYS_ACTS)
        says = ", ".join(f"{field.name} in {field.unit}" for field in fields)
        remark = f" /* {says} */" if says else ""
        row = f'{{"{name}", {len(fields)}, {again}, {{{least}}}, {{{most}}}}},'
        lines.append(f"    {row}{remark} \\")
    lines[-1] = lines[-1].removesuffix(" \\")
    return [*lines, ""]


def members(constant: str, prefix: str, words: Iterable[str], all_words: tuple[str, ...]) -> str:
    """Return a test of whether a number is one of some words."""
    tests = " || ".join(f"(x) == {prefix}_{word.upper()}" for word in words)
    assert set(words) <= set(all_words)  # noqa: S101  a slip in the table
    return f"#define {constant}(x) ({tests})"


def header() -> str:
    """Return the whole header."""
    assert len(table.SELFTEST_NAMES) == len(table.SELFTEST)  # noqa: S101
    assert len(table.NAK_NAMES) == len(table.NAK_REASONS)  # noqa: S101
    flags = [f"#define FLAG_{name.upper()} {1 << bit}" for bit, name in enumerate(table.FLAGS)]
    words = [
        f"#define LONGEST_{name.upper().replace(' ', '_')} {longest}"
        for name, longest in table.IDENTITY_WORDS.items()
    ]
    lines = [
        "/* Written by tools/firmware_header.py from hardware/codec/cuff1_table.py: change that one.",
        " * Pressures in tenths of a mmHg (TENTHS), times in milliseconds (MS). */",
        "#ifndef CUFF1_TABLE_H",
        "#define CUFF1_TABLE_H",
        "",
        f'#define PROTOCOL "{table.PROTOCOL}"',
        *numbers(),
        "",
        *names("states", "STATE", table.STATES),
        *names("faults", "FAULT", table.FAULTS),
        members("IS_HIGH_ALARM", "FAULT", table.HIGH_ALARMS, table.FAULTS),
        members("KEEPS_SELFTEST", "FAULT", table.KEEPS_SELFTEST, table.FAULTS),
        "",
        *names("results of the self-test", "SELFTEST", table.SELFTEST_NAMES),
        *names("why it booted", "RESET", table.RESETS),
        *names("why a command is refused", "NAK", table.NAK_NAMES, first=min(table.NAK_REASONS)),
        *names("events", "EVENT", table.EVENTS.values(), first=min(table.EVENTS)),
        "/* bits of the status line's flags */",
        *flags,
        "",
        "/* longest words of an identity */",
        *words,
        "",
        *commands(),
        "#endif",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    HEADER.write_text(header(), encoding="utf-8")
