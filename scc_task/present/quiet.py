"""Prepare the process for PsychoPy: one clock, no noise, no files outside our own folders.

PsychoPy reads its environment while it is imported, so everything here happens before that. Three
defaults are wrong for us: its clock on Linux is wall time, it writes its settings into the home
folder, and it talks on standard output.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hardware.other_clocks import compare_clocks
from scc_task.errors import WindowUnavailable

SCRATCH: Final = Path(__file__).resolve().parents[2] / ".cache" / "psychopy"
"""Where PsychoPy may write, unless told otherwise: inside the checkout, out of version control."""

_CLOCK_TOLERANCE_S: Final = 1e-3  # the call itself takes some microseconds; wall time is years off


def import_psychopy(scratch: Path = SCRATCH) -> None:
    """Import PsychoPy's window and stimuli quietly. Quick the second time.

    Parameters
    ----------
    scratch
        Folder that PsychoPy may fill with its settings, and Mesa with compiled shaders.

    Raises
    ------
    WindowUnavailable
        If there is no display, a library is missing, or the clocks disagree.
    """
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        raise WindowUnavailable(
            "there is no display to open the participant's window on",
            where="environment variable DISPLAY",
            do="start from a desktop session, or under xvfb-run; `simulate` needs no display",
        )
    import_psychtoolbox()
    scratch.mkdir(parents=True, exist_ok=True)
    # Mesa keeps compiled shaders; the folder is read when the window opens, so it stays set.
    os.environ.setdefault("MESA_SHADER_CACHE_DIR", str(scratch))
    with _environment(_private_home(scratch)):
        try:
            logging = importlib.import_module("psychopy.logging")
            logging.console.setLevel(logging.ERROR)
            # Standard output belongs to our own, machine-readable answers.
            logging.console.stream = sys.stderr
            # A check after every OpenGL call; PsychoPy turns it off too, but too late for pyglet.
            importlib.import_module("pyglet").options["debug_gl"] = False
            for name in ("core", "monitors", "visual", "visual.shape", "visual.text"):
                importlib.import_module(f"psychopy.{name}")
        except (ImportError, OSError) as problem:
            raise WindowUnavailable(
                f"PsychoPy cannot be loaded: {problem}",
                where="psychopy.visual",
                do="install requirements.lock again; on Linux, `make setup` names what is missing",
            ) from problem
        except Exception as problem:
            if type(problem).__name__ != "NoSuchDisplayException":
                raise
            raise WindowUnavailable(
                f"the display {os.environ.get('DISPLAY', '')!r} does not answer",
                where="environment variable DISPLAY",
                do="start from a desktop session, or under xvfb-run; `simulate` needs no display",
            ) from problem


def import_psychtoolbox() -> Any:
    """Return psychtoolbox, loaded so that its clock is the program's clock.

    Raises
    ------
    WindowUnavailable
        If it cannot be loaded, or if its clock on Linux is not the monotonic one.
    """
    os.environ["PSYCH_GETSECS_CLOCK"] = "1"  # CLOCK_MONOTONIC; read when the library loads
    os.environ["PSYCHOPYNOPACKAGES"] = "1"  # else it edits PATH and PYTHONPATH of our children
    try:
        psychtoolbox = importlib.import_module("psychtoolbox")
    except (ImportError, OSError) as problem:
        raise WindowUnavailable(
            f"psychtoolbox cannot be loaded: {problem}",
            where="psychtoolbox",
            do="install requirements.lock again; on Debian, also the package libportaudio2",
        ) from problem
    if sys.platform.startswith("linux"):
        difference_s = _measure_offset_s(psychtoolbox)
        if abs(difference_s) > _CLOCK_TOLERANCE_S:
            raise WindowUnavailable(
                f"psychtoolbox's clock is {difference_s:.3f} s off the machine's clock",
                where="environment variable PSYCH_GETSECS_CLOCK",
                do="start by run_task.py: psychtoolbox was loaded before it could be told",
            )
    return psychtoolbox


def clock_offset_s() -> float:
    """Return what to add to psychtoolbox's time to get the program's time.

    On Linux both are CLOCK_MONOTONIC and the offset is zero by construction. On Windows and macOS
    they tick alike but may count from different moments.
    """
    psychtoolbox = import_psychtoolbox()
    return 0.0 if sys.platform.startswith("linux") else _measure_offset_s(psychtoolbox)


def _measure_offset_s(psychtoolbox: Any) -> float:
    """Return our time minus psychtoolbox's."""
    return compare_clocks(lambda: float(psychtoolbox.GetSecs())).offset_s


def _private_home(scratch: Path) -> Mapping[str, str]:
    """Return the variables that move PsychoPy's folder of settings."""
    if os.name == "nt":
        return {"APPDATA": str(scratch)}
    changes = {"HOME": str(scratch)}
    # The X libraries look for the key of the display in the home folder.
    key = Path("~/.Xauthority").expanduser()
    if "XAUTHORITY" not in os.environ and key.exists():
        changes["XAUTHORITY"] = str(key)
    return changes


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Change environment variables and put the old values back."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
