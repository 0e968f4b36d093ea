"""The supervisor: on time, within limits, and vented whenever in doubt."""

import math

import pytest
from bench import Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.drivers.reference import ReferenceCuff
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CommandReport, CuffReport, FaultReport, LinkNote, Program
from hardware.sim.plant import PlantSettings
from hardware.states import StopReason
from hardware.supervisor import Supervisor, SupervisorSettings


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_inflation_starts_and_ends_at_its_absolute_times(bench: Bench) -> None:
    bench.arm()
    program = bench.program(on_s=15.0)
    bench.load(program)
    bench.run(20.0)
    moves = [(round(t, 3), what) for t, what in bench.valve if what.startswith("valve")]
    assert moves == [
        (pytest.approx(program.onset_s, abs=0.006), "valve closed"),
        (pytest.approx(program.offset_s, abs=0.006), "valve open"),
    ]


def test_every_command_comes_with_its_evidence(bench: Bench) -> None:
    bench.inflate()
    go = next(r for r in bench.reports if isinstance(r, CommandReport) and r.command == "go")
    assert (go.commanded_mmhg, go.acknowledged_mmhg) == (140.0, 140.0)
    assert go.planned_s is not None
    assert go.acknowledged_s is not None
    assert go.planned_s <= go.sent_s <= go.acknowledged_s


def test_a_planned_end_is_confirmed_by_falling_pressure(bench: Bench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0))
    bench.run(10.0)
    (vent,) = bench.vents()
    assert vent.confirmed
    assert vent.residual_mmhg is not None
    assert vent.residual_mmhg < 15.0
    assert bench.faults() == []


def test_two_inflations_follow_each_other_without_arming_again(bench: Bench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0, number=1))
    bench.run(8.0)
    bench.load(bench.program(in_s=32.0, on_s=5.0, number=2))
    bench.run(40.0)
    assert bench.commands() == ["stream", "arm", "go", "end", "go", "end"]
    assert bench.faults() == []


@pytest.mark.parametrize("target_mmhg", [250.1, 299.0, 1e9, -1.0, 0.0, math.nan, math.inf])
def test_a_pressure_outside_the_ceiling_is_refused_and_nothing_moves(
    bench: Bench, target_mmhg: float
) -> None:
    bench.arm()
    bench.load(bench.program(target_mmhg=target_mmhg))
    bench.run(3.0)
    assert "is outside 15 to 250" in bench.refusals()[0]
    assert "valve closed" not in [what for _, what in bench.valve]


@pytest.mark.parametrize("on_s", [90.5, 0.0, -1.0, math.nan])
def test_an_inflation_of_an_impossible_length_is_refused(bench: Bench, on_s: float) -> None:
    bench.arm()
    bench.load(bench.program(on_s=on_s))
    bench.run(3.0)
    assert "s of inflation is outside" in bench.refusals()[0]


def test_an_inflation_too_soon_after_the_last_one_is_refused(bench: Bench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0))
    bench.run(10.0)
    bench.load(bench.program(in_s=20.0))
    assert "30 s are needed" in bench.refusals()[0]


def test_an_inflation_handed_over_too_late_is_refused(bench: Bench) -> None:
    bench.arm()
    bench.load(bench.program(in_s=-0.2))
    assert "after its onset" in bench.refusals()[0]


def test_nothing_inflates_unarmed(bench: Bench) -> None:
    bench.load(bench.program())
    bench.run(3.0)
    assert bench.refusals() == ["the cuff is not armed"]
    assert "valve closed" not in [what for _, what in bench.valve]


def test_a_vent_empties_the_cuff_at_once_and_drops_what_was_loaded(bench: Bench) -> None:
    bench.arm()
    bench.load(bench.program(in_s=1.0))
    bench.run(0.5)
    bench.vent()
    bench.run(5.0)
    assert "valve closed" not in [what for _, what in bench.valve]
    assert bench.vents()[-1].confirmed


def test_venting_in_the_middle_of_an_inflation_opens_the_valve_in_that_moment(bench: Bench) -> None:
    bench.inflate()
    asked_s = bench.now_s
    bench.vent()
    bench.run(3.0)
    assert (asked_s, "valve open") in [(pytest.approx(t, abs=0.006), w) for t, w in bench.valve]
    assert bench.device.pressure_mmhg < 1.0


def test_a_silent_task_loses_its_pressure_after_the_patience(bench: Bench) -> None:
    bench.inflate()
    silent_s = bench.now_s
    bench.alive = False
    bench.run(2.0)
    opened_s = next(t for t, what in bench.valve if what == "valve open")
    assert bench.faults() == ["task_silent"]
    assert 0.4 < opened_s - silent_s < 0.6


def test_a_deaf_wire_is_vented_by_the_device_itself_within_its_lease(bench: Bench) -> None:
    bench.inflate()
    bench.wire.deaf = True
    deaf_s = bench.now_s
    bench.run(1.0)
    opened_s = next(t for t, what in bench.valve if what == "valve open")
    assert opened_s - deaf_s <= 0.41
    assert bench.faults() == ["device_host_lost"]


def test_a_cut_wire_is_a_lost_link_and_never_an_exception(bench: Bench) -> None:
    bench.inflate()
    bench.wire.cut = True
    bench.run(1.0)
    (fault,) = (r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.reason is StopReason.CUFF_LINK_LOST
    assert "disconnect the hose" in fault.do


def test_a_device_that_does_not_obey_its_end_is_dumped_within_half_a_second(bench: Bench) -> None:
    bench.arm()
    program = bench.program(on_s=5.0)
    bench.load(program)
    bench.run(4.0)
    bench.device._program.on_ms = 60_000  # its own clock has gone wrong, too
    obey = bench.device._obey
    bench.device._obey = lambda c: (0, 0) if c.name == "END" else obey(c)  # type: ignore[method-assign]
    bench.run(10.0)
    opened_s = next(t for t, what in bench.valve if what == "valve open")
    assert opened_s - program.offset_s < 0.5


def test_a_controller_with_an_old_fault_is_cleared_for_a_new_run(bench: Bench) -> None:
    bench.inflate()
    bench.wire.deaf = True
    bench.run(1.0)
    bench.wire.deaf = False
    bench.run(3.0)
    assert bench.device.state == "fault"
    cuff = ReferenceCuff(bench.wire, bench.clock)
    reports: list[CuffReport] = []
    identity = cuff.identify()
    settings = SupervisorSettings(limits=bench.limits, interlock=InterlockSettings())
    bench.supervisor = Supervisor(cuff, identity, settings, reports.append)
    bench.run(0.5)
    bench.arm()
    assert bench.device.state == "armed"
    assert [r.code for r in reports if isinstance(r, LinkNote)] == ["old_fault", "armed"]
    assert [r for r in reports if isinstance(r, FaultReport)] == []


def test_a_wire_that_comes_back_gets_its_vent(bench: Bench) -> None:
    bench.inflate()
    bench.wire.cut = True
    bench.run(0.1)
    bench.wire.cut = False
    bench.run(0.5)
    assert "valve open" in [what for _, what in bench.valve]


def test_after_a_fault_nothing_arms_again(bench: Bench) -> None:
    bench.inflate()
    bench.alive = False
    bench.run(2.0)
    bench.alive = True
    bench.arm()
    bench.load(bench.program())
    bench.run(3.0)
    assert bench.refusals() == ["a fault is latched: start a new run"] * 2
    assert bench.device.state == "idle"


def test_a_vent_that_is_not_confirmed_is_asked_for_again_and_reported(bench: Bench) -> None:
    bench.inflate()
    bench.device._plant.settings = PlantSettings(vent_tau_s=30.0)  # since the self-test
    bench.vent()
    bench.run(11.0)
    assert bench.commands().count("vent") >= 2
    assert "vent_failed" in bench.faults() or "device_vent_fail" in bench.faults()
    assert not any(vent.confirmed for vent in bench.vents())


def test_a_leaking_cuff_is_vented(bench: Bench) -> None:
    bench.arm()
    bench.device._plant.settings = PlantSettings(leak_per_s=1.2)  # since the self-test
    bench.load(bench.program())
    bench.run(15.0)
    assert bench.faults()[0] in ("shortfall", "device_leak")
    assert bench.device.pressure_mmhg < 1.0


def test_an_overshooting_regulator_is_vented(bench: Bench) -> None:
    bench = Bench(plant=PlantSettings(overshoot=0.35, overshoot_tau_s=60.0))
    bench.arm()
    bench.load(bench.program())
    bench.run(10.0)
    assert bench.faults()[0] in ("overshoot", "device_overpressure")
    assert bench.device.pressure_mmhg < 1.0


nan = st.just(math.nan)
programs = st.tuples(
    st.floats(-1.0, 60.0) | nan, st.floats(-1.0, 100.0) | nan, st.floats(-10.0, 400.0) | nan
)


@settings(max_examples=40, deadline=None)
@given(st.lists(programs, max_size=4), st.integers(0, 3))
def test_whatever_is_asked_pressure_stays_below_the_ceiling_and_within_the_asked_times(
    asked: list[tuple[float, float, float]], dead_after: int
) -> None:
    bench = Bench(limits=Limits(ceiling_mmhg=180.0, inflation_s=20.0, gap_s=30.0))
    bench.arm()
    taken: list[Program] = []
    for number, (in_s, on_s, target_mmhg) in enumerate(asked):
        before = len(bench.refusals())
        program = bench.program(in_s=in_s, on_s=on_s, target_mmhg=target_mmhg, number=number)
        bench.load(program)
        if len(bench.refusals()) == before:
            taken.append(program)
        bench.alive = number != dead_after
        for _ in range(10):
            bench.run(2.0)
            assert bench.device.pressure_mmhg <= 180.0 * 1.05
    closed = [t for t, what in bench.valve if what == "valve closed"]
    opened = [t for t, what in bench.valve if what == "valve open"]
    assert len(closed) <= len(taken)
    for t_closed, t_opened in zip(closed, opened, strict=False):
        assert t_opened - t_closed <= 20.0 + 0.02
        assert any(abs(t_closed - program.onset_s) < 0.06 for program in taken)
    for t_opened, t_closed in zip(opened, closed[1:], strict=False):
        assert t_closed - t_opened >= 30.0 - 0.1
