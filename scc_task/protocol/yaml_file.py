"""Read a YAML file into plain values that remember where they stand.

Built on the parser's events, not on its loader: every key and value keeps its line and column,
and what would surprise a scientist (duplicate keys, anchors, tags, second documents, empty
values) is refused instead of guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from scc_task.errors import FileProblem
from scc_task.protocol.yaml_scalars import plain_value
from scc_task.protocol.yaml_syntax import explain_syntax

Path = tuple[str | int, ...]
"""Where a value stands: keys and list positions (from 0), from the root of the file."""

LARGEST_BYTES: Final = 1_000_000  # the longest of our own files has 4 kB; this is no YAML of ours
DEEPEST: Final = 20  # our grammar needs 7 levels; a limit keeps hostile files from the recursion

# the characters that YAML 1.2 calls printable, and nothing else
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The values of a file and where they stand.

    ``data`` has mappings as dict, lists as tuple. ``spoiled`` holds paths that have been refused
    already: what a model thinks of them is not worth telling.
    """

    data: Any
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    words: dict[Path, str] = field(default_factory=dict)
    unquoted: set[Path] = field(default_factory=set)
    spoiled: set[Path] = field(default_factory=set)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where a value (or its key) stands; for what is missing, where it would belong."""
        if path in self.values:
            return self.keys.get(path, self.values[path]) if key else self.values[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or Place(1, 1)

    def is_spoiled(self, path: Path) -> bool:
        """Return whether the value, or one that it is part of, has been refused already."""
        return any(path[:length] in self.spoiled for length in range(len(path) + 1))


def read_tree(file: str, raw: bytes) -> tuple[Tree | None, list[FileProblem]]:
    """Return the tree of a file and its problems; no tree when it is not YAML at all."""
    text, problem = _decode(file, raw)
    if text is None:
        return None, [problem] if problem else []
    builder = _Builder(file)
    try:
        return builder.build(text), builder.problems
    except _TooDeep as error:
        found = builder.problem(
            "more than 20 levels of nesting", error.event, do="compare with docs/protocol.md"
        )
        return None, [found]
    except yaml.YAMLError as error:
        found = explain_syntax(
            error, file=file, lines=re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)
        )
        return None, [*builder.problems, found]


def _decode(file: str, raw: bytes) -> tuple[str | None, FileProblem | None]:
    def refuse(what: str, do: str, offset: int = 0) -> tuple[None, FileProblem]:
        before = raw[:offset]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        return None, FileProblem(what, file=file, line=line, column=column, do=do)

    if len(raw) > LARGEST_BYTES:
        return refuse(
            f"the file has {len(raw)} bytes, too many for one of ours", "name a YAML text file"
        )
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return refuse("the file is saved as UTF-16", "save it with the encoding UTF-8")
    if b"\0" in raw:
        return refuse("this is a binary file, not text", "name a YAML text file", raw.index(b"\0"))
    try:
        # Windows Notepad puts a byte order mark first: harmless
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        byte = f"0x{raw[error.start]:02x}"
        do = "save the file with the encoding UTF-8 (or name another: is this a text file?)"
        return refuse(f"byte {byte} is not UTF-8 text", do, error.start)
    strange = _UNPRINTABLE.search(text) or re.search("\ufeff", text)
    if strange is not None:
        what = f"an invisible control character ({strange[0]!r}) stands in the file"
        return refuse(what, "remove it", len(text[: strange.start()].encode()))
    return text, None


class _TooDeep(Exception):
    def __init__(self, event: yaml.Event) -> None:
        super().__init__()
        self.event = event


class _Builder:
    """Turn parser events into a tree, noting problems on the way."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._tree = Tree(None)
        self.problems: list[FileProblem] = []

    def problem(self, what: str, event: yaml.Event, *, do: str) -> FileProblem:
        place = _place(event)
        return FileProblem(what, file=self._file, line=place.line, column=place.column, do=do)

    def build(self, text: str) -> Tree | None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        events = iter(yaml.parse(text, Loader=loader))
        root: Any = None
        documents = 0
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                what = "a second document begins here ('---')"
                self.problems.append(
                    self.problem(what, event, do="one file, one document: remove '---'")
                )
                break
            first = next(events)
            root = self._value(first, events, ())
            if root is None and isinstance(first, yaml.ScalarEvent):
                documents = 0
                break
            if not isinstance(root, dict):
                what = "the file must be lines of 'name: value'"
                do = "begin with 'version: 1'; compare with the examples in protocols/ and rigs/"
                self.problems.append(self.problem(what, first, do=do))
                return None
        if documents == 0:
            do = "begin with 'version: 1'; compare with the examples in protocols/ and rigs/"
            self.problems = [
                FileProblem(
                    "the file is empty (or has only comments)",
                    file=self._file,
                    line=1,
                    column=1,
                    do=do,
                )
            ]
            return None
        tree = self._tree
        return Tree(root, tree.keys, tree.values, tree.words, tree.unquoted, tree.spoiled)

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        if len(path) > DEEPEST:
            raise _TooDeep(event)
        self._tree.values[path] = _place(event)
        self._refuse_extras(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._value(inner, events, (*path, len(items))))
            return tuple(items)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        return None  # an alias, refused above

    def _refuse_extras(self, event: yaml.Event, path: Path) -> None:
        tag = getattr(event, "tag", None)
        anchor = getattr(event, "anchor", None)
        if tag is not None:
            what, do = f"a tag ('{tag}')", "write the value alone, a text in quotes"
        elif isinstance(event, yaml.AliasEvent):
            what, do = (
                f"a reference ('*{anchor}')",
                "write the value itself; put a text that begins with * in quotes",
            )
        elif anchor is not None:
            what, do = (
                f"an anchor ('&{anchor}')",
                "write the value alone; put a text that begins with & in quotes",
            )
        else:
            return
        self._tree.spoiled.add(path)
        self.problems.append(self.problem(f"{what} is not used in our files", event, do=do))

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> Any:
        word: str = event.value
        self._tree.words[path] = word
        if event.style is not None and event.style != "":
            return word
        self._tree.unquoted.add(path)
        value = plain_value(word)
        if value is None and path and path not in self._tree.spoiled:
            self._tree.spoiled.add(path)
            name = path[-1] if isinstance(path[-1], str) else "- "
            what = (
                f"nothing stands after '{name}'"
                if not word
                else f"'{word}' is no value in our files"
            )
            key = self._tree.keys.get(path)
            place = key or _place(event)
            do = "write a value, or remove the line; check the indentation of the lines below it"
            self.problems.append(
                FileProblem(what, file=self._file, line=place.line, column=place.column, do=do)
            )
        return value

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                what, do = "a name must be a single word", "write 'name: value'"
                self.problems.append(self.problem(what, event, do=do))
                self._skip(event, events, path)
                self._skip(next(events), events, path)
                self._tree.spoiled.add(path)
                continue
            name: str = event.value
            inner = (*path, name)
            if name in found:
                what = f"'{name}' is given twice (first in line {self._tree.keys[inner].line})"
                self.problems.append(self.problem(what, event, do="keep one of the two"))
                self._skip(next(events), events, path)
                continue
            self._tree.keys[inner] = _place(event)
            if event.tag is not None or event.anchor is not None:
                self._refuse_extras(event, inner)
            found[name] = None
            found[name] = self._value(next(events), events, inner)
        return found

    def _skip(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> None:
        """Read over a value that is not kept, without remembering its places."""
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if len(path) + depth > DEEPEST:
                raise _TooDeep(event)
            if depth == 0:
                return
            event = next(events)


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
