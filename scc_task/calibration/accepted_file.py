"""The file of an accepted calibration: YAML that a person can read, closed by a checksum.

The checksum shows an accident, and an edit by somebody who did not mean to deceive. It is no
signature: whoever changes the file and computes it anew is not noticed.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

from scc_task.calibration.refusals import Damaged
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.load import Loaded, attempt_to_load

_HEAD: Final = (
    "# One participant's accepted calibration, written by the program. Do not edit: a changed file is\n"
    "# refused. To calibrate anew: run_task.py calibrate. To see what is stored: run_task.py calibrations.\n"
)
_FIRST: Final = ("version", "revision", "subject", "session", "site", "simulated", "targets")
_BLOCKS: Final = ("targets", "accepted", "earlier")
"""What is written over several lines."""

_CHECKSUM: Final = re.compile(rb'checksum: "([0-9a-f]{64})"\n')
_CHECKSUM_BYTES: Final = len('checksum: ""\n') + 64

_DO: Final = (
    "put back the copy from your backup, or from the 'inputs' in the journal of a run that used it; or "
    "calibrate again; or give pressures that you answer for yourself with --calibration FILE"
)


def file_bytes(fields: dict[str, Any]) -> bytes:
    """Return the file of an accepted calibration.

    Parameters
    ----------
    fields
        Of an `Accepted`, as plain types; a ``checksum`` among them is left out and made here.
    """
    keys = [*_FIRST, *(key for key in fields if key not in (*_FIRST, "checksum"))]
    keys = [key for key in keys if fields[key] not in (None, ())]
    body = _HEAD + "".join(_lines(key, fields[key]) for key in keys)
    raw = body.encode("utf-8")
    return raw + f'checksum: "{hashlib.sha256(raw).hexdigest()}"\n'.encode()


def read_accepted(path: Path) -> Loaded[Accepted]:
    """Return an accepted calibration, or refuse a file that is not, byte by byte, what was written.

    Raises
    ------
    Damaged
        With everything that is wrong with the file.
    """
    attempt = attempt_to_load(path, Accepted)
    loaded = attempt.loaded
    try:
        raw = path.read_bytes() if loaded is None else loaded.text.encode("utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise Damaged(f"the file cannot be read: {reason}", path=path, do=_DO) from error
    what = _change(raw)
    if what is not None or loaded is None:
        what = what or "the file does not say what an accepted calibration says"
        raise Damaged(what, path=path, do=_DO, details=attempt.problems)
    return loaded


def _change(raw: bytes) -> str | None:
    """Return in words how a file differs from what was written, or ``None``."""
    body, last = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    match = _CHECKSUM.fullmatch(last)
    if match is None:
        return "the file does not end with its checksum: it is cut short, or was edited"
    if hashlib.sha256(body).hexdigest().encode() != match[1]:
        return "the checksum does not fit: the file was edited or damaged after it was written"
    return None


def _lines(key: str, value: Any) -> str:
    if key in _BLOCKS and isinstance(value, dict):
        inner = {k: v for k, v in value.items() if v is not None}
        return f"{key}:\n" + "".join(f"  {k}: {_flow(v)}\n" for k, v in inner.items())
    if key in _BLOCKS:
        return f"{key}:\n" + "".join(f"  - {_flow(entry)}\n" for entry in value)
    return f"{key}: {_flow(value)}\n"


def _flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _quoted(text: str) -> str:
    """Return a text in quotes, with everything escaped that a person could not see."""
    return '"' + "".join(map(_visible, text)) + '"'


def _visible(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"
