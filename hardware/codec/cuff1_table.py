"""CUFF/1 in one table: every constant of the reference controller's language.

The host's codec, the emulator and (through a generated header) a microcontroller firmware read
their numbers from here, so that they cannot drift apart. Plain data, no logic. Pressures are
integers in tenths of a mmHg, times integers in milliseconds. See ``docs/cuff1.md``.
"""

from dataclasses import dataclass
from typing import Final

PROTOCOL: Final = "CUFF/1"
BAUD: Final = 115200
LONGEST_FRAME: Final = 130
"""Bytes from ``$`` to line feed, both included, of the longest legal frame, an identity."""
LONGEST_COMMAND: Final = 48
MMHG_STEP: Final = 0.1

VENT_BYTE: Final = b"!"
"""Opens the vent valve and disarms, in any state, without a frame."""
STATUS_BYTE: Final = b"?"
RESET_BYTE: Final = b"\x18"
"""Vents and goes to IDLE; never towards pressure."""

LEASE_MS: Final = 400
"""A device without a new heartbeat for this long vents: 400 ms promises 500 ms with its tick.
The longest lease, and the one after a boot; `LEASE` can only make it shorter."""
LEASE_MS_MIN: Final = 150
"""One and a half heartbeats: a shorter lease would end runs for one late heartbeat (assumed)."""
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
"""A cuff that has not reached its target by then leaks or has no supply. With a ramp: so long after
its end, or so long `OFF_TARGET_TENTHS` behind it."""
VENT_MS_MAX: Final = 9_900
"""A cuff that is not empty by then does not vent; with its ticks, told within the 10 s of the promise."""
LEFT_TENTHS: Final = 300
LEFT_SAMPLES: Final = 20
"""More than 30.0 mmHg while nothing was asked for is ``vent_fail`` after 100 ms and not after `VENT_MS_MAX`.
A lower leg that rests on its cuff makes 18 mmHg (5 kg on 200 cm2), a vent that goes on after its end less
than `EMPTY_TENTHS`; a kick is shorter (assumed)."""
HUSH_HIGH_MS: Final = 60_000
"""An alarm of high priority sounds again after so long (assumed; IEC 60601-1-8 leaves it to the maker)."""
AT_TARGET_TENTHS: Final = 50
OFF_TARGET_TENTHS: Final = 300
"""A held pressure is lost so far below its target, or at half of it: there is nothing 30 mmHg below 30."""
OVERSHOOT_TENTHS: Final = 200
"""A pressure that is asked for stays below the session's and the site's ceiling and 20.0 mmHg. The emulated
regulator overshoots by 4 %, 12 mmHg at 300, and its sensors' noise is 1 mmHg at most (both assumed)."""
NO_RISE_MS: Final = 1_500
NO_RISE_TENTHS: Final = 20
"""A cuff that is fed and `OFF_TARGET_TENTHS` behind rises by 2.0 mmHg within 1.5 s: otherwise it leaks,
has no supply, or its sensors stand still (assumed)."""

TICK_MS: Final = 5
"""How often the device looks at its sensors and judges."""
FULL_SCALE_TENTHS: Final = 4000
"""400.0 mmHg: the sensors' and the regulator's full scale."""
DRIVE_MAX: Final = 1023
"""The regulator's drive at full scale."""
BAD_SAMPLES: Final = 2
"""So many ticks in a row too high, or a held pressure lost: one spike is none. As with all that is counted
in ticks, a bad one counts 2 and a good one takes 1 away, up to twice this number: a fault that flickers
is found if more than a third of the ticks is bad."""
SENSOR_TENTHS_MIN: Final = -250
SENSOR_TENTHS_MAX: Final = 4250
"""0.25 V and 4.75 V of a sensor that reads 0.5 V at 0 and 4.5 V at full scale: beyond, a wire is
broken or shorted."""
RANGE_SAMPLES: Final = 4
"""So many ticks beyond: 20 ms."""
DISAGREE_TENTHS: Final = 200
"""Sensors further apart than 20.0 mmHg for `DISAGREE_SAMPLES` are not measuring one pressure."""
DISAGREE_SAMPLES: Final = 20
STILL_MS: Final = 500
"""Both sensors repeat themselves exactly for so long: no noise, so they measure nothing (assumed).
Judged only where the pressure should rise and does not."""
STILL_PRESSED_MS: Final = 2_900
"""The same under pressure, whatever it does: with its tick within the 3 s of the promise. In this time a leg
gives its cuff a pulse or more. Without one it takes noise: a converter that is read 16 times a tick passes
for alive with noise of a sixth of its step (0.08 mmHg) in each reading, 3 sigma to the next value and 9280
readings, of which one must differ. A tenth of a step would not do (assumed; try it on the bench)."""
HOLD_SLACK_MS: Final = 20
"""A vent path shut for so long beyond its program's time is the fault ``hold_time``."""

SELFTEST_ZERO_MS: Final = 200
"""Both vent paths open, nothing fed: the mean of each sensor over this time is its zero (assumed)."""
SELFTEST_ZERO_TENTHS: Final = 30
"""Largest zero of a sensor, 3.0 mmHg (assumed; a ratiometric sensor drifts by about 1 %)."""
SELFTEST_MATCH_TENTHS: Final = 30
"""Largest difference of the sensors, at zero and in a puff, 3.0 mmHg (assumed)."""
SELFTEST_PUFF_TENTHS: Final = 100
"""Regulator's target in a puff, 10.0 mmHg: felt as a touch, below what counts as empty (assumed)."""
SELFTEST_REACHED_TENTHS: Final = 60
"""Both sensors this far above their zero: the cuff has taken the puff (assumed)."""
SELFTEST_LEFT_TENTHS: Final = 30
"""Both sensors less than this above their zero: the vent path has let the puff out (assumed)."""
SELFTEST_TENTHS_MAX: Final = 150
"""A single reading above 15.0 mmHg ends the test as failed: the host takes more than 20 mmHg that
nobody asked for, for longer than 0.5 s, as a fault."""
SELFTEST_CLOSED_MS: Final = 1_000
SELFTEST_MEAN_MS: Final = 100
SELFTEST_LOST_TENTHS: Final = 15
SELFTEST_GAINED_TENTHS: Final = 10
"""Everything shut, the shut-off valve too: the mean of both sensors over the last ``SELFTEST_MEAN_MS`` is
by no more below or above what ended the puff. A leak of the rate that passes (0.3/s) leaves 3.8 mmHg of 6 in
the time that a vent path has to come below 3, so it does not pass for the path (assumed)."""
SELFTEST_AGAINST_TENTHS: Final = 130
"""What the regulator holds against the shut-off valve meanwhile: through one that is stuck open, filling
with a time constant of 1.8 s, one that is 2 mmHg too low brings 2.0 mmHg in that time (assumed)."""
SELFTEST_PUFF_MS_MAX: Final = 2_500
SELFTEST_VENT_MS_MAX: Final = 1_500
"""Longest puff and longest emptying through one path (assumed; a hose of a few metres)."""
SELFTEST_MS_MAX: Final = 9_000
"""Longest self-test in all: the slowest box of the building guide takes 7.4 s."""

STATES: Final = ("idle", "armed", "inflating", "hold", "venting", "fault", "selftest")
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
HIGH_ALARMS: Final = ("overpressure", "vent_fail")
"""Faults whose alarm is of high priority also with an empty cuff (after IEC 60601-1-8, recalled)."""
KEEPS_SELFTEST: Final = ("host_lost",)
"""Faults that say nothing about the device: a passed self-test stays passed."""

SELFTEST: Final = {
    0: "it was not done since the controller was switched on",
    1: "passed",
    2: "a sensor does not read zero with both vent paths open",
    3: "the two sensors differ",
    4: "the pressure does not rise: no air, or a cuff that is not connected",
    5: "the first vent path does not let the air out",
    6: "the second vent path does not let the air out",
    7: "the pressure rose too high",
    8: "it took too long",
    9: "it was broken off",
    10: "its own watchdog was not seen to bite when it was switched on",
    11: "air comes through the closed shut-off valve",
    12: "the closed cuff loses its air: a leak, or a coupling that is not pressed home",
}
"""Results, in ``ID`` and in the event. All but 0, 1 and 9 are the fault ``selftest``."""
SELFTEST_NAMES: Final = (
    *("not_done", "passed", "zero", "match", "no_rise", "first_vent", "second_vent", "too_high"),
    *("too_long", "broken_off", "watchdog", "shutoff", "leak"),
)
"""A word for each result, for program text."""

RESETS: Final = ("power_on", "reset_pin", "brown_out", "watchdog")
"""Why the controller booted. After ``watchdog`` it is in the fault ``wdt_reset``."""

NAK_REASONS: Final = {
    1: "the frame was damaged",
    2: "the command is unknown",
    3: "the command does not fit the state",
    4: "a number is outside its limits",
    5: "the cuff is not empty",
    6: "no live heartbeat",
    7: "the participant's abort loop is open",
    8: "its self-test has not passed",
    9: "its service jumper is not set",
}
NAK_NAMES: Final = (
    *("damaged", "unknown", "wrong_state", "out_of_limits", "not_empty", "no_heart", "loop_open"),
    *("untested", "no_jumper"),
)
"""A word for each reason, for program text, the first for 1."""

EVENTS: Final = {1: "boot", 2: "fault", 3: "selftest"}
"""Value of the event: number in `RESETS`, in `FAULTS`, in `SELFTEST`."""

FLAGS: Final = ("selftest_passed", "loop_open", "buzzer")
"""Bits of the status line's flags, the lowest first."""


@dataclass(frozen=True, slots=True)
class Field:
    """One integer: its unit, its largest and its least legal value."""

    name: str
    unit: str
    most: int
    least: int = 0


COMMANDS: Final[dict[str, tuple[Field, ...]]] = {
    "ID": (),
    "PING": (),
    "HB": (Field("count", "1", 255),),
    "STREAM": (Field("rate", "Hz", STREAM_HZ_MAX),),
    "TEST": (),
    "LEASE": (Field("lease", "ms", LEASE_MS, LEASE_MS_MIN),),
    "ARM": (Field("ceiling", "0.1 mmHg", CEILING_TENTHS),),
    "GO": (
        Field("target", "0.1 mmHg", CEILING_TENTHS, EMPTY_TENTHS),
        Field("on", "ms", ON_MS_MAX, 1),
        Field("rise", "ms", ON_MS_MAX),
    ),
    "END": (),
    "VENT": (),
    "DISARM": (),
    "CLEAR": (),
    "HUSH": (),
    "SITE": (Field("ceiling", "0.1 mmHg", CEILING_TENTHS, EMPTY_TENTHS),),
}
"""``HB`` is not acknowledged. ``GO`` counts ``on`` and ``rise`` from its acceptance: the target rises
in a line for ``rise``, the vent valve opens at ``on``. ``END`` ends a program early or on time and
leaves the device armed; ``VENT`` disarms."""

ALWAYS_ACTS: Final = ("ID", "PING", "VENT", "DISARM")
"""Commands that act also when their number is a repeated one: doing them twice does no harm."""

_SEQUENCE: Final = Field("sequence", "1", 255)
_CLOCK: Final = Field("device clock", "ms", 4_294_967_295)
_STATE: Final = Field("state", "index of STATES", len(STATES) - 1)
_SENSOR: Final = (32_767, -32_768)

REPLIES: Final[dict[str, tuple[Field, ...]]] = {
    "A": (_SEQUENCE, Field("value", "the command's", 65_535), _STATE),
    "N": (_SEQUENCE, Field("reason", "key of NAK_REASONS", 255, 1), _STATE),
    "S": (
        Field("counter", "1", 4_294_967_295),
        _CLOCK,
        _STATE,
        Field("fault", "index of FAULTS", len(FAULTS) - 1),
        Field("first sensor", "0.1 mmHg", *_SENSOR),
        Field("second sensor", "0.1 mmHg", *_SENSOR),
        Field("target", "0.1 mmHg", CEILING_TENTHS),
        Field("drive", "1/1023", DRIVE_MAX),
        Field("heartbeat age", "ms", 65_535),
        Field("bad frames", "1", 65_535),
        Field("flags", "bits of FLAGS", 255),
    ),
    "E": (_CLOCK, Field("event", "key of EVENTS", 255, 1), Field("value", "the event's", 255)),
}
"""What the device says in numbers, by its letter. The status line's target is the momentary one."""

IDENTITY_WORDS: Final = {
    "protocol": 8,
    "maker": 16,
    "model": 16,
    "serial number": 16,
    "firmware": 16,
    "firmware hash": 8,
    "calibrated": 10,
}
"""The words of ``$I <seq> ...`` and their longest length: printable, no blank, never empty. The hash is
the first 8 hex digits of the binary's SHA-256, ``calibrated`` a date such as 2025-11-30 or ``none``."""
IDENTITY_NUMBERS: Final = (
    Field("ceiling", "0.1 mmHg", 9999),
    Field("site ceiling", "0.1 mmHg", 9999),
    Field("lease", "ms", 9999),
    Field("selftest", "key of SELFTEST", 255),
    Field("reset", "index of RESETS", len(RESETS) - 1),
)
"""The numbers that follow the words."""
