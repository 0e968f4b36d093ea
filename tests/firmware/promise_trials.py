"""What the device promises, each as one trial on the real binary: how long until both vent paths open.

Used by the tests (a few trials, as a gate) and by ``benchmarks/promises.py`` (many, as a distribution).
Time is the chip's, so the figures do not depend on the computer. Each trial begins at a random phase of
the chip's tick. Numbers are those of the project's list of promises.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cuff1_hands import Hands, firmware, is_event

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import CLOSED

TARGET = 1400
FINE_S = 0.001
DRIFTS_ON_TENTHS = 30
"""So far a drift goes beyond its limit: 300 ms."""


@dataclass(frozen=True)
class Firmwares:
    """The release build, and the one with commands that break it on purpose."""

    release: Path
    test: Path


class Bench:
    """A board, brought to a state, at a random phase of its tick."""

    def __init__(self, binary: Path, seed: int, state: str = "hold", **settings: Any) -> None:
        self.random = random.Random(seed)
        self.hands: Hands = firmware(binary)
        self.hands.to(state, target=TARGET, on_ms=60_000, **settings)
        self.hands.run(self.random.uniform(0.1, 0.3))

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.hands.device.board.close()

    @property
    def now_s(self) -> float:
        return self.hands.now_s

    def opens(
        self, since_s: float, within_s: float, *, beating: bool = True, closing: bool = False
    ) -> float | None:
        """Return the milliseconds until both paths are open, or ``None`` if they are not in time.

        Also ``None`` if both were open already at ``since_s``: nothing opened for that reason. With
        ``closing``, what counts is the first opening after a path has closed.
        """
        end_s = self.now_s + within_s
        while (opened_s := self._opened_s(since_s, closing)) is None and self.now_s < end_s:
            self.hands.run(0.01, beating=beating)
        return None if opened_s is None else (opened_s - since_s) * 1000

    def _opened_s(self, since_s: float, closing: bool) -> float | None:
        edges = self.hands.device.edges
        closed = any([edge.pins & CLOSED for edge in edges if edge.time_s < since_s][-1:])
        if not closed and not closing:
            return None
        for edge in edges:
            if edge.time_s < since_s:
                continue
            if closed and edge.open:
                return float(edge.time_s)
            closed = closed or bool(edge.pins & CLOSED)
        return None

    def after(self, within_s: float, **trouble: Any) -> float | None:
        """Make something go wrong now, and return how long it takes."""
        self.hands.trouble(**trouble)
        return self.opens(self.now_s, within_s)

    def until_pressure(self, holds: Callable[[float], bool], within_s: float) -> float:
        """Let time pass in fine steps until the true pressure is so; return when."""
        end_s = self.now_s + within_s
        while not holds(self.hands.pressure_mmhg):
            assert self.now_s < end_s
            self.hands.run(FINE_S)
        return self.now_s


Trial = Callable[[Firmwares, int], float | None]


@dataclass(frozen=True)
class Promise:
    """One promise: its number, its words, its limit, and a trial that returns milliseconds."""

    number: int
    what: str
    limit_ms: float
    trial: Trial


def _heart(lease_ms: int) -> Trial:
    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, "idle") as bench:
            bench.hands.take("LEASE", lease_ms)
            bench.hands.to("hold", on_ms=60_000)
            bench.hands.run(bench.random.uniform(0.1, 0.3))
            bench.hands.heart()
            return bench.opens(bench.now_s, 1.0, beating=False)

    return trial


def _hang(binaries: Firmwares, seed: int) -> float | None:
    with Bench(binaries.test, seed) as bench:
        bench.hands.device.receive(cuff1.frame(b"9 HANG"))
        took_ms = bench.opens(bench.now_s, 1.0)
        bench.hands.run(0.3)
        latched = (bench.hands.state, bench.hands.fault) == ("fault", "wdt_reset")
        return took_ms if latched else None


def _byte(byte: bytes, *, busy: bool = False) -> Trial:
    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed) as bench:
            if busy:
                bench.hands.take("STREAM", table.STREAM_HZ_MAX)
                bench.hands.run(bench.random.uniform(0.05, 0.1))
                frame = cuff1.encode_command(9, "PING")
                bench.hands.device.receive(frame[: bench.random.randrange(len(frame))])
                bench.hands.run(0.003)
            bench.hands.device.receive(byte)
            return bench.opens(bench.now_s, 0.1)

    return trial


def _trouble(within_s: float, state: str = "hold", **trouble: Any) -> Trial:
    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, state) as bench:
            return bench.after(within_s, **trouble)

    return trial


def _runaway(binaries: Firmwares, seed: int) -> float | None:
    with Bench(binaries.release, seed) as bench:
        bench.hands.trouble(runaway_mmhg=500.0)
        limit_mmhg = (TARGET + table.OFF_TARGET_TENTHS) / 10
        since_s = bench.until_pressure(lambda p: p > limit_mmhg, 2.0)
        return bench.opens(since_s, 1.0)


def _drift(binaries: Firmwares, seed: int) -> float | None:
    """One sensor drifts by 10 mmHg/s, from when the two are truly more than 20 mmHg apart."""
    with Bench(binaries.release, seed) as bench:
        passes_s = bench.now_s
        for off_tenths in range(table.DISAGREE_TENTHS + DRIFTS_ON_TENTHS):
            if off_tenths <= table.DISAGREE_TENTHS + 1:
                passes_s = bench.now_s
            bench.hands.trouble(off_mmhg=(-off_tenths / 10, 0.0))
            bench.hands.run(0.01)
        return bench.opens(passes_s, 0.0)


def _go_with(within_s: float, **trouble: Any) -> Trial:
    """From GO on, with something wrong since before."""

    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, "armed") as bench:
            bench.hands.trouble(**trouble)
            bench.hands.run(0.05)
            since_s = bench.now_s
            bench.hands.take("GO", TARGET, 60_000, 0)
            return bench.opens(since_s, within_s, closing=True)

    return trial


def _drop(binaries: Firmwares, seed: int) -> float | None:
    with Bench(binaries.release, seed) as bench:
        bench.hands.trouble(leak_per_s=20.0)
        lost_mmhg = (TARGET - table.OFF_TARGET_TENTHS) / 10
        since_s = bench.until_pressure(lambda p: p < lost_mmhg, 2.0)
        return bench.opens(since_s, 1.0)


def _vent_fail(binaries: Firmwares, seed: int) -> float | None:
    """From the end that does not empty the cuff to the alarm of the box, and its fault."""
    with Bench(binaries.release, seed) as bench:
        bench.hands.trouble(valve_stuck=True)
        bench.hands.run(0.05)
        since_s = bench.now_s
        bench.hands.take("END")
        bench.hands.take("STREAM", 100)
        while bench.now_s < since_s + 12.0:
            said = bench.hands.run(0.01)
            if any(
                isinstance(r, cuff1.Status) and table.FAULTS[r.fault] == "vent_fail" for r in said
            ):
                return (bench.now_s - since_s) * 1000
        return None


def _on_time(on_ms: int, rise_ms: int) -> Trial:
    """How much longer than asked both paths stay closed, with a host that lives and says nothing."""

    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, "armed") as bench:
            bench.hands.take("GO", TARGET, on_ms, rise_ms)
            bench.hands.run(on_ms / 1000 + 0.2)
            closed_s = bench.hands.moves("valve closed")[-1]
            opened_s = bench.hands.moves("valve open")[-1]
            return abs((opened_s - closed_s) * 1000 - on_ms)

    return trial


def _loop(state: str) -> Trial:
    """In a state in which a vent path is closed: until both are open."""

    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, state) as bench:
            bench.hands.run(bench.random.uniform(0.0, 0.1))
            while not bench.hands.device.board.pins & CLOSED:  # a self-test begins with open ones
                bench.hands.run(bench.random.uniform(0.0, 0.1))
            bench.hands.device.open_loop()
            took_ms = bench.opens(bench.now_s, 0.2)
            bench.hands.run(0.05)
            bench.hands.device.close_loop()
            bench.hands.run(3.0)
            return took_ms if bench.hands.fault == "abort" else None

    return trial


def _loop_told(state: str) -> Trial:
    """In a state in which both paths are open: until it says so, and stays in the fault."""

    def trial(binaries: Firmwares, seed: int) -> float | None:
        with Bench(binaries.release, seed, state) as bench:
            assert not bench.hands.device.board.pins & CLOSED
            since_s = bench.now_s
            bench.hands.device.open_loop()
            while not any(is_event(reply, "fault") for reply in bench.hands.run(FINE_S)):
                if bench.now_s > since_s + 0.5:
                    return None
            took_ms = (bench.now_s - since_s) * 1000
            bench.hands.device.close_loop()
            bench.hands.run(3.0)
            return took_ms if bench.hands.fault == "abort" else None

    return trial


def promises() -> Iterator[Promise]:
    """Yield every promise of the device."""
    for lease_ms, limit_ms in ((table.LEASE_MS, 500.0), (table.LEASE_MS_MIN, 250.0)):
        what = f"no heartbeat any more, lease {lease_ms} ms"
        yield Promise(4, what, limit_ms, _heart(lease_ms))
    yield Promise(5, "the firmware hangs, interrupts off; then `wdt_reset` stays", 150.0, _hang)
    yield Promise(6, "`!`", 1.0, _byte(table.VENT_BYTE))
    yield Promise(6, "0x18", 1.0, _byte(table.RESET_BYTE))
    busy = _byte(table.VENT_BYTE, busy=True)
    yield Promise(6, "`!` in the middle of a frame, stream at 100 Hz", 1.0, busy)
    yield Promise(6, "`VENT` in a frame", 10.0, _byte(cuff1.encode_command(9, "VENT")))
    for name, off in (("first", (60.0, 0.0)), ("second", (0.0, 60.0)), ("both", (60.0, 60.0))):
        what = f"over-pressure on {name} sensor{'s' * (name == 'both')}, a step"
        yield Promise(9, what, 30.0, _trouble(0.5, off_mmhg=off))
    what = "over-pressure, the regulator gives 500 mmHg: from the limit on"
    yield Promise(9, what, 30.0, _runaway)
    for name, wires in (("open", ("open", "whole")), ("short", ("whole", "short"))):
        yield Promise(10, f"a sensor's wire {name}", 50.0, _trouble(0.5, wires=wires))
    offset = _trouble(1.0, off_mmhg=(0.0, -25.0))
    yield Promise(10, "the sensors 25 mmHg apart, a step", 150.0, offset)
    yield Promise(10, "the sensors 20 mmHg apart, a slow drift", 150.0, _drift)
    yield Promise(10, "one sensor frozen, from GO", 200.0, _go_with(3.0, frozen=(False, True)))
    yield Promise(10, "both sensors frozen, from GO", 3000.0, _go_with(5.0, sensors_stuck=True))
    stuck = _trouble(5.0, sensors_stuck=True)
    yield Promise(10, "both sensors frozen, in hold", 3000.0, stuck)
    yield Promise(11, "no air supply, from GO", 2000.0, _go_with(5.0, supply_lost=True))
    yield Promise(11, "cuff not connected, from GO", 2000.0, _go_with(5.0, leak_per_s=40.0))
    yield Promise(11, "30 mmHg lost in hold", 100.0, _drop)
    yield Promise(12, "the cuff does not empty: alarm", 10_000.0, _vent_fail)
    yield Promise(13, "later (or sooner) than asked: 1 s", 10.0, _on_time(1000, 0))
    yield Promise(
        13, "later (or sooner) than asked: 4 s with a ramp of 3 s", 10.0, _on_time(4000, 3000)
    )
    for state in ("selftest", "inflating", "hold"):
        yield Promise(14, f"abort loop opens in {state}; needs `CLEAR`", 10.0, _loop(state))
    for state in ("idle", "armed", "venting"):
        what = f"abort loop opens in {state}, both paths open already: told; needs `CLEAR`"
        yield Promise(14, what, 20.0, _loop_told(state))
