"""The devices of one run: opened from what the rig names, or all of them emulated."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from hardware.clock import Clock, RealClock, VirtualClock
from hardware.errors import LimitExceeded
from hardware.inprocess import InProcessCuff
from hardware.limits import check_pressure
from hardware.readings import Identity
from hardware.registry import DRIVERS
from hardware.sim.devices import maker_of
from hardware.sim.participant import EmulatedParticipant, Fingers
from hardware.sim.plant import Plant
from hardware.sim.wire import LoopWire
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from hardware.triggers import Stamps, open_trigger
from scc_task.address import address_of, emulated_trigger, trigger_of
from scc_task.calibration.find import refuse_other_device
from scc_task.calibration.same import refuse_other_cuff
from scc_task.documents import Subscriber
from scc_task.emulated import (
    BothKeys,
    EmulatedAnswers,
    EmulatedOperator,
    EmulatorProcess,
    VirtualPulses,
    emulator_of,
    firmware_of,
    pulse_count,
    silent_dummies,
)
from scc_task.engine import REAL_PACE, VIRTUAL_PACE, Pace
from scc_task.errors import RecordingLost
from scc_task.hands_open import grip_words, open_responses
from scc_task.markers import Markers
from scc_task.markers_open import open_markers
from scc_task.ports import CuffPort, KeySource, PulseSource, Screen
from scc_task.prepare import Prepared
from scc_task.present.headless import HeadlessScreen
from scc_task.present.key_pulses import KEY_STAMPS


@dataclass(slots=True, kw_only=True)
class Room:
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
    markers: Markers | None = None


def open_room(
    stack: ExitStack,
    prepared: Prepared,
    clock: RealClock,
    *,
    answers: str,
    windowed: bool,
    number: int | None,
    say: Callable[[str], None],
) -> Room:
    """Open everything, the cuff first: what is missing shows before a window covers the screen."""
    rig, plan = prepared.rig, prepared.plan
    onlookers: list[Subscriber] = []
    provenance = {"clock": "real"}

    cuff: SupervisedCuff | None = None
    identity = None
    provenance["pressure"] = "none"
    if prepared.uses_cuff:
        port = rig.cuff.port
        if rig.simulated:
            port = _serve_cuff(stack, prepared)
        record = prepared.name.supervisor_record(prepared.data)
        cuff = SupervisedCuff(
            address_of(rig.cuff, port), _supervision(prepared), clock, record=record, say=say
        )
        stack.callback(cuff.close)
        identity = cuff.open()
        _refuse_if_too_much(prepared, identity, port)
        refuse_other_device(prepared.found, identity)
        refuse_other_cuff(prepared.resumed_device, identity, before=prepared.resumes)
        provenance["pressure"] = _pressure_source(identity, rig.cuff.driver)

    pulses, provenance["pulses"], stamps = _open_pulses(stack, prepared, clock, onlookers)
    if stamps is not None:
        provenance["pulse_stamps"] = str(stamps)

    log = (
        prepared.name.source_folder(prepared.data) / f"{prepared.name.stem}_emulatedrecorder.jsonl"
    )
    markers = open_markers(stack, rig, clock, identity=identity, log=log, say=say)

    screen = _psychopy_screen(prepared, clock, windowed=windowed, number=number)
    stack.callback(screen.close)
    screen.prepare(plan)

    from scc_task.present.keys import Keyboard  # needs the display that the window has found

    keys: KeySource = Keyboard()
    provenance["responses"] = "keyboard"
    if answers != "emulated" and rig.responses.answers in ("serial", "mouse"):
        device, provenance["responses"] = open_responses(rig.responses, screen, clock)
        keys = BothKeys(keys, device)
    if answers == "emulated":
        emulated = _emulated_answers(prepared, clock)
        onlookers.append(emulated.observe)
        keys = BothKeys(keys, emulated)
        if prepared.calibrates:
            operator = EmulatedOperator(clock)
            onlookers.append(operator.observe)
            keys = BothKeys(keys, operator)
        provenance["responses"] = "emulated participant"
    provenance["grip"] = grip_words(rig.responses, emulated=answers == "emulated")
    stack.callback(keys.close)
    return Room(
        clock=clock,
        screen=screen,
        cuff=cuff,
        identity=identity,
        pulses=pulses,
        keys=keys,
        onlookers=onlookers,
        pace=REAL_PACE,
        provenance=provenance,
        markers=markers,
    )


def open_virtual_room(stack: ExitStack, prepared: Prepared) -> Room:
    """Emulate everything in this process, on a virtual clock, without a window."""
    plan, rig = prepared.plan, prepared.rig
    clock, cuff_clock = VirtualClock(), VirtualClock()
    cuff: InProcessCuff | None = None
    identity = None
    if prepared.uses_cuff:
        binary = firmware_of(rig.cuff) if rig.cuff.binary else None
        make = maker_of(rig.cuff.driver, binary=binary, seed=plan.seed)
        device = make(Plant(seed=plan.seed), clock.now_s(), None)
        wire = LoopWire(device, cuff_clock)
        cuff = InProcessCuff(
            address_of(rig.cuff, "emulated"),
            _supervision(prepared),
            wire,
            clock=clock,
            cuff_clock=cuff_clock,
            wire_due_s=wire.due_s,
        )
        stack.callback(cuff.close)
        identity = cuff.open()
        _refuse_if_too_much(prepared, identity, "emulated")
        refuse_other_device(prepared.found, identity)
        refuse_other_cuff(prepared.resumed_device, identity, before=prepared.resumes)
    answers = _emulated_answers(prepared, clock)
    keys: KeySource = answers
    onlookers: list[Subscriber] = [answers.observe]
    pulses = VirtualPulses(plan, clock) if plan.scanner.volumes else None
    if pulses is not None:
        onlookers.append(pulses.observe)
    if prepared.calibrates:
        operator = EmulatedOperator(clock)
        onlookers.append(operator.observe)
        keys = BothKeys(answers, operator)
    return Room(
        clock=clock,
        screen=HeadlessScreen(clock),
        cuff=cuff,
        identity=identity,
        pulses=pulses,
        keys=keys,
        onlookers=onlookers,
        pace=VIRTUAL_PACE,
        provenance={
            "clock": "virtual",
            "pressure": f"emulated {rig.cuff.driver} cuff" if cuff else "none",
            "pulses": "emulated scanner" if pulses else "none",
            "responses": "emulated participant",
            "grip": grip_words(rig.responses, emulated=True),
        },
    )


def _pressure_source(identity: Identity, driver: str) -> str:
    name = f"{identity.model} {identity.serial_number}"
    if not DRIVERS[driver].capabilities.measures_pressure:
        return f"not measured, {'emulated ' if identity.simulated else ''}{name}"
    return f"emulated {name}" if identity.simulated else f"measured by {name}"


def _refuse_if_too_much(prepared: Prepared, identity: Identity, port: str) -> None:
    """Refuse what asks, or could come to ask, for more than the device's own ceiling."""
    ceiling_mmhg = prepared.plan.limits.ceiling_mmhg
    if prepared.calibrates and not ceiling_mmhg <= identity.ceiling_mmhg:
        raise LimitExceeded(
            f"the device takes {identity.ceiling_mmhg:g} mmHg at most, the rig allows {ceiling_mmhg:g}",
            where=f"{identity.model} on {port}",
            do=f"write 'ceiling_mmhg: {identity.ceiling_mmhg:g}' in the rig file: a calibration climbs",
        )
    for step in prepared.plan.inflations:
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
        *emulator_of(prepared.rig.cuff), "--seed", str(prepared.plan.seed), "--log", str(log)
    )
    stack.callback(process.close)
    return process.port


def _open_pulses(
    stack: ExitStack, prepared: Prepared, clock: Clock, onlookers: list[Subscriber]
) -> tuple[PulseSource | None, str, Stamps | None]:
    scanner, plan = prepared.rig.scanner, prepared.plan
    if not plan.scanner.volumes:
        return None, "none", None
    if scanner.trigger == "keyboard":
        return None, f"keyboard, key {scanner.trigger_key}", KEY_STAMPS
    port, source = scanner.source, f"{scanner.trigger} trigger, {scanner.source}"
    if scanner.emulated:
        process = EmulatorProcess(
            *("scanner", *emulated_trigger(scanner), "--tr", str(plan.scanner.tr_s)),
            *("--count", str(pulse_count(plan)), "--silent", str(silent_dummies(plan))),
        )
        stack.callback(process.close)
        onlookers.append(process.observe)
        port, source = process.port, f"emulated scanner, {scanner.trigger} trigger"
    pulses = open_trigger(trigger_of(scanner, port), clock)
    stack.callback(pulses.close)
    return pulses, source, pulses.stamps()


def _supervision(prepared: Prepared) -> SupervisorSettings:
    return SupervisorSettings(
        limits=prepared.plan.limits,
        given=prepared.given,
        interlock=prepared.rig.supervisor.as_interlock(),
    )


def _emulated_answers(prepared: Prepared, clock: Clock) -> EmulatedAnswers:
    responses, name = prepared.rig.responses, prepared.name
    fingers = Fingers(
        left=responses.keys("left")[0],
        right=responses.keys("right")[0],
        confirm=responses.keys("confirm")[0],
        grip=responses.grip_key,
        step=responses.rating_step,
        speed_per_s=responses.speed_per_s,
        hold_after_s=responses.hold_after_s,
    )
    seed = prepared.plan.seed * 1000 + name.run
    person = EmulatedParticipant(prepared.person, fingers, seed=seed)
    return EmulatedAnswers(person, prepared.plan, clock)
