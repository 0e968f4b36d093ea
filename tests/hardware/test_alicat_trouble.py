"""The pressure controller, its front panel and its wire in trouble: found, said, and vented."""

import random

import pytest
from alicat_bench import AlicatBench

from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.readings import FaultReport
from hardware.states import StopReason


@pytest.fixture
def bench() -> AlicatBench:
    return AlicatBench()


# -- what the device says by itself


def test_every_change_of_the_status_words_is_noted_and_none_is_dropped(bench: AlicatBench) -> None:
    bench.inflate()
    bench.device.extra_flags = ("LCK", "TOV")
    bench.run(0.2)
    assert bench.notes("device_flags") == ["EXH LCK", "LCK", "LCK TOV"]
    assert bench.faults() == []


@pytest.mark.parametrize("flag", ["OVR", "POV", "OPL", "ADC"])
def test_a_sensor_that_cannot_be_believed_vents(bench: AlicatBench, flag: str) -> None:
    bench.inflate()
    bench.device.extra_flags = (flag,)
    bench.run(3.0)
    assert bench.faults() == [f"device_{flag.lower()}"]
    assert bench.device.pressure_mmhg < 1.0


def test_valves_that_are_held_vent(bench: AlicatBench) -> None:
    bench.inflate()
    bench.device.at_panel(table.HOLD_CLOSED)
    bench.run(3.0)
    assert bench.faults() == ["device_hld"]
    assert bench.device.pressure_mmhg < 1.0


@pytest.mark.parametrize(
    ("typed", "code"), [(b"E", "device_exhaust"), (b"S100.0", "device_setpoint")]
)
def test_somebody_at_the_panel_during_an_inflation_vents(
    bench: AlicatBench, typed: bytes, code: str
) -> None:
    bench.inflate()
    bench.device.at_panel(typed)
    bench.run(3.0)
    assert bench.faults() == [code]
    assert bench.device.pressure_mmhg < 1.0


def test_an_exhaust_that_somebody_closes_is_opened_again(bench: AlicatBench) -> None:
    bench.arm()
    bench.device.at_panel(b"C")
    bench.run(1.0)
    assert bench.faults() == ["device_left_exhaust"]
    assert bench.valve[-1][1] == "valve open" or bench.device.state == "idle"


def test_a_device_that_restarts_behind_its_open_exhaust_is_found(bench: AlicatBench) -> None:
    bench.arm()
    bench.device.restart()
    bench.run(1.0)
    assert bench.faults() == ["device_left_exhaust"]
    assert bench.device.state == "idle"


def test_a_device_that_restarts_under_pressure_is_vented_at_the_end_all_the_same(
    bench: AlicatBench,
) -> None:
    bench.arm()
    bench.load(bench.program(on_s=8.0))
    bench.run(4.0)
    bench.device.restart()
    bench.run(10.0)
    assert bench.device.pressure_mmhg < 1.0
    assert bench.commands() == ["arm", "go", "end"]


def test_one_line_that_contradicts_all_others_is_noise(bench: AlicatBench) -> None:
    bench.inflate()
    once = [True]

    def changed(data: bytes) -> bytes:
        if b"+0140.0" in data and once:
            once.clear()
            return data.replace(b"+0140.0", b"+0150.0")
        return data

    bench.wire.changed = changed
    bench.run(2.0)
    assert not once
    assert bench.faults() == []


# -- the wire


def test_lost_answers_are_asked_for_again(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.mute = True
    bench.run(0.3)
    bench.wire.mute = False
    bench.run(1.0)
    assert bench.notes("no_answer")
    assert bench.faults() == []


def test_damaged_lines_are_noted_and_are_no_samples(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.changed = lambda data: data.replace(b"+", b"\xab")
    bench.reports.clear()
    bench.run(0.4)
    assert bench.samples() == []
    assert bench.notes("corrupt_frame")
    bench.run(2.0)
    assert bench.faults() == ["stale_samples"]


def test_a_mute_device_is_stale_and_is_vented_all_the_same(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.mute = True
    bench.run(4.0)
    (fault,) = (r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.code == "stale_samples"
    assert "disconnect the hose" in fault.do
    assert bench.device.pressure_mmhg < 1.0  # it heard the exhaust, nobody can know


def test_a_deaf_device_keeps_its_pressure_and_that_is_said(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.deaf = True
    bench.run(12.0)
    assert bench.faults() == ["stale_samples", "vent_failed"]
    assert bench.device.pressure_mmhg > 100.0
    assert not any(vent.confirmed for vent in bench.vents())


def test_a_cut_wire_is_a_lost_link_and_never_an_exception(bench: AlicatBench) -> None:
    bench.inflate()
    bench.wire.cut = True
    bench.run(1.0)
    (fault,) = (r for r in bench.reports if isinstance(r, FaultReport))
    assert fault.reason is StopReason.CUFF_LINK_LOST
    bench.wire.cut = False
    bench.run(0.5)
    assert bench.device.state in ("venting", "idle")


def test_a_frozen_reading_shows_only_against_what_was_asked(bench: AlicatBench) -> None:
    bench.arm()
    last = bench.samples()[-1]
    frozen = f"{last.measured_mmhg:+07.1f}".encode()

    def changed(data: bytes) -> bytes:
        words = data.split(b" ")
        return b" ".join([words[0], frozen, *words[2:]]) if len(words) > 2 else data

    bench.wire.changed = changed
    bench.load(bench.program(on_s=15.0))
    bench.run(11.0)
    assert bench.faults()[0] == "no_rise"
    assert bench.device.pressure_mmhg < 15.0


@pytest.mark.parametrize("seed", range(12))
def test_on_a_noisy_wire_no_pressure_is_above_the_asked_and_every_vent_arrives(seed: int) -> None:
    source = random.Random(seed)

    def noisy(data: bytes) -> bytes:
        if source.random() < 0.1:
            return b""
        return bytes(b ^ (1 << source.randrange(8)) if source.random() < 0.02 else b for b in data)

    bench = AlicatBench()
    bench.arm()
    bench.wire.changed = bench.wire.garbled = noisy
    bench.load(bench.program(on_s=10.0))
    for _ in range(150):
        bench.run(0.1)
        assert bench.device.pressure_mmhg <= 140.0 * 1.05
    bench.vent()
    bench.run(12.0)
    assert bench.device.pressure_mmhg < 1.0


def test_the_decoder_of_the_driver_is_the_one_of_the_device(bench: AlicatBench) -> None:
    lines = [alicat.encode_frame(bench.device.frame)]
    decoder = alicat.ReplyDecoder("A")
    rows = tuple(r for r in decoder.receive(b"".join(*lines)) if isinstance(r, alicat.TableLine))
    assert alicat.frame_of("A", rows) == bench.device.frame
