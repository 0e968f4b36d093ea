"""A whole calibration as a participant meets it: a real window, a real clock, real key presses.

``benchmarks/calibrate_window.py [--p40 120] DATA`` needs a display that nobody uses. It
starts ``calibrate`` with an emulated cuff, watches the journal for the scales, presses the arrow keys and
Return for somebody whose pressure for 40 is known, accepts the result, and then gives a run at the
pressure that was kept. It takes about ten minutes: every inflation is followed by its rest.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from outside import Fingers, events_of

START = 50
WHO = ("--subject", "01", "--session", "pre")
PROGRAM = [sys.executable, str(ROOT / "run_task.py")]


def documents(data: Path) -> list[dict]:
    """Return what the journal holds so far."""
    return [
        json.loads(line[9:])
        for path in data.glob("sourcedata/sub-01/ses-pre/*_task-calibration_run-1_journal.jsonl")
        for line in path.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]


def feel(pressure_mmhg: float, p40_mmhg: float) -> int:
    """Return the rating of a person whose ratings rise by 0.8 for each mmHg."""
    return round(min(100.0, max(0.0, 40.0 + 0.8 * (pressure_mmhg - p40_mmhg))))


def calibrate(data: Path, p40_mmhg: float) -> int:
    """Calibrate with real key presses; return the exit code."""
    fingers = Fingers(os.environ["DISPLAY"])
    process = subprocess.Popen(
        [
            *(*PROGRAM, "calibrate", *WHO, "--data", str(data), "--windowed", "--by", "bench"),
            *("--rig", str(ROOT / "rigs" / "keyboard.yaml")),
        ],
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("accept\n")
    process.stdin.flush()
    rated: set[int] = set()
    while process.poll() is None:
        found = documents(data)
        asked = [d["pressure_mmhg"] for d in found if d["type"] == "requested"]
        scales = [d for d in found if d["type"] == "step" and d["kind"] == "rate"]
        if scales and scales[-1]["number"] not in rated:
            rated.add(scales[-1]["number"])
            time.sleep(0.4)
            moves = feel(asked[-1], p40_mmhg) - START
            for _ in range(abs(moves)):
                fingers.press("right" if moves > 0 else "left", for_s=0.01)
            fingers.press("return")
        time.sleep(0.1)
    return process.wait()


def main() -> None:
    """Calibrate, then run, and compare the pressures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p40", type=float, default=120.0)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    begun_s = time.monotonic()
    code = calibrate(options.data, options.p40)
    found = documents(options.data)
    ratings = [d["rating"] for d in found if d["type"] == "outcome"]
    print(f"exit code {code} after {time.monotonic() - begun_s:.0f} s, ratings {ratings}")
    run = subprocess.run(
        [
            *(*PROGRAM, "run", str(ROOT / "protocols" / "demo.yaml"), *WHO, "--run", "1"),
            *("--data", str(options.data), "--windowed"),
        ],
        check=False,
    )
    pains = [r["commanded_mmhg"] for r in events_of(options.data) if r["trial_type"] == "pain"]
    print(f"run: exit code {run.returncode}; P40 of the person {options.p40:g}, commanded {pains}")
    sys.exit(code or run.returncode)


if __name__ == "__main__":
    main()
