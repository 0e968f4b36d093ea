"""The process around the supervisor: owns the port, outlives the task, ends vented.

What it listens to for the end of the task, all at once: the order pipe's end of file, the parent's
sentinel and on Linux its pidfd (each alone has been seen to fail), and the task's heart. It never
prints or waits, for the task or for a disk: reports leave through bounded queues and threads.
"""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
from collections import deque
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from hardware.blackbox import BlackBox
from hardware.clock import RealClock
from hardware.errors import HardwareError
from hardware.readings import CuffReport, Identity
from hardware.registry import CuffAddress, build_driver, open_wire
from hardware.supervisor import Order, Supervisor, SupervisorSettings
from hardware.transport import SerialTransport

BACKLOG: Final = 20_000
"""Reports kept while the task does not read: 6 min of samples. The oldest go first."""
SLICE_S: Final = 0.02
LAST_WORDS_S: Final = 10.0
"""How long venting is repeated after the task is gone, if the pressure does not confirm it."""


class _Mouth:
    """Sends reports without ever blocking the supervisor."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._backlog: deque[Any] = deque(maxlen=BACKLOG)
        self._wake = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._send, daemon=True, name="reports")
        self._thread.start()

    def say(self, report: object) -> None:
        self._backlog.append(report)
        self._wake.release()

    def _send(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                self._wake.acquire()
                batch: list[Any] = []
                with contextlib.suppress(IndexError):
                    while len(batch) < 500:
                        batch.append(self._backlog.popleft())
                if batch:
                    self._pipe.send(batch)
                    if batch[-1] is None:
                        return

    def finish(self, wait_s: float) -> None:
        self.say(None)
        self._thread.join(wait_s)


def _leave_the_group() -> None:
    """Survive what ends the task: Ctrl-C and hang-ups go to the whole process group."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.setsid()
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)


def _raise_priority() -> None:
    """Take the highest priority the platform gives without asking anybody."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(-10)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    if os.name == "nt":  # HIGH_PRIORITY_CLASS
        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), 0x80)


def _parent_handles() -> list[int]:
    """Return everything that becomes readable when the task is gone."""
    parent = parent_process()
    if parent is None or parent.pid is None:
        return []
    handles = [parent.sentinel]
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            handles.append(os.pidfd_open(parent.pid))
    return handles


def supervise(
    address: CuffAddress,
    settings: SupervisorSettings,
    orders: Connection,
    reports: Connection,
    heart: Any,  # a ctypes counter in shared memory has no public type
    record: Path | None,
) -> None:
    """Run the supervisor until the task says goodbye or is gone. The target of the process.

    The first report is the device's `Identity`, or the `HardwareError` that says why there is none.
    """
    _leave_the_group()
    parent = _parent_handles()
    mouth = _Mouth(reports)
    clock = RealClock()
    wire: SerialTransport | None = None
    try:
        wire = open_wire(address)
        cuff = build_driver(address, wire, clock)
        identity: Identity = cuff.identify()
    except HardwareError as error:
        mouth.say(error)
        mouth.finish(1.0)
        if wire is not None:
            wire.close()
        return
    _raise_priority()
    gc.freeze()
    gc.disable()
    box = BlackBox(record) if record is not None else None

    def report(found: CuffReport) -> None:
        mouth.say(found)
        if box is not None:
            box.take(found)

    supervisor = Supervisor(cuff, identity, settings, report)
    mouth.say(identity)
    try:
        _serve(supervisor, wire, orders, parent, heart, clock)
    finally:
        _end_vented(supervisor, wire, clock)
        mouth.finish(0.5)
        if box is not None:
            box.finish(2.0)
        wire.close()


def _serve(
    supervisor: Supervisor,
    wire: SerialTransport,
    orders: Connection,
    parent: list[int],
    heart: Any,
    clock: RealClock,
) -> None:
    """Step until the task closes the order pipe or is gone."""
    task_handles: list[Any] = [orders, *parent]
    listen = [*task_handles, wire.fileno()] if os.name == "posix" else task_handles
    while True:
        now_s = clock.now_s()
        wait_s = min(SLICE_S, max(0.0, supervisor.next_due_s(now_s) - now_s))
        if os.name != "posix":
            wait_s = min(wait_s, 0.001)  # a Windows COM handle cannot be waited for with the rest
        ready = connection.wait(listen, timeout=wait_s)
        if any(handle in ready for handle in parent):
            return
        now_s = clock.now_s()
        supervisor.heart(heart.value, now_s)
        if orders in ready:
            try:
                while orders.poll():
                    order: Order | None = orders.recv()
                    if order is None:
                        return
                    supervisor.handle(order, now_s)
            except (EOFError, OSError):
                return
        supervisor.step(clock.now_s())
        if not supervisor.link_up:
            listen = task_handles


def _end_vented(supervisor: Supervisor, wire: SerialTransport, clock: RealClock) -> None:
    """Vent, whatever ended the loop, and stay until the pressure confirms it."""
    supervisor.vent(clock.now_s())
    deadline_s = clock.now_s() + LAST_WORDS_S
    while supervisor.venting and supervisor.link_up and clock.now_s() < deadline_s:
        with contextlib.suppress(OSError):
            if os.name == "posix":
                connection.wait([wire.fileno()], timeout=SLICE_S)
            else:
                clock.sleep_until(clock.now_s() + 0.002)
        supervisor.step(clock.now_s())
    supervisor.give_up(clock.now_s())
