"""The driver of a LabBench CPAR+ through DeviceHost: finite programs, text over TCP.

Two things shape it. DeviceHost keeps the device's watchdog quiet whether we live or not: so every
inflation is a finite program on the device, with its own end. And DeviceHost keeps samples only
while the device plays something: so whenever nothing is inflated, a finite program at zero is
played, which measures. To load or to start the next one, that has to be stopped for a moment.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from hardware.clock import Clock
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Done,
    Rating,
    Refused,
    Request,
    Signals,
    Start,
    State,
    Waveform,
)
from hardware.cuff import Capabilities
from hardware.drivers.devicehost_contact import contact
from hardware.drivers.devicehost_dialogue import (
    DeviceHostDialogue,
    Outcome,
    refusal_text,
)
from hardware.drivers.devicehost_play import AGAIN_S, INFLATE, SETTLE_S, STATE_AGE_S, Play
from hardware.drivers.devicehost_reports import (
    Samples,
    command_report,
    end_report,
    go_report,
    identity_of,
    note,
    refusal,
)
from hardware.drivers.devicehost_run import (
    EARLY_S,
    EMPTY_TENTHS,
    STOP_S,
    Run,
    StateJudge,
    fault,
    mmhg,
    not_ready,
    waveform,
)
from hardware.errors import CodecError, HardwareUnavailable, LinkLost
from hardware.readings import CuffReport, Identity, LinkNote, Program
from hardware.states import StopReason
from hardware.transport import Transport

CONFIRM_S: Final = 0.4
"""A start after which no sample comes for this long failed."""
START_LATE_S: Final = 0.05
"""A start that could not be sent this long after its onset is not sent at all."""
VENT_AGAIN_S: Final = 2.0
"""A stop that was taken is repeated after this time, when a vent is still asked for: each stop
interrupts the samples that would confirm it."""
FIRST_SAMPLE_S: Final = 2.0
ON_TIME_S: Final = 0.15
ERRORS: Final = 3
"""Refused questions in a row after which the device counts as gone."""
CEILING_MMHG: Final = 300.0
"""Our own ceiling (NIBP limit in normal use, IEC 80601-2-30, recalled); the device goes to 750 mmHg."""


class DeviceHostCuff:
    """A CPAR+ behind DeviceHost.

    Parameters
    ----------
    transport
        The connection to DeviceHost, open.
    clock
        The clock that stamps what arrives.
    device_port
        The port that DeviceHost opens for the device: ``COM8``.
    """

    capabilities = Capabilities(
        measures_pressure=True,
        finite_programs=True,
        own_watchdog=False,
        samples_hz=1000 / table.SAMPLE_MS,
        fastest_fall_s=0.2,  # assumed: nobody has timed a cuff on one
        channels=table.CHANNELS,
        ramps=True,
    )

    def __init__(self, transport: Transport, clock: Clock, *, device_port: str) -> None:
        self._wire, self._clock, self._port = transport, clock, device_port
        self._talk = DeviceHostDialogue(device_port)
        self._judge, self._samples = StateJudge(), Samples()
        self._found: list[CuffReport] = []
        self._ceiling_mmhg = 0.0
        self._armed = self._venting = False
        self._arming_s: float | None = None
        self._play = Play()
        self._ending: Program | None = None
        self._stop_sent_s = 0.0
        self._stopped = True
        """Whether the last stop has been taken."""
        self._may_play_on = False
        self._errors = 0

    def identify(self) -> Identity:
        """Return who is there, once it is stopped, at zero and measuring.

        Raises
        ------
        HardwareUnavailable
            If nothing answers, or it is not a CPAR+ that measures.
        LinkLost
            If the connection goes away meanwhile.
        """
        who, _ = contact(self._wire, self._clock, self._port)
        self._play.at_zero()
        deadline_s = self._clock.now_s() + FIRST_SAMPLE_S
        while self._samples.last_s is None:
            if self._clock.now_s() > deadline_s:
                raise HardwareUnavailable(
                    "the CPAR+ answers but does not measure: no sample comes",
                    where=f"{self._wire.name}, device on {self._port}",
                    do="look at DeviceHost's own log, and at docs/devices/devicehost.md",
                )
            self._found += self._exchange(wait_s=0.005)
        return identity_of(who, ceiling_mmhg=CEILING_MMHG)

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Be ready to inflate, if the next state says that nothing stands against it."""
        self._armed = self._venting = False
        self._play.wanted = self._play.loaded = None
        self._ceiling_mmhg = min(ceiling_mmhg, CEILING_MMHG)
        self._arming_s = self._clock.now_s()
        self._play.state_due_s = 0.0

    def prepare(self, program: Program) -> None:
        """Load the inflation as soon as the device is idle: never while it plays."""
        on_s = program.offset_s - program.onset_s
        try:
            # each comparison is written so that NaN is outside
            if not (0.0 < program.target_mmhg <= self._ceiling_mmhg and on_s > 0.0):
                raise CodecError("its pressure or length is out of range", where="", do="")
            DeviceHostDialogue(self._port).submit(waveform(program))
        except (CodecError, ValueError, OverflowError) as error:
            self._refuse("prepare", program, str(error).split("\n")[0])
            return
        self._play.wanted = program

    def inflate(self, program: Program) -> None:
        """Send a start, once, if exactly this inflation is loaded and the device can start."""
        now_s, loaded = self._clock.now_s(), self._play.loaded
        self._play.loaded = None  # a program is started once
        problems = self._play.not_idle(now_s)
        if not self._armed or loaded != program:
            problems = ["this inflation is not loaded in the CPAR+"]
        if problems:
            self._refuse("go", program, "; ".join(problems))
            return
        self._play.run = Run(program=program)
        self._talk.submit(INFLATE, expires_s=max(now_s, program.onset_s) + START_LATE_S)
        self._found += self._flush(now_s)

    def end(self, program: Program) -> None:
        """Watch the inflation end by itself, now; stop it if it would not. Stay armed.

        No stop is sent in the first case, because DeviceHost would keep no samples of the deflation.
        """
        now_s, run = self._clock.now_s(), self._play.run
        on_s = program.offset_s - program.onset_s
        if run is not None and run.program == program and run.seen and run.stopped_s is None:
            if run.elapsed_s(now_s) >= on_s - ON_TIME_S:
                run.end_asked_s, run.end_from_tenths = now_s, self._play.last_tenths
                return
        elif run is not None and run.program == program:
            self._refuse("go", program, "it had to end before any sample showed that it runs")
        self._ending = program
        self._stop(now_s)

    def vent(self) -> None:
        """Stop now and disarm, then empty the device's memory and measure at zero."""
        now_s = self._clock.now_s()
        again = self._venting and self._stopped and now_s < self._stop_sent_s + VENT_AGAIN_S
        self._armed, self._venting = False, True
        self._arming_s = self._ending = self._judge.early = None
        self._play.wanted = self._play.loaded = None
        if again:
            return  # on its way to zero already, and another stop would interrupt the samples
        self._play.at_zero()
        self._stop(now_s)

    def heartbeat(self) -> None:
        """Nothing: DeviceHost keeps the device alive by itself, and does not miss us."""

    def poll(self) -> Iterator[CuffReport]:
        """Yield what has arrived and send what is due.

        Raises
        ------
        LinkLost
            If the connection went away.
        """
        found, self._found = self._found, []
        yield from found
        yield from self._exchange(wait_s=0.0)

    def next_due_s(self) -> float | None:
        """Return when there is something to send."""
        if self._found:
            return 0.0
        due_s = self._talk.next_due_s()
        if due_s is not None and not self._talk.ready:
            return due_s  # signals are asked for once the answer is there
        ask_s = self._play.question_due_s(self._clock.now_s())
        return ask_s if due_s is None else min(due_s, ask_s)

    def close(self) -> None:
        """Stop, which does no harm, and release the connection. The port stays open in DeviceHost."""
        with contextlib.suppress(LinkLost):
            self._wire.write(self._talk.stop(self._clock.now_s()))
        self._wire.close()

    # -- what arrives

    def _exchange(self, *, wait_s: float) -> list[CuffReport]:
        data = self._wire.read(wait_s=wait_s)
        now_s = self._clock.now_s()
        found: list[CuffReport] = []
        for heard in self._talk.receive(data, now_s) if data else ():
            match heard:
                case Outcome():
                    found += self._take_outcome(heard, now_s)
                case Signals():
                    found += self._take_signals(heard, now_s)  # late or in pieces: never lost
                case _:
                    found.append(note(heard, now_s))
        self._go_on(now_s)
        return [*found, *self._flush(now_s)]

    def _flush(self, now_s: float) -> list[CuffReport]:
        out, ended = self._talk.outgoing(now_s)
        if out:
            self._wire.write(out)
        found = [report for outcome in ended for report in self._take_outcome(outcome, now_s)]
        found, self._found = [*self._found, *found], []
        return found

    def _take_outcome(self, outcome: Outcome, now_s: float) -> list[CuffReport]:
        answer, request = outcome.answer, outcome.request
        match answer:
            case State():
                self._errors = 0
                return list(self._take_state(answer, outcome.sent_s or 0.0, now_s))
            case Rating():
                return list(self._judge.judge_rating(answer, now_s, armed=self._armed))
            case Signals():
                self._play.drained = True
                return self._take_signals(answer, now_s)
        match request:
            case Request("STOP"):
                return list(self._take_stop(outcome, now_s))
            case Start():
                return list(self._take_start(outcome, now_s))
            case Request("CLEAR") | Waveform():
                return list(self._play.take_load(outcome, now_s))
        return list(self._take_error(outcome, now_s))

    def _take_error(self, outcome: Outcome, now_s: float) -> Iterator[CuffReport]:
        """Say that a question has no answer, and count: freshness itself is judged by samples."""
        text = refusal_text(outcome)
        yield LinkNote(time_s=now_s, code="no_answer", message=text)
        self._errors += 1
        if self._errors == ERRORS or outcome.answer == Refused(table.DEVICE_CLOSED):
            yield fault("device_silent", text, now_s, reason=StopReason.CUFF_LINK_LOST)

    def _take_signals(self, signals: Signals, now_s: float) -> list[CuffReport]:
        if not signals.samples:
            return []
        found: list[CuffReport] = []
        run = self._play.run
        missing = self._samples.arrived(
            len(signals.samples), now_s, gap_expected=run is None or not run.seen
        )
        if missing is not None:
            found.append(missing)
        if run is not None and run.acknowledged_s is not None and not run.seen:
            run.seen = True
            if run.program is not None:
                found.append(go_report(run, run.program))
        for values in signals.samples:
            self._play.last_tenths = values[0]
            fell_before = run is None or run.fallen
            if run is not None:
                run.take(values[0], now_s)
            found.append(
                self._samples.sample(
                    values, run, now_s, armed=self._armed, may_play_on=self._may_play_on
                )
            )
            found += self._judge.judge_outlet(values[1], now_s)
            if run is not None and run.fallen and not fell_before and run.program is not None:
                asked_s = run.end_asked_s
                found.append(
                    end_report(run.program, sent_s=asked_s, acknowledged_s=now_s, now_s=now_s)
                )
        return found

    def _take_state(self, state: State, asked_s: float, now_s: float) -> Iterator[CuffReport]:
        self._play.state, self._play.state_s = state, asked_s
        yield from self._judge.judge_state(state, now_s)
        if self._arming_s is not None and asked_s >= self._arming_s:
            yield self._armed_or_not(state, self._arming_s, now_s)
            self._arming_s = None
        run = self._play.run
        if state.state != table.STIMULATING and asked_s >= self._stop_sent_s + SETTLE_S:
            self._may_play_on = False
        if state.state == table.STIMULATING:
            if run is None and self._stopped and asked_s > self._stop_sent_s + STOP_S:
                yield fault("device_stop_ignored", "the CPAR+ goes on after a stop", now_s)
                self._stop(now_s)
            return
        if run is None or run.acknowledged_s is None or asked_s < run.acknowledged_s + SETTLE_S:
            return
        if run.program is not None and run.inflating(now_s + EARLY_S):
            text = f"the CPAR+ ended the inflation by itself (condition {state.stop_condition})"
            self._judge.early, self._play.rating_due_s = (text, now_s), 0.0
        self._play.over(now_s)

    def _armed_or_not(self, state: State, since_s: float, now_s: float) -> CuffReport:
        problems = not_ready(state)
        if self._play.last_tenths > EMPTY_TENTHS:
            problems.append(f"the cuff still holds {mmhg(self._play.last_tenths):.0f} mmHg")
        if problems:
            return refusal("arm", None, now_s, "; ".join(problems))
        self._armed = True
        return command_report(
            "arm", sent_s=since_s, acknowledged_s=now_s, commanded_mmhg=self._ceiling_mmhg
        )

    def _take_stop(self, outcome: Outcome, now_s: float) -> Iterator[CuffReport]:
        program, self._ending = self._ending, None
        if not isinstance(outcome.answer, Done):
            text = refusal_text(outcome)
            if program is not None:
                yield refusal("end", program, now_s, text)
            else:
                yield LinkNote(time_s=now_s, code="stop_refused", message=text)
            return
        if not self._stopped:
            self._stopped = True
            self._play.over(now_s)
        if program is not None:
            yield end_report(program, sent_s=outcome.sent_s, acknowledged_s=now_s, now_s=now_s)

    def _take_start(self, outcome: Outcome, now_s: float) -> Iterator[CuffReport]:
        run = self._play.run
        if run is None or run.acknowledged_s is not None:
            return
        if isinstance(outcome.answer, Done):
            run.sent_s, run.acknowledged_s = outcome.sent_s, outcome.ended_s
            return
        self._play.run = None
        self._play.start_after_s = now_s + AGAIN_S
        if outcome.sent_s is not None:
            self._stop(now_s)  # it may have begun
        if run.program is not None:
            yield refusal("go", run.program, now_s, refusal_text(outcome))
        else:
            yield LinkNote(time_s=now_s, code="not_measuring", message=refusal_text(outcome))

    # -- what is due

    def _go_on(self, now_s: float) -> None:
        """Send the next thing, if nothing is under way."""
        p, run = self._play, self._play.run
        self._found += self._judge.judge_time(now_s)
        if self._arming_s is not None and now_s - self._arming_s > STATE_AGE_S:
            self._refuse("arm", None, "the CPAR+ does not report its state")
            self._arming_s = None
        if run is not None and run.unseen_for_s(now_s) > CONFIRM_S and run.stopped_s is None:
            self._play.start_after_s = now_s + AGAIN_S
            self._stop(now_s)
            if run.program is not None:
                text = "DeviceHost took the start, but no sample shows that it runs"
                self._refuse("go", run.program, text)
            return
        if not self._talk.ready:
            return
        if p.makes_way(now_s, armed=self._armed):
            self._stop(now_s)
            return
        request = p.next(now_s, armed=self._armed)
        if request is not None:
            self._talk.submit(request)

    def _stop(self, now_s: float) -> None:
        self._stopped, self._stop_sent_s = False, now_s
        run = self._play.run
        if run is not None and run.stopped_s is None:
            run.stopped_s = now_s
            # DeviceHost's OK to a stop is not the device's: only its state tells
            self._may_play_on = self._may_play_on or run.program is not None
        self._wire.write(self._talk.stop(now_s))

    def _refuse(self, command: str, program: Program | None, text: str) -> None:
        self._found.append(refusal(command, program, self._clock.now_s(), text))
