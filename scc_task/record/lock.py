"""Whether somebody is still writing a journal: an advisory lock that dies with its process."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR = 0x7FFF0000
    """Windows locks are mandatory: lock one byte where no journal ever reaches, so all can read."""

    def hold(handle: int) -> None:
        """Mark an open file as being written, until it is closed or the process ends."""
        _try(handle)

    def _try(handle: int) -> bool:
        place = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, place, os.SEEK_SET)
        return True

else:
    import fcntl

    def hold(handle: int) -> None:
        """Mark an open file as being written, until it is closed or the process ends."""
        _try(handle)

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a network disk without locks: say "free" rather than hinder recovery
            return True
        return True


def being_written(path: Path) -> bool:
    """Return whether a process that runs now holds the file."""
    if not path.exists():
        return False
    with held_alone(path) as alone:
        return not alone


@contextlib.contextmanager
def held_alone(path: Path) -> Iterator[bool]:
    """Hold a file as long as this lasts; gives whether nobody else holds it, as far as can be known."""
    try:
        handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        yield _try(handle)
    finally:
        os.close(handle)
