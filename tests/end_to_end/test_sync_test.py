"""The sync test: no cuff, no participant, only pulses, counted, shown and reported."""

from collections.abc import Callable
from pathlib import Path

from outside import ROOT, Running, program

from scc_task.record.validate import validate_dataset

SYNC_TEST = ROOT / "protocols" / "sync_test.yaml"


def test_a_simulated_sync_test_reports_and_leaves_a_valid_dataset(tmp_path: Path) -> None:
    found = program("simulate", SYNC_TEST, "--seed", "1", "--data", tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "time zero is confirmed" in found.stdout
    assert "300 volumes, 0 dummies, 0 missed" in found.stdout
    assert "ppm" in found.stdout
    assert len(list(tmp_path.glob("sourcedata/**/*_pulses.*"))) == 2
    assert validate_dataset(tmp_path) == []


def test_it_counts_what_a_real_port_brings_on_a_real_screen(
    start: Callable[..., Running], short_protocol: Path
) -> None:
    protocol = short_protocol.with_name("sync_short.yaml")
    text = SYNC_TEST.read_text("utf-8").replace("volumes: 300", "volumes: 12")
    text = text.replace("tr_s: 1.0", "tr_s: 0.5").replace("for_s: 300", "for_s: 6")
    protocol.write_text(text, "utf-8")
    run = start(protocol)
    code, output = run.end()
    assert code == 0, output
    volumes = [p["number"] for p in run.kinds("pulse") if p["kind"] == "volume"]
    assert volumes[0] == 0
    assert volumes[-1] == 11
    assert "scanner: pulses: " in output
    report = [n["message"] for n in run.kinds("note") if n["code"] == "pulse_report"]
    assert report[0].startswith("time zero is ")
    assert len(list(run.data.glob("sourcedata/**/*_pulses.*"))) == 2
