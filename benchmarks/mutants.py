"""Does a test fail when a rule is wrong? Changes one comparison at a time and runs the tests.

``benchmarks/mutants.py [--jobs 2]`` takes every comparison and every "and", "or", "not" of the interlock,
changes it in a copy of the sources, and runs the interlock's tests on the copy. It prints the list of
mutants; a survivor is a rule that no test holds in place, or a change that changes nothing.
"""

import argparse
import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT

SOURCES = ("hardware/interlock.py", "hardware/pressure_rules.py")
TESTS = ("tests/hardware/test_interlock.py",)
BOUNDARY = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """One changed source: where, what it was and what it became."""

    source: str
    line: int
    before: str
    after: str
    text: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield every mutant of one file."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    for index, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[index]
            change(target)
            yield Mutant(
                source, node.lineno, ast.unparse(node), ast.unparse(target), ast.unparse(changed)
            )


def _changes(node: ast.AST) -> Iterator:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            for table in (BOUNDARY, OPPOSITE):
                if type(operator) in table:
                    new = table[type(operator)]
                    yield lambda n, at=at, new=new: n.ops.__setitem__(at, new())
    elif isinstance(node, ast.BoolOp):
        new = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda n, new=new: setattr(n, "op", new())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda n: (setattr(n, "op", ast.Not()), setattr(n, "operand", _not(n.operand)))


def _not(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=node)


def killed(mutant: Mutant, folder: Path) -> bool:
    """Return whether a test fails on a mutant."""
    (folder / mutant.source).write_text(mutant.text, encoding="utf-8")
    try:
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-n",
                "0",
                "-p",
                "no:cacheprovider",
                *TESTS,
            ],
            cwd=folder,
            capture_output=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        shutil.copy(ROOT / mutant.source, folder / mutant.source)
    return run.returncode != 0


def main() -> None:
    """Run all mutants and print the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    mutants = [mutant for source in SOURCES for mutant in mutants_of(source)]
    with tempfile.TemporaryDirectory() as temporary:
        folders = []
        for number in range(jobs):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            for part in ("hardware", "tests"):
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc"))
            shutil.copy(ROOT / "pyproject.toml", folder)
            folders.append(folder)

        def work(number: int) -> list[bool]:
            return [killed(mutant, folders[number]) for mutant in mutants[number::jobs]]

        with ThreadPoolExecutor(jobs) as pool:
            verdicts = list(pool.map(work, range(jobs)))
    dead = [verdicts[i % jobs][i // jobs] for i in range(len(mutants))]
    print("| where | was | became | |\n|---|---|---|---|")
    for mutant, is_dead in sorted(
        zip(mutants, dead, strict=True), key=lambda pair: (pair[1], pair[0].source, pair[0].line)
    ):
        verdict = "killed" if is_dead else "**survived**"
        print(
            f"| `{mutant.source}:{mutant.line}` | `{mutant.before}` | `{mutant.after}` | {verdict} |"
        )
    print(f"\n{sum(dead)} of {len(dead)} killed ({100 * sum(dead) / len(dead):.0f} %)")


if __name__ == "__main__":
    main()
