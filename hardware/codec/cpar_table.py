"""The NociTech CPAR in one table: every constant of its serial language, maps C and A.

The host's codec and the emulator read their numbers from here. Plain data, no logic. The numbers
were read in the vendor's published host programs (Nocitech/CPAR 3.0.0 for map C, 2.8.6 for map A);
the firmware itself is not public, so what it does inside is inferred. See ``docs/devices/cpar.md``.
"""

import enum
from types import MappingProxyType
from typing import Final

BAUD: Final = 38400
"""8 data bits, no parity, 1 stop bit, no flow control."""
STATUS_HZ: Final = 20
TICK_S: Final = 0.05
TICK_MS: Final = 50

ESCAPE, START_OF_PACKET, END_OF_PACKET = 0xFF, 0xF1, 0xF2
MOST_DATA: Final = 127
"""The longest data that every published packet rule reads alike."""
LONGEST_PACKET: Final = 2 + MOST_DATA

COUNTS: Final = 255
"""Full scale of every byte: 100 kPa (cuffs), 1000 kPa (supply), 10 cm (rating)."""
FULL_SCALE_KPA: Final = 100.0
SUPPLY_FULL_SCALE_KPA: Final = 1000.0
UNITS_PER_KPA: Final = 652.8
"""Program units per kPa: 255 counts for 100 kPa, in 1/256 counts."""
RATE_UNITS_PER_KPA_S: Final = 32.64
"""Units per tick for 1 kPa/s: 652.8 units and 20 ticks in a second."""
MOST_UNITS: Final = 0xFF00
"""255.0 counts, 100 kPa."""
INSTRUCTION_BYTES: Final = 5
MOST_INSTRUCTIONS: Final = 25
"""25 instructions give 127 bytes of data (`MOST_DATA`)."""
MOST_TICKS: Final = 65_535
RUN_S_MAX: Final = 600.0
"""The device ends every run after 10 min (stop condition 4)."""
CHANNELS: Final = 2


class CommandMap(enum.StrEnum):
    """The command maps we speak. B (a development state) and D (another device) are refused."""

    A = "A"
    C = "C"


class Verb(enum.Enum):
    """What can be asked of a device."""

    IDENTIFY = "identify"
    KICK = "kick"
    PROGRAM = "program"
    START = "start"
    FORCE_START = "force start"
    STOP = "stop"


CODES: Final = MappingProxyType(
    {
        CommandMap.C: MappingProxyType(
            {
                Verb.IDENTIFY: 0x01,
                Verb.KICK: 0x02,
                Verb.PROGRAM: 0x10,
                Verb.START: 0x11,
                Verb.FORCE_START: 0x12,
                Verb.STOP: 0x13,
            }
        ),
        CommandMap.A: MappingProxyType(
            {
                Verb.IDENTIFY: 0x01,
                Verb.PROGRAM: 0x02,
                Verb.START: 0x03,
                Verb.STOP: 0x04,
                Verb.KICK: 0x08,
                Verb.FORCE_START: 0x0A,
            }
        ),
    }
)
"""The same codes mean different things in different maps: nothing is sent before the map is known,
but ``IDENTIFY``, which is the same and harmless everywhere."""

ANSWER_BYTES: Final = MappingProxyType(
    {
        CommandMap.C: MappingProxyType(
            {Verb.IDENTIFY: 64, Verb.KICK: 4, Verb.PROGRAM: 1, Verb.START: 0, Verb.STOP: 0}
        ),
        CommandMap.A: MappingProxyType(
            {Verb.IDENTIFY: 6, Verb.KICK: 4, Verb.PROGRAM: 1, Verb.START: 0, Verb.STOP: 0}
        ),
    }
)
START_BYTES: Final = MappingProxyType({CommandMap.C: 2, CommandMap.A: 1})
STATUS_BYTES: Final = MappingProxyType({CommandMap.C: 15, CommandMap.A: 14})

NEGATIVE: Final = 0x00
STATUS: Final = 0x80
EVENT: Final = 0x81
FIRST_MESSAGE: Final = 0x80
"""Codes from here on are said unasked."""

STATES: Final = ("idle", "stimulating", "emergency")
IDLE, STIMULATING, EMERGENCY = range(3)

METER_CONNECTED, RATING_LOW, POWER_ON, COMPRESSOR_ON, START_POSSIBLE = 1, 2, 4, 8, 16
KNOWN_FLAGS: Final = 31

STOP_CONDITIONS: Final = (
    "none",
    "button",
    "maximum_rating",
    "completed",
    "maximum_time",
    "meter_disconnected",
    "emergency_stop",
    "host_stop",
    "out_of_compliance",
    "watchdog",
    "power_off",
)
"""Index is the number on the wire. It stays visible until the next run begins."""

NOP, INC, DEC, STEP = range(4)
STOP_ON_BUTTON_OR_RATING, STOP_ON_BUTTON, STOP_ON_RELEASE = range(3)
COMPRESSOR_AUTO, COMPRESSOR_MANUAL = range(2)

NOCITECH: Final = 3
CPAR: Final = 1
"""Manufacturer and device type of a CPAR on map C; on map A only the type is told."""
CPAR_PLUS_IDENTITY: Final = (1, 4)
CPAR_PLUS_STATUS_BYTES: Final = 22
EMULATOR_MARK: Final = 0xEE
"""Our emulator's engineering version and checksum on map A, which has no field for a name."""

ERRORS: Final = MappingProxyType(
    {
        0: "no error named",
        1: "unknown function",
        2: "invalid content",
        3: "not idle [CPAR+]",
        4: "wrong channel [CPAR+]",
        5: "no response device [CPAR+]",
        6: "rating not zero [CPAR+]",
        7: "no supply pressure [CPAR+]",
        8: "no power [CPAR+]",
        9: "emergency or wrong start configuration [CPAR+]",
        255: "dispatch failed",
    }
)
"""0, 1, 2 and 255 are generic; the rest are those of the CPAR+, a CPAR's own are not known."""

_EVENTS_A: Final = (
    "none",
    "status_update",
    "stimulation_started",
    "stimulation_stopped",
    "button_pressed",
    "maximum_rating",
    "meter_disconnected",
    "meter_connected",
    "emergency_activated",
    "emergency_released",
    "waveforms_completed",
    "time_limit",
    "watchdog",
    "cuff_1_out_of_compliance",
    "cuff_2_out_of_compliance",
    "supply_low",
    "compressor_started",
    "compressor_stopped",
    "power_off",
    "power_on",
    "air_leak",
)
EVENTS: Final = MappingProxyType(
    {
        CommandMap.A: _EVENTS_A,
        CommandMap.C: (
            *_EVENTS_A[:5],
            "button_released",
            *_EVENTS_A[5:18],
            "start_compressor",
            "stop_compressor",
            *_EVENTS_A[18:],
        ),
    }
)
"""Index is the number on the wire. Events can be lost: status decides, events are for the log."""
