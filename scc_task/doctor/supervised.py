"""Test inflations in the hands of the same supervisor as a run: its process, its interlock, its limits.

Each inflation has a supervisor of its own, so that one that ended in a fault leaves nothing behind.
"""

import dataclasses
import os
import signal
from collections.abc import Callable
from typing import Final, TypeVar

from hardware.clock import Clock
from hardware.errors import HardwareError
from hardware.limits import Limits
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
from hardware.registry import CuffAddress
from hardware.states import CuffState, StopReason
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from scc_task.doctor.inflation import REST_MMHG, Inflation
from scc_task.protocol.rig import Rig

SLICE_S: Final = 0.02
LONGEST_S: Final = 20.0
GAP_S: Final = 2.0
"""Shorter than any rig allows: only because nobody wears the cuff."""
AHEAD_S: Final = 1.0
"""How long before its onset an inflation is handed over: some devices load it first."""
START_S: Final = 12.0
"""Longest time to come to rest, and again to arm: a device may test itself first."""
AGAIN_S: Final = 2.0
RESTING: Final = (CuffState.IDLE, CuffState.ARMED, CuffState.FAULT)
"""States of a cuff that is not filled or emptied; what an old fault is worth the driver decides."""
T = TypeVar("T")
STUCK: Final = ("slow_vent", "vent_failed", "vent_disobeyed", "rising_after_vent")


def test_settings(rig: Rig, identity: Identity) -> SupervisorSettings:
    """Return the rig's supervision with the limits of a test: never above a ceiling, short, few.

    Only the gap is shorter than the rig's, because no person wears the cuff.
    """
    narrowed = rig.limits.as_limits().narrowed(
        Limits(ceiling_mmhg=identity.ceiling_mmhg, inflation_s=LONGEST_S)
    )
    return SupervisorSettings(
        limits=dataclasses.replace(narrowed, gap_s=GAP_S),
        interlock=rig.supervisor.as_interlock(),
        try_on_s=60.0,  # nobody wears the cuff, and the examination goes on
    )


class TestCuff:
    """Inflates an empty cuff under supervision, and knows how the last inflation ended.

    Parameters
    ----------
    patience_s
        How long a device that cannot be armed yet (a compressor that refills) is waited for.
    gap_s
        The pause between two inflations.
    say
        Takes what the operator has to know at once.
    """

    __test__ = False  # not a test of pytest's

    def __init__(
        self,
        address: CuffAddress,
        settings: SupervisorSettings,
        clock: Clock,
        *,
        measures: bool,
        patience_s: float,
        gap_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._address, self._settings, self._clock = address, settings, clock
        self._measures, self._patience_s, self._say = measures, patience_s, say
        self._gap_s = gap_s
        self.inflated = False
        self.emptied: bool | None = True
        """Whether the cuff was seen to empty after the last inflation; ``None``: nobody knows."""

    @property
    def limits(self) -> Limits:
        """Return what no test may pass."""
        return self._settings.limits

    def inflate(self, target_mmhg: float, on_s: float) -> Inflation:
        """Inflate, hold, vent."""
        return self.once_ready(
            lambda: self._once(target_mmhg, on_s, kill_after_s=None), lambda found: found.refused
        )

    def once_ready(self, attempt: Callable[[], T], refused: Callable[[T], str]) -> T:
        """Try until the device does not refuse any more (a compressor may refill), for a while.

        The pause between two inflations comes first.
        """
        deadline_s = self._clock.now_s() + self._patience_s
        pause_s = self._gap_s
        while True:
            if self.inflated:
                self._clock.sleep_until(self._clock.now_s() + pause_s)
            found = attempt()
            why = refused(found)
            if not why or self._clock.now_s() >= deadline_s:
                return found
            self._say(f"waiting until the cuff can be armed: {why}")
            pause_s = AGAIN_S

    def kill_while_holding(self, target_mmhg: float, on_s: float, *, after_s: float) -> Inflation:
        """Inflate, and kill the supervisor's process on purpose some time after the onset.

        Nothing of this program talks to the device afterwards: whoever calls this looks.
        """
        return self.once_ready(
            lambda: self._once(target_mmhg, on_s, kill_after_s=after_s),
            lambda found: found.refused,
        )

    def _once(self, target_mmhg: float, on_s: float, *, kill_after_s: float | None) -> Inflation:
        cuff = SupervisedCuff(self._address, self._settings, self._clock, say=self._say)
        heard, asked, over = _Heard(), False, False
        program = Program(number=1, onset_s=0.0, offset_s=on_s, target_mmhg=target_mmhg)
        try:
            cuff.open()
            refused = self._arm(cuff, heard)
            if not refused:
                onset_s = self._clock.now_s() + AHEAD_S
                program = dataclasses.replace(program, onset_s=onset_s, offset_s=onset_s + on_s)
                asked = self.inflated = True
                self.emptied = False
                cuff.load(program)
                end_s = program.offset_s if kill_after_s is None else onset_s + kill_after_s
                over = self._follow(cuff, heard, until_s=end_s)
                if over and kill_after_s is not None and cuff.pid is not None:
                    _kill(cuff.pid)
        except HardwareError as error:
            refused = error.what
        finally:
            if asked and not (over and kill_after_s is not None):
                self._empty(cuff, heard, planned=over)
            cuff.close()
            if cuff.left_behind:
                self.emptied = False
        return Inflation(
            program=program,
            samples=tuple(heard.samples),
            faults=tuple(heard.faults) if asked else (),
            refused=refused or heard.refused,
            emptied=self.emptied,
        )

    def _arm(self, cuff: SupervisedCuff, heard: "_Heard") -> str:
        """Arm once the device is at rest; return why it was not, or ``""``."""
        self._follow(cuff, heard, until_s=self._clock.now_s() + START_S, stop=self._rests)
        if self._measures and not self._rests(heard):
            return "the device does not show an empty cuff at rest"
        cuff.arm()
        self._follow(cuff, heard, until_s=self._clock.now_s() + START_S, stop=lambda h: h.armed)
        if heard.faults:
            return heard.faults[0].message
        return "" if heard.armed else f"it did not say within {START_S:g} s that it is armed"

    def _rests(self, heard: "_Heard") -> bool:
        if not self._measures:
            return True
        last = heard.samples[-1] if heard.samples else None
        return last is not None and last.state in RESTING and last.measured_mmhg < REST_MMHG

    def _follow(
        self,
        cuff: SupervisedCuff,
        heard: "_Heard",
        *,
        until_s: float,
        stop: Callable[["_Heard"], bool] = lambda heard: False,
    ) -> bool:
        """Show signs of life and collect what is said; return whether it went well to the end."""
        while self._clock.now_s() < until_s and not stop(heard):
            self._collect(cuff, heard)
            if not heard.well:
                return False
        return True

    def _collect(self, cuff: SupervisedCuff, heard: "_Heard") -> None:
        cuff.beat()
        for report in cuff.poll():
            heard.take(report)
        self._clock.sleep_until(self._clock.now_s() + SLICE_S)

    def _empty(self, cuff: SupervisedCuff, heard: "_Heard", *, planned: bool) -> None:
        """Wait until falling pressure confirms the vent; say at once when it does not.

        A planned end is left to the supervisor, so that its fall is measured; all else vents now.
        """
        if not planned:
            cuff.vent()
        shouted = False
        deadline_s = self._clock.now_s() + self._settings.interlock.vent_s + 1.0
        while self._clock.now_s() < deadline_s and heard.vent is None and not heard.lost:
            self._collect(cuff, heard)
            if not shouted and any(fault.code in STUCK for fault in heard.faults):
                shouted = True
                self._say("THE CUFF DOES NOT EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW")
        if heard.vent is not None:
            self.emptied = heard.vent.confirmed
        elif not self._measures and not heard.lost:
            self.emptied = None


class _Heard:
    """What the supervisor has said so far."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.faults: list[FaultReport] = []
        self.armed = False
        self.refused = ""
        self.vent: VentReport | None = None

    @property
    def well(self) -> bool:
        """Return whether nothing has gone wrong."""
        return not self.faults and not self.refused

    @property
    def lost(self) -> bool:
        """Return whether nothing more can be heard."""
        return any(
            fault.reason in (StopReason.CUFF_LINK_LOST, StopReason.SUPERVISOR_LOST)
            for fault in self.faults
        )

    def take(self, report: CuffReport) -> None:
        """Keep what matters."""
        match report:
            case Sample():
                self.samples.append(report)
            case FaultReport():
                self.faults.append(report)
            case Refusal(command="load"):
                self.refused = report.message
            case CommandReport(command="arm"):
                self.armed = True
            case VentReport():
                self.vent = report


def _kill(pid: int) -> None:
    """End a process that we started, without a word."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows ends it at once with either
