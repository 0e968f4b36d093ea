"""A walk of the twins: an air with its moods and a host with its errors, from a seed.

The air follows the core's valves, and now and then does not, as a broken box, a leg or a sensor would have
it. The host mostly says what fits the state, or nothing would ever be under pressure.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from core_bench import FILL, VENT
from twins import Readings, Twins

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

BEAT_TICKS = 10
FITS = {
    "idle": ("TEST", "TEST", "TEST", "ARM", "LEASE", "SITE"),
    "tested": ("ARM", "ARM", "ARM", "ARM", "TEST", "LEASE", "SITE"),
    "armed": ("GO", "GO", "GO", "GO", "GO", "ARM"),
    "inflating": ("PING", "PING", "PING", "STREAM", "END"),
    "hold": ("END", "PING", "PING", "PING", "STREAM"),
    "venting": ("STREAM", "PING"),
    "fault": ("CLEAR", "CLEAR", "HUSH"),
    "selftest": ("PING",),
}
PATIENCE = {"selftest": 0.95, "inflating": 0.95, "hold": 0.95}
MALFORMED = (
    *(b"1 GO 0600 010000 0", b"01 PING", b"1 ARM", b"1 ARM 1 2", b"1 GO 1 2 3 4", b"300 PING"),
    *(b"1 NOPE", b"1 LONGNAMEX", b"1  PING", b"1 PING ", b"", b" ", b"1 HB 0000001", b"1 ID 1"),
    *(b"1 HB 00000001", b"1 PING*2", b"0 STREAM 070", b"9 HB 256", b"999 ID", b"1 GO 4000 1000 0"),
)
LIMITS = (
    *(table.EMPTY_TENTHS, table.LEFT_TENTHS, table.CEILING_TENTHS, table.SENSOR_TENTHS_MAX),
    *(table.SENSOR_TENTHS_MIN, table.EMPTY_TENTHS, table.SELFTEST_ZERO_TENTHS),
)
OFF_TARGET = (table.AT_TARGET_TENTHS, table.OFF_TARGET_TENTHS, table.OVERSHOOT_TENTHS)
APART = (table.SELFTEST_MATCH_TENTHS, table.SELFTEST_MATCH_TENTHS + 20, table.DISAGREE_TENTHS)
MOODS = {
    "at rest": ("keeps", "limit", "keeps", "high", "limit", "wire", "limit", "apart", "zero"),
    "selftest": (
        *("first_stuck", "second_stuck", "shutoff", "leaks", "dead", "late", "slow"),
        *("apart", "zero", "high"),
    ),
    "pressed": (
        *("frozen", "target", "keeps", "limit", "dead", "apart", "leaks", "wire"),
        *("target", "slow", "high"),
    ),
}
"""What comes in turn where there is rest, a test or pressure."""
WELL = {"at rest": 0.8, "selftest": 0.5, "pressed": 0.2}
"""How often nothing comes instead."""
RESTS = {"at rest": (200, 600), "selftest": (1900,), "pressed": (50, 200, 600, 1200)}
BRIEF = ("wire", "limit", "high", "target")
BRIEFLY, LONG = (1, 2, 3, 10, 25), (40, 700, 2200)
"""Ticks: of nothing, of what is brief, and of all else."""


def _beside(source: random.Random, limits: tuple[int, ...]) -> int:
    """Return a limit, or what lies beside it."""
    return source.choice(limits) + source.choice((-1, 0, 0, 1))


def _in_turn(source: random.Random, these: Sequence[Any]) -> Iterator[Any]:
    return cycle(source.sample(these, len(these)))


class Air:
    """A cuff and its sensors: well for a while, then in a mood for a while."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._turns = {where: _in_turn(source, moods) for where, moods in MOODS.items()}
        self._limits = _in_turn(source, LIMITS)
        self._tenths, self._mood, self._left = 0.0, "well", 0
        self._apart = self._at = 0
        self._where, self._waited, self._valves = "", 0, (0, 0, 0)
        self._last: Readings = (0, 0)

    def readings(self, twins: Twins) -> Readings:
        """Return what the sensors read in the next tick, as the core's valves are now."""
        source = self._source
        pressed = twins.state in ("inflating", "hold")
        where = "pressed" if pressed else "selftest" if twins.state == "selftest" else "at rest"
        self._left -= 1
        if self._left < 0 or (where != self._where and self._left < 1000):
            self._take_a_mood(where)
        self._flow(twins.pins.valves, twins.pins.drive * table.FULL_SCALE_TENTHS / table.DRIVE_MAX)
        noise = source.choice((0, 0, 1, 2))
        first = second = round(self._tenths) + noise
        match self._mood:
            case "frozen":
                return self._last
            case "limit":
                first = second = self._at + source.choice((0, 0, -1))
            case "target":
                first = second = twins.status.target_tenths + self._at + source.choice((0, 0, -1))
            case "zero":
                first, second = first + self._at, second + self._at
            case "apart":
                first -= self._apart // 2
                second = first + self._apart + source.choice((0, 0, 0, 1))
            case "wire":
                second = source.choice((self._at, self._at, first))
                first = self._at if self._apart else first
        self._last = first, second
        return self._last

    def _take_a_mood(self, where: str) -> None:
        source = self._source
        ended, self._where = self._mood != "well" and where == self._where, where
        if ended or source.random() < WELL[where]:
            self._mood, self._left = "well", source.choice(RESTS[where])
            return
        self._mood = next(self._turns[where])
        self._left = source.choice(BRIEFLY if self._mood in BRIEF else LONG)
        self._apart = _beside(source, APART) * source.choice((-1, 1))
        self._at = 0
        match self._mood:
            case "limit":
                self._at = next(self._limits) + source.choice((-1, 0, 0, 1))
            case "target":
                self._at = _beside(source, OFF_TARGET) * source.choice((-1, 1))
            case "zero":
                self._at = _beside(source, (table.SELFTEST_ZERO_TENTHS,)) * source.choice((-1, 1))
            case "wire":
                self._apart = source.choice((0, 1))
                self._at = source.choice(
                    (table.SENSOR_TENTHS_MIN - 1, table.SENSOR_TENTHS_MAX + 1, -500, 4500)
                )
            case "keeps" if where == "at rest":
                self._tenths = max(self._tenths, source.choice((0, 160, 280, 320)))
            case "high":
                self._tenths = source.uniform(0, table.CEILING_TENTHS + 300)

    def _flow(self, valves: tuple[int, int, int], towards: float) -> None:
        mood = self._mood
        dump, supply, shutoff = valves
        self._waited = self._waited + 1 if valves == self._valves else 0
        self._valves = valves
        if mood == "keeps":
            return
        slow = 0.05 if mood == "slow" else 1.0
        fed = supply and (shutoff or mood == "shutoff") and mood != "dead"
        if mood == "late":
            # a box that is as slow as may be, and then quick; its closed cuff loses a little
            wait_ms = table.SELFTEST_PUFF_MS_MAX if fed else table.SELFTEST_VENT_MS_MAX
            if dump and supply and not shutoff:
                self._tenths -= self._tenths * 0.0006
            if self._waited * table.TICK_MS < wait_ms - 150 and self._tenths < table.EMPTY_TENTHS:
                return
        if fed:
            self._tenths += (towards - self._tenths) * FILL * slow
        for shut, stuck in ((dump, "first_stuck"), (supply, "second_stuck")):
            if not shut and mood != stuck:
                self._tenths -= self._tenths * VENT * slow
        if mood == "leaks":
            self._tenths -= self._tenths * 0.02


class Host:
    """What comes over the wire: heartbeats that stop at times, commands that fit, and what is broken."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._sequence = 0
        self._last = b"$1 PING*0000\n"
        self._beats, self._pieces = True, b""
        self._busy = source.choice((0.02, 0.05, 0.1))

    def strings(self, twins: Twins, step: int) -> Iterator[bytes | None]:
        """Yield what is sent before the next tick; ``None`` for a new heartbeat."""
        source = self._source
        if self._beats and step % BEAT_TICKS == 0:
            yield None
        if source.random() < (0.0005 if self._beats else 0.02):
            self._beats = not self._beats
        if self._pieces:
            yield self._pieces
            self._pieces = b""
        patient = source.random() < PATIENCE.get(twins.state, 0.0)
        if source.random() < self._busy and not patient:
            said = self._something(twins)
            cut = source.randrange(len(said)) if source.random() < 0.05 else len(said)
            yield said[:cut]
            self._pieces = said[cut:]

    def _something(self, twins: Twins) -> bytes:
        source, kind = self._source, self._source.random()
        if kind < 0.02:
            return source.choice((b"!", b"\x18"))
        if kind < 0.09:
            return self._last
        if kind < 0.13:
            spoilt = bytearray(self._last)
            spoilt[source.randrange(len(spoilt))] ^= 1 << source.randrange(8)
            return bytes(spoilt)
        if kind < 0.17:
            return cuff1.frame(source.choice(MALFORMED))
        self._sequence = (self._sequence + source.choice((0, 1, 1, 1))) % 256
        others = [name for name in table.COMMANDS if name != "HB"]
        fits = FITS["tested" if twins.tested and twins.state == "idle" else twins.state]
        name = source.choice(fits if source.random() < 0.8 else others)
        self._last = cuff1.encode_command(self._sequence, name, *self._arguments(name))
        return self._last

    def _arguments(self, name: str) -> list[int]:
        source = self._source
        if name == "GO":
            target = source.choice((150, 300, 600, 1400, source.randint(150, 3000)))
            on_ms = source.choice((1, 3000, 10_000, 30_000, 30_000))
            return [target, on_ms, source.choice((0, 0, 0, 400, on_ms, min(3000, on_ms + 1)))]
        if name in ("ARM", "SITE") and source.random() < 0.8:
            return [source.choice((600, 2000, 2000, 3000))]
        return [
            source.choice((f.least, f.most, source.randint(f.least, min(f.most, 3000))))
            for f in table.COMMANDS[name]
        ]


def walk(library: Path, seed: int, ticks: int) -> Counter[str]:
    """Let the twins live for so many ticks; return what was seen. Raise `Differ` where they differ."""
    source = random.Random(seed)
    reset, site = source.choice(table.RESETS), source.choice((3000, 3000, 3000, 2000, 600))
    twins = Twins(library, reset=reset, site=site)
    air, host = Air(source), Host(source)
    loop_open = jumper = False
    for step in range(ticks):
        if not twins.owes:
            for said in host.strings(twins, step):
                twins.beat() if said is None else twins.hear(said)
            if source.random() < 0.0004:
                twins.restart(source.choice(table.RESETS))
        loop_open = source.random() < (0.98 if loop_open else 0.0003)
        jumper ^= source.random() < 0.01
        twins.tick(*air.readings(twins), loop_open=loop_open, jumper=jumper)
    return twins.seen
