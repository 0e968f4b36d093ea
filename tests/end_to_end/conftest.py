"""What the end-to-end tests share: a short protocol, the program on a private display, its keyboard."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from outside import GENEROUS_S, ROOT, SHORT, Fingers, Running


@pytest.fixture
def short_protocol(tmp_path: Path) -> Path:
    """Return a protocol of 15 s with one inflation, its texts beside it."""
    folder = tmp_path / "protocols"
    (folder / "text").mkdir(parents=True)
    text = (ROOT / "protocols" / "text" / "en.yaml").read_text("utf-8")
    (folder / "text" / "en.yaml").write_text(text, "utf-8")
    path = folder / "short.yaml"
    path.write_text(SHORT, "utf-8")
    return path


@pytest.fixture
def start(display_environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts the program on the private display."""
    running: list[Running] = []

    def begin(protocol: Path, *arguments: str, script: str = "") -> Running:
        found = Running(display_environment, tmp_path / "data", protocol, *arguments, script=script)
        running.append(found)
        return found

    yield begin
    for found in running:
        if found.process.poll() is None:
            found.process.kill()
        with contextlib.suppress(ValueError):
            found.process.communicate(timeout=GENEROUS_S)


@pytest.fixture
def fingers(display: str) -> Iterator[Fingers]:
    """Return somebody at the keyboard of the private display."""
    found = Fingers(display)
    yield found
    found.display.close()
