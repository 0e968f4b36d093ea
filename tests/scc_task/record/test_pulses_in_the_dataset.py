"""The scanner's pulses in a dataset: the trigger column, the sidecars, the page beside the journal."""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from record_builders import T0_S, make_documents, make_journal, make_plan

from scc_task.documents import Document, Note, Pulse, PulseKind, Stop, TimeZero
from scc_task.plan.steps import DummyKind, Plan
from scc_task.pulse_watch import PulseWatch
from scc_task.record.dataset import derive
from scc_task.record.validate import validate_dataset

pytestmark = pytest.mark.xdist_group("pulses_in_the_dataset")  # what they share is made once

TROUBLED = make_plan(trials=1)
DUMMIES = 3


def plan_with_dummies(*texts: tuple[str, str]) -> Plan:
    scanner = dataclasses.replace(TROUBLED.scanner, dummies=DUMMIES, dummy_kind=DummyKind.DISCARDED)
    return dataclasses.replace(TROUBLED, scanner=scanner, texts=(*TROUBLED.texts, *texts))


def watch_of(plan: Plan, heard: list[Document], told: list[str]) -> PulseWatch:
    def note(code: str, words: str, at_s: float) -> None:
        told.append(code)
        heard.append(Note(time_s=at_s, code=code, message=words))

    return PulseWatch(plan.scanner, publish=heard.append, note=note, lost=lambda words: None)


def journal_with(
    data: Path, plan: Plan, after_zero_s: list[float], *, listening_s: float | None = None
) -> Path:
    """Write a journal whose pulses have been through the counter."""
    heard: list[Document] = []
    watch = watch_of(plan, heard, [])
    if listening_s is not None:
        watch.listen(T0_S + listening_s)
    for after_s in after_zero_s:
        watch.look(T0_S + after_s)
        watch.pulse(T0_S + after_s)
    *rest, stop = make_documents(plan)
    assert isinstance(stop, Stop)
    end_s = T0_S + (plan.scanner.volumes + 2) * plan.scanner.tr_s
    watch.look(end_s)
    watch.sum_up(end_s)
    others = [d for d in rest if not isinstance(d, Pulse | TimeZero)]
    last = dataclasses.replace(stop, time_s=end_s)
    return make_journal(data, [others[0], *heard, *others[1:], last])


def sidecar(data: Path, end: str) -> dict[str, Any]:
    (path,) = data.glob(f"sub-01/**/*{end}")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three dummies, volume 5 missed, one pulse between, one bounced."""
    data = tmp_path_factory.mktemp("troubled")
    plan = plan_with_dummies(("counting", "{volumes} volumes"))
    tr_s, volumes = plan.scanner.tr_s, plan.scanner.volumes
    times = [n * tr_s for n in range(-DUMMIES, volumes) if n != 5]
    times = sorted([*times, 20.4 * tr_s, 30 * tr_s + 0.02])
    derive(journal_with(data, plan, times), data)
    return data


def test_the_dataset_has_no_errors_and_no_warnings(troubled: Path) -> None:
    assert validate_dataset(troubled) == []


@pytest.mark.parametrize("end", ["_events.json", "_physio.json"])
def test_both_sidecars_say_what_was_heard_and_missed(troubled: Path, end: str) -> None:
    found = sidecar(troubled, end)["Provenance"]["ScannerPulses"]
    tr_s = TROUBLED.scanner.tr_s
    assert found["VolumesHeard"] == TROUBLED.scanner.volumes - 1
    assert found["DummiesHeard"] == pytest.approx([-3 * tr_s, -2 * tr_s, -tr_s])
    assert found["MissedNumbers"] == [5]
    assert found["Extra"] == pytest.approx([20.4 * tr_s], abs=0.001)
    assert found["Bounced"] == pytest.approx([30 * tr_s + 0.02], abs=0.001)
    assert found["TimeZero"] == {
        "Trust": "confirmed",
        "Inferred": False,
        "UncertaintySeconds": None,
        "MayBeTooLateByRepetitions": 0,
        "MayBeTooEarlyByRepetitions": 0,
        "Doubts": [],
    }
    assert found["Clock"]["MeasuredRepetitionTime"] == pytest.approx(tr_s, abs=1e-5)


def test_the_trigger_column_has_a_one_for_each_volume_that_was_heard(troubled: Path) -> None:
    (path,) = troubled.glob("sub-01/**/*_physio.tsv.gz")
    rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    rate_hz = sidecar(troubled, "_physio.json")["SamplingFrequency"]
    marked = [index / rate_hz for index, row in enumerate(rows) if row.endswith("\t1")]
    tr_s = TROUBLED.scanner.tr_s
    expected = [n * tr_s for n in range(TROUBLED.scanner.volumes) if n != 5]
    assert marked == pytest.approx(expected, abs=0.5 / rate_hz)
    assert expected[-1] > TROUBLED.length_s  # the scan is longer than the steps


def test_a_run_that_showed_its_pulses_has_a_page_on_them_beside_its_journal(
    troubled: Path,
) -> None:
    (words,) = troubled.glob("sourcedata/**/*_pulses.md")
    text = words.read_text("utf-8")
    assert "time zero is confirmed" in text
    assert "Missed: 5" in text
    (picture,) = troubled.glob("sourcedata/**/*_pulses.png")
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1024, 768)


def test_other_runs_have_no_such_page(tmp_path: Path) -> None:
    plan = plan_with_dummies()
    derive(journal_with(tmp_path, plan, [float(n) for n in range(-DUMMIES, 20)]), tmp_path)
    assert not list(tmp_path.glob("sourcedata/**/*_pulses*"))


def test_a_doubt_from_the_run_is_in_the_dataset(tmp_path: Path) -> None:
    plan = plan_with_dummies()
    tr_s = plan.scanner.tr_s
    lost_first = [n * tr_s for n in range(2 - DUMMIES, plan.scanner.volumes)]
    report = derive(journal_with(tmp_path, plan, lost_first), tmp_path)
    assert report.pulses[0] == "time zero is doubtful"
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]["TimeZero"]
    assert found["Trust"] == "doubtful"
    assert "2 TR too late" in found["Doubts"][0]
    assert found["MayBeTooLateByRepetitions"] == 2


def test_pulses_too_many_say_by_how_much_time_zero_may_be_too_early(tmp_path: Path) -> None:
    plan = plan_with_dummies()
    one_more = [n * plan.scanner.tr_s for n in range(-DUMMIES, plan.scanner.volumes + 1)]
    derive(journal_with(tmp_path, plan, one_more), tmp_path)
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]["TimeZero"]
    assert found["Trust"] == "doubtful"
    late, early = found["MayBeTooLateByRepetitions"], found["MayBeTooEarlyByRepetitions"]
    assert (late, early) == (0, 1)


def test_one_lost_last_pulse_is_told_at_the_end_and_is_no_doubt(tmp_path: Path) -> None:
    plan = plan_with_dummies()
    tr_s = plan.scanner.tr_s
    lost_last = [n * tr_s for n in range(-DUMMIES, plan.scanner.volumes - 1)]
    journal = journal_with(tmp_path, plan, lost_last)
    derive(journal, tmp_path)
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]
    assert found["MissingAtEnd"] == 1
    assert (found["TimeZero"]["Trust"], found["TimeZero"]["Doubts"]) == ("unconfirmed", [])
    assert found["TimeZero"]["MayBeTooLateByRepetitions"] == 1
    assert found["TimeZero"]["MayBeTooEarlyByRepetitions"] == 0
    assert '"missed_at_end"' in journal.read_text("utf-8")


def test_a_new_start_before_time_zero_leaves_nothing_of_what_was_counted_before(
    tmp_path: Path,
) -> None:
    plan = plan_with_dummies()
    tr_s, volumes = plan.scanner.tr_s, plan.scanner.volumes
    broken_off = [
        -60.0,
        -60.0 + 0.02,
        -60.0 + 2 * tr_s,
        -60.0 + 2.4 * tr_s,
    ]  # one missed, one extra
    whole = [n * tr_s for n in range(-DUMMIES, volumes)]
    derive(journal_with(tmp_path, plan, [*broken_off, *whole], listening_s=-60.1), tmp_path)
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]
    assert found["TimeZero"]["Trust"] == "confirmed"
    assert found["TimeZero"]["Doubts"] == []
    assert found["DummiesHeard"] == pytest.approx([-3 * tr_s, -2 * tr_s, -tr_s])
    assert (found["Extra"], found["Bounced"], found["NotSure"]) == ([], [], [])
    assert found["BeforeLastStart"] == pytest.approx(broken_off, abs=0.001)


def test_the_counts_on_the_screen_begin_anew_with_the_scanner() -> None:
    plan = plan_with_dummies()
    told: list[str] = []
    watch = watch_of(plan, [], told)
    for time_s in (10.0, 10.02, 12.0, 13.3):
        watch.pulse(time_s)
    watch.look(13.6)
    assert watch.missed
    watch.pulse(60.0)
    assert watch.counts == {PulseKind.DUMMY: 1}
    assert (watch.missed, watch.interval_s) == (0, None)
    assert [p.time_s for p in watch.pulses] == [60.0]
    assert told[-1] == "restarted"


def test_a_time_zero_that_was_inferred_is_said_to_be_and_how_well_it_is_known(
    tmp_path: Path,
) -> None:
    plan = plan_with_dummies()
    times = [n * plan.scanner.tr_s for n in range(-DUMMIES, plan.scanner.volumes) if n != 0]
    derive(journal_with(tmp_path, plan, times), tmp_path)
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]["TimeZero"]
    assert found["Inferred"] is True
    assert 0 < found["UncertaintySeconds"] < 0.02
    assert found["Trust"] == "confirmed"


def test_the_trigger_column_and_the_sidecar_agree_when_the_scanner_has_another_tr(
    tmp_path: Path,
) -> None:
    plan = make_plan(trials=1)
    tr_s, heard = 2 * plan.scanner.tr_s, plan.scanner.volumes // 2
    derive(journal_with(tmp_path, plan, [n * tr_s for n in range(heard)]), tmp_path)
    found = sidecar(tmp_path, "_events.json")["Provenance"]["ScannerPulses"]
    assert (found["VolumesHeard"], found["MissedNumbers"]) == (heard, [])
    (path,) = tmp_path.glob("sub-01/**/*_recording-cuff_physio.tsv.gz")
    columns = sidecar(tmp_path, "_recording-cuff_physio.json")["Columns"]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    assert sum(row[columns.index("trigger")] == "1" for row in rows) == heard
