"""Turn what a model refuses into problems with a place, in plain words."""

import re
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scc_task.errors import FileProblem
from scc_task.protocol.base import RULE, Model
from scc_task.protocol.fields import block_at, field_at, fields_of, unit_of
from scc_task.protocol.names import nearest, offer
from scc_task.protocol.values import hint_for_number, shown, what_it_is
from scc_task.protocol.yaml_file import Path, Tree
from scc_task.protocol.yaml_scalars import is_ambiguous

_BOUNDS: Final = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_NUMBER_TYPES: Final = ("float_type", "int_type", "int_from_float", "float_parsing", "int_parsing")
_FOREIGN_UNITS: Final = ("_ms", "_min", "_kpa", "_sec", "_seconds", "ms", "kpa")


def explain(
    error: ValidationError, *, root: type[Model], tree: Tree, file: str
) -> list[FileProblem]:
    """Return a model's complaints about a file as problems for its author."""
    found: list[FileProblem] = []
    details = error.errors(include_url=False)
    meant = _misspelt(details, root, tree)
    for detail in details:
        path = _path(detail, tree.data)
        if tree.is_spoiled(path):
            continue
        if detail["type"] == "missing" and (path[:-1], path[-1]) in meant:
            continue  # its misspelt self is reported already
        if detail["type"] == "too_short" and _is_long_enough(detail, path, tree.data):
            continue  # entries that do not fit were not counted; they are reported themselves
        what, do, path, at_key = _in_words(detail, path, root, tree)
        place = tree.place(path, key=at_key)
        problem = FileProblem(what, file=file, line=place.line, column=place.column, do=do)
        if str(problem) not in {str(p) for p in found}:
            found.append(problem)
    return found


def ambiguous_words(tree: Tree, *, file: str, known: list[FileProblem]) -> list[FileProblem]:
    """Return a problem for each unquoted ``yes``, ``no``, ``on``, ``off`` or ``007``.

    Our reader takes them as words; the editor, or the next program that reads the file, may not.
    """
    taken = {(problem.line, problem.column) for problem in known}
    found = []
    written = [
        (tree.values[path], word) for path, word in tree.words.items() if path in tree.unquoted
    ]
    keys = [(place, str(path[-1])) for path, place in tree.keys.items()]
    for place, word in (*written, *keys):
        if is_ambiguous(word) and (place.line, place.column) not in taken:
            read_as = "a number" if word[-1].isdigit() else "true or false"
            found.append(
                FileProblem(
                    f"'{word}' without quotes is read as {read_as} by other YAML programs",
                    file=file,
                    line=place.line,
                    column=place.column,
                    do=f'write "{word}" in quotes if you mean the word',
                )
            )
    return found


def _path(detail: ErrorDetails, data: Any) -> Path:
    """Return where in the file a complaint is, without the model's own signposts."""
    path: list[str | int] = []
    node = data
    for part in detail["loc"]:
        in_list = isinstance(node, tuple) and isinstance(part, int) and part < len(node)
        if in_list or (isinstance(node, dict) and part in node):
            node = node[part]
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            node = None
        else:
            continue
        path.append(part)
    return tuple(path)


def _is_long_enough(detail: ErrorDetails, path: Path, data: Any) -> bool:
    for part in path:
        data = data[part]
    return len(data) >= int(detail.get("ctx", {}).get("min_length", 0))


def _misspelt(
    details: list[ErrorDetails], root: type[Model], tree: Tree
) -> set[tuple[Path, str | int]]:
    """Return the known keys that unknown ones were meant to be, with the path of their block."""
    meant: set[tuple[Path, str | int]] = set()
    for detail in details:
        if detail["type"] != "extra_forbidden":
            continue
        path = _path(detail, tree.data)
        block = block_at(root, path[:-1])
        near = _meant(str(path[-1]), list(fields_of(block))) if block is not None else None
        if near is not None:
            meant.add((path[:-1], near))
    return meant


def _meant(name: str, known: list[str]) -> str | None:
    if name.lower() in ("duration", "duration_s", "seconds", "for") and "for_s" in known:
        return "for_s"
    if name.lower() in ("colour", "colors") and "color" in known:
        return "color"
    if name.lower() in ("pressure", "target") and "to" in known:
        return "to"
    return nearest(name, known)


def _in_words(
    detail: ErrorDetails, path: Path, root: type[Model], tree: Tree
) -> tuple[str, str, Path, bool]:
    """Return what is wrong, what to do, the path to point at, and whether to point at its key."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "the file")
    if path and isinstance(path[-1], int):
        name = f"entry {path[-1] + 1} of '{name}'"
    if kind == RULE:
        return context["what"], context["do"], (*path, *context["at"]), False
    if kind == "extra_forbidden":
        return *_unknown_key(str(path[-1]), block_at(root, path[:-1])), path, True
    if kind == "missing" and isinstance(path[-1], int):
        return f"'{path[-2]}' has too few entries", _how_to_write(root, path[:-1]), path[:-1], False
    if kind == "missing":
        block = block_at(root, path[:-1])
        entry = block.entry if block is not None else "key"
        inside = f" in '{path[-2]}'" if len(path) > 1 and isinstance(path[-2], str) else ""
        return f"the {entry} '{path[-1]}' is missing{inside}", _how_to_write(root, path), path, True
    if detail["loc"][-1] == "[key]":
        what = f"'{path[-1]}' cannot be a name"
        do = "begin with a small letter; small letters, digits and _ may follow, 40 at most"
        return what, do, path, True
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        unit = unit_of(path)
        what = f"{name} is {value:g}{unit}, but must be {words} {context[key]:g}{unit}"
        return what, _how_to_write(root, path), path, False
    if kind == "finite_number":
        return (
            f"{name} is {shown(value)}, not a finite number",
            _how_to_write(root, path),
            path,
            False,
        )
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"]) or re.findall(
            r"\d+", context["expected"]
        )
        do = offer(str(value), known, noun="values")
        return f"{name} is {shown(value)}, which is not one of ours", do, path, False
    if kind in ("too_short", "too_long"):
        many = "few" if kind == "too_short" else "many"
        return f"'{name}' has too {many} entries", _how_to_write(root, path), path, False
    return *_wrong_kind(kind, name, value, path, root, tree), path, False


def _unknown_key(key: str, block: type[Model] | None) -> tuple[str, str]:
    known = list(fields_of(block)) if block is not None else []
    entry = block.entry if block is not None else "key"
    near = _meant(key, known)
    if entry == "verb" and key == "trials":
        return "trials inside trials", "write all steps of a trial in one list under 'each'"
    if near is not None and near != nearest(key, known):
        do = f"did you mean '{near}'? (known: {', '.join(known)})"
    else:
        do = offer(key, known, noun=f"{entry}s")
    unit = unit_of((near,)).strip() if near is not None else ""
    if unit and key.lower().endswith(_FOREIGN_UNITS):
        do = f"{'times' if unit == 's' else 'pressures'} are in {unit} here: write '{near}'"
    return f"'{key}' is not a {entry} that is known here", do


def _wrong_kind(
    kind: str, name: str, value: Any, path: Path, root: type[Model], tree: Tree
) -> tuple[str, str]:
    unit = unit_of(path)
    if kind in _NUMBER_TYPES:
        whole = kind.startswith("int") and isinstance(value, float)
        expected = "a whole number" if kind.startswith("int") else "a number"
        if whole:
            return f"{name} is {value:g}, which is not a whole number", _how_to_write(root, path)
        hint = hint_for_number(value, unit=unit.strip())
        return f"{name} is {shown(value)}, which is not {expected}", hint or _how_to_write(
            root, path
        )
    if kind == "bool_type":
        return f"{name} is {shown(value)}, which is neither true nor false", "write true or false"
    if kind == "string_type":
        written = tree.words.get(path)
        if written is not None:
            what = (
                f"{name} is {written} without quotes, {what_it_is(value)}, where words are expected"
            )
            return what, f'put it in quotes: "{written}"'
        return f"{name} is {what_it_is(value)}, where words are expected", _how_to_write(root, path)
    if kind in ("string_pattern_mismatch", "string_too_short", "string_too_long"):
        return f"{name} is {shown(value)}, which does not fit", _how_to_write(root, path)
    if kind in ("tuple_type", "list_type"):
        do = "begin each entry on a line of its own with '- ', or write [one, two]"
        return f"{name} is {what_it_is(value)}, where a list is expected", do
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        what = f"{name} is {shown(value)}, where a block of 'name: value' is expected"
        return what, _how_to_write(root, path)
    return f"{name} is {shown(value)}, which does not fit", _how_to_write(root, path)


def _how_to_write(root: type[Model], path: Path) -> str:
    """Return how to write what belongs at a path, from the model's own description."""
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    field = field_at(root, path)
    block = block_at(root, path)
    if field is None:
        return "compare with docs/protocol.md"
    inside = block is not None and isinstance(path[-1], int)
    if block is not None and (inside or not field.examples):
        keys = [key for key, f in fields_of(block).items() if f.is_required()] or list(
            fields_of(block)
        )
        joined = (
            " or ".join(keys) if block.entry == "verb" else ", ".join(f"{k}: ..." for k in keys)
        )
        if block.entry == "verb":
            return f"write a step, e.g. '- fixation: 10' (verbs: {', '.join(keys)})"
        return f"write {name}: {{{joined}}}"
    about = f" ({field.description})" if field.description else ""
    if not field.examples:
        return f"write '{name}'{about}"
    example = field.examples[0]
    example = ("true" if example else "false") if isinstance(example, bool) else example
    if field.annotation is str and not isinstance(example, str):
        example = f'"{example}"'
    return f"write e.g. {name}: {example}{about}"
