"""Where messages for the operator go. A terminal that is gone must not change what a run does."""

import contextlib
import sys
from typing import IO, Any

from rich.console import Console


class _Forgiving:
    """A stream that takes everything, also after its reader has left (a closed pipe, a lost terminal)."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be no stream
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def console(*, stderr: bool = False) -> Console:
    """Return a console for plain messages; printing on it never raises."""
    stream: Any = _Forgiving(sys.stderr if stderr else sys.stdout)
    return Console(file=stream, highlight=False, markup=False)
