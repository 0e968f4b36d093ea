"""The doctor's campaign: every emulated cuff, healthy and with each fault, at rest and under pressure.

``benchmarks/doctor.py [--driver reference ...] [--jobs 4]`` prints for each what the doctor failed,
what it warned of, and what it said first. Real ports and processes; the holds are shortened
(`tests/doctor_bench.py`). A fault at rest begins when the device is switched on, one under pressure
0.3 s into each inflation. Not beside other load: a doctor that is kept waiting for 0.5 s vents.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from doctor_bench import Seen, see

from hardware.fault_script import FaultKind
from hardware.registry import DRIVERS
from scc_task.doctor.results import Verdict

HEALTHY = ("healthy", "")
FAULTS = (
    HEALTHY,
    *((f"{kind}, at rest", f"kind: {kind}, start_s: 0") for kind in FaultKind),
    *((f"{kind}, under pressure", f"kind: {kind}, into_s: 0.3") for kind in FaultKind),
)
BLIND = tuple(name for name, driver in DRIVERS.items() if not driver.capabilities.measures_pressure)
"""Devices that say nothing: there are no words to damage, and nobody sees what the air does."""
UNSEEN = (HEALTHY, ("unplug, at rest", "kind: unplug, start_s: 0"))
YES = {"contact": ("yes", "yes", "60", "yes")}
"""What the operator types at a device that measures nothing: regulator set, what the gauge shows, empty."""


def examine(case: tuple[str, str, str, Path]) -> tuple[str, str, Seen]:
    """Let the doctor see one device with one fault."""
    driver, name, fault, folder = case
    place = folder / f"{driver}-{name}".replace(" ", "_").replace(",", "")
    place.mkdir()
    seen = see(place, driver, fault=fault, lines=YES.get(driver, ("yes", "")), keys=())
    return driver, name, seen


def main() -> None:
    """Run the campaign and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", nargs="*", default=list(DRIVERS))
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    print("| device | fault | failed | warned | the first words |\n|---|---|---|---|---|")
    healthy = True
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(options.jobs) as pool:
        cases = [
            (driver, name, fault, Path(folder))
            for driver in options.driver
            for name, fault in (UNSEEN if driver in BLIND else FAULTS)
        ]
        for driver, name, seen in pool.map(examine, cases):
            print(row(driver, name, seen), flush=True)
            healthy = healthy and (name != "healthy" or not _named(seen, Verdict.FAIL))
    sys.exit(not healthy)


def row(driver: str, name: str, seen: Seen) -> str:
    """Return a line of the table."""
    failed, warned = _named(seen, Verdict.FAIL), _named(seen, Verdict.WARN)
    first = next((r.seen for r in seen.results if r.verdict in (Verdict.FAIL, Verdict.WARN)), "")
    return f"| {driver} | {name} | {', '.join(failed)} | {', '.join(warned)} | {first} |"


def _named(seen: Seen, verdict: Verdict) -> list[str]:
    return [result.name for result in seen.results if result.verdict is verdict]


if __name__ == "__main__":
    main()
