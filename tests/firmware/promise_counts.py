"""Promises that are kept or broken, with no time to measure: each as one trial on the real binary.

Used by the tests (a few trials) and by ``benchmarks/promises.py`` (many). A trial returns how often it
tried and what was broken. Numbers are those of the project's list of promises.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cuff1_hands import Hands
from promise_trials import Bench, Firmwares

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.interlock import Interlock
from hardware.interlock_table import InterlockSettings
from hardware.limits import LEAST_MMHG, Limits
from hardware.readings import Program
from hardware.sim.avr import VALVES

STATES = ("idle", "armed", "selftest", "inflating", "hold", "venting", "fault")
RESTARTS = ("power_on", "brown_out", "reset_pin", "watchdog")
WAIT_S = 4.0
PROGRAMS = 200
Broken = list[str]
Counted = tuple[int, Broken]


@dataclass(frozen=True)
class Count:
    """One promise: its number, its words, and a trial."""

    number: int
    what: str
    trial: Callable[[Firmwares, int], Counted]


def came_back(hands: Hands, since_s: float, state: str | None = None) -> Broken:
    """Let time pass with a beating heart, and return what inflates or would inflate after all.

    Each of the three valves counts: one path that closes is too many.
    """
    hands.run(WAIT_S)
    driven = [e for e in hands.device.edges if e.time_s > since_s and e.pins & VALVES]
    broken = [f"{e.pins & VALVES!r} driven at {e.time_s:.3f} s" for e in driven]
    if left := hands.device.board.pins & VALVES:
        broken.append(f"{left!r} driven still")
    if hands.state in ("armed", "inflating", "hold") or state not in (None, hands.state):
        broken.append(f"it is {hands.state}")
    for name, *values in (("GO", 1000, 1000, 0), ("ARM", 1000)):
        if not isinstance(hands.say(name, *values), cuff1.Nak):
            broken.append(f"{name} was taken")
    return broken


def _restart(cause: str) -> Callable[[Firmwares, int], Counted]:
    def trial(binaries: Firmwares, seed: int) -> Counted:
        state = STATES[seed % len(STATES)]
        with Bench(
            binaries.test if cause == "watchdog" else binaries.release, seed, state
        ) as bench:
            since_s = bench.now_s
            if cause == "watchdog":
                bench.hands.device.receive(cuff1.frame(b"9 HANG"))
                since_s += 0.2  # it bites within 150 ms
                bench.hands.run(0.3)
            else:
                bench.hands.device.restart(cause)
            broken = came_back(bench.hands, since_s)
            return 1, [f"{cause} in {state}: {what}" for what in broken]

    return trial


FAULTS = ("host_lost", "abort", "sensor_range", "sensor_disagree", "overpressure", "leak")


def _provoke(hands: Hands, fault: str) -> None:
    """Bring a held cuff into a fault, and mend its cause."""
    match fault:
        case "host_lost":
            hands.run(0.6, beating=False)
        case "abort":
            hands.device.open_loop()
            hands.run(0.05)
            hands.device.close_loop()
        case "sensor_range":
            hands.trouble(wires=("open", "whole"))
            hands.run(0.1)
            hands.trouble(wires=("whole", "whole"))
        case "sensor_disagree":
            hands.trouble(off_mmhg=(0.0, -25.0))
            hands.run(0.3)
            hands.trouble(off_mmhg=(0.0, 0.0))
        case "overpressure":
            hands.trouble(off_mmhg=(60.0, 60.0))
            hands.run(0.1)
            hands.trouble(off_mmhg=(0.0, 0.0))
        case "leak":
            hands.trouble(leak_per_s=20.0)
            hands.run(1.0)
            hands.trouble(leak_per_s=0.0)


def _mended(binaries: Firmwares, seed: int) -> Counted:
    fault = FAULTS[seed % len(FAULTS)]
    with Bench(binaries.release, seed) as bench:
        _provoke(bench.hands, fault)
        broken = came_back(bench.hands, bench.now_s, "fault")
        if bench.hands.fault != fault:
            broken.append(f"the fault is {bench.hands.fault}")
        return 1, [f"{fault}: {what}" for what in broken]


def _replugged(binaries: Firmwares, seed: int) -> Counted:
    state = ("armed", "inflating", "hold")[seed % 3]
    with Bench(binaries.release, seed, state) as bench:
        bench.hands.device.board.fault("unplugged")
        bench.hands.run(1.0)
        bench.hands.device.board.fault("unplugged", 0.0)
        broken = came_back(bench.hands, bench.now_s, "fault")
        return 1, [f"unplugged in {state}: {what}" for what in broken]


def _loop_in_fault(binaries: Firmwares, seed: int) -> Counted:
    with Bench(binaries.release, seed, "fault") as bench:
        hands, broken = bench.hands, []
        hands.device.open_loop()
        hands.run(2.0)  # until it is empty
        if hands.refused("CLEAR") != "loop_open":
            broken.append("CLEAR with an open loop is not refused for it")
        hands.device.close_loop()
        hands.run(0.05)
        if hands.state != "fault":
            broken.append("the fault went away by itself")
        if not isinstance(hands.say("CLEAR"), cuff1.Ack):
            broken.append("CLEAR is refused with a closed loop")
        return 1, broken


def _taken(hands: Hands, name: str, *values: int) -> bool:
    """Send a command whatever its numbers are (the codec would refuse some), and return the answer."""
    hands.sequence = hands.sequence % 255 + 1
    words = " ".join(map(str, (hands.sequence, name, *values)))
    said = hands.send(cuff1.frame(words.encode("ascii")))
    answers = [r for r in said if getattr(r, "sequence", None) == hands.sequence]
    assert len(answers) == 1
    return isinstance(answers[0], cuff1.Ack)


def _around(*limits: int) -> list[int]:
    return sorted({max(0, limit + by) for limit in limits for by in (-1, 0, 1)})


def _limits(binaries: Firmwares, seed: int) -> Counted:
    """Try the boundaries of three nested ceilings, then inflate to the least of them."""
    tried, broken = 0, []
    with Bench(binaries.release, seed, "idle") as bench:
        hands, source = bench.hands, bench.random
        edge, full = table.EMPTY_TENTHS, table.CEILING_TENTHS
        site = source.choice((edge + 50, full, source.randint(edge + 50, full)))
        hands.device.service_jumper = True
        hands.run(0.05)
        hands.take("SITE", site)
        hands.run(0.2)
        if hands.self_test() != "passed":
            return 1, ["the self-test did not pass"]
        hands.until("idle")
        session = source.choice((site, source.randint(edge, site)))
        for ceiling in [*_around(site, full), session]:  # the last one stays
            tried += 1
            if _taken(hands, "ARM", ceiling) != (ceiling <= site):
                broken.append(f"ARM {ceiling} with a site's ceiling of {site}")
        for target in [t for t in _around(0, edge, session, site, full) if t > session or t < edge]:
            tried += 1
            if _taken(hands, "GO", target, 900, 0):
                broken.append(f"GO {target} with {site} and {session}")
        hands.take("GO", session, 900, 0)
        hands.run(0.5)
        if hands.device.board.regulator_mmhg > session / 10:
            broken.append(f"the regulator is told more than {session / 10} mmHg")
        return tried + 1, broken


def _programs(_: Firmwares, seed: int) -> Counted:
    """Try programs around every limit on the computer's interlock."""
    source, broken = random.Random(seed), []
    limits = Limits(
        ceiling_mmhg=source.uniform(LEAST_MMHG, 300.0), inflation_s=source.uniform(1.0, 180.0)
    )
    device_mmhg = source.uniform(LEAST_MMHG, 300.0)
    judge = Interlock(InterlockSettings(), limits=limits, device_ceiling_mmhg=device_mmhg)
    judge.arm(0.0)
    most_mmhg = min(limits.ceiling_mmhg, device_mmhg)
    edges_mmhg = (LEAST_MMHG, limits.ceiling_mmhg, device_mmhg, 0.0, math.nan, math.inf, -math.inf)
    for _try in range(PROGRAMS):
        target_mmhg = source.choice((*edges_mmhg, source.uniform(-10.0, 400.0)))
        target_mmhg = source.choice((target_mmhg, math.nextafter(target_mmhg, math.inf)))
        on_s = source.choice((limits.inflation_s, 0.0, math.nan, source.uniform(-1.0, 200.0)))
        rise_s = source.choice((0.0, on_s, -1.0, math.nan, source.uniform(-1.0, 200.0)))
        program = Program(
            number=1, onset_s=1.0, offset_s=1.0 + on_s, target_mmhg=target_mmhg, rise_s=rise_s
        )
        on_s = program.offset_s - program.onset_s  # as it is rounded
        fits = LEAST_MMHG <= target_mmhg <= most_mmhg and 0.0 < on_s <= limits.inflation_s
        fits = fits and 0.0 <= rise_s <= on_s
        if (judge.judge_load(program, 0.0) is None) != fits:
            broken.append(f"{program} with {limits} and {device_mmhg}")
    return PROGRAMS, broken


def counts() -> Iterator[Count]:
    """Yield every promise that is counted."""
    what = "the controller: numbers at and beyond the ceilings of table, site and session"
    yield Count(8, what, _limits)
    what = "the interlock: programs at and beyond the ceilings of device and rig, with NaN and infinity"
    yield Count(8, what, _programs)
    yield Count(
        14, "abort loop opens in fault: `CLEAR` is refused until it is closed", _loop_in_fault
    )
    for cause in RESTARTS:
        what = f"{cause.replace('_', ' ')} in every state: 4 s later nothing has inflated or armed"
        yield Count(15, what, _restart(cause))
    yield Count(15, f"fault, cause mended ({', '.join(FAULTS)}): the same", _mended)
    yield Count(15, "cable pulled and back, armed or under pressure: the same", _replugged)
