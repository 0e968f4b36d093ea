"""The command that a refusal tells a person to type: whole, with what was given to this one."""

from pathlib import Path


def calibrate_command(
    subject: str,
    session: str,
    *,
    data: Path | None = None,
    rig_file: Path | None = None,
    protocol: Path | None = None,
    option: str = "",
) -> str:
    """Return the command that calibrates a participant, as it can be typed.

    Parameters
    ----------
    data, rig_file
        ``None`` where they are not known: then the person has to fill them in.
    protocol
        ``None`` for the default one.
    option
        Such as ``--check``.
    """
    words = ["run_task.py calibrate", "" if protocol is None else _typed(protocol), option]
    words.append(f"--subject {subject} --session {session}")
    words.append(f"--rig {'RIG.yaml' if rig_file is None else _typed(rig_file)}")
    words.append(f"--data {'DATA' if data is None else _typed(data)}")
    return " ".join(word for word in words if word)


def _typed(path: Path) -> str:
    """Return a path as one word, at every shell that matters."""
    text = str(path)
    return f'"{text}"' if any(c.isspace() or c in "()&;'" for c in text) else text
