"""The task's end of the supervisor: starts the process, hands orders over, never blocks."""

import contextlib
import ctypes
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import HardwareError, HardwareUnavailable
from hardware.readings import CuffReport, FaultReport, Identity, Program
from hardware.registry import CuffAddress
from hardware.states import StopReason
from hardware.supervisor import Arm, Load, Order, SupervisorSettings, Vent
from hardware.supervisor_process import LAST_WORDS_S, supervise

READY_S: Final = 15.0
"""A supervisor starts in 0.1 to 0.3 s (measured); a loaded machine gets more."""
SILENT_S: Final = 2.0
"""A supervisor that lives reports 50 samples a second, or that it has lost them."""


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
    """

    def __init__(
        self,
        address: CuffAddress,
        settings: SupervisorSettings,
        clock: Clock,
        *,
        record: Path | None = None,
    ) -> None:
        # spawn on every platform: a fork would carry the window, and its locks, into the guard
        self._context = multiprocessing.get_context("spawn")
        self._address, self._settings, self._clock = address, settings, clock
        self._record = record
        self._heart: Any = RawValue(ctypes.c_uint64, 0)
        self._process: multiprocessing.process.BaseProcess | None = None
        self._orders: Connection | None = None
        self._reports: Connection | None = None
        self._lost = False
        self._early: list[CuffReport] = []
        self._heard_s = 0.0

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
        self._reports, reports_in = self._context.Pipe(duplex=False)
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
        first = self._first_report()
        self._heard_s = self._clock.now_s()
        if isinstance(first, Identity):
            return first
        self.close()
        if isinstance(first, HardwareError):
            raise first
        raise HardwareUnavailable(
            "the cuff's supervisor did not start",
            where=self._address.port,
            do="start the run again; nothing was inflated",
        )

    def _first_report(self) -> object:
        assert self._reports is not None  # noqa: S101  open() has just made it
        with contextlib.suppress(EOFError, OSError):
            if self._reports.poll(READY_S):
                batch = self._reports.recv()
                self._early = batch[1:]
                return batch[0]
        return None

    def arm(self) -> None:
        """Ask for arming."""
        self._order(Arm())

    def load(self, program: Program) -> None:
        """Hand over an inflation."""
        self._order(Load(program))

    def vent(self) -> None:
        """Ask for venting. Never raises: a supervisor that is gone has vented."""
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
        found: list[CuffReport] = self._early
        self._early = []
        if self._reports is None or self._lost:
            return found
        now_s = self._clock.now_s()
        try:
            while self._reports.poll():
                found += [report for report in self._reports.recv() if report is not None]
                self._heard_s = now_s
        except (EOFError, OSError):
            found.append(self._lose(now_s, "the process that drives the cuff has ended"))
        else:
            if now_s - self._heard_s > SILENT_S:
                found.append(self._lose(now_s, "the process that drives the cuff does not answer"))
        return found

    def _lose(self, now_s: float, message: str) -> FaultReport:
        self._lost = True
        return FaultReport(
            reason=StopReason.SUPERVISOR_LOST,
            code="supervisor_lost",
            time_s=now_s,
            message=message,
            do="disconnect the hose from the cuff now; the device vents by its own lease",
        )

    def next_due_s(self) -> float | None:
        """Return ``None``: reports come when they come."""
        return None

    def close(self) -> None:
        """Say goodbye: the supervisor vents, confirms and ends. Waits for that."""
        process, self._process = self._process, None
        if process is None:
            return
        self._order(None)
        process.join(LAST_WORDS_S + 2.0)
        if process.is_alive():  # stopped or stuck: the device's own lease has vented long ago
            process.kill()
            process.join(1.0)
        for end in (self._orders, self._reports):
            if end is not None:
                end.close()
        self._orders = self._reports = None
