"""The firmware's core as a library of this machine, with two sensors and a cuff in a few lines.

The core has one state for the whole process: `Core.boot` begins anew.
"""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

FIRMWARE = Path(__file__).parents[2] / "hardware" / "firmware"
CORE = (
    *("frame.c", "say.c", "sensors.c", "program.c", "selftest.c", "buzzer.c", "board.c"),
    *("start.c", "device.c", "commands.c"),
)
FILL = 0.06
"""Share of the way to the regulator's pressure that the cuff goes in a tick."""
VENT = 0.05
"""Share of its pressure that it loses in a tick through one path."""
BEAT_TICKS = 10


def compiler() -> str | None:
    """Return a C compiler of this machine."""
    return next((c for c in ("gcc", "clang", "cc") if os.name != "nt" and shutil.which(c)), None)


def build(to: Path, *, sources: Path = FIRMWARE) -> Path:
    """Compile the core; return the library."""
    command = [compiler() or "gcc", "-std=gnu99", "-O1", "-w", "-shared", "-fPIC", f"-I{sources}"]
    files = [str(sources / name) for name in CORE] + [str(FIRMWARE / "native" / "harness.c")]
    subprocess.run([*command, "-o", str(to), *files, "-lm"], check=True, capture_output=True)
    return to


class Outputs(ctypes.Structure):
    """What the pins do."""

    _fields_ = [
        ("drive", ctypes.c_uint16),
        *((name, ctypes.c_uint8) for name in ("dump", "supply", "shutoff", "buzzer")),
    ]

    @property
    def valves(self) -> tuple[int, int, int]:
        return self.dump, self.supply, self.shutoff


SAFE = (0, 0, 0)
FED = (1, 1, 1)


class Board(ctypes.Structure):
    """Who a board is."""

    _fields_ = [
        *(("maker", ctypes.c_char * 17), ("serial_number", ctypes.c_char * 17)),
        *(("calibrated", ctypes.c_char * 11), ("firmware_hash", ctypes.c_char * 9)),
    ]


class Air(ctypes.Structure):
    """A cuff and its two sensors, as ``harness.c`` has them."""

    _fields_ = [
        *((name, ctypes.c_double) for name in ("tenths", "apart", "fill", "vent")),
        ("ms", ctypes.c_uint32),
        *((name, ctypes.c_uint8) for name in ("fixed", "still", "first_stuck", "second_stuck")),
        *((name, ctypes.c_uint8) for name in ("loop_open", "jumper_set")),
    ]


class Core:
    """The firmware's logic with a cuff.

    ``air.tenths`` is the pressure; it follows the valves unless ``air.fixed``. ``air.apart`` is what the
    second sensor reads more than the first. Readings jitter by one step unless ``air.still``.
    """

    def __init__(self, library: Path) -> None:
        self.c: Any = ctypes.CDLL(str(library))
        self.c.harness_sent.argtypes = [ctypes.c_char_p]
        self.c.harness_run.argtypes = [ctypes.c_uint32, ctypes.POINTER(Air)]
        self._buffer = ctypes.create_string_buffer(65536)
        self.boot()

    def boot(self, reset: str = "power_on", *, proven: bool = True, site: int = 3000) -> None:
        self.air = Air(fill=FILL, vent=VENT)
        self.sequence = self.beat = 0
        self._decoder = cuff1.ReplyDecoder()
        self.c.harness_boot(table.RESETS.index(reset), int(proven), site)

    # -- time

    def run(self, ms: int, *, beating: bool = True) -> list[cuff1.Reply]:
        """Let time pass, with a heartbeat every 50 ms, and return what it said."""
        ticks = ms // table.TICK_MS
        while ticks:
            if beating:
                self.heart()
            now = min(ticks, BEAT_TICKS) if beating else ticks
            self.c.harness_run(now, ctypes.byref(self.air))
            ticks -= now
        return self.said()

    def at(self, tenths: float, ms: int, *, beating: bool = True) -> list[cuff1.Reply]:
        """Let time pass with both sensors at exactly this reading."""
        self.air.fixed = self.air.still = True
        self.air.tenths = tenths
        return self.run(ms, beating=beating)

    # -- wire

    def heart(self) -> None:
        self.beat = (self.beat + 1) % 256
        self.hear(cuff1.encode_command(0, "HB", self.beat))

    def hear(self, data: bytes) -> None:
        self.c.harness_receive(data, len(data))

    def body(self, body: bytes) -> list[cuff1.Reply]:
        """Send any body in a good frame, and return the answers."""
        self.said()
        self.hear(cuff1.frame(body))
        return self.said()

    def raw(self) -> bytes:
        length = self.c.harness_sent(self._buffer)  # first: the copy of the buffer comes after it
        return ctypes.string_at(self._buffer, length)

    def said(self) -> list[cuff1.Reply]:
        self._decoder.receive(self.raw())
        return list(self._decoder.replies())

    def say(self, name: str, *arguments: int) -> cuff1.Reply:
        """Send a command and return its answer."""
        self.sequence = self.sequence % 255 + 1
        body = " ".join(map(str, (self.sequence, name, *arguments)))
        answers = [r for r in self.body(body.encode()) if not isinstance(r, cuff1.DeviceEvent)]
        assert len(answers) == 1, answers
        return answers[0]

    def take(self, name: str, *arguments: int) -> cuff1.Ack:
        answer = self.say(name, *arguments)
        assert isinstance(answer, cuff1.Ack), answer
        assert answer.sequence == self.sequence
        return answer

    def refused(self, name: str, *arguments: int) -> str:
        answer = self.say(name, *arguments)
        assert isinstance(answer, cuff1.Nak), answer
        assert answer.sequence == self.sequence
        return table.NAK_NAMES[answer.reason - 1]

    def status(self) -> cuff1.Status:
        self.said()
        self.hear(table.STATUS_BYTE)
        (status,) = self.said()
        assert isinstance(status, cuff1.Status)
        return status

    # -- what is

    def words(self, record: bytes) -> tuple[bytes, bytes, bytes]:
        """Return the words that it reads from a board's record in EEPROM."""
        board = Board()
        # what was there before: the words end by themselves
        ctypes.memset(ctypes.byref(board), ord("x"), ctypes.sizeof(board))
        self.c.board_read_words(record, ctypes.byref(board))
        return board.maker, board.serial_number, board.calibrated

    @property
    def outputs(self) -> Outputs:
        out = Outputs()
        self.c.harness_outputs(ctypes.byref(out))
        return out

    @property
    def state(self) -> str:
        return table.STATES[self.status().state]

    @property
    def fault(self) -> str:
        return table.FAULTS[self.status().fault]

    def events(self, said: list[cuff1.Reply]) -> list[tuple[str, str]]:
        names = {"boot": table.RESETS, "fault": table.FAULTS, "selftest": table.SELFTEST_NAMES}
        kinds = [(table.EVENTS[r.event], r.value) for r in said if isinstance(r, cuff1.DeviceEvent)]
        return [(kind, names[kind][value]) for kind, value in kinds]

    # -- ways

    def self_test(self) -> str:
        self.run(100)
        self.take("TEST")
        for _ in range(table.SELFTEST_MS_MAX // 100 + 1):
            for kind, value in self.events(self.run(100)):
                if kind == "selftest":
                    self.run(1000)  # it vents
                    return value
        raise AssertionError("the self-test does not end")

    def armed(self, ceiling: int = 2500) -> None:
        assert self.self_test() == "passed"
        assert self.state == "idle"
        self.take("ARM", ceiling)

    def to(self, state: str, *, target: int = 1400, on_ms: int = 15_000, rise_ms: int = 0) -> None:
        """Bring it into a state, from the boot."""
        self.run(100)
        if state == "selftest":
            self.take("TEST")
        elif state != "idle":
            self.armed()
        if state in ("inflating", "hold", "venting", "fault"):
            self.take("GO", target, on_ms, rise_ms)
        if state in ("hold", "venting", "fault"):
            self.run(3000 + rise_ms)
        if state == "venting":
            self.take("END")
        if state == "fault":
            self.run(table.LEASE_MS, beating=False)
        assert self.state == state


TARGET = 1400


def faults(core: Core, said: list) -> list[str]:
    return [value for kind, value in core.events(said) if kind == "fault"]


def held(core: Core, *, target: int = TARGET, on_ms: int = 60_000) -> None:
    """Bring it into hold, with both sensors at the target."""
    core.to("armed")
    core.take("ARM", table.CEILING_TENTHS)
    core.take("GO", target, on_ms, 0)
    core.run(2000)
    core.at(target, 10)
    assert core.state == "hold"


def feeding(core: Core, tenths: float, *, rise_ms: int = 0, on_ms: int = 100_000) -> None:
    """Begin a program with both sensors at a reading."""
    core.armed()
    core.air.fixed, core.air.still, core.air.tenths = True, True, tenths
    core.heart()
    core.take("GO", TARGET, on_ms, rise_ms)


def both(core: Core, first: float, second: float, ticks: int) -> list:
    core.air.apart = second - first
    return core.at(first, ticks * table.TICK_MS)
