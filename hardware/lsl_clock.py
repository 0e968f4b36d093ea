"""The Lab Streaming Layer's library and its clock, compared with ours.

Both are monotonic; on Linux they are one clock, on other systems two readings of the same counter.
Another computer's times are brought to this one's LSL clock by LSL itself (`time_correction`).
"""

import contextlib
import functools
import os
from pathlib import Path
from typing import Any

from hardware.errors import HardwareUnavailable
from hardware.other_clocks import OtherClock, compare_clocks


def lsl_clock() -> OtherClock:
    """Compare this computer's LSL clock with ours. Takes some microseconds once pylsl is imported.

    Raises
    ------
    HardwareUnavailable
        If LSL's library is not there.
    """
    return compare_clocks(lsl_library().local_clock)


@functools.cache
def lsl_library() -> Any:  # pylsl has no types
    """Import pylsl, only where somebody wants LSL: without it everything else works.

    Where this computer has no settings of its own for LSL, it is asked to write warnings only.

    Raises
    ------
    HardwareUnavailable
        If pylsl or the library under it is not there.
    """
    try:
        import pylsl
    except (ImportError, OSError, RuntimeError) as error:  # no pylsl, or no liblsl under it
        raise HardwareUnavailable(
            f"LSL cannot be used: {str(error).strip().splitlines()[0]}",
            where="package pylsl",
            do="install it with its library: pip install -r requirements.lock (needs glibc 2.35,"
            " Windows on x86-64, or macOS), or do without LSL in the rig file",
        ) from error
    if not any(path.is_file() for path in settings_files()):
        with contextlib.suppress(NotImplementedError):  # an older liblsl writes a line or two more
            pylsl.set_config_content("[log]\nlevel = -1\n")
    return pylsl


def settings_files() -> list[Path]:
    """Return where LSL looks for a laboratory's settings (its documentation)."""
    named = os.environ.get("LSLAPICFG")
    usual = (
        Path("lsl_api.cfg"),
        Path.home() / "lsl_api" / "lsl_api.cfg",
        Path("/etc/lsl_api/lsl_api.cfg"),
    )
    return [*([Path(named)] if named else []), *usual]
