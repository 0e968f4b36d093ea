"""What a CPAR+ plays, and what is asked of it next: pure, no wire, no clock.

While it plays, nothing is loaded. While it is idle, DeviceHost keeps no samples. So what waits is
loaded quickly, one request at a time, and then something is played again.
"""

from collections.abc import Iterator
from typing import Final

from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import Done, HostRequest, Request, Start, State
from hardware.drivers.devicehost_dialogue import Outcome, refusal_text
from hardware.drivers.devicehost_reports import command_report, pressure_sent, refusal
from hardware.drivers.devicehost_run import (
    EMPTY_TENTHS,
    INFLATION,
    MEASURING,
    Run,
    measuring,
    not_ready,
    waveform,
)
from hardware.readings import CuffReport, LinkNote, Program

SIGNALS_S: Final = table.SAMPLE_MS / 1000
STATE_S: Final = 0.1
RATING_S: Final = 0.2
SETTLE_S: Final = 0.06
"""A state asked for sooner than one status period (50 ms) after a command may be from before it."""
STATE_AGE_S: Final = 0.3
"""A state that was asked for longer ago counts as silence: it is no basis for a start."""
HANDOVER_S: Final = 0.25
"""Measuring is stopped this long before an onset: stop, last samples, state take 0.1 s (emulator)."""
LOAD_S: Final = 0.1
CLEAR_OF_START_S: Final = 0.03
"""Nothing is asked this shortly before an onset: its answer would make the start wait."""
AGAIN_S: Final = 0.5
"""Time between attempts to load or to measure."""
MEASURE: Final = Start((MEASURING, table.NO_CHANNEL))
INFLATE: Final = Start((INFLATION, table.NO_CHANNEL))


class Play:
    """What is played, what is loaded and what waits. Times are host-clock seconds."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.to_load: list[HostRequest] = []
        """What empties the device's memory, as far as it has not been taken yet."""
        self.wanted: Program | None = None
        self.loaded: Program | None = None
        self.state: State | None = None
        self.state_s = 0.0
        self.drained = True
        self.settled_s = self.start_after_s = 0.0
        self.last_tenths = 0
        self.signals_due_s = self.state_due_s = self.rating_due_s = 0.0

    def at_zero(self) -> None:
        """See to it that nothing on the device can inflate."""
        self.wanted = self.loaded = None
        self.to_load = [Request("CLEAR"), *measuring()]

    def over(self, now_s: float) -> None:
        """Nothing plays any more: the last samples are fetched, and the state is asked for anew."""
        self.run, self.drained = None, False
        self.settled_s = now_s + SETTLE_S

    def take_load(self, outcome: Outcome, now_s: float) -> Iterator[CuffReport]:
        """Take the answer to a request that changes what is in the device's memory."""
        done = isinstance(outcome.answer, Done)
        if self.to_load and outcome.request == self.to_load[0]:
            if done:
                self.to_load.pop(0)
            else:
                self.start_after_s = now_s + AGAIN_S
                yield LinkNote(time_s=now_s, code="not_loaded", message=refusal_text(outcome))
        elif self.wanted is not None and outcome.request == waveform(self.wanted):
            program, self.wanted = self.wanted, None
            if not done:
                self.at_zero()
                yield refusal("prepare", program, now_s, refusal_text(outcome))
                return
            self.loaded = program
            yield command_report(
                "prepare",
                sent_s=outcome.sent_s or now_s,
                acknowledged_s=now_s,
                program=program,
                commanded_mmhg=pressure_sent(program),
            )

    def not_idle(self, now_s: float) -> list[str]:
        """Return everything that stands against a start now."""
        state = self.state
        # written so that NaN counts as old
        if state is None or not now_s - self.state_s <= STATE_AGE_S:
            return [f"its last state is older than {STATE_AGE_S:g} s"]
        problems = not_ready(state)
        if self.run is not None or state.state != table.IDLE:
            problems.append("it plays another program")
        elif not state.start_possible:
            problems.append("it says that a start is not possible")
        return problems

    def makes_way(self, now_s: float, *, armed: bool) -> bool:
        """Return whether what plays only measures, and has to be stopped for what waits."""
        run, loaded = self.run, self.loaded
        if run is None or not run.seen or run.inflating(now_s) or self.last_tenths > EMPTY_TENTHS:
            return False
        if run.program is not None and not run.fallen:
            return False
        due = loaded is not None and now_s >= loaded.onset_s - HANDOVER_S
        return due or (self.wanted is not None and armed)

    def next(self, now_s: float, *, armed: bool) -> HostRequest | None:
        """Return what to send, now that nothing is under way; ``None`` to wait."""
        request = None if self.run is not None else self._next_when_idle(now_s, armed=armed)
        return request if request is not None else self._next_question(now_s)

    def _next_when_idle(self, now_s: float, *, armed: bool) -> HostRequest | None:
        if not self.drained:
            return Request("SIGNALS")  # the next start empties DeviceHost's cache
        if now_s < self.settled_s or now_s < self.start_after_s:
            return None
        if self.state_s < self.settled_s or now_s - self.state_s > STATE_AGE_S:
            self.state_due_s = 0.0
            return None
        if self.not_idle(now_s):
            return None
        if self.to_load:
            return self.to_load[0]
        if self.wanted is not None and armed:
            return waveform(self.wanted)
        loaded = self.loaded
        if loaded is not None and now_s >= loaded.onset_s - HANDOVER_S - LOAD_S:
            return None
        self.run = Run(program=None)
        return MEASURE

    def question_due_s(self, now_s: float) -> float:
        """Return when the next question may go out."""
        return self.loaded.onset_s if self.loaded and self._clears(now_s) else self.signals_due_s

    def _clears(self, now_s: float) -> bool:
        """Return whether the wire is kept free for a start that is near."""
        loaded = self.loaded
        return loaded is not None and 0.0 <= loaded.onset_s - now_s < CLEAR_OF_START_S

    def _next_question(self, now_s: float) -> Request | None:
        if self._clears(now_s):
            return None
        if now_s >= self.signals_due_s:
            self.signals_due_s = now_s + SIGNALS_S
            return Request("SIGNALS")
        if now_s >= self.rating_due_s:
            self.rating_due_s = now_s + RATING_S
            return Request("RATING")
        if now_s >= self.state_due_s:
            self.state_due_s = now_s + STATE_S
            return Request("STATE")
        return None
