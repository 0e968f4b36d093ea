"""The only place where concrete things meet: devices, window, journal, engine. Opens, runs, closes."""

import contextlib
import dataclasses
import importlib.metadata
import platform
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final

from rich.console import Console

import scc_task
from hardware.clock import Clock, RealClock
from hardware.cuff import described
from hardware.readings import Identity
from hardware.registry import DRIVERS
from hardware.states import StopReason
from scc_task import rest
from scc_task.console import StatusLine
from scc_task.doctor import due
from scc_task.documents import Note, Start, Stop, Subscriber
from scc_task.engine import Engine
from scc_task.errors import ExplainedError, RecordingLost
from scc_task.overrides import emulated
from scc_task.ports import Course
from scc_task.prepare import RESUMES, Prepared
from scc_task.publisher import Publisher
from scc_task.rating import MarkerMotion
from scc_task.record.dataset import DatasetReport, derive
from scc_task.record.journal import Journal
from scc_task.record.read import forget_journals
from scc_task.responses import key_map
from scc_task.room import Room, open_room, open_virtual_room

PACKAGES: Final = ("psychopy", "psychtoolbox", "pyserial", "numpy", "pydantic", "PyYAML")


MakeCourse = Callable[[Subscriber, Clock], tuple[Course, Subscriber]]
"""Builds what decides on the way from where documents go and the run's clock; the second sees them all."""

Talk = Callable[[Stop], None]
"""Talks with the operator when the cuff is empty; it may still publish. Raises nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended and what it left on disk.

    ``dataset`` is ``None`` when it could not be made now; ``problem`` then says why.
    """

    stop: Stop
    identity: Identity | None
    journal: Path
    dataset: DatasetReport | None
    problem: str | None
    lost: RecordingLost | None


class _Signals:
    """Turns Ctrl-C and the system's wish to end into an orderly stop, to the very end.

    Before the run has an engine they interrupt as usual: nothing has been inflated then.
    """

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def __enter__(self) -> "_Signals":
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.engine is None:
            raise KeyboardInterrupt
        how = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.engine.request_stop(StopReason.INTERRUPTED, f"{how} asked the program to end")


def run_real(
    prepared: Prepared,
    *,
    console: Console,
    on_stop: Callable[[Stop], None],
    windowed: bool,
    screen_number: int | None,
    answers: str,
    overrides: tuple[dict[str, str], ...],
    make_course: MakeCourse | None = None,
    talk: Talk | None = None,
) -> Outcome:
    """Run on the real clock, in a real window, on whatever the rig names.

    Parameters
    ----------
    on_stop
        Told how the run ended, as soon as it has.
    overrides
        What somebody has allowed, as `scc_task.overrides.confirm` returns it.
    make_course
        Builds what decides on the way, for a calibration.
    talk
        Asks the operator after the end, before the record is closed. The cuff is closed then.

    Raises
    ------
    HardwareUnavailable, WindowUnavailable
        If something cannot be opened; nothing has been inflated or recorded then.
    """
    with ExitStack() as stack:
        # first in, last out: an impatient second Ctrl-C must cost neither the record nor the closing
        signals = stack.enter_context(_Signals())
        clock = RealClock()
        if prepared.uses_cuff:
            rest.wait(prepared.plan, prepared.given, clock, console.print)
        forget_journals()
        room = open_room(
            stack,
            prepared,
            clock,
            answers=answers,
            windowed=windowed,
            number=screen_number,
            say=lambda words: console.print(words, style="bold white on red", soft_wrap=True),
        )
        _warn_if_unexamined(prepared, room, console)
        status = stack.enter_context(StatusLine(prepared.plan, clock, console))
        room.onlookers.append(status.observe)

        def ask(stop: Stop) -> None:
            status.close()
            if room.cuff is not None:
                room.cuff.close()  # nobody shows it a sign of life while somebody types
            if talk is not None:
                talk(stop)

        return _carry_out(
            signals,
            prepared,
            room,
            on_stop,
            overrides,
            make_course,
            ask if talk is not None else None,
        )


def _warn_if_unexamined(prepared: Prepared, room: Room, console: Console) -> None:
    """Say so if nobody has examined this cuff lately."""
    if room.identity is not None:
        today = room.clock.wall().date()
        words = due.warning(prepared.rig, prepared.rig_file, room.identity, today)
        if words is not None:
            console.print(words, style="bold yellow", soft_wrap=True)


def run_virtual(
    prepared: Prepared,
    *,
    on_stop: Callable[[Stop], None],
    make_course: MakeCourse | None = None,
    talk: Talk | None = None,
) -> Outcome:
    """Run on a virtual clock, everything emulated in this process, no window."""
    with ExitStack() as stack:
        signals = stack.enter_context(_Signals())
        room = open_virtual_room(stack, prepared)
        allowed = emulated(prepared.overrides)
        return _carry_out(signals, prepared, room, on_stop, allowed, make_course, talk)


def _carry_out(
    signals: _Signals,
    prepared: Prepared,
    room: Room,
    on_stop: Callable[[Stop], None],
    overrides: tuple[dict[str, str], ...],
    make_course: MakeCourse | None = None,
    talk: Talk | None = None,
) -> Outcome:
    """Record and run. The journal is made last: a device that is missing burns no run number."""
    plan, responses = prepared.plan, prepared.rig.responses
    path = prepared.name.journal(prepared.data)
    journal = Journal(path)
    markers, cuff = room.markers, room.cuff
    # recorders hear of everything first: each onlooker before them would be a delay
    publisher = Publisher(
        journal.append, [*([markers.observe] if markers else []), *room.onlookers]
    )
    if markers is not None:
        markers.publish = publisher.publish
        cuff = markers.overhear(cuff) if cuff is not None else None
    course: Course | None = None
    if make_course is not None:
        course, onlooker = make_course(publisher.publish, room.clock)
        publisher.subscribe(onlooker)
    engine = Engine(
        plan,
        course=course,
        clock=room.clock,
        screen=room.screen,
        cuff=cuff,
        pulses=room.pulses,
        keys=room.keys,
        key_map=key_map(
            left=responses.keys("left"),
            right=responses.keys("right"),
            confirm=responses.keys("confirm"),
            stop=responses.keys("stop"),
            grip=responses.grip_key,
            bounce_s=responses.bounce_s,
            trigger=prepared.rig.scanner.trigger_key,
            asks_operator=course is not None,
        ),
        motion=MarkerMotion(
            step=responses.rating_step,
            speed_per_s=responses.speed_per_s,
            hold_after_s=responses.hold_after_s,
        ),
        publish=publisher.publish,
        at_step=journal.barrier,
        recording_failed=journal.failed,
        pace=room.pace,
    )
    lost = None
    signals.engine = engine
    try:
        publisher.publish(_start(prepared, room, overrides))
        for words in prepared.warnings:
            publisher.publish(Note(time_s=room.clock.now_s(), code="stopped", message=words))
        stop = engine.run()
        on_stop(stop)  # at once: closing devices and making the dataset take their time
        if talk is not None:
            signals.engine = None  # Ctrl-C now ends the question, not the record
            with contextlib.suppress(KeyboardInterrupt):
                talk(stop)
            signals.engine = engine
        if markers is not None:
            markers.finish()
    finally:
        try:
            journal.close()
        except RecordingLost as error:
            lost = error
    dataset, problem = None, None
    try:
        dataset = derive(path, prepared.data)
    except (ExplainedError, OSError) as error:
        problem = f"the dataset could not be made: {error}"
    return Outcome(
        stop=stop, identity=room.identity, journal=path, dataset=dataset, problem=problem, lost=lost
    )


def _start(prepared: Prepared, room: Room, overrides: tuple[dict[str, str], ...]) -> Start:
    name, plan = prepared.name, prepared.plan
    device: dict[str, Any] = {}
    if room.identity is not None:
        able = DRIVERS[prepared.rig.cuff.driver].capabilities
        device = {**dataclasses.asdict(room.identity), **described(able)}
    return Start(
        subject=name.subject,
        session=name.session,
        run=name.run,
        time_s=room.clock.now_s(),
        wall=room.clock.wall().strftime("%Y-%m-%dT%H:%M:%S"),
        plan=plan.as_dict(),
        plan_digest=plan.digest(),
        inputs=prepared.inputs,
        provenance=room.provenance
        | ({RESUMES: prepared.resumes.stem} if prepared.resumes is not None else {}),
        simulated=prepared.rig.simulated or bool(room.identity and room.identity.simulated),
        rig=prepared.rig.name,
        cuff_site=prepared.rig.cuff.site,
        device=device,
        screen=dict(room.screen.describe()),
        versions=_versions(),
        overrides=overrides,
        markers=() if room.markers is None else room.markers.describe(),
        known_before=prepared.known_before,
    )


def _versions() -> dict[str, str]:
    found = {"scc-task": scc_task.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    found["system"] = f"{platform.system()} {platform.release()}"
    return found
