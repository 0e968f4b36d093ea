"""The Alicat ASCII language in one table: what is sent, which words come back, in which units.

The driver, the emulator and the tests read their words and numbers from here. Facts are marked
[V] where they were seen (manufacturer's manuals and pages, captures of devices published by others)
and [R] where they are recalled; the list of sources is in ``docs/devices/alicat.md``.
"""

from typing import Final

from hardware.units import MMHG_PER_KPA

PROTOCOL: Final = "Alicat ASCII"
BAUD: Final = 19200
"""Factory setting of most models, 8N1 [V]; some newer series leave the factory at 38400 [V]."""
UNIT_IDS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
END: Final = b"\r"

EXHAUST: Final = b"E"
"""Opens the exhaust valve, closes the supply valve, stops the control loop [V: used so with ``C``]."""
CANCEL: Final = b"C"
"""Ends a hold or an exhaust: the loop works towards the set-point again [V]."""
HOLD_CLOSED: Final = b"HC"
"""Holds both valves closed [V]: traps the air. The driver never sends it."""
HOLD_POSITION: Final = b"HP"
SETPOINT: Final = b"S"
INFO_QUERY: Final = b"??M*"
FRAME_QUERY: Final = b"??D*"
PLAIN_COMMANDS: Final = (EXHAUST, CANCEL, HOLD_CLOSED, HOLD_POSITION, INFO_QUERY, FRAME_QUERY)
NOT_UNDERSTOOD: Final = b"?"

LONGEST_LINE: Final = 128
"""Bytes of one answer without its end; the longest line of a frame table has about 85 [V]."""
LONGEST_COMMAND: Final = 24
MOST_LINES: Final = 64
"""A frame table has up to about 30 lines [V: ten to thirty rows in captures]."""

IDLE_BYTES: Final = 3.5
"""A device acts on a command after this many bytes of silence behind its end [V]."""
BITS_PER_BYTE: Final = 10
"""8N1: a start bit, eight data bits, a stop bit."""

FAULT_FLAGS: Final = frozenset({"ADC", "OPL", "OVR", "POV"})
"""The sensor cannot be believed, or there is more pressure than it can measure: converter error,
over the pressure limit, over-range, pressure over-range [V: names; OVR is the totaliser's on flow
devices, which does not make it harmless here]."""
HOLD_FLAG: Final = "HLD"
EXHAUST_FLAG: Final = "EXH"
KNOWN_FLAGS: Final = FAULT_FLAGS | {
    HOLD_FLAG,
    EXHAUST_FLAG,
    "LCK",  # the front panel is locked: as it should be
    "MOV",
    "TMF",
    "TOV",
    "VOV",
    "VTM",
}
"""Every word that may follow the numbers [V], besides those that a device announces itself."""

MMHG_PER: Final[dict[str, float]] = {
    "mmHg": 1.0,
    "kPa": MMHG_PER_KPA,
    "psi": 6.894757 * MMHG_PER_KPA,
}
"""Millimetres of mercury in one unit; 1 psi = 6.894757 kPa."""

FULL_SCALE_MMHG_PER: Final[dict[str, float]] = {
    "PSI": MMHG_PER["psi"],
    "KPA": MMHG_PER["kPa"],
    "MMHG": 1.0,
    "TORR": 1.0,
    "BAR": 100 * MMHG_PER["kPa"],
    "MBAR": 0.1 * MMHG_PER["kPa"],
}
"""Units in which a model number states the full scale, as in ``PCD-15PSIG-D`` [V: PSIA, PSIG]."""

CEILING_MMHG: Final = 300.0
"""No set-point above this, whatever the full scale: the device has no limit of its own below its full
scale, and 300 mmHg is the NIBP limit in normal use (IEC 80601-2-30, recalled)."""
COARSEST_STEP_MMHG: Final = 1.0
"""A device that shows less than this resolution is refused (assumed): 0.01 psi is 0.52 mmHg."""
