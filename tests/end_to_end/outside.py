"""The program as a process, seen from outside, and somebody at its keyboard."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "run_task.py"
GENEROUS_S = 60.0

SHORT = """
version: 1
name: short
task: scc
strategy: compassion
language: en
scanner: {tr_s: 0.5, volumes: 40, dummies: {count: 2, kind: discarded}}
pressures: {pain: {mmhg: 120}}
cues:
  pressure_coming: {shape: triangle, color: yellow}
  pressure_on: {shape: square, color: red}
run:
  - fixation: 0.5
  - show: {text: self_compassion, for_s: 1, trial_type: instruction}
  - trials:
      count: 1
      each:
        - anticipation: {cue: pressure_coming, for_s: 1.5}
        - inflate: {to: pain, for_s: 4, cue: pressure_on}
        - fixation: 1
        - rate: {scale: intensity, for_s: 3}
        - rate: {scale: unpleasantness, for_s: 3.5}
  - fixation: 0.5
"""


def program(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def until(condition: Callable[[], Any], *, what: str) -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + GENEROUS_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)  # looking costs processor time that the run needs
    return value


class Running:
    """The program in a real window, seen from outside."""

    def __init__(
        self,
        environment: dict[str, str],
        data: Path,
        protocol: Path,
        *arguments: str,
        script: str = "",
    ) -> None:
        self.data = data
        start = [sys.executable, "-c", script] if script else [sys.executable, str(PROGRAM)]
        self.process = subprocess.Popen(
            [
                *start,
                *("run", str(protocol), "--subject", "01", "--session", "pre", "--run", "1"),
                *("--data", str(data), *arguments),
            ],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def source(self) -> Path:
        return self.data / "sourcedata" / "sub-01" / "ses-pre"

    def documents(self) -> list[dict[str, Any]]:
        found = []
        for path in self.source.glob("*_journal.jsonl"):
            for line in path.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    found.append(json.loads(line[9:]))
        return found

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [d for d in self.documents() if d["type"] == kind]

    def valve(self) -> list[dict[str, Any]]:
        events = []
        for path in self.source.glob("*_emulatedcuff.jsonl"):
            events += [json.loads(line) for line in path.read_text().splitlines()]
        return events

    def wait_for_step(self, kind: str) -> dict[str, Any]:
        return until(
            lambda: next((d for d in self.kinds("step") if d["kind"] == kind), None),
            what=f"step {kind}; said {self.output_so_far()}",
        )

    def wait_for_waiting(self) -> None:
        until(
            lambda: [d for d in self.kinds("note") if d["code"] == "waiting"],
            what=f"waiting; said {self.output_so_far()}",
        )

    def wait_for_pressure(self) -> None:
        self.wait_for_step("inflate")
        until(lambda: any(e["what"] == "state hold" for e in self.valve()), what="hold")

    def output_so_far(self) -> str:
        return "" if self.process.poll() is None else self.end()[1]

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=GENEROUS_S)
        return self.process.returncode, out

    def vented(self) -> bool:
        """Return whether the valve was closed once and opened afterwards."""
        moves = [e["what"] for e in self.valve() if e["what"].startswith("valve")]
        return moves == ["valve closed", "valve open"]


class Fingers:
    """Real key presses, as an X server makes them."""

    CODES: ClassVar = {
        "5": 14,
        "left": 113,
        "right": 114,
        "return": 36,
        "escape": 9,
        "s": 39,
        "y": 29,
    }

    def __init__(self, display: str) -> None:
        from Xlib import display as xdisplay

        self.display = xdisplay.Display(display)

    def press(self, key: str, *, for_s: float = 0.03) -> None:
        from Xlib import X
        from Xlib.ext import xtest

        for kind, wait_s in ((X.KeyPress, for_s), (X.KeyRelease, 0.0)):
            xtest.fake_input(self.display, kind, self.CODES[key])
            self.display.sync()
            time.sleep(wait_s)

    def close_window(self, title_part: str = "") -> None:
        """Ask the only window to close, as a window manager does."""
        from Xlib import X
        from Xlib.protocol import event

        root = self.display.screen().root
        for window in root.query_tree().children:
            protocols = window.get_wm_protocols()
            if protocols:
                message = event.ClientMessage(
                    window=window,
                    client_type=self.display.intern_atom("WM_PROTOCOLS"),
                    data=(32, [protocols[0], X.CurrentTime, 0, 0, 0]),
                )
                window.send_event(message)
        self.display.sync()


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a TSV file."""
    head, *rows = path.read_text("utf-8").rstrip("\n").split("\n")
    return [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]


def events_of(data: Path) -> list[dict[str, str]]:
    """Return the rows of the only events file."""
    (path,) = data.glob("sub-*/ses-*/func/*_events.tsv")
    return table(path)
