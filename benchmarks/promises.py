"""What is promised about the cuff, measured through the reference controller's real binary.

``benchmarks/promises.py [--trials 40] [--only device|host] [--write docs/promises.md]`` needs what
``make firmware`` builds. The promises of the device run lock-step on the simulated chip: their times are
the chip's. Those of the computer run in real time: a task that holds a pressure, its supervisor and the
binary behind a pty are three processes; one thing happens at a random instant of the hold, and the
chip's own log says when its valves opened. Exit code 1: a promise was not kept.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from host import HOLD_S, Trial
from measure import ROOT, quantiles

sys.path.insert(0, str(ROOT / "tests" / "firmware"))

import promise_trials

from hardware.clock import now_s
from hardware.sim.avr import BUILD, require

BINARIES = promise_trials.Firmwares(BUILD / "cuff_release.elf", BUILD / "cuff_test.elf")
HEAD = (
    "| | what happens | limit ms | n | min | median | p99 | max | missed |\n"
    "|---|---|---|---|---|---|---|---|---|"
)
INTRO = """# Promises, measured

Written by `{command}` with the firmware {hash}, on {machine}.
Milliseconds through the real binary on a simulated chip, from the event to the moment when both vent paths
are open, at the pins. "Missed" counts trials beyond the limit, or in which it did not happen. The chip is
simulated and its cuff a simple model: this says nothing about valves, hoses, or noise on a wire.
The numbers in the first column are those of the project's list of promises.
"""
DEVICE = """
## The device alone

Lock-step, in the chip's own time: the same on every computer. Test: `tests/firmware/test_promises.py`.
"""
HOST = """
## With the computer

In real time, with the unchanged driver and supervisor on a pty: three processes. The figures hold for this
computer and what else ran on it. Tests: `test_supervised`, `test_stop_and_rescue`, `test_firmware_driver`.
"""


@dataclass(frozen=True)
class HostCase:
    """Something that happens to a process, and its limit."""

    number: int
    what: str
    limit_ms: float
    act: Callable[[Trial], None]


def _signal(name: str, *whom: str) -> Callable[[Trial], None]:
    def act(trial: Trial) -> None:
        pids = {"task": trial.task.pid, "supervisor": trial.supervisor}
        for each in whom:
            os.kill(pids[each], getattr(signal, name))

    return act


def _pull(trial: Trial) -> None:
    """Nothing: the fault script of the emulated port pulls its cable."""


HOST_CASES = (
    HostCase(2, "task killed", 250.0, _signal("SIGKILL", "task")),
    HostCase(3, "task stopped (frozen)", 600.0, _signal("SIGSTOP", "task")),
    HostCase(4, "supervisor killed", 500.0, _signal("SIGKILL", "supervisor")),
    HostCase(4, "supervisor stopped", 500.0, _signal("SIGSTOP", "supervisor")),
    HostCase(4, "task and supervisor killed", 500.0, _signal("SIGKILL", "supervisor", "task")),
    HostCase(4, "cable pulled", 500.0, _pull),
)


def host_trial(case: HostCase, seed: int, folder: Path) -> float | None:
    """Return milliseconds from the event to the pins, or ``None`` if they did not open."""
    at_s = random.Random(seed).uniform(0.6, HOLD_S - 1.5)
    emulate = ["--binary", str(BINARIES.release)]
    if case.act is _pull:
        folder.mkdir(parents=True)
        script = folder / "faults.yaml"
        fault = f"{{kind: unplug, into_s: {at_s:.3f}, for_s: 1000}}"
        script.write_text(f"version: 1\nfaults:\n  - {fault}\n")
        emulate += ["--faults", str(script)]
    trial = Trial(folder / "trial", preload=None, emulate=tuple(emulate))
    try:
        time.sleep(max(0.0, trial.closed_s + at_s - now_s()))
        event_s: float | None = now_s()
        case.act(trial)
        if case.act is _pull:
            event_s = trial.first("fault unplug", 0.0)
        if event_s is None:
            return None
        return _opened_ms(trial, event_s)
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


def _hash() -> str:
    hands = promise_trials.firmware(BINARIES.release)
    try:
        return str(getattr(hands.say("ID"), "firmware_hash", "?"))
    finally:
        hands.device.board.close()


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--host-trials", type=int, default=None, help="if not as many")
    parser.add_argument("--only", choices=("device", "host"), default=None)
    parser.add_argument("--write", type=Path, default=None, help="write the tables to this file")
    options = parser.parse_args()
    for binary in (BINARIES.release, BINARIES.test):
        require(binary)
    command = " ".join(["benchmarks/promises.py", *sys.argv[1:]])
    counts = {"device": options.trials, "host": options.host_trials or options.trials}
    machine = f"{platform.system()}, {os.cpu_count()} cores"
    lines = INTRO.format(command=command, hash=_hash(), machine=machine).splitlines()
    missed = 0
    for name, title, rows in (("device", DEVICE, device_rows), ("host", HOST, host_rows)):
        if options.only in (None, name):
            lines += [*title.splitlines(), "", *HEAD.splitlines()]
            print("\n".join(lines[-5:]), flush=True)
            for line, late in rows(counts[name]):
                print(line, flush=True)
                lines.append(line)
                missed += late
                if options.write is not None:  # each row: a long run may be cut short
                    options.write.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(missed > 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
