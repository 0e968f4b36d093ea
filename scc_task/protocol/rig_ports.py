"""A port has one owner: the cuff, the trigger, the buttons, or one recorder, however it is spelled."""

import os
from collections.abc import Iterable

from scc_task.protocol.base import refuse
from scc_task.protocol.rig_words import EMULATED

Owner = tuple[str, str | None, tuple[str | int, ...]]
"""Who has a port, the port as written, and where in the file."""


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
