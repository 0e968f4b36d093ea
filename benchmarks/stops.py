"""The participant's stop: how long from the key, the byte, or the grip that is let go, to the vent byte.

``benchmarks/stops.py [--trials 40] [--only NAME ...]`` starts the whole program in a window on a private
display, with its supervisor and an emulated reference cuff behind a pty, and does what a participant
does at a random instant of the inflation: real key events through XTEST, or bytes of an emulated
button box. All times are CLOCK_MONOTONIC, the event's own and that in the device's log.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import ROOT, display, quantiles

from hardware.clock import now_s

sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))
from outside import Fingers, Running, until

GENEROUS_S = 30.0
PROTOCOL = """
version: 1
name: stops
task: scc
strategy: none
language: en
scanner: {{tr_s: 1.0, volumes: 30}}
pressures: {{pain: {{mmhg: 120}}}}
run:
  - fixation: 0.5
  - inflate: {{to: pain, for_s: 15{rate}}}
  - fixation: 1
"""
RESPONSES = {
    "key": "{answers: keyboard, left: [left], right: [right], confirm: [return], stop: [s]}",
    "key grip": "{answers: keyboard, left: [left], right: [right], confirm: [return], stop: [s], grip: g}",
    "byte": '{{answers: serial, port: {port}, left: ["1"], right: ["2"], confirm: ["3"], stop: ["4"]}}',
    "byte grip": '{{answers: serial, port: {port}, left: ["1"], right: ["2"], confirm: ["3"], stop: ["4"],'
    " grip: g, release: {{g: G}}, repeat_s: 0.1}}",
}


class Participant:
    """Real keys, and a button box."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        Fingers.CODES["g"] = 42
        self.fingers = Fingers(environment["DISPLAY"])
        self.log = folder / "box.jsonl"
        self.box = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "run_task.py"), "emulate", "buttons"),
                *("--release", "g=G", "--repeat-hz", "30", "--log", str(self.log)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.box.stdout is not None
        self.port = self.box.stdout.readline().split(maxsplit=1)[1].strip()

    def key(self, key: str, *, down: bool) -> float:
        """Move a finger on the keyboard and return when."""
        from Xlib import X
        from Xlib.ext import xtest

        time_s = now_s()
        kind = X.KeyPress if down else X.KeyRelease
        xtest.fake_input(self.fingers.display, kind, Fingers.CODES[key])
        self.fingers.display.sync()
        return time_s

    def order(self, line: str) -> None:
        """Move a finger on the box."""
        assert self.box.stdin is not None
        self.box.stdin.write(line + "\n")
        self.box.stdin.flush()

    def sent_s(self, sign: str, from_s: float) -> float:
        """Return when the box sent a byte."""
        return _first(self.log, sign, from_s)

    def unplug(self) -> float:
        """Take the box away and return when."""
        time_s = now_s()
        self.box.kill()
        self.box.wait()
        return time_s

    def close(self) -> None:
        """Let everything go."""
        for pipe in (self.box.stdin, self.box.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.box.wait()
        with contextlib.suppress(Exception):  # what is down goes down once only
            for key in ("g", "s", "right"):
                self.key(key, down=False)
        self.fingers.display.close()


def _first(log: Path, what: str, from_s: float) -> float:
    """Return when a log first says something, waiting for it."""
    deadline_s = now_s() + GENEROUS_S
    while now_s() < deadline_s:
        for line in log.read_text().splitlines() if log.exists() else ():
            with contextlib.suppress(ValueError):  # the last line may be half there
                event = json.loads(line)
                if event["what"] == what and event["time_s"] >= from_s:
                    return float(event["time_s"])
        time.sleep(0.05)
    raise TimeoutError(f"{log.name} never said: {what}")


def _press_key(person: Participant) -> float:
    return person.key("s", down=True)


def _release_key(person: Participant) -> float:
    return person.key("g", down=False)


def _send_stop(person: Participant) -> float:
    asked_s = now_s()
    person.order("tap 4")
    return person.sent_s("4", asked_s)


def _release_byte(person: Participant) -> float:
    asked_s = now_s()
    person.order("up g")
    return person.sent_s("G", asked_s)


CASES: dict[str, tuple[str, bool, Callable[[Participant], float]]] = {
    "stop key": ("key", False, _press_key),
    "stop key, scale moving": ("key", True, _press_key),
    "grip key let go": ("key grip", False, _release_key),
    "stop byte": ("byte", False, _send_stop),
    "stop byte, scale moving": ("byte", True, _send_stop),
    "grip byte let go": ("byte grip", False, _release_byte),
    "button box unplugged": ("byte grip", False, Participant.unplug),
}
"""Name: the rig's responses, whether a scale is rated meanwhile (its marker glides), and what happens."""


@contextlib.contextmanager
def running(
    folder: Path, environment: dict[str, str], responses: str, *, rated: bool
) -> Iterator[Running]:
    """Run the program on a rig of our own until the body is over."""
    (folder / "text").mkdir(parents=True)
    texts = (ROOT / "protocols" / "text" / "en.yaml").read_text("utf-8")
    (folder / "text" / "en.yaml").write_text(texts, "utf-8")
    protocol, rig = folder / "stops.yaml", folder / "rig.yaml"
    protocol.write_text(PROTOCOL.format(rate=", rate: {scale: pain_now}" if rated else ""), "utf-8")
    plain = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    before, rest = plain.split("responses:")
    after = rest[rest.index("screen:") :]
    rig.write_text(f"{before}responses: {responses}\n\n{after}", "utf-8")
    run = Running(environment, folder / "data", protocol, "--rig", str(rig))
    try:
        yield run
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.communicate(timeout=GENEROUS_S)
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def one_trial(name: str, seed: int, folder: Path, environment: dict[str, str]) -> float:
    """Return milliseconds from what the participant does to the vent byte at the device."""
    responses, rated, act = CASES[name]
    folder.mkdir(parents=True)
    person = Participant(environment, folder)
    written = RESPONSES[responses]
    if "{port}" in written:
        written = written.format(port=person.port)
    chance = random.Random(seed)
    try:
        with running(folder, environment, written, rated=rated) as run:
            if "grip" in responses:
                until(
                    lambda: any(note["code"] == "grip" for note in run.kinds("note")),
                    what="that the grip is waited for",
                )
            if responses == "key grip":
                person.key("g", down=True)
            if responses == "byte grip":
                person.order("down g")
            run.wait_for_pressure()
            if rated:
                person.key("right", down=True) if responses == "key" else person.order("down 2")
            time.sleep(chance.uniform(0.2, 2.5))
            done_s = act(person)
            (log,) = run.source.glob("*_emulatedcuff.jsonl")
            return (_first(log, "vent byte", done_s) - done_s) * 1000
    finally:
        person.close()


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--only", nargs="*", default=None, help="names of rows")
    options = parser.parse_args()
    print("| what the participant does | n | min | median | p99 | max |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place, display() as environment:
        for name in options.only or CASES:
            values = [
                one_trial(name, seed, Path(place) / name.replace(" ", "-") / str(seed), environment)
                for seed in range(options.trials)
            ]
            q = quantiles(values)
            shown = " | ".join(f"{q[key]:.1f}" for key in ("min", "median", "p99", "max"))
            print(f"| {name} | {len(values)} | {shown} |", flush=True)
    print(
        "\nMilliseconds from the key event, or the byte on the wire, to the vent byte at the device."
    )


if __name__ == "__main__":
    main()
