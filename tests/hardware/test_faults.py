"""Every fault of the script, in the middle of an inflation: found, vented, and said so."""

import pytest
from bench import Bench

from hardware.fault_script import DEFAULT_AMOUNT, Fault, FaultKind

FOUND: dict[FaultKind, set[str]] = {
    FaultKind.DROP: {"stale_samples", "device_host_lost"},
    FaultKind.CORRUPT: {"stale_samples", "device_host_lost"},
    FaultKind.DELAY: {"stale_samples"},
    FaultKind.TRUNCATE: {"stale_samples"},
    FaultKind.FREEZE: {"stale_samples", "device_host_lost"},
    FaultKind.UNPLUG: {"link_lost"},
    FaultKind.RESET: {"device_restarted", "stale_samples"},
    FaultKind.LEAK: {"shortfall", "device_leak"},
    FaultKind.LIE: {"overshoot", "device_overpressure"},
    FaultKind.STUCK_SENSOR: {"device_stuck", "frozen_sensors", "shortfall", "unasked_pressure"},
}
"""Faults that end an inflation, and what may be found first."""

HARMLESS = (FaultKind.DUPLICATE,)
"""Faults that change nothing: the inflation ends as planned."""


def troubled(kind: FaultKind, into_s: float, *, for_s: float = 1e9) -> Bench:
    fault = Fault(kind=kind, into_s=into_s, for_s=for_s, amount=DEFAULT_AMOUNT.get(kind, 1.0))
    bench = Bench(script=(fault,))
    bench.arm()
    bench.load(bench.program(on_s=15.0))
    return bench


@pytest.mark.parametrize("into_s", [0.2, 1.0, 3.0, 9.9])
@pytest.mark.parametrize("kind", FOUND)
def test_a_fault_in_an_inflation_is_found_and_vented(kind: FaultKind, into_s: float) -> None:
    bench = troubled(kind, into_s)
    bench.run(26.0)
    assert bench.faults()[0] in FOUND[kind]
    assert bench.device.pressure_mmhg < 1.0
    opened_s = [t for t, what in bench.valve if what == "valve open"]
    began_s = next(t for t, what in bench.valve if what.startswith("fault"))
    # 5 s of ramp and 3 s of patience with a leak, 1 s with an overshoot, 0.5 s with silence
    assert opened_s[0] - began_s < 8.5


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_fault_changes_nothing(kind: FaultKind) -> None:
    bench = troubled(kind, 1.0)
    bench.run(20.0)
    assert bench.faults() == []
    assert [vent.confirmed for vent in bench.vents()] == [True]


def test_a_cuff_without_supply_is_found_before_it_is_believed() -> None:
    bench = Bench(script=(Fault(kind=FaultKind.NO_SUPPLY, start_s=0.0),))
    bench.arm()
    bench.load(bench.program())
    bench.run(12.0)
    assert bench.faults() == ["device_selftest"]
    assert "valve closed" not in [what for _, what in bench.valve]


@pytest.mark.parametrize("kind", [FaultKind.STUCK_VALVE, FaultKind.KINK])
def test_a_cuff_that_cannot_vent_says_disconnect_and_keeps_trying(kind: FaultKind) -> None:
    bench = troubled(kind, 2.0)
    bench.run(32.0)
    assert {"vent_failed", "device_vent_fail"} & set(bench.faults())
    assert not any(vent.confirmed for vent in bench.vents())
    assert bench.commands().count("vent") >= 1
    assert bench.supervisor.venting


def test_a_sensor_that_repeats_itself_for_a_moment_is_no_fault() -> None:
    bench = troubled(FaultKind.STUCK_SENSOR, 5.0, for_s=2.0)
    bench.run(20.0)
    assert bench.faults() == []
    assert [vent.confirmed for vent in bench.vents()] == [True]


def test_one_byte_in_two_hundred_lost_is_noted_and_survived() -> None:
    bench = Bench(script=(Fault(kind=FaultKind.DROP, into_s=1.0, for_s=5.0, amount=0.005),))
    bench.arm()
    bench.load(bench.program(on_s=10.0))
    bench.run(15.0)
    assert bench.faults() == []
