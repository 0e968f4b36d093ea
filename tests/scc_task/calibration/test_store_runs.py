"""Runs that find their calibration by themselves: what is used, recorded, listed and refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stored import NOON, PROTOCOLS, RIGS, proposal, real_rig, stored

from scc_task.calibration import refusals
from scc_task.cli import main
from scc_task.prepare import RunRequest, prepare
from scc_task.record.read import read_journal

SCC = PROTOCOLS / "scc.yaml"


def request(data: Path, rig: Path, *, calibration: Path | None = None, protocol: Path = SCC):
    return RunRequest(protocol, rig, calibration, "01", "pre", 1, data=data, seed=3)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["run_task.py", *map(str, arguments)])
        code = main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return code, shown.out + shown.err

    return run


def now() -> datetime:
    return datetime.now(tz=UTC)


def test_a_real_run_gets_the_stored_pressure_and_keeps_the_whole_file(tmp_path: Path) -> None:
    path = Path(stored(tmp_path, now=now()).file)
    prepared = prepare(request(tmp_path, real_rig(tmp_path)))
    assert {step.target_mmhg for step in prepared.plan.inflations} == {141.5}
    (pressure,) = prepared.plan.pressures
    assert pressure.source.startswith("calibration revision 1 of ses-pre")
    (given,) = [entry for entry in prepared.inputs if entry["role"] == "calibration"]
    assert given["name"] == path.name
    assert given["text"].encode() == path.read_bytes()


def test_a_file_that_is_given_wins_over_the_store(tmp_path: Path) -> None:
    stored(tmp_path, now=now())
    given = PROTOCOLS / "calibration-example.yaml"
    prepared = prepare(request(tmp_path, real_rig(tmp_path), calibration=given))
    assert {step.target_mmhg for step in prepared.plan.inflations} == {140.0}
    assert prepared.found is None


def test_a_stored_file_given_by_hand_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = Path(stored(tmp_path, now=now()).file)
    with pytest.raises(Exception, match="1 problem") as refused:
        prepare(request(tmp_path, real_rig(tmp_path), calibration=path))
    assert "this is a stored calibration file, where a calibration file is expected" in str(
        refused.value
    )


def test_a_real_run_without_any_calibration_is_refused_with_the_stores_words(
    tmp_path: Path,
) -> None:
    with pytest.raises(refusals.NoCalibration):
        prepare(request(tmp_path, real_rig(tmp_path)))


def test_the_policy_of_the_protocol_is_the_one_that_counts(tmp_path: Path) -> None:
    protocol = tmp_path / "scc.yaml"
    text = SCC.read_text("utf-8")
    assert "policy: recalibrate" in text
    protocol.write_text(text.replace("policy: recalibrate", "policy: same_pressure"), "utf-8")
    (tmp_path / "text").symlink_to(PROTOCOLS / "text")
    stored(tmp_path, proposal(session="zero"), now=now())
    rig = real_rig(tmp_path)
    with pytest.raises(refusals.OtherSession):
        prepare(request(tmp_path, rig))
    prepared = prepare(request(tmp_path, rig, protocol=protocol))
    assert "revision 1 of ses-zero" in prepared.plan.pressures[0].source


def test_a_protocol_without_ratings_asks_for_no_calibration(tmp_path: Path) -> None:
    protocol = tmp_path / "demo.yaml"
    (tmp_path / "text").symlink_to(PROTOCOLS / "text")
    text = SCC.read_text("utf-8").replace("pain: {rating: 40}", "pain: {mmhg: 120}")
    protocol.write_text(text, "utf-8")
    prepared = prepare(request(tmp_path, real_rig(tmp_path), protocol=protocol))
    assert prepared.found is None


def test_other_problems_are_told_before_the_calibration_is_looked_for(tmp_path: Path) -> None:
    protocol = tmp_path / "scc.yaml"
    protocol.write_text(SCC.read_text("utf-8").replace("tr_s: 1.0", "tr_s: fast"), "utf-8")
    (tmp_path / "text").symlink_to(PROTOCOLS / "text")
    with pytest.raises(Exception, match="problem") as refused:
        prepare(request(tmp_path, real_rig(tmp_path), protocol=protocol))
    assert not isinstance(refused.value, refusals.CalibrationRefused)


def test_a_simulated_run_uses_what_is_stored_and_the_journal_says_which(
    call, tmp_path: Path
) -> None:
    path = Path(stored(tmp_path, proposal(simulated=True)).file)
    demo = ("simulate", PROTOCOLS / "demo.yaml", "--data", tmp_path, "--seed", "1")
    code, shown = call(*demo)
    assert code == 0, shown
    (journal,) = tmp_path.rglob("*task-*_run-1_journal.jsonl")
    start = read_journal(journal).documents[0]
    (pressure,) = start.plan["pressures"]
    assert (pressure["mmhg"], path.name in pressure["source"]) == (141.5, True)
    assert [i["name"] for i in start.inputs if i["role"] == "calibration"] == [path.name]
    sidecar = json.loads(next(tmp_path.rglob("*run-1_events.json")).read_text("utf-8"))
    assert "simulated calibration revision 1 of ses-pre" in json.dumps(sidecar)


def test_a_refusal_ends_a_simulation_with_3_and_records_nothing(call, tmp_path: Path) -> None:
    stored(tmp_path, proposal(site="right calf"))
    code, shown = call("simulate", SCC, "--data", tmp_path)
    assert code == 3
    assert "calibrated on the right calf" in shown
    assert "[SCC-123]" in shown
    assert not list(tmp_path.rglob("*_task-scc_*"))


def test_the_list_says_what_holds_who_accepted_it_and_what_is_damaged(call, tmp_path: Path) -> None:
    stored(tmp_path)
    stored(tmp_path, by="R. W.", comment="level 5 repeated")
    stored(tmp_path, proposal(subject="02", simulated=True))
    damaged = Path(stored(tmp_path, proposal(subject="03")).file)
    damaged.write_bytes(damaged.read_bytes()[:400])
    code, shown = call("calibrations", "--data", tmp_path)
    assert code == 3
    for part in (
        "sub-01 ses-pre  left calf  revision 1  superseded",
        "sub-01 ses-pre  left calf  revision 2  holds",
        "40: 141.5 mmHg (95 % interval 131.1 to 150.7, 14 inflations)",
        "accepted 2026-03-02T12:00:00Z by R. W.; reference CUFF/1 R-17",
        "comment: level 5 repeated",
        "sub-02 ses-pre  left calf  revision 1  holds, SIMULATED: never for a real cuff",
        "sub-03 ses-pre  left calf  revision 1  the newest, but it CANNOT BE USED",
        "does not end with its checksum",
    ):
        assert part in shown
    assert "journal:" not in shown


def test_the_list_notices_a_journal_that_has_changed(call, tmp_path: Path) -> None:
    model = stored(tmp_path).model
    with (tmp_path / model.journal.path).open("a") as file:
        file.write("more\n")
    code, shown = call("calibrations", "--data", tmp_path)
    assert code == 0
    assert f"journal: changed since ({model.journal.path})" in shown
    (tmp_path / model.journal.path).unlink()
    assert "journal: not there" in call("calibrations", "--data", tmp_path)[1]


def test_the_list_speaks_json_and_of_one_participant(call, tmp_path: Path) -> None:
    stored(tmp_path, now=NOON)
    stored(tmp_path, proposal(subject="02"))
    code, shown = call("calibrations", "--data", tmp_path, "--subject", "02", "--json")
    (found,) = json.loads(shown)["calibrations"]
    assert code == 0
    assert (found["subject"], found["holds"], found["journal"]) == ("02", True, "as it was")
    assert found["calibration"]["targets"][1]["mmhg"] == 141.5


def test_an_empty_dataset_has_an_empty_list(call, tmp_path: Path) -> None:
    assert call("calibrations", "--data", tmp_path) == (
        0,
        f"no calibration is stored in {tmp_path}\n",
    )


def test_a_rig_of_another_device_is_refused_where_the_devices_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import ExitStack
    from dataclasses import replace

    from scc_task import room

    stored(tmp_path, proposal(simulated=True))
    prepared = prepare(request(tmp_path, RIGS / "simulated.yaml"))
    asked = room._refuse_if_too_much
    real = []

    def as_if_real(plan, identity, port) -> None:
        asked(plan, identity, port)
        real.append(replace(identity, simulated=False))

    refuse = room.refuse_other_device
    monkeypatch.setattr(room, "_refuse_if_too_much", as_if_real)
    monkeypatch.setattr(room, "refuse_other_device", lambda found, _: refuse(found, real[-1]))
    with ExitStack() as stack, pytest.raises(refusals.OnlySimulated):
        room.open_virtual_room(stack, prepared)
