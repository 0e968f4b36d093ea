"""The main job in a real window: real key events give the trigger and the ratings."""

import time
from collections.abc import Callable
from pathlib import Path

from outside import ROOT, Fingers, Running, events_of

from scc_task.record.validate import validate_dataset

Start = Callable[..., Running]


def test_a_person_at_the_keyboard_and_a_scanner_that_types(
    start: Start, short_protocol: Path, fingers: Fingers
) -> None:
    run = start(short_protocol, "--rig", str(ROOT / "rigs" / "keyboard.yaml"))
    run.wait_for_waiting()
    for _ in range(2 + 8):  # two dummies that are thrown away, then volumes
        fingers.press("5", for_s=0.01)
        time.sleep(0.49)
    run.wait_for_step("rate")
    fingers.press("right")
    fingers.press("right")
    fingers.press("left", for_s=0.6)
    fingers.press("return")
    code, output = run.end()
    assert code == 0, output
    rows = events_of(run.data)
    assert [r["trial_type"] for r in rows] == [
        "instruction",
        "anticipation",
        "pain",
        "rating",
        "rating",
    ]
    first, second = (r for r in rows if r["trial_type"] == "rating")
    assert int(first["rating"]) < 50
    assert first["rating"] == first["last_position"]
    assert second["rating"] == "n/a"
    assert second["last_position"] == "50"
    pulses = run.kinds("pulse")
    assert [p["kind"] for p in pulses][:3] == ["dummy", "dummy", "volume"]
    assert [p["number"] for p in pulses][:3] == [-2, -1, 0]
    assert run.kinds("time_zero")[0]["time_s"] == pulses[2]["time_s"]
    assert "5" not in {k["key"] for k in run.kinds("key")}
    assert validate_dataset(run.data) == []


def test_everything_emulated_on_real_wires(start: Start, short_protocol: Path) -> None:
    run = start(short_protocol, "--seed", "3")
    code, output = run.end()
    assert code == 0, output
    rows = events_of(run.data)
    assert all(r["rating"] != "n/a" for r in rows if r["trial_type"] == "rating")
    pain = next(r for r in rows if r["trial_type"] == "pain")
    assert pain["commanded_mmhg"] == "120.0"
    assert 115 < float(pain["hold_mmhg"]) < 125
    assert run.vented()
    begun = run.kinds("start")[0]
    assert begun["simulated"] is True
    assert begun["provenance"]["responses"] == "emulated participant"
    assert run.kinds("stop")[0]["reason"] == "completed"
    assert validate_dataset(run.data) == []
