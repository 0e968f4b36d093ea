"""SIGKILL of the task at random instants: how long until the vent reaches the device, and what is left.

``benchmarks/kill.py [--kills 50]`` starts real-clock runs in a real window on the simulated rig, kills
the task process at a random instant of each, and reads the emulated device's own log. Then it
recovers the dataset and validates it. The reference, measured in the same run, is how long this
machine takes to tell one process that another was killed.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, device_log, display, journal, protocol, quantiles, row

from hardware.clock import now_s
from scc_task.record.read import read_journal
from scc_task.record.validate import validate_dataset

PROTOCOL = """
version: 1
name: kill
task: kill
strategy: compassion
language: en
scanner: {tr_s: 0.5, volumes: 40, dummies: {count: 0, kind: silent}}
pressures: {pain: {mmhg: 120}}
cues:
  pressure_coming: {shape: triangle, color: yellow}
  pressure_on: {shape: square, color: red}
run:
  - show: {text: self_compassion, for_s: 1, trial_type: instruction}
  - trials:
      count: 1
      each:
        - anticipation: {cue: pressure_coming, for_s: 1.5}
        - inflate: {to: pain, for_s: 6, cue: pressure_on}
        - fixation: 1
        - rate: {scale: intensity, for_s: 3}
"""
LENGTH_S = 12.5


def reference_ms(count: int) -> list[float]:
    """Return how long the end of a killed process takes to be seen through a pipe."""
    found = []
    for _ in range(count):
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.02)
        before_s = now_s()
        child.kill()
        child.stdout.read()
        found.append((now_s() - before_s) * 1000)
        child.wait()
        child.stdout.close()
    return found


def wait_for_zero(data: Path, process: subprocess.Popen[bytes]) -> float:
    """Return time zero of the run, once its journal has it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if list(data.glob("sourcedata/*/*/*_journal.jsonl")):
            zero = [d["time_s"] for d in journal(data) if d["type"] == "time_zero"]
            if zero:
                return float(zero[0])
        time.sleep(0.02)
    raise SystemExit("the run did not start")


def one_kill(folder: Path, at_s: float, environment: dict[str, str]) -> tuple[float, str, int]:
    """Return milliseconds from the kill to the vent, the valve before it, and documents recovered."""
    data = folder / "data"
    process = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_task.py"), "run", str(protocol(folder, PROTOCOL))),
            *("--subject", "01", "--session", "kill", "--run", "1", "--data", str(data)),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    zero_s = wait_for_zero(data, process)
    time.sleep(max(0.0, zero_s + at_s - now_s()))
    killed_s = now_s()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    vented_s = None
    deadline = time.monotonic() + 15
    while vented_s is None and time.monotonic() < deadline:
        after = [e for e in device_log(data) if e["time_s"] >= killed_s]
        vented_s = next((e["time_s"] for e in after if e["what"] == "vent byte"), None)
        time.sleep(0.02)
    if vented_s is None:
        raise SystemExit(f"NO VENT after a kill at {at_s:.3f} s")
    moves = [
        e["what"] for e in device_log(data) if e["time_s"] < killed_s and e["what"][:5] == "valve"
    ]
    closed = bool(moves) and moves[-1] == "valve closed"
    if closed and not any(
        e["what"] == "valve open" and e["time_s"] >= killed_s for e in device_log(data)
    ):
        raise SystemExit("THE VALVE STAYED CLOSED")
    whole = len(journal(data))
    subprocess.run(
        [sys.executable, str(ROOT / "run_task.py"), "recover", str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (path,) = data.glob("sourcedata/*/*/*_journal.jsonl")
    contents = read_journal(path)
    if len(contents.documents) != whole or contents.corrupt_lines:
        raise SystemExit(f"{whole} documents on disk, {len(contents.documents)} recovered")
    problems = validate_dataset(data)
    if problems:
        raise SystemExit(f"not valid: {problems}")
    return (vented_s - killed_s) * 1000, "inflated" if closed else "deflated", whole


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    times: dict[str, list[float]] = {"inflated": [], "deflated": []}
    documents = 0
    with display() as environment, tempfile.TemporaryDirectory() as folder:
        reference = reference_ms(20)
        for number in range(options.kills):
            at_s = source.uniform(0.0, LENGTH_S - 0.3)
            taken_ms, valve, whole = one_kill(Path(folder) / str(number), at_s, environment)
            times[valve].append(taken_ms)
            documents += whole
            print(f"  kill {number + 1} at {at_s:.2f} s, {valve}: {taken_ms:.2f} ms", flush=True)
    print(row("reference: a killed process is seen", reference))
    for valve, values in times.items():
        print(row(f"kill to vent byte at the device, {valve}", values))
    every = times["inflated"] + times["deflated"]
    print(row("kill to vent byte at the device, all", every))
    ratio = quantiles(every)["median"] / quantiles(reference)["median"]
    print(f"median / reference {ratio:.1f}; {documents} documents recovered of {documents} on disk")
    print("every recovered dataset valid: 0 errors, 0 warnings")


if __name__ == "__main__":
    main()
