"""Put the firmware's hash into its image, and check one that is there.

``tools/firmware_stamp.py stamp FILE.elf`` writes the hash into the ELF file;
``tools/firmware_stamp.py check FILE.elf|FILE.hex|FILE.bin`` says what it is, and whether it is right.

The image holds ``fw-hash=`` and 8 characters. The hash is the first 8 hex digits, in lower case, of the
SHA-256 of the image (the bytes of flash from address 0) with ``00000000`` in their place.
"""

import hashlib
import sys
from pathlib import Path

TAG = b"fw-hash="
BLANK = b"00000000"
HEADER_BYTES = 32
"""Of an ELF file's loaded part."""


class NoImage(Exception):
    """A file that holds no firmware, or not one."""


def _at(data: bytes) -> int:
    if data.count(TAG) != 1:
        raise NoImage(f"'{TAG.decode()}' stands {data.count(TAG)} times in it, not once")
    return data.index(TAG) + len(TAG)


def image_of_elf(data: bytes) -> bytes:
    """Return the bytes of flash of a 32-bit little-endian ELF file: its loaded parts, by load address."""
    if data[:6] != b"\x7fELF\x01\x01":
        raise NoImage("it is not an ELF file of a small controller")
    table, size, count = (
        int.from_bytes(data[a:b], "little") for a, b in ((28, 32), (42, 44), (44, 46))
    )
    if size != HEADER_BYTES:
        raise NoImage("its table of loaded parts is damaged")
    image = b""
    for number in range(count):
        header = data[table + number * size : table + (number + 1) * size]
        kind, offset, _, load, length = (
            int.from_bytes(header[n : n + 4], "little") for n in range(0, 20, 4)
        )
        if kind == 1 and length and load < 0x800000:  # above are RAM, EEPROM and fuses
            if offset + length > len(data):
                raise NoImage("it is cut off")
            image = image.ljust(load, b"\xff")
            image += data[offset : offset + length]
    return image


def image_of_hex(text: str) -> bytes:
    """Return the bytes of flash of an Intel HEX file."""
    image = bytearray()
    for line in text.split():
        try:
            record = bytes.fromhex(line.removeprefix(":"))
        except ValueError:
            record = b""
        # length, address (2), kind, the data, and what makes the sum of all 0
        if len(record) < 5 or len(record) != record[0] + 5 or sum(record) % 256:
            raise NoImage(f"the line {line} is damaged")
        length, at, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        if kind == 0:
            image = image.ljust(at, b"\xff")
            image[at : at + length] = record[4 : 4 + length]
    return bytes(image)


def image_of(path: Path) -> bytes:
    """Return the bytes of flash that a file holds: ``.elf`` (also unfinished), ``.hex`` or plain."""
    data = path.read_bytes()
    if data.startswith(b"\x7fELF"):
        return image_of_elf(data)
    return image_of_hex(data.decode("ascii")) if data.startswith(b":") else data


def hash_of(image: bytes) -> str:
    """Return the hash that belongs into an image, whatever stands there."""
    at = _at(image)
    blank = image[:at] + BLANK + image[at + len(BLANK) :]
    return hashlib.sha256(blank).hexdigest()[: len(BLANK)]


def hash_in(image: bytes) -> str:
    """Return the hash that stands in an image, and that the device tells."""
    at = _at(image)
    return image[at : at + len(BLANK)].decode("ascii", "replace")


def stamp(path: Path) -> str:
    """Write the hash into an ELF file and return it."""
    data = path.read_bytes()
    at = _at(data)
    stamped = hash_of(image_of_elf(data))
    path.write_bytes(data[:at] + stamped.encode("ascii") + data[at + len(BLANK) :])
    return stamped


def main() -> int:
    """Stamp or check one file."""
    usage = "usage: firmware_stamp.py stamp FILE.elf | check FILE"
    if len(sys.argv) != 3 or sys.argv[1] not in ("stamp", "check"):
        print(usage, file=sys.stderr)  # noqa: T201  a command
        return 2
    path = Path(sys.argv[2])
    try:
        if sys.argv[1] == "stamp":
            print(stamp(path))  # noqa: T201
            return 0
        image = image_of(path)
        told, right = hash_in(image), hash_of(image)
    except (OSError, ValueError, NoImage) as exc:
        print(f"{path}: {exc}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{told} {'is right' if told == right else f'is wrong, it is {right}'}")  # noqa: T201
    return 0 if told == right else 1


if __name__ == "__main__":
    sys.exit(main())
