"""A whole calibration as a journal, cut short and changed, for those who go on after it."""

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

from calibration_bench import PROTOCOLS
from stored import RIGS

from scc_task.cli_calibrate import calibrate
from scc_task.prepare_calibration import (
    CalibrationRequest,
    PreparedCalibration,
    prepare_calibration,
)
from scc_task.record.paths import RunName

Line = dict[str, Any]
NAME = RunName(subject="01", session="pre", task="calibration", run=1)
SECOND = RunName(subject="01", session="pre", task="calibration", run=2)


def go(data: Path, rig: Path = RIGS / "simulated.yaml", **options: Any) -> int:
    """Calibrate on the emulated cuff."""
    given = {"seed": 3, "simulate": True, **options}
    return calibrate("01", "pre", PROTOCOLS / "calibration.yaml", rig, data, **given)


def resume(data: Path, rig: Path, **options: Any) -> PreparedCalibration:
    """Prepare to go on with a calibration, or what the options say instead."""
    return prepare_calibration(
        CalibrationRequest(
            rig=rig,
            subject="01",
            session="pre",
            data=data,
            **{
                "protocol": PROTOCOLS / "calibration.yaml",
                "seed": None,
                "resume": True,
                **options,
            },
        )
    )


def lines_of(whole: Path, outcomes: int | None = None) -> list[Line]:
    """Return the documents of the whole calibration, up to an outcome."""
    found: list[Line] = []
    for line in NAME.journal(whole).read_bytes().splitlines():
        found.append(json.loads(line[9:]))
        if sum(d["type"] == "outcome" for d in found) == outcomes:
            break
    return found


def write(
    data: Path, documents: list[Line], name: RunName = NAME, *, whose: RunName | None = None
) -> Path:
    """Write a journal of these documents, in which the run is named as the file is, or as ``whose``."""
    own, path = whose or name, name.journal(data)
    start, *rest = documents
    plan = start["plan"] | {"task": own.task}
    says = {"subject": own.subject, "session": own.session, "run": own.run, "plan": plan}
    documents = [start | says, *rest]
    path.parent.mkdir(parents=True, exist_ok=True)
    bodies = [json.dumps(d, separators=(",", ":")).encode() for d in documents]
    path.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(body), body) for body in bodies))
    return path


def of_a_person(documents: list[Line], rig: Path) -> list[Line]:
    """Return the documents as if they had been recorded with a real cuff."""
    start, *rest = documents
    text = rig.read_text("utf-8")
    given = {"text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    inputs = [i | given if i["role"] == "rig" else i for i in start["inputs"]]
    device = start["device"] | {"simulated": False, "model": "CUFF/1", "serial_number": "R-17"}
    provenance = start["provenance"] | {"clock": "real"}
    new = {"simulated": False, "inputs": inputs, "device": device, "provenance": provenance}
    return [start | new, *rest]
