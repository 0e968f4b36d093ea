"""Find what a model says about a place in a file: its field, its block, its known names."""

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from scc_task.protocol.base import Model
from scc_task.protocol.yaml_file import Path

_UNITS = {"fixation": "s", "from": "s", "to": "s", "step": "s"}
_SUFFIXES = {"_mmhg": "mmHg", "mmhg": "mmHg", "_ms": "ms", "_px": "px", "_s": "s", "_m": "m"}


def field_at(root: type[Model], path: Path) -> FieldInfo | None:
    """Return the field that a path leads to, or that holds the list or mapping it leads into."""
    found: FieldInfo | None = None
    kinds: list[Any] = [root]
    for part in path:
        inner: list[Any] = []
        for kind in kinds:
            if _is_model(kind):
                field = fields_of(kind).get(str(part))
                if field is not None:
                    found = field
                    inner.extend(_kinds(field.annotation))
            elif get_origin(kind) in (tuple, dict):
                arguments = get_args(kind)
                inner.extend(_kinds(arguments[-1] if get_origin(kind) is dict else arguments[0]))
        kinds = inner
    return found


def block_at(root: type[Model], path: Path) -> type[Model] | None:
    """Return the model of the block that a path leads to."""
    kinds: list[Any] = [root]
    for part in path:
        inner: list[Any] = []
        for kind in kinds:
            if _is_model(kind):
                field = fields_of(kind).get(str(part))
                inner.extend(_kinds(field.annotation) if field is not None else [])
            elif get_origin(kind) in (tuple, dict):
                arguments = get_args(kind)
                inner.extend(_kinds(arguments[-1] if get_origin(kind) is dict else arguments[0]))
        kinds = inner
    return next((kind for kind in kinds if _is_model(kind)), None)


def fields_of(block: type[Model]) -> dict[str, FieldInfo]:
    """Return the fields of a block by the names that a file uses."""
    return {field.alias or name: field for name, field in block.model_fields.items()}


def unit_of(path: Path) -> str:
    """Return the unit of the number at a path, with a space before it, or nothing."""
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if "scales" in path:  # the ends of a scale have no unit
        return ""
    unit = _UNITS.get(name) or next((u for end, u in _SUFFIXES.items() if name.endswith(end)), "")
    return f" {unit}" if unit else ""


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _kinds(annotation: Any) -> list[Any]:
    """Return the types an annotation allows, out of their wrappers."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for part in get_args(annotation) for kind in _kinds(part)]
    return [annotation]
