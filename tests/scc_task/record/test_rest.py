"""The rest of the leg between two runs: known from the journals, waited for before anything is opened."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from record_builders import make_documents, make_journal, make_plan

from hardware.interlock import Given
from scc_task.documents import Vented
from scc_task.protocol.load import load_rig
from scc_task.rest import emptied_s, rest_left_s, wait

PLAN = make_plan(trials=2)
RIGS = Path(__file__).resolve().parents[3] / "rigs"
REAL, SIMULATED = (load_rig(RIGS / f"{name}.yaml").model for name in ("reference", "simulated"))
VENTED_S = next(d for d in reversed(make_documents(PLAN)) if isinstance(d, Vented)).time_s


class Machine:
    """A machine's clocks: the monotonic one stands at ``now_s``, the wall agrees with the journal's."""

    def __init__(self, now_s: float, *, wall_ahead_s: float = 0.0) -> None:
        self.now, self._ahead_s = now_s, wall_ahead_s

    def now_s(self) -> float:
        return self.now

    def sleep_until(self, wake_s: float) -> None:
        self.now = max(self.now, wake_s)

    def wall(self) -> datetime:
        began = datetime(1924, 1, 1, tzinfo=UTC)
        return began + timedelta(seconds=self.now - 1000.0 + self._ahead_s)


def emptied(data: Path, machine: Machine) -> float | None:
    return emptied_s(REAL, data, "01", "pre", machine)


def test_the_leg_rests_from_the_last_vent_that_was_seen(tmp_path: Path) -> None:
    make_journal(tmp_path, make_documents(PLAN))
    at_s = emptied(tmp_path, Machine(VENTED_S + 10.0))
    assert at_s == pytest.approx(VENTED_S, abs=1.001)


def test_a_session_without_inflations_needs_no_rest(tmp_path: Path) -> None:
    assert emptied(tmp_path, Machine(2000.0)) is None


def test_nobodys_leg_rests_in_an_emulated_cuff(tmp_path: Path) -> None:
    make_journal(tmp_path, make_documents(PLAN))
    assert emptied_s(SIMULATED, tmp_path, "01", "pre", Machine(VENTED_S)) is None


def test_a_run_that_was_killed_counts_until_its_last_word(tmp_path: Path) -> None:
    make_journal(tmp_path, make_documents(PLAN, stop_at_s=50.0, killed=True))
    last = max(
        d.arrival_s[-1]
        for d in make_documents(PLAN, stop_at_s=50.0, killed=True)
        if d.type == "samples"
    )
    at_s = emptied(tmp_path, Machine(last + 5.0))
    assert at_s is not None
    assert at_s >= last


@pytest.mark.parametrize("ahead_s", [-3600.0, 3600.0])
def test_a_wall_clock_that_was_set_never_shortens_the_rest(tmp_path: Path, ahead_s: float) -> None:
    make_journal(tmp_path, make_documents(PLAN))
    now_s = VENTED_S + 10.0
    at_s = emptied(tmp_path, Machine(now_s, wall_ahead_s=ahead_s))
    assert at_s is not None
    assert VENTED_S <= at_s <= now_s


def test_after_a_restart_of_the_machine_the_wall_clock_tells_the_rest(tmp_path: Path) -> None:
    make_journal(tmp_path, make_documents(PLAN))
    away_s = VENTED_S - 50.0 + 20.0  # its clock stands at 50 s, 20 s after the vent
    at_s = emptied(tmp_path, Machine(50.0, wall_ahead_s=away_s))
    assert at_s == pytest.approx(50.0 - 20.0, abs=1.001)


def test_the_first_inflation_comes_after_the_rest() -> None:
    first_s = PLAN.inflations[0].onset_ms / 1000
    plan = dataclasses.replace(PLAN, limits=dataclasses.replace(PLAN.limits, gap_s=first_s + 12.0))
    given = Given(emptied_s=500.0)
    assert rest_left_s(plan, given, now_s=500.0) == pytest.approx(12.0)
    assert rest_left_s(plan, given, now_s=512.0) == 0.0
    assert rest_left_s(plan, Given(), now_s=500.0) == 0.0


def test_the_operator_is_told_how_long_the_leg_still_rests() -> None:
    plan = dataclasses.replace(PLAN, steps=())
    machine, said = Machine(500.0), []
    wait(plan, Given(emptied_s=495.0), machine, said.append)
    assert machine.now == pytest.approx(525.0)
    assert "25 s to wait" in said[0]
