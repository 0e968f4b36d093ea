"""The supervisor: owns the wire, carries out programs on time, judges every sample, vents.

Only logic, stepped with the time passed in: `hardware.supervisor_process` runs it beside the task
in real time, `hardware.inprocess` on a virtual clock. It never waits and never trusts the task:
what the task asks is checked again here, and silence of the task vents.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hardware.cuff import CuffDriver
from hardware.errors import HardwareError
from hardware.interlock import DISCONNECT, Interlock, InterlockSettings
from hardware.limits import LEAST_MMHG, Limits
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    Identity,
    Program,
    Refusal,
    Sample,
    VentReport,
)
from hardware.states import StopReason

HEARTBEAT_S: Final = 0.1
"""Four heartbeats fit into the device's lease of 400 ms."""
REPEAT_VENT_S: Final = 0.25
"""How often an unconfirmed vent is asked for again."""
TOO_LATE_S: Final = 0.05
"""A program handed over later than this after its onset is refused: a late inflation is a wrong one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSettings:
    """How the cuff is supervised. ``patience_s``: longest silence of the task while armed."""

    limits: Limits
    patience_s: float
    interlock: InterlockSettings


@dataclass(frozen=True, slots=True)
class Arm:
    """Order: arm the cuff."""


@dataclass(frozen=True, slots=True)
class Load:
    """Order: carry out this program when it is due."""

    program: Program


@dataclass(frozen=True, slots=True)
class Vent:
    """Order: empty the cuff now and disarm."""


Order = Arm | Load | Vent


class Supervisor:
    """One cuff under supervision.

    Parameters
    ----------
    cuff
        The driver, its wire open.
    identity
        What the device said of itself.
    report
        Takes every report, in order. Must not block and must not raise.
    """

    def __init__(
        self,
        cuff: CuffDriver,
        identity: Identity,
        settings: SupervisorSettings,
        report: Callable[[CuffReport], None],
    ) -> None:
        self._cuff, self._report, self._set = cuff, report, settings
        self._ceiling_mmhg = min(settings.limits.ceiling_mmhg, identity.ceiling_mmhg)
        rules = settings.interlock
        if not cuff.capabilities.shows_noise:  # it may repeat itself and still measure
            rules = dataclasses.replace(rules, frozen_s=None)
        self._interlock = Interlock(rules, device_ceiling_mmhg=identity.ceiling_mmhg)
        self._armed = False
        self._link_up = True
        self._loaded: Program | None = None
        self._running: Program | None = None
        self._last_offset_s: float | None = None
        self._vent_started_s: float | None = None
        self._vent_asked_s = 0.0
        self._dumped = False
        self._heart: int | None = None
        self._heart_s = 0.0
        self._heartbeat_due_s = 0.0

    @property
    def venting(self) -> bool:
        """Return whether a vent was begun that the pressure has not confirmed."""
        return self._vent_started_s is not None

    @property
    def link_up(self) -> bool:
        """Return whether the wire still answers."""
        return self._link_up

    def heart(self, count: int, now_s: float) -> None:
        """Take the task's sign of life: a count that changes."""
        if count != self._heart:
            self._heart, self._heart_s = count, now_s

    def handle(self, order: Order, now_s: float) -> None:
        """Carry out or refuse an order of the task."""
        match order:
            case Arm():
                self._arm(now_s)
            case Load(program):
                self._load(program, now_s)
            case Vent():
                self.vent(now_s)

    def _arm(self, now_s: float) -> None:
        if self._interlock.fault is not None:
            self._refuse("arm", None, now_s, "a fault is latched: start a new run")
            return
        self._heart_s = now_s
        self._armed = True
        self._dumped = False
        self._interlock.armed(now_s)
        self._beat(now_s)  # a device without a live heartbeat does not arm
        self._guarded(now_s, lambda: self._cuff.arm(ceiling_mmhg=self._ceiling_mmhg))

    def _load(self, program: Program, now_s: float) -> None:
        problem = self._problem_with(program, now_s)
        if problem is None:
            self._loaded = program
            self._guarded(now_s, lambda: self._cuff.prepare(program))
        else:
            self._refuse("load", program.number, now_s, problem)

    def _problem_with(self, program: Program, now_s: float) -> str | None:
        limits, on_s = self._set.limits, program.offset_s - program.onset_s
        gap_s = self._gap_s(program)
        if not self._armed:
            return "the cuff is not armed"
        # each comparison is written so that NaN is a problem
        if not LEAST_MMHG <= program.target_mmhg <= self._ceiling_mmhg:
            return (
                f"{program.target_mmhg:g} mmHg is outside {LEAST_MMHG:g} to {self._ceiling_mmhg:g}"
            )
        if not 0.0 < on_s <= limits.inflation_s:
            return f"{on_s:g} s of inflation is outside 0 to {limits.inflation_s:g} s"
        if not program.onset_s >= now_s - TOO_LATE_S:
            return f"handed over {now_s - program.onset_s:.3f} s after its onset"
        if gap_s is not None and not gap_s >= limits.gap_s - TOO_LATE_S:
            return f"only {gap_s:.1f} s after the last inflation, {limits.gap_s:g} s are needed"
        if self._loaded is not None:
            return "another inflation waits already"
        return None

    def _gap_s(self, program: Program) -> float | None:
        if self._running is not None:
            return program.onset_s - self._running.offset_s
        return None if self._last_offset_s is None else program.onset_s - self._last_offset_s

    def _refuse(self, command: str, program: int | None, now_s: float, message: str) -> None:
        self._report(Refusal(command=command, program=program, time_s=now_s, message=message))

    def vent(self, now_s: float) -> None:
        """Empty the cuff and disarm, whatever else is going on. Asking twice does no harm."""
        self._loaded = None
        self._armed = False
        self._interlock.disarmed()
        self._interlock.venting(now_s)
        if self._running is not None:
            self._last_offset_s = now_s
            self._running = None
        if self._vent_started_s is None:
            self._vent_started_s = now_s
        self._dumped = True
        self._ask_vent(now_s)

    def _ask_vent(self, now_s: float) -> None:
        if self._try_vent(now_s):
            self._report(
                CommandReport(
                    command="vent",
                    program=None,
                    planned_s=None,
                    sent_s=now_s,
                    acknowledged_s=None,
                    commanded_mmhg=None,
                    acknowledged_mmhg=None,
                )
            )

    def _try_vent(self, now_s: float) -> bool:
        """Send the vent, also on a link that was given up: it may be back."""
        self._vent_asked_s = now_s
        if self._link_up:
            return self._guarded(now_s, self._cuff.vent)
        with contextlib.suppress(HardwareError):
            self._cuff.vent()
        return False

    def step(self, now_s: float) -> None:
        """Read, judge, and do what is due. Call it when the wire has bytes and at `next_due_s`."""
        self._start_and_end(now_s)
        self._listen(now_s)
        self._judge(now_s)
        if self._armed and now_s >= self._heartbeat_due_s:
            self._beat(now_s)
        self._confirm_vent(now_s)

    def _beat(self, now_s: float) -> None:
        """Renew the device's lease: only while the task lives and nothing is wrong."""
        self._heartbeat_due_s = now_s + HEARTBEAT_S
        self._guarded(now_s, self._cuff.heartbeat)

    def _start_and_end(self, now_s: float) -> None:
        loaded, running = self._loaded, self._running
        if running is not None and now_s >= running.offset_s:
            self._running = None
            self._last_offset_s = now_s
            self._vent_started_s = now_s
            self._vent_asked_s = now_s
            self._interlock.venting(now_s)
            self._guarded(now_s, lambda: self._cuff.end(running))
        elif loaded is not None and now_s >= loaded.onset_s:
            self._loaded = None
            if now_s > loaded.onset_s + TOO_LATE_S:
                late_s = now_s - loaded.onset_s
                self._refuse("go", loaded.number, now_s, f"it was {late_s:.3f} s too late to start")
            elif self.venting:
                self._refuse("go", loaded.number, now_s, "the cuff is not empty yet")
            else:
                self._running = loaded
                self._interlock.inflating(loaded)
                self._guarded(now_s, lambda: self._cuff.inflate(loaded))

    def _listen(self, now_s: float) -> None:
        def listen() -> None:
            for report in self._cuff.poll():
                if isinstance(report, FaultReport):
                    self._fail(self._interlock.latch(report), now_s)
                    continue
                self._report(report)
                if isinstance(report, Sample):
                    self._fail(self._interlock.judge_sample(report), now_s)
                elif isinstance(report, Refusal):
                    self._refused(report, now_s)
                elif isinstance(report, CommandReport):
                    self._check_evidence(report, now_s)

        self._guarded(now_s, listen)

    def _refused(self, refusal: Refusal, now_s: float) -> None:
        """Act on a command that the device did not take: without it the plan is not what runs."""
        if refusal.command == "end":
            self.vent(now_s)  # it did not take the end of an inflation
        elif refusal.command in ("arm", "go"):
            self._fail(
                self._interlock.latch(
                    FaultReport(
                        reason=StopReason.CUFF_FAULT,
                        code=f"{refusal.command}_refused",
                        time_s=now_s,
                        message=refusal.message,
                        do="make sure that the cuff is empty, then start a new run",
                    )
                ),
                now_s,
            )

    def _check_evidence(self, report: CommandReport, now_s: float) -> None:
        asked, taken = report.commanded_mmhg, report.acknowledged_mmhg
        if asked is not None and taken is not None and not abs(asked - taken) < 0.05:
            fault = FaultReport(
                reason=StopReason.CUFF_FAULT,
                code="wrong_acknowledgement",
                time_s=now_s,
                message=f"asked for {asked:g} mmHg, the device took {taken:g}",
                do="do not use this device; check its firmware",
            )
            self._fail(self._interlock.latch(fault), now_s)

    def _judge(self, now_s: float) -> None:
        self._fail(self._interlock.judge_time(now_s), now_s)
        if self._armed and not now_s - self._heart_s <= self._set.patience_s:
            fault = FaultReport(
                reason=StopReason.TASK_SILENT,
                code="task_silent",
                time_s=now_s,
                message=f"no sign of life from the task for {self._set.patience_s:g} s",
                do="the cuff was vented; look for what kept the task from working",
            )
            self._fail(self._interlock.latch(fault), now_s)

    def _fail(self, fault: FaultReport | None, now_s: float) -> None:
        if fault is not None:
            self.vent(now_s)
            self._report(fault)

    def _confirm_vent(self, now_s: float) -> None:
        started_s = self._vent_started_s
        if started_s is None:
            return
        if self._interlock.vent_confirmed():
            self._vent_started_s = None
            self._report_vent(started_s, now_s, confirmed=True)
        elif now_s - self._vent_asked_s >= REPEAT_VENT_S and self._dumped:
            self._try_vent(now_s)
        elif now_s - started_s >= self._set.interlock.vent_s and not self._dumped:
            self.vent(now_s)  # the planned end did not empty the cuff

    def give_up(self, now_s: float) -> None:
        """Report a vent that could not be confirmed (the process is about to end)."""
        if self._vent_started_s is not None:
            self._report_vent(self._vent_started_s, now_s, confirmed=False)

    def _report_vent(self, started_s: float, now_s: float, *, confirmed: bool) -> None:
        residual = self._interlock.measured_mmhg
        self._report(
            VentReport(
                started_s=started_s, time_s=now_s, confirmed=confirmed, residual_mmhg=residual
            )
        )

    def _guarded(self, now_s: float, action: Callable[[], None]) -> bool:
        """Do something on the wire; a lost link is a fault, never an exception."""
        if not self._link_up:
            return False
        try:
            action()
        except HardwareError as error:
            self._link_up = False
            self._loaded = self._running = None
            self._armed = False
            self._dumped = True
            self._interlock.disarmed()
            fault = FaultReport(
                reason=StopReason.CUFF_LINK_LOST,
                code="link_lost",
                time_s=now_s,
                message=error.what,
                do=DISCONNECT,
            )
            latched = self._interlock.latch(fault)
            if latched is not None:
                self._report(latched)
            if self._vent_started_s is None:
                self._vent_started_s = (
                    now_s  # nothing confirms it: the device's own lease has to vent
                )
            return False
        return True

    def next_due_s(self, now_s: float) -> float:
        """Return when `step` has something to do even if the wire stays silent."""
        due = [now_s + 0.02]
        if self._loaded is not None:
            due.append(self._loaded.onset_s)
        if self._running is not None:
            due.append(self._running.offset_s)
        if self._armed:
            due.append(self._heartbeat_due_s)
        answer_s = self._cuff.next_due_s()
        if answer_s is not None:
            due.append(answer_s)
        return min(due)
