"""What any test may ask for: a private display."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCREEN = ["-screen", "0", "1024x768x24", "+extension", "GLX"]
if str(ROOT) not in sys.path:  # the program is run from its checkout, not installed
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """Start a display of 1024 x 768 that nobody sees; yield its name, such as ``:7``.

    Give it to a process as ``DISPLAY``; the test's own process does not get it.
    """
    server = shutil.which("Xvfb")
    if server is None:
        pytest.fail("Xvfb is not installed: run `make setup`, or `apt-get install xvfb`")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writing), *SCREEN, "-nolisten", "tcp", "-noreset"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:  # closed without a line if the server cannot start
            number = answer.readline().strip()
        if not number:
            pytest.fail("Xvfb did not start")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def display_environment(display: str) -> dict[str, str]:
    """Return an environment for child processes that open a window on the private display."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "XAUTHORITY")}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **kept,
        "DISPLAY": display,
        "LP_NUM_THREADS": "1",  # the software renderer leaves a core to everybody else
        "PYTHONPATH": os.pathsep.join(paths),
    }
