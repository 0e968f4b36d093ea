"""The driver of a NociTech CPAR: finite waveform programs over a serial wire, maps C and A.

The device keeps its programs, so both channels are loaded before every start and compared by CRC.
A start goes out once, only for what was just loaded, and only when the device says that it can. A
stop goes out always. The CPAR has two outlets and one cuff: outlet 1 is used, outlet 2 stays at 0.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from hardware.clock import Clock
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Done,
    ProgramLoaded,
    Request,
    SetProgram,
    Start,
    Status,
    crc8,
    instruction_bytes,
    units_from_mmhg,
)
from hardware.codec.cpar_table import TICK_S, Verb
from hardware.cuff import Capabilities
from hardware.drivers.cpar_contact import contact
from hardware.drivers.cpar_dialogue import CparDialogue, Outcome, refusal_text
from hardware.drivers.cpar_reports import (
    Kicks,
    go_report,
    identity_of,
    loaded_report,
    note,
    refusal,
    sample_of,
    stop_report,
)
from hardware.drivers.cpar_run import (
    AT_TARGET_COUNTS,
    Loading,
    Run,
    StatusJudge,
    not_ready,
)
from hardware.readings import (
    CuffReport,
    Identity,
    LinkNote,
    Program,
)
from hardware.transport import Transport

KICK_S: Final = 0.5
"""Shortest time between two kicks; the vendor's hosts kick every 0.5 to 2 s."""
CLEAR_OF_START_S: Final = 0.15
"""No kick is sent this shortly before an onset: its answer would make the start wait."""
STATUS_AGE_S: Final = 0.15
"""A status older than three of its periods is no basis for a start."""
CONFIRM_S: Final = 0.5
"""An acknowledged start that no status confirms for this long failed (the vendor waits 0.1 s)."""
RUN_S_MAX: Final = table.RUN_S_MAX - 1.0
"""The device ends a run after 10 min: a program has to be over by then."""
START_LATE_S: Final = 0.05
"""A start that could not be sent this long after its onset is not sent at all."""
CEILING_MMHG: Final = 300.0
"""Our own ceiling (NIBP limit in normal use, IEC 80601-2-30, recalled). The device would go to
750 mmHg, where its pressure bytes end too: a rule that waits for more could never see it."""


class CparCuff:
    """A CPAR over a transport.

    Parameters
    ----------
    transport
        The wire, open.
    clock
        The clock that stamps what arrives.
    allow_map_a
        Whether a device with the old firmware (before 2021) may be used.
    accepted_identity
        Manufacturer and device type of a CPAR on map C. No source shows what a real one says.
    """

    capabilities = Capabilities(
        measures_pressure=True,
        finite_programs=True,
        own_watchdog=True,
        samples_hz=table.STATUS_HZ,
        fastest_fall_s=0.2,  # assumed: nobody has timed a cuff on one
        channels=table.CHANNELS,
    )

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        allow_map_a: bool = False,
        accepted_identity: tuple[int, int] = (table.NOCITECH, table.CPAR),
    ) -> None:
        self._wire, self._clock = transport, clock
        self._allow_map_a, self._accepted = allow_map_a, accepted_identity
        self._dialogue: CparDialogue | None = None
        self._judge = StatusJudge()
        self._found: list[CuffReport] = []
        self._ceiling_mmhg = 0.0
        self._armed = False
        self._loading: Loading | None = None
        self._arming: Loading | None = None
        self._wanted: Loading | None = None
        self._venting = False
        self._loaded: Loading | None = None
        self._run: Run | None = None
        self._status: Status | None = None
        self._status_s = 0.0
        self._samples = self._ticks = 0
        self._kick_due_s = 0.0
        self._kicks = Kicks()

    def identify(self) -> Identity:
        """Return who is there, having listened first; see `hardware.drivers.cpar_contact`.

        Raises
        ------
        HardwareUnavailable
            If nothing answers, or it is not exactly a device that we speak to.
        LinkLost
            If the wire goes away meanwhile.
        """
        command_map, who, self._status = contact(
            self._wire, self._clock, allow_map_a=self._allow_map_a, accepted=self._accepted
        )
        self._status_s = self._clock.now_s()
        self._dialogue = CparDialogue(command_map)
        self._stop()  # somebody may have died here before us
        return identity_of(who, command_map, ceiling_mmhg=CEILING_MMHG)

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Load programs at zero into both channels, if the next status says that it can start."""
        self._armed = False
        self._wanted = self._loaded = self._loading = None
        self._ceiling_mmhg = min(ceiling_mmhg, CEILING_MMHG)
        self._arming = Loading(None, 0, 0, self._clock.now_s())

    def prepare(self, program: Program) -> None:
        """Load the inflation as soon as the device is idle: never while one runs."""
        on_s = program.offset_s - program.onset_s
        # each comparison is written so that NaN is outside
        if not (0.0 < program.target_mmhg <= self._ceiling_mmhg and TICK_S <= on_s < RUN_S_MAX):
            self._refuse("prepare", program, "its pressure or length is outside the limits")
            return
        units = units_from_mmhg(program.target_mmhg)
        on_ticks = round(on_s / TICK_S)
        self._wanted = Loading(program, units, on_ticks, self._clock.now_s())

    def inflate(self, program: Program) -> None:
        """Send a start, once, if exactly this inflation is loaded and the device can start."""
        now_s, loaded = self._clock.now_s(), self._loaded
        self._loaded = None  # a program is started once
        if not self._armed or loaded is None or loaded.program != program:
            self._refuse("go", program, "this inflation is not loaded in the CPAR")
            return
        problems = self._not_ready(now_s)
        if self._run is not None or problems:
            self._refuse("go", program, "; ".join(problems) or "another one is under way")
            return
        on_s = loaded.ticks * TICK_S
        self._run = Run(program=program, units=loaded.units, on_s=on_s)
        self._talk.submit(
            Start(table.STOP_ON_BUTTON, table.COMPRESSOR_AUTO),
            tag=program.number,
            planned_s=program.onset_s,
            expires_s=max(now_s, program.onset_s) + START_LATE_S,
        )
        self._send_due(now_s)

    def end(self, program: Program) -> None:
        """Stop, whatever the status says, and stay armed."""
        run, loading = self._run, self._loading
        if run is not None and not run.seen:
            self._refuse("go", run.program, "it had to end before the CPAR had confirmed it")
        if loading is not None and loading.program is not None:  # the stop overtakes it
            self._loading, self._wanted = None, replace(loading, taken=0)
        self._stop(program)

    def vent(self) -> None:
        """Stop now and disarm, with nothing queued after it. Before `identify` nothing is sent.

        The code that stops one kind of CPAR starts another.
        """
        self._armed = False
        self._arming = self._wanted = self._loading = self._loaded = None
        self._venting = True
        if self._dialogue is not None:
            self._stop()

    def _stop(self, program: Program | None = None) -> None:
        now_s = self._clock.now_s()
        run = self._run
        if run is not None and not run.seen:
            self._run = None
        elif run is not None and run.stopped_s is None:
            run.stopped_s = now_s
        tag, planned_s = (None, None) if program is None else (program.number, program.offset_s)
        self._wire.write(self._talk.stop(now_s, tag=tag, planned_s=planned_s))

    def heartbeat(self) -> None:
        """Kick the watchdog, at most every 0.5 s, when the wire is free and no start is near."""
        now_s, loaded = self._clock.now_s(), self._loaded
        if now_s < self._kick_due_s or not self._talk.ready(now_s):
            return
        onset_s = loaded.program.onset_s if loaded and loaded.program else None
        if onset_s is not None and 0.0 <= onset_s - now_s < CLEAR_OF_START_S:
            return
        self._kick_due_s = now_s + KICK_S
        # the wire is free, so it goes out now: no kick waits until the life it stands for is over
        self._talk.submit(Request(Verb.KICK))
        self._send_due(now_s)

    def poll(self) -> Iterator[CuffReport]:
        """Yield what has arrived and send what is due.

        Raises
        ------
        LinkLost
            If the wire went away.
        """
        data = self._wire.read(wait_s=0.0)
        now_s = self._clock.now_s()
        heard = list(self._talk.receive(data, now_s)) if data else []
        statuses = sum(isinstance(event, Status) for event in heard)
        if statuses:
            yield from self._lost_samples(statuses, now_s)
        for event in heard:
            match event:
                case Status():
                    yield from self._take_status(event, now_s)
                case Outcome():
                    yield from self._take_outcome(event)
                case _:
                    yield note(event, self._talk.command_map, now_s)
        self._go_on(now_s)
        found, self._found = self._found, []
        yield from found

    def next_due_s(self) -> float | None:
        """Return when the dialogue has something to send."""
        return None if self._dialogue is None else self._dialogue.next_due_s()

    def close(self) -> None:
        """Release the wire."""
        self._wire.close()

    # -- what arrives

    def _lost_samples(self, arrived: int, now_s: float) -> Iterator[CuffReport]:
        """Keep the count of samples in step with time: the messages carry none of their own."""
        gone_s = now_s - self._status_s
        lost = round(gone_s / TICK_S) - arrived
        if self._samples and lost >= 2:  # a single one may as well be a late arrival
            self._ticks += lost
            message = f"no status message for {gone_s:.2f} s"
            yield LinkNote(time_s=now_s, code="samples_lost", message=message)

    def _take_status(self, status: Status, now_s: float) -> Iterator[CuffReport]:
        self._status, self._status_s = status, now_s
        self._samples += 1
        self._ticks += 1
        run = self._run
        if run is not None and status.actual[0] >= run.target_counts - AT_TARGET_COUNTS:
            run.reached = True
        yield sample_of(
            status, run, number=self._samples, ticks=self._ticks, now_s=now_s, armed=self._armed
        )
        yield from self._judge.judge(status, run, now_s, armed=self._armed)
        if run is None:
            return
        running, taken = status.state == table.STIMULATING, run.acknowledged_s is not None
        if run.seen and not running:
            self._run = None
        # until it runs, a status still shows how the last run ended
        elif not run.seen and running and taken and not status.stop_condition:
            run.seen = True
            if run.stopped_s is None:
                yield go_report(run)

    # -- how requests end

    def _take_outcome(self, outcome: Outcome) -> Iterator[CuffReport]:
        match outcome.request:
            case SetProgram() as request:
                yield from self._take_program(outcome, request)
            case Start():
                yield from self._take_start(outcome)
            case Request(Verb.STOP):
                yield from self._take_stop(outcome)
            case Request(Verb.KICK):
                yield from self._kicks.take(outcome)

    def _take_program(self, outcome: Outcome, request: SetProgram) -> Iterator[CuffReport]:
        loading, answer = self._loading, outcome.answer
        if loading is None:
            return
        crc = crc8(instruction_bytes(request.instructions))
        if answer != ProgramLoaded(crc):
            self._loading = None
            self._talk.clear()
            mismatch = f"the CPAR has another program in channel {request.channel} than was sent"
            text = mismatch if isinstance(answer, ProgramLoaded) else refusal_text(outcome)
            yield refusal(loading.command, loading.program, outcome.ended_s, text)
            return
        loading.taken += 1
        loading.sent_s = loading.sent_s or outcome.sent_s
        if loading.taken < table.CHANNELS:
            return
        self._loading = None
        self._armed = self._armed or loading.program is None
        self._loaded = loading
        yield loaded_report(loading, outcome, ceiling_mmhg=self._ceiling_mmhg)

    def _take_start(self, outcome: Outcome) -> Iterator[CuffReport]:
        run = self._run
        if run is None:
            return
        if isinstance(outcome.answer, Done):
            run.sent_s, run.acknowledged_s = outcome.sent_s, outcome.ended_s
            return
        self._run = None
        if outcome.sent_s is not None:
            self._stop()  # it may have begun
        yield refusal("go", run.program, outcome.ended_s, refusal_text(outcome))

    def _take_stop(self, outcome: Outcome) -> Iterator[CuffReport]:
        if outcome.tag is None and not self._venting:
            return  # a stop of our own: nobody asked for it
        running = self._status is not None and self._status.state == table.STIMULATING
        yield stop_report(outcome, running=running)

    # -- what is due

    def _go_on(self, now_s: float) -> None:
        self._load_next(now_s)
        run = self._run
        asked_s = None if run is None or run.seen else run.acknowledged_s
        if run is not None and asked_s is not None and now_s - asked_s > CONFIRM_S:
            self._stop()
            text = "the CPAR took the start, but no status message says that it runs"
            self._refuse("go", run.program, text)
        self._send_due(now_s)

    def _load_next(self, now_s: float) -> None:
        arming, wanted = self._arming, self._wanted
        if self._loading is not None or self._run is not None:
            return  # what a program does to a running device is not known
        if arming is not None:
            problems = self._not_ready(now_s)
            if self._status_s < arming.since_s and now_s - arming.since_s <= CONFIRM_S:
                return  # the next status message decides
            self._arming = None
            if problems:
                self._refuse("arm", None, "; ".join(problems))
            else:
                self._load(arming)
        elif wanted is not None and self._armed and self._is_idle(now_s):
            self._wanted = None
            self._load(wanted)

    def _load(self, loading: Loading) -> None:
        self._loading = loading
        for request in loading.channels():
            self._talk.submit(request)

    def _not_ready(self, now_s: float) -> list[str]:
        if self._status is None or not self._is_fresh(now_s):
            return [f"no status message for {now_s - self._status_s:.2f} s"]
        return not_ready(self._status)

    def _is_fresh(self, now_s: float) -> bool:
        return now_s - self._status_s <= STATUS_AGE_S

    def _is_idle(self, now_s: float) -> bool:
        status = self._status
        return status is not None and self._is_fresh(now_s) and status.state == table.IDLE

    def _send_due(self, now_s: float) -> None:
        due, ended = self._talk.outgoing(now_s)
        if due:
            self._wire.write(due)
        if ended is not None:
            self._found.extend(self._take_outcome(ended))

    def _refuse(self, command: str, program: Program | None, message: str) -> None:
        self._found.append(refusal(command, program, self._clock.now_s(), message))

    @property
    def _talk(self) -> CparDialogue:
        assert self._dialogue is not None, "identify() comes first"  # noqa: S101
        return self._dialogue
