"""The whole path for real: task process, supervisor process, pyserial, pty or TCP, emulator process."""

import contextlib
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hardware import detach
from hardware.clock import RealClock, VirtualClock
from hardware.ear import Ear
from hardware.errors import HardwareUnavailable
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CommandReport, CuffReport, FaultReport, Program, Sample, VentReport
from hardware.registry import CuffAddress
from hardware.states import StopReason
from hardware.supervised import SupervisedCuff
from hardware.supervisor import Arm, Load, SupervisorSettings, Vent
from scc_task.emulated import EmulatorProcess

SETTINGS = SupervisorSettings(limits=Limits(), interlock=InterlockSettings(), try_on_s=60.0)
GENEROUS_S = 20.0


class Device:
    """An emulated controller behind a port, and its own log."""

    def __init__(self, log: Path, *arguments: str, driver: str = "reference") -> None:
        self.log, self.driver = log, driver
        self.process = EmulatorProcess(driver, "--log", str(log), *arguments)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def seen(self, what: str) -> bool:
        return any(event["what"] == what for event in self.events())

    def faults(self) -> int:
        """Return how often it fell to its fault; once is the watchdog's test while it is armed."""
        return sum(event["what"] == "state fault" for event in self.events())

    def fell_under_pressure(self) -> bool:
        """Return whether the device went to its fault after the inflation began, not while arming."""
        said = [event["what"] for event in self.events()]
        return "state fault" in said[said.index("valve closed") :]


@pytest.fixture(params=[(), ("--tcp", "0")], ids=["pty", "tcp"])
def device(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Device]:
    found = Device(tmp_path / "device.jsonl", *request.param)
    yield found
    found.process.close()


@pytest.fixture
def pty_device(tmp_path: Path) -> Iterator[Device]:
    found = Device(tmp_path / "device.jsonl")
    yield found
    found.process.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def address(device: Device) -> CuffAddress:
    return CuffAddress(
        driver=device.driver, port=device.process.port, baud=115200, device_port="COM8"
    )


def gather(
    cuff: SupervisedCuff,
    reports: list[CuffReport],
    enough: Callable[[], bool],
    *,
    beating: bool = True,
) -> None:
    def look() -> bool:
        if beating:
            cuff.beat()
        reports.extend(cuff.poll())
        return enough()

    until(look)


def commands(reports: list[CuffReport]) -> list[str]:
    return [r.command for r in reports if isinstance(r, CommandReport)]


def arm(cuff: SupervisedCuff, reports: list[CuffReport]) -> None:
    cuff.beat()
    cuff.arm()
    gather(cuff, reports, lambda: "arm" in commands(reports))


def test_an_inflation_over_a_real_wire_is_measured_and_confirmed(device: Device) -> None:
    cuff, clock, reports = SupervisedCuff(address(device), SETTINGS, RealClock()), RealClock(), []
    identity = cuff.open()
    assert identity.simulated
    arm(cuff, reports)
    onset_s = clock.now_s() + 0.3
    cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + 2.0, target_mmhg=120.0))
    gather(cuff, reports, lambda: any(isinstance(r, VentReport) for r in reports))
    cuff.close()
    assert [c for c in commands(reports) if c in ("arm", "go", "end", "vent")] == [
        "arm",
        "go",
        "end",
    ]
    samples = [r for r in reports if isinstance(r, Sample)]
    assert max(s.measured_mmhg for s in samples) == pytest.approx(120.0, abs=5.0)
    assert [s.counter for s in samples] == list(range(samples[0].counter, samples[-1].counter + 1))


@pytest.mark.parametrize("driver", ["cpar", "alicat", "devicehost"])
def test_every_kind_of_cuff_inflates_and_vents_over_a_real_wire(
    tmp_path: Path, driver: str
) -> None:
    device = Device(tmp_path / "device.jsonl", driver=driver)
    # DeviceHost's samples come in gulps; a busy machine must not make them stale here
    patient = SupervisorSettings(limits=Limits(), interlock=InterlockSettings(stale_s=3.0))
    cuff, clock, reports = SupervisedCuff(address(device), patient, RealClock()), RealClock(), []
    cuff.open()
    arm(cuff, reports)
    onset_s = clock.now_s() + 2.0
    cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + 3.0, target_mmhg=120.0))
    gather(cuff, reports, lambda: any(isinstance(r, VentReport) for r in reports))
    cuff.close()
    device.process.close()
    assert [r for r in reports if isinstance(r, FaultReport)] == []
    assert max(s.measured_mmhg for s in reports if isinstance(s, Sample)) == pytest.approx(
        120, abs=8
    )
    assert device.seen("valve open")


def test_a_port_that_is_not_there_is_explained(tmp_path: Path) -> None:
    missing = CuffAddress(driver="reference", port=str(tmp_path / "no-port"), baud=115200)
    with pytest.raises(HardwareUnavailable, match="cannot be opened"):
        SupervisedCuff(missing, SETTINGS, RealClock()).open()


def test_a_port_with_no_controller_behind_it_is_explained() -> None:
    scanner = EmulatorProcess("scanner")
    silent = CuffAddress(driver="reference", port=scanner.port, baud=115200)
    try:
        with pytest.raises(HardwareUnavailable, match="no reference controller answers"):
            SupervisedCuff(silent, SETTINGS, RealClock()).open()
    finally:
        scanner.close()


def test_a_second_program_cannot_take_the_port(pty_device: Device) -> None:
    first = SupervisedCuff(address(pty_device), SETTINGS, RealClock())
    first.open()
    try:
        with pytest.raises(HardwareUnavailable, match="cannot be opened"):
            SupervisedCuff(address(pty_device), SETTINGS, RealClock()).open()
    finally:
        first.close()


@pytest.fixture
def host(pty_device: Device) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("host.py")), pty_device.process.port],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def told(host: subprocess.Popen[str]) -> str:
    assert host.stdout is not None
    return host.stdout.readline().strip()


def supervisor_and_hold(host: subprocess.Popen[str]) -> int:
    pid = int(told(host).split()[1])
    assert told(host) == "holding"
    return pid


def test_a_killed_task_leaves_a_vented_cuff(
    host: subprocess.Popen[str], pty_device: Device
) -> None:
    supervisor_and_hold(host)
    host.send_signal(signal.SIGKILL)
    until(lambda: pty_device.seen("valve open"))
    assert not pty_device.fell_under_pressure()  # vented by the supervisor, not by the lease


def test_a_stopped_task_leaves_a_vented_cuff(
    host: subprocess.Popen[str], pty_device: Device
) -> None:
    supervisor_and_hold(host)
    host.send_signal(signal.SIGSTOP)
    until(lambda: pty_device.seen("valve open"))
    host.send_signal(signal.SIGCONT)
    assert told(host) == "fault task_silent"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_without_a_supervisor_the_cuff_vents(
    host: subprocess.Popen[str], pty_device: Device, how: signal.Signals
) -> None:
    supervisor = supervisor_and_hold(host)
    os.kill(supervisor, how)
    until(lambda: pty_device.seen("valve open"))
    if how is signal.SIGSTOP:  # of a dead one the task takes the port at once, and vents itself
        until(pty_device.fell_under_pressure)
    assert told(host) == "fault supervisor_lost"
    with contextlib.suppress(ProcessLookupError):
        os.kill(supervisor, signal.SIGKILL)


def test_the_supervisor_survives_what_interrupts_the_task(
    host: subprocess.Popen[str], pty_device: Device
) -> None:
    supervisor = supervisor_and_hold(host)
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(supervisor, name)
    time.sleep(0.2)
    assert not pty_device.seen("valve open")


def test_a_pulled_device_is_a_lost_link(host: subprocess.Popen[str], pty_device: Device) -> None:
    supervisor_and_hold(host)
    os.kill(pty_device.process.pid, signal.SIGKILL)
    assert told(host) == "fault link_lost"


def test_closing_vents_and_ends_the_supervisor(pty_device: Device) -> None:
    cuff, clock, reports = (
        SupervisedCuff(address(pty_device), SETTINGS, RealClock()),
        RealClock(),
        [],
    )
    cuff.open()
    arm(cuff, reports)
    onset_s = clock.now_s() + 0.1
    cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + 30.0, target_mmhg=120.0))
    gather(cuff, reports, lambda: pty_device.seen("valve closed"))
    cuff.close()
    assert pty_device.seen("valve open")
    assert cuff.pid is None


def test_a_silent_task_is_told_why_when_it_comes_back(pty_device: Device) -> None:
    cuff, reports = SupervisedCuff(address(pty_device), SETTINGS, RealClock()), []
    cuff.open()
    arm(cuff, reports)
    faulted = lambda: any(isinstance(r, FaultReport) for r in reports)  # noqa: E731
    gather(cuff, reports, faulted, beating=False)
    cuff.close()
    assert [r.reason for r in reports if isinstance(r, FaultReport)] == [StopReason.TASK_SILENT]


def test_no_order_is_ever_half_in_a_pipe() -> None:
    """So that reading one never waits: POSIX writes up to PIPE_BUF bytes in one piece."""
    program = Program(
        number=10**9, onset_s=1e9 / 3, offset_s=1e9 / 7, target_mmhg=100 / 3, rise_s=1 / 3
    )
    for order in (Arm(), Vent(), Load(program)):
        assert len(bytes(ForkingPickler.dumps(order))) + 4 < select.PIPE_BUF


def test_the_supervisors_process_loads_nothing_heavy(pty_device: Device) -> None:
    """Its own imports and those of a task without a window, as Python lists them."""
    heavy = (
        "numpy",
        "typer",
        "click",
        "rich",
        "pydantic",
        "yaml",
        "psychopy",
        "pandas",
        "scc_task",
    )
    host = subprocess.Popen(
        [
            *(sys.executable, "-X", "importtime", str(Path(__file__).with_name("host.py"))),
            pty_device.process.port,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    supervisor = supervisor_and_hold(host)
    mapped = Path(f"/proc/{supervisor}/maps").read_text()
    host.kill()
    _, listed = host.communicate()
    imported = [line.rpartition("|")[2].strip() for line in listed.splitlines() if "|" in line]
    assert imported.count("hardware.supervisor_process") == 2  # the task's list and the child's
    assert [name for name in imported if name.split(".")[0] in heavy] == []
    assert [name for name in heavy if f"/{name}/" in mapped] == []


def test_a_task_that_was_away_does_not_call_its_supervisor_lost() -> None:
    clock = VirtualClock()
    reading, writing = multiprocessing.Pipe(duplex=False)
    ear = Ear(reading, clock)
    clock.sleep_until(clock.now_s() + 10.0)
    ear.heard(clock.now_s())
    assert ear.silent_s(clock.now_s()) == 0.0
    writing.close()
    until(lambda: ear.ended)
    ear.close(GENEROUS_S)


def test_half_a_message_holds_up_nobody() -> None:
    reading, writing = multiprocessing.Pipe(duplex=False)
    ear = Ear(reading, RealClock())
    os.write(writing.fileno(), b"\x00\x00\x01\x00half")  # 256 bytes are promised
    assert ear.heard(1.0) == []
    assert ear.first(0.05) is None
    writing.close()
    until(lambda: ear.ended)
    ear.close(GENEROUS_S)


def test_silence_that_was_listened_to_counts() -> None:
    clock = VirtualClock()
    reading, writing = multiprocessing.Pipe(duplex=False)
    ear = Ear(reading, clock)
    for _ in range(30):
        clock.sleep_until(clock.now_s() + 0.1)
        ear.heard(clock.now_s())
    assert ear.silent_s(clock.now_s()) == pytest.approx(3.0)
    writing.close()
    until(lambda: ear.ended)
    ear.close(GENEROUS_S)


def test_a_task_that_is_gone_before_it_is_looked_for_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its process number may be somebody else's by then."""
    stranger = SimpleNamespace(pid=os.getpid(), sentinel=-1)
    monkeypatch.setattr(detach, "parent_process", lambda: stranger)
    assert detach.task_handles() is None


@pytest.mark.parametrize("driver", ["alicat", "cpar"])
def test_a_task_whose_supervisor_is_killed_vents_itself(tmp_path: Path, driver: str) -> None:
    device = Device(tmp_path / "device.jsonl", driver=driver)
    clock, reports = RealClock(), []
    cuff = SupervisedCuff(address(device), SETTINGS, clock)
    cuff.open()
    arm(cuff, reports)
    onset_s = clock.now_s() + 2.0
    cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + 40.0, target_mmhg=120.0))
    gather(cuff, reports, lambda: device.seen("valve closed"))
    assert cuff.pid is not None
    os.kill(cuff.pid, signal.SIGKILL)
    gather(cuff, reports, lambda: any(isinstance(r, FaultReport) for r in reports))
    until(lambda: device.seen("valve open"))  # long before the program's end
    cuff.close()
    device.process.close()
