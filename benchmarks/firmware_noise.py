"""Noise on the wire of the reference controller's real binary, for minutes of the chip's own time.

``benchmarks/firmware_noise.py [--minutes 10] [--flips 20000]``: random bytes at full rate, spoilt and cut
frames, and now and then what brings the cuff under pressure, after which the noise goes on and the
heartbeats end. A judge of its own decodes what was sent and looks at the pins. Then every flip of one
bit and of two bits of every command (at most so many of each) is sent to an armed device: each that is
still a frame must be refused as damaged, once, and no valve may close. Exit code 1: a rule was broken.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests" / "firmware"))

from noise_judge import Flipped, flipped, noise

from hardware.codec import cuff1_table as table
from hardware.sim.avr import BUILD, require

BINARY = BUILD / "cuff_release.elf"
PIECE_S = 60.0


def one_piece(seed: int) -> tuple[int, float, list[str]]:
    """Return closings, longest silence with a closed path, and what was broken, of a minute."""
    judge = noise(BINARY, for_s=PIECE_S, seed=seed)
    return judge.closings, judge.longest_s, judge.broken


def one_command(name: str, most: int) -> tuple[str, Flipped]:
    """Return what the board said to the flips of a command."""
    return name, flipped(BINARY, name, most)


def main() -> None:
    """Run, print, and say by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--flips", type=int, default=20_000, help="of two bits, of each command")
    options = parser.parse_args()
    require(BINARY)
    broken: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        closings, longest_s = 0, 0.0
        for number, silent_s, found in pool.map(one_piece, range(options.minutes)):
            closings, longest_s = closings + number, max(longest_s, silent_s)
            broken += found
        print(
            f"noise: {options.minutes} min, {closings} times closed, at most {longest_s * 1000:.0f} ms "
            f"after the last heartbeat (lease {table.LEASE_MS} ms); {len(broken)} rules broken",
            flush=True,
        )
        names = sorted(table.COMMANDS) if options.flips else []
        for name, found in pool.map(one_command, names, [options.flips] * len(names)):
            print(
                f"flips of {name}: {found.refused} refused, {found.no_frame} no frame, "
                f"{len(found.wrong)} wrong",
                flush=True,
            )
            broken += found.wrong
    for what in broken[:20]:
        print(what)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
