"""The supervisor: owns the wire, carries out programs on time, judges every sample, vents.

Only logic, stepped with the time passed in: `hardware.supervisor_process` runs it beside the task
in real time, `hardware.inprocess` on a virtual clock. It never waits and never trusts the task:
what the task asks is checked again here, and silence of the task vents.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hardware.cuff import CuffDriver
from hardware.errors import HardwareError
from hardware.interlock import Given, Interlock
from hardware.interlock_table import CHECK_CUFF, DISCONNECT, InterlockSettings
from hardware.limits import Limits
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    Identity,
    LinkNote,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSettings:
    """How the cuff is supervised, and what this session has ``given`` the participant before.

    ``try_on_s``: how long a supervisor whose task is gone goes on trying to vent a cuff that it cannot
    reach; one that shows pressure is tried without end.
    """

    limits: Limits
    interlock: InterlockSettings
    given: Given = field(default_factory=Given)
    try_on_s: float = 3600.0


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
    distrust
        The sensors are known to say nothing of this cuff: they confirm no vent.
    was_high
        The cuff was under a high pressure when it was last seen, and its wire was away since.
    """

    def __init__(
        self,
        cuff: CuffDriver,
        identity: Identity,
        settings: SupervisorSettings,
        report: Callable[[CuffReport], None],
        *,
        distrust: bool = False,
        was_high: bool = False,
    ) -> None:
        self._cuff, self._report = cuff, report
        able = cuff.capabilities
        rules = dataclasses.replace(settings.interlock, fall_s=able.fastest_fall_s)
        if not able.shows_noise:  # it may repeat itself and still measure
            rules = dataclasses.replace(rules, frozen_s=None)
        self._interlock = Interlock(
            rules,
            limits=settings.limits,
            device_ceiling_mmhg=identity.ceiling_mmhg,
            measures=able.measures_pressure,
            given=settings.given,
            distrust=distrust,
            was_high=was_high,
        )
        self._measures = able.measures_pressure
        self._link_up = True
        self._loaded: Program | None = None
        self._running: Program | None = None
        self._vent_asked_s = 0.0
        self._dumped = False
        self._heart: int | None = None
        self._heartbeat_due_s = 0.0

    @property
    def venting(self) -> bool:
        """Return whether a vent was begun that the pressure has not confirmed."""
        return self._interlock.vent_since_s is not None

    @property
    def trusted(self) -> bool:
        """Return whether the sensors may still say that the cuff is empty."""
        return self._interlock.trusted

    @property
    def falls(self) -> bool:
        """Return whether a high pressure has been read that was not seen to fall to empty."""
        return self._interlock.falls

    @property
    def link_up(self) -> bool:
        """Return whether the wire still answers."""
        return self._link_up

    def heart(self, count: int, now_s: float) -> None:
        """Take the task's sign of life: a count that changes."""
        if count != self._heart:
            self._heart = count
            self._interlock.task_alive(now_s)

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
        refusal = self._interlock.arm(now_s)
        if refusal is not None:
            self._refuse("arm", None, now_s, refusal)
            return
        self._dumped = False
        self._beat(now_s)  # a device without a live heartbeat does not arm
        self._guarded(now_s, lambda: self._cuff.arm(ceiling_mmhg=self._interlock.ceiling_mmhg))

    def _load(self, program: Program, now_s: float) -> None:
        problem = self._interlock.judge_load(program, now_s) or self._unable(program)
        if problem is None and self._loaded is not None:
            problem = "another inflation waits already"
        if problem is None:
            self._loaded = program
            self._guarded(now_s, lambda: self._cuff.prepare(program))
        else:
            self._refuse("load", program.number, now_s, problem)

    def _unable(self, program: Program) -> str | None:
        able, on_s = self._cuff.capabilities, program.offset_s - program.onset_s
        if program.rise_s and not able.ramps:
            return "this device cannot raise the pressure along a line"
        if able.longest_s is not None and not on_s <= able.longest_s:
            return f"this device takes {able.longest_s:g} s at most"
        return None

    def _refuse(self, command: str, program: int | None, now_s: float, message: str) -> None:
        self._report(Refusal(command=command, program=program, time_s=now_s, message=message))

    def vent(self, now_s: float) -> None:
        """Empty the cuff and disarm, whatever else is going on. Asking twice does no harm."""
        self._loaded = self._running = None
        self._interlock.vent(now_s)
        self._dumped = True
        self._ask_vent(now_s)

    def stop(self, now_s: float, message: str) -> None:
        """Vent because the operator says so, and latch it: the run is over, whatever the task thinks."""
        fault = FaultReport(
            reason=StopReason.OPERATOR,
            code="operator_stop",
            time_s=now_s,
            message=message,
            do=CHECK_CUFF,
        )
        self.vent(now_s)
        latched = self._interlock.latch(fault)
        if latched is not None:
            self._report(latched)

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
        if self._interlock.armed and now_s >= self._heartbeat_due_s:
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
            self._vent_asked_s = now_s
            self._interlock.end(now_s)
            self._guarded(now_s, lambda: self._cuff.end(running))
        elif loaded is not None and now_s >= loaded.onset_s:
            self._loaded = None
            refusal = self._interlock.inflate(loaded, now_s)
            if refusal is not None:
                self._refuse("go", loaded.number, now_s, refusal)
            else:
                self._running = loaded
                self._guarded(now_s, lambda: self._cuff.inflate(loaded))

    def _listen(self, now_s: float) -> None:
        def listen() -> None:
            for report in self._cuff.poll():
                if isinstance(report, FaultReport):
                    latched = self._interlock.latch(report)
                    self._fail(latched, now_s)
                    if latched is None:  # not the reason of the stop, but on record
                        self._report(
                            LinkNote(time_s=now_s, code=report.code, message=report.message)
                        )
                    continue
                self._report(report)
                if isinstance(report, Sample):
                    self._fail(self._interlock.judge_sample(report), now_s)
                    if self._interlock.pressure_is_back:
                        self.vent(now_s)
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
                        do=CHECK_CUFF,
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

    def _fail(self, fault: FaultReport | None, now_s: float) -> None:
        if fault is not None:
            self.vent(now_s)
            self._report(fault)

    def _confirm_vent(self, now_s: float) -> None:
        started_s = self._interlock.vent_since_s
        if started_s is None:
            return
        if self._interlock.vent_confirmed(now_s):
            self._report_vent(started_s, now_s, confirmed=True if self._measures else None)
        elif now_s - self._vent_asked_s >= REPEAT_VENT_S and self._dumped:
            self._try_vent(now_s)

    def judge_time(self, now_s: float) -> None:
        """Report what the passing of time shows, without the wire: it is away."""
        fault = self._interlock.judge_time(now_s)
        if fault is not None:
            self._report(fault)

    def give_up(self, now_s: float) -> None:
        """Report a vent that could not be confirmed (the process is about to end)."""
        if self._interlock.vent_since_s is not None:
            self._report_vent(self._interlock.vent_since_s, now_s, confirmed=False)

    def _report_vent(self, started_s: float, now_s: float, *, confirmed: bool | None) -> None:
        residual = self._interlock.measured_mmhg if self._measures else None
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
            self._dumped = True
            fault = FaultReport(
                reason=StopReason.CUFF_LINK_LOST,
                code="link_lost",
                time_s=now_s,
                message=error.what,
                do=DISCONNECT,
            )
            latched = self._interlock.latch(fault)
            self._interlock.vent(now_s)  # nothing confirms it: the device's own lease has to vent
            if latched is not None:
                self._report(latched)
            return False
        return True

    def next_due_s(self, now_s: float) -> float:
        """Return when `step` has something to do even if the wire stays silent."""
        due = [now_s + 0.02]
        if self._loaded is not None:
            due.append(self._loaded.onset_s)
        if self._running is not None:
            due.append(self._running.offset_s)
        if self._interlock.armed:
            due.append(self._heartbeat_due_s)
        answer_s = self._cuff.next_due_s()
        if answer_s is not None:
            due.append(answer_s)
        return min(due)
