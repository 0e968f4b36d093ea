"""Find out whether anything notices when the firmware's thin layer between chip and core is wrong.

``benchmarks/firmware_main_mutants.py [--jobs 2] [--part K/N]`` changes one thing of ``main.c`` at a time, as
`firmware_mutants` does with the core, compiles it for the chip, and gives both builds to the tests that run
the binary in simavr. It prints the score and the survivors for ``docs/firmware-mutants.md``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from firmware_mutants import CALL_PYTEST, DIES, FIRMWARE, PASSES, SOURCES, Mutant, mutants
from measure import ROOT

MAIN = "main.c"
BUILDS = ("cuff_release.elf", "cuff_test.elf")
STEPS = (
    ("driver", "test_firmware_driver.py", "on_the_real_binary"),
    ("chip", "test_main_chip.py", ""),
    ("conformance", "test_conformance.py", "not emulator"),
    ("promises", "test_promises.py", ""),
    ("noise", "test_noise.py", ""),
)
"""The tests of the binary, the quickest first: a word, the file, and which of its tests."""
LONGEST_S = 180.0


def made(folder: Path) -> bool:
    """Compile ``main.c`` of a folder with the core as it is, for the chip."""
    builds = [str(folder / name) for name in BUILDS]
    sources = " ".join([*SOURCES, str(folder / MAIN)])
    command = ["make", "-s", "-B", "-C", str(FIRMWARE), f"BUILD={folder}", f"SOURCES={sources}"]
    environment = {**os.environ, "CPATH": str(FIRMWARE)}
    run = subprocess.run([*command, *builds], env=environment, capture_output=True)
    return run.returncode == 0


def verdict(mutant: Mutant | None, folder: Path) -> str:
    """Return what kills a mutant (or the unchanged file): a word, or `PASSES`."""
    lines = (FIRMWARE / MAIN).read_text().splitlines()
    if mutant is not None:
        lines[mutant.number - 1] = mutant.after
    (folder / MAIN).write_text("\n".join(lines) + "\n")
    if not made(folder):
        return DIES
    environment = {**os.environ, "CUFF_BINARIES": str(folder)}
    for name, tests, which in STEPS:
        only = [
            "-m",
            "not hardware",
            "-k",
            which,
            str(ROOT / "tests" / "firmware" / tests),
        ]
        command = [sys.executable, "-c", CALL_PYTEST, str(FIRMWARE), *only]
        try:
            run = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, timeout=LONGEST_S
            )
        except subprocess.TimeoutExpired:
            return DIES
        if run.returncode:
            return name
    return PASSES


def main() -> None:
    """Try all mutants and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--part", default="1/1", help="such as 2/3: every third mutant, from the second"
    )
    arguments = parser.parse_args()
    first, step = map(int, arguments.part.split("/"))
    chosen = list(mutants((MAIN,)))[first - 1 :: step]
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / str(number) for number in range(arguments.jobs)]
        for folder in folders:
            folder.mkdir()
        if (says := verdict(None, folders[0])) != PASSES:
            sys.exit(f"the unchanged firmware does not pass: {says}")

        def work(number: int) -> list[tuple[Mutant, str]]:
            found = []
            for mutant in chosen[number :: arguments.jobs]:
                found.append((mutant, verdict(mutant, folders[number])))
                where = f"{MAIN}:{mutant.number} {mutant.after.strip()}"
                print(f"{found[-1][1]:12.12} {where}", file=sys.stderr, flush=True)
            return found

        with ThreadPoolExecutor(arguments.jobs) as pool:
            ends = [end for each in pool.map(work, range(arguments.jobs)) for end in each]
    counts = Counter(end for _, end in ends)
    killed = len(ends) - counts[PASSES]
    print(f"{killed} of {len(ends)} killed ({100 * killed / max(1, len(ends)):.1f} %): ", end="")
    print(", ".join(f"{n} {name}" for name, n in counts.most_common()))
    print("\n| where | was | became |\n|---|---|---|")
    for mutant, end in sorted(ends, key=lambda each: each[0].number):
        if end == PASSES:
            was, became = (t.strip().replace("|", "\\|") for t in (mutant.before, mutant.after))
            print(f"| `{MAIN}:{mutant.number}` | `{was}` | `{became}` |")


if __name__ == "__main__":
    main()
