"""JSON schemas of our files, made from the models: an editor completes and checks with them."""

import json
from pathlib import Path
from typing import Any, Final

from scc_task.protocol.base import Model
from scc_task.protocol.calibration import Calibration
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.fault_file import FaultScript
from scc_task.protocol.model import Protocol
from scc_task.protocol.rig import Rig
from scc_task.protocol.texts import Texts

ROOTS: Final[dict[str, type[Model]]] = {
    "protocol": Protocol,
    "rig": Rig,
    "text": Texts,
    "calibration": Calibration,
    "faults": FaultScript,
    "calibration_protocol": CalibrationProtocol,
}


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a kind of file: protocol, rig, text, calibration or faults."""
    schema = _without_null(ROOTS[kind].model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_texts() -> dict[str, str]:
    """Return the schema files by name, as they lie under ``protocols/schema``."""
    return {
        f"{kind}.schema.json": json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in ROOTS
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write the schema files and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in schema_texts().items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _without_null(node: Any) -> Any:
    """Return a schema without the null that optional fields have: our files have no empty values."""
    if isinstance(node, list):
        return [_without_null(part) for part in node]
    if not isinstance(node, dict):
        return node
    cleaned = {key: _without_null(value) for key, value in node.items()}
    if cleaned.get("default", ...) is None:
        del cleaned["default"]
    if any(isinstance(e, str) and e[:1] in "{[" for e in cleaned.get("examples", ())):
        del cleaned["examples"]  # written for people, as YAML
    options = cleaned.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        options = [option for option in options if option != {"type": "null"}]
        del cleaned["anyOf"]
        cleaned = {**options[0], **cleaned} if len(options) == 1 else {**cleaned, "anyOf": options}
    return cleaned
