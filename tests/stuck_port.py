"""A port that takes no byte: a pseudo-terminal that nobody reads, filled to the brim."""

import contextlib
import os
import select
import tty
from collections.abc import Iterator

SETTLED_S = 0.3
"""The kernel moves bytes on behind our back and has room again; it is full when this long it has not."""


@contextlib.contextmanager
def stuck_port() -> Iterator[str]:
    """Yield the name of the port."""
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        os.set_blocking(slave, False)
        while select.select([], [slave], [], SETTLED_S)[1]:
            with contextlib.suppress(BlockingIOError):
                os.write(slave, bytes(4096))
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)
