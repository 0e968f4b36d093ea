"""A calibration goes on only where it was begun: the same leg, the same cuff, and a person there as then."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from hardware.readings import Identity
from scc_task.documents import Start
from scc_task.errors import UsageInvalid
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_words import EMULATED
from scc_task.record.paths import RunName

Option = Literal["--resume", "--accept"]
"""By which an earlier calibration is taken up again."""


def anew(option: Option) -> str:
    """Return what can be done instead of taking it up."""
    return f"leave {option} out and begin a new calibration"


def cuff_in(start: Start) -> Mapping[str, Any]:
    """Return the cuff in a run's own rig file; nothing if the record has no readable one."""
    text = next((i.get("text", "") for i in start.inputs if i.get("role") == "rig"), "")
    try:
        cuff = yaml.safe_load(text)["cuff"]
    except (yaml.YAMLError, KeyError, TypeError):
        return {}
    return cuff if isinstance(cuff, Mapping) else {}


def _rehearsed(start: Start) -> bool:
    """Return whether the program itself emulated the cuff. An emulator at a port is no rehearsal."""
    if not start.simulated:
        return False
    return start.provenance.get("clock") == "virtual" or cuff_in(start).get("port") == EMULATED


def refuse_other_room(
    start: Start, stem: str, room: Rig, *, where: Path, option: Option = "--resume"
) -> None:
    """Refuse to go on after a run on another leg, with another kind of cuff, or with nobody in it.

    Parameters
    ----------
    stem
        The name of the run.
    where
        The rig file.

    Raises
    ------
    UsageInvalid
        With what differs.
    """
    if not could_go_on(start, room):
        then = "was simulated" if start.simulated else "was of a person"
        now = "would be simulated" if room.simulated else f"has the real cuff of rig '{room.name}'"
        raise _refused(
            f"{stem} {then}, and this one {now}: neither says anything of the other",
            where=where,
            option=option,
        )
    if start.cuff_site != room.cuff.site:
        raise _refused(
            f"{stem} was begun on the {start.cuff_site}, but the cuff of rig '{room.name}' sits on "
            f"the {room.cuff.site}: what one leg bears says nothing of the other",
            where=where,
            option=option,
            first="move the cuff back and give the rig file of then",
        )
    driver = cuff_in(start).get("driver", "unknown")
    if driver != room.cuff.driver:
        raise _refused(
            f"{stem} was begun with a {driver} cuff, but rig '{room.name}' has a {room.cuff.driver} cuff",
            where=where,
            option=option,
            first="give the rig file of then",
        )


def could_go_on(start: Start, room: Rig) -> bool:
    """Return whether a run is of the same kind as one in this room: of a person, or rehearsed."""
    return _rehearsed(start) is room.simulated


def refuse_other_cuff(
    device: Mapping[str, Any] | None, identity: Identity, *, before: RunName | None
) -> None:
    """Refuse another device than the one with which the calibration was begun.

    Where emulated devices answered then and answer now, nobody is pressed and serial numbers do not
    matter.

    Parameters
    ----------
    device
        What the earlier run recorded of its device; ``None`` if nothing is gone on with.
    before
        The name of that run.

    Raises
    ------
    UsageInvalid
        Before anything is armed.
    """
    if device is None or before is None:
        return
    if bool(device.get("simulated")) is not identity.simulated:
        then = "an emulated" if device.get("simulated") else "a real"
        raise UsageInvalid(
            f"{before.stem} was begun with {then} device; {identity.model} {identity.serial_number} is "
            f"{'emulated' if identity.simulated else 'real'}",
            where="--resume",
            do=f"connect the device of then, or {anew('--resume')}",
        )
    had = (str(device.get("model")), str(device.get("serial_number")))
    if not identity.simulated and had != (identity.model, identity.serial_number):
        raise UsageInvalid(
            f"{before.stem} was begun with {' '.join(had)}, but {identity.model} "
            f"{identity.serial_number} is connected",
            where="--resume",
            do=f"connect the device of then, or {anew('--resume')}",
        )


def _refused(what: str, *, where: Path, option: Option, first: str | None = None) -> UsageInvalid:
    instead = anew(option)
    return UsageInvalid(what, where=str(where), do=f"{first}, or {instead}" if first else instead)
