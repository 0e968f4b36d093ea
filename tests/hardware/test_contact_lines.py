"""The lines of a port for real: pyserial, RFC 2217 over TCP, and an emulator in another process.

The emulated inflator hangs on both lines, so that a line which rises unasked shows in its log.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from hardware.clock import RealClock
from hardware.errors import HardwareUnavailable, LinkLost
from hardware.registry import CuffAddress, build_driver, open_wire
from hardware.sim.contact import CLOSED, OPEN
from hardware.sim.lines import ServedLines
from hardware.transport import Line, LineTransport
from scc_task.emulated import PROGRAM, EmulatorProcess

pytestmark = (
    pytest.mark.filterwarnings(  # pyserial 3.5: an old way to name a thread, sockets left to fall
        "ignore:set(Daemon|Name):DeprecationWarning",
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
    )
)
GENEROUS_S = 20.0


class Inflator:
    """An emulated inflator in a process of its own, and its log."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log
        self.process = EmulatorProcess("contact", "--log", str(log), *arguments)
        self.port = self.process.port

    def valve(self) -> list[str]:
        events = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [e["what"].removeprefix("valve ") for e in events if e["what"].startswith("valve")]

    def open(self) -> LineTransport:
        return LineTransport(self.port, baud=9600)


@pytest.fixture
def inflator(tmp_path: Path) -> Iterator[Inflator]:
    found = Inflator(tmp_path / "inflator.jsonl")
    yield found
    found.process.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_opening_and_closing_the_port_never_closes_the_contact(inflator: Inflator) -> None:
    for _ in range(2):  # the second is served only when the first is dealt with
        wire = inflator.open()
        wire.close()
    assert inflator.valve() == []


def test_a_port_opened_as_usual_would_close_it(inflator: Inflator) -> None:
    usual = serial.serial_for_url(inflator.port)
    usual.close()
    until(lambda: inflator.valve() == ["closed", "open"])


@pytest.mark.parametrize("line", ["rts", "dtr"])
def test_the_cuff_is_inflated_while_the_line_is_asserted(inflator: Inflator, line: Line) -> None:
    wire = inflator.open()
    wire.set_line(line, asserted=True)
    until(lambda: inflator.valve() == ["closed"])
    wire.set_line(line, asserted=False)
    until(lambda: inflator.valve() == ["closed", "open"])
    wire.close()


def test_the_driver_drives_it_from_the_registry(inflator: Inflator) -> None:
    address = CuffAddress(driver="contact", port=inflator.port, baud=9600, line="rts")
    wire = open_wire(address)
    cuff = build_driver(address, wire, RealClock())
    assert cuff.identify().simulated
    assert inflator.valve() == []
    cuff.close()


def test_closing_the_port_opens_the_contact(inflator: Inflator) -> None:
    wire = inflator.open()
    wire.set_line("dtr", asserted=True)
    wire.close()
    until(lambda: inflator.valve() == ["closed", "open"])


def test_the_lines_fall_when_the_client_is_killed(inflator: Inflator) -> None:
    code = (
        "import sys, os, signal; from hardware.transport import LineTransport;"
        "LineTransport(sys.argv[1], baud=9600).set_line('rts', asserted=True);"
        "os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))"
    )
    subprocess.run([sys.executable, "-c", code, inflator.port], cwd=PROGRAM.parent, check=False)
    until(lambda: inflator.valve() == ["closed", "open"])


def lost(wire: LineTransport) -> bool:
    try:
        wire.read(wait_s=0.0)
    except LinkLost:
        return True
    return False


def test_a_server_that_is_gone_is_a_lost_link(inflator: Inflator) -> None:
    wire = inflator.open()
    wire.set_line("rts", asserted=True)
    inflator.process._process.kill()
    until(lambda: lost(wire))
    with pytest.raises(LinkLost):
        wire.set_line("rts", asserted=False)
    wire.close()


@pytest.mark.skipif(os.name == "nt", reason="there is no way to stop a process there")
def test_a_server_that_hangs_is_a_lost_link(inflator: Inflator) -> None:
    wire = inflator.open()
    os.kill(inflator.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(LinkLost, match="timeout"):
            wire.set_line("rts", asserted=False)
    finally:
        os.kill(inflator.process.pid, signal.SIGCONT)
    wire.close()


def test_a_lost_adapter_opens_the_contact(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("version: 1\nfaults:\n  - {kind: unplug, into_s: 0.2}\n", "utf-8")
    inflator = Inflator(tmp_path / "inflator.jsonl", "--faults", str(script))
    wire = inflator.open()
    wire.set_line("rts", asserted=True)
    until(lambda: inflator.valve() == ["closed", "open"])
    until(lambda: lost(wire))
    wire.close()
    inflator.process.close()


def test_a_second_client_is_not_let_in(inflator: Inflator) -> None:
    wire = inflator.open()
    with pytest.raises(HardwareUnavailable, match="cannot be opened"):
        inflator.open()
    wire.set_line("rts", asserted=True)
    until(lambda: inflator.valve() == ["closed"])
    wire.close()


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
def test_a_port_without_lines_is_refused_and_would_drop_them_at_the_end() -> None:
    import termios

    ours, theirs = os.openpty()
    settings = termios.tcgetattr(theirs)
    settings[2] &= ~termios.HUPCL
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    with pytest.raises(HardwareUnavailable, match="no RTS and DTR"):
        LineTransport(os.ttyname(theirs), baud=9600)
    assert termios.tcgetattr(theirs)[2] & termios.HUPCL
    os.close(ours)
    os.close(theirs)


class Lines:
    """A stand-in for a real port: remembers every state of its lines."""

    in_waiting = 0

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bool]] = []
        self.is_open = False

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("rts", "dtr"):
            self.seen.append(("open" if self.is_open else "shut", name, bool(value)))
        object.__setattr__(self, name, value)

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def real_port(monkeypatch: pytest.MonkeyPatch) -> tuple[Lines, dict[str, object]]:
    port, asked = Lines(), {}

    def give(name: str, **options: object) -> Lines:
        asked.update(options, name=name)
        return port

    monkeypatch.setattr(serial, "serial_for_url", give)
    return port, asked


def test_on_a_real_port_both_lines_are_off_before_it_is_open_and_to_the_end(
    real_port: tuple[Lines, dict[str, object]],
) -> None:
    port, asked = real_port
    LineTransport("COM9", baud=9600).close()
    assert asked["do_not_open"] is True
    assert not {"rtscts", "dsrdtr"} & set(asked)
    both = [("rts", False), ("dtr", False)]
    assert port.seen == [(when, *line) for when in ("shut", "open", "open") for line in both]


def test_a_closed_port_takes_no_command(real_port: tuple[Lines, dict[str, object]]) -> None:
    wire = LineTransport("COM9", baud=9600)
    wire.close()
    with pytest.raises(LinkLost):
        wire.set_line("rts", asserted=True)


@pytest.mark.parametrize(
    ("port", "opened"),
    [
        ("COM9", "COM9"),
        ("rfc2217://host:7000", "rfc2217://host:7000?timeout=0.5"),
        ("rfc2217://host:7000?ign_set_control", "rfc2217://host:7000?ign_set_control&timeout=0.5"),
        ("rfc2217://host:7000?timeout=2", "rfc2217://host:7000?timeout=2"),
    ],
)
def test_a_port_on_the_network_has_half_a_second_to_answer(
    real_port: tuple[Lines, dict[str, object]], port: str, opened: str
) -> None:
    LineTransport(port, baud=9600)
    assert real_port[1]["name"] == opened


class Tcp:
    """A TCP port whose client the test plays."""

    port = "socket://127.0.0.1:7000"

    def __init__(self) -> None:
        self.connected, self.incoming = False, b""
        self.sent = b""

    def fileno(self) -> int:
        return 0

    def read(self) -> bytes:
        data, self.incoming = self.incoming, b""
        self.connected = self.connected or data == b"hello"
        return b"" if data == b"hello" else data

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        """Nothing to release."""


def say(tcp: Tcp, end: ServedLines, data: bytes) -> bytes:
    tcp.incoming = data
    return end.read()


def control(value: int) -> bytes:
    return bytes([255, 250, 44, 5, value, 255, 240])


def test_the_contact_is_closed_while_either_line_is_asserted() -> None:
    tcp = Tcp()
    end = ServedLines(tcp)
    say(tcp, end, b"hello")
    rts_on, rts_off, dtr_on, dtr_off = map(control, (11, 12, 8, 9))
    assert [say(tcp, end, x) for x in (rts_on, dtr_on, rts_off, dtr_off)] == [CLOSED] * 3 + [OPEN]


def test_what_is_not_the_protocol_opens_the_contact() -> None:
    tcp = Tcp()
    end = ServedLines(tcp)
    say(tcp, end, b"hello")
    assert say(tcp, end, control(11)) == CLOSED
    assert say(tcp, end, bytes([255, 240])) == OPEN
    assert say(tcp, end, control(11)) == CLOSED


def test_a_contact_is_not_served_on_a_pseudo_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "emulate", "contact", "--link", str(tmp_path / "tty")],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode not in (0, 1)
    assert "pseudo-terminal has no RTS" in done.stderr
