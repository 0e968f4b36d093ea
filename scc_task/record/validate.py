"""Is a dataset valid? The BIDS validator, the HED tools, and what neither of them sees."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scc_task.errors import ExplainedError
from scc_task.record.descriptions import HED_VERSION

_PROGRAM = "bids-validator-deno"
_EMPTY_CELL = re.compile(rb"(^|\t)(\t|$)", re.MULTILINE)


class ValidatorMissing(ExplainedError):
    """The BIDS validator is not installed or did not run."""

    code = "SCC-320"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: who found it, how bad it is, where and what."""

    source: str
    severity: str
    code: str
    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.source} {self.severity}: {self.code} {self.location}: {self.message}"


def validate_dataset(root: Path, *, images: bool = False) -> list[Finding]:
    """Return everything that is wrong with a dataset; an empty list is a clean bill.

    Parameters
    ----------
    images
        Whether the images have been added: then every run must have its own.

    Raises
    ------
    ValidatorMissing
        If the BIDS validator does not run.
    """
    return [*bids_findings(root), *hed_findings(root), *own_findings(root, images=images)]


def bids_findings(root: Path) -> list[Finding]:
    """Return the errors and warnings of the BIDS validator. It needs no network."""
    beside = Path(sys.executable).with_name(_PROGRAM + (".exe" if sys.platform == "win32" else ""))
    program = str(beside) if beside.exists() else shutil.which(_PROGRAM)
    if program is None:
        raise ValidatorMissing(
            "the BIDS validator is not installed",
            where=sys.prefix,
            do=f"install it: {sys.executable} -m pip install {_PROGRAM}",
        )
    done = subprocess.run(  # noqa: S603  our own program, on a folder the caller named
        # by default only the first 1000 rows of a table are looked at
        [program, str(root), "--format", "json", "--max-rows", "-1"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    try:
        issues = json.loads(done.stdout)["issues"]["issues"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValidatorMissing(
            f"the BIDS validator gave no result: {(done.stderr or done.stdout)[-300:]}",
            where=program,
            do="run it by hand on the dataset and see what it says",
        ) from error
    return [
        Finding(
            source="bids-validator",
            severity=issue["severity"],
            code="/".join(filter(None, (issue["code"], issue.get("subCode")))),
            location=issue.get("location") or "",
            message=" ".join((issue.get("issueMessage") or "").split()),
        )
        for issue in issues
        if issue.get("severity") != "ignore"
    ]


def hed_findings(root: Path) -> list[Finding]:
    """Return what the HED tools say of every events file, with the sidecars that apply to it."""
    # it takes 3 s to import, so only here
    from hed import (  # type: ignore[import-untyped]
        Sidecar,
        TabularInput,
        load_schema_version,
    )

    schema = load_schema_version(HED_VERSION)
    found: list[Finding] = []
    for table in sorted(root.glob("sub-*/**/*_events.tsv")):
        task = re.search(r"_(task-[0-9A-Za-z]+)_", table.name)
        near = [root / f"{task[1]}_events.json"] if task else []
        sidecars = [str(p) for p in (*near, table.with_suffix(".json")) if p.exists()]
        if not sidecars:
            continue
        sidecar = Sidecar(sidecars)
        issues = sidecar.validate(schema)
        issues += TabularInput(str(table), sidecar=sidecar).validate(schema)
        found += [
            Finding(
                source="hedtools",
                severity="error" if issue.get("severity", 1) == 1 else "warning",
                code=str(issue.get("code")),
                location=table.relative_to(root).as_posix(),
                message=str(issue.get("message", "")),
            )
            for issue in issues
        ]
    return found


def own_findings(root: Path, *, images: bool = False) -> list[Finding]:
    """Return what the validators pass over and analysis programs stumble on."""
    found = [
        Finding(
            source="scc-task",
            severity="error",
            code=code,
            location=path.relative_to(root).as_posix(),
            message=message,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file() and "sourcedata" not in path.relative_to(root).parts
        for code, message in _problems(path, images=images)
    ]
    return found


def _problems(path: Path, *, images: bool) -> Iterator[tuple[str, str]]:
    if path.suffix in (".tsv", ".json"):
        raw = path.read_bytes()
        if b"\r" in raw:
            yield "LINE_END", "has a carriage return"
        if raw.startswith(b"\xef\xbb\xbf"):
            yield "BYTE_ORDER_MARK", "begins with a byte order mark"
        if path.suffix == ".tsv" and _EMPTY_CELL.search(raw.rstrip(b"\n")):
            yield "EMPTY_CELL", "has an empty cell; a missing value is n/a"
    if path.name.endswith("_events.tsv"):
        yield from _event_problems(path, images=images)
    if images and path.name.endswith("_bold.nii.gz") and "task-rest" not in path.name:
        events = path.with_name(path.name.replace("_bold.nii.gz", "_events.tsv"))
        if not events.exists():
            yield "NO_EVENTS", "has no events file with the same run"


def _event_problems(path: Path, *, images: bool) -> Iterator[tuple[str, str]]:
    head, *lines = path.read_text("utf-8").rstrip("\n").split("\n")
    columns = head.split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines]
    ends_s: list[float] = []
    for row in rows:
        try:
            ends_s.append(float(row["onset"]) + float(row["duration"]))
        except (KeyError, ValueError):
            yield "NO_TIME", f"has a row without onset or duration: {row}"
    stem = path.name.removesuffix("_events.tsv")
    for recording in sorted(path.parent.glob(f"{stem}_recording-*.tsv.gz")):
        sidecar = recording.with_name(recording.name.replace(".tsv.gz", ".json"))
        described = json.loads(sidecar.read_text("utf-8"))
        if described["StartTime"] < 0:
            yield "NEGATIVE_START", f"{recording.name} starts before time zero"
        rows_recorded = gzip.decompress(recording.read_bytes()).count(b"\n")
        end_s = described["StartTime"] + rows_recorded / described["SamplingFrequency"]
        if end_s < max(ends_s, default=0.0):
            yield "SHORT_RECORDING", f"{recording.name} ends before the last event"
    if images and not any(path.parent.glob(f"{stem}*_bold.nii*")):
        yield "NO_IMAGES", "has no image with the same run"
