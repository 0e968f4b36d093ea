"""Presses at 20 Hz on serial boxes behind adapters: how many are lost, how many invented.

``benchmarks/buttons.py [--trains 400]`` sends trains of 50 presses of two buttons, with a scanner that
types in between and a main loop that stalls for up to 0.3 s, through the bytes of a box, the adapter's
latency timer, and the whole way of a run's keys. A virtual clock: no real time passes. Then bounces on
both edges behind an adapter of 16 ms, which nothing can tell from presses at 20 Hz.
"""

import argparse
import sys
from typing import Final

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests" / "scc_task"))
from serial_presses import Kind, run
from test_serial_presses import BOXES

HOPELESS: Final = {
    "press and release, bounces, adapter of 16 ms": Kind(
        releases=True, repeats=True, chatters=True, timer_s=0.016
    ),
    "the same with bounce_s 0.03": Kind(
        releases=True, repeats=True, chatters=True, timer_s=0.016, rig={"bounce_s": 0.03}
    ),
}


def main() -> None:
    """Print a line for each kind of box."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trains", type=int, default=400)
    trains = parser.parse_args().trains
    for name, kind in {**BOXES, **HOPELESS}.items():
        found = [run(kind, seed=seed) for seed in range(trains)]
        pressed, lost = sum(f.pressed for f in found), sum(f.lost for f in found)
        invented = sum(f.invented for f in found)
        typed, heard = sum(f.pulses_typed for f in found), sum(f.pulses_heard for f in found)
        print(
            f"{name:64s} presses {pressed:6d}  lost {lost:5d}  invented {invented:5d}"
            f"  pulses {heard} of {typed}"
        )


if __name__ == "__main__":
    main()
