"""Scanner pulses over a real serial wire."""

import time

from hardware.clock import RealClock
from hardware.triggers import SerialPulses
from scc_task.emulated import EmulatorProcess


def pulses_of(*arguments: str, byte: bytes = b"5") -> tuple[list[float], int]:
    scanner = EmulatorProcess("scanner", "--delay", "0.1", *arguments)
    source = SerialPulses(scanner.port, baud=115200, byte=byte, clock=RealClock())
    scanner.start()
    times: list[float] = []
    deadline = time.monotonic() + 20.0
    while len(times) + source.strangers < 20 and time.monotonic() < deadline:
        times += source.poll()
        time.sleep(0.005)
    strangers = source.strangers
    source.close()
    scanner.close()
    return times, strangers


def test_every_pulse_is_stamped_in_order() -> None:
    times, strangers = pulses_of("--tr", "0.05", "--count", "20")
    assert len(times) == 20
    assert times == sorted(times)
    assert strangers == 0


def test_other_bytes_are_no_pulses() -> None:
    times, strangers = pulses_of("--tr", "0.02", "--count", "20", "--byte", "x")
    assert times == []
    assert strangers == 20


def test_a_port_that_goes_away_is_a_problem_and_no_exception() -> None:
    scanner = EmulatorProcess("scanner")
    source = SerialPulses(scanner.port, baud=115200, byte=b"5", clock=RealClock())
    assert source.problem() is None
    scanner.close()
    deadline = time.monotonic() + 20.0
    while source.problem() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert source.poll() == []
    source.close()
