"""A cuff that is set by hand and measures nothing: the whole run, and what is said before it."""

import json
from pathlib import Path

from outside import ROOT, events_of, program
from rich.console import Console

from scc_task.cli import _announce
from scc_task.prepare import RunRequest, prepare
from scc_task.record.validate import validate_dataset

SCC = ROOT / "protocols" / "scc.yaml"


def rig_with(tmp_path: Path, cuff: str) -> Path:
    rig = tmp_path / "rig.yaml"
    text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    rig.write_text(text.replace("driver: reference", cuff), "utf-8")
    return rig


def test_a_whole_run_has_its_times_and_no_pressure(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rig = rig_with(tmp_path, "driver: contact\n  line: dtr")
    found = program("simulate", SCC, "--rig", rig, "--seed", "7", "--data", data)
    assert found.returncode == 0, found.stdout + found.stderr
    rows = [r for r in events_of(data) if r["trial_type"] == "pain"]
    assert [r["duration"] for r in rows] == ["15.000"] * 8
    assert {r[c] for r in rows for c in r if c.endswith("_mmhg")} == {"n/a"}
    assert not list(data.rglob("*_physio*"))
    (journal,) = data.glob("sourcedata/**/*_journal.jsonl")
    start = json.loads(journal.read_bytes().split(b"\n")[0][9:])
    assert start["device"]["model"] == "contact closure (DTR)"
    assert start["device"]["limitations"]
    assert validate_dataset(data) == []


def announced(tmp_path: Path, cuff: str) -> str:
    rig = rig_with(tmp_path, cuff)
    out = Console(record=True, width=200)
    _announce(out, prepare(RunRequest(SCC, rig, None, "01", "pre", 1, data=tmp_path, seed=7)))
    return out.export_text()


def test_what_cannot_be_enforced_is_said_before_the_run(tmp_path: Path) -> None:
    said = announced(tmp_path, "driver: contact\n  line: rts")
    assert "no ceiling is enforced" in said
    assert "set by hand" in said


def test_nothing_of_that_is_said_of_a_device_that_can_all_of_it(tmp_path: Path) -> None:
    assert "CUFF:" not in announced(tmp_path, "driver: reference")
