"""The CPAR's driver in trouble: silence, refusals, late answers, damage, deaths."""

import itertools

import pytest
from cpar_bench import CparBench

from hardware.codec import cpar
from hardware.codec.cpar_messages import (
    Counter,
    Done,
    Negative,
    Reply,
    Request,
    SetProgram,
    Start,
    mmhg_from_counts,
)
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.drivers.cpar_dialogue import CparDialogue, Outcome, Stray
from hardware.drivers.cpar_reports import Kicks
from hardware.readings import (
    FaultReport,
    Sample,
)
from hardware.sim.cpar import WATCHDOG_MS
from hardware.states import CuffState, StopReason


@pytest.fixture
def bench() -> CparBench:
    return CparBench()


# -- a device that vents by itself


def test_a_silent_task_loses_its_pressure_after_the_patience(bench: CparBench) -> None:
    bench.inflate()
    silent_s = bench.now_s
    bench.alive = False
    bench.run(2.0)
    assert bench.faults() == ["task_silent"]
    assert 0.4 < bench.opened_s() - silent_s < 0.6


def test_without_us_the_device_vents_by_itself(bench: CparBench) -> None:
    bench.inflate()
    dead_s = bench.now_s
    bench.device.advance(dead_s + 10.0)  # nobody writes to it any more
    assert bench.opened_s() - dead_s <= WATCHDOG_MS / 1000 + 0.01
    assert bench.device.pressure_mmhg < 1.0


def test_a_deaf_wire_is_vented_by_the_device_itself(bench: CparBench) -> None:
    bench.inflate()
    bench.wire.deaf = True
    deaf_s = bench.now_s
    bench.run(6.0)
    assert bench.faults()[0] == "device_silent"
    assert bench.opened_s() - deaf_s <= WATCHDOG_MS / 1000 + 0.01
    assert bench.device.pressure_mmhg < 1.0


def test_a_cut_wire_is_a_lost_link_and_never_an_exception(bench: CparBench) -> None:
    bench.inflate()
    bench.wire.cut = True
    bench.run(1.0)
    (fault,) = bench.of(FaultReport)
    assert fault.reason is StopReason.CUFF_LINK_LOST


def test_the_heart_is_heard_twice_a_second_and_only_while_armed(bench: CparBench) -> None:
    bench.run(3.0)
    assert Request(Verb.KICK) not in [r for _, r in bench.wire.asked]
    bench.arm()
    bench.run(10.0)
    kicks = [t for t, r in bench.wire.asked if r == Request(Verb.KICK)]
    gaps = [b - a for a, b in itertools.pairwise(kicks)]
    assert min(gaps) >= 0.5
    assert max(gaps) <= 0.7


# -- a device that is not well


def test_a_frozen_device_that_repeats_itself_is_noticed(bench: CparBench) -> None:
    bench.inflate()
    frozen_s = bench.now_s
    bench.device.frozen = True
    bench.run(3.0)
    fault = bench.of(FaultReport)[0]
    assert fault.code == "device_silent"
    assert fault.time_s - frozen_s <= 2.1


def test_a_silent_device_is_stale(bench: CparBench) -> None:
    bench.inflate()
    bench.wire.hold_s = 1e9
    bench.device.advance = lambda now_s: b""  # type: ignore[method-assign]
    bench.run(1.0)
    assert bench.faults()[0] == "stale_samples"


def test_the_emergency_button_is_a_fault_and_vents(bench: CparBench) -> None:
    bench.inflate()
    pressed_s = bench.now_s
    bench.device.emergency = True
    bench.run(3.0)
    assert bench.faults()[0] == "device_emergency"
    assert bench.opened_s() - pressed_s < 0.02
    assert bench.of(Sample)[-1].state is CuffState.FAULT


def test_the_participants_button_is_the_participants_stop(bench: CparBench) -> None:
    bench.inflate()
    bench.device.button_down = True
    bench.run(1.0)
    fault = bench.of(FaultReport)[0]
    assert fault.reason is StopReason.PARTICIPANT
    assert bench.device.state == "idle"


def test_on_map_a_the_button_is_known_by_the_stop_condition() -> None:
    bench = CparBench(map_="A")
    bench.inflate()
    bench.device.button_down = True
    bench.run(1.0)
    fault = bench.of(FaultReport)[0]
    assert (fault.code, fault.reason) == ("device_button", StopReason.PARTICIPANT)


@pytest.mark.parametrize(
    ("flag", "code"),
    [("meter_connected", "device_stop_meter_disconnected"), ("power_on", "device_stop_power_off")],
)
def test_an_unexpected_end_is_a_fault(bench: CparBench, flag: str, code: str) -> None:
    bench.inflate()
    setattr(bench.device, flag, False)
    bench.run(1.0)
    assert bench.faults()[0] == code


def test_a_device_that_restarts_is_a_fault(bench: CparBench) -> None:
    bench.arm()
    bench.run(5.0)
    bench.device.restart()
    bench.run(1.0)
    assert bench.faults() == ["device_restarted"]


def test_air_at_the_other_outlet_is_a_fault(bench: CparBench) -> None:
    bench.device.crossed = True
    bench.arm()
    bench.load(bench.program())
    bench.run(3.0)
    assert bench.faults()[0] in ("device_wrong_target", "device_wrong_outlet")
    assert bench.device.state == "idle"


# -- arming and starting


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("emergency", True, "emergency button"),
        ("meter_connected", False, "meter is not connected"),
        ("power_on", False, "12 V"),
        ("rating", 3, "rating is not at zero"),
        ("compressor_on", True, "compressor is running"),
    ],
)
def test_a_device_that_can_not_start_does_not_arm(
    bench: CparBench, name: str, value: object, words: str
) -> None:
    setattr(bench.device, name, value)
    bench.arm()
    assert words in " ".join(bench.refusals()) or "device_emergency" in bench.faults()
    assert "arm" not in bench.commands()


@pytest.mark.parametrize("when", ["arm", "prepare"])
def test_another_checksum_is_refused_and_nothing_starts(bench: CparBench, when: str) -> None:
    bench.device.wrong_crc = when == "arm"
    bench.arm()
    bench.device.wrong_crc = True
    bench.load(bench.program())
    bench.run(3.0)
    assert bench.refusals()[0].startswith(f"{when}: the CPAR has another program")
    assert bench.starts() == []


def test_what_was_not_loaded_is_not_started(bench: CparBench) -> None:
    bench.arm()
    bench.cuff.prepare(bench.program(number=1))
    bench.run(0.3)
    bench.cuff.inflate(bench.program(number=2))
    bench.run(1.0)
    assert bench.starts() == []
    assert "not loaded" in bench.refusals()[0]


def test_nothing_starts_twice(bench: CparBench) -> None:
    bench.arm()
    program = bench.program()
    bench.cuff.prepare(program)
    bench.run(0.9)
    assert bench.supervisor._interlock.inflate(program, program.onset_s) is None
    for _ in range(3):
        bench.cuff.inflate(program)
    bench.run(0.1)
    assert len(bench.starts()) == 1


def test_a_start_that_is_not_answered_is_stopped_and_never_repeated(bench: CparBench) -> None:
    bench.arm()
    bench.load(bench.program())
    bench.run(0.5)
    bench.device.mute = {Verb.START}
    bench.run(5.0)
    assert len(bench.starts()) == 1
    assert bench.faults() == ["go_refused"]
    assert bench.device.state == "idle"
    assert bench.device.pressure_mmhg < 15.0


def test_a_start_that_no_status_confirms_is_refused(bench: CparBench) -> None:
    bench.arm()
    bench.load(bench.program())
    bench.device.deaf_to = {Verb.START}
    bench.run(3.0)
    assert "no status message says that it runs" in bench.refusals()[0]
    assert "go" not in bench.commands()


def test_a_late_answer_is_not_taken_for_the_next_one(bench: CparBench) -> None:
    bench.arm()
    bench.run(0.3)
    bench.wire.hold_s = 0.7  # the answer to a kick comes 200 ms after its time is over
    bench.run(0.9)
    bench.wire.hold_s = 0.0
    bench.run(3.0)
    assert "kick_failed" in bench.notes()
    assert "late_answer" in bench.notes()
    assert bench.faults() == []


def test_a_device_that_ignores_its_stop_is_vented_again_and_again(bench: CparBench) -> None:
    bench.inflate()
    bench.device.deaf_to = {Verb.STOP}
    asked_s = bench.now_s
    bench.vent()
    bench.run(1.5)
    stops = [t for t, r in bench.wire.asked if t >= asked_s and r == Request(Verb.STOP)]
    assert len(stops) >= 5
    assert bench.faults() == ["vent_disobeyed"]  # the interlock sees it before the driver does


def test_a_stop_is_understood_behind_a_frame_that_lost_its_end(bench: CparBench) -> None:
    bench.inflate()
    bench.device.receive(bytes.fromhex("fff10200ff"))  # the last byte of a kick was lost
    bench.vent()
    assert bench.moves()[-1] == (pytest.approx(bench.now_s, abs=0.006), "valve open")


def test_damaged_bytes_are_noted_and_no_number(bench: CparBench) -> None:
    before = len(bench.of(Sample))
    bench.wire._held.append((0.0, bytes.fromhex("fff1800f0900")))
    bench.run(0.04)
    bench.run(0.2)
    assert "corrupt_frame" in bench.notes()
    assert {s.measured_mmhg for s in bench.of(Sample)[before:]} <= {0.0, mmhg_from_counts(1)}


@pytest.mark.parametrize("target_mmhg", [float("nan"), -1.0, 0.0, 300.1, 1e9])
def test_the_driver_itself_refuses_a_pressure_outside_its_limits(
    bench: CparBench, target_mmhg: float
) -> None:
    bench.arm()
    bench.cuff.prepare(bench.program(target_mmhg=target_mmhg))
    bench.run(0.5)
    assert "outside the limits" in bench.refusals()[0]
    assert len([r for _, r in bench.wire.asked if isinstance(r, SetProgram)]) == 2  # of arming


@pytest.mark.parametrize("on_s", [float("nan"), float("inf"), 0.0, -5.0, 0.04, 599.5])
def test_the_driver_itself_refuses_an_impossible_length(bench: CparBench, on_s: float) -> None:
    bench.arm()
    bench.cuff.prepare(bench.program(on_s=on_s))
    bench.run(0.5)
    assert "outside the limits" in bench.refusals()[0]


def test_an_end_that_is_not_answered_is_repeated_and_then_vented(bench: CparBench) -> None:
    program = bench.inflate()
    bench.device.mute = {Verb.STOP}
    bench.run(program.offset_s - bench.now_s + 0.6)
    stops = [t for t, r in bench.wire.asked if r == Request(Verb.STOP) and t >= program.offset_s]
    assert len(stops) >= 5
    assert any(text.startswith("end: the CPAR did not answer") for text in bench.refusals())
    assert "vent" in bench.commands()
    bench.run(3.0)
    assert bench.device.pressure_mmhg < 1.0


def test_a_start_that_finds_the_wire_taken_is_not_sent_late(bench: CparBench) -> None:
    bench.arm()
    program = bench.program(in_s=2.0)
    bench.load(program)
    bench.run(1.5)
    bench.device.mute = {Verb.KICK}
    bench.cuff._talk.submit(Request(Verb.KICK))
    bench.run(3.0)
    assert bench.starts() == []
    assert bench.faults()[0] == "go_refused"
    assert "nothing was sent" in bench.refusals()[0]


def test_a_compressor_that_refills_at_the_onset_refuses_the_start(bench: CparBench) -> None:
    bench.arm()
    bench.load(bench.program())
    bench.run(0.5)
    bench.device.compressor_on = True
    bench.run(1.0)
    assert "compressor is running" in bench.refusals()[0]
    assert bench.starts() == []


def test_the_button_between_inflations_is_a_stop_too(bench: CparBench) -> None:
    bench.arm()
    bench.device.button_down = True
    bench.run(0.3)
    assert [f.reason for f in bench.of(FaultReport)] == [StopReason.PARTICIPANT]


def test_lost_status_messages_are_noted_and_time_goes_on(bench: CparBench) -> None:
    before = bench.of(Sample)[-1]
    bench.clock.sleep_until(bench.now_s + 0.4)
    bench.device.advance(bench.now_s)  # said, and heard by nobody
    bench.run(0.2)
    after = bench.of(Sample)[-1]
    assert "samples_lost" in bench.notes()
    gone_s = after.arrival_s - before.arrival_s
    assert after.device_ms - before.device_ms == pytest.approx(gone_s * 1000, abs=55)
    assert after.counter - before.counter < 8


# -- the conversation alone


def spoken(dialogue: CparDialogue, reply: Reply, now_s: float) -> list[object]:
    return list(dialogue.receive(cpar.encode_reply(reply, CommandMap.C), now_s))


def test_a_refusal_that_may_be_another_ones_is_not_taken_for_the_stops() -> None:
    dialogue = CparDialogue(CommandMap.C)
    dialogue.submit(Start(1, 0))
    dialogue.outgoing(0.0)
    assert dialogue.stop(0.01) == bytes.fromhex("00fff11300fff2")
    assert spoken(dialogue, Negative(3), 0.02) == [Stray(Negative(3))]
    (outcome,) = spoken(dialogue, Done(Verb.STOP), 0.03)
    assert isinstance(outcome, Outcome)
    assert outcome.answer == Done(Verb.STOP)


def test_after_a_silence_only_a_stop_goes_out_for_a_while() -> None:
    dialogue = CparDialogue(CommandMap.C)
    dialogue.submit(Request(Verb.KICK))
    dialogue.outgoing(0.0)
    assert dialogue.outgoing(0.4) == (b"", None)
    _, outcome = dialogue.outgoing(0.5)
    assert outcome is not None
    assert outcome.answer is None
    dialogue.submit(Request(Verb.KICK))
    assert dialogue.outgoing(0.9) == (b"", None)
    assert spoken(dialogue, Counter(7), 0.95) == [Stray(Counter(7))]
    assert dialogue.outgoing(1.0)[0] != b""
    dialogue.submit(Start(1, 0))
    assert dialogue.stop(1.01).endswith(bytes.fromhex("1300fff2"))
    assert spoken(dialogue, Done(Verb.STOP), 1.02)
    assert dialogue.outgoing(9.0) == (b"", None)  # the start was forgotten


def kicked(*counts: int) -> list[str]:
    kicks = Kicks()
    kick = Request(Verb.KICK)
    outcomes = [Outcome(kick, None, None, 0.0, 0.1, Counter(count)) for count in counts]
    found = [report for outcome in outcomes for report in kicks.take(outcome)]
    return [report.code for report in found if isinstance(report, FaultReport)]


def test_the_counter_may_wrap_but_neither_stand_nor_fall() -> None:
    assert kicked(1, 2, 9) == []
    assert kicked(2**32 - 1, 0, 1) == []
    assert kicked(5, 5) == ["device_frozen"]
    assert kicked(500, 1) == ["device_restarted"]
