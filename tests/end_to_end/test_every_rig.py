"""The same simulated run over every kind of cuff: the same plan, a valid dataset, honest differences."""

import json
from pathlib import Path

import pytest
from outside import ROOT, events_of, program

from scc_task.record.validate import validate_dataset

pytestmark = pytest.mark.xdist_group("every_rig")  # what they share is made once

RIGS = ("reference", "cpar", "devicehost", "alicat", "contact")
MEASURED = ("hold_mmhg", "peak_mmhg", "rise_s", "fall_s")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for rig in RIGS:
        folders[rig] = data = tmp_path_factory.mktemp(rig)
        found = program(
            *("simulate", ROOT / "protocols" / "scc.yaml", "--rig", ROOT / "rigs" / f"{rig}.yaml"),
            *("--subject", "01", "--session", "pre", "--run", "1", "--seed", "7", "--data", data),
        )
        assert found.returncode == 0, (rig, found.stdout + found.stderr)
    return folders


def start_of(data: Path) -> dict:
    (journal,) = data.glob("sourcedata/**/*_journal.jsonl")
    return json.loads(journal.read_bytes().split(b"\n")[0][9:])


def pains_of(data: Path) -> list[dict[str, str]]:
    return [row for row in events_of(data) if row["trial_type"] == "pain"]


def test_every_rig_gets_the_same_plan(runs: dict[str, Path]) -> None:
    assert len({start_of(data)["plan_digest"] for data in runs.values()}) == 1


@pytest.mark.parametrize("rig", RIGS)
def test_every_dataset_is_valid(runs: dict[str, Path], rig: str) -> None:
    assert validate_dataset(runs[rig]) == []


@pytest.mark.parametrize("rig", RIGS)
def test_every_planned_event_is_there_at_its_time(runs: dict[str, Path], rig: str) -> None:
    ours, theirs = events_of(runs[rig]), events_of(runs["reference"])
    assert [row["trial_type"] for row in ours] == [row["trial_type"] for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        # an Alicat hears one command at a time: a start waits for the answer before it
        assert float(mine["onset"]) == pytest.approx(float(other["onset"]), abs=0.06)


@pytest.mark.parametrize("rig", [rig for rig in RIGS if rig != "contact"])
def test_what_is_measured_is_near_what_was_asked_for(runs: dict[str, Path], rig: str) -> None:
    for row in pains_of(runs[rig]):
        assert float(row["hold_mmhg"]) == pytest.approx(float(row["commanded_mmhg"]), abs=5)


def test_what_is_not_measured_is_nowhere_a_number(runs: dict[str, Path]) -> None:
    for row in pains_of(runs["contact"]):
        columns = (*MEASURED, "commanded_mmhg", "acknowledged_mmhg")
        assert {row[column] for column in columns} == {"n/a"}
    assert not list(runs["contact"].rglob("*_physio.tsv.gz"))


@pytest.mark.parametrize(
    ("rig", "sentence"),
    [
        ("alicat", "does not notice when this computer falls silent"),
        ("devicehost", "does not notice when this computer falls silent"),
        ("contact", "set by hand"),
    ],
)
def test_the_sidecar_says_what_the_device_cannot_do(
    runs: dict[str, Path], rig: str, sentence: str
) -> None:
    (sidecar,) = runs[rig].glob("sub-01/ses-pre/func/*_events.json")
    assert sentence in sidecar.read_text(encoding="utf-8")
    assert start_of(runs[rig])["simulated"] is True
