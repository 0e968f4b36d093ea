"""The firmware's core beside the emulator, from many seeds: whether they say and do the same.

``benchmarks/twins.py [--seeds 300] [--ticks 3000] [--jobs 2] [--cover]`` walks both as
``tests/firmware/test_twins.py`` does, prints each difference with the inputs before it, and what the
walks came to. ``--cover`` prints a few seeds that come to all of it together. Exit code 1: they differ.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests" / "firmware"))

from core_bench import build
from twins import Differ
from twins_walk import walk

SHOWN = 10


def one(library: Path, ticks: int, seed: int) -> tuple[Counter[str], str]:
    """Return what a walk came to, and where the twins differed."""
    try:
        return walk(library, seed, ticks), ""
    except Differ as difference:
        return Counter(), str(difference)


def cover(seen: dict[int, Counter[str]]) -> list[int]:
    """Return few seeds that come to everything that any of them came to."""
    missing, chosen = set().union(*seen.values()), []
    while missing:
        best = max(seen, key=lambda seed: len(missing & set(seen[seed])))
        chosen.append(best)
        missing -= set(seen[best])
    return chosen


def main() -> None:
    """Run, print, and say by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--ticks", type=int, default=3000, help="of 5 ms, from each seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cover", action="store_true")
    options = parser.parse_args()
    begun = time.monotonic()
    seen: dict[int, Counter[str]] = {}
    differences = 0
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(options.jobs) as pool:
        library = build(Path(folder) / "core.so")
        walked = pool.map(partial(one, library, options.ticks), range(options.seeds))
        for seed, (came_to, difference) in enumerate(walked):
            seen[seed] = came_to
            differences += bool(difference)
            if difference and differences <= SHOWN:
                print(f"seed {seed}: {difference}", flush=True)
    for what, times in sorted(sum(seen.values(), Counter()).items()):
        print(f"{what:28s} {times:9d}")
    took_s = time.monotonic() - begun
    print(
        f"{options.seeds} seeds of {options.ticks} ticks in {took_s:.0f} s: {differences} differences"
    )
    if options.cover:
        print("seeds that come to all of it:", cover(seen))
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
