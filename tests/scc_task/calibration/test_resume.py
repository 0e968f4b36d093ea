"""What a calibration may go on after: its own leg, cuff and person, and a record that is whole."""

import dataclasses
import io
import json
import shutil
from pathlib import Path

import pytest
import yaml
from calibration_bench import PROTOCOLS
from refusals_shown import ANSWERS
from resumed import NAME, SECOND, Line, go, lines_of, of_a_person, resume, write
from stored import RIGS, real_rig

from scc_task.calibration.listing import lines, rows_of
from scc_task.calibration.same import refuse_other_cuff
from scc_task.cli_calibrate import calibrate
from scc_task.errors import ExitCode, RecordingLost, UsageInvalid
from scc_task.record.dataset import derive
from scc_task.record.lock import held_alone
from scc_task.record.paths import RunName

pytestmark = pytest.mark.xdist_group("resume")  # what they share is made once


# -- who is in the cuff


def test_a_rehearsal_is_not_gone_on_with_on_a_leg(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4))
    with pytest.raises(UsageInvalid, match=r"was interrupted \(.*run-1 was simulated\)"):
        resume(tmp_path, real_rig(tmp_path))


def test_a_rehearsal_in_between_is_passed_over(whole: Path, tmp_path: Path) -> None:
    rig = real_rig(tmp_path)
    write(tmp_path, of_a_person(lines_of(whole, 4), rig))
    write(tmp_path, lines_of(whole, 6), SECOND)
    prepared = resume(tmp_path, rig)
    assert prepared.run.resumes == NAME
    assert len(prepared.procedure.outcomes) == 4


def test_a_person_is_not_gone_on_with_in_a_rehearsal(whole: Path, tmp_path: Path) -> None:
    rig = real_rig(tmp_path)
    write(tmp_path, of_a_person(lines_of(whole, 4), rig))
    with pytest.raises(UsageInvalid, match=r"run-1 was of a person"):
        resume(tmp_path, rig, emulate=True)


def test_a_person_s_run_that_went_on_after_a_rehearsal_is_refused(
    whole: Path, tmp_path: Path
) -> None:
    rig = real_rig(tmp_path)
    write(tmp_path, lines_of(whole, 4))
    start, *rest = of_a_person(lines_of(whole, 5), rig)
    start["provenance"]["resumes"] = NAME.stem
    write(tmp_path, [start, *rest], SECOND)
    with pytest.raises(UsageInvalid, match="run-1 was simulated, and this one has the real cuff"):
        resume(tmp_path, rig)


# -- the leg and the cuff


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"site": "right calf"}, "begun on the left calf, but .* sits on the right calf"),
        ({"driver": "cpar"}, "begun with a reference cuff, but rig 'room3' has a cpar cuff"),
    ],
)
def test_another_leg_or_cuff_is_refused(
    whole: Path, tmp_path: Path, other: dict[str, str], words: str
) -> None:
    write(tmp_path, of_a_person(lines_of(whole, 4), real_rig(tmp_path)))
    with pytest.raises(UsageInvalid, match=words):
        resume(tmp_path, real_rig(tmp_path, **other))


def test_another_device_is_refused_when_it_has_answered() -> None:
    then = {"model": "CUFF/1", "serial_number": "R-16", "simulated": False}
    with pytest.raises(UsageInvalid, match="begun with CUFF/1 R-16, but CUFF/1 R-17 is connected"):
        refuse_other_cuff(then, ANSWERS, before=NAME)
    refuse_other_cuff(then | {"serial_number": "R-17"}, ANSWERS, before=NAME)
    with pytest.raises(UsageInvalid, match="begun with an emulated device"):
        refuse_other_cuff({"simulated": True}, ANSWERS, before=NAME)


def test_the_device_is_compared_before_a_run_begins(whole: Path, tmp_path: Path) -> None:
    start, *rest = lines_of(whole, 4)
    start["device"]["simulated"] = False
    write(tmp_path, [start, *rest])
    with pytest.raises(UsageInvalid, match="begun with a real device"):
        go(tmp_path, resume=True)
    assert not SECOND.journal(tmp_path).exists()


# -- the record


def test_a_ceiling_that_was_lowered_since_is_named(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 7))
    low = tmp_path / "low.yaml"
    text = (RIGS / "simulated.yaml").read_text("utf-8")
    ceiling = next(part for part in text.splitlines() if "ceiling_mmhg" in part)
    then = yaml.safe_load(text)["limits"]["ceiling_mmhg"]
    low.write_text(text.replace(ceiling, "  ceiling_mmhg: 80"), "utf-8")
    with pytest.raises(UsageInvalid, match=f"was {then:g} mmHg then and is 80 mmHg now"):
        resume(tmp_path, low, emulate=True)


def test_a_damaged_line_is_refused_with_its_number(whole: Path, tmp_path: Path) -> None:
    path = write(tmp_path, lines_of(whole, 4))
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if b'"type":"outcome"' in line)
    lines[number] = lines[number].replace(b'"trial":1', b'"trial":7')
    path.write_bytes(b"".join(lines))
    with pytest.raises(UsageInvalid, match=f"not whole: line {number + 1} is damaged"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True)


def test_a_request_that_is_missing_is_refused(whole: Path, tmp_path: Path) -> None:
    documents = lines_of(whole, 4)
    documents.remove(next(d for d in documents if d["type"] == "requested" and d["trial"] == 3))
    write(tmp_path, documents)
    with pytest.raises(UsageInvalid, match="the request of trial 3 is missing"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True)


def test_a_record_of_other_pressures_is_refused(whole: Path, tmp_path: Path) -> None:
    documents = lines_of(whole, 4)
    last = [d for d in documents if d["type"] == "requested"][-1]
    last["pressure_mmhg"] += 5
    write(tmp_path, documents)
    with pytest.raises(UsageInvalid, match="something in its journal is missing or changed"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True)


def test_a_journal_of_the_chain_that_is_gone_is_named(whole: Path, tmp_path: Path) -> None:
    start, *rest = lines_of(whole, 4)
    start["provenance"]["resumes"] = NAME.stem
    write(tmp_path, [start, *rest], SECOND)
    with pytest.raises(UsageInvalid, match=r"run-2 goes on after .*run-1, whose journal is not"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True)


@pytest.mark.parametrize(
    "whose",
    [
        dataclasses.replace(NAME, subject="02"),
        dataclasses.replace(NAME, session="post"),
        dataclasses.replace(NAME, task="calibrationcheck"),
        SECOND,
    ],
)
@pytest.mark.parametrize("option", ["resume", "accept"])
def test_another_run_s_journal_is_not_taken_up(
    whole: Path, tmp_path: Path, whose: RunName, option: str
) -> None:
    write(tmp_path, lines_of(whole, 4 if option == "resume" else None), whose=whose)
    with pytest.raises(UsageInvalid, match=f"the journal holds {whose.stem}, not the run"):
        go(tmp_path, **{option: True})


def test_a_copy_in_another_participant_s_folder_is_refused(whole: Path, tmp_path: Path) -> None:
    theirs = dataclasses.replace(NAME, subject="02")
    path = write(tmp_path, lines_of(whole, 4), theirs, whose=NAME)
    with pytest.raises(UsageInvalid, match=f"holds {NAME.stem}, not the run") as refused:
        calibrate("02", "pre", data=tmp_path, resume=True, simulate=True)
    assert refused.value.where == str(path)


@pytest.mark.parametrize("left", [b"", b"1234abcd", b'1234abcd {"type":"start","subj'])
def test_a_run_that_was_killed_before_anything_was_on_disk_is_passed_over(
    whole: Path, tmp_path: Path, left: bytes
) -> None:
    write(tmp_path, lines_of(whole, 4))
    SECOND.journal(tmp_path).write_bytes(left)
    assert resume(tmp_path, RIGS / "simulated.yaml", emulate=True).run.resumes == NAME


@pytest.mark.parametrize("left", [b"\0" * 4096, b"1234abcd {}\n", b"nonsense that goes on\n"])
def test_a_journal_that_cannot_be_read_is_a_refusal(
    whole: Path, tmp_path: Path, left: bytes
) -> None:
    write(tmp_path, lines_of(whole, 4))
    SECOND.journal(tmp_path).write_bytes(left)
    with pytest.raises(UsageInvalid, match="what this session's calibrations found is not known"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True)


def test_another_seed_is_refused(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4))
    with pytest.raises(UsageInvalid, match="begun with the seed 3"):
        resume(tmp_path, RIGS / "simulated.yaml", emulate=True, seed=4)
    assert resume(tmp_path, RIGS / "simulated.yaml", emulate=True).run.plan.seed == 3


# -- accepted later


def undecided(whole: Path, data: Path) -> Path:
    """Write a calibration that was killed when it asked for the decision."""
    return write(data, [d for d in lines_of(whole) if d["type"] not in ("decided", "stop")])


def stored(data: Path) -> list[Line]:
    folder = NAME.source_folder(data)
    return [yaml.safe_load(p.read_text("utf-8")) for p in sorted(folder.glob("*_calibration.yaml"))]


def test_a_result_that_nobody_decided_on_can_be_accepted_later(whole: Path, tmp_path: Path) -> None:
    undecided(whole, tmp_path)
    assert go(tmp_path, accept=True) == ExitCode.DONE
    (now,), (then,) = stored(tmp_path), stored(whole)
    for key in ("targets", "device", "rig", "protocol", "site", "simulated", "procedure"):
        assert now[key] == then[key]
    assert not SECOND.journal(tmp_path).exists()


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Let somebody type these lines at the terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_person_s_result_is_accepted_later_with_the_device_of_then(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = real_rig(tmp_path)
    write(tmp_path, of_a_person(lines_of(whole), rig))
    typing(monkeypatch, "accept", "J. D.", "the terminal was closed")
    assert go(tmp_path, rig, accept=True, simulate=False) == ExitCode.DONE
    (kept,) = stored(tmp_path)
    assert kept["simulated"] is False
    assert (kept["device"]["driver"], kept["device"]["serial_number"]) == ("reference", "R-17")
    accepted = kept["accepted"]
    assert (accepted["by"], accepted["comment"]) == ("J. D.", "the terminal was closed")


def test_who_declines_later_leaves_it_to_be_accepted(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = real_rig(tmp_path)
    path = write(tmp_path, of_a_person(lines_of(whole), rig))
    before = path.read_bytes()
    typing(monkeypatch, "decline")
    assert go(tmp_path, rig, accept=True, simulate=False) == ExitCode.STOPPED_SAFELY
    assert not stored(tmp_path)
    assert path.read_bytes() == before


def test_what_was_accepted_is_not_accepted_twice(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    with pytest.raises(UsageInvalid, match="run-1 was accepted before: revision 1"):
        go(tmp_path, accept=True)


def test_a_full_disk_costs_no_result(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undecided(whole, tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("scc_task.calibration.store.write_new", full)
        with pytest.raises(RecordingLost, match="No space left") as lost:
            go(tmp_path, accept=True)
        assert "calibrate --accept" in str(lost.value.do)
    assert go(tmp_path, accept=True) == ExitCode.DONE


def test_what_another_terminal_accepted_in_the_meantime_is_not_stored_twice(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = real_rig(tmp_path)
    write(tmp_path, of_a_person(lines_of(whole), rig))

    def slow(_: str) -> str:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("scc_task.calibration_close.ask_at", lambda out: lambda _: "accept")
            assert go(tmp_path, rig, accept=True, simulate=False, by="J. D.") == ExitCode.DONE
        return "accept"

    monkeypatch.setattr("scc_task.calibration_close.ask_at", lambda out: slow)
    with pytest.raises(UsageInvalid, match="was accepted before: revision 1"):
        go(tmp_path, rig, accept=True, simulate=False, by="R. W.")
    assert [kept["accepted"]["by"] for kept in stored(tmp_path)] == ["J. D."]


def test_only_one_process_at_a_time_accepts(whole: Path, tmp_path: Path) -> None:
    path = undecided(whole, tmp_path)
    with held_alone(path), pytest.raises(UsageInvalid, match="by another process"):
        go(tmp_path, accept=True)
    assert not stored(tmp_path)


def test_a_damaged_revision_does_not_keep_another_from_being_accepted(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undecided(whole, tmp_path)
    damaged = NAME.source_folder(tmp_path) / (
        "sub-01_ses-pre_site-leftcalf_revision-1_calibration.yaml"
    )
    damaged.write_text("version: 1\n", "utf-8")
    assert go(tmp_path, accept=True) == ExitCode.DONE
    said = capsys.readouterr().out
    assert f"{damaged.name} was passed over (" in said
    assert damaged.read_text("utf-8") == "version: 1\n"
    assert damaged.with_name(damaged.name.replace("revision-1", "revision-2")).exists()


def test_the_plot_stays_as_it_was_when_it_is_accepted_later(whole: Path, tmp_path: Path) -> None:
    undecided(whole, tmp_path)
    plot = NAME.calibration_plot(tmp_path)
    plot.write_bytes(b"as it was")
    assert go(tmp_path, accept=True) == ExitCode.DONE
    assert plot.read_bytes() == b"as it was"


def test_another_protocol_is_told_of_the_option_that_was_given(whole: Path, tmp_path: Path) -> None:
    undecided(whole, tmp_path)
    mine = tmp_path / "calibration.yaml"
    shutil.copytree(PROTOCOLS / "text", tmp_path / "text")
    mine.write_text((PROTOCOLS / "calibration.yaml").read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(UsageInvalid, match="begun with another protocol") as refused:
        calibrate("01", "pre", mine, RIGS / "simulated.yaml", tmp_path, accept=True, simulate=True)
    assert "leave --accept out" in refused.value.do


def test_the_sidecar_says_where_it_stands_what_was_kept(whole: Path) -> None:
    sidecar = json.loads((NAME.beh_folder(whole) / f"{NAME.stem}_beh.json").read_text("utf-8"))[
        "OperatorDecisionsDescription"
    ]
    (pattern,) = [word for word in sidecar.split() if word.startswith("sourcedata")]
    assert list(whole.glob(pattern))


def test_what_has_not_come_to_its_end_is_not_accepted(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4))
    with pytest.raises(UsageInvalid, match="run-1 has not come to its end"):
        go(tmp_path, accept=True)


def test_another_rig_file_does_not_accept(whole: Path, tmp_path: Path) -> None:
    undecided(whole, tmp_path)
    rig = tmp_path / "other.yaml"
    rig.write_text((RIGS / "simulated.yaml").read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(UsageInvalid, match="made with another rig file"):
        go(tmp_path, rig, accept=True)


def test_who_resumes_what_came_to_its_end_is_told_of_accept(whole: Path) -> None:
    with pytest.raises(UsageInvalid, match="run-1 came to its end") as refused:
        go(whole, resume=True)
    assert "--accept" in refused.value.do


def test_a_name_that_cannot_be_stored_is_refused_at_once(tmp_path: Path) -> None:
    for by in ("  ", "x" * 2001):
        with pytest.raises(UsageInvalid, match="the name has"):
            go(tmp_path, by=by)
    assert not list(tmp_path.iterdir())


# -- what is kept of it


def test_the_store_names_every_journal_of_a_calibration(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4))
    assert go(tmp_path, resume=True) == ExitCode.DONE
    (kept,) = stored(tmp_path)
    (before,) = kept["earlier"]
    assert before["path"] == NAME.journal(tmp_path).relative_to(tmp_path).as_posix()
    assert kept["journal"]["path"] == SECOND.journal(tmp_path).relative_to(tmp_path).as_posix()
    assert before["rig"] == kept["rig"]
    assert before["device"] == kept["device"]
    (row,) = rows_of(tmp_path, "01")
    assert row.journal == "as it was"
    assert any(line.startswith(f"  went on after {before['path']} (") for line in lines([row]))
    NAME.journal(tmp_path).unlink()
    (row,) = rows_of(tmp_path, "01")
    assert row.journal == f"not there ({before['path']})"


def test_a_calibration_that_ended_in_its_practice_keeps_the_rows_of_it(
    whole: Path, tmp_path: Path
) -> None:
    documents = lines_of(whole)
    first = next(i for i, d in enumerate(documents) if d["type"] == "requested")
    path = write(tmp_path, documents[:first])
    report = derive(path, tmp_path)
    assert any("its table has only the rows of the practice" in note for note in report.notes)
