"""The compiled firmware for any test that asks, made once however many processes run the tests."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import core_bench
import pytest
from gates import Binaries, cannot_be_made

from hardware.sim.avr import BUILD, FIRMWARE, HOW_TO_BUILD, LIBRARY

RELEASE, TEST = "cuff_release.elf", "cuff_test.elf"
NEEDED = {
    "avr-gcc": lambda: shutil.which("avr-gcc") is not None,
    "avr-libc": lambda: Path("/usr/lib/avr/include/avr/io.h").exists(),
    "libsimavr-dev": lambda: Path("/usr/include/simavr/sim_avr.h").exists(),
    "libelf-dev": lambda: Path("/usr/include/libelf.h").exists(),
    "make": lambda: shutil.which("make") is not None,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--port", help="port of a real controller, cuff on nobody, for tests marked 'hardware'"
    )


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep the other test processes from making the same files at the same time."""
    import fcntl  # there is none on Windows, and no simulated chip either

    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(*arguments: str) -> None:
    done = subprocess.run(["make", "-s", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"make {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """Return the firmware, freshly made, or what is in ``CUFF_BINARIES`` if that is set.

    Skip where it cannot be made; in CI that is a failure.
    """
    if made := os.environ.get("CUFF_BINARIES"):
        return Binaries(release=Path(made) / RELEASE, test=Path(made) / TEST)
    missing = [name for name, there in NEEDED.items() if os.name == "nt" or not there()]
    if missing:
        names = ", ".join(missing)
        cannot_be_made(f"the firmware cannot be built here, {names} missing: {HOW_TO_BUILD}")
    with _alone(BUILD / ".lock"):
        make("-C", str(FIRMWARE))
        make("-C", str(FIRMWARE / "simavr"))
    assert LIBRARY.exists()
    return Binaries(release=BUILD / RELEASE, test=BUILD / TEST)


@pytest.fixture(scope="session")
def core_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the core as a library of this machine, of the sources in ``CUFF_CORE`` if that is set."""
    if core_bench.compiler() is None:
        cannot_be_made("no C compiler: install gcc and libc6-dev")
    sources = Path(os.environ.get("CUFF_CORE", core_bench.FIRMWARE))
    to = tmp_path_factory.mktemp("core") / "core.so"
    return core_bench.build(to, sources=sources)


@pytest.fixture
def core(core_library: Path) -> core_bench.Core:
    """Return a core that has just booted."""
    return core_bench.Core(core_library)
