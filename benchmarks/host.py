"""The promises about the computer: how long until the cuff vents when the task dies, hangs, or is stopped.

``benchmarks/host.py [--trials 10] [--only NAME ...]`` runs a task that holds a pressure, its supervisor and
an emulated reference cuff in three processes, makes one thing happen at a random instant of the hold,
and reads the device's own log. The first rows are the reference: how long this machine takes, in the
same run, to tell one process that another was killed. Rows with a planned end count what must change
nothing: a full disk, a wall clock that jumps. Exit code 1: a promise was not kept.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kill import reference_ms
from measure import ROOT, quantiles

from hardware.clock import now_s
from hardware.stop_line import FOLDER

HOST = ROOT / "benchmarks" / "holding_task.py"
HOLD_S = 4.0
HOGS = 6
PATIENCE_MS = 500.0
"""The default of `InterlockSettings`, which the holding task uses."""
GENEROUS_S = 30.0


class Trial:
    """One task that holds a pressure, and what can be done to it.

    ``emulate``: more options for the emulated cuff. ``until_held``: begin only once it is under pressure.
    """

    def __init__(
        self,
        folder: Path,
        *,
        preload: Path | None,
        emulate: tuple[str, ...] = (),
        until_held: bool = True,
    ) -> None:
        folder.mkdir(parents=True)
        self.log, self.wall = folder / "device.jsonl", folder / "walljump"
        self.wall.write_bytes(struct.pack("q", 0))
        self.environment = {**os.environ, FOLDER: str(folder / "stop")}
        jumping = {"LD_PRELOAD": str(preload), "WALLJUMP": str(self.wall)} if preload else {}
        self.device = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "run_task.py"),
                "emulate",
                "reference",
                "--log",
                str(self.log),
                *emulate,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.device.stdout is not None
        port = self.device.stdout.readline().split(maxsplit=1)[1].strip()
        journal = folder / "journal.jsonl"
        self.task = subprocess.Popen(
            [sys.executable, str(HOST), "reference", port, str(journal), str(HOLD_S)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**self.environment, **jumping},
        )
        assert self.task.stdout is not None
        self.supervisor = int(self.task.stdout.readline().split()[1])
        self.closed_s = (self.first("valve closed", 0.0) or 0.0) if until_held else now_s()

    def first(self, what: str, from_s: float) -> float | None:
        """Return when the device first says something, waiting for it."""
        deadline_s = now_s() + GENEROUS_S
        while now_s() < deadline_s:
            for line in self.log.read_text().splitlines() if self.log.exists() else ():
                event = json.loads(line)
                if event["what"] == what and event["time_s"] >= from_s:
                    return float(event["time_s"])
            time.sleep(0.02)
        return None

    def close(self) -> None:
        """End everything that was started."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.task.pid, signal.SIGCONT)
        self.task.kill()
        self.task.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.supervisor, signal.SIGCONT)
        for pipe in (self.device.stdin, self.device.stdout, self.task.stdout):
            if pipe is not None:
                pipe.close()
        self.device.wait()


def _signal(how: signal.Signals) -> Callable[[Trial], None]:
    return lambda trial: os.kill(trial.task.pid, how)


def _stop(trial: Trial) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "run_task.py"), "stop"],
        env=trial.environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _stop_past_a_stopped_task(trial: Trial) -> None:
    os.kill(trial.task.pid, signal.SIGSTOP)
    _stop(trial)


def _fill_the_supervisors_disk(trial: Trial) -> None:
    resource.prlimit(trial.supervisor, resource.RLIMIT_FSIZE, (1, 1))


def _kill_on_a_full_disk(trial: Trial) -> None:
    for pid in (trial.supervisor, trial.task.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, 1))
    os.kill(trial.task.pid, signal.SIGKILL)


def _jump(trial: Trial) -> None:
    for jump_s in (3600, -7200, 86400):
        trial.wall.write_bytes(struct.pack("q", jump_s))
        time.sleep(0.3)


def _kill_after_a_jump(trial: Trial) -> None:
    trial.wall.write_bytes(struct.pack("q", -7200))
    os.kill(trial.task.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that happens, and within how many milliseconds the vent byte is at the device.

    ``planned``: nothing may change, and the limit is for the planned end.
    """

    act: Callable[[Trial], None]
    limit_ms: float
    loaded: bool = False
    planned: bool = False
    jumps: bool = False


CASES = {
    "task killed": Case(_signal(signal.SIGKILL), 50.0),
    "task killed, 6 hogs": Case(_signal(signal.SIGKILL), 250.0, loaded=True),
    "task stopped": Case(_signal(signal.SIGSTOP), PATIENCE_MS + 100.0),
    "task stopped, 6 hogs": Case(_signal(signal.SIGSTOP), PATIENCE_MS + 100.0, loaded=True),
    "task hung in C": Case(_signal(signal.SIGUSR1), PATIENCE_MS + 100.0),
    "stop command": Case(_stop, 500.0),
    "stop command, 6 hogs": Case(_stop, 2000.0, loaded=True),
    "stop command, task stopped": Case(_stop_past_a_stopped_task, 500.0),
    "supervisor's disk full": Case(_fill_the_supervisors_disk, 100.0, planned=True),
    "disk full, then task killed": Case(_kill_on_a_full_disk, 50.0),
    "wall clock jumps": Case(_jump, 100.0, planned=True, jumps=True),
    "wall clock jumps, then task killed": Case(_kill_after_a_jump, 50.0, jumps=True),
}


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep the processors busy."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.5 if started else 0.0)
        yield
    finally:
        for hog in started:
            hog.kill()
            hog.wait()


def shim(folder: Path) -> Path | None:
    """Compile what makes the wall clock jump; ``None`` without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made, source = folder / "walljump.so", ROOT / "benchmarks" / "walljump.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def one_trial(case: Case, seed: int, folder: Path, preload: Path | None) -> float | None:
    """Return milliseconds from the event to the vent, or by how much a planned end was off."""
    trial = Trial(folder, preload=preload if case.jumps else None)
    try:
        with hogs(HOGS if case.loaded else 0):
            at_s = trial.closed_s + random.Random(seed).uniform(0.6, HOLD_S - 1.5)
            time.sleep(max(0.0, at_s - now_s()))
            event_s = now_s()
            case.act(trial)
            if case.planned:
                vented_s = trial.first("valve open", trial.closed_s)
                return None if vented_s is None else abs(vented_s - trial.closed_s - HOLD_S) * 1000
            vented_s = trial.first("vent byte", event_s)
            return None if vented_s is None else (vented_s - event_s) * 1000
    finally:
        trial.close()


def row(name: str, values: list[float | None], limit_ms: float | None) -> str:
    """Return a line of the table."""
    known = [value for value in values if value is not None]
    figures = " | ".join(
        f"{quantiles(known)[key]:.1f}" if known else "-" for key in ("min", "median", "p99", "max")
    )
    limit = "-" if limit_ms is None else f"{limit_ms:.0f}"
    missed = len(values) - sum(limit_ms is None or value <= limit_ms for value in known)
    return f"| {name} | {limit} | {len(values)} | {figures} | {missed} |"


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=None, help="names of rows")
    options = parser.parse_args()
    kept = True
    print("| what happens | promise ms | n | min | median | p99 | max | missed |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        preload = shim(Path(place))
        print(row("reference: a killed process is seen", [*reference_ms(options.trials)], None))
        with hogs(HOGS):
            loaded = [*reference_ms(options.trials)]
        print(row("reference, 6 hogs", loaded, None), flush=True)
        for name in options.only or CASES:
            case = CASES[name]
            if case.jumps and preload is None:
                print(f"| {name} | no C compiler: not measured | | | | | | |")
                continue
            values = [
                one_trial(case, seed, Path(place) / name.replace(" ", "-") / str(seed), preload)
                for seed in range(options.trials)
            ]
            print(row(name, values, case.limit_ms), flush=True)
            kept = kept and all(v is not None and v <= case.limit_ms for v in values)
    print(
        "\nMilliseconds from the event to the vent byte at the device, or by which the planned end was off."
    )
    sys.exit(not kept)


if __name__ == "__main__":
    main()
