"""The words of LabBench DeviceHost in one table: what is asked, what is answered, in which units.

The driver, the emulator and the tests read their words and numbers from here. Facts are marked [V]
where they were read in DeviceHost's own documentation or sources, [R] where recalled and [A] where
assumed; the list of sources is in ``docs/devices/devicehost.md``.
"""

from typing import Final

from hardware.units import MMHG_PER_KPA

PROTOCOL: Final = "LabBench DeviceHost"
TCP_PORT: Final = 9797
BAUD: Final = 115200
"""Means nothing on a TCP connection."""
BEGIN: Final = "START"
END: Final = "END"
DEVICE: Final = "CPARPLUS"
MODEL: Final = "CPAR+"

STEP_MMHG: Final = MMHG_PER_KPA / 10
"""Pressures are whole tenths of a kilopascal [V]: 0.75 mmHg."""
MOST_TENTHS: Final = 1000
"""The device goes to 100 kPa [V]."""
TICK_MS: Final = 10
"""The device counts the time of a program in steps of 10 ms [V]."""
SAMPLE_MS: Final = 50
"""The device reports 20 times a second [V]."""
CHANNELS: Final = 2
"""Waveform programs; also outlets [V]."""
NO_CHANNEL: Final = -1
"""Stands for "nothing" at an outlet; on the wire that is 0, and channel 0 is 1 [V]."""
MOST_INSTRUCTIONS: Final = 20
"""The device's limit is not known; 20 instructions of 6 bytes are the most that one short packet of
the link beneath holds (127 bytes, arithmetic)."""
RUN_S_MAX: Final = 600.0
"""The device ends a stimulation after ten minutes [V]."""

STOP_ON_BUTTON: Final = 1
"""Stop criteria: 0 button or full rating, 1 button, 2 button released [V]."""
STOP_CRITERIA: Final = (0, 1, 2)

IDLE: Final = "STATE_IDLE"
STIMULATING: Final = "STATE_STIMULATING"
DOUBLED_STIMULATING: Final = "STATE_STATE_STIMULATING"
"""As the documentation writes it [V]; read as `STIMULATING`."""
EMERGENCY: Final = "STATE_EMERGENCY"
"""The emergency button is in, the cuffs are open to the air [V]."""
PENDING: Final = "STATE_PENDING"
"""It waits for an external trigger [V]; we never ask for one."""
NOT_CONNECTED: Final = "STATE_NOT_CONNECTED"
STATES: Final = (IDLE, STIMULATING, DOUBLED_STIMULATING, EMERGENCY, PENDING, NOT_CONNECTED)

ALIASES: Final = {
    "RESPONSE_OK": "RESPONSE_LOW",
    "CONDITION": "STOP_CONDITION",
    "FINALSCORE": "FINAL_SCORE",
    "LATCHEDBUTTON": "LATCHED_BUTTON",
}
"""Names in DeviceHost's sources and in its documentation differ [V]: both are read."""
STATE_FLAGS: Final = (
    "RESPONSE_CONNECTED",
    "RESPONSE_LOW",
    "POWER",
    "START_POSSIBLE",
    "SUPPLY_PRESSURE_OK",
)
STATE_NUMBERS: Final = ("FINAL_PRESSURE01", "FINAL_PRESSURE02", "SUPPLY_PRESSURE")
STATE_NAMES: Final = ("STATE", *STATE_FLAGS, "STOP_CONDITION", *STATE_NUMBERS)
RATING_NAMES: Final = ("SCORE", "FINAL_SCORE", "BUTTON", "LATCHED_BUTTON")
HANDLER_EXISTS: Final = "HandlerExists"
NO_STATUS: Final = "NoStatus"
DEVICE_CLOSED: Final = "DeviceClosed"
FAILED: Final = "CommunicationFailure"
"""The device did not answer, or said no: DeviceHost does not tell which [V]."""

LONGEST_STATEMENT: Final = 96
"""Bytes between two semicolons; the longest that is known has about 40."""
MOST_STATEMENTS: Final = 24
"""Statements in a packet, pressures not counted; the longest known one has ten [V]."""
MOST_SAMPLES: Final = 256
"""Samples of one packet that are handed on together; a longer packet comes in pieces."""
