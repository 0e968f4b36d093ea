"""One journal to its BIDS files: whole, twice the same, and never over what is there."""

import gzip
import json
from pathlib import Path

import pytest
from record_builders import make_documents, make_journal, make_plan, table, tree

from scc_task.documents import Stop
from scc_task.record import files
from scc_task.record.dataset import derive
from scc_task.record.provenance import location_hed
from scc_task.record.validate import validate_dataset

PLAN = make_plan(trials=1)
STEM = "sub-01_ses-pre_task-scc_run-1"
FUNC = f"sub-01/ses-pre/func/{STEM}"
EVENTS = f"{FUNC}_events.tsv"
OURS = [
    f"{FUNC}_events.json",
    EVENTS,
    f"{FUNC}_recording-cuff_physio.json",
    f"{FUNC}_recording-cuff_physio.tsv.gz",
]


def run(data: Path, **options: object) -> Path:
    return make_journal(data, make_documents(PLAN, **options))  # type: ignore[arg-type]


def derived(data: Path) -> dict[str, bytes]:
    return {name: b for name, b in tree(data).items() if not name.startswith("sourcedata")}


def test_a_run_becomes_a_dataset(tmp_path: Path) -> None:
    report = derive(run(tmp_path), tmp_path)
    assert sorted(derived(tmp_path)) == sorted(
        [
            *OURS,
            "CHANGES",
            "README.md",
            "dataset_description.json",
            "participants.json",
            "participants.tsv",
            "scans.json",
            "sub-01/sub-01_sessions.json",
            "sub-01/sub-01_sessions.tsv",
            "sub-01/ses-pre/sub-01_ses-pre_scans.tsv",
        ]
    )
    assert {p.relative_to(tmp_path).as_posix() for p in report.written} == set(derived(tmp_path))
    assert (report.kept, report.unchanged, report.notes) == ((), (), ())
    assert report.stop_reason == "completed"
    assert table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv") == [
        {
            "filename": f"func/{STEM}_events.tsv",
            "acq_time": "1924-01-01T00:00:00",
            "stop_reason": "completed",
            "data_source": "simulated",
        }
    ]


def test_deriving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    journal = run(tmp_path)
    derive(journal, tmp_path)
    first = tree(tmp_path)
    report = derive(journal, tmp_path)
    assert tree(tmp_path) == first
    assert (report.written, report.kept) == ((), ())
    other = tmp_path / "other"
    derive(run(other), other)
    assert derived(other) == {k: v for k, v in first.items() if not k.startswith("sourcedata")}


@pytest.mark.parametrize("name", OURS)
def test_what_is_missing_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    journal = run(tmp_path)
    derive(journal, tmp_path)
    first = tree(tmp_path)
    (tmp_path / name).unlink()
    report = derive(journal, tmp_path)
    assert report.written == (tmp_path / name,)
    assert tree(tmp_path) == first


@pytest.mark.parametrize("name", OURS)
def test_a_file_that_differs_is_never_overwritten(tmp_path: Path, name: str) -> None:
    journal = run(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"made by hand\n")
    report = derive(journal, tmp_path)
    assert (tmp_path / name).read_bytes() == b"made by hand\n"
    assert report.kept == (tmp_path / name,)
    assert "was left as it is" in report.notes[0]


def test_the_sidecars_say_where_the_data_are_from(tmp_path: Path) -> None:
    derive(run(tmp_path), tmp_path)
    events = json.loads((tmp_path / f"{FUNC}_events.json").read_text())
    physio = json.loads((tmp_path / f"{FUNC}_recording-cuff_physio.json").read_text())
    assert all(isinstance(value, dict) for value in events.values())
    assert events["Provenance"] == physio["Provenance"]
    origin = events["Provenance"]
    assert origin["SimulatedData"] is physio["SimulatedData"] is True
    assert origin["PlanDigest"] == PLAN.digest()
    assert origin["Seed"] == 7
    assert origin["InputFiles"] == [
        {"role": "protocol", "name": "protocols/scc.yaml", "sha256": "ab" * 32}
    ]
    assert origin["Device"]["serial_number"] == physio["DeviceSerialNumber"] == "SIM-7"
    assert origin["SoftwareVersions"]["scc-task"] == "0.1.0"
    assert "(Calf, Left)" in events["trial_type"]["HED"]["pain"]
    assert physio["Columns"] == ["cuff_pressure", "cuff_pressure_commanded", "trigger"]
    assert (physio["SamplingFrequency"], physio["StartTime"]) == (50.0, 0)
    assert set(table(tmp_path / EVENTS)[0]) <= set(events)


@pytest.mark.parametrize(
    ("site", "hed"),
    [
        ("left calf", "(Calf, Left)"),
        ("Right upper arm", "(Upper-arm, Right)"),
        ("forearm", "(Forearm)"),
        ("left", None),
        ("", None),
    ],
)
def test_the_place_of_the_cuff_in_hed(site: str, hed: str | None) -> None:
    assert location_hed(site) == hed


def test_a_stopped_run_is_kept_with_its_reason(tmp_path: Path) -> None:
    report = derive(run(tmp_path, stop_at_s=50.0, reason="participant"), tmp_path)
    assert report.stop_reason == "participant"
    [scan] = table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv")
    assert scan["stop_reason"] == "participant"
    assert [r["trial_type"] for r in table(tmp_path / EVENTS)][-1] == "pain"
    rows = gzip.decompress((tmp_path / OURS[3]).read_bytes()).decode().splitlines()
    assert len(rows) / 50 == pytest.approx(52.0, abs=0.1)  # to the end of the venting
    assert float(rows[-1].split("\t")[0]) < 15


def test_a_killed_run_is_marked_and_its_journal_not_touched(tmp_path: Path) -> None:
    journal = run(tmp_path, stop_at_s=50.0, killed=True)
    before = journal.read_bytes()
    report = derive(journal, tmp_path)
    assert report.stop_reason == "killed"
    assert any("no stop document" in note for note in report.notes)
    [scan] = table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv")
    assert scan["stop_reason"] == "killed"
    assert journal.read_bytes() == before


def test_a_run_before_time_zero_leaves_its_journal_in_a_valid_dataset(tmp_path: Path) -> None:
    report = derive(run(tmp_path, stop_at_s=-1.0), tmp_path)
    assert not list(tmp_path.glob("sub-*/ses-*/**/*"))
    assert validate_dataset(tmp_path) == []
    assert "ended before time zero (operator)" in report.notes[0]


def test_a_run_before_its_first_event_has_an_empty_table(tmp_path: Path) -> None:
    report = derive(run(tmp_path, stop_at_s=4.0), tmp_path)
    assert (tmp_path / EVENTS).read_text().count("\n") == 1
    assert any("no rows" in note for note in report.notes)


def test_a_damaged_journal_says_so(tmp_path: Path) -> None:
    journal = run(tmp_path)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], b"#" + lines[9], *lines[10:], b"0123"]))
    report = derive(journal, tmp_path)
    assert report.torn_bytes == 4
    assert [number for number, _ in report.corrupt_lines] == [10]
    assert len(report.notes) == 2
    assert report.documents == len(lines) - 1


def test_a_vent_without_effect_is_noted(tmp_path: Path) -> None:
    documents = make_documents(PLAN)
    stop = documents[-1]
    assert isinstance(stop, Stop)
    documents[-1] = Stop(
        reason="cuff_fault", detail="", end_s=stop.end_s, time_s=stop.time_s, vent_confirmed=False
    )
    report = derive(make_journal(tmp_path, documents), tmp_path)
    assert any("no falling pressure" in note for note in report.notes)


def test_the_journals_own_word_counts_not_its_file_name(tmp_path: Path) -> None:
    journal = run(tmp_path)
    moved = journal.rename(journal.with_name("sub-02_ses-pre_task-scc_run-1_journal.jsonl"))
    report = derive(moved, tmp_path)
    assert report.name.stem == STEM
    assert (tmp_path / EVENTS).exists()
    assert any("its own word counts" in note for note in report.notes)


# -- files that people edit too


def test_what_an_analyst_added_survives(tmp_path: Path) -> None:
    derive(run(tmp_path), tmp_path)
    (tmp_path / "participants.tsv").write_bytes(
        b"participant_id\tage\tgroup\tdata_source\r\n"
        b"sub-09\t\tcontrol\tmeasured\r\nsub-01\t34\tn/a\tsimulated\r\n"
    )
    description = tmp_path / "dataset_description.json"
    edited = json.loads(description.read_text())
    edited |= {"Name": "My study", "Authors": ["A", "B"], "Funding": ["me"]}
    description.write_text(json.dumps(edited))
    participants = json.loads((tmp_path / "participants.json").read_text())
    participants["age"] = {"Description": "Age", "Format": "number", "Units": "year"}
    participants["data_source"]["Description"] = "my words"
    (tmp_path / "participants.json").write_text(json.dumps(participants))
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "CHANGES").write_text("2.0.0 2030-01-01\n  - mine\n")
    before = tree(tmp_path)

    derive(run(tmp_path, run=2), tmp_path)
    for name in ("participants.tsv", "participants.json", "README.md", "CHANGES", description.name):
        assert tree(tmp_path)[name] == before[name]

    derive(run(tmp_path, subject="02"), tmp_path)
    assert (tmp_path / "participants.tsv").read_bytes() == (
        b"participant_id\tage\tgroup\tdata_source\n"
        b"sub-09\tn/a\tcontrol\tmeasured\nsub-01\t34\tn/a\tsimulated\nsub-02\tn/a\tn/a\tsimulated\n"
    )
    assert json.loads(description.read_text())["Name"] == "My study"


def test_shifted_dates_stay_shifted(tmp_path: Path) -> None:
    wall = "2026-03-01T10:00:00+01:00"
    journal = run(tmp_path, wall=wall)
    derive(journal, tmp_path)
    scans = tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv"
    assert table(scans)[0]["acq_time"] == "2026-03-01T09:00:00"
    scans.write_text(scans.read_text().replace("2026-03-01T09", "1903-03-01T09"))
    derive(journal, tmp_path)
    assert table(scans)[0]["acq_time"] == "1903-03-01T09:00:00"
    derive(run(tmp_path, run=2, wall=wall), tmp_path)
    assert [r["acq_time"][:4] for r in table(scans)] == ["1903", "2026"]


def test_rows_of_images_stay(tmp_path: Path) -> None:
    derive(run(tmp_path), tmp_path)
    scans = tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv"
    scans.write_text("filename\toperator\nfunc/sub-01_ses-pre_task-scc_run-1_bold.nii.gz\top1\n")
    derive(run(tmp_path, run=2), tmp_path)
    image, second = table(scans)
    assert image["operator"] == "op1"
    assert image["stop_reason"] == second["operator"] == "n/a"
    assert second["stop_reason"] == "completed"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"a\tb\n1\n", b"other\n1\n"])
@pytest.mark.parametrize("name", ["participants.tsv", "dataset_description.json"])
def test_what_cannot_be_added_to_is_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    report = derive(run(tmp_path), tmp_path)
    assert (tmp_path / name).read_bytes() == content
    assert tmp_path / name in report.kept
    assert any(f"{name} was left as it is" in note for note in report.notes)
    assert (tmp_path / EVENTS).exists()


def test_another_readme_is_enough(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    derive(run(tmp_path), tmp_path)
    assert not (tmp_path / "README.md").exists()


# -- simulated and measured


def test_a_measured_dataset_does_not_speak_of_simulation(tmp_path: Path) -> None:
    derive(run(tmp_path, simulated=False), tmp_path)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert description["Name"] == "Self-compassion cuff task"
    assert "ContainsSimulatedRuns" not in description
    assert "Simulated runs" not in (tmp_path / "README.md").read_text()
    assert table(tmp_path / "participants.tsv")[0]["data_source"] == "measured"


@pytest.mark.parametrize("simulated_first", [True, False])
def test_simulated_and_measured_runs_are_never_mixed_in_silence(
    tmp_path: Path, simulated_first: bool
) -> None:
    first = run(tmp_path, simulated=simulated_first)
    second = run(tmp_path, run=2, simulated=not simulated_first)
    derive(first, tmp_path)
    derive(second, tmp_path)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert description["Name"] == "Self-compassion cuff task (contains simulated runs)"
    assert description["ContainsSimulatedRuns"] is True
    assert "## Simulated runs" in (tmp_path / "README.md").read_text()
    assert table(tmp_path / "participants.tsv")[0]["data_source"] == "mixed"
    sources = {
        r["data_source"] for r in table(tmp_path / "sub-01/ses-pre/sub-01_ses-pre_scans.tsv")
    }
    assert sources == {"simulated", "measured"}
    before = tree(tmp_path)
    derive(first, tmp_path)
    derive(second, tmp_path)
    assert tree(tmp_path) == before


# -- disks and time


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = run(tmp_path)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            derive(journal, tmp_path)
    assert [n for n in tree(tmp_path) if not n.startswith("sourcedata")] == []
    derive(journal, tmp_path)
    assert not [n for n in tree(tmp_path) if n.endswith(".tmp")]
