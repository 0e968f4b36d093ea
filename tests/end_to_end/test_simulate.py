"""The main job on a virtual clock: the whole run in a second, the same bytes for the same seed."""

import gzip
import json
from pathlib import Path

import pytest
from outside import ROOT, events_of, program

from scc_task.record.validate import validate_dataset

pytestmark = pytest.mark.xdist_group("simulate")  # what they share is made once

SCC = ROOT / "protocols" / "scc.yaml"


def simulate(data: Path, seed: int, *arguments: str) -> None:
    found = program(
        *("simulate", SCC, "--subject", "01", "--session", "pre", "--run", "1"),
        *("--seed", str(seed), "--data", data, *arguments),
    )
    assert found.returncode == 0, found.stdout + found.stderr


def below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("seven")
    simulate(data, 7)
    return data


def test_the_same_seed_gives_the_same_bytes(seven: Path, tmp_path: Path) -> None:
    simulate(tmp_path, 7)
    first, second = below(seven / "sub-01"), below(tmp_path / "sub-01")
    assert first.keys() == second.keys()
    assert first == second


def test_another_seed_gives_another_order_and_the_same_length(seven: Path, tmp_path: Path) -> None:
    simulate(tmp_path, 8)
    ours, theirs = events_of(seven), events_of(tmp_path)
    cues = [
        [r["duration"] for r in rows if r["trial_type"] == "anticipation"]
        for rows in (ours, theirs)
    ]
    assert cues[0] != cues[1]
    assert sorted(cues[0]) == sorted(cues[1])
    recordings = [next(data.glob("sub-01/ses-pre/func/*.tsv.gz")) for data in (seven, tmp_path)]
    lengths = [len(gzip.decompress(path.read_bytes()).splitlines()) for path in recordings]
    assert abs(lengths[0] - lengths[1]) <= 5  # the tail differs by the time the last vent took


def test_the_events_are_the_plan_carried_out(seven: Path) -> None:
    rows = events_of(seven)
    kinds = [row["trial_type"] for row in rows]
    assert kinds == ["instruction"] + ["anticipation", "pain", "rating", "rating"] * 8
    (journal,) = seven.glob("sourcedata/**/*_journal.jsonl")
    start = json.loads(journal.read_bytes().split(b"\n")[0][9:])
    planned = [s for s in start["plan"]["steps"] if s["trial_type"]]
    for row, step in zip(rows, planned, strict=True):
        assert float(row["onset"]) == pytest.approx(step["onset_ms"] / 1000, abs=0.001)
        assert float(row["duration"]) == pytest.approx(step["duration_ms"] / 1000, abs=0.001)
    for row in rows:
        if row["trial_type"] == "pain":
            asked = float(row["commanded_mmhg"])
            assert row["acknowledged_mmhg"] == row["commanded_mmhg"]
            assert float(row["hold_mmhg"]) == pytest.approx(asked, abs=3)
            assert asked - 3 < float(row["peak_mmhg"]) < asked + 8
            assert 0.3 < float(row["rise_s"]) < 2.0
            assert 0.3 < float(row["fall_s"]) < 3.0
        if row["trial_type"] == "rating":
            assert 0 <= int(row["rating"]) <= 100
            assert 0 < float(row["response_time"]) < 8


def test_pressure_is_recorded_at_50_hz_over_the_whole_run(seven: Path) -> None:
    (recording,) = seven.glob("sub-01/ses-pre/func/*_physio.tsv.gz")
    sidecar = json.loads(
        recording.with_name(recording.name.replace(".tsv.gz", ".json")).read_text()
    )
    rows = gzip.decompress(recording.read_bytes()).decode().splitlines()
    assert sidecar["SamplingFrequency"] >= 50
    assert len(rows) >= 548 * sidecar["SamplingFrequency"]
    assert not any("n/a" in row for row in rows)


def test_the_dataset_has_no_errors_and_no_warnings(seven: Path) -> None:
    assert validate_dataset(seven) == []


def test_a_run_is_never_overwritten(seven: Path) -> None:
    before = below(seven)
    found = program("simulate", SCC, "--run", "1", "--seed", "9", "--data", seven)
    assert found.returncode == 2
    assert "--run 2" in found.stderr
    assert below(seven) == before


def test_psychopy_has_no_business_in_a_simulation(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['simulate', 'protocols/demo.yaml', '--data', sys.argv[1]];"
        "from scc_task.cli import main; code = main();"
        "assert not {'psychopy', 'pyglet', 'pandas', 'hed'} & set(sys.modules); sys.exit(code)"
    )
    import subprocess
    import sys

    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True)


def test_a_practice_without_a_cuff_runs_too(tmp_path: Path) -> None:
    practice = ROOT / "protocols" / "practice.yaml"
    found = program("simulate", practice, "--seed", "1", "--data", tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert validate_dataset(tmp_path) == []


@pytest.mark.parametrize("driver", ["alicat", "cpar", "devicehost\n  device_port: COM8"])
def test_another_cuff_gives_the_same_plan_and_a_valid_dataset(
    seven: Path, tmp_path: Path, driver: str
) -> None:
    rig = tmp_path / "rig.yaml"
    text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    rig.write_text(text.replace("driver: reference", f"driver: {driver}"), "utf-8")
    simulate(tmp_path / "data", 7, "--rig", rig)
    (ours,), (theirs,) = (
        list(data.glob("sourcedata/**/*_journal.jsonl")) for data in (seven, tmp_path / "data")
    )
    starts = [json.loads(path.read_bytes().split(b"\n")[0][9:]) for path in (ours, theirs)]
    assert starts[0]["plan_digest"] == starts[1]["plan_digest"]
    assert starts[1]["device"]["model"] != starts[0]["device"]["model"]
    rows = [r for r in events_of(tmp_path / "data") if r["trial_type"] == "pain"]
    assert len(rows) == 8
    assert all(abs(float(r["hold_mmhg"]) - float(r["commanded_mmhg"])) < 6 for r in rows)
    assert validate_dataset(tmp_path / "data") == []
