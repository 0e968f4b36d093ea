"""Whole calibrations on a virtual clock: real engine and supervisor, emulated cuff and participant."""

import dataclasses
import functools
import json
from pathlib import Path

from calibration_bench import fresh, shipped

from hardware.clock import VirtualClock
from hardware.inprocess import InProcessCuff
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.registry import CuffAddress
from hardware.sim.participant import EmulatedParticipant, Fingers, PainCurve
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference
from hardware.sim.wire import LoopWire
from hardware.supervisor import SupervisorSettings
from scc_task.calibration.course import CalibrationCourse
from scc_task.documents import Document, Outcome, Start
from scc_task.emulated import EmulatedAnswers
from scc_task.engine import VIRTUAL_PACE, Engine
from scc_task.plan.steps import (
    Cue,
    DummyKind,
    Plan,
    Scale,
    ScannerPlan,
    Step,
    StepKind,
    TrialType,
)
from scc_task.ports import KeyEvent
from scc_task.present.headless import HeadlessScreen
from scc_task.rating import MarkerMotion
from scc_task.record.journal import encode_line
from scc_task.record.paths import RunName
from scc_task.responses import key_map

NAME = RunName(subject="01", session="pre", run=1, task="calibration")
MOTION = MarkerMotion()
FINGERS = Fingers(
    left="left",
    right="right",
    confirm="return",
    step=MOTION.step,
    hold_after_s=MOTION.hold_after_s,
    speed_per_s=MOTION.speed_per_s,
)


def calibration_plan() -> Plan:
    """Return the plan of a calibration as far as it is known before it begins."""
    protocol = shipped()
    return Plan(
        protocol=protocol.name,
        task=protocol.task,
        strategy="none",
        language="en",
        seed=3,
        scanner=ScannerPlan(tr_s=0.0, volumes=0, dummies=0, dummy_kind=DummyKind.SILENT),
        limits=Limits(),
        pressures=(),
        cues=(Cue(name="pressure_on", shape="square", color="red"),),
        scales=(Scale(name="intensity", question="How intense?", low="no", high="most", start=50),),
        texts=(("calibration", "The cuff will press.\nRate what you felt."),),
        steps=(
            Step(
                number=1,
                kind=StepKind.SHOW,
                onset_ms=0,
                duration_ms=20_000,
                trial_type=TrialType.INSTRUCTION,
                text="calibration",
            ),
        ),
    )


class Keys:
    """The emulated participant's keys, and a stop key at a known time."""

    def __init__(self, answers: EmulatedAnswers, clock: VirtualClock, stop_s: float | None) -> None:
        self.answers, self.clock, self.stop_s = answers, clock, stop_s

    def observe(self, document: Document) -> None:
        self.answers.observe(document)

    def poll(self) -> list[KeyEvent]:
        events = list(self.answers.poll())
        if self.stop_s is not None and self.clock.now_s() >= self.stop_s:
            events.append(KeyEvent(self.stop_s, "s", True))
            self.stop_s = None
        return events

    def next_due_s(self) -> float | None:
        due = [self.answers.next_due_s(), self.stop_s]
        return min((time_s for time_s in due if time_s is not None), default=None)

    def close(self) -> None:
        pass


@functools.cache
def calibration(
    *, p40_mmhg: float = 110.0, missing: float = 0.0, stop_after_s: float | None = None
) -> tuple[Document, ...]:
    """Return the documents of a calibration from `Start` to `Stop`.

    Parameters
    ----------
    stop_after_s
        When the participant presses the stop key, from the beginning.
    """
    plan, protocol = calibration_plan(), shipped()
    clock, cuff_clock = VirtualClock(), VirtualClock()
    device = EmulatedReference(
        Plant(seed=1), start_s=clock.now_s(), witness=lambda what, time_s: None
    )
    wire = LoopWire(device, cuff_clock)
    cuff = InProcessCuff(
        CuffAddress(driver="reference", port="emulated", baud=115200),
        SupervisorSettings(limits=plan.limits, interlock=InterlockSettings(patience_s=0.5)),
        wire,
        clock=clock,
        cuff_clock=cuff_clock,
        wire_due_s=wire.due_s,
    )
    cuff.open()
    someone = EmulatedParticipant(PainCurve(p40_mmhg=p40_mmhg), FINGERS, seed=5, missing=missing)
    stop_s = None if stop_after_s is None else clock.now_s() + stop_after_s
    keys = Keys(EmulatedAnswers(someone, plan, clock), clock, stop_s)
    documents: list[Document] = [start_of(plan, clock.now_s())]
    course = CalibrationCourse(
        fresh(protocol),
        protocol,
        plan,
        gap_s=30.0,
        publish=documents.append,
        now_s=clock.now_s,
    )

    def publish(document: Document) -> None:
        documents.append(document)
        keys.observe(document)
        course.observe(document)

    Engine(
        plan,
        course=course,
        clock=clock,
        screen=HeadlessScreen(clock),
        cuff=cuff,
        pulses=None,
        keys=keys,
        key_map=key_map(
            left=("left",), right=("right",), confirm=("return",), stop=("s",), trigger=None
        ),
        motion=MOTION,
        publish=publish,
        at_step=lambda: None,
        recording_failed=lambda: None,
        pace=VIRTUAL_PACE,
    ).run()
    return tuple(documents)


def start_of(plan: Plan, time_s: float) -> Start:
    """Return the first document of a calibration."""
    emulated = {"pressure": "emulated cuff", "responses": "emulated participant"}
    return Start(
        subject=NAME.subject,
        session=NAME.session,
        run=NAME.run,
        time_s=time_s,
        wall="1924-01-01T00:00:00+00:00",
        plan=json.loads(json.dumps(plan.as_dict())),
        plan_digest=plan.digest(),
        inputs=({"role": "protocol", "name": "calibration.yaml", "sha256": "ab" * 32},),
        provenance=emulated,
        simulated=True,
        rig="simulated",
        cuff_site="left calf",
        device={"manufacturer": "scc-task", "model": "Emulated reference cuff"},
        screen={"width_px": 0, "height_px": 0, "refresh_hz": None, "software": "headless"},
        versions={"scc-task": "0.1.0", "system": "Linux 6.1"},
    )


def killed_at(documents: tuple[Document, ...], trial: int) -> tuple[Document, ...]:
    """Return what is on disk when the power goes just before the outcome of a trial is written."""
    ends = [n for n, d in enumerate(documents) if isinstance(d, Outcome) and d.trial == trial]
    return documents[: ends[0]]


def write(data: Path, documents: tuple[Document, ...], *, run: int = 1) -> Path:
    """Write a journal in its place, and return it."""
    path = dataclasses.replace(NAME, run=run).journal(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    start = documents[0]
    assert isinstance(start, Start)
    first = dataclasses.replace(start, run=run)
    path.write_bytes(b"".join(map(encode_line, (first, *documents[1:]))))
    return path
