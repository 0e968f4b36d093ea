"""Scanner pulses over every wire a trigger may have, each from an emulated scanner of its own process."""

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.clock import RealClock
from hardware.errors import HardwareUnavailable
from hardware.lsl_clock import lsl_library
from hardware.triggers import PulseListener, TriggerAddress, open_trigger
from hardware.triggers.serial_byte import usb_latency_ms
from scc_task.emulated import EmulatorProcess

pytestmark = pytest.mark.filterwarnings(
    "ignore:set(Daemon|Name):DeprecationWarning"  # pyserial 3.5: an old way to name a thread
)
GENEROUS_S = 20.0
SAME = f"scc-test-same-{os.getpid()}"
STREAM = f"scc-test-pulses-{os.getpid()}"  # others may test on this machine at the same time
WAYS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "serial": ((), {"baud": 115200, "byte": "5"}),
    "serial, any byte": (("--byte", "0xff"), {"baud": 115200, "byte": "0xff"}),
    "modem_line": (("--line", "dcd"), {"line": "dcd", "edge": "rising"}),
    "modem_line falling": (
        ("--line", "ri", "--edge", "falling"),
        {"line": "ri", "edge": "falling"},
    ),
    "parallel": (("--pin", "10"), {"pin": 10, "edge": "rising"}),
    "parallel inverted": (
        ("--pin", "11", "--edge", "falling"),
        {"pin": 11, "edge": "falling"},
    ),
    "lsl": (("--stream", STREAM, "--marker", "volume"), {"marker": "volume"}),
}


class Scan:
    """An emulated scanner behind one kind of trigger, and a source that listens to it."""

    def __init__(self, log: Path, kind: str, *options: str, **address: object) -> None:
        self._log = log
        arguments = ("--trigger", kind, "--delay", "0.1", "--log", str(log), *options)
        self.scanner = EmulatorProcess("scanner", *arguments)
        self.source: PulseListener = open_trigger(
            TriggerAddress(kind=kind, port=self.scanner.port, **address),  # type: ignore[arg-type]
            RealClock(),
        )

    def heard(self, count: int) -> list[float]:
        """Start the sequence and return the pulses, once as many have come."""
        self.scanner.start()
        times: list[float] = []

        def enough() -> bool:
            times.extend(self.source.poll())
            return len(times) + sum(self.source.strangers().values()) >= count

        until(enough)
        return times

    def sent(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]

    def close(self) -> None:
        self.source.close()
        self.scanner.close()


@pytest.fixture
def scan(tmp_path: Path) -> Iterator[Callable[..., Scan]]:
    open_scans: list[Scan] = []

    def begin(kind: str, *options: str, **address: object) -> Scan:
        open_scans.append(Scan(tmp_path / "scanner.jsonl", kind, *options, **address))
        return open_scans[-1]

    yield begin
    for each in open_scans:
        each.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize("way", WAYS)
def test_every_pulse_is_heard_once_and_stamped_near_the_time_it_was_sent(
    way: str, scan: Callable[..., Scan]
) -> None:
    options, address = WAYS[way]
    run = scan(
        way.split()[0].rstrip(","),
        "--tr",
        "0.06",
        "--count",
        "12",
        "--pulse-ms",
        "30",
        *options,
        **address,
    )
    times = run.heard(12)
    sent = [float(str(line["time_s"])) for line in run.sent()]
    assert len(times) == len(sent) == 12
    assert times == sorted(times)
    # LSL compares clocks to within a millisecond, so its stamps may be early
    assert all(-0.002 < heard - was < 0.5 for heard, was in zip(times, sent, strict=True))
    assert run.source.strangers() == {}
    assert run.source.problem() is None
    stamps = run.source.stamps()
    assert stamps.made
    assert stamps.because
    assert stamps.uncertainty_ms > 0.0


def test_other_bytes_are_no_pulses_and_are_named(scan: Callable[..., Scan]) -> None:
    run = scan("serial", "--tr", "0.02", "--count", "20", "--byte", "x", baud=115200, byte="5")
    assert run.heard(20) == []
    assert run.source.strangers() == {"'x' (0x78)": 20}


def test_other_markers_are_no_pulses_and_are_named(scan: Callable[..., Scan]) -> None:
    run = scan("lsl", "--tr", "0.02", "--count", "5", "--stream", STREAM, marker="volume")
    assert run.heard(5) == []
    assert run.source.strangers() == {"'5'": 5}


@pytest.mark.parametrize("way", ["serial", "modem_line", "lsl"])
def test_a_source_that_goes_away_is_a_problem_and_no_exception(
    way: str, scan: Callable[..., Scan]
) -> None:
    options, address = WAYS[way]
    run = scan(way, *options, **address)
    assert run.source.problem() is None
    run.scanner.close()
    until(lambda: run.source.problem() is not None)
    assert run.source.poll() == []


@pytest.mark.parametrize(
    ("kind", "port", "address", "why"),
    [
        ("serial", "/dev/no-such-port", {"baud": 9600, "byte": "5"}, "cannot be opened"),
        ("modem_line", "/dev/no-such-port", {"line": "cts", "edge": "rising"}, "cannot be opened"),
        ("parallel", "/dev/no-such-port", {"pin": 10, "edge": "rising"}, "cannot be opened"),
        ("parallel", "/dev/no-such-port", {"edge": "rising"}, "needs 'pin'"),
        ("serial", "/dev/no-such-port", {}, "needs 'byte'"),
        ("lsl", "scanner", {}, "needs 'marker'"),
        ("modem_line", "/dev/no-such-port", {"line": "rts", "edge": "rising"}, "needs 'line'"),
    ],
)
def test_what_is_not_there_or_not_complete_is_said_plainly(
    kind: str, port: str, address: dict[str, object], why: str
) -> None:
    with pytest.raises(HardwareUnavailable, match=why):
        open_trigger(TriggerAddress(kind=kind, port=port, **address), RealClock())  # type: ignore[arg-type]


def test_a_stream_that_nobody_sends_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.triggers.lsl.RESOLVE_S", 0.2)
    with pytest.raises(HardwareUnavailable, match="nobody sends a stream"):
        open_trigger(TriggerAddress(kind="lsl", port="nobody", marker="5"), RealClock())


def test_of_several_streams_of_one_name_none_is_taken_unless_the_rig_says_which() -> None:
    lsl = lsl_library()
    name = f"scc-test-twice-{os.getpid()}"
    first, second = (
        lsl.StreamOutlet(lsl.StreamInfo(name, "Markers", 1, lsl.IRREGULAR_RATE, "string", box))
        for box in ("box-a", "box-b")
    )
    address = TriggerAddress(kind="lsl", port=name, marker="5")
    with pytest.raises(HardwareUnavailable, match="2 streams have the name") as refused:
        open_trigger(address, RealClock())
    for part in ("source_id 'box-a' on ", "source_id 'box-b' on ", "source_id: box-"):
        assert part in f"{refused.value.what} {refused.value.do}"
    source = open_trigger(dataclasses.replace(address, source_id="box-b"), RealClock())
    try:
        first.push_sample(["not this one"])
        second.push_sample(["5"])
        heard: list[float] = []
        until(lambda: bool(heard.extend(source.poll()) or heard))
        assert source.strangers() == {}
    finally:
        source.close()


def test_streams_that_nothing_tells_apart_are_refused() -> None:
    lsl = lsl_library()
    same = [
        lsl.StreamOutlet(lsl.StreamInfo(SAME, "Markers", 1, lsl.IRREGULAR_RATE, "string", "box"))
        for _ in range(2)
    ]
    with pytest.raises(HardwareUnavailable, match="2 streams have the name") as refused:
        open_trigger(
            TriggerAddress(kind="lsl", port=SAME, marker="5", source_id="box"),
            RealClock(),
        )
    assert "no source_id tells them apart" in str(refused.value.do)
    same.clear()


def test_a_port_without_lines_is_refused() -> None:
    scanner = EmulatorProcess("scanner")
    try:
        with pytest.raises(HardwareUnavailable, match="no lines that can be read"):
            open_trigger(
                TriggerAddress(kind="modem_line", port=scanner.port, line="cts", edge="rising"),
                RealClock(),
            )
    finally:
        scanner.close()


def test_the_latency_of_an_adapter_is_read_where_the_system_has_it(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").mkdir()
    (tmp_path / "ttyUSB0" / "latency_timer").write_text("4\n", "ascii")
    assert usb_latency_ms("/dev/ttyUSB0", tmp_path)[0] == 4.0
    assert usb_latency_ms("/dev/ttyUSB1", tmp_path)[0] == 16.0
    assert usb_latency_ms("COM4", tmp_path)[0] == 16.0
    assert usb_latency_ms("/dev/ttyS0", tmp_path)[0] == 0.0
