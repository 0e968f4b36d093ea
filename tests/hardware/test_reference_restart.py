"""A reference controller that restarts: its pressure is seen again at once, nothing else is asked."""

import pytest
from bench import Bench

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.drivers.reference import ReferenceCuff
from hardware.drivers.reference_reports import PERIOD_MS
from hardware.interlock_table import InterlockSettings
from hardware.readings import Sample
from hardware.supervisor import Supervisor, SupervisorSettings

FEW_PERIODS_S = 5 * PERIOD_MS / 1000


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.inflate()
    return bench


def samples_since(bench: Bench, from_s: float) -> list[Sample]:
    return [s for s in bench.samples() if s.arrival_s > from_s]


def sent_from_now(bench: Bench) -> list[bytes]:
    """Return a list that grows with what is written to the device."""
    sent: list[bytes] = []
    write = bench.wire.write
    bench.wire.write = lambda data: (sent.append(data), write(data))[1]  # type: ignore[method-assign, func-returns-value]
    return sent


def commands_in(sent: list[bytes]) -> list[str]:
    """Return what a device reads: names of commands, and the bytes that need no frame."""
    found = cuff1.CommandDecoder().receive(b"".join(sent))
    return [c.name if isinstance(c, cuff1.HostCommand) else "!" for c in found]


@pytest.mark.parametrize("cause", table.RESETS)
def test_after_a_restart_under_pressure_samples_come_again_and_confirm_the_empty_cuff(
    bench: Bench, cause: str
) -> None:
    from_s = bench.now_s
    bench.device.restart(cause)
    bench.run(FEW_PERIODS_S)
    assert samples_since(bench, from_s)
    bench.run(3.0)
    assert bench.faults() == ["device_restarted"]
    assert [vent.confirmed for vent in bench.vents()] == [True]
    assert bench.vents()[0].time_s - from_s < 1.5
    assert bench.device.pressure_mmhg < 1.0


def test_a_restarted_device_is_vented_first_and_asked_for_its_pressure_alone(bench: Bench) -> None:
    bench.device.restart()
    sent = sent_from_now(bench)
    bench.run(3.0)
    commands = commands_in(sent)
    assert commands[0] == "!"
    assert set(commands) == {"!", "VENT", "STREAM"}
    assert commands.count("STREAM") == 1


def test_what_was_meant_for_the_device_before_its_restart_is_not_sent(bench: Bench) -> None:
    cuff = bench.cuff  # alone, without a supervisor that vents
    cuff._dialogue.submit("PING")
    cuff._dialogue.submit("GO", 1400, 15000, 0)
    bench.device.restart()
    sent = sent_from_now(bench)
    for _ in range(20):
        list(cuff.poll())
        bench.clock.sleep_until(bench.now_s + 0.005)
    assert commands_in(sent) == ["STREAM"]


def test_what_was_meant_for_the_device_is_not_sent_either_where_its_restart_is_seen_by_the_counter(
    bench: Bench,
) -> None:
    cuff = bench.cuff  # alone, without a supervisor that vents
    bench.device.restart()
    bench.device._out.clear()  # the event
    bench.device._period_ms = PERIOD_MS  # somebody else has asked for its samples
    bench.clock.sleep_until(bench.now_s + 2 * PERIOD_MS / 1000)
    cuff._dialogue.submit("PING")
    cuff._dialogue.submit("GO", 1400, 15000, 0)
    sent = sent_from_now(bench)
    for _ in range(20):
        list(cuff.poll())
        bench.clock.sleep_until(bench.now_s + 0.005)
    assert commands_in(sent) == ["STREAM"]


def test_a_restart_that_is_seen_by_the_counter_ends_arming() -> None:
    bench = Bench()
    bench.run(6.0)  # the first lines after a start all look alike
    cuff = bench.cuff
    cuff.arm(ceiling_mmhg=200.0)
    bench.clock.sleep_until(bench.now_s + 0.1)
    list(cuff.poll())
    assert cuff._arming.busy
    bench.device.restart()
    bench.device._out.clear()
    bench.device._period_ms = PERIOD_MS
    bench.clock.sleep_until(bench.now_s + 2 * PERIOD_MS / 1000)
    list(cuff.poll())
    assert not cuff._arming.busy


def test_a_restart_whose_event_was_lost_shows_its_pressure_again(bench: Bench) -> None:
    from_s = bench.now_s
    bench.device.restart()
    bench.device._out.clear()  # the event
    bench.run(0.5 + 2 * FEW_PERIODS_S)
    assert bench.faults() == ["stale_samples"]
    assert samples_since(bench, from_s)
    bench.run(3.0)
    assert [vent.confirmed for vent in bench.vents()] == [True]


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.2, 2.0])
def test_a_power_supply_that_flickers_hides_no_pressure(bench: Bench, after_s: float) -> None:
    bench.device.restart()
    bench.run(after_s)
    from_s = bench.now_s
    bench.device.restart()
    bench.run(FEW_PERIODS_S)
    assert samples_since(bench, from_s)
    bench.run(3.0)
    assert bench.faults() == ["device_restarted"]
    assert [vent.confirmed for vent in bench.vents()] == [True]


def test_a_vent_at_once_leaves_a_new_connection_its_pressure(bench: Bench) -> None:
    bench.device.restart()  # streams nothing until asked
    bench.cuff = ReferenceCuff(bench.wire, bench.clock)
    settings = SupervisorSettings(limits=bench.limits, interlock=InterlockSettings())
    identity = bench.cuff.identify()
    bench.supervisor = Supervisor(bench.cuff, identity, settings, bench.reports.append)
    bench.vent()
    from_s = bench.now_s
    bench.run(FEW_PERIODS_S)
    assert samples_since(bench, from_s)
