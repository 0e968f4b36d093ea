"""Markers in a real window: one recorder writes down what it sees, another takes nothing, the run goes on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from outside import ROOT, Running
from stuck_port import stuck_port

from scc_task.protocol.rig_markers import DEFAULT_CODES
from scc_task.record.validate import validate_dataset


@pytest.fixture
def stuck() -> Iterator[str]:
    """Return a port that is full: nobody reads it."""
    with stuck_port() as port:
        yield port


def test_what_the_recorder_saw_is_what_the_journal_says(
    start: Callable[..., Running], short_protocol: Path, tmp_path: Path, stuck: str
) -> None:
    rig = tmp_path / "rig.yaml"
    text = (ROOT / "rigs" / "simulated.yaml").read_text("utf-8")
    rig.write_text(
        f"{text}\nmarkers:\n  - {{to: serial, port: emulated}}\n"
        f"  - {{to: serial, port: {stuck}, codes: {{cue: 1, inflate: 2}}}}\n",
        "utf-8",
    )
    run = start(short_protocol, "--seed", "3", "--rig", str(rig))
    code, output = run.end()
    assert code == 0, output
    markers = run.kinds("marker")
    given = [m for m in markers if m["output"] == "emulated"]
    assert [m["kind"] for m in given] == [
        *("run_start", "time_zero", "cue", "inflate", "at_target", "vent", "below_15"),
        *("rating_on", "rating_off", "rating_on", "rating_off", "run_end"),
    ]
    assert all(m["event_s"] <= m["handed_s"] <= m["written_s"] for m in given)

    (log,) = run.source.glob("*_emulatedrecorder.jsonl")
    seen = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [s["code"] for s in seen] == [m["code"] for m in given]
    assert [s["code"] for s in seen] == [DEFAULT_CODES[m["kind"]] for m in given]
    assert all(s["width_ms"] is not None for s in seen)
    # the same clock in both processes: the code cannot have come before it was handed over
    assert all(m["handed_s"] <= s["time_s"] for m, s in zip(given, seen, strict=True))

    steps = {s["number"]: s["flip_s"] for s in run.kinds("step")}
    for marker in given:
        if marker["kind"] in ("cue", "rating_on"):
            assert marker["event_s"] == steps[marker["step"]]
    sent = {c["command"]: c["sent_s"] for c in run.kinds("command") if c["step"] is not None}
    by_kind = {m["kind"]: m for m in given}
    assert by_kind["inflate"]["event_s"] == sent["go"]
    assert by_kind["vent"]["event_s"] == sent["end"]
    assert by_kind["time_zero"]["event_s"] == run.kinds("time_zero")[0]["time_s"]

    lost = [m for m in markers if m["output"] == stuck]
    assert [(m["kind"], m["written_s"]) for m in lost] == [("cue", None), ("inflate", None)]
    notes = [n["message"] for n in run.kinds("note") if stuck in n["message"]]
    assert len(notes) == 2
    assert "the run goes on" in notes[0]
    assert f"2 markers to {stuck} did not go out" in notes[1]

    (sidecar,) = run.data.glob("sub-01/ses-pre/func/*_events.json")
    outputs = json.loads(sidecar.read_text("utf-8"))["Provenance"]["Markers"]
    assert outputs[0]["Codes"] == {str(kind): code for kind, code in DEFAULT_CODES.items()}
    assert outputs[1]["Codes"] == {"cue": 1, "inflate": 2}
    assert run.vented()
    assert validate_dataset(run.data) == []
