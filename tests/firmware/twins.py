"""The firmware's core and the emulated controller side by side: one wire, one hand, one pair of readings.

What both say must be the same, byte for byte but for who they are, after each tick and each string of
bytes; a status line is asked for each time. The core's valves and regulator must do what the emulator's
air is told, and its buzzer the rhythm of the emulator's alarm. Two things differ, and no more is allowed:

* The core looks at the abort loop once in a tick, after its sensors; the emulator is told when it opens.
  So what that brings is said one tick later by the core, and a path that it opens is open one tick later.
* For the same reason a vent that fails after that may be told one tick later.
"""

import dataclasses
from collections import Counter, deque
from math import ceil
from pathlib import Path

from core_bench import Core

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference
from hardware.sim.reference_alarm import PRIORITIES

TICK = table.TICK_MS
FAULT_EVENT = next(number for number, name in table.EVENTS.items() if name == "fault")
VENT_FAIL = table.FAULTS.index("vent_fail")
REMEMBERED = 6
"""So many inputs are told where they differ."""
LEAST, MOST = -498, 4497
"""What the converter can say, in tenths of a mmHg."""

NOTHING_SAID = cuff1.Status(*[0] * len(table.REPLIES["S"]))
Readings = tuple[int, int]


class Differ(AssertionError):
    """The twins said or did different things."""


def sum_of(tenths: int) -> int:
    """Return the least sum of the converter that the core takes for this: each has one of its own."""
    return max(0, min(8 * 1023, ceil((tenths + 500) * 8192 / 5000 - 4)))


class _Told(Plant):
    """Air that only notes what the emulator does to it: the readings come from the test."""

    def __init__(self) -> None:
        self.pressure_mmhg = 1.0  # never at rest: a tick every 5 ms, as the core's
        self.readings: Readings = (0, 0)
        self.valves, self.drive = (0, 0, 0), 0

    def flow(
        self,
        *,
        target_mmhg: float,
        on_for_s: float,
        paths: tuple[int, ...],
        shutoff_open: bool,
        dt_s: float,
    ) -> None:
        self.valves = (int(1 not in paths), int(2 not in paths), int(shutoff_open))
        self.drive = round(target_mmhg * 10) * table.DRIVE_MAX // table.FULL_SCALE_TENTHS

    def sensors_tenths(self) -> Readings:
        return self.readings


class Twins:
    """Both devices, switched on together.

    Attributes
    ----------
    ms
        Their clock.
    status
        What both said last: fields of the status line.
    pins
        What the core's do.
    seen
        How often each state, move, fault, self-test result, refusal and reset came.
    owes
        Whether the core is about to tell what the emulator told already: send nothing now.
    """

    def __init__(
        self, library: Path, *, reset: str = "power_on", site: int = table.CEILING_TENTHS
    ) -> None:
        self.core = Core(library)
        self.seen: Counter[str] = Counter()
        self._air = _Told()
        cause = table.RESETS.index(reset)
        self.emulator = EmulatedReference(
            self._air, start_s=0.0, witness=None, site_tenths=site, reset=cause
        )
        self._start_s = 0.0
        self._loop_open = False
        self._boot(reset, site)

    def hear(self, data: bytes) -> None:
        """Send bytes to both."""
        assert not self.owes, "one more tick first"
        self._inputs.append(f"{self.ms} ms: {data!r}")
        self.core.hear(data)
        self.emulator.receive(data)
        self._ask_and_compare(b"")

    def say(self, name: str, *arguments: int) -> None:
        """Send a command with a number of its own."""
        self._sequence = self._sequence % 255 + 1
        self.hear(cuff1.encode_command(self._sequence, name, *arguments))

    def beat(self) -> None:
        """Send a new heartbeat."""
        self._beats = (self._beats + 1) % 256
        self.hear(cuff1.encode_command(0, "HB", self._beats))

    def tick(
        self, first: int, second: int, *, loop_open: bool = False, jumper: bool = False
    ) -> None:
        """Let a tick pass in which both read this, in tenths of a mmHg."""
        early = self._move_loop(opens=loop_open)
        self.emulator.service_jumper = jumper
        before, state = self.pins, self.status.state
        self._air.readings = _clamped(first), _clamped(second)
        self.core.c.harness_tick(*map(sum_of, self._air.readings), loop_open, jumper)
        self.ms += TICK
        self._ahead = self._ahead and max(first, second) >= table.EMPTY_TENTHS
        told = early + self.emulator.advance(self._now_s)
        if not early and before.valves != self._air.valves:
            self._differ(f"valves {before.valves}", f"valves {self._air.valves}")
        self._ask_and_compare(told)
        drives = before.drive, self.pins.drive
        if self.status.state == state and self._air.drive not in drives:
            self._differ(f"drive {drives}", f"drive {self._air.drive}")
        self._compare_pins()

    def restart(self, cause: str) -> None:
        """Reset both, and let them tick once, the loop and the readings as they were."""
        assert not self.owes, "one more tick first"
        self.hear(cuff1.encode_command(0, "ID"))
        loop_open, jumper = self._loop_open, self.emulator.service_jumper
        self._move_loop(opens=False)
        self._start_s += self.ms / 1000
        self.emulator.restart(cause)
        self._boot(cause, self._site)
        self._inputs.append(f"restart, {cause}")
        self.tick(*self._air.readings, loop_open=loop_open, jumper=jumper)

    @property
    def state(self) -> str:
        return table.STATES[self.status.state]

    @property
    def fault(self) -> str:
        return table.FAULTS[self.status.fault]

    @property
    def tested(self) -> bool:
        """Return whether the self-test has passed."""
        return bool(self.status.flags & cuff1.flags("selftest_passed"))

    @property
    def owes(self) -> bool:
        return bool(self._owed)

    # -- how

    def _boot(self, reset: str, site: int) -> None:
        self._inputs: deque[str] = deque(maxlen=REMEMBERED)
        self._site, self._beats, self._sequence = site, 0, 0
        self.ms, self.status = 0, NOTHING_SAID
        self._owed, self._ahead = b"", False
        self.core.boot(reset, site=site)
        self._ask_and_compare(b"")

    @property
    def _now_s(self) -> float:
        return self._start_s + self.ms / 1000

    def _move_loop(self, *, opens: bool) -> bytes:
        """Open or close the emulator's loop; return what it said, as the core says it a tick later."""
        if opens == self._loop_open:
            return b""
        self._loop_open = opens
        self._inputs.append(f"{self.ms} ms: loop {'opens' if opens else 'closes'}")
        if not opens:
            self.emulator.close_loop()
            return b""
        self.emulator.open_loop()
        said = _replies(self.emulator.advance(self._now_s))
        self._ahead = self._ahead or bool(said)
        return b"".join(_a_tick_later(event) for event in said)

    def _ask_and_compare(self, told: bytes) -> None:
        """Take what both have said, and a status line; ``told``: what of the emulator's was taken already."""
        for device in (self.core.hear, self.emulator.receive):
            device(table.STATUS_BYTE)
        core, emulator = self.core.raw(), self._owed + told + self.emulator.advance(self._now_s)
        self._owed = b""
        if self._ahead:
            core, emulator = self._without_an_early_vent_fail(core, emulator)
        if core != emulator:
            said, wanted = map(_replies, (core, emulator))
            if list(map(_nameless, said)) != list(map(_nameless, wanted)):
                self._differ(*_told_apart(said, wanted))
        self._note(core)
        self.pins = self.core.outputs

    def _without_an_early_vent_fail(self, core: bytes, emulator: bytes) -> tuple[bytes, bytes]:
        """Return what both have said, without one that the core is to say in the next tick."""
        failed = cuff1.DeviceEvent(self.ms, FAULT_EVENT, VENT_FAIL)
        early = cuff1.encode_event(failed)
        if early not in emulator or early in core:
            return core, emulator
        self._owed = _a_tick_later(failed)
        # without the status lines: it ends an alarm's hush too, of which they tell
        return _unasked(core), _unasked(emulator.replace(early, b""))

    def _compare_pins(self) -> None:
        """Compare what no status line of the emulator tells: after a tick the pins follow from the state."""
        pins, clock = self.pins, self.ms % 65536
        if self._owed:
            return
        if pins.drive != self.status.drive:
            self._differ(f"drive {pins.drive}", f"drive {self.status.drive}")
        alarm = self.emulator.buzzer
        sounds = self.core.c.buzzer_sounds(PRIORITIES.index(alarm), clock)
        if pins.buzzer != sounds:
            self._differ(f"buzzer {pins.buzzer}", f"buzzer {sounds} of the alarm '{alarm}'")
        self.seen[f"alarm {alarm}"] += 1

    def _note(self, said: bytes) -> None:
        start = said.rfind(b"$S")  # the last is the one that was asked for, and ends what was said
        rare = _unasked(said)
        if start >= 0:  # it is what the emulator says: a decoder would be too slow for each tick
            status = cuff1.Status(*map(int, said[start + 2 :].partition(b"*")[0].split()))
            if self.status.state != status.state:
                self.seen[f"{self.state}>{table.STATES[status.state]}"] += 1
            self.status = status
            self.seen[f"state {self.state}"] += 1
        for reply in _replies(rare) if rare else ():
            match reply:
                case cuff1.Nak():
                    self.seen[f"refused {table.NAK_NAMES[reply.reason - 1]}"] += 1
                case cuff1.DeviceEvent():
                    self.seen[_words(reply)] += 1
                case cuff1.DeviceIdentity():
                    self._site = reply.site_ceiling_tenths

    def _differ(self, core: str, emulator: str) -> None:
        inputs = "".join(f"\n    {line}" for line in self._inputs)
        air = self._air.readings
        raise Differ(
            f"at {self.ms} ms, readings {air}\n  core     {core}\n  emulator {emulator}"
            f"\n  last inputs{inputs}"
        )


def _clamped(tenths: int) -> int:
    return max(LEAST, min(MOST, tenths))


def _replies(said: bytes) -> list[cuff1.Reply]:
    decoder = cuff1.ReplyDecoder()
    decoder.receive(said)
    return list(decoder.replies())


def _nameless(reply: cuff1.Reply) -> cuff1.Reply:
    """Return an identity without the words in which two boards differ."""
    if not isinstance(reply, cuff1.DeviceIdentity):
        return reply
    return dataclasses.replace(reply, maker="", serial_number="", firmware="", firmware_hash="")


def _a_tick_later(event: cuff1.Reply) -> bytes:
    assert isinstance(event, cuff1.DeviceEvent), event
    return cuff1.encode_event(dataclasses.replace(event, device_ms=event.device_ms + TICK))


def _unasked(said: bytes) -> bytes:
    """Return what was said but for the status lines."""
    return b"".join(line for line in said.splitlines(keepends=True) if line[:2] != b"$S")


_EVENT_NAMES = {"boot": table.RESETS, "fault": table.FAULTS, "selftest": table.SELFTEST_NAMES}


def _words(reply: cuff1.Reply) -> str:
    """Return a reply in names."""
    match reply:
        case cuff1.Ack():
            return f"taken {reply.sequence}, {reply.value}, {table.STATES[reply.state]}"
        case cuff1.Nak():
            name = table.NAK_NAMES[reply.reason - 1]
            return f"refused {reply.sequence}, {name}, {table.STATES[reply.state]}"
        case cuff1.DeviceEvent():
            kind = table.EVENTS[reply.event]
            return f"{kind} {_EVENT_NAMES[kind][reply.value]}"
        case cuff1.Status():
            return f"status {table.STATES[reply.state]}, {table.FAULTS[reply.fault]}"
    return str(reply)


def _told_apart(core: list[cuff1.Reply], emulator: list[cuff1.Reply]) -> tuple[str, str]:
    """Return the first pair that differs, in names; of status lines the fields that do."""
    for one, other in zip(core, emulator, strict=False):
        if isinstance(one, cuff1.Status) and isinstance(other, cuff1.Status) and one != other:
            fields = [f.name for f in dataclasses.fields(one) if f.name != "counter"]
            apart = [name for name in fields if getattr(one, name) != getattr(other, name)]
            said = [{name: getattr(s, name) for name in apart} for s in (one, other)]
            return f"{_words(one)}, {said[0]}", f"{_words(other)}, {said[1]}"
        if _nameless(one) != _nameless(other):
            return f"{_words(one)}: {one}", f"{_words(other)}: {other}"
    longer = max(core, emulator, key=len)[min(len(core), len(emulator)) :]
    more = f"also {', '.join(map(_words, longer))}"
    return (more, "no more") if len(core) > len(emulator) else ("no more", more)
