"""The task's end of the supervisor: starts the process, hands orders over, never blocks."""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.process
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, Final

from hardware.clock import Clock
from hardware.ear import Ear
from hardware.errors import HardwareError, HardwareUnavailable
from hardware.readings import CuffReport, FaultReport, Identity, Program
from hardware.registry import DRIVERS, CuffAddress, build_driver, open_wire
from hardware.serial_ports import is_pseudo_terminal
from hardware.states import StopReason
from hardware.supervisor import Arm, Load, Order, SupervisorSettings, Vent
from hardware.supervisor_process import supervise

READY_S: Final = 15.0
"""A supervisor starts in 0.1 to 0.3 s (measured); a loaded machine gets more."""
VENT_FOR_S: Final = 5.0
"""How long the task itself vents a cuff whose supervisor is lost."""
VENT_AGAIN_S: Final = 0.25
SILENT_S: Final = 2.0
"""A supervisor that lives says something every 0.5 s, whether or not it hears from the cuff."""
CLOSE_S: Final = 6.0
"""How long a goodbye is waited for: a cuff that vents takes 1 to 3 s, and writing the rest 2 s more."""


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C for the moment in which a child takes over our way with signals."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread: nobody handles signals here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _to_the_terminal(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be gone
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class SupervisedCuff:
    """A cuff in the hands of a supervisor process of its own.

    Parameters
    ----------
    address
        Which device, on which port.
    settings
        Limits and patience.
    clock
        The machine's clock, for the time of a lost supervisor.
    record
        Where the supervisor keeps a record of its own; none if not given.
    say
        Told, in words for the operator, when the supervisor stays behind with a cuff that is not empty.
    """

    def __init__(
        self,
        address: CuffAddress,
        settings: SupervisorSettings,
        clock: Clock,
        *,
        record: Path | None = None,
        say: Callable[[str], None] = _to_the_terminal,
    ) -> None:
        # spawn on every platform: a fork would carry the window, and its locks, into the guard
        self._context = multiprocessing.get_context("spawn")
        self._address, self._settings, self._clock = address, settings, clock
        self._record, self._say = record, say
        self._heart: Any = RawValue(ctypes.c_uint64, 0)
        self._process: multiprocessing.process.BaseProcess | None = None
        self._orders: Connection | None = None
        self._ear: Ear | None = None
        self._ready = False
        self.left_behind = False
        self._lost = False

    @property
    def pid(self) -> int | None:
        """Return the supervisor's process id."""
        return self._process.pid if self._process is not None else None

    def open(self) -> Identity:
        """Start the supervisor and return who is at the end of the wire.

        Raises
        ------
        HardwareUnavailable
            If there is no device, or the process does not come up.
        """
        orders_out, self._orders = self._context.Pipe(duplex=False)
        reports_out, reports_in = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=supervise,
            args=(
                self._address,
                self._settings,
                orders_out,
                reports_in,
                self._heart,
                self._record,
            ),
            name="cuff supervisor",
            daemon=False,
        )
        with _deaf_to_ctrl_c():  # until it has left our process group, it would die of one
            self._process.start()
        # our copies of the far ends must go, or their end of file never comes
        orders_out.close()
        reports_in.close()
        if os.name == "posix":  # an order that finds no room is dropped: who is not read is vented
            os.set_blocking(self._orders.fileno(), False)
        self._ear = Ear(reports_out, self._clock)
        first = self._ear.first(READY_S)
        if isinstance(first, Identity):
            self._ready = True
            return first
        self.close()
        if isinstance(first, HardwareError):
            raise first
        raise HardwareUnavailable(
            "the cuff's supervisor did not start",
            where=self._address.port,
            do="start the run again; nothing was inflated",
        )

    def arm(self) -> None:
        """Ask for arming."""
        self._order(Arm())

    def load(self, program: Program) -> None:
        """Hand over an inflation."""
        self._order(Load(program))

    def vent(self) -> None:
        """Ask for venting. Never raises: for a supervisor that is gone `poll` vents."""
        self._order(Vent())

    def _order(self, order: Order | None) -> None:
        if self._orders is not None:
            with contextlib.suppress(OSError, ValueError):
                self._orders.send(order)

    def beat(self) -> None:
        """Show a sign of life."""
        self._heart.value += 1

    def poll(self) -> Sequence[CuffReport]:
        """Return the reports since the last poll; a lost supervisor is reported once, as a fault."""
        if self._ear is None or self._lost:
            return []
        now_s = self._clock.now_s()
        found = self._ear.heard(now_s)
        if self._ear.ended:
            found.append(self._lose(now_s, "the process that drives the cuff has ended"))
        elif self._ear.silent_s(now_s) > SILENT_S:
            found.append(self._lose(now_s, "the process that drives the cuff does not answer"))
        return found

    def _lose(self, now_s: float, message: str) -> FaultReport:
        self._lost = True
        threading.Thread(target=self._vent_in_its_place, daemon=True, name="last vent").start()
        able = DRIVERS[self._address.driver].capabilities
        if able.own_watchdog:
            otherwise = "the device's own watchdog vents it too"
        elif able.finite_programs:
            otherwise = "by itself the device only ends at the planned time"
        else:
            otherwise = "by itself the device never vents"
        return FaultReport(
            reason=StopReason.SUPERVISOR_LOST,
            code="supervisor_lost",
            time_s=now_s,
            message=message,
            do=f"disconnect the hose from the cuff now; the port is opened again to vent; {otherwise}",
        )

    def _vent_in_its_place(self) -> None:
        """Take the port from a supervisor that is dead or stuck, and vent: never anything else."""
        process = self._process
        if process is not None and process.is_alive():
            process.kill()  # it holds the port, and does nothing with it
            process.join(1.0)
        end_s = self._clock.now_s() + VENT_FOR_S
        while self._clock.now_s() < end_s:
            with contextlib.suppress(Exception):  # whatever it is, the next try comes
                wire = open_wire(self._address)
                try:
                    cuff = build_driver(self._address, wire, self._clock)
                    cuff.vent()
                    with contextlib.suppress(HardwareError):
                        cuff.identify()  # some have to know who answers before they can be heard
                    while self._clock.now_s() < end_s:
                        cuff.vent()
                        again_s = self._clock.now_s() + VENT_AGAIN_S
                        while self._clock.now_s() < again_s:
                            for _ in cuff.poll():
                                pass
                            self._clock.sleep_until(self._clock.now_s() + 0.01)
                finally:
                    wire.close()
            if is_pseudo_terminal(self._address.port):
                return  # it has vanished, and its name is soon somebody else's
            self._clock.sleep_until(self._clock.now_s() + VENT_AGAIN_S)

    def next_due_s(self) -> float | None:
        """Return ``None``: reports come when they come."""
        return None

    def close(self) -> None:
        """Say goodbye: the supervisor vents, confirms and ends. Waits for that, but not for ever.

        A supervisor that still tries to empty the cuff is left behind, and goes on.
        """
        process, self._process = self._process, None
        if process is None:
            return
        self._order(None)
        if self._orders is not None:
            self._orders.close()  # says the same, also when there was no room for the order
            self._orders = None
        ear, deadline_s = self._ear, self._clock.now_s() + CLOSE_S
        while process.is_alive() and self._clock.now_s() < deadline_s:
            process.join(0.1)
            if ear is not None:
                ear.heard(self._clock.now_s())
        if process.is_alive():
            lives = ear is not None and ear.silent_s(self._clock.now_s()) <= SILENT_S
            if lives and self._ready:
                self._leave_behind(process)
            else:  # stopped or stuck
                process.kill()
                process.join(1.0)
                if self._ready and not self._lost:  # otherwise it is done already
                    self._vent_in_its_place()
        if ear is not None:
            ear.close(0.5)
            self._ear = None

    def _leave_behind(self, process: multiprocessing.process.BaseProcess) -> None:
        self.left_behind = True
        # or Python waits for it at the program's end, and the operator with it
        multiprocessing.process._children.discard(process)  # type: ignore[attr-defined]  # noqa: SLF001
        self._say(
            f"The cuff on {self._address.port} was not seen to empty. Process {process.pid} stays and goes on"
            " trying to vent it; see how far it is with: run_task.py stop"
        )
