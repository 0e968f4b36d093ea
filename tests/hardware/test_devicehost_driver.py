"""The driver of a CPAR+ behind DeviceHost under supervision: what is played, sent, stored, said."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from devicehost_bench import PORT, DeviceHostBench
from hypothesis import given
from hypothesis import strategies as st

from hardware.clock import VirtualClock
from hardware.codec import devicehost
from hardware.codec.devicehost_messages import Instruction, Signals
from hardware.drivers.devicehost import DeviceHostCuff
from hardware.drivers.devicehost_run import mmhg, tenths_of, waveform
from hardware.errors import HardwareUnavailable
from hardware.readings import Program
from hardware.sim.devicehost import EmulatedDeviceHost
from hardware.sim.plant import Plant
from hardware.sim.wire import LoopWire
from hardware.states import PRESSURISED_STATES, CuffState


@pytest.fixture
def bench() -> DeviceHostBench:
    return DeviceHostBench()


def level_of(steps: tuple[Instruction, ...], at_ms: int) -> float:
    """Return what a program asks for at a time, in tenths of kPa."""
    level = 0.0
    for step in steps:
        here_ms = min(at_ms, step.duration_ms)
        change = step.argument * here_ms / 1000
        level = {"STEP": step.argument, "INC": level + change, "DEC": level - change}[step.name]
        at_ms -= step.duration_ms
        if at_ms < 0:
            break
    return level


# -- an inflation


def test_it_identifies_itself_and_says_that_it_is_emulated(bench: DeviceHostBench) -> None:
    assert (bench.identity.model, bench.identity.simulated) == ("CPAR+", True)
    assert bench.identity.lease_ms == 0
    able = bench.cuff.capabilities
    assert (able.finite_programs, able.own_watchdog, able.ramps) == (True, False, True)


def test_an_inflation_ends_by_itself_and_its_deflation_is_measured(bench: DeviceHostBench) -> None:
    bench.arm()
    program = bench.program(on_s=6.0)
    bench.load(program)
    bench.run(10.0)
    assert bench.commands() == ["arm", "prepare", "go", "end"]
    assert bench.faults() == []
    assert bench.asked_since(program.onset_s - 0.01) == ["START"]
    assert bench.opened_s(program.onset_s) == pytest.approx(program.offset_s, abs=0.03)
    falling = [s for s in bench.samples() if 0.0 < s.arrival_s - program.offset_s < 1.0]
    assert len(falling) >= 18
    assert bench.vents()[-1].confirmed


def test_every_program_on_the_device_is_finite_and_ends_at_zero(bench: DeviceHostBench) -> None:
    program = bench.inflate()
    for _, start, steps in bench.device.starts:
        assert start.outlets[1] == -1
        assert (steps[-1].name, steps[-1].argument) == ("STEP", 0)
        assert sum(step.duration_ms for step in steps) < 600_000
    inflating = bench.device.starts[-1][2]
    on_ms = sum(step.duration_ms for step in inflating[:-1])
    assert on_ms <= round((program.offset_s - program.onset_s) * 1000)


def test_when_everything_but_devicehost_dies_the_device_ends_the_inflation(
    bench: DeviceHostBench,
) -> None:
    program = bench.inflate()
    died_s = bench.now_s
    while bench.now_s < program.offset_s + 3.0:  # nobody speaks to it, and it is kept alive
        bench.clock.sleep_until(bench.now_s + 0.5)
        bench.device.advance(bench.now_s)
    assert bench.asked_since(died_s) == []
    assert bench.opened_s(died_s) == pytest.approx(program.offset_s, abs=0.05)
    assert bench.device.pressure_mmhg < 1.0


def test_when_devicehost_dies_too_the_devices_own_watchdog_acts(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.device.host_dead = True
    died_s = bench.now_s
    for _ in range(80):
        bench.clock.sleep_until(bench.now_s + 0.1)
        bench.device.advance(bench.now_s)
    assert bench.opened_s(died_s) < died_s + 6.5


def test_the_evidence_is_in_whole_steps_and_nothing_is_said_to_be_acknowledged(
    bench: DeviceHostBench,
) -> None:
    bench.arm()
    bench.load(bench.program(target_mmhg=140.0))
    bench.run(2.0)
    go = bench.report("go")
    assert go.commanded_mmhg == mmhg(186)
    assert go.acknowledged_mmhg is None
    assert go.planned_s is not None
    assert 0.0 <= go.sent_s - go.planned_s < 0.01


@given(st.floats(15.0, 300.0))
def test_a_pressure_is_never_rounded_up(target_mmhg: float) -> None:
    sent_mmhg = tenths_of(target_mmhg) * 0.7500617
    assert target_mmhg - 0.76 < sent_mmhg <= target_mmhg + 1e-6


@given(
    st.floats(15.0, 300.0),
    st.floats(0.5, 60.0),
    st.floats(0.0, 120.0),
)
def test_a_ramp_is_never_above_the_line_and_never_far_below(
    target_mmhg: float, rise_s: float, hold_s: float
) -> None:
    program = Program(
        number=1,
        onset_s=0.0,
        offset_s=rise_s + hold_s,
        target_mmhg=target_mmhg,
        rise_s=rise_s,
    )
    steps = waveform(program).instructions
    devicehost.encode_request(waveform(program), PORT)
    rise_ms = int(rise_s * 100) * 10
    for at_ms in range(0, rise_ms, 50):
        line = tenths_of(target_mmhg) * at_ms / rise_ms
        assert line - 4.0 <= level_of(steps, at_ms) <= line + 0.05
    assert sum(s.duration_ms for s in steps[:-1]) <= (rise_s + hold_s) * 1000 + 0.001


def test_a_ramp_rises_as_asked_on_the_device(bench: DeviceHostBench) -> None:
    bench.arm()
    program = replace(bench.program(on_s=12.0, target_mmhg=150.0), rise_s=6.0)
    bench.load(program)
    bench.run(1.0 + 3.0)
    assert bench.samples()[-1].commanded_mmhg == pytest.approx(75.0, abs=3.0)
    assert bench.device.pressure_mmhg == pytest.approx(75.0, abs=12.0)
    bench.run(5.0)
    assert bench.device.pressure_mmhg == pytest.approx(150.0, abs=6.0)
    assert bench.faults() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_mmhg": math.nan},
        {"target_mmhg": 251.0},
        {"target_mmhg": -1.0},
        {"offset_s": 0.0},
        {"offset_s": math.nan},
        {"offset_s": math.inf},
        {"rise_s": 0.05},
        {"rise_s": math.nan},
    ],
)
def test_what_cannot_be_played_is_refused_and_never_sent(
    bench: DeviceHostBench, wrong: dict[str, float]
) -> None:
    bench.arm()
    program = replace(bench.program(), **wrong)
    bench.cuff.prepare(program)
    bench.run(0.5)
    bench.cuff.inflate(program)
    bench.run(0.5)
    assert len(bench.refusals()) == 2
    assert not any(i.argument for steps in bench.device._programs.values() for i in steps)
    assert bench.device.pressure_mmhg == 0.0


def test_a_start_goes_out_only_for_what_was_loaded(bench: DeviceHostBench) -> None:
    bench.arm()
    bench.cuff.inflate(bench.program())
    bench.run(0.3)
    assert "not loaded" in bench.refusals()[0]
    assert bench.device.pressure_mmhg == 0.0


# -- samples


def test_every_sample_is_stored_once_and_in_order(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.run(15.0)
    bench.vent()
    bench.run(2.0)
    sent = [s for a in bench.answers() if isinstance(a, Signals) for s in a.samples]
    stored = bench.samples()
    # the last answer may still be on its way
    assert 0 <= len(sent) - len(stored) <= 2
    assert [s.measured_mmhg for s in stored] == [mmhg(s[0]) for s in sent[: len(stored)]]
    numbers = [s.counter for s in stored]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(b.device_ms > a.device_ms for a, b in pairwise(stored))
    assert bench.notes("samples_lost") == []


def test_samples_that_came_before_a_start_are_fetched_before_it_forgets_them(
    bench: DeviceHostBench,
) -> None:
    bench.arm()
    bench.load(bench.program())
    bench.run(3.0)
    names = [name for _, name in bench.device.heard if name != "RATING"]
    for at, name in enumerate(names):
        if name == "STOP" and "START" in names[at:]:
            assert "SIGNALS" in names[at : at + names[at:].index("START")]


def test_no_gap_between_samples_is_longer_than_the_interlock_allows(
    bench: DeviceHostBench,
) -> None:
    bench.inflate()
    bench.run(15.0)
    times = [s.arrival_s for s in bench.samples()]
    assert max(b - a for a, b in pairwise(times)) < 0.4


def test_a_host_that_keeps_samples_always_serves_as_well() -> None:
    bench = DeviceHostBench(before=lambda device, _: setattr(device, "keeps_always", True))
    bench.inflate()
    bench.run(15.0)
    assert bench.faults() == []
    assert bench.vents()[-1].confirmed


def test_the_state_of_a_sample_follows_the_pressure_not_the_wish(bench: DeviceHostBench) -> None:
    program = bench.inflate()
    bench.device._outlets[0].plant.trouble.valve_stuck = True
    bench.run(program.offset_s + 0.2 - bench.now_s)
    assert bench.samples()[-1].state in PRESSURISED_STATES
    bench.run(1.0)
    assert "vent_disobeyed" in bench.faults()


def test_at_rest_it_is_measured_too(bench: DeviceHostBench) -> None:
    bench.run(2.0)
    assert len(bench.samples()) > 30
    assert {s.state for s in bench.samples()} == {CuffState.IDLE}


# -- vent and contact


def test_a_vent_stops_at_once_empties_the_memory_and_is_confirmed(bench: DeviceHostBench) -> None:
    bench.inflate()
    asked_s = bench.now_s
    bench.vent()
    assert bench.opened_s(asked_s) <= asked_s + 0.001
    bench.run(3.0)
    assert bench.asked_since(asked_s)[:5] == ["STOP", "CLEAR", "WAVEFORM", "WAVEFORM", "START"]
    assert bench.asked_since(asked_s).count("STOP") == 1
    assert bench.vents()[-1].confirmed
    inflating = [steps for _, _, steps in bench.device.starts[-1:] if steps[0].argument]
    assert inflating == []


def test_a_stop_while_nothing_plays_does_no_harm(bench: DeviceHostBench) -> None:
    for _ in range(3):
        bench.vent()
        bench.run(2.5)
    assert bench.faults() == []
    assert bench.device.pressure_mmhg == 0.0


def test_a_port_left_open_by_an_earlier_run_is_used_and_what_plays_there_is_stopped() -> None:
    first = DeviceHostBench()
    first.inflate()
    second = DeviceHostCuff(first.wire, first.clock, device_port=PORT)
    second.identify()
    assert ("HandlerExists") in [getattr(a, "error", "") for a in first.answers()]
    first.clock.sleep_until(first.now_s + 3.0)
    first.device.advance(first.now_s)
    assert first.device.pressure_mmhg < 1.0


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("emergency", True, "emergency button"),
        ("power_on", False, "power is off"),
        ("response_connected", False, "response device"),
        ("supply_low", True, "supply pressure"),
        ("device_silent", True, "could not stop"),
        ("host_dead", True, "no answer to CREATE"),
        ("mute", {"PING"}, "no answer to PING"),
        ("deaf_to", {"START"}, "does not measure"),
    ],
)
def test_a_device_that_is_not_ready_is_refused_in_words(
    attribute: str, value: object, words: str
) -> None:
    with pytest.raises(HardwareUnavailable, match=words):
        DeviceHostBench(before=lambda device, _: setattr(device, attribute, value))


def test_another_language_at_the_port_is_refused() -> None:
    def garbled(_: EmulatedDeviceHost, wire: object) -> None:
        wire.changed = lambda data: b"HTTP/1.1 400 Bad Request\r\n"  # type: ignore[attr-defined]

    with pytest.raises(HardwareUnavailable, match="not DeviceHost's language"):
        DeviceHostBench(before=garbled)


def test_it_works_over_the_plain_loop_of_a_simulated_run() -> None:
    clock = VirtualClock()
    device = EmulatedDeviceHost(Plant(seed=3), start_s=clock.now_s())
    cuff = DeviceHostCuff(LoopWire(device, clock), clock, device_port=PORT)
    assert cuff.identify().simulated
    cuff.close()
