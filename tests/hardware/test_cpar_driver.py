"""The CPAR's driver: who is there, inflations, arming and starting."""

import ast
from pathlib import Path
from typing import Literal

import pytest
from cpar_bench import CparBench

from hardware.clock import VirtualClock
from hardware.codec import cpar
from hardware.codec.cpar_messages import (
    DeviceIdentity,
    Request,
    SetProgram,
    mmhg_from_counts,
)
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.cuff import CuffDriver
from hardware.drivers.cpar import CEILING_MMHG, CparCuff
from hardware.errors import HardwareUnavailable
from hardware.readings import (
    CommandReport,
    Sample,
)
from hardware.states import CuffState
from hardware.supervisor import Arm


@pytest.fixture
def bench() -> CparBench:
    return CparBench()


class Voice:
    """Something at the end of the wire that says what it is told to."""

    name = "COM9"

    def __init__(self, status_bytes: int | None, identity: bytes | None, clock: VirtualClock):
        self.clock, self.identity = clock, identity
        self.status = None if status_bytes is None else bytes((0, 0x17)) + bytes(status_bytes - 2)
        self.written = b""
        self._said = b""

    def write(self, data: bytes) -> None:
        self.written += data
        if self.identity is not None:
            self._said += cpar.frame(cpar.packet(1, self.identity))

    def read(self, *, wait_s: float) -> bytes:
        self.clock.sleep_until(self.clock.now_s() + wait_s)
        said, self._said = self._said, b""
        return said + (cpar.frame(cpar.packet(0x80, self.status)) if self.status else b"")

    def close(self) -> None:
        pass


def long_identity(maker: int, device_type: int) -> bytes:
    who = DeviceIdentity(
        length=64,
        manufacturer=maker,
        device_type=device_type,
        serial_number=5,
        version=(8, 0, 0),
        engineering=0,
        checksum=1,
        manufacturer_name="Nocitech",
        device_name="CPAR",
    )
    return cpar.encode_reply(who, CommandMap.C)[4:-2]


SHORT = bytes((1, 6, 0, 0xA5, 12, 0))
IDENTIFY = bytes.fromhex("fff10100fff2")


@pytest.mark.parametrize(
    ("status_bytes", "identity", "allow_map_a", "words"),
    [
        (14, long_identity(3, 1), True, "map B"),
        (22, long_identity(1, 4), True, "another device"),
        (15, long_identity(1, 4), True, "another device"),
        (14, SHORT, False, "map A"),
        (14, bytes((2, 6, 0, 0xA5, 12, 0)), True, "not a CPAR that this program knows"),
        (15, long_identity(3, 2), True, "manufacturer 3, device type 2"),
        (15, long_identity(7, 1), True, "manufacturer 7, device type 1"),
        (15, SHORT, True, "status of 15 bytes, identity of 6 bytes"),
        (18, long_identity(3, 1), True, "status of 18 bytes"),
        (15, None, True, "no identity"),
        (None, long_identity(3, 1), True, "not one byte came"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_told_more_than_the_harmless_question(
    status_bytes: int | None, identity: bytes | None, allow_map_a: bool, words: str
) -> None:
    clock = VirtualClock()
    voice = Voice(status_bytes, identity, clock)
    cuff = CparCuff(voice, clock, allow_map_a=allow_map_a)
    with pytest.raises(HardwareUnavailable, match=words):
        cuff.identify()
    cuff.vent()  # the code that stops one kind starts another: nothing goes out
    assert voice.written.replace(IDENTIFY, b"") == b""
    if status_bytes is None:
        assert voice.written == b""


def test_it_listens_before_it_asks_and_stops_before_anything_else(bench: CparBench) -> None:
    assert bench.wire.asked[0][0] > 1000.0
    assert [r for _, r in bench.wire.asked[:2]] == [Request(Verb.IDENTIFY), Request(Verb.STOP)]
    assert bench.identity.protocol == "CPAR/C"
    assert bench.identity.simulated
    assert bench.identity.ceiling_mmhg == CEILING_MMHG


def test_another_identity_can_be_accepted_by_name() -> None:
    clock = VirtualClock()
    cuff = CparCuff(Voice(15, long_identity(9, 9), clock), clock, accepted_identity=(9, 9))
    assert cuff.identify().serial_number == "5"


def test_it_is_a_cuff_driver(bench: CparBench) -> None:
    driver: CuffDriver = bench.cuff
    assert driver.capabilities.finite_programs


# -- inflations


@pytest.mark.parametrize("map_", ["C", "A"])
def test_an_inflation_starts_and_ends_at_its_absolute_times(map_: Literal["A", "C"]) -> None:
    bench = CparBench(map_=map_)
    bench.arm()
    program = bench.program(on_s=15.0)
    bench.load(program)
    bench.run(20.0)
    assert bench.moves() == [
        (pytest.approx(program.onset_s, abs=0.006), "valve closed"),
        # the device's own program may end it up to one tick of 50 ms before our stop does
        (pytest.approx(program.offset_s - 0.025, abs=0.031), "valve open"),
    ]
    assert bench.commands() == ["arm", "prepare", "go", "end"]
    assert bench.faults() == []
    assert bench.vents()[-1].confirmed


def test_every_start_comes_with_truthful_evidence(bench: CparBench) -> None:
    program = bench.inflate()
    go = next(r for r in bench.of(CommandReport) if r.command == "go")
    assert go.commanded_mmhg == 140.0
    assert go.acknowledged_mmhg is not None
    assert 140.0 - 0.0115 < go.acknowledged_mmhg <= 140.0
    assert go.sent_s == pytest.approx(program.onset_s, abs=0.006)
    assert go.acknowledged_s is not None
    assert go.sent_s <= go.acknowledged_s < go.sent_s + 0.05


def test_a_long_hold_is_no_reason_to_vent(bench: CparBench) -> None:
    bench.arm()
    program = bench.program(on_s=85.0, target_mmhg=199.0)
    bench.load(program)
    bench.run(92.0)
    assert bench.faults() == []
    assert bench.commands() == ["arm", "prepare", "go", "end"]


def test_samples_say_where_the_cuff_is(bench: CparBench) -> None:
    bench.inflate()
    bench.run(20.0)
    states = [s.state for s in bench.of(Sample)]
    order = [s for s, before in zip(states, [None, *states], strict=False) if s is not before]
    assert order == [
        CuffState.IDLE,
        CuffState.ARMED,
        CuffState.INFLATING,
        CuffState.HOLD,
        CuffState.VENTING,
        CuffState.ARMED,
    ]
    held = [s for s in bench.of(Sample) if s.state is CuffState.HOLD]
    assert {s.commanded_mmhg for s in held} == {mmhg_from_counts(47)}
    assert all(s.second_mmhg == 0.0 for s in held)
    ticks = [s.device_ms for s in bench.of(Sample)]
    assert ticks == list(range(50, 50 * len(ticks) + 50, 50))


def test_both_channels_are_loaded_with_equally_long_programs_that_end_at_zero(
    bench: CparBench,
) -> None:
    bench.inflate()
    loads = [r for _, r in bench.wire.asked if isinstance(r, SetProgram)]
    assert [r.channel for r in loads] == [0, 1, 0, 1]
    for r in loads:
        assert r.instructions
        assert r.instructions[-1].argument == 0
    first, second = loads[2:]
    assert (
        [i.ticks for i in first.instructions] == [300, 1] == [i.ticks for i in second.instructions]
    )
    assert {i.argument for i in second.instructions} == {0}
    assert first.instructions[0].argument == int(140 / 7.500617 * 652.8)


def test_two_inflations_follow_each_other_and_each_is_loaded_anew(bench: CparBench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0, number=1))
    bench.run(4.0)
    bench.load(bench.program(in_s=34.0, on_s=5.0, number=2))  # while the first one runs
    bench.run(45.0)
    assert bench.commands() == ["arm", "prepare", "go", "end", "prepare", "go", "end"]
    assert bench.faults() == []
    running = False
    for _, what in sorted(
        [*bench.valve, *((t, "load") for t, r in bench.wire.asked if isinstance(r, SetProgram))]
    ):
        running = what == "state stimulating" if what.startswith("state") else running
        assert not (running and what == "load")


def test_the_stop_condition_of_the_last_run_is_not_taken_for_this_one(bench: CparBench) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0))
    bench.run(8.0)
    assert bench.faults() == []  # "host stop" is still shown, long after the end
    bench.load(bench.program(in_s=33.0, on_s=5.0, number=2))
    bench.run(36.0)
    assert bench.device.state == "stimulating"
    assert bench.faults() == []


def test_a_status_of_the_last_run_behind_the_acknowledgement_is_not_believed(
    bench: CparBench,
) -> None:
    bench.arm()
    bench.load(bench.program(on_s=5.0))
    bench.run(8.0)
    second = bench.program(in_s=33.01, on_s=5.0, number=2)
    bench.load(second)
    bench.run(second.onset_s - bench.now_s + 0.006)
    run = bench.cuff._run
    assert run is not None
    assert run.acknowledged_s is not None
    assert not run.seen
    stale = bytes.fromhex("800F 0017 0000 07 00 00 B2 0000 0000 2F00 00")  # idle, host's stop
    bench.wire._held.append((0.0, cpar.frame(stale)))
    bench.run(2.0)
    assert bench.notes().count("corrupt_frame") == 0
    assert bench.faults() == []
    assert bench.commands()[-1] == "go"


def test_a_vent_stops_at_once_disarms_and_leaves_nothing_queued(bench: CparBench) -> None:
    bench.inflate()
    asked_s = bench.now_s
    bench.vent()
    bench.run(3.0)
    assert bench.opened_s() == pytest.approx(asked_s, abs=0.006)
    assert bench.device.pressure_mmhg < 1.0
    assert bench.vents()[-1].confirmed
    last = [r for t, r in bench.wire.asked if t >= asked_s]
    assert set(last) == {Request(Verb.STOP)}


def test_a_vent_overtakes_a_start_that_waits(bench: CparBench) -> None:
    bench.arm()
    program = bench.program()
    bench.load(program)
    bench.run(0.95)
    bench.vent()
    bench.run(3.0)
    assert bench.starts() == []


def test_what_was_loaded_starts_once_also_after_its_end(bench: CparBench) -> None:
    program = bench.inflate()
    bench.run(30.0)
    bench.cuff.inflate(program)
    bench.run(0.5)
    assert len(bench.starts()) == 1


def test_a_cuff_with_pressure_in_it_does_not_arm(bench: CparBench) -> None:
    plant = bench.device._outlets[0].plant
    plant.pressure_mmhg, plant.trouble.valve_stuck = 19.0, True  # less than the interlock minds
    bench.run(0.1)
    bench.arm()
    assert "still holds" in bench.refusals()[0]


def test_no_kick_stands_in_the_way_of_a_start(bench: CparBench) -> None:
    for _ in range(4):
        bench.supervisor.handle(Arm(), bench.now_s)
        bench.run(0.3)
        bench.load(bench.program(in_s=0.63, on_s=1.0))
        bench.run(1.0)
        kicks = [t for t, r in bench.wire.asked if r == Request(Verb.KICK)]
        assert not any(-0.15 < t - bench.starts()[-1] < 0.0 for t in kicks)
        bench.run(33.27)


def test_an_old_status_is_no_basis_for_a_start(bench: CparBench) -> None:
    bench.arm()
    program = bench.program()
    bench.cuff.prepare(program)
    bench.run(0.5)
    bench.clock.sleep_until(bench.now_s + 0.2)
    bench.cuff.inflate(program)
    assert bench.starts() == []


def test_no_driver_names_the_forced_start() -> None:
    for path in Path(cpar.__file__).parents[1].glob("drivers/cpar*.py"):
        names = {
            n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)
        }
        assert "FORCE_START" not in names
        assert "force=" not in path.read_text()
