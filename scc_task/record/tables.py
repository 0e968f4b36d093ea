"""Root and session files that people edit too: add what is missing, change nothing that is there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scc_task.record.files import MISSING, json_bytes, table_bytes


class Unmergeable(Exception):
    """A file that a person has edited into something we cannot add to without doing harm."""


def merged_json(path: Path, ours: Mapping[str, Any]) -> bytes | None:
    """Return a JSON file with our keys added where they are missing; ``None`` if nothing is.

    What is there wins, at every depth, so hand edits survive.

    Raises
    ------
    Unmergeable
        If the file is not a JSON object.
    """
    if not path.exists():
        return json_bytes(ours)
    there = read_json(path)
    merged = merge(there, ours)
    return None if merged == there else json_bytes(merged)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    Unmergeable
        If there is none.
    """
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError) as error:
        raise Unmergeable(f"it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise Unmergeable("it is not a JSON object")
    return data


def merge(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with our keys added where they are missing, at every depth."""
    merged = dict(there)
    for key, value in ours.items():
        old = merged.get(key)
        if key not in merged:
            merged[key] = value
        elif isinstance(old, dict) and isinstance(value, Mapping):
            merged[key] = merge(old, value)
    return merged


def merged_table(
    path: Path, row: Mapping[str, str], *, joined: Mapping[str, str] | None = None
) -> bytes | None:
    """Return a table with one row added or completed; ``None`` if it says all that already.

    The first key of ``row`` is the key of the table. Cells that hold something are never changed,
    so dates that were shifted by hand stay shifted; other columns and rows stay as they are. Only
    the columns in ``joined`` take the value given there when the cell and ``row`` disagree.

    Raises
    ------
    Unmergeable
        If the file is not a table with that key.
    """
    if not path.exists():
        return table_bytes(list(row), [row])
    columns, rows = read_table(path)
    key = next(iter(row))
    if key not in columns:
        raise Unmergeable(f"it has no column {key}")
    before = [dict(r) for r in rows]
    mine = next((r for r in rows if r[key] == row[key]), None)
    if mine is None:
        rows.append(mine := {})
    for column, value in row.items():
        old = mine.get(column) or MISSING
        if old == MISSING:
            mine[column] = value
        elif joined and column in joined and old != value:
            mine[column] = joined[column]
    added = [column for column in row if column not in columns]
    if not added and rows == before:
        return None
    return table_bytes([*columns, *added], rows)


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of a tab-separated file, whatever its line ends.

    Raises
    ------
    Unmergeable
        If it is not UTF-8 or its rows differ in length.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (ValueError, OSError) as error:
        raise Unmergeable(f"it cannot be read: {error}") from error
    lines = [line for line in text.split("\n") if line]
    if not lines:
        raise Unmergeable("it is empty")
    columns = lines[0].split("\t")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise Unmergeable(f"line {number} has {len(cells)} cells, not {len(columns)}")
        rows.append(dict(zip(columns, cells, strict=True)))
    return columns, rows
