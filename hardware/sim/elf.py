"""What a compiled program (ELF) puts into an ATmega328P's flash, and an ELF file that holds only that.

What loads ELF files into the simulated chip believes every number in them, and a wrong one ends the whole
program. So it is never given somebody's file: the flash is taken out here, and put into a fresh one.
"""

import struct
from typing import Final

MAGIC: Final = b"\x7fELF"
IS_32_BIT: Final = 1
IS_LITTLE_ENDIAN: Final = 1
VERSION: Final = 1
EXECUTABLE: Final = 2
AVR: Final = 83
"""The number of the processor: ``EM_AVR``."""
FAMILY: Final = 5
"""Of the ATmega328P's kind, ``avr5``; an ATmega2560's is 6."""
FAMILY_BITS: Final = 0x7F
LOADED: Final = 1
"""A part that is loaded: ``PT_LOAD``."""
PROGBITS: Final = 1
STRTAB: Final = 3
FLASH_BYTES: Final = 32 * 1024
NOT_FLASH: Final = 0x80_0000
"""From here on avr-gcc's addresses are RAM, EEPROM and fuses."""
ERASED: Final = b"\xff"
HEADER: Final = struct.Struct("<4sBBB9xHHIIIIIHHHHHH")
PROGRAM: Final = struct.Struct("<8I")
SECTION: Final = struct.Struct("<10I")
CUT_OFF: Final = "this firmware file is cut off or damaged"
OTHER_CHIP: Final = "this program is for another chip, not for the controller's (ATmega328P)"


class NoFirmwareError(Exception):
    """A file that is no program for the controller, in words."""


def flash_of(data: bytes) -> bytes:
    """Return the bytes of flash, from address 0, of an ELF file.

    Raises
    ------
    NoFirmwareError
        If it is no whole program for an ATmega328P.
    """
    if data[:4] != MAGIC:
        raise NoFirmwareError("this is not a compiled firmware (an ELF file)")
    if len(data) < HEADER.size:
        raise NoFirmwareError(CUT_OFF)
    _, size, order, _, kind, machine, *rest = HEADER.unpack_from(data)
    if (size, order, machine) != (IS_32_BIT, IS_LITTLE_ENDIAN, AVR):
        raise NoFirmwareError(
            "this program is for another processor, not for the controller's (AVR)"
        )
    _, _, programs_at, sections_at, flags, _, program_size, programs, section_size, sections, _ = (
        rest
    )
    if flags & FAMILY_BITS != FAMILY:
        raise NoFirmwareError(OTHER_CHIP)
    if (kind, program_size, section_size) != (EXECUTABLE, PROGRAM.size, SECTION.size):
        raise NoFirmwareError(CUT_OFF)
    tables = ((programs_at, programs, PROGRAM), (sections_at, sections, SECTION))
    if any(
        not count or at < HEADER.size or at + count * each.size > len(data)
        for at, count, each in tables
    ):
        raise NoFirmwareError(CUT_OFF)
    return _flash(data, data[programs_at : programs_at + programs * PROGRAM.size])


def _flash(data: bytes, table: bytes) -> bytes:
    """Return the loaded parts by where they lie in flash."""
    flash = bytearray()
    starts = False
    for kind, at, _, load_at, length, *_ in PROGRAM.iter_unpack(table):
        if at + length > len(data):
            raise NoFirmwareError(CUT_OFF)
        if kind != LOADED or not length or load_at >= NOT_FLASH:
            continue
        if load_at + length > FLASH_BYTES:
            raise NoFirmwareError("this firmware is larger than the controller's flash")
        flash.extend(ERASED * (load_at + length - len(flash)))
        flash[load_at : load_at + length] = data[at : at + length]
        starts = starts or load_at == 0
    if not starts:  # the chip begins there
        raise NoFirmwareError(CUT_OFF)
    return bytes(flash)


def elf_of(flash: bytes) -> bytes:
    """Return an ELF file that holds bytes of flash and nothing else."""
    names = b"\0.text\0.shstrtab\0"
    flash_at = HEADER.size + PROGRAM.size
    names_at = flash_at + len(flash)
    sections = (
        (0,) * 10,
        (names.index(b".text"), PROGBITS, 6, 0, flash_at, len(flash), 0, 0, 2, 0),
        (names.index(b".shstrtab"), STRTAB, 0, 0, names_at, len(names), 0, 0, 1, 0),
    )
    header = HEADER.pack(
        *(MAGIC, IS_32_BIT, IS_LITTLE_ENDIAN, VERSION, EXECUTABLE, AVR, VERSION, 0),
        *(HEADER.size, names_at + len(names), FAMILY, HEADER.size),
        *(PROGRAM.size, 1, SECTION.size, len(sections), len(sections) - 1),
    )
    program = PROGRAM.pack(LOADED, flash_at, 0, 0, len(flash), len(flash), 5, 2)
    return header + program + flash + names + b"".join(SECTION.pack(*each) for each in sections)
