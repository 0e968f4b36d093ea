"""The BIDS validator, the HED tools and our own checks on what we write: not one warning."""

import subprocess
import sys
from pathlib import Path

import pytest
from record_builders import add_images, make_documents, make_journal, make_plan

from scc_task.record import validate
from scc_task.record.dataset import derive
from scc_task.record.validate import (
    ValidatorMissing,
    bids_findings,
    hed_findings,
    own_findings,
    validate_dataset,
)

PLAN = make_plan()


def run(data: Path, **options: object) -> None:
    plan = options.pop("of", PLAN)
    derive(make_journal(data, make_documents(plan, **options)), data)  # type: ignore[arg-type]


def test_a_complete_run_before_and_after_the_images(tmp_path: Path) -> None:
    run(tmp_path)
    assert validate_dataset(tmp_path) == []
    add_images(tmp_path)
    assert validate_dataset(tmp_path, images=True) == []


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("stop_at_s", [4.0, 50.0, 70.0])
def test_a_run_that_ended_early(tmp_path: Path, stop_at_s: float, killed: bool) -> None:
    run(tmp_path, stop_at_s=stop_at_s, killed=killed)
    assert validate_dataset(tmp_path) == []


def test_many_runs_of_many_kinds_in_one_dataset(tmp_path: Path) -> None:
    neutral = make_plan(strategy="neutral")
    run(tmp_path)
    run(tmp_path, run=2, of=neutral, simulated=False, wall="2026-03-01T10:00:00Z")
    run(tmp_path, run=3, stop_at_s=-1.0)
    run(tmp_path, session="post", stop_at_s=100.0, killed=True)
    run(tmp_path, subject="02", cuff_site="right thigh", device={}, unconfirmed=frozenset({6}))
    run(tmp_path, subject="02", session="post", cuff_site="?", of=make_plan(strategy="Breathe! ü"))
    practice = make_plan(trials=1, strategy="none", task="sccpractice")
    run(tmp_path, subject="02", of=practice)
    screen = {
        "width_px": 1920,
        "height_px": 1080,
        "refresh_hz": 59.94,
        "software": "PsychoPy",
        "version": "2026.2.5",
    }
    run(tmp_path, subject="03", screen=screen)
    assert validate_dataset(tmp_path) == []
    for events in tmp_path.rglob("*task-sccpractice*"):
        if "sourcedata" not in events.parts:
            events.unlink()
    scans = tmp_path / "sub-02/ses-pre/sub-02_ses-pre_scans.tsv"
    kept = [line for line in scans.read_text().splitlines() if "sccpractice" not in line]
    scans.write_text("\n".join(kept) + "\n")
    add_images(tmp_path)
    assert validate_dataset(tmp_path, images=True) == []


def test_what_an_analyst_adds_validates(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t34\n")
    run(tmp_path)
    run(tmp_path, subject="02")
    assert bids_findings(tmp_path) == []


def test_the_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    run(tmp_path)
    [events] = tmp_path.rglob("*_events.tsv")
    events.write_text(events.read_text().replace("compassion", "nan", 1))
    [finding] = [f for f in bids_findings(tmp_path) if "VALUE" in f.code]
    assert finding.severity == "error"
    assert "strategy" in str(finding)
    [sidecar] = tmp_path.rglob("*_events.json")
    sidecar.write_text(sidecar.read_text().replace("Sensory-event", "Sensory-evnt"))
    assert "TAG_INVALID" in {f.code for f in hed_findings(tmp_path)}


def test_our_own_checks_find_what_the_validators_do_not(tmp_path: Path) -> None:
    run(tmp_path)
    assert own_findings(tmp_path) == []
    [events] = tmp_path.rglob("*_events.tsv")
    whole = events.read_bytes()

    def codes(data: bytes, *, images: bool = False) -> set[str]:
        events.write_bytes(data)
        return {f.code for f in own_findings(tmp_path, images=images)}

    assert codes(whole.replace(b"\n", b"\r\n")) == {"LINE_END"}
    assert codes(b"\xef\xbb\xbf" + whole) >= {"BYTE_ORDER_MARK"}
    assert codes(whole.replace(b"\tcompassion", b"\t", 1)) == {"EMPTY_CELL"}
    assert codes(whole.replace(b"\n10.000", b"\nn/a", 1)) == {"NO_TIME"}
    assert codes(whole.replace(b"8.000\trating", b"99.000\trating")) == {"SHORT_RECORDING"}
    assert codes(whole, images=True) == {"NO_IMAGES"}
    image = events.with_name(events.name.replace("_events.tsv", "_bold.nii.gz"))
    image.touch()
    assert codes(whole, images=True) == set()
    events.unlink()
    assert {f.code for f in own_findings(tmp_path, images=True)} == {"NO_EVENTS"}


def test_a_missing_validator_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "_PROGRAM", "no-such-validator")
    with pytest.raises(ValidatorMissing, match="not installed"):
        bids_findings(tmp_path)


def test_the_record_is_imported_without_slow_or_forbidden_packages() -> None:
    names = [
        "journal",
        "read",
        "paths",
        "dose",
        "events",
        "physio",
        "dataset",
        "recover",
        "validate",
    ]
    script = (
        "import sys\n"
        + "".join(f"import scc_task.record.{name}\n" for name in names)
        + "sys.exit(', '.join({'pandas', 'hed', 'psychopy', 'matplotlib'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
