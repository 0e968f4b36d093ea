"""The driver of a CPAR+ over a real TCP connection to a served DeviceHost."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.clock import RealClock
from hardware.drivers.devicehost import DeviceHostCuff
from hardware.errors import HardwareUnavailable, LinkLost
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import Program, Sample
from hardware.registry import CuffAddress, build_driver
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from hardware.transport import SerialTransport
from scc_task.emulated import EmulatorProcess

GENEROUS_S = 20.0


@pytest.fixture
def server() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("devicehost")
    yield process
    process.close()


def connect(server: EmulatorProcess) -> DeviceHostCuff:
    cuff = DeviceHostCuff(SerialTransport(server.port, baud=1), RealClock(), device_port="COM8")
    assert cuff.identify().simulated
    return cuff


def poll_for(cuff: DeviceHostCuff, for_s: float) -> None:
    deadline_s = time.monotonic() + for_s
    while time.monotonic() < deadline_s:
        list(cuff.poll())


def test_samples_come_and_a_second_connection_takes_over_what_the_first_left_open(
    server: EmulatorProcess,
) -> None:
    for _ in range(2):
        cuff, samples, deadline_s = connect(server), 0, time.monotonic() + GENEROUS_S
        while samples < 10 and time.monotonic() < deadline_s:
            samples += sum(isinstance(report, Sample) for report in cuff.poll())
            time.sleep(0.005)
        cuff.close()
        assert samples >= 10


# pyserial leaves the closing of a socket whose other end is gone to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_disconnects_is_a_lost_link(server: EmulatorProcess) -> None:
    cuff = connect(server)
    server.close()
    with pytest.raises(LinkLost):
        poll_for(cuff, GENEROUS_S)
    cuff.close()


def test_without_the_name_of_the_devices_port_there_is_no_driver(server: EmulatorProcess) -> None:
    address = CuffAddress(driver="devicehost", port=server.port, baud=115200)
    wire = SerialTransport(server.port, baud=115200)
    with pytest.raises(HardwareUnavailable, match="which port"):
        build_driver(address, wire, RealClock())
    wire.close()


def valve(log: Path) -> dict[str, float]:
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return {e["what"]: e["device_s"] for e in events if e["what"].startswith("valve")}


def test_without_a_supervisor_the_program_on_the_device_ends_when_it_was_meant_to(
    tmp_path: Path,
) -> None:
    log, clock = tmp_path / "device.jsonl", RealClock()
    server = EmulatorProcess("devicehost", "--log", str(log))
    address = CuffAddress(driver="devicehost", port=server.port, baud=115200, device_port="COM8")
    cuff = SupervisedCuff(
        address, SupervisorSettings(limits=Limits(), interlock=InterlockSettings()), clock
    )
    try:
        cuff.open()
        cuff.beat()
        cuff.arm()
        onset_s = clock.now_s() + 1.5
        cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + 3.0, target_mmhg=120.0))
        deadline_s = time.monotonic() + GENEROUS_S
        while "valve closed" not in valve(log) and time.monotonic() < deadline_s:
            cuff.beat()
            list(cuff.poll())
            time.sleep(0.005)
        assert cuff.pid is not None
        os.kill(cuff.pid, signal.SIGKILL)
        while "valve open" not in valve(log) and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert valve(log)["valve open"] - valve(log)["valve closed"] == pytest.approx(3.0, abs=0.03)
    finally:
        with contextlib.suppress(OSError):
            cuff.close()
        server.close()
