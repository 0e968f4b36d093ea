"""What the benchmarks share: quantiles, a display of their own, a run and its journal."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run from the checkout, not installed


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return n, minimum, median, p99 and maximum."""
    ordered = sorted(values)
    n = len(ordered)
    return {
        "n": n,
        "min": ordered[0],
        "median": ordered[n // 2],
        "p99": ordered[min(n - 1, int(n * 0.99))],
        "max": ordered[-1],
    }


def row(name: str, values: Sequence[float], *, unit: str = "ms") -> str:
    """Return a line of a table: name and quantiles."""
    if not values:
        return f"{name:42s} none"
    q = quantiles(values)
    return (
        f"{name:42s} n {q['n']:5.0f}   min {q['min']:8.3f}   median {q['median']:8.3f}"
        f"   p99 {q['p99']:8.3f}   max {q['max']:8.3f} {unit}"
    )


@contextlib.contextmanager
def display() -> Iterator[dict[str, str]]:
    """Start a private display of 1024 x 768 and yield an environment that uses it."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [
            *(
                "Xvfb",
                "-displayfd",
                str(writing),
                "-screen",
                "0",
                "1024x768x24",
                "-nolisten",
                "tcp",
            ),
            "-noreset",  # a server that resets when its last client leaves refuses the next one
        ],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        yield {**os.environ, "DISPLAY": f":{number}", "LP_NUM_THREADS": "1"}
    finally:
        server.terminate()
        server.wait()


def protocol(folder: Path, text: str) -> Path:
    """Write a protocol with the English texts beside it."""
    (folder / "text").mkdir(parents=True, exist_ok=True)
    english = (ROOT / "protocols" / "text" / "en.yaml").read_text("utf-8")
    (folder / "text" / "en.yaml").write_text(english, "utf-8")
    path = folder / "protocol.yaml"
    path.write_text(text, "utf-8")
    return path


def journal(data: Path) -> list[dict[str, Any]]:
    """Return the documents of the only journal."""
    (path,) = data.glob("sourcedata/*/*/*_journal.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    return [json.loads(line[9:]) for line in lines if line.endswith(b"\n")]


def device_log(data: Path) -> list[dict[str, Any]]:
    """Return what the emulated cuff says happened to it."""
    (path,) = data.glob("sourcedata/*/*/*_emulatedcuff.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]
