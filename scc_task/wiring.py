"""The only place where concrete things meet: devices, window, journal, engine. Opens, runs, closes."""

import dataclasses
import importlib.metadata
import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console

import scc_task
from hardware.clock import Clock, RealClock, VirtualClock
from hardware.inprocess import InProcessCuff
from hardware.limits import check_pressure
from hardware.readings import Identity
from hardware.registry import CuffAddress
from hardware.sim.devices import DEVICES
from hardware.sim.participant import EmulatedParticipant, Fingers
from hardware.sim.plant import Plant
from hardware.sim.wire import LoopWire
from hardware.states import StopReason
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from hardware.triggers import SerialPulses
from scc_task.console import StatusLine
from scc_task.documents import Start, Stop, Subscriber
from scc_task.emulated import (
    BothKeys,
    EmulatedAnswers,
    EmulatorProcess,
    VirtualPulses,
    pulse_count,
    silent_dummies,
)
from scc_task.engine import REAL_PACE, VIRTUAL_PACE, Engine, Pace
from scc_task.errors import ExplainedError, RecordingLost
from scc_task.plan.steps import Plan
from scc_task.ports import CuffPort, KeySource, PulseSource, Screen
from scc_task.prepare import Prepared
from scc_task.present.headless import HeadlessScreen
from scc_task.publisher import Publisher
from scc_task.rating import MarkerMotion
from scc_task.record.dataset import DatasetReport, derive
from scc_task.record.journal import Journal
from scc_task.responses import key_map

PACKAGES: Final = ("psychopy", "psychtoolbox", "pyserial", "numpy", "pydantic", "PyYAML")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended and what it left on disk.

    ``dataset`` is ``None`` when it could not be made now; ``problem`` then says why.
    """

    stop: Stop
    journal: Path
    dataset: DatasetReport | None
    problem: str | None
    lost: RecordingLost | None


@dataclass(slots=True, kw_only=True)
class _Room:
    """The open devices of one run."""

    clock: Clock
    screen: Screen
    cuff: CuffPort | None
    identity: Identity | None
    pulses: PulseSource | None
    keys: KeySource
    onlookers: list[Subscriber]
    pace: Pace
    provenance: dict[str, str]


def run_real(
    prepared: Prepared,
    *,
    console: Console,
    on_stop: Callable[[Stop], None],
    windowed: bool,
    screen_number: int | None,
    answers: str,
) -> Outcome:
    """Run on the real clock, in a real window, on whatever the rig names.

    Parameters
    ----------
    on_stop
        Told how the run ended, as soon as it has.

    Raises
    ------
    HardwareUnavailable, WindowUnavailable
        If something cannot be opened; nothing has been inflated or recorded then.
    """
    with ExitStack() as stack:
        clock = RealClock()
        room = _open_room(
            stack, prepared, clock, answers=answers, windowed=windowed, number=screen_number
        )
        status = stack.enter_context(StatusLine(prepared.plan, clock, console))
        room.onlookers.append(status.observe)
        return _carry_out(stack, prepared, room, on_stop)


def run_virtual(prepared: Prepared, *, on_stop: Callable[[Stop], None]) -> Outcome:
    """Run on a virtual clock, everything emulated in this process, no window."""
    plan, rig = prepared.plan, prepared.rig
    clock, cuff_clock = VirtualClock(), VirtualClock()
    with ExitStack() as stack:
        cuff: InProcessCuff | None = None
        identity = None
        if plan.inflations:
            device = DEVICES[rig.cuff.driver](Plant(seed=plan.seed), clock.now_s(), None)
            wire = LoopWire(device, cuff_clock)
            cuff = InProcessCuff(
                _address(prepared, "emulated"),
                _supervision(prepared),
                wire,
                clock=clock,
                cuff_clock=cuff_clock,
                wire_due_s=wire.due_s,
            )
            stack.callback(cuff.close)
            identity = cuff.open()
            _refuse_if_too_much(plan, identity, "emulated")
        answers = _emulated_answers(prepared, clock)
        pulses = VirtualPulses(plan, clock)
        room = _Room(
            clock=clock,
            screen=HeadlessScreen(clock),
            cuff=cuff,
            identity=identity,
            pulses=pulses,
            keys=answers,
            onlookers=[answers.observe, pulses.observe],
            pace=VIRTUAL_PACE,
            provenance={
                "clock": "virtual",
                "pressure": f"emulated {rig.cuff.driver} cuff" if cuff else "none",
                "pulses": "emulated scanner",
                "responses": "emulated participant",
            },
        )
        return _carry_out(stack, prepared, room, on_stop)


# -- opening


def _open_room(
    stack: ExitStack,
    prepared: Prepared,
    clock: RealClock,
    *,
    answers: str,
    windowed: bool,
    number: int | None,
) -> _Room:
    """Open everything, the cuff first: what is missing shows before a window covers the screen."""
    rig, plan = prepared.rig, prepared.plan
    onlookers: list[Subscriber] = []
    provenance = {"clock": "real"}

    cuff: SupervisedCuff | None = None
    identity = None
    provenance["pressure"] = "none"
    if plan.inflations:
        port = rig.cuff.port
        if rig.simulated:
            port = _serve_cuff(stack, prepared)
        record = prepared.name.supervisor_record(prepared.data)
        cuff = SupervisedCuff(
            _address(prepared, port), _supervision(prepared), clock, record=record
        )
        stack.callback(cuff.close)
        identity = cuff.open()
        _refuse_if_too_much(plan, identity, port)
        kind = "emulated" if identity.simulated else "measured by"
        provenance["pressure"] = f"{kind} {identity.model} {identity.serial_number}"

    pulses, provenance["pulses"] = _open_pulses(stack, prepared, clock, onlookers)

    screen = _psychopy_screen(prepared, clock, windowed=windowed, number=number)
    stack.callback(screen.close)
    screen.prepare(plan)

    from scc_task.present.keys import Keyboard  # needs the display that the window has found

    keys: KeySource = Keyboard()
    provenance["responses"] = "keyboard"
    if answers == "emulated":
        emulated = _emulated_answers(prepared, clock)
        onlookers.append(emulated.observe)
        keys = BothKeys(keys, emulated)
        provenance["responses"] = "emulated participant"
    stack.callback(keys.close)
    return _Room(
        clock=clock,
        screen=screen,
        cuff=cuff,
        identity=identity,
        pulses=pulses,
        keys=keys,
        onlookers=onlookers,
        pace=REAL_PACE,
        provenance=provenance,
    )


def _refuse_if_too_much(plan: Plan, identity: Identity, port: str) -> None:
    """Refuse a plan that asks for more than the device's own ceiling, before anything starts."""
    for step in plan.inflations:
        check_pressure(
            step.target_mmhg or 0.0,
            ceiling_mmhg=identity.ceiling_mmhg,
            where=f"step {step.number}, {identity.model} on {port}",
        )


def _psychopy_screen(
    prepared: Prepared, clock: Clock, *, windowed: bool, number: int | None
) -> Screen:
    from scc_task.present.window import (
        PsychoPyScreen,
    )  # takes 2 s: not for those who need no window

    rig = prepared.rig.screen
    return PsychoPyScreen(
        number=rig.number if number is None else number,
        fullscreen=rig.fullscreen and not windowed,
        size_px=rig.size_px,
        clock=clock,
    )


def _serve_cuff(stack: ExitStack, prepared: Prepared) -> str:
    """Start the emulated controller; its own log goes beside the journal."""
    folder = prepared.name.source_folder(prepared.data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingLost(
            f"the data folder cannot be made: {error.strerror or error}",
            where=str(folder),
            do="give --data a folder on a disk that can be written and is not full",
        ) from error
    log = folder / f"{prepared.name.stem}_emulatedcuff.jsonl"
    process = EmulatorProcess(
        prepared.rig.cuff.driver, "--seed", str(prepared.plan.seed), "--log", str(log)
    )
    stack.callback(process.close)
    return process.port


def _open_pulses(
    stack: ExitStack, prepared: Prepared, clock: Clock, onlookers: list[Subscriber]
) -> tuple[PulseSource | None, str]:
    scanner, plan = prepared.rig.scanner, prepared.plan
    if scanner.trigger == "keyboard":
        return None, f"keyboard, key {scanner.trigger_key}"
    port, baud = str(scanner.port), 115200
    source = f"serial port {port}"
    if scanner.emulated:
        process = EmulatorProcess(
            "scanner",
            *("--tr", str(plan.scanner.tr_s), "--count", str(pulse_count(plan))),
            *("--silent", str(silent_dummies(plan)), "--byte", str(scanner.byte)),
        )
        stack.callback(process.close)
        onlookers.append(process.observe)
        port, source = process.port, "emulated scanner on a serial port"
    pulses = SerialPulses(port, baud=baud, byte=str(scanner.byte).encode("ascii"), clock=clock)
    stack.callback(pulses.close)
    return pulses, source


def _address(prepared: Prepared, port: str) -> CuffAddress:
    return CuffAddress(driver=prepared.rig.cuff.driver, port=port, baud=prepared.rig.cuff.baud)


def _supervision(prepared: Prepared) -> SupervisorSettings:
    return SupervisorSettings(
        limits=prepared.plan.limits,
        patience_s=prepared.rig.supervisor.patience_s,
        interlock=prepared.rig.supervisor.as_interlock(),
    )


def _emulated_answers(prepared: Prepared, clock: Clock) -> EmulatedAnswers:
    responses, name = prepared.rig.responses, prepared.name
    fingers = Fingers(
        left=responses.left[0],
        right=responses.right[0],
        confirm=responses.confirm[0],
        step=responses.rating_step,
        speed_per_s=responses.speed_per_s,
        hold_after_s=responses.hold_after_s,
    )
    seed = prepared.plan.seed * 1000 + name.run
    person = EmulatedParticipant(prepared.person, fingers, seed=seed)
    return EmulatedAnswers(person, prepared.plan, clock)


# -- running


def _carry_out(
    stack: ExitStack, prepared: Prepared, room: _Room, on_stop: Callable[[Stop], None]
) -> Outcome:
    """Record and run. The journal is made last: a device that is missing burns no run number."""
    plan, responses = prepared.plan, prepared.rig.responses
    path = prepared.name.journal(prepared.data)
    journal = Journal(path)
    publisher = Publisher(journal.append, room.onlookers)
    engine = Engine(
        plan,
        clock=room.clock,
        screen=room.screen,
        cuff=room.cuff,
        pulses=room.pulses,
        keys=room.keys,
        key_map=key_map(
            left=responses.left,
            right=responses.right,
            confirm=responses.confirm,
            stop=responses.stop,
            trigger=prepared.rig.scanner.trigger_key,
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
    # to the very end: an impatient second Ctrl-C must not cost the record
    stack.enter_context(_signals(engine))
    try:
        publisher.publish(_start(prepared, room))
        stop = engine.run()
        on_stop(stop)  # at once: closing devices and making the dataset take their time
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
    return Outcome(stop=stop, journal=path, dataset=dataset, problem=problem, lost=lost)


@contextmanager
def _signals(engine: Engine) -> Iterator[None]:
    """Turn Ctrl-C and the system's wish to end into an orderly stop."""

    def ask(number: int, frame: FrameType | None) -> None:
        how = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        engine.request_stop(StopReason.INTERRUPTED, f"{how} asked the program to end")

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(prepared: Prepared, room: _Room) -> Start:
    name, plan = prepared.name, prepared.plan
    device: dict[str, Any] = dataclasses.asdict(room.identity) if room.identity else {}
    return Start(
        subject=name.subject,
        session=name.session,
        run=name.run,
        time_s=room.clock.now_s(),
        wall=room.clock.wall().strftime("%Y-%m-%dT%H:%M:%S"),
        plan=plan.as_dict(),
        plan_digest=plan.digest(),
        inputs=prepared.inputs,
        provenance=room.provenance,
        simulated=prepared.rig.simulated or bool(room.identity and room.identity.simulated),
        rig=prepared.rig.name,
        cuff_site=prepared.rig.cuff.site,
        device=device,
        screen=dict(room.screen.describe()),
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    found = {"scc-task": scc_task.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    found["system"] = f"{platform.system()} {platform.release()}"
    return found
