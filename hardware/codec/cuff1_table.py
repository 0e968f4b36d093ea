"""CUFF/1 in one table: every constant of the reference controller's language.

The host's codec, the emulator and (through a generated header) a microcontroller firmware read
their numbers from here, so that they cannot drift apart. Plain data, no logic. Pressures are
integers in tenths of a mmHg, times integers in milliseconds. See ``docs/cuff1.md``.
"""

from dataclasses import dataclass
from typing import Final

PROTOCOL: Final = "CUFF/1"
BAUD: Final = 115200
LONGEST_FRAME: Final = 96
"""Bytes from ``$`` to line feed, both included; the longest legal frame has 78."""
LONGEST_COMMAND: Final = 48
MMHG_STEP: Final = 0.1

VENT_BYTE: Final = b"!"
"""Opens the vent valve and disarms, in any state, without a frame."""
STATUS_BYTE: Final = b"?"
RESET_BYTE: Final = b"\x18"
"""Vents and goes to IDLE; never towards pressure."""

LEASE_MS: Final = 400
"""A device without a new heartbeat for this long vents: 400 ms promises 500 ms with its tick."""
HEARTBEAT_MS: Final = 100
STREAM_HZ: Final = 50
STREAM_HZ_MAX: Final = 100
EMPTY_TENTHS: Final = 150
"""15.0 mmHg counts as vented (IEC 80601-2-30 level, recalled)."""
CEILING_TENTHS: Final = 3000
"""300.0 mmHg, the compiled ceiling: the NIBP limit in normal use (IEC 80601-2-30, recalled)."""
ON_MS_MAX: Final = 180_000
"""Longest program the device takes: 180 s (IEC 80601-2-30, recalled)."""
INFLATE_MS_MAX: Final = 8_000
"""A cuff that has not reached its target by then leaks or has no supply."""
VENT_MS_MAX: Final = 10_000
"""A cuff that is not empty by then does not vent."""
AT_TARGET_TENTHS: Final = 50
OFF_TARGET_TENTHS: Final = 300

STATES: Final = ("idle", "armed", "inflating", "hold", "venting", "fault")
"""Index is the number on the wire; the names are those of `hardware.states.CuffState`."""

FAULTS: Final = (
    "none",
    "host_lost",
    "overpressure",
    "sensor_range",
    "sensor_disagree",
    "stuck",
    "leak",
    "hold_time",
    "vent_fail",
    "abort",
    "wdt_reset",
    "selftest",
)

NAK_REASONS: Final = {
    1: "the frame was damaged",
    2: "the command is unknown",
    3: "the command does not fit the state",
    4: "a number is outside its limits",
    5: "the cuff is not empty",
    6: "no live heartbeat",
}

EVENTS: Final = {1: "boot", 2: "fault"}


@dataclass(frozen=True, slots=True)
class Field:
    """One integer argument of a command: its unit and its largest legal value."""

    name: str
    unit: str
    most: int


COMMANDS: Final[dict[str, tuple[Field, ...]]] = {
    "ID": (),
    "PING": (),
    "HB": (Field("count", "1", 255),),
    "STREAM": (Field("rate", "Hz", STREAM_HZ_MAX),),
    "ARM": (Field("ceiling", "0.1 mmHg", CEILING_TENTHS),),
    "GO": (Field("target", "0.1 mmHg", CEILING_TENTHS), Field("on", "ms", ON_MS_MAX)),
    "END": (),
    "VENT": (),
    "DISARM": (),
    "CLEAR": (),
}
"""``HB`` is not acknowledged. ``GO`` counts ``on`` from its acceptance to the opening of the vent
valve. ``END`` ends a program early or on time and leaves the device armed; ``VENT`` disarms."""
