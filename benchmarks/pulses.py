"""Pulses of 10 ms over each trigger, through a real run under load: missed, extra, error of the stamps.

``benchmarks/pulses.py [--pulses 1000] [--tr 0.46] [--source keyboard serial modem_line parallel lsl]``
For each source: an emulated scanner in a process of its own sends the pulses and logs when; the program runs
in a real window on a private display, draws scales that move and a new screen every half second,
inflates an emulated cuff whose supervisor streams samples, and syncs its journal, while a neighbour
writes 4 MB to the same disk and syncs it five times a second. Then the journal is compared with the
scanner's log: both are on the machine's monotonic clock.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

from measure import ROOT, display, journal, protocol, row

from hardware.clock import RealClock
from scc_task.emulated import EmulatorProcess

PULSE_MS = 10
STREAM = "scc-benchmark-scanner"
WAIT_S = 60.0
TRIGGERS = {
    "keyboard": '{trigger: keyboard, key: "5"}',
    "serial": '{trigger: serial, port: PORT, byte: "5"}',
    "modem_line": "{trigger: modem_line, port: PORT, line: cts, edge: rising}",
    "parallel": "{trigger: parallel, port: PORT, pin: 10, edge: rising}",
    "lsl": '{trigger: lsl, stream: PORT, marker: "5"}',
}
HEAD = """
version: 1
name: pulses
task: pulses
strategy: none
language: en
scanner: {tr_s: TR, volumes: VOLUMES, dummies: {count: 0, kind: silent}}
pressures: {pain: {mmhg: 120}}
limits: {}
cues:
  coming: {shape: triangle, color: yellow}
  pressure: {shape: square, color: red}
run:
"""
CYCLE_MS = 40_000
CYCLE = """  - trials:
      count: 1
      each:
        - inflate: {to: pain, for_s: 4, cue: pressure}
        - rate: {scale: intensity, for_s: 8}
        - rate: {scale: unpleasantness, for_s: 8}
  - trials:
      count: 20
      each:
        - fixation: 0.5
        - anticipation: {cue: coming, for_s: 0.5}
"""


@dataclass(frozen=True)
class Heard:
    """What the journal has of what was sent."""

    sent: int
    missed: int
    extra: int
    errors_ms: list[float]


def protocol_text(tr_s: float, pulses: int) -> str:
    """Return a protocol that ends just before the pulse after the last."""
    left_ms = round(tr_s * 1000 * pulses) - 50
    cycles, rest_ms = divmod(left_ms, CYCLE_MS)
    text = HEAD.replace("TR", str(tr_s)).replace("VOLUMES", str(pulses)) + CYCLE * cycles
    return text + f"  - fixation: {rest_ms / 1000}\n" * (rest_ms > 0)


def rig(folder: Path, source: str, port: str) -> Path:
    """Return the simulated room with another trigger, whose port is not ours to open."""
    text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    before, _, after = text.partition("\nscanner:")
    after = after[after.index("\nresponses:") :]
    path = folder / "rig.yaml"
    scanner = TRIGGERS[source].replace("PORT", f'"{port}"')
    path.write_text(f"{before}\nscanner: {scanner}\n{after}", "utf-8")
    return path


@contextlib.contextmanager
def busy_disk(folder: Path) -> Iterator[None]:
    """Write and sync all the while."""
    over = threading.Event()

    def write() -> None:
        with (folder / "neighbour").open("wb") as file:
            while not over.wait(0.2):
                file.seek(0)
                file.write(os.urandom(1 << 22))
                file.flush()
                os.fsync(file.fileno())

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def waits(data: Path, run: subprocess.Popen[bytes]) -> None:
    """Return once the run waits for the scanner."""
    clock = RealClock()
    end_s = clock.now_s() + WAIT_S
    while clock.now_s() < end_s:
        if run.poll() is not None:
            sys.exit(f"the run ended before it waited for the scanner, with {run.returncode}")
        with contextlib.suppress(ValueError, OSError):
            if any(d["type"] == "note" and d["code"] == "waiting" for d in journal(data)):
                return
        clock.sleep_until(clock.now_s() + 0.1)
    sys.exit("the run does not wait for the scanner")


def one_source(source: str, folder: Path, *, tr_s: float, pulses: int) -> Heard:
    """Run with one kind of trigger and compare."""
    folder.mkdir()
    log, data = folder / "scanner.jsonl", folder / "data"
    scanner = EmulatorProcess(
        *("scanner", "--trigger", source, "--tr", str(tr_s), "--count", str(pulses)),
        *("--pulse-ms", str(PULSE_MS), "--stream", STREAM, "--delay", "1", "--log", str(log)),
    )
    try:
        run = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "run_task.py"), "run"),
                str(protocol(folder, protocol_text(tr_s, pulses))),
                *("--rig", str(rig(folder, source, scanner.port))),
                *("--subject", "01", "--session", "bench", "--run", "1", "--data", str(data)),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        with busy_disk(folder):
            waits(data, run)
            scanner.start()
            if run.wait(tr_s * pulses + WAIT_S) != 0:
                stop = [d for d in journal(data) if d["type"] == "stop"]
                sys.exit(f"the run over {source} ended with {run.returncode}: {stop}")
    finally:
        scanner.close()
    sent = [loads(line) for line in log.read_text("utf-8").splitlines()]
    return compare(sent, [d for d in journal(data) if d["type"] == "pulse"], tr_s)


def compare(sent: Sequence[dict[str, Any]], heard: Sequence[dict[str, Any]], tr_s: float) -> Heard:
    """Give each pulse that was heard to the nearest that was sent; each is given once."""
    left = {n: float(line["time_s"]) for n, line in enumerate(sent)}
    errors_ms, extra = [], 0
    for document in heard:
        time_s = float(document["time_s"])
        nearest = min(left, key=lambda n: abs(left[n] - time_s), default=None)
        if nearest is None or abs(left[nearest] - time_s) > tr_s / 2:
            extra += 1
        else:
            errors_ms.append((time_s - left.pop(nearest)) * 1000)
    return Heard(sent=len(sent), missed=len(left), extra=extra, errors_ms=errors_ms)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pulses", type=int, default=1000)
    parser.add_argument("--tr", type=float, default=0.46)
    parser.add_argument("--source", nargs="+", choices=TRIGGERS, default=list(TRIGGERS))
    asked = parser.parse_args()
    with display() as environment, tempfile.TemporaryDirectory() as name:
        os.environ.update(environment)
        for source in asked.source:
            heard = one_source(source, Path(name) / source, tr_s=asked.tr, pulses=asked.pulses)
            what = f"{source}: sent {heard.sent} missed {heard.missed} extra {heard.extra}"
            print(row(what, heard.errors_ms), flush=True)


if __name__ == "__main__":
    main()
