"""What is promised about the cuff, measured through the reference controller's real binary.

``benchmarks/promises.py [--trials 40] [--only device|host|counted] [--write]`` needs what ``make firmware``
builds. The promises of the device run lock-step on the simulated chip: their times are the chip's. Those
of the computer run in real time: a task that holds a pressure, its supervisor and the binary behind a pty
are three processes; one thing happens at a random instant, and the chip's own log says when its valves
opened. What is counted: restarts, ceilings, native steps, noise, turned bits, and the mutation scores that
the docs have. ``--write`` puts the sections that were measured into ``docs/promises.md`` and
``docs/safety.md``. Exit code 1: a promise was not kept.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import promises_page as pages
from host import HOGS, HOLD_S, Trial, hogs
from measure import ROOT, quantiles

sys.path.insert(0, str(ROOT / "tests" / "firmware"))

import promise_counts
import promise_trials
from noise_judge import flipped, noise

from hardware.clock import now_s
from hardware.codec import cuff1_table as table
from hardware.sim.avr import BUILD, FIRMWARE, require

BINARIES = promise_trials.Firmwares(BUILD / "cuff_release.elf", BUILD / "cuff_test.elf")
SCORES = {
    "the firmware's core": ROOT / "docs" / "firmware-mutants.md",
    "the interlock": ROOT / "docs" / "interlock-mutants.md",
}
LEAST_SCORE = 0.9
WORKERS = os.cpu_count() or 1
BEFORE_HOLD_S = 4.5
"""From the start of the supervisor: arming takes 3.2 s with the emulated cuff, the onset is 1.5 s later."""


@dataclass(frozen=True)
class HostCase:
    """Something that happens to a process, and its limit.

    ``until``: what the log of the device says then. ``any_time``: also while it arms and waits. ``hogs``:
    so many busy processes beside it.
    """

    number: int
    what: str
    limit_ms: float
    act: Callable[[Trial], None]
    until: str = "valve open"
    any_time: bool = False
    hogs: int = 0


def _signal(name: str, *whom: str) -> Callable[[Trial], None]:
    def act(trial: Trial) -> None:
        pids = {"task": trial.task.pid, "supervisor": trial.supervisor}
        for each in whom:
            os.kill(pids[each], getattr(signal, name))

    return act


def _pull(trial: Trial) -> None:
    """Nothing: the fault script of the emulated port pulls its cable."""


KILL = _signal("SIGKILL", "task")
ANY_TIME = "task killed at any instant of arming, waiting, holding: the vent byte is at the device"
HOST_CASES = (
    HostCase(1, ANY_TIME, 50.0, KILL, "vent byte", any_time=True),
    HostCase(
        1,
        f"the same, beside {HOGS} busy processes",
        250.0,
        KILL,
        "vent byte",
        any_time=True,
        hogs=HOGS,
    ),
    HostCase(2, "task killed", 250.0, KILL),
    HostCase(3, "task stopped (frozen)", 600.0, _signal("SIGSTOP", "task")),
    HostCase(4, "supervisor killed", 500.0, _signal("SIGKILL", "supervisor")),
    HostCase(4, "supervisor stopped", 500.0, _signal("SIGSTOP", "supervisor")),
    HostCase(4, "task and supervisor killed", 500.0, _signal("SIGKILL", "supervisor", "task")),
    HostCase(4, "cable pulled", 500.0, _pull),
)


def host_trial(case: HostCase, seed: int, folder: Path) -> float | None:
    """Return milliseconds from the event to the pins, or ``None`` if they did not open."""
    source = random.Random(seed)
    at_s = source.uniform(0.6, HOLD_S - 1.5)
    if case.any_time:
        at_s = source.uniform(0.0, BEFORE_HOLD_S + HOLD_S - 1.5)
    emulate = ["--binary", str(BINARIES.release)]
    if case.act is _pull:
        folder.mkdir(parents=True)
        script = folder / "faults.yaml"
        fault = f"{{kind: unplug, into_s: {at_s:.3f}, for_s: 1000}}"
        script.write_text(f"version: 1\nfaults:\n  - {fault}\n")
        emulate += ["--faults", str(script)]
    trial = Trial(
        folder / "trial", preload=None, emulate=tuple(emulate), until_held=not case.any_time
    )
    try:
        with hogs(case.hogs):
            time.sleep(max(0.0, trial.closed_s + at_s - now_s()))
            event_s: float | None = now_s()
            case.act(trial)
            if case.act is _pull:
                event_s = trial.first("fault unplug", 0.0)
            if event_s is None:
                return None
            if case.until == "valve open":
                return _opened_ms(trial, event_s)
            said_s = trial.first(case.until, event_s)
            return None if said_s is None else (said_s - event_s) * 1000
    finally:
        trial.close()


def _opened_ms(trial: Trial, event_s: float) -> float | None:
    """Return when the pins opened after an event, by the chip's clock."""
    if trial.first("valve open", event_s) is None:
        return None
    for line in trial.log.read_text().splitlines():
        entry = json.loads(line)
        if entry["what"] == "valve open" and entry["device_s"] >= event_s - 0.001:
            return max(0.0, (entry["device_s"] - event_s) * 1000)
    return None


def row(number: int, what: str, limit_ms: float, values: list[float | None]) -> tuple[str, int]:
    """Return a line of the table and how many trials missed."""
    known = [value for value in values if value is not None]
    q = quantiles(known) if known else {}
    figures = " | ".join(f"{q[key]:.1f}" if q else "-" for key in ("min", "median", "p99", "max"))
    missed = len(values) - sum(value <= limit_ms for value in known)
    line = f"| {number} | {what} | {limit_ms:g} | {len(values)} | {figures} | {missed} |"
    return line, missed


def _device_trial(at: tuple[int, int]) -> float | None:
    promise, seed = at
    return list(promise_trials.promises())[promise].trial(BINARIES, seed)


def device_rows(trials: int) -> Iterator[tuple[str, int]]:
    """Measure the device's promises, on all cores."""
    with ProcessPoolExecutor() as pool:
        for index, promise in enumerate(promise_trials.promises()):
            values = list(pool.map(_device_trial, [(index, seed) for seed in range(trials)]))
            yield row(promise.number, promise.what, promise.limit_ms, values)


def host_rows(trials: int) -> Iterator[tuple[str, int]]:
    """Measure the computer's promises, one trial after the other."""
    with tempfile.TemporaryDirectory() as place:
        for case in HOST_CASES:
            folder = Path(place) / case.what.replace(" ", "-")
            values = [host_trial(case, seed, folder / str(seed)) for seed in range(trials)]
            yield row(case.number, case.what, case.limit_ms, values)


def _counted_trial(at: tuple[int, int]) -> promise_counts.Counted:
    count, seed = at
    return list(promise_counts.counts())[count].trial(BINARIES, seed)


def _noise(seed: int) -> promise_counts.Counted:
    return 60, noise(BINARIES.release, for_s=60.0, seed=seed).broken


def _flipped(at: tuple[str, int]) -> promise_counts.Counted:
    found = flipped(BINARIES.release, *at)
    return found.refused + found.no_frame, found.wrong


def counted_row(
    number: int, what: str, results: Iterable[promise_counts.Counted], allowed: str = "0"
) -> tuple[str, int]:
    """Return a line of the table of what is counted, and how often it was broken."""
    found = list(results)
    tried, broken = sum(each for each, _ in found), [what for _, each in found for what in each]
    for each in broken[:20]:
        print(f"  {each}")
    return f"| {number} | {what} | {tried} | {len(broken)} | {allowed} |", len(broken)


def _native(*words: str) -> promise_counts.Counted:
    """Return how many steps or frames the native fuzzer has tried, and its breach if there was one."""
    done = subprocess.run(
        [str(BUILD / "fuzz"), *words], capture_output=True, text=True, check=False
    )
    tried = re.match(r"ok (\d+)", done.stdout)
    return int(tried[1]) if tried else 0, [done.stderr.strip()] if done.returncode else []


def score_row(what: str, page: Path) -> tuple[str, int]:
    """Return a line with a mutation score as the docs have it; 1 if it is too low."""
    said = re.search(r"(\d+) of (\d+) killed", page.read_text(encoding="utf-8"))
    killed, made = (int(said[1]), int(said[2])) if said else (0, 0)
    enough = made > 0 and killed >= LEAST_SCORE * made
    line = f"| 22 | changes of {what} that nothing notices | {made} | {made - killed} | 10 % |"
    return line, not enough


def counted_rows(trials: int, options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Try what is counted, on all cores."""
    subprocess.run(["make", "-s", "-C", str(FIRMWARE), "native"], check=True)
    with ProcessPoolExecutor() as pool:
        what = "native core, random frames, bytes, sensors and air: steps of 5 ms"
        steps = str(options.steps // WORKERS)
        seeds = [str(seed) for seed in range(1, WORKERS + 1)]
        yield counted_row(7, what, pool.map(_native, seeds, [steps] * WORKERS))
        yield counted_row(7, "native core, one or two bits turned: frames", [_native("flips")])
        what = "real binary, noise at full rate with sense in between: seconds"
        yield counted_row(7, what, pool.map(_noise, range(options.minutes)))
        names = [(name, options.flips) for name in sorted(table.COMMANDS)]
        what = "real binary, one or two bits turned: frames"
        yield counted_row(7, what, pool.map(_flipped, names))
        for index, count in enumerate(promise_counts.counts()):
            at = [(index, seed) for seed in range(trials)]
            yield counted_row(count.number, count.what, pool.map(_counted_trial, at))
    for what, page in SCORES.items():
        yield score_row(what, page)


def _hash() -> str:
    hands = promise_trials.firmware(BINARIES.release)
    try:
        return str(getattr(hands.say("ID"), "firmware_hash", "?"))
    finally:
        hands.device.board.close()


def main() -> None:
    """Measure, print, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--host-trials", type=int, default=None, help="if not as many")
    parser.add_argument("--only", choices=tuple(pages.TITLES), default=None)
    parser.add_argument("--steps", type=int, default=100_000_000, help="of the native fuzzer")
    parser.add_argument("--minutes", type=int, default=10, help="of noise")
    parser.add_argument("--flips", type=int, default=2000, help="of two bits, of each command")
    parser.add_argument("--write", action="store_true", help="into docs/promises.md and safety.md")
    options = parser.parse_args()
    for binary in (BINARIES.release, BINARIES.test):
        require(binary)
    command = " ".join(["benchmarks/promises.py", *sys.argv[1:]])
    measured = pages.measured_by(command, _hash())
    parts = {
        "device": lambda: device_rows(options.trials),
        "counted": lambda: counted_rows(options.trials, options),
        "host": lambda: host_rows(options.host_trials or options.trials),
    }
    missed = 0
    for name, rows in parts.items():
        if options.only not in (None, name):
            continue
        print(f"\n{pages.COLUMNS[name]}", flush=True)
        lines = []
        for line, late in rows():
            print(line, flush=True)
            lines.append(line)
            missed += late
            if options.write:  # each row: a long run may be cut short
                pages.write({name: pages.section(name, measured, lines)})
    sys.exit(missed > 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
