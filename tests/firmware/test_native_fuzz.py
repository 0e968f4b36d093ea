"""The firmware's core under sanitizers, random bytes, sensors and air, judged from outside."""

import re
import subprocess
from pathlib import Path

import core_bench
import pytest

from hardware.codec import cuff1_table as table


@pytest.fixture(scope="module")
def fuzz(core_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the fuzzer. (The library is asked for because it says what to do without a compiler.)"""
    to = tmp_path_factory.mktemp("fuzz")
    make = ["make", "-s", "-C", str(core_bench.FIRMWARE), f"BUILD={to}", "native"]
    done = subprocess.run(make, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return to / "fuzz"


def run(fuzz: Path, *words: str) -> str:
    done = subprocess.run([str(fuzz), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", [1, 2])
def test_no_breach_in_a_million_steps(fuzz: Path, seed: int) -> None:
    said = run(fuzz, str(seed), "1000000")
    for edge in ("0>6", "6>4", "4>0", "0>1", "1>2", "2>3", "2>5", "3>4", "3>5", "4>1", "5>0"):
        assert f" {edge}:" in said, "a run that does not come there judges nothing"


def test_the_fuzzer_comes_to_every_fault_that_can_come(fuzz: Path) -> None:
    """``hold_time`` is a second count of what the first one ends; the fuzzer has no chip that hangs."""
    said = run(fuzz, "5", "4000000")
    numbers = {int(number) for number in re.findall(r" (\d+):", said.split("faults")[1])}
    come = {table.FAULTS[number] for number in numbers}
    assert come == set(table.FAULTS) - {"none", "hold_time", "wdt_reset"}


def test_no_command_with_one_or_two_bits_turned_is_taken(fuzz: Path) -> None:
    said = run(fuzz, "flips")
    assert int(said.split()[1]) > 250_000


def test_the_same_seed_gives_the_same_run(fuzz: Path) -> None:
    assert run(fuzz, "3", "50000") == run(fuzz, "3", "50000") != run(fuzz, "4", "50000")
