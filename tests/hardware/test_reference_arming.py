"""Arming the reference controller: tested, its watchdog seen to bite, and refused in plain words."""

import dataclasses
from collections.abc import Callable

import pytest
from bench import Bench

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.dialogue import Outcome
from hardware.drivers.reference import ReferenceCuff
from hardware.drivers.reference_arming import Arming, Stage
from hardware.errors import HardwareUnavailable
from hardware.fault_script import Fault, FaultKind
from hardware.interlock_table import InterlockSettings
from hardware.readings import CommandReport, FaultReport, LinkNote, Program, Sample
from hardware.states import CuffState, StopReason
from hardware.supervisor import Arm, Supervisor, SupervisorSettings


@pytest.fixture
def bench() -> Bench:
    return Bench()


def states(bench: Bench) -> list[str]:
    """Return the states that the device went through, as it says itself."""
    return [what.removeprefix("state ") for _, what in bench.valve if what.startswith("state")]


def notes(bench: Bench, code: str) -> list[str]:
    return [r.message for r in bench.reports if isinstance(r, LinkNote) and r.code == code]


def test_arming_tests_the_device_and_sees_its_watchdog_bite(bench: Bench) -> None:
    bench.run(0.1)
    bench.valve.clear()
    bench.arm()
    assert states(bench) == ["selftest", "venting", "idle", "armed", "fault", "idle", "armed"]
    assert bench.faults() == []
    assert bench.commands() == ["stream", "arm"]
    assert "lease 400 ms" in notes(bench, "armed")[0]


def test_the_cuff_counts_as_empty_all_through_arming(bench: Bench) -> None:
    bench.arm()
    samples = [r for r in bench.reports if isinstance(r, Sample)]
    assert CuffState.SELFTEST in {s.state for s in samples}
    assert max(s.measured_mmhg for s in samples) < 15.0
    assert "valve closed" not in [what for _, what in bench.valve]


def test_armed_is_said_once_and_last_with_its_time(bench: Bench) -> None:
    begun_s = bench.now_s
    bench.arm()
    (arm,) = [r for r in bench.reports if isinstance(r, CommandReport) and r.command == "arm"]
    assert (arm.commanded_mmhg, arm.acknowledged_mmhg) == (250.0, 250.0)
    assert arm.acknowledged_s is not None
    assert 1.0 < arm.acknowledged_s - begun_s < 5.0
    assert f"armed after {arm.acknowledged_s - begun_s:.2f} s" in notes(bench, "armed")[0]


def test_arming_again_on_the_same_connection_takes_one_command(bench: Bench) -> None:
    bench.arm()
    bench.valve.clear()
    bench.vent()
    bench.run(1.0)
    before_s = bench.now_s
    bench.arm()
    assert bench.device.state == "armed"
    assert "selftest" not in states(bench)
    assert bench.now_s - before_s < 0.3


def test_the_watchdog_test_uses_the_lease_that_was_asked_for(bench: Bench) -> None:
    bench.cuff = ReferenceCuff(bench.wire, bench.clock, lease_ms=200)
    assert bench.cuff.identify().lease_ms == 200
    bench.supervisor._cuff = bench.cuff
    bench.arm()
    assert bench.device._lease_ms == 200
    assert "lease 200 ms" in notes(bench, "armed")[0]


@pytest.mark.parametrize("lease_ms", [149, 401, 0, -5])
def test_a_lease_that_no_device_takes_is_refused_before_anything_is_sent(
    bench: Bench, lease_ms: int
) -> None:
    with pytest.raises(HardwareUnavailable, match="is outside 150 to 400 ms"):
        ReferenceCuff(bench.wire, bench.clock, lease_ms=lease_ms)


def test_a_device_whose_watchdog_does_not_bite_is_not_armed(bench: Bench) -> None:
    bench.device._alive = lambda: True  # type: ignore[method-assign]
    bench.arm()
    assert "its watchdog does not work" in bench.refusals()[0]
    assert bench.faults() == ["arm_refused"]
    bench.run(1.0)
    assert bench.device.state == "idle"


def test_a_watchdog_that_bites_much_too_late_is_not_trusted(bench: Bench) -> None:
    alive = bench.device._alive
    since: list[float] = []

    def late() -> bool:
        if alive():
            since.clear()
            return True
        since.append(0.0)
        return len(since) < 60  # 300 ms of ticks

    bench.device._alive = late  # type: ignore[method-assign]
    bench.arm()
    assert "its watchdog does not work" in bench.refusals()[0]


def test_a_watchdog_whose_clock_stands_still_is_not_trusted(bench: Bench) -> None:
    bench.device._alive = lambda: True  # type: ignore[method-assign]
    emit = bench.device._emit

    def young(data: bytes) -> None:
        (reply,) = _decoded(data)
        if isinstance(reply, cuff1.Status):
            data = cuff1.encode_status(dataclasses.replace(reply, heartbeat_age_ms=20))
        emit(data)

    bench.device._emit = young  # type: ignore[method-assign]
    bench.arm()
    assert "its watchdog does not work: without heartbeats it did not vent" in bench.refusals()[0]


def test_a_device_that_takes_another_lease_is_not_armed(bench: Bench) -> None:
    bench.device._take_lease = lambda lease_ms: (0, 399)  # type: ignore[method-assign]
    bench.arm()
    assert "a lease of 400 ms was asked for, it took 399" in bench.refusals()[0]


def test_a_device_that_knows_no_self_test_is_not_armed(bench: Bench) -> None:
    bench.device._begin_test = lambda: 2  # type: ignore[method-assign]
    bench.arm()
    assert "refused TEST: the command is unknown" in bench.refusals()[0]


def test_a_self_test_that_never_ends_is_not_waited_for_for_ever(bench: Bench) -> None:
    bench.device._go_on_testing = lambda tick_ms: None  # type: ignore[method-assign]
    bench.arm()
    assert "its self-test did not end in time" in bench.refusals()[0]
    bench.run(1.0)
    assert bench.device.state == "idle"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (FaultKind.STUCK_VALVE, "the first vent path does not let the air out"),
        (FaultKind.NO_SUPPLY, "the pressure does not rise"),
        (FaultKind.STUCK_SENSOR, "the pressure does not rise"),
        (FaultKind.LIE, "a sensor does not read zero"),
    ],
)
def test_a_failed_self_test_is_a_fault_and_says_what_is_wrong(kind: FaultKind, says: str) -> None:
    amount = 5.0 if kind is FaultKind.LIE else 1.0
    bench = Bench(script=(Fault(kind=kind, start_s=0.5, amount=amount),))
    bench.run(0.52)
    bench.arm()
    fault = next(r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.code == "device_selftest"
    assert says in fault.message
    assert bench.device.pressure_mmhg < 15.0
    assert "arm" not in bench.commands()


def test_nothing_inflates_while_arming_goes_on(bench: Bench) -> None:
    bench.supervisor.handle(Arm(), bench.now_s)
    bench.load(bench.program(in_s=0.5))
    bench.run(4.0)
    assert "not armed yet" in bench.refusals()[0]
    assert "valve closed" not in [what for _, what in bench.valve]


@pytest.mark.parametrize("after_s", [0.01, 0.5, 1.5, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0])
def test_a_vent_at_any_time_of_arming_ends_it_without_a_fault(bench: Bench, after_s: float) -> None:
    bench.supervisor.handle(Arm(), bench.now_s)
    bench.run(after_s)
    bench.vent()
    bench.run(2.0)
    assert bench.faults() == []
    assert bench.device.state in ("idle", "fault")
    assert [vent.confirmed for vent in bench.vents()] == [True]
    bench.arm()
    assert bench.device.state == "armed"
    assert bench.faults() == []


def test_a_heart_that_stops_while_arming_is_a_silent_task(bench: Bench) -> None:
    bench.supervisor.handle(Arm(), bench.now_s)
    bench.alive = False
    bench.run(2.0)
    assert bench.faults() == ["task_silent"]
    assert bench.device.state in ("idle", "fault")


def test_a_squeezed_ball_while_the_watchdog_is_tried_is_the_participants_stop(
    bench: Bench,
) -> None:
    bench.supervisor.handle(Arm(), bench.now_s)
    while "armed" not in states(bench):
        bench.run(0.005)
    bench.run(0.1)
    bench.device.open_loop()
    bench.run(1.0)
    fault = next(r for r in bench.reports if isinstance(r, FaultReport))
    assert (fault.code, fault.reason) == ("device_abort", StopReason.PARTICIPANT)


def test_a_lost_host_after_arming_is_a_fault_again(bench: Bench) -> None:
    bench.arm()
    bench.wire.deaf = True
    bench.run(1.0)
    assert bench.faults() == ["device_host_lost"]


def test_a_fault_of_before_is_cleared_by_arming_at_once(bench: Bench) -> None:
    bench.device.restart("watchdog")
    bench.cuff = ReferenceCuff(bench.wire, bench.clock)
    bench.cuff.identify()
    bench.supervisor._cuff = bench.cuff
    bench.arm()
    assert bench.faults() == []
    assert notes(bench, "old_fault") == ["the controller still holds the fault wdt_reset of before"]
    assert bench.device.state == "armed"


def connect_anew(bench: Bench) -> None:
    """Be the next host, on a controller that goes on as it was."""
    bench.cuff = ReferenceCuff(bench.wire, bench.clock)
    settings = SupervisorSettings(limits=bench.limits, interlock=InterlockSettings())
    identity = bench.cuff.identify()
    bench.supervisor = Supervisor(bench.cuff, identity, settings, bench.reports.append)


def lose_the_first_answer(bench: Bench, command: str) -> list[bytes]:
    """Lose the first answer to a command, and return a list that it is then in."""
    obey, emit, lost = bench.device._obey, bench.device._emit, list[bytes]()
    obeyed: list[str] = []

    def remember(heard: cuff1.HostCommand) -> tuple[int, int]:
        obeyed.append(heard.name)
        return obey(heard)

    def lose(data: bytes) -> None:
        if not lost and obeyed[-1:] == [command]:
            lost.append(data)
        else:
            emit(data)

    bench.device._obey = remember  # type: ignore[method-assign]
    bench.device._emit = lose  # type: ignore[method-assign]
    return lost


def test_a_late_answer_to_clear_does_not_end_the_self_test_before_it_began(bench: Bench) -> None:
    bench.device.restart("watchdog")
    connect_anew(bench)
    lost = lose_the_first_answer(bench, "CLEAR")
    bench.arm()
    assert lost
    assert bench.refusals() == bench.faults() == []
    assert bench.device.state == "armed"


def test_a_late_answer_to_clear_does_not_pass_an_earlier_self_test_for_this_one() -> None:
    asked: list[str] = []
    arming = Arming(lambda name, *_: asked.append(name), lease_ms=400)
    arming.begin(ceiling_tenths=2500, now_s=0.0)
    status = cuff1.Status(
        counter=1,
        device_ms=20,
        state=table.STATES.index("fault"),
        fault=table.FAULTS.index("host_lost"),
        first_tenths=0,
        second_tenths=0,
        target_tenths=0,
        drive=0,
        heartbeat_age_ms=20,
        bad_frames=0,
        flags=cuff1.flags("selftest_passed"),
    )
    at_rest = dataclasses.replace(status, state=table.STATES.index("idle"), fault=0)
    assert list(arming.on_status(status, 0.02)) == list(arming.on_status(at_rest, 0.04)) == []
    for name in ("CLEAR", "TEST"):
        assert asked == ["CLEAR", "TEST"]
        taken = Outcome(name, (), None, None, 0.02, 0.06, cuff1.Ack(1, 0, status.state))
        assert list(arming.on_outcome(taken)) == []
        assert list(arming.on_status(at_rest, 0.08)) == []
    assert asked == ["CLEAR", "TEST", "LEASE"]


def test_the_self_test_begins_whatever_number_the_last_heartbeat_of_another_host_had(
    bench: Bench,
) -> None:
    for number in range(256):
        bench.device.receive(cuff1.encode_command(0, "HB", number))
        bench.run(0.7)  # its lease is over
        connect_anew(bench)
        bench.supervisor.handle(Arm(), bench.now_s)
        bench.run(0.25)
        assert bench.device.state == "selftest", number
        bench.vent()
    assert bench.refusals() == bench.faults() == []


def test_a_new_host_whose_first_heartbeat_is_no_news_arms_all_the_same(bench: Bench) -> None:
    bench.device.receive(cuff1.encode_command(0, "HB", 1))
    bench.run(1.0)
    connect_anew(bench)
    bench.arm()
    assert bench.device.state == "armed"
    assert bench.refusals() == bench.faults() == []


def without_heartbeats(bench: Bench, lost: Callable[[], bool]) -> None:
    """Lose the heartbeats of the moments that the function tells."""
    write = bench.wire.write

    def lose(data: bytes) -> None:
        if not (b" HB " in data and lost()):
            write(data)

    bench.wire.write = lose  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("stage", "again"), [(Stage.OFF, False), (Stage.BEATING, False), (Stage.OFF, True)]
)
def test_one_lost_heartbeat_is_no_refusal(bench: Bench, stage: Stage, again: bool) -> None:
    if again:
        bench.arm()
        bench.vent()
        bench.run(1.0)
    lost: list[float] = []

    def first_of_stage() -> bool:
        if lost or bench.cuff._arming._stage is not stage:
            return False
        lost.append(bench.now_s)
        return True

    without_heartbeats(bench, first_of_stage)
    bench.arm()
    assert lost
    assert bench.device.state == "armed"
    assert bench.refusals() == []


def test_a_device_that_counts_no_heartbeat_is_not_armed(bench: Bench) -> None:
    without_heartbeats(bench, lambda: True)
    bench.arm()
    assert bench.refusals() == ["the cuff is not armed: it counts no heartbeat (waited 2 s)"]
    assert bench.faults() == ["arm_refused"]


def test_a_device_that_counts_no_heartbeat_after_its_watchdog_was_tried_is_not_armed(
    bench: Bench,
) -> None:
    without_heartbeats(bench, lambda: bench.cuff._arming._stage is Stage.BEATING)
    bench.arm()
    assert "it counts no heartbeat after the test of its watchdog" in bench.refusals()[0]
    bench.run(1.0)
    assert bench.device.state == "idle"


def test_the_site_ceiling_of_the_device_is_the_hosts_ceiling() -> None:
    bench = Bench()
    bench.device.service_jumper = True
    bench.device._take_site(1800)
    assert ReferenceCuff(bench.wire, bench.clock).identify().ceiling_mmhg == 180.0


def test_a_program_rises_as_slowly_as_it_was_asked_to(bench: Bench) -> None:
    bench.arm()
    program = bench.program(on_s=15.0, rise_s=8.0)
    bench.load(program)
    bench.run(20.0)
    held = [r for r in bench.reports if isinstance(r, Sample) and r.state is CuffState.INFLATING]
    for s in held:
        asked_mmhg = program.asked_mmhg(s.arrival_s)
        assert s.commanded_mmhg == pytest.approx(asked_mmhg, abs=1.0)
        assert s.measured_mmhg < asked_mmhg + 10.0
    assert bench.faults() == []


def test_a_ramp_is_sent_in_milliseconds(bench: Bench) -> None:
    bench.arm()
    sent: list[bytes] = []
    write = bench.wire.write
    bench.wire.write = lambda data: (sent.append(data), write(data))[1]  # type: ignore[method-assign, func-returns-value]
    bench.cuff.inflate(Program(number=1, onset_s=1.0, offset_s=16.0, target_mmhg=140.0, rise_s=1.5))
    bench.run(0.1)
    assert any(b" GO 1400 15000 1500*" in data for data in sent)


def _decoded(data: bytes) -> list[cuff1.Reply]:
    decoder = cuff1.ReplyDecoder()
    decoder.receive(data)
    return list(decoder.replies())
