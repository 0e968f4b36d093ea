"""No false vent: hours of inflations with nothing wrong, in which nothing may vent but what was planned.

``benchmarks/soak.py [--hours 8] [--driver reference]`` on the virtual clock: the supervisor, its driver
and an emulated device in one process, a new seed for each session of up to 25 inflations.
``benchmarks/soak.py --real-s 3600`` in real time, beside six processes that keep the computer busy: a
task, its supervisor and the device in three processes.
Exit code 1: a vent that nobody asked for, a fault, or a refusal.
"""

import argparse
import random
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from host import HOGS, hogs
from measure import quantiles

from hardware.clock import Clock, RealClock, VirtualClock
from hardware.inprocess import InProcessCuff
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import (
    CommandReport,
    FaultReport,
    Program,
    Refusal,
    Sample,
    VentReport,
)
from hardware.registry import DRIVERS, CuffAddress
from hardware.sim.devices import DEVICES
from hardware.sim.plant import Plant
from hardware.sim.wire import LoopWire
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from scc_task.emulated import EmulatorProcess

SETTINGS = SupervisorSettings(limits=Limits(), interlock=InterlockSettings())
SESSION_INFLATIONS = 25
AHEAD_S = 4.0
ARMING_S = 15.0


@dataclass
class Tally:
    """What was seen."""

    sessions: int = 0
    inflations: int = 0
    samples: int = 0
    lasted_s: float = 0.0
    wrong: list[str] = field(default_factory=list)
    end_late_ms: list[float] = field(default_factory=list)


def session(
    cuff: InProcessCuff | SupervisedCuff,
    clock: Clock,
    seed: int,
    tick_s: float,
    until_s: float,
    tally: Tally,
) -> None:
    """Inflate as a session does: random pressures, lengths and gaps, within the limits."""
    source, program, armed = random.Random(seed), None, False
    cuff.open()
    cuff.beat()
    cuff.arm()
    begun_s, left = clock.now_s(), SESSION_INFLATIONS
    free_s, vented = begun_s, True
    while clock.now_s() < until_s and (left or not vented):
        now_s = clock.now_s()
        cuff.beat()
        for report in cuff.poll():
            match report:
                case Sample():
                    tally.samples += 1
                case CommandReport(command="arm"):
                    armed = True
                case CommandReport(command="end") if program is not None:
                    tally.end_late_ms.append((report.sent_s - program.offset_s) * 1000)
                case VentReport(confirmed=True) if program is not None:
                    vented = True
                    free_s = report.time_s + Limits().gap_s + source.uniform(0.5, 20.0)
                case FaultReport() | Refusal() | VentReport(confirmed=False):
                    tally.wrong.append(f"seed {seed}, {now_s - begun_s:.1f} s: {report}")
                    return
                case CommandReport(command="vent") if armed:
                    tally.wrong.append(
                        f"seed {seed}, {now_s - begun_s:.1f} s: an uncalled-for vent"
                    )
        if not armed and now_s > begun_s + ARMING_S:
            tally.wrong.append(f"seed {seed}: it did not arm")
            return
        if armed and vented and left and now_s >= free_s - AHEAD_S:
            left, vented = left - 1, False
            onset_s = now_s + AHEAD_S
            program = Program(
                number=SESSION_INFLATIONS - left,
                onset_s=onset_s,
                offset_s=onset_s + source.uniform(3.0, 40.0),
                target_mmhg=float(source.randrange(30, 241)),
            )
            cuff.load(program)
            tally.inflations += 1
        clock.sleep_until(now_s + tick_s)
    tally.sessions += 1
    tally.lasted_s += clock.now_s() - begun_s


def virtual(driver: str, hours: float) -> Tally:
    """Soak on the virtual clock."""
    tally, seed = Tally(), 0
    while tally.lasted_s < hours * 3600 and not tally.wrong:
        seed += 1
        clock, cuff_clock = VirtualClock(), VirtualClock()
        wire = LoopWire(DEVICES[driver](Plant(seed=seed), clock.now_s(), None), cuff_clock)
        address = CuffAddress(driver=driver, port="emulated", baud=DRIVERS[driver].baud)
        cuff = InProcessCuff(
            address, SETTINGS, wire, clock=clock, cuff_clock=cuff_clock, wire_due_s=wire.due_s
        )
        session(cuff, clock, seed, 0.1, clock.now_s() + 24 * 3600.0, tally)
        cuff.close()
    return tally


def real(driver: str, for_s: float) -> Tally:
    """Soak in real time, under load."""
    tally, seed, clock = Tally(), 0, RealClock()
    until_s = clock.now_s() + for_s
    with hogs(HOGS):
        while clock.now_s() < until_s and not tally.wrong:
            seed += 1
            with ExitStack() as stack:
                device = EmulatorProcess(driver, "--seed", str(seed))
                stack.callback(device.close)
                address = CuffAddress(driver=driver, port=device.port, baud=DRIVERS[driver].baud)
                cuff = SupervisedCuff(address, SETTINGS, clock)
                stack.callback(cuff.close)
                session(cuff, clock, seed, 0.005, until_s, tally)
    return tally


def main() -> None:
    """Soak and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="on the virtual clock")
    parser.add_argument("--real-s", type=float, default=None, help="in real time, under load")
    parser.add_argument("--driver", default="reference", choices=["reference", "cpar", "alicat"])
    options = parser.parse_args()
    begun_s = time.monotonic()
    if options.real_s is None:
        tally, how = virtual(options.driver, options.hours), "virtual clock"
    else:
        tally, how = real(options.driver, options.real_s), f"real time, {HOGS} hogs"
    print(
        f"{options.driver}, {how}: {tally.lasted_s / 3600:.2f} h in {tally.sessions} sessions,"
        f" {tally.inflations} inflations, {tally.samples} samples; took {time.monotonic() - begun_s:.0f} s"
    )
    if tally.end_late_ms:
        q = quantiles(tally.end_late_ms)
        print(
            f"planned ends late by ms: median {q['median']:.2f}, p99 {q['p99']:.2f}, max {q['max']:.2f}"
        )
    print(f"false vents, faults, refusals: {len(tally.wrong)}")
    for line in tally.wrong:
        print(f"  {line}")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
