"""Planned against real onsets, on the screen and on the cuff's wire, over a real 60-s run.

``benchmarks/onsets.py [--seconds 60]`` runs twice in a real window on a private display: once as
it is, once with the render loop blocked for 200 ms every second, around the moments at which
commands are due. Commands to the cuff must not move. The reference, measured in the same run, is a
bare loop that sleeps until the same onsets.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, device_log, display, journal, protocol, quantiles, row

from hardware.clock import RealClock

HEAD = """
version: 1
name: onsets
task: onsets
strategy: none
language: en
scanner: {tr_s: 1.0, volumes: 200, dummies: {count: 0, kind: silent}}
pressures: {pain: {mmhg: 120}}
limits: {}
cues:
  coming: {shape: triangle, color: yellow}
  pressure: {shape: square, color: red}
run:
  - fixation: 4
"""
INFLATION = "  - inflate: {to: pain, for_s: 4, cue: pressure}\n"
FLIPS = """  - trials:
      count: COUNT
      each:
        - fixation: 0.5
        - anticipation: {cue: coming, for_s: 0.5}
"""

BLOCKED = """
import os, sys, time
from scc_task.cli import main
from scc_task.engine import Engine

handed_over = Engine._hand_over
log = open(os.environ["SCC_BLOCKS"], "w", buffering=1)

def blocked(self, zero_s, now_s):
    handed_over(self, zero_s, now_s)
    # from 0.1 s before to 0.1 s after each whole second: that is where the commands are
    if (now_s - zero_s + 0.1) % 1.0 < 0.05:
        began = time.monotonic()
        time.sleep(0.2)
        print(began, time.monotonic(), file=log)

Engine._hand_over = blocked
sys.exit(main())
"""


def sixty_seconds(seconds: int) -> str:
    """Return a protocol of that length: two inflations 34 s apart, a new screen every 0.5 s."""
    between, after = 34, seconds - 4 - 4 - 34 - 4
    if after < 1:
        sys.exit("--seconds must be 47 or more: the gap between two inflations is 30 s")
    text = HEAD + INFLATION + FLIPS.replace("COUNT", str(between)) + INFLATION
    return text + FLIPS.replace("COUNT", str(after))


def inside_blocks(data: Path, blocks: Path) -> tuple[int, int]:
    """Return how many planned steps and commands fell into a block of the render loop."""
    spans = [tuple(map(float, line.split())) for line in blocks.read_text().splitlines()]

    def blocked(planned_s: float) -> bool:
        return any(from_s <= planned_s <= to_s for from_s, to_s in spans)

    documents = journal(data)
    steps = [d["planned_s"] for d in documents if d["type"] == "step"]
    commands = [
        d["planned_s"] for d in documents if d["type"] == "command" and d["planned_s"] is not None
    ]
    return sum(map(blocked, steps)), sum(map(blocked, commands))


def one_run(folder: Path, seconds: int, environment: dict[str, str], *, script: str) -> Path:
    """Run the protocol in a window and return the data folder."""
    folder.mkdir()
    environment = {**environment, "SCC_BLOCKS": str(folder / "blocks")}
    start = ["-c", script] if script else [str(ROOT / "run_task.py")]
    data = folder / "data"
    subprocess.run(
        [
            *(sys.executable, *start, "run", str(protocol(folder, sixty_seconds(seconds)))),
            *("--subject", "01", "--session", "bench", "--run", "1", "--data", str(data)),
        ],
        env=environment,
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return data


def errors_ms(data: Path) -> dict[str, list[float]]:
    """Return planned-to-real errors of flips, of commands on the wire, and of the valve."""
    documents = journal(data)
    steps = [d for d in documents if d["type"] == "step"]
    commands = [d for d in documents if d["type"] == "command" and d["planned_s"] is not None]
    valve = [e for e in device_log(data) if e["what"].startswith("valve")]
    return {
        "screen: flip - plan": [(s["flip_s"] - s["planned_s"]) * 1000 for s in steps],
        "cuff: command on the wire - plan": [
            (c["sent_s"] - c["planned_s"]) * 1000 for c in commands
        ],
        "cuff: acknowledged - plan": [
            (c["acknowledged_s"] - c["planned_s"]) * 1000 for c in commands
        ],
        "cuff: the device's valve - plan": [
            (e["time_s"] - c["planned_s"]) * 1000 for e, c in zip(valve, commands, strict=True)
        ],
    }


def reference_ms(count: int) -> list[float]:
    """Return by how much a bare loop misses onsets every 0.1 s: the machine, not the program."""
    clock = RealClock()
    start_s, found = clock.now_s() + 0.1, []
    for number in range(count):
        due_s = start_s + number * 0.1
        clock.sleep_until(due_s)
        found.append((clock.now_s() - due_s) * 1000)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with display() as environment, tempfile.TemporaryDirectory() as folder:
        reference = reference_ms(100)
        print(row("reference: a bare sleep until the onset", reference))
        base = quantiles(reference)["median"]
        for name, script in (("free", ""), ("blocked 200 ms every second", BLOCKED)):
            data = one_run(Path(folder) / name.split()[0], seconds, environment, script=script)
            print(f"\nrender loop {name}")
            for what, values in errors_ms(data).items():
                median = quantiles(values)["median"]
                print(row(what, values), f"  median / reference {median / base:6.1f}")
            if script:
                steps, commands = inside_blocks(data, Path(folder) / "blocked" / "blocks")
                print(f"planned inside a block: {steps} steps, {commands} commands")
                if not commands:
                    sys.exit("no command fell into a block: this proves nothing")


if __name__ == "__main__":
    main()
