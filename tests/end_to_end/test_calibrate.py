"""From the first inflation to a run at the pressure that was found, also across a killed program."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from outside import ROOT, events_of, program

from scc_task.record.validate import validate_dataset

WHO = ("--subject", "01", "--session", "pre")


def calibrate(data: Path, *arguments: str) -> str:
    found = program("calibrate", *WHO, "--data", data, "--simulate", "--seed", "3", *arguments)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def journal_of(data: Path, run: int) -> Path:
    (path,) = data.glob(f"sourcedata/sub-01/ses-pre/*_task-calibration_run-{run}_journal.jsonl")
    return path


def documents(path: Path) -> list[dict]:
    return [json.loads(line[9:]) for line in path.read_bytes().splitlines()]


def stored(data: Path) -> dict:
    (path,) = data.glob("sourcedata/sub-01/ses-pre/*_revision-1_calibration.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("calibrated")
    calibrate(data)
    return data


def test_a_run_gives_the_pressure_that_was_found(calibrated: Path) -> None:
    found = program(
        *("simulate", ROOT / "protocols" / "demo.yaml", *WHO, "--data", calibrated, "--seed", "1")
    )
    assert found.returncode == 0, found.stdout + found.stderr
    p40_mmhg = next(t["mmhg"] for t in stored(calibrated)["targets"] if t["rating"] == 40)
    pains = [row for row in events_of(calibrated) if row["trial_type"] == "pain"]
    assert pains
    assert {float(row["commanded_mmhg"]) for row in pains} == {p40_mmhg}
    assert validate_dataset(calibrated) == []


def test_nothing_was_ever_more_than_a_step_above_what_was_borne(calibrated: Path) -> None:
    asked = {
        d["trial"]: d for d in documents(journal_of(calibrated, 1)) if d["type"] == "requested"
    }
    borne = [60.0]
    for document in documents(journal_of(calibrated, 1)):
        if document["type"] == "outcome":
            pressure_mmhg = asked[document["trial"]]["pressure_mmhg"]
            assert pressure_mmhg <= max(borne) + 20.0
            if document["tolerated"]:
                borne.append(pressure_mmhg)


def test_what_the_cuff_was_told_is_what_was_requested(calibrated: Path) -> None:
    found = documents(journal_of(calibrated, 1))
    commanded = [
        d["commanded_mmhg"] for d in found if d["type"] == "command" and d["command"] == "go"
    ]
    assert commanded == [d["pressure_mmhg"] for d in found if d["type"] == "requested"]


@pytest.mark.parametrize("rated", [2, 5])
def test_a_killed_calibration_goes_on_after_its_last_rating(
    calibrated: Path, tmp_path: Path, rated: int
) -> None:
    whole = journal_of(calibrated, 1)
    lines = whole.read_bytes().splitlines(keepends=True)
    outcomes = [i for i, line in enumerate(lines) if b'"type":"outcome"' in line]
    ratings = [i for i in outcomes if b'"rating":null' not in lines[i]]
    cut = ratings[rated - 1] + 4  # the next request is on its way
    path = tmp_path / whole.relative_to(calibrated)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[:cut]) + lines[cut][:20])
    before = [json.loads(lines[i][9:]) for i in ratings[:rated]]
    calibrate(tmp_path, "--resume")
    again = documents(journal_of(tmp_path, 2))
    asked = [d for d in again if d["type"] == "requested"]
    last = next(
        json.loads(line[9:])
        for line in reversed(lines[: ratings[rated - 1]])
        if b'"type":"requested"' in line
    )
    assert asked[0]["pressure_mmhg"] <= last["pressure_mmhg"]
    assert asked[0]["phase"] == "resume"
    assert "familiarise" not in {d["phase"] for d in asked}
    assert len(before) + sum(d["type"] == "outcome" for d in again) >= 6
    assert stored(tmp_path)["targets"]


def test_there_is_nothing_to_resume_after_a_finished_calibration(calibrated: Path) -> None:
    found = program("calibrate", *WHO, "--data", calibrated, "--simulate", "--resume")
    assert found.returncode == 2
    assert "was interrupted" in found.stderr


def test_another_protocol_does_not_resume(calibrated: Path, tmp_path: Path) -> None:
    whole = journal_of(calibrated, 1)
    lines = whole.read_bytes().splitlines(keepends=True)
    path = tmp_path / whole.relative_to(calibrated)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    protocols = tmp_path / "protocols"
    shutil.copytree(ROOT / "protocols" / "text", protocols / "text")
    other = protocols / "calibration.yaml"
    text = (ROOT / "protocols" / "calibration.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace("hold_s: 15", "hold_s: 14"), encoding="utf-8")
    found = program("calibrate", other, *WHO, "--data", tmp_path, "--simulate", "--resume")
    assert found.returncode == 2
    assert "another protocol" in found.stderr


def test_a_contact_cannot_be_calibrated(tmp_path: Path) -> None:
    found = program(
        *("calibrate", *WHO, "--data", tmp_path, "--simulate"),
        *("--rig", ROOT / "rigs" / "contact.yaml"),
    )
    assert found.returncode == 2
    assert "set by hand" in found.stderr
