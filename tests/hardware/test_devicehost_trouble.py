"""DeviceHost, the CPAR+ and the connection in trouble: found, said, and vented."""

import pytest
from devicehost_bench import DeviceHostBench

from hardware.codec.devicehost_messages import Signals
from hardware.drivers.devicehost_play import STATE_AGE_S
from hardware.drivers.devicehost_run import mmhg
from hardware.readings import FaultReport, Program
from hardware.states import StopReason


@pytest.fixture
def bench() -> DeviceHostBench:
    return DeviceHostBench()


def reasons(bench: DeviceHostBench) -> list[tuple[str, StopReason]]:
    return [(r.code, r.reason) for r in bench.reports if isinstance(r, FaultReport)]


def assert_every_sample_is_stored_once(bench: DeviceHostBench) -> None:
    sent = [mmhg(s[0]) for a in bench.answers() if isinstance(a, Signals) for s in a.samples]
    stored = [sample.measured_mmhg for sample in bench.samples()]
    assert stored == sent[: len(stored)]
    assert len(sent) - len(stored) <= 2  # the last answer may still be on its way


# -- the device


def test_the_emergency_button_is_a_fault_and_counts_as_vented_only_once_measured(
    bench: DeviceHostBench,
) -> None:
    bench.inflate()
    bench.device.emergency = True
    bench.run(2.0)
    assert bench.faults() == ["device_emergency"]
    assert bench.device.pressure_mmhg < 5.0
    assert bench.vents() == []  # nothing can be measured while the button is in
    bench.device.emergency = False
    bench.run(2.0)
    assert bench.vents()[-1].confirmed


def test_the_participants_button_is_the_participants_stop(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.device.button_down = True
    bench.run(0.1)
    bench.device.button_down = False  # a short press is latched
    bench.run(2.0)
    assert reasons(bench) == [("device_button", StopReason.PARTICIPANT)]
    assert bench.device.pressure_mmhg < 15.0


def test_an_inflation_that_ends_by_itself_is_a_fault(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.device._end("STOPCOND_OUT_OF_COMPLIANCE")
    bench.run(2.0)
    (fault,) = (r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.code == "device_stop"
    assert "OUT_OF_COMPLIANCE" in fault.message


def test_a_device_that_restarts_has_forgotten_the_inflation_and_starts_none(
    bench: DeviceHostBench,
) -> None:
    bench.arm()
    program = bench.program(in_s=2.0)
    bench.load(program)
    bench.run(1.9)
    bench.device.restart()
    bench.run(2.0)
    assert bench.device.pressure_mmhg == 0.0
    assert bench.faults()


def test_air_at_the_other_outlet_is_a_fault(bench: DeviceHostBench) -> None:
    bench.arm()
    bench.device.crossed = True
    bench.load(bench.program())
    bench.run(3.0)
    assert bench.faults()
    assert bench.faults()[0] in ("device_wrong_outlet", "go_refused")
    bench.run(5.0)
    assert bench.device.pressure_mmhg == 0.0


def test_a_stop_that_is_taken_and_not_obeyed_is_repeated_and_said(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.device.deaf_to = {"STOP"}
    bench.vent()
    bench.run(3.0)
    assert bench.faults()
    bench.device.deaf_to = set()
    bench.run(4.0)
    assert bench.device.pressure_mmhg < 15.0


def test_a_cuff_that_is_low_is_not_empty_while_the_device_may_play_on(
    bench: DeviceHostBench,
) -> None:
    bench.arm()
    program = Program(
        number=1,
        onset_s=bench.now_s + 2.0,
        offset_s=bench.now_s + 32.0,
        target_mmhg=130.0,
        rise_s=10.0,
    )
    bench.load(program)
    bench.run(2.3)  # hardly begun
    bench.device.deaf_to = {"STOP"}
    bench.vent()
    bench.run(0.5)
    assert bench.vents() == []
    bench.device.deaf_to = set()
    bench.run(5.0)
    assert bench.vents()[-1].confirmed
    assert bench.device.pressure_mmhg < 15.0


# -- the age of what is said


def test_a_silent_device_behind_a_talking_host_is_stale_whatever_its_state_says(
    bench: DeviceHostBench,
) -> None:
    bench.inflate()
    bench.device.device_silent = True
    silent_s = bench.now_s
    bench.run(1.0)
    (fault, *_) = (r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.code == "stale_samples"
    assert fault.reason is StopReason.CUFF_LINK_LOST
    assert fault.time_s < silent_s + 0.7
    answered = [name for t, name in bench.device.heard if name == "STATE" and t > silent_s]
    assert answered  # DeviceHost went on answering from its memory


def test_a_state_that_is_too_old_is_no_basis_for_a_start(bench: DeviceHostBench) -> None:
    bench.arm()
    program = bench.program(in_s=2.0)
    bench.load(program)
    bench.run(1.9)
    bench.device.mute = {"STATE"}
    bench.cuff._play.state_s = program.onset_s - STATE_AGE_S - 0.01
    bench.run(1.0)
    assert any("older than" in message for message in bench.refusals())
    assert bench.device.pressure_mmhg == 0.0


def test_answers_that_come_late_are_late_samples_and_not_lost(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.wire.late_s = 0.2
    bench.run(3.0)
    assert bench.faults() == []
    bench.wire.late_s = 0.0
    bench.run(1.0)
    assert_every_sample_is_stored_once(bench)


def test_answers_that_come_far_too_late_are_silence(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.wire.late_s = 0.8
    bench.run(1.5)
    assert bench.faults()[0] == "stale_samples"
    assert bench.device.pressure_mmhg < 15.0
    bench.wire.late_s = 0.0
    bench.run(2.0)
    assert_every_sample_is_stored_once(bench)


# -- the connection


def test_reads_of_a_few_bytes_make_no_difference(bench: DeviceHostBench) -> None:
    bench.wire.most_bytes = 61
    bench.inflate()
    bench.run(15.0)
    assert bench.faults() == []
    assert bench.notes("corrupt_frame") == []


def test_a_mute_host_is_stale_and_is_stopped_all_the_same(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.wire.mute = True
    bench.run(3.0)
    assert bench.faults()[0] == "stale_samples"
    assert bench.device.pressure_mmhg < 15.0  # it heard the stop, nobody can know


def test_a_host_that_disconnects_is_a_lost_link_and_the_program_still_ends(
    bench: DeviceHostBench,
) -> None:
    program = bench.inflate()
    bench.wire.cut = True
    bench.run(program.offset_s + 3.0 - bench.now_s)
    assert reasons(bench)[0] == ("link_lost", StopReason.CUFF_LINK_LOST)
    assert bench.device.pressure_mmhg < 1.0


def test_a_stop_that_is_swallowed_because_it_overlaps_is_sent_again(
    bench: DeviceHostBench,
) -> None:
    bench.inflate()
    bench.device.swallows = True
    asked_s = bench.now_s
    bench.vent()
    bench.run(1.5)
    assert bench.opened_s(asked_s) < asked_s + 0.3
    assert bench.device.pressure_mmhg < 15.0


@pytest.mark.parametrize("command", ["WAVEFORM", "START"])
def test_a_refused_command_is_a_refused_inflation(bench: DeviceHostBench, command: str) -> None:
    bench.arm()
    program = bench.program(in_s=2.0)
    bench.load(program)
    bench.run(0.02 if command == "WAVEFORM" else 1.95)
    bench.device.refuses = {command}
    bench.run(3.0)
    assert bench.device.pressure_mmhg == 0.0
    assert any("did not answer DeviceHost" in message for message in bench.refusals())


def test_a_port_that_somebody_closes_in_devicehost_is_found(bench: DeviceHostBench) -> None:
    bench.inflate()
    bench.device.port_open = False
    bench.run(1.5)
    assert bench.faults()


def test_another_client_that_takes_our_samples_is_noticed(bench: DeviceHostBench) -> None:
    bench.inflate()
    for _ in range(40):
        bench.device._kept = []
        bench.run(0.005)
    bench.run(0.5)
    assert bench.notes("samples_lost")
    assert bench.faults() == []


def test_while_it_waits_for_a_trigger_that_nobody_asked_for_it_is_a_fault(
    bench: DeviceHostBench,
) -> None:
    bench.arm()
    bench.device._go_to("STATE_PENDING")
    bench.run(1.0)
    assert bench.faults()[0] == "device_pending"
