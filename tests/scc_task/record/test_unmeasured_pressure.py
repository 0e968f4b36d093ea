"""A run with a cuff that measures nothing: no made-up number, no empty recording, and words that say so."""

import dataclasses
import json
from pathlib import Path

import pytest
from record_builders import add_images, make_documents, make_journal, make_plan, make_start, table

from hardware.cuff import described
from hardware.drivers.contact import ContactCuff
from hardware.drivers.reference import ReferenceCuff
from scc_task.documents import Command, Document, Samples, Stop, Vented
from scc_task.record.dataset import DatasetReport, derive
from scc_task.record.descriptions import COMMANDED_COLUMNS, MEASURED_COLUMNS
from scc_task.record.validate import validate_dataset

PLAN = make_plan(trials=2)
STEM = "sub-01_ses-pre_task-scc_run-1"
DEVICE = {
    "manufacturer": "unknown",
    "model": "contact closure (RTS)",
    "serial_number": "n/a",
    "firmware": "n/a",
    "protocol": "contact closure",
    "ceiling_mmhg": float("inf"),
    "lease_ms": 0,
    "simulated": True,
    **described(ContactCuff.capabilities),
}


def unmeasured(document: Document) -> Document:
    """Return a document as a run with a contact publishes it."""
    if isinstance(document, Command):
        return dataclasses.replace(
            document, acknowledged_s=None, commanded_mmhg=None, acknowledged_mmhg=None
        )
    if isinstance(document, Vented):
        return dataclasses.replace(document, confirmed=None, residual_mmhg=None)
    if isinstance(document, Stop):
        return dataclasses.replace(document, vent_confirmed=None)
    return document


def run(data: Path, **options: object) -> DatasetReport:
    documents = make_documents(PLAN, device=DEVICE, **options)  # type: ignore[arg-type]
    kept = [unmeasured(d) for d in documents if not isinstance(d, Samples)]
    return derive(make_journal(data, kept), data)


def pains(data: Path) -> list[dict[str, str]]:
    rows = table(data / f"sub-01/ses-pre/func/{STEM}_events.tsv")
    return [row for row in rows if row["trial_type"] == "pain"]


def sidecar(data: Path) -> dict[str, dict[str, object]]:
    path = data / f"sub-01/ses-pre/func/{STEM}_events.json"
    found: dict[str, dict[str, object]] = json.loads(path.read_text("utf-8"))
    return found


def test_every_pressure_in_the_events_is_missing_and_the_times_are_there(tmp_path: Path) -> None:
    run(tmp_path)
    for row in pains(tmp_path):
        assert {row[c] for c in (*MEASURED_COLUMNS, *COMMANDED_COLUMNS)} == {"n/a"}
        assert row["duration"] == "15.000"
    assert len(pains(tmp_path)) == 2


def test_there_is_no_recording(tmp_path: Path) -> None:
    run(tmp_path)
    assert not list(tmp_path.rglob("*_physio*"))


def test_the_report_says_once_that_nothing_was_measured_and_blames_no_device(
    tmp_path: Path,
) -> None:
    (note,) = run(tmp_path).notes
    assert "not measured" in note


def test_the_sidecar_says_that_the_pressure_was_set_by_hand_and_not_measured(
    tmp_path: Path,
) -> None:
    run(tmp_path)
    columns = sidecar(tmp_path)
    assert all("does not measure" in str(columns[c]["Description"]) for c in MEASURED_COLUMNS)
    assert all("set by hand" in str(columns[c]["Description"]) for c in COMMANDED_COLUMNS)
    device = columns["Provenance"]["Device"]
    assert isinstance(device, dict)
    assert any("not measured" in sentence for sentence in device["limitations"])
    assert device["ceiling_mmhg"] is None


def test_what_the_protocol_asked_for_is_kept_apart_from_what_was_applied(tmp_path: Path) -> None:
    run(tmp_path)
    (asked,) = sidecar(tmp_path)["Provenance"]["Pressures"]  # type: ignore[misc]
    assert (asked["Name"], asked["Value"]) == ("pain", 152.4)


@pytest.mark.parametrize("options", [{}, {"stop_at_s": 50.0}, {"stop_at_s": 50.0, "killed": True}])
def test_the_dataset_is_valid(tmp_path: Path, options: dict[str, object]) -> None:
    run(tmp_path, **options)
    assert validate_dataset(tmp_path) == []


def test_the_dataset_is_valid_with_its_images(tmp_path: Path) -> None:
    run(tmp_path)
    add_images(tmp_path)
    assert validate_dataset(tmp_path, images=True) == []


@pytest.mark.parametrize("known", [{}, described(ReferenceCuff.capabilities)])
def test_a_device_that_measures_keeps_its_recording_and_its_words(
    tmp_path: Path, known: dict[str, object]
) -> None:
    device = {**make_start(PLAN).device, **known}
    report = derive(make_journal(tmp_path, make_documents(PLAN, device=device)), tmp_path)
    assert report.notes == ()
    assert len(list(tmp_path.rglob("*_physio*"))) == 2
    assert "set by hand" not in json.dumps(sidecar(tmp_path))
