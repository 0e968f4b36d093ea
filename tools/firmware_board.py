"""Write what a board's EEPROM has to know of it, as Intel HEX for avrdude.

``tools/firmware_board.py MAKER SERIAL_NUMBER CALIBRATED > board.hex``, then
``avrdude -p m328p ... -U eeprom:w:board.hex:i``. ``CALIBRATED`` is a date such as 2026-01-31, or ``none``.
The site's ceiling beside it is left alone; without this a board calls itself ``none``.
"""

import binascii
import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hardware.codec import cuff1_table as table  # noqa: E402  the path comes first

ADDRESS = 0x10
"""Of the record, as ``board.h`` has it."""
LINE = 16
EMULATED = "emulated"
"""What an emulated controller calls its maker."""
NONE = "none"
SIZES = tuple(table.IDENTITY_WORDS[n] for n in ("maker", "serial number", "calibrated"))


def is_calibration(word: str) -> bool:
    """Return whether a word is a date of the calendar, or says that there is none."""
    try:
        return word == NONE or date.fromisoformat(word).isoformat() == word
    except ValueError:
        return False


def record(*words: str) -> bytes:
    """Return the record of a board: its words, filled up with zeros, and their CRC.

    Raises
    ------
    ValueError
        If something is no word of an identity, or would say what is not so.
    """
    if words[0].lower() == EMULATED:  # every run with it would be recorded as a simulated one
        raise ValueError(f"a board whose maker is '{words[0]}' would be taken for an emulated one")
    if not is_calibration(words[-1]):
        raise ValueError(f"'{words[-1]}' is not a date such as 2026-01-31, and not '{NONE}'")
    body = b""
    for word, size in zip(words, SIZES, strict=True):
        if not re.fullmatch(r"[!-~]+", word) or len(word) > size:
            raise ValueError(f"'{word}' is not a word of 1 to {size} letters without a blank")
        body += word.encode("ascii").ljust(size, b"\0")
    return body + binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "little")


def intel_hex(data: bytes, address: int) -> str:
    """Return bytes as Intel HEX."""
    lines = []
    for at in range(0, len(data), LINE):
        part = data[at : at + LINE]
        line = bytes((len(part),)) + (address + at).to_bytes(2, "big") + b"\0" + part
        lines.append(f":{line.hex().upper()}{-sum(line) % 256:02X}")
    return "\n".join([*lines, ":00000001FF"]) + "\n"


def main() -> int:
    """Print the image."""
    if len(sys.argv) != 4:
        print("usage: firmware_board.py MAKER SERIAL_NUMBER CALIBRATED", file=sys.stderr)  # noqa: T201
        return 2
    try:
        sys.stdout.write(intel_hex(record(*sys.argv[1:]), ADDRESS))
    except ValueError as exc:
        print(f"{exc}; nothing was written", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
