"""Serves an emulated device in real time: behind a pty, or behind a TCP port where there is none.

The process tells its parent the port on the first line of standard output (``ready PORT``), takes
``start`` on standard input (a scanner's start button), and ends when standard input ends: first it
goes on until the cuff is empty, as a real device would.
"""

import contextlib
import json
import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Protocol

from hardware.clock import now_s
from hardware.errors import HardwareUnavailable
from hardware.fault_script import Fault
from hardware.serial_ports import is_pseudo_terminal
from hardware.sim.faults import Faultable, TroubledDevice, Unplugged
from hardware.sim.lines import ServedLines
from hardware.sim.plant import Plant

LINGER_S: Final = 12.0
POLL_S: Final = 0.005
"""The controller's own tick."""
EMPTY_MMHG: Final = 15.0
"""Below this a cuff counts as vented (IEC 80601-2-30 level, recalled)."""


class Device(Protocol):
    """What can be served: bytes in, bytes out, time passed in."""

    def receive(self, data: bytes) -> None:
        """Take bytes."""

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return bytes."""

    def next_due_s(self) -> float | None:
        """Return when it has something to say, if it knows."""

    def may_end(self) -> bool:
        """Return whether nothing would be left under pressure."""


class _End(Protocol):
    """Our end of the wire."""

    port: str
    at_rest: bytes
    """What the device sees once nobody is at the other end."""

    def fileno(self) -> int: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class _Pty:
    """A pseudo-terminal, raw from the start, optionally under a name of one's own choice."""

    at_rest = b""

    def __init__(self, link: Path | None) -> None:
        import tty  # there is no such module on Windows

        self._master, self._slave = os.openpty()  # holding the slave keeps the master readable
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = self._name = os.ttyname(self._slave)
        self._link = link
        if link is not None:
            if link.is_symlink() and is_pseudo_terminal(str(link.readlink())):
                link.unlink()  # of an emulator that ended before
            elif link.is_symlink() or link.exists():
                self._release()
                raise HardwareUnavailable(
                    "there is something already, and it is no link of an emulator",
                    where=str(link),
                    do="give --link a name that is free",
                )
            link.symlink_to(self.port)
            self.port = str(link)

    def fileno(self) -> int:
        return self._master

    def read(self) -> bytes:
        with contextlib.suppress(OSError):
            return os.read(self._master, 4096)
        return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody listens: bytes are lost, as on a real wire
            os.write(self._master, data)

    def _is_ours(self, link: Path) -> bool:
        return link.is_symlink() and str(link.readlink()) == self._name

    def close(self) -> None:
        if self._link is not None and self._is_ours(self._link):
            self._link.unlink()
        self._release()

    def _release(self) -> None:
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):  # closed already, by an unplugged cable
                os.close(descriptor)


class _Tcp:
    """A TCP port on the loopback address; one client at a time, as a serial port has."""

    at_rest = b""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.setblocking(False)
        self._client: socket.socket | None = None
        self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def connected(self) -> bool:
        return self._client is not None

    def fileno(self) -> int:
        return (self._client or self._server).fileno()

    def read(self) -> bytes:
        if self._client is None:
            with contextlib.suppress(BlockingIOError):
                self._client = self._server.accept()[0]
                self._client.setblocking(False)
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        try:
            data = self._client.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._client.close()
            self._client = None
        return data

    def write(self, data: bytes) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.send(data)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._server.close()


class ServedCuff:
    """An emulated cuff with its air, its fault script, and a log of what its valve did.

    Parameters
    ----------
    make
        Builds the device: (plant, switch-on time, witness).
    """

    def __init__(
        self,
        make: Callable[[Plant, float, Callable[[str, float], None]], Faultable],
        *,
        seed: int,
        faults: tuple[Fault, ...],
        log: IO[str] | None,
    ) -> None:
        self._log, self._plant = log, Plant(seed=seed)
        start_s = now_s()
        self._trouble: TroubledDevice | None = None
        device = make(self._plant, start_s, self._witness)
        self._witness(f"switched on, process {os.getpid()}", start_s)
        self._trouble = TroubledDevice(
            device, self._plant, faults, start_s=start_s, seed=seed, witness=self._witness
        )

    def _witness(self, what: str, device_s: float) -> None:
        if self._trouble is not None and what in ("valve closed", "valve open"):
            self._trouble.valve(closed=what == "valve closed", time_s=now_s())
        if self._log is not None:
            line = {"time_s": round(now_s(), 6), "device_s": round(device_s, 3), "what": what}
            line["pressure_mmhg"] = round(self._plant.pressure_mmhg, 1)
            self._log.write(json.dumps(line) + "\n")

    def receive(self, data: bytes) -> None:
        """Take bytes from the host."""
        self._troubled.receive(data)

    def advance(self, now_s: float) -> bytes:
        """Let time pass."""
        before = self._plant.pressure_mmhg
        try:
            return self._troubled.advance(now_s)
        finally:
            if before >= EMPTY_MMHG > self._plant.pressure_mmhg:
                self._witness("empty", now_s)

    def next_due_s(self) -> float | None:
        """Return when the next status line comes."""
        return self._troubled.next_output_s()

    def may_end(self) -> bool:
        """Return whether the cuff is empty."""
        return self._plant.pressure_mmhg < 1.0

    @property
    def _troubled(self) -> TroubledDevice:
        assert self._trouble is not None  # noqa: S101  made in __init__
        return self._trouble


def open_end(*, link: Path | None, tcp_port: int | None, modem_lines: bool = False) -> _End:
    """Return our end of a new wire: TCP where asked for or where there are no ptys.

    Parameters
    ----------
    modem_lines
        Whether the device hangs on the port's lines: TCP then, because a pty has none.

    Raises
    ------
    HardwareUnavailable
        If the wire cannot be made.
    """
    if modem_lines and link is not None:
        raise HardwareUnavailable(
            "a pseudo-terminal has no RTS and DTR",
            where=str(link),
            do="leave --link out; this device is served on a TCP port (--tcp)",
        )
    try:
        if modem_lines:
            return ServedLines(open_tcp(tcp_port or 0))
        if tcp_port is not None or os.name == "nt":
            return _Tcp(tcp_port or 0)
        return _Pty(link)
    except OSError as error:
        raise HardwareUnavailable(
            f"the emulated port cannot be made: {error}",
            where=str(link or tcp_port or "pty"),
            do="choose another name or port number",
        ) from error


def open_tcp(port: int) -> _Tcp:
    """Return a TCP port on the loopback address; 0: any that is free.

    Raises
    ------
    HardwareUnavailable
        If somebody else has it.
    """
    try:
        return _Tcp(port)
    except OSError as error:
        raise HardwareUnavailable(
            f"the emulated port cannot be made: {error}",
            where=f"TCP port {port}",
            do="choose another port number",
        ) from error


def serve(
    device: Device,
    end: _End,
    *,
    announce: Callable[[str], None],
    on_start: Callable[[], None] | None = None,
    on_line: Callable[[str], None] | None = None,
    until_stdin_ends: bool = True,
) -> None:
    """Serve a device until standard input ends (or for ever), then until it is safe to go."""
    over = threading.Event()
    if until_stdin_ends:
        threading.Thread(target=_listen, args=(over, on_start, on_line), daemon=True).start()
    elif on_start is not None:
        on_start()
    announce(f"ready {end.port}")
    deadline_s: float | None = None
    try:
        while True:
            now = now_s()
            if over.is_set():
                deadline_s = deadline_s or now + LINGER_S
                if device.may_end() or now > deadline_s:
                    return
            try:
                _exchange(device, end, now)
            except Unplugged:
                end.close()
                device.receive(end.at_rest)
                _run_on(device, over)
                return
    finally:
        end.close()


def _exchange(device: Device, end: _End, now: float) -> None:
    """Wait for bytes or for the device's next word, and pass both on."""
    with selectors.DefaultSelector() as selector:
        selector.register(end.fileno(), selectors.EVENT_READ)
        selector.select(_wait_s(device, now))
    out = device.advance(now_s())
    data = end.read()
    if data:
        device.receive(data)
        out += device.advance(now_s())
    if out:
        end.write(out)


def _run_on(device: Device, over: threading.Event) -> None:
    """Let a device without a port live on until nobody needs its log, and its cuff is empty."""
    deadline_s = now_s() + LINGER_S
    while not (over.is_set() and device.may_end()) and now_s() < deadline_s:
        with contextlib.suppress(Unplugged):
            device.advance(now_s())
        over.wait(POLL_S)


def _wait_s(device: Device, now: float) -> float:
    due_s = device.next_due_s()
    return POLL_S if due_s is None else min(POLL_S, max(0.0, due_s - now))


def _listen(
    over: threading.Event,
    on_start: Callable[[], None] | None,
    on_line: Callable[[str], None] | None,
) -> None:
    for line in sys.stdin:
        if line.strip() == "start" and on_start is not None:
            on_start()
        elif on_line is not None:
            on_line(line.strip())
    over.set()
