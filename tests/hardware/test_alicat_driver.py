"""Supervisor, driver, codec and emulated pressure controller on one virtual clock: verbs."""

import pytest
from alicat_bench import AlicatBench, AlicatWire

from hardware.clock import VirtualClock
from hardware.drivers.alicat import AlicatCuff
from hardware.errors import HardwareUnavailable
from hardware.sim.alicat import EmulatedAlicat
from hardware.sim.plant import Plant
from hardware.states import CuffState


@pytest.fixture
def bench() -> AlicatBench:
    return AlicatBench()


# -- who is there


def test_it_opens_the_exhaust_before_it_asks_anything(bench: AlicatBench) -> None:
    assert bench.wire.sent[0][1] == b"AE\r"
    assert bench.identity.model == "PCD-9.997PSIG-D"
    assert (bench.identity.ceiling_mmhg, bench.identity.lease_ms) == (300.0, 0)
    assert bench.identity.simulated
    assert not bench.cuff.capabilities.own_watchdog
    assert not bench.cuff.capabilities.finite_programs


def test_a_small_full_scale_is_the_ceiling() -> None:
    assert AlicatBench(ceiling_mmhg=200.0).identity.ceiling_mmhg == pytest.approx(200.0, abs=0.1)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"Alicat", b"Acme", "not Alicat"),
        (b"PCD-", b"MC-", "no dual-valve pressure controller"),
        (b"PSIG-D", b"PSIA-D", "against the room"),
        (b"mmHgG", b"mbarG", "none of mmHg"),
        (b"mmHgG", b"kPaG", "is set to kPa"),
        (b"mmHgG", b"mmHgA", "is in 'mmHgA'"),
        (b" 7/1 ", b" 7/0 ", "EXH"),
        (b" D03", b" D13", "has gaps"),
        (b" EXH LCK", b" LCK", "does not show EXH"),
        (b" LCK", b" POV", "reports EXH POV"),
    ],
)
def test_what_does_not_fit_is_refused(old: bytes, new: bytes, why: str) -> None:
    clock = VirtualClock()
    device = EmulatedAlicat(Plant(), start_s=clock.now_s(), witness=None)
    wire = AlicatWire(device, clock)
    held = bytearray()

    def changed(data: bytes) -> bytes:  # whole lines only, so that a word is never split
        held.extend(data)
        whole, end, rest = bytes(held).rpartition(b"\r")
        held[:] = rest
        return (whole + end).replace(old, new)

    wire.changed = changed
    with pytest.raises(HardwareUnavailable, match=why):
        AlicatCuff(wire, clock).identify()
    assert device.pressure_mmhg == 0.0


def test_nobody_there_is_said(bench: AlicatBench) -> None:
    bench.wire.mute = True
    with pytest.raises(HardwareUnavailable, match="no pressure controller answers"):
        AlicatCuff(bench.wire, bench.clock).identify()


def test_a_device_that_streams_is_refused(bench: AlicatBench) -> None:
    bench.wire.changed = lambda data: data + b"A +0000.0 +0000.0\r"
    with pytest.raises(HardwareUnavailable, match="streams"):
        AlicatCuff(bench.wire, bench.clock).identify()


@pytest.mark.parametrize(
    ("unit_id", "unit"), [("AB", "psi"), ("a", "psi"), ("", "psi"), ("A", "bar")]
)
def test_an_unknown_letter_or_unit_is_refused(bench: AlicatBench, unit_id: str, unit: str) -> None:
    with pytest.raises(HardwareUnavailable, match="there is no unit id"):
        AlicatCuff(bench.wire, bench.clock, unit_id=unit_id, pressure_unit=unit)


# -- inflations


def test_an_inflation_starts_and_ends_at_its_times(bench: AlicatBench) -> None:
    bench.arm()
    program = bench.program(on_s=15.0)
    bench.load(program)
    bench.run(20.0)
    (closed_s,) = (t for t, what in bench.valve if what == "valve closed")
    # set-point and cancel take an answer each, and a poll may be in flight
    assert 0.0 < closed_s - program.onset_s < 0.12
    assert 0.0 < bench.opened_s(closed_s) - program.offset_s < 0.06
    assert bench.commands() == ["arm", "go", "end"]
    assert bench.faults() == []
    assert bench.vents()[0].confirmed


def test_no_command_begins_before_the_last_answer_has_ended(bench: AlicatBench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0, number=1))
    bench.run(8.0)
    bench.load(bench.program(in_s=32.0, on_s=5.0, number=2))
    bench.run(40.0)
    assert bench.commands() == ["arm", "go", "end", "go", "end"]
    assert bench.device.overlaps == 0


def test_it_samples_about_twenty_times_a_second_without_a_gap_in_the_count(
    bench: AlicatBench,
) -> None:
    bench.inflate()
    bench.reports.clear()
    bench.run(5.0)
    samples = bench.samples()
    assert 90 <= len(samples) <= 101
    counters = [s.counter for s in samples]
    assert counters == list(range(counters[0], counters[0] + len(samples)))
    assert {s.state for s in samples} == {CuffState.HOLD}
    assert {s.commanded_mmhg for s in samples} == {140.0}


@pytest.mark.parametrize("unit", ["mmHg", "kPa", "psi"])
def test_every_pressure_comes_with_its_evidence_and_is_never_rounded_up(unit: str) -> None:
    bench = AlicatBench(unit)
    bench.inflate()
    arm, go = bench.report("arm"), bench.report("go")
    assert (arm.commanded_mmhg, arm.acknowledged_mmhg) == (0.0, 0.0)
    assert go.commanded_mmhg == go.acknowledged_mmhg
    assert go.commanded_mmhg is not None
    assert 139.4 < go.commanded_mmhg <= 140.0
    assert go.acknowledged_s is not None
    assert go.planned_s is not None
    assert go.planned_s < go.sent_s < go.acknowledged_s
    assert bench.faults() == []


def test_the_exhaust_stays_open_until_the_set_point_has_been_read_back(bench: AlicatBench) -> None:
    bench.arm()
    since_s = bench.now_s
    bench.inflate()
    assert bench.commands_since(since_s)[-2:] == [b"AS140.0\r", b"AC\r"]


def test_two_read_backs_that_differ_close_nothing(bench: AlicatBench) -> None:
    bench.arm()
    bench.wire.changed = lambda data: data.replace(b"+0140.0 EXH", b"+0240.0 EXH")
    bench.load(bench.program())
    bench.run(4.0)
    assert "valve closed" not in [what for _, what in bench.valve]
    assert bench.faults()[0] == "wrong_acknowledgement"
    assert "reads back 240" in bench.refusals()[0]
    assert bench.device.pressure_mmhg == 0.0


def test_a_read_back_that_differs_a_little_closes_nothing(bench: AlicatBench) -> None:
    bench.arm()
    bench.wire.changed = lambda data: data.replace(b"+0140.0 EXH", b"+0140.1 EXH")
    bench.load(bench.program())
    bench.run(4.0)
    assert "valve closed" not in [what for _, what in bench.valve]
    assert bench.faults()


@pytest.mark.parametrize("said", [b"A +0000.0\r", b"A +0000.0 +014\r", b"?\r", b"A \xff\r", b""])
def test_a_missing_or_short_read_back_is_a_refusal(bench: AlicatBench, said: bytes) -> None:
    bench.arm()
    bench.wire.changed = lambda data: said if b"+0140.0" in data else data
    bench.load(bench.program())
    bench.run(4.0)
    assert bench.faults()[0] == "go_refused"
    assert "valve closed" not in [what for _, what in bench.valve]
    assert bench.device.pressure_mmhg == 0.0


def test_a_lost_answer_to_the_cancel_vents(bench: AlicatBench) -> None:
    bench.arm()
    bench.wire.changed = lambda data: b"" if b"+0140.0 LCK" in data else data
    bench.load(bench.program())
    bench.run(4.0)
    assert bench.faults()[0] in ("go_refused", "stale_samples")
    assert bench.device.pressure_mmhg < 15.0


def test_a_device_whose_range_is_too_small_is_not_asked() -> None:
    bench = AlicatBench(ceiling_mmhg=100.0)
    bench.arm()
    bench.load(bench.program())
    bench.run(3.0)
    assert "outside 15 to" in bench.refusals()[0]
    bench.cuff.inflate(bench.program(target_mmhg=float("nan")))
    bench.run(0.1)
    assert "out of range" in bench.refusals()[-1]


def test_nothing_inflates_unarmed(bench: AlicatBench) -> None:
    bench.cuff.inflate(bench.program())
    bench.run(3.0)
    assert "not armed" in bench.refusals()[0]
    assert "valve closed" not in [what for _, what in bench.valve]


def test_an_end_that_the_device_does_not_show_becomes_a_vent(bench: AlicatBench) -> None:
    program = bench.inflate()
    bench.wire.changed = lambda data: data.replace(b" EXH", b"")
    bench.run(program.offset_s - bench.now_s + 3.0)
    assert "exhaust: no answer that shows it" in bench.refusals()
    assert bench.device.pressure_mmhg < 1.0
    assert not any(vent.confirmed for vent in bench.vents())


# -- vents


def test_a_vent_opens_the_exhaust_at_once_in_any_phase_of_the_polls() -> None:
    for phase_ms in range(0, 60, 5):
        bench = AlicatBench()
        bench.inflate()
        bench.run(phase_ms / 1000)
        asked_s = bench.now_s
        bench.vent()
        bench.run(3.0)
        assert bench.commands_since(asked_s)[0] == b"AE\r"
        assert bench.wire.sent[-1][0] > asked_s
        # one that is lost in an overlap is repeated after 100 ms
        assert bench.opened_s(asked_s) - asked_s < 0.15
        assert bench.device.pressure_mmhg < 1.0
        assert bench.vents()[-1].confirmed
        assert bench.samples()[-1].commanded_mmhg == 0.0
        assert bench.faults() == []


def test_a_vent_drops_what_was_loaded_and_what_was_half_sent(bench: AlicatBench) -> None:
    bench.arm()
    program = bench.program(in_s=1.0)
    bench.load(program)
    bench.run(1.01)  # the set-point is on the wire, the cancel waits
    bench.vent()
    bench.run(4.0)
    assert b"AC\r" not in bench.commands_since(0.0)
    assert bench.device.pressure_mmhg == 0.0


def test_venting_again_and_again_does_no_harm(bench: AlicatBench) -> None:
    bench.inflate()
    for _ in range(100):
        bench.vent()
        bench.run(0.03)
    assert bench.device.pressure_mmhg < 1.0
    assert bench.vents()[-1].confirmed


def test_a_vent_goes_on_until_the_device_shows_it(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.deaf = True
    bench.vent()
    bench.run(2.0)
    bench.wire.deaf = False
    bench.run(3.0)
    assert bench.device.pressure_mmhg < 1.0


def test_a_silent_task_loses_its_pressure_after_the_patience(bench: AlicatBench) -> None:
    bench.inflate()
    silent_s = bench.now_s
    bench.alive = False
    bench.run(3.0)
    assert bench.faults() == ["task_silent"]
    assert 0.4 < bench.opened_s(silent_s) - silent_s < 0.75
    assert bench.device.pressure_mmhg < 1.0


def test_a_dead_supervisor_leaves_the_pressure_on(bench: AlicatBench) -> None:
    # not a wish but the reason for a dump valve with a timer of its own: docs/devices/alicat.md
    bench.inflate()
    bench.clock.sleep_until(bench.now_s + 600.0)
    bench.device.advance(bench.now_s)
    assert bench.device.pressure_mmhg == pytest.approx(140, abs=5)
