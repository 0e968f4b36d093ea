"""The process around the supervisor: owns the port, outlives the task, ends vented.

What it listens to for the end of the task, all at once: the order pipe's end of file, the parent's
sentinel and on Linux its pidfd (each alone has been seen to fail), and the task's heart. For the
operator's stop it has a socket of its own. It never prints or waits, for the task or for a disk:
reports leave through bounded queues and threads.
"""

import contextlib
import gc
import os
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from hardware.blackbox import BlackBox
from hardware.clock import RealClock
from hardware.detach import leave_the_group, raise_priority, task_handles
from hardware.errors import HardwareError
from hardware.mouth import Mouth
from hardware.readings import CuffReport, Identity, LinkNote
from hardware.registry import CuffAddress, build_driver, open_wire
from hardware.stop_line import StopLine
from hardware.supervisor import Order, SupervisorSettings
from hardware.transport import SerialTransport
from hardware.watch import Watch

SLICE_S: Final = 0.02
BREATH_S: Final = 0.0005
"""Shortest wait: at our priority a loop without one would keep the device's own software from answering."""
ORDERS_AT_ONCE: Final = 20
"""A task that floods us with orders does not keep us from the wire."""
ANSWER_S: Final = 1.0
"""How long a supervisor that was stopped stays to say that the cuff is empty: it is asked every 0.1 s."""
DOUBT_S: Final = 15.0
"""How long a low reading that is not believed is vented: longer than the interlock's 10 s for its verdict."""
LIFE_S: Final = 0.5
"""How often the task hears from us at least."""


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
    leave_the_group()
    parent = task_handles()
    mouth = Mouth(reports)
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
    raise_priority()
    gc.freeze()
    gc.disable()
    box = BlackBox(record) if record is not None else None

    def report(found: CuffReport) -> None:
        mouth.say(found)
        if box is not None:
            box.take(found)

    watch = Watch(address, settings, wire, cuff, identity, clock, report)
    stop_line = StopLine(f"{address.driver} on {address.port}")
    process = _Process(watch, stop_line, mouth, clock, try_on_s=settings.try_on_s)
    mouth.say(identity)
    if stop_line.problem is not None:
        message = f"the stop command cannot reach this cuff: {stop_line.problem}"
        report(LinkNote(time_s=clock.now_s(), code="no_stop_line", message=message))
    try:
        if parent is not None:
            process.serve(orders, parent, heart)
    finally:
        process.end_vented()
        stop_line.close()
        mouth.finish(0.5)
        if box is not None:
            box.finish(2.0)
        watch.close()


class _Process:
    """The supervisor's loop: what it waits for, and who is heard."""

    def __init__(
        self,
        watch: Watch,
        stop_line: StopLine,
        mouth: Mouth,
        clock: RealClock,
        *,
        try_on_s: float,
    ) -> None:
        self._try_on_s = try_on_s
        self._watch, self._stop_line, self._mouth, self._clock = watch, stop_line, mouth, clock
        self._life_s = 0.0

    def serve(self, orders: Connection, parent: list[int], heart: Any) -> None:
        """Step until the task closes the order pipe or is gone."""
        watch, clock = self._watch, self._clock
        while True:
            ready = self._wait([orders, *parent])
            if any(handle in ready for handle in parent):
                return
            now_s = clock.now_s()
            watch.heart(heart.value, now_s)
            if orders in ready and not self._take_orders(orders, now_s):
                return
            self._turn()

    def _take_orders(self, orders: Connection, now_s: float) -> bool:
        """Carry orders out; return whether the task is still there.

        An order is smaller than what a pipe takes in one piece, so none is ever half here.
        """
        try:
            for _ in range(ORDERS_AT_ONCE):
                if not orders.poll():
                    break
                order: Order | None = orders.recv()
                if order is None:
                    return False
                self._watch.handle(order, now_s)
        except (EOFError, OSError):
            return False
        return True

    def end_vented(self) -> None:
        """Vent, whatever ended the loop, and go on until the pressure confirms it."""
        watch, clock = self._watch, self._clock
        with contextlib.suppress(Exception):  # whatever it is, the loop below tries again
            watch.vent(clock.now_s())
        begun_s = clock.now_s()
        while watch.venting and not watch.hopeless and self._goes_on(clock.now_s(), begun_s):
            self._wait([])
            self._turn_whatever_happens()
        watch.give_up(clock.now_s())
        until_s = clock.now_s() + ANSWER_S if watch.stopped else 0.0
        while clock.now_s() < until_s:  # whoever stopped it is told what became of that
            self._wait([])
            self._turn()

    def _turn_whatever_happens(self) -> None:
        """Go on, also after a mistake in a driver: it must not end the venting."""
        try:
            self._turn()
        except Exception:  # noqa: BLE001  whatever it is
            with contextlib.suppress(Exception):
                self._watch.vent(self._clock.now_s())

    def _goes_on(self, now_s: float, begun_s: float) -> bool:
        """Return whether to go on venting: as long as pressure is shown, for an hour where nobody knows.

        A cuff that answers, reads low and is only not believed (a hose that came off) is let go sooner:
        the next run needs its port.
        """
        long_s = self._try_on_s if self._watch.out_of_reach(now_s) else DOUBT_S
        return self._watch.pressure_shown(now_s) or now_s < begun_s + min(long_s, self._try_on_s)

    def _wait(self, others: list[Any]) -> list[Any]:
        """Wait until something is to be read or due."""
        now_s = self._clock.now_s()
        wait_s = min(SLICE_S, max(BREATH_S, self._watch.next_due_s(now_s) - now_s))
        if os.name != "posix":
            # a Windows COM handle cannot be waited for with the rest, nor can a datagram socket
            self._clock.sleep_until(now_s + min(wait_s, 0.001))
            return connection.wait(others, timeout=0.0) if others else []
        with contextlib.suppress(OSError, ValueError):  # a wire that goes away while we wait for it
            mine = (self._watch.fileno(), self._stop_line.fileno())
            return connection.wait([*others, *(n for n in mine if n is not None)], timeout=wait_s)
        self._clock.sleep_until(now_s + 0.001)
        return connection.wait(others, timeout=0.0)

    def _turn(self) -> None:
        """Hear the operator, do what is due on the wire, show that we live."""
        now_s = self._clock.now_s()
        stop, callers = self._stop_line.hear()
        if stop:
            self._watch.stop(now_s)
        self._watch.step(now_s)
        if callers:
            self._stop_line.answer(callers, *self._watch.stop_state())
        if now_s >= self._life_s:
            self._life_s = now_s + LIFE_S
            self._mouth.show_life()
