"""The device in this process, without a supervisor: for checks at rest, and to stop kicking on purpose.

Nobody renews the device's lease but `listen`, and `close` vents before it lets the wire go.
"""

import contextlib
import os
from collections.abc import Callable
from multiprocessing import connection
from typing import Final

from hardware.clock import Clock
from hardware.cuff import Capabilities, CuffDriver
from hardware.errors import HardwareError
from hardware.pressure_rules import LEAST_EMPTY_MMHG, higher_mmhg
from hardware.readings import CommandReport, CuffReport, FaultReport, Identity, Refusal, Sample
from hardware.registry import CuffAddress, build_driver, open_wire
from hardware.states import PRESSURISED_STATES, CuffState
from hardware.stop_line import EMPTY, VENTING, StopLine
from hardware.supervisor import HEARTBEAT_S
from hardware.transport import SerialTransport
from scc_task.doctor.inflation import EMPTY_MMHG, REST_MMHG

SLICE_S: Final = 0.005
EMPTY_S: Final = 3.0
REST_S: Final = 3.0
ARM_S: Final = 16.0
"""A device may test itself first, with a puff that counts as empty, and try its own watchdog."""
REPEAT_VENT_S: Final = 0.25
ANSWER_S: Final = 0.5


class DirectCuff:
    """One device, its wire open. Use it as a context manager: the end of it vents.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened.
    """

    def __init__(self, address: CuffAddress, clock: Clock) -> None:
        self._clock = clock
        self._wire: SerialTransport = open_wire(address)
        self.driver: CuffDriver = build_driver(address, self._wire, clock)
        self._stop_line = StopLine(f"doctor, {address.driver} on {address.port}")
        self._stopped = self._closing = False
        self._last_mmhg: float | None = None
        self._beat_due_s = 0.0
        self._identified = False
        self.last_beat_s = 0.0
        self.empty: bool | None = None
        """Whether the last sample after closing showed an empty cuff; ``None``: not known."""

    def __enter__(self) -> "DirectCuff":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def can(self) -> Capabilities:
        """Return what the device can do."""
        return self.driver.capabilities

    def identify(self) -> Identity:
        """Return who is there; see `hardware.cuff.CuffDriver.identify`."""
        identity = self.driver.identify()
        self._identified = True
        return identity

    def listen(
        self,
        for_s: float,
        *,
        beat: bool = False,
        until: Callable[[CuffReport], bool] = lambda report: False,
    ) -> list[CuffReport]:
        """Return what the device says, for some time or until it says something.

        Parameters
        ----------
        beat
            Whether to renew the device's lease meanwhile.
        """
        heard: list[CuffReport] = []
        deadline_s = self._clock.now_s() + for_s
        while (now_s := self._clock.now_s()) < deadline_s:
            if beat and now_s >= self._beat_due_s:
                self._beat_due_s, self.last_beat_s = now_s + HEARTBEAT_S, now_s
                self.driver.heartbeat()
            for report in self.driver.poll():
                heard.append(report)
                if isinstance(report, Sample):
                    self._last_mmhg = higher_mmhg(report)
                if until(report):
                    return heard
            self._hear_stop()
            self._wait()
        return heard

    def _hear_stop(self) -> None:
        """Vent for `run_task.py stop`, and end as for Ctrl-C; while closing, only tell what became of it.

        Raises
        ------
        KeyboardInterrupt
            The first time.
        """
        stop, callers = self._stop_line.hear()
        if callers:
            self._stop_line.answer(callers, EMPTY if self.empty else VENTING, self._last_mmhg)
        if stop and not self._stopped:
            self._stopped = True
            self.driver.vent()
            if not self._closing:  # or the wait for an empty cuff would be broken off
                raise KeyboardInterrupt

    def rest(self) -> bool:
        """Wait until the device shows an empty cuff that nothing fills, and say whether it did."""
        if not self.can.measures_pressure:
            return True
        return any(map(_at_rest, self.listen(REST_S, until=_at_rest)))

    def arm(self, *, ceiling_mmhg: float) -> str:
        """Arm the device, its lease renewed meanwhile; return why it did not, or ``""``."""
        self.listen(2 * HEARTBEAT_S, beat=True)  # a device without a live heartbeat does not arm
        self.driver.arm(ceiling_mmhg=ceiling_mmhg)
        for report in self.listen(ARM_S, beat=True, until=_answers_arm):
            if isinstance(report, CommandReport) and report.command == "arm":
                return ""
            if isinstance(report, Refusal | FaultReport):
                return report.message
        return f"it did not say within {ARM_S:g} s that it is armed"

    def close(self) -> None:
        """Vent, wait for an empty cuff, let the wire go. Never raises."""
        self._closing = True
        with contextlib.suppress(HardwareError):
            deadline_s = self._clock.now_s() + EMPTY_S
            self.driver.vent()
            while self._identified and self._clock.now_s() < deadline_s and not self.empty:
                self.driver.vent()
                for report in self.listen(REPEAT_VENT_S, until=is_empty):
                    if isinstance(report, Sample):
                        self.empty = is_empty(report)
                if not self.can.measures_pressure:
                    break
            if self._stopped:  # whoever stopped it is told what became of that
                self.listen(ANSWER_S)
        self._stop_line.close()
        self.driver.close()

    def _wait(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(OSError, ValueError):  # the next poll says that it is gone
                connection.wait([self._wire.fileno()], timeout=SLICE_S)
        else:  # a Windows COM handle cannot be waited for
            self._clock.sleep_until(self._clock.now_s() + 0.001)


def is_empty(report: CuffReport) -> bool:
    """Return whether this is a sample of an empty cuff with an open valve."""
    return (
        isinstance(report, Sample)
        and LEAST_EMPTY_MMHG <= higher_mmhg(report) < EMPTY_MMHG
        and report.state not in PRESSURISED_STATES
    )


def _at_rest(report: CuffReport) -> bool:
    return (
        isinstance(report, Sample)
        and report.measured_mmhg < REST_MMHG
        and report.state in (CuffState.IDLE, CuffState.ARMED, CuffState.FAULT)
    )


def _answers_arm(report: CuffReport) -> bool:
    return (isinstance(report, CommandReport | Refusal) and report.command == "arm") or isinstance(
        report, FaultReport
    )
