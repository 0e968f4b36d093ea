"""From the first inflation to a run at the pressure that was found, also across a killed program."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from outside import ROOT, events_of, program, table

from scc_task.calibration.accepted_file import read_accepted
from scc_task.calibration.store import accept
from scc_task.protocol.accepted import Proposal
from scc_task.record.validate import validate_dataset

pytestmark = pytest.mark.xdist_group("calibrate")  # what they share is made once

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


@pytest.mark.parametrize(("last", "rated"), [('"command":"go"', False), ('"type":"rating"', True)])
def test_an_inflation_that_was_killed_counts_and_its_rating_is_kept(
    calibrated: Path, tmp_path: Path, last: str, rated: bool
) -> None:
    whole = journal_of(calibrated, 1)
    lines = whole.read_bytes().splitlines(keepends=True)
    outcomes = [i for i, line in enumerate(lines) if b'"type":"outcome"' in line]
    cut = next(i for i, line in enumerate(lines) if i > outcomes[4] and last.encode() in line)
    path = tmp_path / whole.relative_to(calibrated)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[: cut + 1]))
    before = [d for d in documents(path) if d["type"] == "requested"]
    calibrate(tmp_path, "--resume")
    warm_up, then = [d for d in documents(journal_of(tmp_path, 2)) if d["type"] == "requested"][:2]
    assert (warm_up["phase"], warm_up["trial"]) == ("resume", len(before) + 1)
    assert warm_up["pressure_mmhg"] == before[-1 if rated else -2]["pressure_mmhg"]
    if rated:
        assert then["pressure_mmhg"] != before[-1]["pressure_mmhg"]
    else:
        assert (then["pressure_mmhg"], then["needs_yes"]) == (before[-1]["pressure_mmhg"], True)


def test_nothing_inflates_before_the_practice_has_ended(calibrated: Path) -> None:
    found = documents(journal_of(calibrated, 1))
    goes = [d["sent_s"] for d in found if d["type"] == "command" and d["command"] == "go"]
    (zero_s,) = [d["time_s"] for d in found if d["type"] == "time_zero"]
    last = found[0]["plan"]["steps"][-1]
    assert last["text"] == "practice_over"
    assert min(goes) >= zero_s + (last["onset_ms"] + last["duration_ms"]) / 1000


def test_the_practice_is_in_the_table_beside_the_inflations(calibrated: Path) -> None:
    (path,) = calibrated.glob("sub-01/ses-pre/beh/*_task-calibration_run-1_beh.tsv")
    rows = table(path)
    assert [row["phase"] for row in rows[:4]] == [*["practice"] * 3, "familiarise"]
    assert all(row["commanded_mmhg"] == "n/a" for row in rows[:3])
    assert all(row["rating"] != "n/a" for row in rows[:3])


def test_who_resumes_after_the_practice_does_not_practise_again(
    calibrated: Path, tmp_path: Path
) -> None:
    whole = journal_of(calibrated, 1)
    lines = whole.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if b'"type":"outcome"' in line)
    path = tmp_path / whole.relative_to(calibrated)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[: cut + 1]))
    calibrate(tmp_path, "--resume")
    shown = [step["text"] for step in documents(journal_of(tmp_path, 2))[0]["plan"]["steps"]]
    assert shown == ["calibration"]


def test_what_the_operator_decided_is_in_the_journal_and_the_dataset(calibrated: Path) -> None:
    (decided,) = [d for d in documents(journal_of(calibrated, 1)) if d["type"] == "decided"]
    assert (decided["what"], decided["by"]) == ("accept", "emulated operator")
    (sidecar,) = calibrated.glob("sub-01/ses-pre/beh/*_task-calibration_run-1_beh.json")
    told = json.loads(sidecar.read_text("utf-8"))["OperatorDecisions"]
    assert told == [{"Decision": "accept", "Reason": "n/a"}]


def test_the_store_has_where_pain_begins(calibrated: Path) -> None:
    found = stored(calibrated)
    assert (
        0
        < found["threshold"]["mmhg"]
        < next(t["mmhg"] for t in found["targets"] if t["rating"] == 40)
    )


def test_a_stored_pressure_that_holds_is_checked_with_one_inflation(
    calibrated: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(calibrated, data)
    said = calibrate(data, "--check")
    assert "holds: " in said
    assert "do: go on with the run" in said
    (path,) = data.glob("sub-01/ses-pre/beh/*_task-calibrationcheck_run-1_beh.tsv")
    (row,) = table(path)
    p40_mmhg = next(t["mmhg"] for t in stored(data)["targets"] if t["rating"] == 40)
    assert (row["phase"], float(row["commanded_mmhg"])) == ("check", p40_mmhg)
    assert validate_dataset(data) == []
    assert not list(data.glob("sourcedata/sub-01/ses-pre/*_revision-2_*"))


def test_a_stored_pressure_that_is_too_high_is_adjusted_and_used(
    calibrated: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(calibrated, data)
    (path,) = data.glob("sourcedata/sub-01/ses-pre/*_revision-1_calibration.yaml")
    model = read_accepted(path).model
    high = next(t for t in model.targets if t.rating == 40).model_copy(
        update={"mmhg": 145.0, "low_mmhg": 115.0, "high_mmhg": 155.0}
    )
    proposal = Proposal(
        **{**model.model_dump(include=set(Proposal.model_fields)), "targets": (high,)}
    )
    accept(
        data,
        proposal,
        journal=journal_of(data, 1),
        by="J. D.",
        comment=None,
        now=model.accepted.time,
    )
    said = calibrate(data, "--check")
    assert "P40 was 145 mmHg and is " in said
    (made,) = data.glob("sourcedata/sub-01/ses-pre/*_revision-3_calibration.yaml")
    found = read_accepted(made).model
    assert found.procedure == "check"
    assert 115 <= (found.mmhg_for(40) or 0) < 145
    assert "check of revision 2 of ses-pre: P40 was 145 mmHg" in (found.accepted.comment or "")
    ran = program(
        *("simulate", ROOT / "protocols" / "demo.yaml", *WHO, "--data", data, "--seed", "1")
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    newest = max(data.glob("sub-01/ses-pre/func/*_events.tsv"))  # the copy may hold another run
    pains = {float(r["commanded_mmhg"]) for r in table(newest) if r["trial_type"] == "pain"}
    assert pains == {found.mmhg_for(40)}


def test_a_check_is_not_resumed_and_nothing_stored_is_not_checked(tmp_path: Path) -> None:
    for more, code, words in ((["--resume"], 2, "a check is short"), ([], 3, "nothing to check")):
        found = program("calibrate", *WHO, "--data", tmp_path, "--simulate", "--check", *more)
        assert found.returncode == code
        assert words in found.stderr


def test_a_session_without_room_for_a_whole_calibration_is_told_before_it_starts(
    calibrated: Path, tmp_path: Path
) -> None:
    rig = tmp_path / "rig.yaml"
    text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    line = next(part for part in text.splitlines() if "session_inflations" in part)
    rig.write_text(text.replace(line, line.replace("60", "25")), "utf-8")
    found = program(*("calibrate", *WHO, "--data", calibrated, "--simulate"), *("--rig", rig))
    assert found.returncode == 3
    assert "given already, up to 20 more); the limit is 25" in found.stderr
    assert not list(tmp_path.glob("**/*_journal.jsonl"))


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
