"""A fault campaign: every fault on every device, at random instants of an inflation, in real processes.

``benchmarks/faults.py [--driver reference ...] [--trials 20] [--only FAULT ...]`` runs a task that holds a
pressure (no window), its supervisor, and an emulated cuff on a pty (DeviceHost and the contact: on TCP) in
three processes. Each trial makes one thing go wrong: on the wire, in the device, in the air, or by
killing or stopping a process. The device's own log says when the valve opened and when the cuff was
empty. The reference, in the same table, is a planned end of an inflation.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import ROOT, quantiles

from hardware.clock import now_s
from hardware.fault_script import FaultKind
from hardware.registry import DRIVERS
from scc_task.documents import Note, Samples
from scc_task.record.read import read_lines

HOLD_S = 3.0
LONG_HOLD_S = 12.0
SLOW = ("leak", "no_supply", "stuck_sensor")
"""Found only after some seconds of holding: these trials hold longer."""
EMPTY_WAIT_S = 20.0
HOST = ROOT / "benchmarks" / "holding_task.py"


def _kill(*names: str, how: signal.Signals) -> Callable[[dict[str, int]], None]:
    def act(pids: dict[str, int]) -> None:
        for name in names:
            os.kill(pids[name], how)

    return act


PROCESS_FAULTS: dict[str, Callable[[dict[str, int]], None]] = {
    "task killed": _kill("task", how=signal.SIGKILL),
    "task stopped": _kill("task", how=signal.SIGSTOP),
    "supervisor killed": _kill("supervisor", how=signal.SIGKILL),
    "supervisor stopped": _kill("supervisor", how=signal.SIGSTOP),
    "task and supervisor killed": _kill("supervisor", "task", how=signal.SIGKILL),
    "operator's interrupt": _kill("task", how=signal.SIGINT),
}
CANNOT_VENT = ("stuck_valve", "kink")
"""No software can empty these: what counts is that it says so and keeps trying."""


NOBODY_NOTICES = {
    "alicat": (
        "supervisor killed",
        "supervisor stopped",
        "task and supervisor killed",
        *("drop", "corrupt", "freeze", "unplug"),
    ),
}
"""No watchdog and no finite program: only the independent valve empties the cuff (docs/devices)."""
WIRE = ("drop", "corrupt", "delay", "duplicate", "truncate", "freeze", "reset")
AIR = ("stuck_valve", "leak", "kink", "no_supply", "lie", "stuck_sensor")
NOT_THERE = {"contact": (*WIRE, *AIR)}
"""A contact says nothing: there are no words to damage, and what the air does nobody sees."""


@dataclass(frozen=True)
class Trial:
    """What one trial gave; times in milliseconds from the fault, ``None`` where it did not happen."""

    vent_ms: float | None
    empty_ms: float | None
    reason: str
    lost: int


class NotBegun(Exception):
    """A cuff that did not arm in time, on a machine that is too busy: no trial."""


def trial(driver: str, fault: str, seed: int, folder: Path) -> Trial:
    """Run one trial, once more if the cuff did not arm."""
    try:
        return one_trial(driver, fault, seed, folder)
    except NotBegun as error:
        print(error, file=sys.stderr, flush=True)
        return one_trial(driver, fault, seed + 1000, folder.with_name(f"{folder.name}-again"))


def one_trial(driver: str, fault: str, seed: int, folder: Path) -> Trial:
    """Run one trial."""
    folder.mkdir(parents=True)
    at_s = random.Random(seed).uniform(0.3, HOLD_S - 0.3)
    hold_s = LONG_HOLD_S if fault in SLOW else HOLD_S
    log, journal, faults = folder / "device.jsonl", folder / "journal.jsonl", []
    if fault in {kind.value for kind in FaultKind}:
        script = folder / "faults.yaml"
        entry = {"kind": fault, "into_s": round(at_s, 3)}
        script.write_text(json.dumps({"version": 1, "faults": [entry]}))
        faults = ["--faults", str(script)]
    device = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_task.py"), "emulate", driver),
            *("--seed", str(seed), "--log", str(log), *faults),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert device.stdout is not None
    words = device.stdout.readline().split(maxsplit=1)
    if len(words) != 2:
        raise NotBegun(f"{fault}: the emulated cuff did not start")
    port = words[1].strip()
    task = subprocess.Popen(
        [sys.executable, str(HOST), driver, port, str(journal), str(hold_s)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        return _watch(fault, at_s, task, log, journal)
    finally:
        for process in (task, device):
            if process.poll() is None and process is task:
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        task.wait()
        device.wait()


def _watch(fault: str, at_s: float, task: Any, log: Path, journal: Path) -> Trial:
    words = task.stdout.readline().split()
    if len(words) != 2:
        raise NotBegun(f"{fault}: the task did not find its cuff")
    supervisor = int(words[1])
    pids = {"task": task.pid, "supervisor": supervisor}
    closed_s = _first(log, "valve closed", 0.0, 15.0)
    if closed_s is None:
        said = [d.message for d in read_lines(journal).documents if isinstance(d, Note)]
        raise NotBegun(f"{fault}: the inflation did not begin; {' / '.join(said)[-1500:]}")
    if fault in PROCESS_FAULTS:
        time.sleep(max(0.0, closed_s + at_s - now_s()))
        fault_s = now_s()
        PROCESS_FAULTS[fault](pids)
    elif fault == "planned end":
        fault_s = closed_s + HOLD_S
    else:
        fault_s = _first(log, f"fault {fault}", 0.0, 10.0) or closed_s + at_s
    early_s = 0.1 if fault == "planned end" else 0.02
    before_s = _first(log, "valve open", closed_s, 0.02)
    if before_s is not None and before_s < fault_s - early_s:
        raise NotBegun(f"{fault}: the cuff was vented before anything was wrong")
    patience_s = EMPTY_WAIT_S if fault not in CANNOT_VENT else 16.0
    opened_s = _first(log, "valve open", fault_s - early_s, patience_s)
    empty_s = _first(log, "empty", fault_s - 0.02, patience_s if fault not in CANNOT_VENT else 0.1)
    reason = _reason(task, fault)
    if fault == "supervisor stopped":
        with contextlib.suppress(ProcessLookupError):  # the task has done it
            os.kill(supervisor, signal.SIGKILL)
    return Trial(_ms(fault_s, opened_s), _ms(fault_s, empty_s), reason, _lost(fault, journal))


def _lost(fault: str, journal: Path) -> int:
    """Count damaged lines of both records, and samples that are in neither but ought to be.

    What a troubled wire did not bring is missing in both; there, only the lines count.
    """
    files = [f for f in (journal, journal.with_name("supervisor.jsonl")) if f.exists()]
    records = [read_lines(file) for file in files]
    lines = sum(len(record.corrupt_lines) for record in records)
    blocks = (d for record in records for d in record.documents if isinstance(d, Samples))
    numbers = {number for block in blocks for number in block.counter}
    if fault in (*WIRE, "unplug") or not numbers:
        return lines
    return lines + max(numbers) - min(numbers) + 1 - len(numbers)


def _reason(task: Any, fault: str) -> str:
    """Return what the task said of it; a task that is dead or stopped says nothing."""
    if fault.startswith("task "):
        return "-"
    for line in task.stdout:
        if line.startswith(("fault", "ended")):
            return str(line).strip().removeprefix("fault ")
    return "-"


def _first(log: Path, what: str, from_s: float, wait_s: float) -> float | None:
    deadline_s = now_s() + wait_s
    while now_s() < deadline_s:
        if log.exists():
            for line in log.read_text().splitlines():
                event = json.loads(line)
                if event["what"] == what and event["time_s"] >= from_s:
                    return float(event["time_s"])
        time.sleep(0.01)
    return None


def _ms(from_s: float, to_s: float | None) -> float | None:
    return None if to_s is None else max(0.0, (to_s - from_s) * 1000)


def _times(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    q = quantiles(known)
    return f"{q['median']:.0f} / {q['p99']:.0f} / {q['max']:.0f}"


def main() -> None:
    """Run the campaign and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--driver", nargs="*", default=list(DRIVERS), help="names of devices")
    parser.add_argument("--only", nargs="*", default=None, help="names of faults")
    options = parser.parse_args()
    names = ["planned end", *PROCESS_FAULTS, *(kind.value for kind in FaultKind)]
    failed = False
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        for driver in options.driver:
            print(f"\n### {driver}\n\n{HEAD}", flush=True)
            for name in options.only or names:
                if name in NOT_THERE.get(driver, ()):
                    continue
                place = Path(folder) / driver / name.replace(" ", "-")
                trials = list(
                    pool.map(
                        lambda seed, driver=driver, name=name, place=place: trial(
                            driver, name, seed, place / str(seed)
                        ),
                        range(options.trials),
                    )
                )
                print(_row(driver, name, trials), flush=True)
                failed = failed or _is_bad(driver, name, trials)
    print("\nTimes: median / p99 / max, from the fault. 'valve open': the device let the air out.")
    sys.exit(failed)


HEAD = (
    "| fault | trials | valve open | valve open after ms | below 15 mmHg after ms | said | lost |\n"
    "|---|---|---|---|---|---|---|"
)


def _row(driver: str, name: str, trials: list[Trial]) -> str:
    opened = sum(trial.vent_ms is not None for trial in trials)
    said = ", ".join(sorted({trial.reason for trial in trials}))
    shown = f"{opened}, needs the independent valve" if _alone(driver, name) else str(opened)
    return (
        f"| {name} | {len(trials)} | {shown} | {_times([t.vent_ms for t in trials])}"
        f" | {_times([t.empty_ms for t in trials])} | {said} | {sum(t.lost for t in trials)} |"
    )


def _alone(driver: str, name: str) -> bool:
    return name in NOBODY_NOTICES.get(driver, ())


def _is_bad(driver: str, name: str, trials: list[Trial]) -> bool:
    opened = all(trial.vent_ms is not None for trial in trials)
    return not (opened or _alone(driver, name)) or any(trial.lost for trial in trials)


if __name__ == "__main__":
    main()
