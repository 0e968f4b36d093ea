"""What the firmware's tests need made, and what happens where it cannot be."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Binaries:
    """The two builds: ``release`` is what is flashed, ``test`` has commands that break it on purpose."""

    release: Path
    test: Path


def cannot_be_made(reason: str) -> NoReturn:
    """Skip a test; where ``CI`` is set to anything, fail it: a gate that skips proves nothing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
