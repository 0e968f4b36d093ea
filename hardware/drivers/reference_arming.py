"""How a reference controller is armed: self-test, lease, and a watchdog that is seen to bite.

A small state machine without a wire or a clock. What it wants said it submits; the heartbeats of the
supervisor go through it, because it withholds them on purpose: a device that does not fall to its
fault by itself then is not armed. That one provoked fault is not reported, any other is.

    waiting -> hearing -> testing -> leasing -> arming -> proving -> clearing -> beating -> rearming -> off

A heartbeat that has the number of the last one is none, and a damaged one is lost: what needs a live
heart is asked for when the device says that it has counted one, whatever it heard from a host before us.
Once the watchdog has been seen to bite, arming again on the same connection begins with ``beating``.
"""

import enum
from collections.abc import Callable, Iterator
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.dialogue import Outcome, refusal_text
from hardware.readings import CommandReport, CuffReport, LinkNote, Refusal

IDLE: Final = table.STATES.index("idle")
FAULT: Final = table.STATES.index("fault")
HOST_LOST: Final = table.FAULTS.index("host_lost")
TOLERANCE_MS: Final = 100
"""The first status after the fall tells the age of the last heartbeat: tick, 20 ms of stream, and
some lost samples (assumed)."""
SLACK_S: Final = 1.0
"""What a loaded computer adds to times that are the device's own (assumed)."""
HEARD_MS: Final = table.HEARTBEAT_MS // 2
"""A heartbeat this young is one of ours: to open a port and to ask who is there takes longer."""
COMMANDS: Final = ("TEST", "LEASE", "ARM", "CLEAR")


class Stage(enum.Enum):
    """Where arming is."""

    OFF = "it is not being armed"
    WAITING = "it did not come to rest"
    HEARING = "it counts no heartbeat"
    TESTING = "its self-test did not end in time"
    LEASING = "it did not take its lease"
    ARMING = "it did not arm"
    PROVING = "its watchdog does not work: without heartbeats it did not vent"
    CLEARING = "its fault could not be cleared"
    BEATING = "it counts no heartbeat after the test of its watchdog"
    REARMING = "it did not arm again"


_ASKED: Final = {
    Stage.TESTING: "TEST",
    Stage.LEASING: "LEASE",
    Stage.ARMING: "ARM",
    Stage.CLEARING: "CLEAR",
    Stage.REARMING: "ARM",
}
"""Whose answer a stage waits for: that of an earlier command may come late."""
_WITHHELD: Final = (Stage.PROVING, Stage.CLEARING)
WAITING_S: Final = 2.0
"""For a vent to end, the first status to come, and a heartbeat to be counted."""
BEATING_S: Final = 1.0
_TESTING_S: Final = table.SELFTEST_MS_MAX / 1000 + SLACK_S


class Arming:
    """Arms one device, once for each `begin`.

    Parameters
    ----------
    submit
        Queues a command for the device.
    lease_ms
        The lease that the device gets, and that it has to keep.
    """

    def __init__(self, submit: Callable[..., None], *, lease_ms: int) -> None:
        self._submit, self._lease_ms = submit, lease_ms
        self._stage = Stage.OFF
        self._stage_s = self._begun_s = self._tested_s = 0.0
        self._ceiling = 0
        self._clear_asked = self._test_begun = False
        self._proved = self._provoked = False
        self._fell_after_ms = 0

    @property
    def busy(self) -> bool:
        """Return whether arming goes on: nothing may be inflated meanwhile."""
        return self._stage is not Stage.OFF

    @property
    def has_begun(self) -> bool:
        """Return whether the device has come to rest, so that any fault from now on is a new one."""
        return self._stage is not Stage.WAITING

    def provoked(self, fault: int) -> bool:
        """Return whether a fault of the device is the one that is provoked on purpose."""
        return fault == HOST_LOST and (self._provoked or self._stage in _WITHHELD)

    def begin(self, *, ceiling_tenths: int, now_s: float) -> None:
        """Start arming; nothing happens while it goes on already."""
        if self.busy:
            return
        self._ceiling, self._begun_s = ceiling_tenths, now_s
        self._clear_asked = self._test_begun = False
        if self._proved:
            self._enter(Stage.BEATING, now_s)
        else:
            self._enter(Stage.WAITING, now_s)

    def cancel(self) -> None:
        """Give up, because the cuff is being vented."""
        self._provoked = self._provoked or self._stage in _WITHHELD
        self._stage = Stage.OFF

    @property
    def withholds(self) -> bool:
        """Return whether no heartbeat may go to the device now."""
        return self._stage in _WITHHELD

    def on_status(self, status: cuff1.Status, now_s: float) -> Iterator[CuffReport]:
        """Take what the device says of itself."""
        self._provoked = self._provoked and status.fault == HOST_LOST
        at_rest = status.state == IDLE and not status.fault
        heard = status.heartbeat_age_ms < HEARD_MS
        if self._stage is Stage.WAITING and at_rest:
            self._stage = Stage.HEARING  # its time has begun with the other's
        match self._stage:
            case Stage.HEARING if heard:
                self._enter(Stage.TESTING, now_s)
                self._submit("TEST")
            case Stage.WAITING if status.state == FAULT and not self._clear_asked:
                self._clear_asked = True
                self._submit("CLEAR")
            case Stage.TESTING if self._test_begun and at_rest:
                if not status.has("selftest_passed"):
                    yield self._refuse("its self-test was broken off", now_s)
                else:
                    self._tested_s = now_s - self._stage_s
                    self._enter(Stage.LEASING, now_s)
                    self._submit("LEASE", self._lease_ms)
            case Stage.BEATING if heard:
                self._ask_arm(Stage.REARMING, now_s)
            case Stage.PROVING:
                yield from self._judge_watchdog(status, now_s)

    def _judge_watchdog(self, status: cuff1.Status, now_s: float) -> Iterator[CuffReport]:
        age_ms = status.heartbeat_age_ms
        if age_ms > self._lease_ms + TOLERANCE_MS:
            message = f"{Stage.PROVING.value} within its lease of {self._lease_ms} ms"
            yield self._refuse(message, now_s)
        elif status.state == FAULT and status.fault == HOST_LOST:
            self._fell_after_ms = age_ms
            self._enter(Stage.CLEARING, now_s)
            self._submit("CLEAR")

    def on_outcome(self, outcome: Outcome) -> Iterator[CuffReport]:
        """Take how a command of ours ended."""
        answer, now_s = outcome.answer, outcome.ended_s
        if not isinstance(answer, cuff1.Ack):
            yield self._refuse(refusal_text(outcome), now_s)
            return
        if outcome.name != _ASKED.get(self._stage):
            return
        match self._stage:
            case Stage.TESTING:
                self._test_begun = True
            case Stage.LEASING if answer.value != self._lease_ms:
                message = f"a lease of {self._lease_ms} ms was asked for, it took {answer.value}"
                yield self._refuse(message, now_s)
            case Stage.LEASING:
                self._ask_arm(Stage.ARMING, now_s)
            case Stage.ARMING:
                self._enter(Stage.PROVING, now_s)
            case Stage.CLEARING:
                self._enter(Stage.BEATING, now_s)
            case Stage.REARMING:
                yield from self._armed(outcome, answer)

    def on_time(self, now_s: float) -> Iterator[CuffReport]:
        """Refuse what takes too long. Commands have their own deadline, in the dialogue."""
        longest_s = {
            Stage.WAITING: WAITING_S,
            Stage.HEARING: WAITING_S,
            Stage.TESTING: _TESTING_S,
            Stage.PROVING: self._lease_ms / 1000 + SLACK_S,
            Stage.BEATING: BEATING_S,
        }.get(self._stage)
        if longest_s is not None and now_s - self._stage_s > longest_s:
            yield self._refuse(f"{self._stage.value} (waited {longest_s:g} s)", now_s)

    def _armed(self, outcome: Outcome, answer: cuff1.Ack) -> Iterator[CuffReport]:
        if not self._proved:
            yield LinkNote(
                time_s=outcome.ended_s,
                code="armed",
                message=f"armed after {outcome.ended_s - self._begun_s:.2f} s: self-test passed in "
                f"{self._tested_s:.2f} s; watchdog seen to vent {self._fell_after_ms} ms after "
                f"the last heartbeat, lease {self._lease_ms} ms",
            )
        self._proved = True
        self._stage = Stage.OFF
        yield CommandReport(
            command="arm",
            program=None,
            planned_s=None,
            sent_s=outcome.sent_s,
            acknowledged_s=outcome.ended_s,
            commanded_mmhg=self._ceiling / 10,
            acknowledged_mmhg=answer.value / 10,
        )

    def _refuse(self, message: str, now_s: float) -> Refusal:
        self.cancel()
        return Refusal(
            command="arm", program=None, time_s=now_s, message=f"the cuff is not armed: {message}"
        )

    def _ask_arm(self, stage: Stage, now_s: float) -> None:
        self._enter(stage, now_s)
        self._submit("ARM", self._ceiling)

    def _enter(self, stage: Stage, now_s: float) -> None:
        self._stage, self._stage_s = stage, now_s
