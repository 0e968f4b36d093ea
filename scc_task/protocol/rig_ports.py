"""A port has one owner: the cuff, the trigger, the buttons, or one recorder, however it is spelled."""

import os
import re
from collections.abc import Iterable
from typing import Final

from scc_task.protocol.base import refuse
from scc_task.protocol.rig_words import EMULATED

Owner = tuple[str, str | None, tuple[str | int, ...]]
"""Who has a port, the port as written, and where in the file."""


PORT_SERVER: Final = "rfc2217"
PLAIN_SOCKET: Final = "socket"
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[^:/]+)://(?P<host>[^:/?#\[\]]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})/?(\?\S*)?"
)


def refuse_strange_addresses(owners: Iterable[Owner], on_lines: frozenset[str]) -> None:
    """Refuse what has ``://`` and is no address that its owner could open.

    pyserial knows more (``loop://``, ``spy://``, ``hwgrep://``), none of which is a device in a room.

    Parameters
    ----------
    on_lines
        Those who use the lines of a port: a plain socket has none. All others send and take bytes.
    """
    for who, port, at in owners:
        if port is None or not ("://" in port or port.startswith((PORT_SERVER, PLAIN_SOCKET))):
            continue
        fits, other = (
            (PORT_SERVER, PLAIN_SOCKET) if who in on_lines else (PLAIN_SOCKET, PORT_SERVER)
        )
        found = _ADDRESS.fullmatch(port)
        do = f"write the port's name, as COM4 or /dev/ttyUSB0, or {fits}://HOST:PORT"
        scheme = port.partition(":")[0]
        if scheme == other:
            why = "a plain socket has no lines" if other == PLAIN_SOCKET else "it takes bytes alone"
            refuse(f"'{port}' does not fit the {who}: {why}", do=do, at=at)
        if scheme != fits:
            refuse(f"'{port}' is no port of a device: '{scheme}:' is not known", do=do, at=at)
        if found is None or not 0 < int(found["port"]) < 65536:
            refuse(f"'{port}' is no address with a host and a port's number", do=do, at=at)


def refuse_shared_ports(owners: Iterable[Owner]) -> None:
    """Refuse the first port that somebody before has; ``None`` and ``emulated`` are nobody's.

    Opening a port moves its lines and may restart or switch what hangs on it: a trigger that opens the
    port of a contact inflates the cuff.
    """
    taken: dict[str, str] = {}
    for who, port, at in owners:
        if port in (None, EMULATED):
            continue
        before = taken.setdefault(same_port(str(port)), who)
        if before != who:
            refuse(
                f"{port} is the port of the {before} already",
                do=f"give the {who} a port of its own",
                at=at,
            )


def same_port(port: str) -> str:
    """Return what all spellings of one port have in common: links, capitals of Windows, its prefix."""
    text = port.strip().removeprefix("\\\\.\\")
    if text.upper().startswith("COM"):
        return text.upper()
    return os.path.realpath(text) if text.startswith("/") else text
