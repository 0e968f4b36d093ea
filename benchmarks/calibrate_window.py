"""A whole calibration as a participant meets it: a real window, a real clock, real key presses.

``benchmarks/calibrate_window.py [--short] [--p40 120] DATA`` needs a display that nobody uses. It starts
``calibrate`` with an emulated cuff, follows the journal, presses the arrow keys and Return for somebody
whose pressure for 40 is known, accepts the result, and then gives a run at the pressure that was kept. It
ends with 0 if every commanded pressure of the run is the stored one and the dataset is valid.

With the shipped protocols it takes about twelve minutes: every inflation is followed by its rest.
``--short`` takes three inflations of 3 s and a run of 20 s: two and a half minutes.
Nothing waits for a fixed time: it goes on when the journal says so, so a loaded machine may be slow.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from measure import ROOT

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from outside import SHORT, Fingers, events_of

from scc_task.protocol.load import load_rig
from scc_task.record.validate import validate_dataset

WHO = ("--subject", "01", "--session", "pre")
PROGRAM = [sys.executable, str(ROOT / "run_task.py")]
RIG = ROOT / "rigs" / "keyboard.yaml"
START = 50
TAP_S = 0.08
"""Longer than contacts may bounce."""
IMAGINED = (10, 40, 80)
"""Ratings of the practice."""


def documents(data: Path) -> list[dict[str, Any]]:
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


def short_protocols(folder: Path) -> tuple[Path, Path]:
    """Write a calibration of three short inflations, and a run of one; return both."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "protocols" / "text", folder / "text")
    shipped = (ROOT / "protocols" / "calibration-fixed.yaml").read_text("utf-8")
    model = yaml.safe_load(shipped)
    model |= {"name": "calibration-short", "practice": False, "instructions": ["calibration"]}
    model["stimulus"]["hold_s"] = 3
    model["rating"]["for_s"] = 6
    model["familiarise"] = {"mmhg": 80, "hold_s": 3, "count": 0}
    model["fixed"] = {"levels_mmhg": [60, 80, 100], "until": 60}
    model["gates"]["points"] = 3
    calibration, run = folder / "calibration.yaml", folder / "run.yaml"
    calibration.write_text(yaml.safe_dump(model, sort_keys=False), "utf-8")
    run.write_text(SHORT.replace("{mmhg: 120}", "{rating: 40}"), "utf-8")
    return calibration, run


class Participant:
    """Somebody who sees the scales in the journal and answers with key presses."""

    def __init__(self, data: Path, p40_mmhg: float) -> None:
        self._data, self._p40_mmhg = data, p40_mmhg
        self._fingers = Fingers(os.environ["DISPLAY"])
        self._hands = load_rig(RIG).model.responses
        self._seen: set[int] = set()
        self._offers = 0

    def act(self) -> None:
        """Answer the newest scale, and for the operator the newest question."""
        found = documents(self._data)
        scales = [d["number"] for d in found if d["type"] == "step" and d["kind"] == "rate"]
        if scales and scales[-1] not in self._seen:
            self._seen.add(scales[-1])
            self._rate(self._wanted(found))
        offers = [d for d in found if d["type"] == "offered"]
        if len(offers) > self._offers:
            self._offers = len(offers)
            if offers[-1]["repeat_mmhg"] is not None:
                self._fingers.press("y")

    def _wanted(self, found: list[dict[str, Any]]) -> int:
        asked = [d["pressure_mmhg"] for d in found if d["type"] == "requested"]
        if asked:
            return feel(asked[-1], self._p40_mmhg)
        return IMAGINED[len(self._seen) - 1]

    def _rate(self, wanted: int) -> None:
        moves = wanted - START
        key, far = "right" if moves > 0 else "left", abs(moves)
        if far > 3:  # held, the marker glides
            self._fingers.press(key, for_s=self._hands.hold_after_s + far / self._hands.speed_per_s)
        else:
            for _ in range(far):
                self._fingers.press(key, for_s=TAP_S)
                time.sleep(TAP_S)
        self._fingers.press("return", for_s=TAP_S)


def calibrate(data: Path, protocol: Path, p40_mmhg: float) -> int:
    """Calibrate with real key presses; return the exit code."""
    participant = Participant(data, p40_mmhg)
    process = subprocess.Popen(
        [
            *(*PROGRAM, "calibrate", str(protocol), *WHO, "--data", str(data), "--windowed"),
            *("--by", "bench", "--rig", str(RIG), "--seed", "1"),
        ],
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("accept\n")
    process.stdin.flush()
    while process.poll() is None:
        participant.act()
        time.sleep(0.1)
    return process.wait()


def stored_p40_mmhg(data: Path) -> float | None:
    """Return the pressure that was kept, if one was."""
    for path in data.glob("sourcedata/sub-01/ses-pre/*_revision-1_calibration.yaml"):
        targets = yaml.safe_load(path.read_text("utf-8"))["targets"]
        return next((float(t["mmhg"]) for t in targets if t["rating"] == 40), None)
    return None


def main() -> None:
    """Calibrate, then run, and compare the pressures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p40", type=float, default=None)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    protocols = ROOT / "protocols"
    calibration, run_file = protocols / "calibration.yaml", protocols / "demo.yaml"
    if options.short:
        calibration, run_file = short_protocols(
            options.data.with_name(f"{options.data.name}-short")
        )
    p40_mmhg = options.p40 or (85.0 if options.short else 120.0)
    begun_s = time.monotonic()
    code = calibrate(options.data, calibration, p40_mmhg)
    found = documents(options.data)
    ratings = [d["rating"] for d in found if d["type"] == "outcome"]
    took_s = time.monotonic() - begun_s
    print(f"calibrate: exit code {code} after {took_s:.0f} s, ratings {ratings}", flush=True)
    kept = stored_p40_mmhg(options.data)
    if kept is None:
        sys.exit("nothing was kept")
    run = subprocess.run(
        [
            *(*PROGRAM, "run", str(run_file), *WHO, "--run", "1", "--data", str(options.data)),
            *("--windowed", "--rig", str(ROOT / "rigs" / "simulated.yaml")),
        ],
        check=False,
    )
    pains = [r["commanded_mmhg"] for r in events_of(options.data) if r["trial_type"] == "pain"]
    problems = validate_dataset(options.data)
    print(
        f"run: exit code {run.returncode}; P40 of the person {p40_mmhg:g}, kept {kept:g}, "
        f"commanded {pains} mmHg; dataset: {problems or 'valid'}"
    )
    same = bool(pains) and all(float(p) == kept for p in pains)
    sys.exit(0 if same and not problems and run.returncode == 0 and code == 0 else 1)


if __name__ == "__main__":
    main()
