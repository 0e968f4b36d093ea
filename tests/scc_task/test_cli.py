"""The command line as a person meets it: exit codes, and words instead of tracebacks."""

import json
from pathlib import Path

import pytest
from protocol_files import BROKEN, PROTOCOLS, RIGS

from scc_task.cli import main

SCC = str(PROTOCOLS / "scc.yaml")
BROKEN_FILES = sorted(path for path in BROKEN.glob("*.yaml") if path.stem != "good")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["run_task.py", *map(str, arguments)])
        code = main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return code, shown.out + shown.err

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", SCC),
        ("runn",),
        ("simulate", SCC, "--seed", "x"),
        ("simulate", SCC, "--run", "0"),
        ("simulate", SCC, "--run", "one"),
        ("simulate", SCC, "--subject", "sub-01"),
        ("recover", "no-such-folder"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what_is_wrong(call, tmp_path, arguments) -> None:
    code, shown = call(*arguments)
    assert code == 2
    assert shown.strip()


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda path: path.stem)
def test_every_broken_file_exits_with_3_and_names_the_place_and_the_remedy(call, broken) -> None:
    code, shown = call("check", broken, "--rig", RIGS / "reference.yaml")
    assert code == 3
    assert f"{broken}:" in shown
    assert "do:" in shown


def test_several_files_are_checked_at_once(call) -> None:
    code, shown = call("check", SCC, PROTOCOLS / "demo.yaml", BROKEN / "empty.yaml")
    assert code == 3
    assert shown.count(": good.") == 2


def test_check_speaks_json_to_scripts(call) -> None:
    code, shown = call("check", BROKEN / "unit_in_key.yaml", "--json")
    (problem,) = json.loads(shown)["problems"]
    assert code == 3
    assert (problem["line"], problem["column"]) == (19, 36)


def test_a_preview_is_the_same_plan_for_the_same_seed(call) -> None:
    code, first = call("preview", SCC, "--seed", "7", "--json")
    assert code == 0
    _, second = call("preview", SCC, "--seed", "7", "--json")
    _, other = call("preview", SCC, "--seed", "8", "--json")
    digests = [json.loads(text)["digest"] for text in (first, second, other)]
    assert digests[0] == digests[1] != digests[2]


def test_a_simulation_of_a_real_room_opens_no_port_and_says_that_it_is_simulated(
    call, tmp_path
) -> None:
    code, shown = call(
        *("simulate", PROTOCOLS / "demo.yaml", "--rig", RIGS / "reference.yaml"),
        *("--subject", "01", "--data", tmp_path),
    )
    assert code == 0, shown
    (journal,) = tmp_path.rglob("*_journal.jsonl")
    start = json.loads(journal.read_bytes().splitlines()[0][9:])
    assert start["simulated"] is True
    assert start["rig"] == "reference"
    assert start["provenance"]["pressure"] == "emulated reference cuff"


def test_emulated_answers_never_go_with_a_real_cuff(call, tmp_path) -> None:
    calibration = PROTOCOLS / "calibration-example.yaml"
    code, shown = call(
        *("run", SCC, "--rig", RIGS / "reference.yaml", "--calibration", calibration),
        *("--subject", "01", "--session", "pre", "--run", "1", "--answers", "emulated"),
        *("--data", tmp_path),
    )
    assert code == 2
    assert "made-up answers" in shown


def test_a_port_that_is_not_there_exits_with_4_and_leaves_no_run(call, tmp_path) -> None:
    rig = tmp_path / "room.yaml"
    text = (RIGS / "reference.yaml").read_text("utf-8")
    rig.write_text(text.replace("/dev/ttyUSB0", str(tmp_path / "no-port")), "utf-8")
    code, shown = call(
        *("run", SCC, "--rig", rig, "--calibration", PROTOCOLS / "calibration-example.yaml"),
        *("--subject", "01", "--session", "pre", "--run", "1", "--data", tmp_path / "data"),
    )
    assert code == 4
    assert "cannot be opened" in shown
    assert not (tmp_path / "data").exists()


def test_the_session_budget_counts_what_was_done_before(call, tmp_path) -> None:
    text = (RIGS / "simulated.yaml").read_text("utf-8")
    rig = tmp_path / "strict.yaml"
    rig.write_text(text.replace("session_inflations: 60", "session_inflations: 3"), "utf-8")
    demo = PROTOCOLS / "demo.yaml"
    first, _ = call("simulate", demo, "--rig", rig, "--data", tmp_path / "data")
    second, shown = call("simulate", demo, "--rig", rig, "--data", tmp_path / "data")
    other, _ = call(
        "simulate", demo, "--rig", rig, "--data", tmp_path / "data", "--session", "post"
    )
    assert (first, second, other) == (0, 3, 0)
    assert "inflations" in shown


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  ceiling_mmhg: 250", "  # nothing", "ceiling_mmhg"),
        ("ceiling_mmhg: 250", "ceiling_mmhg: 301", "300"),
        ("ceiling_mmhg: 250", "ceiling_mmhg: .inf", "ceiling_mmhg"),
        ("ceiling_mmhg: 250", "ceiling_mmhg: 100", "above the ceiling of 100 mmHg"),
        ("inflation_s: 90 ", "inflation_s: 181 ", "allow_tonic"),
    ],
)
def test_a_rig_without_a_ceiling_or_beyond_it_is_refused_before_any_port_is_opened(
    call, tmp_path, before, after, said
) -> None:
    text = (RIGS / "reference.yaml").read_text(encoding="utf-8")
    assert before in text
    rig = tmp_path / "rig.yaml"
    # a port that cannot be opened: opening it first would exit with 4
    changed = text.replace(before, after, 1).replace("/dev/ttyUSB0", "/dev/no-such-port")
    rig.write_text(changed, encoding="utf-8")
    code, shown = call(
        *("run", PROTOCOLS / "demo.yaml", "--rig", rig, "--subject", "01", "--session", "pre"),
        *("--calibration", PROTOCOLS / "calibration-example.yaml"),
        *("--run", "1", "--data", tmp_path / "data"),
    )
    assert code == 3, shown
    assert said in shown
    assert not (tmp_path / "data").exists()


def test_check_wants_participant_and_session_together(call, tmp_path) -> None:
    code, shown = call("check", SCC, "--subject", "01", "--data", tmp_path)
    assert code == 2
    assert "give both" in shown


def test_check_looks_for_the_stored_calibration_of_a_real_room(call, tmp_path) -> None:
    code, shown = call(
        *("check", SCC, "--rig", RIGS / "reference.yaml"),
        *("--subject", "01", "--session", "pre", "--data", tmp_path),
    )
    assert code == 3
    assert "calibrat" in shown
