"""Whether a file is a whole ELF file for an AVR: what loads it believes every number in it."""

import struct
from typing import Final

MAGIC: Final = b"\x7fELF"
IS_32_BIT: Final = 1
IS_LITTLE_ENDIAN: Final = 1
AVR: Final = 83
"""The number of the processor: ``EM_AVR``."""
NO_BITS: Final = 8
"""A section that takes no room in the file: ``SHT_NOBITS``."""
FLASH_BYTES: Final = 32 * 1024
NOT_FLASH: Final = 0x80_0000
"""From here on avr-gcc's addresses are RAM, EEPROM and fuses."""
HEADER: Final = struct.Struct("<4sBB10xHHIIIIIHHHHHH")
PROGRAM: Final = struct.Struct("<8I")
SECTION: Final = struct.Struct("<10I")
CUT_OFF: Final = "this firmware file is cut off or damaged"


def firmware_problem(data: bytes) -> str | None:
    """Return in words why this is no firmware for an ATmega328P that could be loaded, if that is so."""
    if data[:4] != MAGIC:
        return "this is not a compiled firmware (an ELF file)"
    if len(data) < HEADER.size:
        return CUT_OFF
    _, size, order, _, machine, *rest = HEADER.unpack_from(data)
    if (size, order, machine) != (IS_32_BIT, IS_LITTLE_ENDIAN, AVR):
        return "this program is for another processor, not for the controller's (AVR)"
    _, _, programs_at, sections_at, _, _, _, programs, _, sections, _ = rest
    if not sections or not programs:
        return CUT_OFF
    tables = ((programs_at, programs, PROGRAM), (sections_at, sections, SECTION))
    if any(at < HEADER.size or at + count * each.size > len(data) for at, count, each in tables):
        return CUT_OFF
    for number in range(programs):
        _, at, _, load_at, length, *_ = PROGRAM.unpack_from(
            data, programs_at + number * PROGRAM.size
        )
        if at + length > len(data):
            return CUT_OFF
        if load_at < NOT_FLASH and load_at + length > FLASH_BYTES:
            return "this firmware is larger than the controller's flash"
    for number in range(sections):
        _, kind, _, _, at, length, *_ = SECTION.unpack_from(
            data, sections_at + number * SECTION.size
        )
        if kind != NO_BITS and at + length > len(data):
            return CUT_OFF
    return None
