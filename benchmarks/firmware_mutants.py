"""Does anything notice when the firmware's core is wrong? Changes one thing at a time, and tries.

``benchmarks/firmware_mutants.py [--jobs 2] [--part K/N]`` takes every comparison, "and", "or", "not", number,
limit of the table, statement and return of the core's C files, changes it in a copy of the sources, and
gives the copy to the native fuzzer (random and flips), to the tests of ``tests/firmware/test_core_*``, and to
the twins, where it has to say and do what the emulator does.
It prints the score and the survivors as a table for ``docs/firmware-mutants.md``.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT

FIRMWARE = ROOT / "hardware" / "firmware"
SOURCES = (
    *("frame.c", "say.c", "sensors.c", "program.c", "selftest.c", "buzzer.c", "board.c"),
    *("start.c", "device.c", "commands.c"),
)
TESTS = sorted((ROOT / "tests" / "firmware").glob("test_core_*.py"))
TWINS = ROOT / "tests" / "firmware" / "test_twins.py"
FUZZ_STEPS = "400000"
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")
PASSES, DIES = "passed", "does not end, or does not compile"

CALL_PYTEST = """
import os, sys, pytest
os.environ["CUFF_CORE"], os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = sys.argv[1], "1"
plain = ["-o", "addopts=", "-o", "timeout=0", "-p", "no:cacheprovider", "-W", "ignore", "-q", "-x"]
sys.exit(pytest.main([*plain, *sys.argv[2:]]))
"""
"""The tests without the plugins of the suite: half the time."""

BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
COMPARISON = re.compile(r"(?<=[\w)\] ])(<=|>=|==|!=|(?<![<>-])[<>](?![<>=]))(?=[ ])")
NUMBER = re.compile(r"(?<![\w.'\"x])(\d+|0x[0-9A-Fa-f]+)(?:U?L)?(?![\w.'\"])")
LIMIT = re.compile(
    r"(?<!define )\b[A-Z][A-Z_]*(?:_MS|_TENTHS|_MS_MAX|_MS_MIN|_TENTHS_MAX|_TENTHS_MIN|_SAMPLES|_LENGTH)\b"
)
NO_CODE = ("#include", "#ifdef", "#endif")
DECLARED = re.compile(r"^(?:static|uint16_t|void|    char) [^=]*\[.*[;{]$")
"""Arrays: a size that is too small is the sanitizers' case, one that is too large changes nothing."""
STATEMENT = re.compile(
    r"^(\s*(?:else |if \([^;]*\) )?)([a-z][\w.>\-\[\]]*(?: [-+|&^<>]*= .*|\(.*\)|\+\+|--));$"
)
RETURN = re.compile(r"^(.*\breturn )(.+);(.*)$")


@dataclass(frozen=True)
class Mutant:
    """One changed line: where, what it was and what it became."""

    source: str
    number: int
    before: str
    after: str


def without_comment(line: str) -> str:
    """Return a line of code without its comment; one that is comment throughout becomes empty."""
    if line.lstrip().startswith(("/*", "* ", "*/")):
        return ""
    return re.sub(r"\s*/\*.*", "", line)


def changes(line: str) -> Iterator[str]:
    """Yield every way to change one line of code."""
    for found in COMPARISON.finditer(line):
        for table in (BOUNDARY, OPPOSITE):
            if found[1] in table:
                yield line[: found.start()] + table[found[1]] + line[found.end() :]
    for old, new in (("&&", "||"), ("||", "&&")):
        for found in re.finditer(re.escape(old), line):
            yield line[: found.start()] + new + line[found.end() :]
    for found in re.finditer(r"(?<![\w!])!(?=[\w(])", line):
        yield line[: found.start()] + line[found.end() :]
    for found in NUMBER.finditer(line):
        value = int(found[1], 0)
        truth = value < 2 and line.rstrip().endswith((f"= {value};", f"return {value};"))
        for new in [1 - value] if truth else [value + 1, value - 1]:
            if new >= 0:
                yield line[: found.start()] + str(new) + line[found.end() :]
    for found in LIMIT.finditer(line):
        step = 5 if "_MS" in found[0] else 1  # less than a tick changes nothing
        for sign in "+-":
            yield f"{line[: found.start()]}({found[0]} {sign} {step}){line[found.end() :]}"
    if (found := STATEMENT.match(line)) and not found[2].startswith("return"):
        yield f"{found[1]};"
    if found := RETURN.match(line):
        yield f"{found[1]}!({found[2]});{found[3]}"


def mutants(sources: Sequence[str] = SOURCES) -> Iterator[Mutant]:
    """Yield every mutant of some files, the core's if not given."""
    for source in sources:
        in_comment = in_hooks = False
        for number, line in enumerate((FIRMWARE / source).read_text().splitlines(), 1):
            begins = "/*" in line and "*/" not in line
            code = "" if in_comment else without_comment(line)
            in_comment = (in_comment or begins) and "*/" not in line
            in_hooks = (in_hooks or code == "#ifdef TEST_HOOKS") and code != "#endif"
            if in_hooks or code.startswith(NO_CODE) or not code.strip() or DECLARED.match(code):
                continue
            for after in dict.fromkeys(changes(code)):
                if after != code:
                    yield Mutant(source, number, code, after)


def compiled(sources: list[Path], folder: Path) -> bool:
    """Compile C files into a folder, under sanitizers; return whether they compile."""
    command = ["gcc", "-std=gnu99", "-O1", "-w", *SANITIZERS, f"-I{FIRMWARE}", "-c"]
    run = subprocess.run([*command, *map(str, sources)], cwd=folder, capture_output=True)
    return run.returncode == 0


def prepare(folder: Path) -> None:
    """Make the unchanged core, its sources, and the fuzzer's objects in a folder."""
    folder.mkdir()
    for file in FIRMWARE.glob("*.[ch]"):
        (folder / file.name).write_text(file.read_text())
    native = [FIRMWARE / "native" / name for name in ("fuzz.c", "judge.c")]
    if not compiled([*native, *(FIRMWARE / name for name in SOURCES)], folder):
        sys.exit("the unchanged core does not compile")
    shutil.copytree(folder, folder / "unchanged")


def verdict(mutant: Mutant | None, folder: Path) -> str:
    """Return what kills a mutant (or the unchanged core): a word, or `PASSES`."""
    if mutant is None:
        return tried(folder)
    file, unchanged = folder / mutant.source, FIRMWARE / mutant.source
    made = mutant.source.replace(".c", ".o")
    lines = unchanged.read_text().splitlines()
    lines[mutant.number - 1] = mutant.after
    file.write_text("\n".join(lines) + "\n")
    try:
        return tried(folder) if compiled([file], folder) else DIES
    finally:
        file.write_text(unchanged.read_text())
        shutil.copy(folder / "unchanged" / made, folder / made)


def tried(folder: Path) -> str:
    """Return which step fails on the core in a folder."""
    pytest = [sys.executable, "-c", CALL_PYTEST, str(folder)]
    objects = map(str, folder.glob("*.o"))
    steps = (
        (DIES, ["gcc", *SANITIZERS, "-o", str(folder / "fuzz"), *objects]),
        ("fuzz", [str(folder / "fuzz"), "1", FUZZ_STEPS]),
        ("tests", [*pytest, *map(str, TESTS)]),
        ("flips", [str(folder / "fuzz"), "flips"]),
        ("twins", [*pytest, str(TWINS)]),
    )
    for name, command in steps:
        try:
            run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=90, check=False)
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
    parser.add_argument("--only", help="only the mutants of this file")
    arguments = parser.parse_args()
    first, step = map(int, arguments.part.split("/"))
    chosen = [m for m in mutants() if arguments.only in (None, m.source)][first - 1 :: step]
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / str(number) for number in range(arguments.jobs)]
        for folder in folders:
            prepare(folder)
        if (says := verdict(None, folders[0])) != PASSES:
            sys.exit(f"the unchanged core does not pass: {says}")

        def work(number: int) -> list[str]:
            found = []
            for mutant in chosen[number :: arguments.jobs]:
                found.append(verdict(mutant, folders[number]))
                where = f"{mutant.source}:{mutant.number} {mutant.after.strip()}"
                print(f"{found[-1]:8.8} {where}", file=sys.stderr, flush=True)  # it takes long
            return found

        with ThreadPoolExecutor(arguments.jobs) as pool:
            verdicts = list(pool.map(work, range(arguments.jobs)))
    ends = [verdicts[i % arguments.jobs][i // arguments.jobs] for i in range(len(chosen))]
    counts = Counter(ends)
    killed = len(ends) - counts[PASSES]
    print(f"{killed} of {len(ends)} killed ({100 * killed / len(ends):.1f} %): ", end="")
    print(", ".join(f"{n} {name}" for name, n in counts.most_common()))
    print("\n| where | was | became |\n|---|---|---|")
    for mutant, end in zip(chosen, ends, strict=True):
        if end == PASSES:
            was, became = (t.strip().replace("|", "\\|") for t in (mutant.before, mutant.after))
            print(f"| `{mutant.source}:{mutant.number}` | `{was}` | `{became}` |")


if __name__ == "__main__":
    main()
