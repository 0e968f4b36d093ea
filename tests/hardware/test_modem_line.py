"""An input line whose edges the system counts: a port of the mainboard, played at the seam of its ioctl."""

import errno
import os
import queue
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hardware.clock import RealClock
from hardware.triggers import modem_line
from hardware.triggers.modem_line import NetworkLinePulses, WaitingLinePulses, of_one_kind

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such calls there")
CTS, DSR = 0x20, 0x100


class MainboardPort:
    """Stands where the kernel's driver stands; `move` is the cable."""

    def __init__(self, *, waits: bool = True) -> None:
        self._waits, self._high, self._edges = waits, False, 0
        self._woken: queue.Queue[bool] = queue.Queue()
        self._asleep = threading.Semaphore(0)
        self.gone = self.closed = False
        self.exclusive = True

    def fileno(self) -> int:
        return 7

    def move(self, *levels: bool, wake: bool = True) -> None:
        for high in levels:
            if high != self._high:
                self._high, self._edges = high, self._edges + 1
        if wake:
            self._woken.put(True)

    def asleep(self) -> None:
        """Return once somebody waits for an edge."""
        assert self._asleep.acquire(timeout=20.0)

    def close(self) -> None:
        self.closed = True

    def ioctl(self, fd: int, request: int, argument: object) -> bytes | int:
        assert fd == self.fileno()
        if request == termios.TIOCGICOUNT:
            return struct.pack("20i", self._edges, 99, *[0] * 18)
        if request == termios.TIOCMGET:
            return struct.pack("I", (CTS if self._high else 0) | DSR)
        assert (request, argument) == (termios.TIOCMIWAIT, CTS)
        if not self._waits:
            raise OSError(errno.ENOTTY, "no such call")
        self._asleep.release()
        self._woken.get()
        if self.gone:
            raise OSError(errno.EIO, "unplugged")
        return 0


@pytest.fixture
def listening() -> Iterator[Callable[..., WaitingLinePulses]]:
    opened: list[tuple[MainboardPort, WaitingLinePulses]] = []

    def begin(port: MainboardPort, *, edge: str = "rising") -> WaitingLinePulses:
        source = WaitingLinePulses(
            port, "/dev/ttyS0", line="cts", edge=edge, clock=RealClock(), ioctl=port.ioctl
        )
        opened.append((port, source))
        return source

    yield begin
    for port, source in opened:
        source.close()
        port.move(wake=True)


def heard(source: WaitingLinePulses, count: int) -> list[float]:
    found: list[float] = []
    deadline = time.monotonic() + 20.0
    while len(found) < count:
        assert time.monotonic() < deadline, "it never came"
        found += source.poll()
        time.sleep(0.005)
    return found


@pytest.mark.parametrize(
    ("edges", "high", "rising", "count"),
    [
        (0, False, True, 0),
        (1, True, True, 1),
        (1, True, False, 0),
        (2, False, True, 1),
        (2, False, False, 1),
        (3, True, True, 2),
        (3, True, False, 1),
        (40, True, True, 20),
    ],
)
def test_of_edges_that_alternate_the_last_one_tells_how_many_were_rising(
    edges: int, high: bool, rising: bool, count: int
) -> None:
    assert of_one_kind(edges, high=high, rising=rising) == count


def test_a_pulse_is_stamped_when_the_system_wakes_us(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort()
    source = listening(port)
    port.asleep()
    before_s = time.monotonic()
    port.move(True)
    (time_s,) = heard(source, 1)
    assert before_s <= time_s <= time.monotonic()
    assert "wakes" in source.stamps().made


def test_pulses_that_were_over_before_we_woke_are_all_counted(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort()
    source = listening(port)
    port.asleep()
    port.move(True, False, True, False, True, False)
    assert len(heard(source, 3)) == 3


def test_only_the_edge_that_was_asked_for_is_a_pulse(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort()
    source = listening(port, edge="falling")
    port.asleep()
    port.move(True)
    port.asleep()  # again: the rising edge is dealt with
    assert source.poll() == []
    port.move(False)
    assert len(heard(source, 1)) == 1


def test_a_driver_that_counts_and_cannot_wait_is_polled(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort(waits=False)
    source = listening(port)
    deadline = time.monotonic() + 20.0
    while not source.poll():  # nobody tells when it has begun to look
        assert time.monotonic() < deadline
        port.move(True)
        time.sleep(0.02)
        port.move(False)
        time.sleep(0.02)
    assert "millisecond" in source.stamps().made


def test_an_adapter_that_is_pulled_out_is_a_problem(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort()
    source = listening(port)
    port.gone = True
    port.move(wake=True)
    deadline = time.monotonic() + 20.0
    while source.problem() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "unplugged" in (source.problem() or "")


def test_a_closed_source_gives_the_lock_back_and_touches_the_port_no_more(
    listening: Callable[..., WaitingLinePulses],
) -> None:
    port = MainboardPort()
    source = listening(port)
    port.asleep()
    source.close()
    assert port.closed
    assert port.exclusive is False
    port.gone = True  # whatever the descriptor is now, it is not looked at
    port.move(True)
    source._thread.join(20.0)
    assert not source._thread.is_alive()
    assert source.poll() == []
    assert source.problem() is None


class Server:
    """A port server that says only what the test has it say."""

    def __init__(self, heard: Callable[[int], None]) -> None:
        self.say = heard
        self.port, self.timeout = "", 0.0

    def open(self) -> None:
        for notice in NOTICES_WHILE_OPENING:
            self.say(notice)

    def read(self, size: int) -> bytes:
        time.sleep(0.01)
        return b""

    def close(self) -> None:
        """Nothing to release."""


NOTICES_WHILE_OPENING: list[int] = []  # of the server that is opened next
CTS_HIGH, CTS_MOVED = 0x10, 0x01


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., NetworkLinePulses]]:
    opened: list[NetworkLinePulses] = []

    def begin(*while_opening: int, edge: str = "rising") -> NetworkLinePulses:
        monkeypatch.setattr(modem_line, "_NotifyingPort", Server)
        NOTICES_WHILE_OPENING[:] = while_opening
        opened.append(
            NetworkLinePulses("rfc2217://there", line="cts", edge=edge, clock=RealClock())
        )
        return opened[-1]

    yield begin
    for source in opened:
        source.close()


def test_what_a_server_tells_while_it_is_opened_is_no_pulse(
    network: Callable[..., NetworkLinePulses],
) -> None:
    source = network(CTS_HIGH | CTS_MOVED)
    assert source.poll() == []
    source._wire.say(CTS_MOVED)
    source._wire.say(CTS_HIGH | CTS_MOVED)
    assert len(source.poll()) == 1


def test_the_first_pulse_counts_where_the_server_told_no_level_before(
    network: Callable[..., NetworkLinePulses],
) -> None:
    source = network()
    source._wire.say(CTS_HIGH | CTS_MOVED)
    assert len(source.poll()) == 1
    source._wire.say(CTS_HIGH | 0x20 | 0x02)  # another line moved
    assert source.poll() == []
