"""Check that every text, cue, scale and pressure that a protocol names is there.

Works on the file's tree, not on its model, so that a slip elsewhere hides no missing name.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scc_task.errors import FileProblem
from scc_task.protocol.names import offer
from scc_task.protocol.yaml_file import Path, Tree

_REFERENCES: Final = (
    # (verb, key, what it names)
    ("show", "text", "texts"),
    ("anticipation", "cue", "cues"),
    ("inflate", "to", "pressures"),
    ("inflate", "cue", "cues"),
    ("rate", "scale", "scales"),
)


def check_names(protocol: Tree, texts: Tree | None, *, file: str) -> list[FileProblem]:
    """Return a problem for each name that leads nowhere, and for cues that look alike.

    Parameters
    ----------
    texts
        The text file, or ``None`` when it could not be read: its names are not checked then.
    """
    found: list[FileProblem] = []

    def refuse(what: str, path: Path, do: str) -> None:
        place = protocol.place(path)
        found.append(FileProblem(what, file=file, line=place.line, column=place.column, do=do))

    known = {
        "cues": _names(protocol.data.get("cues")),
        "pressures": _names(protocol.data.get("pressures")),
    }
    if texts is not None:
        known["texts"] = _names(texts.data.get("texts"))
        known["scales"] = _names(texts.data.get("scales"))
    where = {
        "texts": "in the text file",
        "scales": "in the text file",
        "cues": "under 'cues'",
        "pressures": "under 'pressures'",
    }
    for path, noun, name in _referred(protocol.data.get("run"), ("run",)):
        if noun in known and name not in known[noun]:
            what = f"there is no {noun[:-1]} '{name}' {where[noun]}"
            refuse(what, path, offer(name, known[noun], noun=noun))
    for path, what, do in _lookalikes(protocol.data.get("cues")):
        refuse(what, path, do)
    return found


def _names(block: object) -> list[str]:
    return [str(key) for key in block] if isinstance(block, Mapping) else []


def _referred(steps: object, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield path, kind and name of everything the steps refer to."""
    if not isinstance(steps, tuple):
        return
    for position, step in enumerate(steps):
        if not isinstance(step, Mapping):
            continue
        for verb, key, noun in _REFERENCES:
            block = step.get(verb)
            name = block.get(key) if isinstance(block, Mapping) else None
            if isinstance(name, str):
                yield (*path, position, verb, key), noun, name
        block = step.get("inflate")
        meanwhile = block.get("rate") if isinstance(block, Mapping) else None
        name = meanwhile.get("scale") if isinstance(meanwhile, Mapping) else None
        if isinstance(name, str):
            yield (*path, position, "inflate", "rate", "scale"), "scales", name
        trials = step.get("trials")
        if isinstance(trials, Mapping) and len(path) == 1:
            yield from _referred(trials.get("each"), (*path, position, "trials", "each"))


def _lookalikes(cues: object) -> Iterator[tuple[Path, str, str]]:
    """Yield cues that a colour-blind participant, or one without glasses, could confuse."""
    if not isinstance(cues, Mapping):
        return
    earlier: list[tuple[str, Mapping[str, Any]]] = []
    for name, cue in cues.items():
        if not isinstance(cue, Mapping):
            continue
        for other, look in earlier:
            for aspect in ("shape", "color"):
                if isinstance(cue.get(aspect), str) and cue[aspect] == look.get(aspect):
                    yield (
                        ("cues", name, aspect),
                        f"cues '{other}' and '{name}' have the same {aspect}, '{cue[aspect]}'",
                        f"give '{name}' another {aspect}: cues must differ in shape and in color",
                    )
        earlier.append((name, cue))
