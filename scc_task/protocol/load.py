"""Read a protocol, rig, text or calibration file whole, or say everything that is wrong with it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from pydantic import ValidationError

from scc_task.errors import FileProblem, FilesInvalid
from scc_task.protocol import yaml_file
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.base import Model
from scc_task.protocol.calibration import Calibration
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.explain import ambiguous_words, explain
from scc_task.protocol.fault_file import FaultScript
from scc_task.protocol.model import Protocol
from scc_task.protocol.names import nearest
from scc_task.protocol.rig import Rig
from scc_task.protocol.texts import Texts
from scc_task.protocol.yaml_file import Tree, read_tree

_KINDS: Final[dict[type[Model], tuple[str, str, str]]] = {
    # what we call it, the key that no other kind has, an example
    Protocol: ("protocol", "run", "protocols/scc.yaml"),
    Rig: ("rig", "cuff", "rigs/simulated.yaml"),
    Texts: ("text", "texts", "protocols/text/en.yaml"),
    Calibration: ("calibration", "source", "protocols/calibration-example.yaml"),
    Accepted: (
        "stored calibration",
        "accepted",
        "the newest that 'run_task.py calibrations' lists",
    ),
    FaultScript: ("fault", "faults", "protocols/faults-example.yaml"),
    CalibrationProtocol: ("calibration protocol", "procedure", "protocols/calibration.yaml"),
}

M_co = TypeVar("M_co", bound=Model, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[M_co]):
    """A file that was read: its model, and the text for the record.

    ``file`` is the path as the person gave it. ``text`` encodes (UTF-8) to exactly the bytes of
    the file, whose SHA-256 is ``sha256``.
    """

    file: str
    model: M_co
    text: str
    sha256: str
    tree: Tree

    def problem(
        self, what: str, path: yaml_file.Path, *, do: str, key: bool = False
    ) -> FileProblem:
        """Return a problem at a place of this file."""
        place = self.tree.place(path, key=key)
        return FileProblem(what, file=self.file, line=place.line, column=place.column, do=do)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[M_co]):
    """What came of reading a file: the file, or its problems, and whatever tree could be read.

    Checks that need names only can go on with the tree of a file that has problems.
    """

    file: str
    tree: Tree | None
    loaded: Loaded[M_co] | None
    problems: tuple[FileProblem, ...]


def load_protocol(path: Path) -> Loaded[Protocol]:
    """Return a protocol file.

    Raises
    ------
    FilesInvalid
        With all problems of the file, each with its place.
    """
    return _load(path, Protocol)


def load_rig(path: Path) -> Loaded[Rig]:
    """Return a rig file, or raise `FilesInvalid`."""
    return _load(path, Rig)


def load_texts(path: Path) -> Loaded[Texts]:
    """Return a text file, or raise `FilesInvalid`."""
    return _load(path, Texts)


def load_calibration(path: Path) -> Loaded[Calibration]:
    """Return a participant's calibration file, or raise `FilesInvalid`."""
    return _load(path, Calibration)


def load_calibration_protocol(path: Path) -> Loaded[CalibrationProtocol]:
    """Return a calibration protocol file, or raise `FilesInvalid`."""
    return _load(path, CalibrationProtocol)


def load_faults(path: Path) -> Loaded[FaultScript]:
    """Return a fault script for an emulated device, or raise `FilesInvalid`."""
    return _load(path, FaultScript)


def text_file(protocol: Path, language: str) -> Path:
    """Return where the texts of a protocol are: ``text/<language>.yaml`` beside it."""
    return protocol.parent / "text" / f"{language}.yaml"


_AnyModel = TypeVar("_AnyModel", bound=Model)


def attempt_to_load(path: Path, root: type[_AnyModel]) -> Attempt[_AnyModel]:
    """Return a file or its problems; nothing is raised."""
    file = str(path)
    raw, unread = _read(path)
    if unread is not None:
        return Attempt(file=file, tree=None, loaded=None, problems=(unread,))
    tree, problems = read_tree(file, raw)
    if tree is None:
        return Attempt(file=file, tree=None, loaded=None, problems=tuple(problems))
    other = _other_kind(tree, root)
    if other is not None:
        do = f"name a {_KINDS[root][0]} file, e.g. {_KINDS[root][2]}"
        mixed = FileProblem(
            f"this is a {other} file, where a {_KINDS[root][0]} file is expected",
            file=file,
            line=1,
            column=1,
            do=do,
        )
        return Attempt(file=file, tree=None, loaded=None, problems=(mixed,))
    model: _AnyModel | None = None
    try:
        model = root.model_validate(tree.data)
    except ValidationError as error:
        problems = [*problems, *explain(error, root=root, tree=tree, file=file)]
    problems = [*problems, *ambiguous_words(tree, file=file, known=problems)]
    loaded = None
    if model is not None and not problems:
        sha256 = hashlib.sha256(raw).hexdigest()
        loaded = Loaded(file=file, model=model, text=raw.decode("utf-8"), sha256=sha256, tree=tree)
    return Attempt(file=file, tree=tree, loaded=loaded, problems=tuple(problems))


def _load(path: Path, root: type[_AnyModel]) -> Loaded[_AnyModel]:
    attempt = attempt_to_load(path, root)
    if attempt.loaded is None:
        raise FilesInvalid(list(attempt.problems))
    return attempt.loaded


def _other_kind(tree: Tree, root: type[Model]) -> str | None:
    """Return what kind of file this is, if it is clearly of another kind than expected."""
    if _KINDS[root][1] in tree.data:
        return None
    return next((kind for kind, mark, _ in _KINDS.values() if mark in tree.data), None)


def _read(path: Path) -> tuple[bytes, FileProblem | None]:
    try:
        return path.read_bytes(), None
    except FileNotFoundError:
        others = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        near = nearest(path.name, others)
        do = f"did you mean {path.parent / near}?" if near else "check the name and the folder"
        what = "there is no such file"
    except IsADirectoryError:
        what, do = "this is a folder", "name a file"
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such name"
        what, do = f"the file cannot be read: {reason}", "check the name and the permissions"
    return b"", FileProblem(what, file=str(path), line=None, column=None, do=do)
