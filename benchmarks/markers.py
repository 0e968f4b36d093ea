"""Markers: the recorder's log against the journal, a stuck port, and LSL in a second process.

``benchmarks/markers.py [--trials 8]`` runs the same protocol in a real window on a private display: with an
emulated recorder and LSL outlets that ``lsl_listener.py`` records; with markers to a port that is full and
that nobody reads; and with no markers at all. All times are on one clock. Printed are, for each kind of
marker, how late the code reached the recorder after the event and after the journal's ``written_s``; pulse
widths; flips and vents with and without the stuck port; and LSL's losses and offsets. Exit code 1: a code or
sample was lost, or the recorder and the journal disagree.
"""

import argparse
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import tty
from collections import defaultdict
from pathlib import Path
from typing import Any

from measure import ROOT, device_log, display, journal, protocol, row

LISTENER = ROOT / "benchmarks" / "lsl_listener.py"
QUIET = "[multicast]\nResolveScope = machine\n[lab]\nKnownPeers = {127.0.0.1}\n[log]\nlevel = -2\n"
PROTOCOL = """
version: 1
name: markers
task: markers
strategy: none
language: en
scanner: {tr_s: 1.0, volumes: VOLUMES, dummies: {count: 0, kind: silent}}
pressures: {pain: {mmhg: 120}}
limits: {}
cues:
  coming: {shape: triangle, color: yellow}
  pressure: {shape: square, color: red}
run:
  - trials:
      count: COUNT
      each:
        - fixation: 0.5
        - anticipation: {cue: coming, for_s: 1}
        - inflate: {to: pain, for_s: 4, cue: pressure}
        - fixation: 2
        - rate: {scale: intensity, for_s: 2}
        - fixation: 1
        - rate: {scale: unpleasantness, for_s: 2}
        - fixation: 25
"""
TRIAL_S = 37.5
KINDS = {
    1: "cue",
    2: "inflate",
    3: "at_target",
    4: "vent",
    5: "below_15",
    6: "rating_on",
    7: "rating_off",
    8: "run_start",
    9: "time_zero",
    10: "run_end",
}


def full_port() -> tuple[int, int]:
    """Return both ends of a pseudo-terminal that takes no byte more."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(slave, False)
    # the kernel moves bytes on behind our back and has room again, for a while
    while select.select([], [slave], [], 0.3)[1]:
        with contextlib.suppress(BlockingIOError):
            os.write(slave, bytes(4096))
    return master, slave


class Run:
    """One run in a window, from outside."""

    def __init__(
        self, folder: Path, trials: int, environment: dict[str, str], extra: str, *, lsl: bool
    ) -> None:
        folder.mkdir()
        rig = folder / "rig.yaml"
        text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
        room = f"bench-{os.getpid()}-{folder.name}"
        text = text.replace("name: simulated", f"name: {room}")
        rig.write_text(f"{text}\n{extra}\n{'lsl: true' if lsl else ''}\n", "utf-8")
        config = folder / "lsl_api.cfg"
        config.write_text(QUIET)
        environment = {**environment, "LSLAPICFG": str(config)}
        script = PROTOCOL.replace("COUNT", str(trials)).replace(
            "VOLUMES", str(int(trials * TRIAL_S) + 5)
        )
        data = folder / "data"
        task = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "run_task.py"), "run", str(protocol(folder, script))),
                *("--subject", "01", "--session", "bench", "--run", "1", "--data", str(data)),
                *("--rig", str(rig), "--seed", "1"),
            ],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        heard = folder / "heard.jsonl"
        if lsl:
            listener = subprocess.Popen(
                [sys.executable, str(LISTENER), room, str(heard)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            assert listener.stdin is not None
            assert listener.stdout is not None
            print("listener:", listener.stdout.readline().strip())
        code = task.wait()
        if lsl:
            listener.stdin.close()
            listener.wait()
        if code:
            stops = [d for d in journal(data) if d["type"] == "stop"]
            sys.exit(f"the run ended with exit code {code}: {stops}")
        self.documents, self.device = journal(data), device_log(data)
        logs = [*data.glob("sourcedata/*/*/*_emulatedrecorder.jsonl")]
        self.recorder = [json.loads(x) for log in logs for x in log.read_text().splitlines()]
        self.heard = [json.loads(x) for x in heard.read_text().splitlines()] if lsl else []

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """Return the documents of one type."""
        return [d for d in self.documents if d["type"] == kind]

    def timing_ms(self) -> dict[str, list[float]]:
        """Return what must not change: flips and vents against the plan."""
        steps, commands = self.kinds("step"), self.kinds("command")
        ends = [c for c in commands if c["command"] == "end"]
        opened = [e["time_s"] for e in self.device if e["what"] == "valve open"]
        first = [next(t for t in opened if t >= c["sent_s"] - 0.05) for c in ends]
        shown = [m for m in self.kinds("marker") if m["kind"] in ("cue", "rating_on", "rating_off")]
        return {
            "marker handed over - flip": [(m["handed_s"] - m["event_s"]) * 1000 for m in shown],
            "flip - plan": [(s["flip_s"] - s["planned_s"]) * 1000 for s in steps],
            "vent command - plan": [(c["sent_s"] - c["planned_s"]) * 1000 for c in ends],
            "valve open - plan": [
                (t - c["planned_s"]) * 1000 for t, c in zip(first, ends, strict=True)
            ],
        }


def against_the_recorder(run: Run) -> bool:
    """Print the recorder's log against the journal; return whether they agree."""
    sent = [m for m in run.kinds("marker") if m["code"] is not None]
    codes = [m["code"] for m in sent if m["written_s"] is not None]
    seen = [line["code"] for line in run.recorder]
    print(f"\ncodes written {len(codes)}, recorded {len(seen)}, the same: {codes == seen}")
    if codes != seen or len(codes) != len(sent):
        return False
    late: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for marker, line in zip(sent, run.recorder, strict=True):
        at = line["time_s"]
        for kind in (marker["kind"], "all"):
            late["recorder - event"][kind].append((at - marker["event_s"]) * 1000)
            late["recorder - handed"][kind].append((at - marker["handed_s"]) * 1000)
            late["recorder - written"][kind].append((at - marker["written_s"]) * 1000)
    for what, kinds in late.items():
        print(f"\n{what}")
        for kind in [*KINDS.values(), "all"]:
            if kinds[kind]:
                print(row(f"  {kind}", kinds[kind]))
    widths = [line["width_ms"] for line in run.recorder if line["width_ms"] is not None]
    print(row("\npulse width (10 ms asked for)", widths))
    return True


def over_lsl(run: Run) -> bool:
    """Print what the second process has heard; return whether it has heard everything."""
    *lines, last = run.heard
    markers = [m for m in run.kinds("marker") if m["output"] == "LSL"]
    words = [line["value"][0] for line in lines if line["stream"] == "markers"]
    missed_start = words and words[0] != "run_start"  # it may have opened its inlet later
    expected = [m["kind"] for m in markers][1 if missed_start else 0 :]
    pressure = [line for line in lines if line["stream"] == "cuff"]
    arrivals = [
        (time_s, measured)
        for block in run.kinds("samples")
        for time_s, measured in zip(block["arrival_s"], block["measured_mmhg"], strict=True)
        if time_s > pressure[0]["stamp_s"] - 0.009
    ]
    # LSL's comparison of the clocks wanders on a busy machine; the samples are 20 ms apart
    stamps = {round(line["stamp_s"], 3) for line in pressure}
    near = [number / 1000 for number in range(-9, 10)]
    lost = sum(not ({round(t + d, 3) for d in near} & stamps) for t, _ in arrivals)
    print(f"\nLSL: markers heard {len(words)} of {len(expected)}, in order: {words == expected}")
    print(
        f"LSL: pressure samples {len(arrivals)} in the journal since the first that came, lost {lost}"
    )
    stamped = [line["stamp_s"] for line in lines if line["stream"] == "markers"]
    events = [m["event_s"] for m in markers][-len(stamped) :]
    print(row("stamp - event", [(a - b) * 1000 for a, b in zip(stamped, events, strict=True)]))
    began_s = min(line["arrived_s"] for line in lines)  # what came before had waited for it
    waits = [
        (line["arrived_s"] - line["stamp_s"]) * 1000 for line in lines if line["stamp_s"] > began_s
    ]
    print(row("arrival in the other process - stamp", waits))
    for stream, offset_s in last["offsets_s"].items():
        print(f"LSL's offset between the two processes, {stream}: {offset_s * 1e6:.1f} us")
    return words == expected and lost == 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8)
    trials = parser.parse_args().trials
    master, slave = full_port()
    stuck = f"markers:\n  - {{to: serial, port: {os.ttyname(slave)}}}"
    with display() as environment, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        recorded = Run(
            folder / "recorded",
            trials,
            environment,
            "markers:\n  - {to: serial, port: emulated}",
            lsl=True,
        )
        good = against_the_recorder(recorded)
        good = over_lsl(recorded) and good
        timings = {
            "no markers": Run(folder / "none", trials, environment, "", lsl=False),
            "recorder and LSL": recorded,
            "stuck port": Run(folder / "stuck", trials, environment, stuck, lsl=False),
        }
        for name, run in timings.items():
            print(f"\n{name}")
            for what, values in run.timing_ms().items():
                print(row(f"  {what}", values))
        notes = [
            n["message"] for n in timings["stuck port"].kinds("note") if "markers" in n["code"]
        ]
        print("\nnotes of the stuck port:", *notes, sep="\n  ")
        good = good and len(notes) == 2
    for end in (master, slave):
        os.close(end)
    sys.exit(not good)


if __name__ == "__main__":
    main()
