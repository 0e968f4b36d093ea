"""Words that several parts of a rig file share."""

from typing import Annotated, Final

from pydantic import StringConstraints

EMULATED: Final = "emulated"
"""The port of a device that this program emulates."""

KeyName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$")]
"""A key as PsychoPy names it: lower case, ``left``, ``return``, ``space``, ``b``, ``5``."""
