"""The emulated scanner: what it sends when all is well, and what when it is told to misbehave."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hardware.sim.pulse_trains import Trouble
from hardware.sim.scanner import PulseTrain
from hardware.sim.served_scanner import SentPulse, ServedScanner, what_is_sent, widths_s
from scc_task.cli_emulate import app
from scc_task.errors import UsageInvalid

TRAIN = PulseTrain(start_s=1.0, tr_s=0.5, count=200, silent=2)


class Wire:
    """Takes edges."""

    def __init__(self) -> None:
        self.edges: list[bool] = []

    def edge(self, *, begins: bool) -> None:
        self.edges.append(begins)


def kinds(sent: list[SentPulse], what: str) -> list[SentPulse]:
    return [pulse for pulse in sent if pulse.what == what]


def test_without_trouble_it_sends_the_train_after_its_silent_dummies() -> None:
    sent = what_is_sent(TRAIN, Trouble(), seed=1)
    assert [pulse.what for pulse in sent] == ["pulse"] * 200
    assert [pulse.time_s for pulse in sent] == pytest.approx([2.0 + 0.5 * n for n in range(200)])
    assert [pulse.number for pulse in sent] == list(range(200))


def test_the_same_seed_does_the_same_and_another_does_not() -> None:
    trouble = Trouble(missed=0.1, extra=0.1, bounced=0.1, jitter_s=0.002)
    first, second, other = (what_is_sent(TRAIN, trouble, seed=seed) for seed in (1, 1, 2))
    assert first == second != other


def test_missed_pulses_are_on_record_and_the_others_keep_their_numbers() -> None:
    sent = what_is_sent(TRAIN, Trouble(missed=0.2, lost_first=3), seed=1)
    missed, heard = kinds(sent, "missed"), kinds(sent, "pulse")
    assert {0, 1, 2} <= {pulse.number for pulse in missed}
    assert len(missed) + len(heard) == 200
    assert {p.number for p in missed} | {p.number for p in heard} == set(range(200))


def test_a_pulse_ends_before_the_next_one_begins() -> None:
    sent = [SentPulse(time_s, "pulse", None) for time_s in (0.0, 1.0, 1.004, 2.0)]
    assert widths_s(sent, 0.01) == pytest.approx([0.01, 0.002, 0.01, 0.01])
    assert widths_s([], 0.01) == []


def served(tmp_path: Path, *, double: bool = False, missed: float = 0.0) -> tuple[Wire, list[dict]]:
    wire, path = Wire(), tmp_path / "log.jsonl"
    with path.open("w", encoding="utf-8") as log:
        scanner = ServedScanner(
            PulseTrain(start_s=0.0, tr_s=0.01, count=5),
            wire,
            trouble=Trouble(missed=missed),
            double=double,
            seed=0,
            pulse_s=0.002,
            log=log,
        )
        scanner.start()
        while (due_s := scanner.next_due_s()) is not None:
            scanner.advance(due_s)
        assert scanner.may_end()
    return wire, [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_pulse_begins_and_ends_and_its_time_is_on_record(tmp_path: Path) -> None:
    wire, log = served(tmp_path)
    assert wire.edges == [True, False] * 5
    assert [line["what"] for line in log] == ["pulse"] * 5
    assert all(line["time_s"] >= line["due_s"] for line in log)
    assert all(sooner["time_s"] < later["time_s"] for sooner, later in pairwise(log))


def test_a_doubling_box_sends_each_pulse_again(tmp_path: Path) -> None:
    wire, log = served(tmp_path, double=True)
    assert wire.edges == [True, False] * 10
    assert [line["what"] for line in log] == ["pulse", "double"] * 5


def test_a_lost_pulse_moves_nothing_on_the_wire(tmp_path: Path) -> None:
    wire, log = served(tmp_path, missed=1.0)
    assert wire.edges == []
    assert [line["what"] for line in log] == ["missed"] * 5


def test_a_pulse_that_is_longer_than_the_tr_is_refused() -> None:
    done = CliRunner().invoke(app, ["scanner", "--tr", "0.1", "--pulse-ms", "200"])
    assert isinstance(done.exception, UsageInvalid)
    assert "does not fit" in str(done.exception)


def test_a_keyboard_without_a_display_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    done = CliRunner().invoke(app, ["scanner", "--trigger", "keyboard"])
    assert "no X display" in str(done.exception)
