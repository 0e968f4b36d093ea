"""Codes on their way to a recorder: real ports, an emulated recorder, and whoever sends never waits."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stuck_port import stuck_port

from hardware.clock import RealClock, VirtualClock, now_s
from hardware.errors import HardwareUnavailable, LinkLost
from hardware.markers.output import BACKLOG, STALE_S, MarkerOutput, Sent
from hardware.markers.wires import MarkerWire, ParallelPins, SerialBytes, SerialLine
from scc_task.emulated import EmulatorProcess

GENEROUS_S = 30.0


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline_s = time.monotonic() + GENEROUS_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"never: {what}"
        time.sleep(0.005)
    return found


def outcomes(output: MarkerOutput, count: int) -> list[Sent]:
    found: list[Sent] = []
    until(lambda: found.extend(output.taken()) or len(found) >= count, f"{count} outcomes")
    return found


class Recorder:
    """An emulated recorder in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "recorder.jsonl"
        self.process = EmulatorProcess("recorder", "--log", str(self.log), *arguments)

    def seen(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = Recorder(tmp_path)
    yield found
    found.process.close()


class HeldWire:
    """A wire that takes nothing until it is let go."""

    name = "held"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.came: list[int] = []
        self.closed = False
        self.when_put: Callable[[], None] = lambda: None

    def put(self, code: int) -> None:
        self.let_go.wait(GENEROUS_S)
        self.when_put()
        self.came.append(code)

    def rest(self) -> None:
        self.came.append(0)

    def close(self) -> None:
        self.closed = True


def test_each_code_reaches_the_recorder_when_the_journal_says_and_for_its_width(
    recorder: Recorder,
) -> None:
    wire = SerialBytes(recorder.process.port, baud=115200)
    output = MarkerOutput(wire, RealClock(), pulse_s=0.02)
    before_s = now_s()
    for tag, code in enumerate((3, 255, 1)):
        output.send(code, tag)
    sent = outcomes(output, 3)
    output.close()
    recorder.process.close()
    seen = recorder.seen()
    assert [line["code"] for line in seen] == [3, 255, 1]
    assert [s.tag for s in sent] == [0, 1, 2]
    for line, one in zip(seen, sent, strict=True):
        assert one.written_s is not None
        # the byte may be there before the writing thread looks at its clock again
        assert before_s <= line["time_s"] < one.written_s + GENEROUS_S
        assert line["width_ms"] is not None
    starts_s = [one.written_s or 0.0 for one in sent]
    assert all(b - a >= 0.04 for a, b in pairwise(starts_s))
    assert output.problem() is None


def test_a_box_that_ends_its_pulse_itself_gets_no_zero(recorder: Recorder) -> None:
    output = MarkerOutput(SerialBytes(recorder.process.port, baud=115200), RealClock(), pulse_s=0.0)
    output.send(7, 1)
    output.send(8, 2)
    outcomes(output, 2)
    output.close()
    recorder.process.close()
    assert [(line["code"], line["width_ms"]) for line in recorder.seen()] == [(7, None), (8, None)]


@pytest.mark.filterwarnings(  # pyserial 3.5: an old way to name a thread, sockets left to fall
    "ignore:set(Daemon|Name):DeprecationWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)
@pytest.mark.parametrize("line", ["rts", "dtr"])
def test_a_line_gives_one_pulse_for_each_marker(tmp_path: Path, line: Any) -> None:
    recorder = Recorder(tmp_path, "--lines")
    try:
        output = MarkerOutput(
            SerialLine(recorder.process.port, line=line), RealClock(), pulse_s=0.02
        )
        output.send(1, 1)
        output.send(1, 2)
        assert all(one.written_s is not None for one in outcomes(output, 2))
        until(lambda: len(recorder.seen()) == 2, "two pulses")
        output.close()
        assert [one["code"] for one in recorder.seen()] == [1, 1]
        assert all(one["width_ms"] is not None for one in recorder.seen())
    finally:
        recorder.process.close()


def test_a_code_stands_on_the_pins_and_they_are_low_afterwards(tmp_path: Path) -> None:
    register = tmp_path / "register"
    register.write_bytes(b"\xff")
    pins = ParallelPins(f"file:{register}")
    assert register.read_bytes() == b"\0"
    pins.put(130)
    assert register.read_bytes() == bytes([130])
    pins.rest()
    assert register.read_bytes() == b"\0"
    pins.put(1)
    pins.close()
    assert register.read_bytes() == b"\0"
    with pytest.raises(LinkLost):
        pins.put(2)


def test_a_parallel_port_that_is_not_there_is_explained() -> None:
    with pytest.raises(HardwareUnavailable) as caught:
        ParallelPins("/dev/parport97")
    assert caught.value.where == "/dev/parport97"


def test_whoever_sends_to_a_stuck_port_never_waits_and_no_more_than_a_few_codes_wait_for_it() -> (
    None
):
    wire = HeldWire()
    output = MarkerOutput(wire, VirtualClock(), pulse_s=0.0)
    for tag in range(BACKLOG + 20):
        output.send(1, tag)  # would hang here: nothing is taken off the wire
    refused = output.taken()
    assert 19 <= len(refused) <= 20  # the thread may hold one already
    assert all(one.written_s is None for one in refused)
    assert "wait already" in (output.problem() or "")
    wire.let_go.set()
    output.close()


def test_a_code_that_had_to_wait_too_long_is_left_out_and_said_to_be() -> None:
    wire, clock = HeldWire(), VirtualClock()
    wire.when_put = lambda: clock.sleep_until(clock.now_s() + STALE_S + 0.1)
    output = MarkerOutput(wire, clock, pulse_s=0.0)
    output.send(1, 1)
    output.send(2, 2)
    wire.let_go.set()
    first, second = outcomes(output, 2)
    output.close()
    assert first.written_s is not None
    assert second == Sent(2, None)
    assert wire.came == [1]
    assert wire.closed


def test_a_port_that_takes_no_byte_is_a_problem_and_no_exception() -> None:
    with stuck_port() as port:
        output = MarkerOutput(SerialBytes(port, baud=115200), RealClock(), pulse_s=0.01)
        output.send(1, 1)
        assert outcomes(output, 1) == [Sent(1, None)]
        assert output.problem()
        output.close()


def test_a_port_that_is_pulled_out_is_a_problem_and_no_exception(recorder: Recorder) -> None:
    output = MarkerOutput(
        SerialBytes(recorder.process.port, baud=115200), RealClock(), pulse_s=0.001
    )
    output.send(1, 1)
    assert outcomes(output, 1)[0].written_s is not None
    recorder.process.close()
    output.send(2, 2)
    output.send(3, 3)
    assert [one.written_s for one in outcomes(output, 2)] == [None, None]
    assert output.problem()
    output.close()


def test_whatever_a_wire_raises_the_next_code_is_tried() -> None:
    class Broken(HeldWire):
        def put(self, code: int) -> None:
            if code == 1:
                raise LinkLost("gone", where="here", do="nothing")
            super().put(code)

    wire: Any = Broken()
    wire.let_go.set()
    checked: MarkerWire = wire
    output = MarkerOutput(checked, VirtualClock(), pulse_s=0.0)
    output.send(1, 1)
    output.send(2, 2)
    first, second = outcomes(output, 2)
    output.close()
    assert first.written_s is None
    assert second.written_s is not None
    assert wire.came == [2]
