"""What the emulated reference controller says of itself: its answers and its identity, as frames. Pure."""

from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

FIRMWARE: Final = "emulator-1"
FIRMWARE_HASH: Final = "00000000"


def answer(sequence: int, reason: int, value: int, state: int) -> bytes:
    """Return how a command was taken: refused for a reason, or with a value."""
    if reason:
        return cuff1.encode_nak(cuff1.Nak(sequence, reason, state))
    return cuff1.encode_ack(cuff1.Ack(sequence, value, state))


def identity(
    sequence: int, serial_number: str, site: int, lease_ms: int, tested: int, reset: int
) -> bytes:
    """Return who it is."""
    names = ("emulated", "reference-cuff", serial_number, FIRMWARE, FIRMWARE_HASH, "none")
    numbers = (table.CEILING_TENTHS, site, lease_ms, tested, reset)
    return cuff1.encode_identity(cuff1.DeviceIdentity(sequence, table.PROTOCOL, *names, *numbers))
