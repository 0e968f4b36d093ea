"""The engine on a virtual clock, with the real supervisor, driver and emulated cuff behind it."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from protocol_files import PROTOCOLS, RIGS

from hardware.clock import VirtualClock
from hardware.inprocess import InProcessCuff
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import Program
from hardware.registry import CuffAddress
from hardware.sim.plant import Plant
from hardware.sim.reference import EmulatedReference
from hardware.sim.wire import LoopWire
from hardware.states import StopReason
from hardware.supervisor import SupervisorSettings
from scc_task.documents import (
    Command,
    Document,
    Note,
    Planned,
    Pulse,
    Rating,
    Samples,
    StepBegan,
    StepMissed,
    Stop,
    TimeZero,
    Tracked,
    Vented,
)
from scc_task.emulated import SCAN_DELAY_S, VirtualPulses, is_waiting
from scc_task.engine import VIRTUAL_PACE, Engine
from scc_task.errors import RecordingLost
from scc_task.plan.compile import compile_plan
from scc_task.plan.steps import Plan, ResolvedPressure, Step, StepKind
from scc_task.ports import Course, KeyEvent, RequestStop
from scc_task.present.headless import HeadlessScreen
from scc_task.protocol.check import check_protocol
from scc_task.rating import MarkerMotion
from scc_task.responses import key_map


class ScriptedKeys:
    """Keys at known times."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.script: list[KeyEvent] = []

    def poll(self) -> Sequence[KeyEvent]:
        now_s = self.clock.now_s()
        due = [event for event in self.script if event.time_s <= now_s]
        self.script = [event for event in self.script if event.time_s > now_s]
        return due

    def next_due_s(self) -> float | None:
        return min((event.time_s for event in self.script), default=None)

    def close(self) -> None:
        pass


class TroubledScreen(HeadlessScreen):
    """A screen that can raise, hang or be closed when a step is drawn."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.trouble: Callable[[Step], None] = lambda step: None
        self.is_closed = False
        self.messages: list[str] = []

    def draw_message(self, key: str) -> None:
        self.messages.append(key)

    def draw_step(self, step: Step) -> None:
        self.trouble(step)

    def closed(self) -> bool:
        return self.is_closed


@dataclass
class Room:
    """Everything of a run, and its documents."""

    plan: Plan
    patience_s: float = 0.5
    documents: list[Document] = field(default_factory=list)
    failure: Exception | None = None
    when_waiting: Callable[[float], None] = lambda zero_s: None
    grip: str | None = None

    def __post_init__(self) -> None:
        self.clock, cuff_clock = VirtualClock(), VirtualClock()
        self.valve: list[tuple[float, str]] = []
        self.plant = Plant(seed=1)
        self.device = EmulatedReference(
            self.plant,
            start_s=self.clock.now_s(),
            witness=lambda what, time_s: self.valve.append((time_s, what)),
        )
        wire = LoopWire(self.device, cuff_clock)
        self.cuff = InProcessCuff(
            CuffAddress(driver="reference", port="emulated", baud=115200),
            SupervisorSettings(
                limits=self.plan.limits,
                interlock=InterlockSettings(patience_s=self.patience_s),
            ),
            wire,
            clock=self.clock,
            cuff_clock=cuff_clock,
            wire_due_s=wire.due_s,
        )
        self.cuff.open()
        self.keys = ScriptedKeys(self.clock)
        self.screen = TroubledScreen(self.clock)
        self.pulses = VirtualPulses(self.plan, self.clock)
        self.engine = self.make_engine(self.plan, None)

    def make_engine(self, plan: Plan, course: Course | None) -> Engine:
        return Engine(
            plan,
            course=course,
            clock=self.clock,
            screen=self.screen,
            cuff=self.cuff,
            pulses=self.pulses,
            keys=self.keys,
            key_map=key_map(
                left=("left",),
                right=("right",),
                confirm=("return",),
                stop=("s",),
                trigger=None,
                grip=self.grip,
            ),
            motion=MarkerMotion(),
            publish=self.publish,
            at_step=lambda: None,
            recording_failed=lambda: self.failure,
            pace=VIRTUAL_PACE,
        )

    def publish(self, document: Document) -> None:
        self.documents.append(document)
        self.pulses.observe(document)
        if is_waiting(document):  # the emulated scanner starts 2 s later
            self.when_waiting(self.clock.now_s() + SCAN_DELAY_S)

    def of(self, kind: type) -> list[Document]:
        return [d for d in self.documents if isinstance(d, kind)]

    def run(self) -> Stop:
        stop = self.engine.run()
        assert self.documents[-1] is stop
        assert self.device.pressure_mmhg < 15.0
        assert self.device.state in ("idle", "fault")
        assert stop.vent_confirmed
        return stop

    def valve_moves(self) -> list[str]:
        return [what for _, what in self.valve if what.startswith("valve")]

    def at_step(self, kind: str, action: Callable[[], None]) -> None:
        """Do something when the first step of a kind is drawn."""
        done: list[bool] = []

        def trouble(step: Step) -> None:
            if step.kind == kind and not done:
                done.append(True)
                action()

        self.screen.trouble = trouble


@pytest.fixture(scope="module")
def plan() -> Plan:
    checked = check_protocol(PROTOCOLS / "demo.yaml", RIGS / "simulated.yaml")
    return compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=Limits(),
        seed=1,
        resolve=lambda name, rating: ResolvedPressure(
            name=name, mmhg=131.0, rating=rating, source="test"
        ),
    )


@pytest.fixture
def room(plan: Plan) -> Room:
    return Room(plan)


def test_a_run_shows_every_step_on_time_and_moves_the_cuff_twice(room: Room) -> None:
    stop = room.run()
    assert stop.reason is StopReason.COMPLETED
    steps = [d for d in room.of(StepBegan) if isinstance(d, StepBegan)]
    assert [s.number for s in steps] == [s.number for s in room.plan.steps]
    assert all(s.flip_s == pytest.approx(s.planned_s, abs=1e-6) for s in steps)
    assert room.valve_moves() == ["valve closed", "valve open"] * 2
    assert stop.notes == ()


def test_nothing_is_shown_later_because_something_was_late(room: Room) -> None:
    room.at_step("show", lambda: room.clock.sleep_until(room.clock.now_s() + 0.3))
    stop = room.run()
    steps = {d.number: d for d in room.of(StepBegan) if isinstance(d, StepBegan)}
    late = [number for number, s in steps.items() if s.flip_s - s.planned_s > 1e-6]
    assert late == [2]
    assert stop.notes == ("step 2 (show) came 300 ms late",)


def test_a_step_that_was_slept_through_is_recorded_as_missed(plan: Plan) -> None:
    room = Room(plan, patience_s=20.0)
    room.at_step("rate", lambda: room.clock.sleep_until(room.clock.now_s() + 13.0))
    room.run()
    missed = [d.number for d in room.of(StepMissed) if isinstance(d, StepMissed)]
    assert missed == [7]


def stop_after(room: Room, seconds: float, key: str) -> None:
    room.when_waiting = lambda zero_s: room.keys.script.append(
        KeyEvent(zero_s + seconds, key, True)
    )


@pytest.mark.parametrize(
    ("key", "reason"), [("escape", StopReason.OPERATOR), ("s", StopReason.PARTICIPANT)]
)
@pytest.mark.parametrize("seconds", [-1.0, 1.0, 10.0, 15.0, 20.0, 25.0])
def test_a_stop_key_stops_at_any_time(
    room: Room, key: str, reason: StopReason, seconds: float
) -> None:
    stop_after(room, seconds, key)
    stop = room.run()
    assert stop.reason is reason
    assert room.valve_moves().count("valve closed") == room.valve_moves().count("valve open")


def test_a_rating_under_way_is_kept_unconfirmed_when_the_run_stops(room: Room) -> None:
    room.when_waiting = lambda zero_s: room.keys.script.extend(
        [
            KeyEvent(zero_s + 23.0, "right", True),
            KeyEvent(zero_s + 23.1, "right", False),
            KeyEvent(zero_s + 24.0, "escape", True),
        ]
    )
    room.run()
    (rating,) = room.of(Rating)
    assert isinstance(rating, Rating)
    assert (rating.rating, rating.last_position, rating.moved) == (None, 51, True)


@pytest.mark.parametrize(
    ("late_s", "ratings", "told"),
    [(-0.02, (50, None), 0), (0.02, (None, None), 1), (0.4, (None, 50), 0)],
)
def test_a_late_confirmation_of_one_scale_is_no_answer_to_the_next(
    room: Room, late_s: float, ratings: tuple[int | None, ...], told: int
) -> None:
    first, second, *_ = (s for s in room.plan.steps if s.kind is StepKind.RATE)
    assert second.onset_ms == first.end_ms
    room.when_waiting = lambda zero_s: room.keys.script.extend(
        [
            KeyEvent(zero_s + second.onset_s + late_s, "return", True),
            KeyEvent(zero_s + second.onset_s + late_s + 0.05, "return", False),
        ]
    )
    stop = room.run()
    found = [d for d in room.of(Rating) if isinstance(d, Rating)]
    assert tuple(d.rating for d in found[:2]) == ratings
    assert len(stop.notes) == told
    assert [d.code for d in room.of(Note) if isinstance(d, Note)].count(
        "confirmed_too_soon"
    ) == told
    assert all("20 ms after" in note for note in stop.notes)


def test_an_exception_in_a_screen_vents_and_its_traceback_is_kept(room: Room) -> None:
    def broken() -> None:
        raise RuntimeError("a broken screen")

    room.at_step("rate", broken)
    stop = room.run()
    assert stop.reason is StopReason.PROGRAM_ERROR
    notes = [d for d in room.of(Note) if isinstance(d, Note) and d.code == "traceback"]
    assert "a broken screen" in notes[0].message


def test_a_closed_window_vents(room: Room) -> None:
    room.at_step("inflate", lambda: setattr(room.screen, "is_closed", True))
    assert room.run().reason is StopReason.WINDOW_CLOSED


def test_a_lost_recording_vents(room: Room) -> None:
    lost = RecordingLost("disk full", where="journal", do="free it")
    room.at_step("inflate", lambda: setattr(room, "failure", lost))
    assert room.run().reason is StopReason.RECORDING_LOST


def test_a_signal_vents(room: Room) -> None:
    room.at_step("inflate", lambda: room.engine.request_stop(StopReason.INTERRUPTED, "Ctrl-C"))
    assert room.run().reason is StopReason.INTERRUPTED


def test_a_hung_screen_is_vented_by_the_supervisor(room: Room) -> None:
    hang = lambda: room.clock.sleep_until(room.clock.now_s() + 2.0)  # noqa: E731
    room.at_step("inflate", hang)
    stop = room.run()
    assert stop.reason is StopReason.TASK_SILENT


def test_a_cuff_that_does_not_empty_is_said_on_the_screen_until_it_does(room: Room) -> None:
    def jam() -> None:
        room.plant.trouble.valve_stuck = True
        room.keys.script.append(KeyEvent(room.clock.now_s() + 5.0, "escape", True))

    room.at_step("inflate", jam)
    stop = room.engine.run()
    assert stop.reason is StopReason.OPERATOR
    assert stop.vent_confirmed is False
    assert room.screen.messages[-2:] == ["run_stopped", "cuff_not_empty"]
    assert room.clock.now_s() - stop.end_s >= 10.0
    assert any("disconnect the hose" in note for note in stop.notes)


def test_who_has_read_that_the_cuff_is_not_empty_may_end_the_wait(room: Room) -> None:
    def jam() -> None:
        room.plant.trouble.valve_stuck = True
        for later_s in (5.0, 5.2, 9.5):
            room.keys.script.append(KeyEvent(room.clock.now_s() + later_s, "escape", True))

    room.at_step("inflate", jam)
    stop = room.engine.run()
    assert 4.0 < room.clock.now_s() - stop.end_s < 6.0


class TwoMore:
    """A course of two batches, with a moment of thought between them."""

    def __init__(self, plan: Plan) -> None:
        self.next_number = len(plan.steps) + 1
        self.asked: list[int] = []
        self.thoughts = 0
        self.request_stop: RequestStop | None = None
        self.interrupted_by: StopReason | None = None

    def attend(self, request_stop: RequestStop) -> None:
        self.request_stop = request_stop

    def interrupted(self, reason: StopReason) -> None:
        self.interrupted_by = reason

    def more(self, from_ms: int) -> list[Step] | None:
        self.asked.append(from_ms)
        if self.next_number > 13:
            return None
        if self.next_number > 9 and self.thoughts < 5:
            self.thoughts += 1
            return []
        steps = []
        for kind, duration_ms in ((StepKind.FIXATION, 40_000), (StepKind.INFLATE, 6_000)):
            target_mmhg = 100.0 if kind is StepKind.INFLATE else None
            steps.append(
                Step(
                    number=self.next_number,
                    kind=kind,
                    onset_ms=from_ms,
                    duration_ms=duration_ms,
                    target_mmhg=target_mmhg,
                )
            )
            self.next_number += 1
            from_ms += duration_ms
        return steps


def test_a_course_decides_on_the_way_what_comes_next(room: Room) -> None:
    first = room.plan.steps[:7]  # one inflation
    plan = dataclasses.replace(room.plan, steps=first)
    course = TwoMore(plan)
    room.engine = room.make_engine(plan, course)
    stop = room.run()
    assert stop.reason is StopReason.COMPLETED
    assert room.valve_moves() == ["valve closed", "valve open"] * 4
    planned = room.of(Planned)
    assert [[step["number"] for step in document.steps] for document in planned] == [
        [8, 9],
        [10, 11],
        [12, 13],
    ]
    began = {document.number: document for document in room.of(StepBegan)}
    assert all(abs(b.flip_s - b.planned_s) < 0.001 for b in began.values())
    assert course.thoughts == 5


def test_a_course_that_asks_for_a_stop_gets_it_before_the_inflation(room: Room) -> None:
    plan = dataclasses.replace(room.plan, steps=room.plan.steps[:7])
    course = TwoMore(plan)
    room.engine = room.make_engine(plan, course)
    assert course.request_stop is not None
    request_stop = course.request_stop
    room.at_step("inflate", lambda: request_stop(StopReason.OPERATOR, "taken back"))
    stop = room.run()
    assert (stop.reason, stop.detail) == (StopReason.OPERATOR, "taken back")
    assert course.interrupted_by is StopReason.OPERATOR
    (began,) = (d for d in room.of(StepBegan) if d.kind == StepKind.INFLATE)
    assert stop.end_s - began.flip_s < 1.0
    assert room.valve_moves() == ["valve closed", "valve open"]  # the self-test


def test_without_a_scanner_time_zero_is_when_the_run_begins(room: Room) -> None:
    nobody = dataclasses.replace(room.plan.scanner, volumes=0)
    room.engine = room.make_engine(dataclasses.replace(room.plan, scanner=nobody), None)
    room.run()
    (zero,) = room.of(TimeZero)
    assert zero.pulse == 0
    assert not room.of(Pulse)


def test_a_refused_inflation_ends_the_run(room: Room) -> None:
    load = room.cuff.load

    def too_much(program: Program) -> None:
        load(
            Program(
                number=program.number,
                onset_s=program.onset_s,
                offset_s=program.offset_s,
                target_mmhg=999.0,
            )
        )

    room.cuff.load = too_much  # type: ignore[method-assign]
    stop = room.run()
    assert stop.reason is StopReason.CUFF_FAULT
    assert "999 mmHg is outside" in stop.detail
    assert room.valve_moves() == []


def test_every_sample_is_published_once_and_in_order(room: Room) -> None:
    room.run()
    counters = [c for d in room.of(Samples) if isinstance(d, Samples) for c in d.counter]
    assert counters == list(range(counters[0], counters[-1] + 1))
    assert len(counters) >= 74 * 50


def test_each_planned_vent_is_confirmed(room: Room) -> None:
    room.run()
    vents = [d for d in room.of(Vented) if isinstance(d, Vented)]
    assert len(vents) == 3  # two planned ends and the one at the end of the run
    assert all(vent.confirmed for vent in vents)


def test_nothing_is_armed_until_the_participant_holds_the_grip(plan: Plan) -> None:
    room = Room(plan, grip="g")
    room.keys.script = [KeyEvent(room.clock.now_s() + 30.0, "g", True)]
    begun_s = room.clock.now_s()
    stop = room.run()
    assert stop.reason is StopReason.COMPLETED
    assert room.screen.messages[:2] == ["hold_grip", "wait_for_scanner"]
    armed = [d for d in room.of(Command) if isinstance(d, Command) and d.command == "arm"]
    assert armed[0].sent_s >= begun_s + 30.0


@pytest.mark.parametrize("seconds", [1.0, 15.0, 23.0])
def test_letting_go_of_the_grip_vents_and_ends_the_run(plan: Plan, seconds: float) -> None:
    room = Room(plan, grip="g")
    room.keys.script = [KeyEvent(room.clock.now_s() + 1.0, "g", True)]
    room.when_waiting = lambda zero_s: room.keys.script.append(
        KeyEvent(zero_s + seconds, "g", False)
    )
    stop = room.run()
    assert (stop.reason, stop.detail) == (
        StopReason.PARTICIPANT,
        "the participant let go of the grip",
    )
    assert room.valve_moves().count("valve closed") == room.valve_moves().count("valve open")


def test_who_lets_go_before_the_scan_is_asked_again_and_nothing_is_lost(plan: Plan) -> None:
    room = Room(plan, grip="g")
    room.keys.script = [KeyEvent(room.clock.now_s() + 1.0, "g", True)]
    room.when_waiting = lambda zero_s: room.keys.script.extend(
        [KeyEvent(zero_s - 1.5, "g", False), KeyEvent(zero_s - 0.5, "g", True)]
    )
    assert room.run().reason is StopReason.COMPLETED
    assert room.screen.messages[:4] == [
        "hold_grip",
        "wait_for_scanner",
        "hold_grip",
        "wait_for_scanner",
    ]


def test_who_does_not_hold_the_grip_when_the_scan_begins_gets_no_pressure(plan: Plan) -> None:
    room = Room(plan, grip="g")
    room.keys.script = [KeyEvent(room.clock.now_s() + 1.0, "g", True)]
    room.when_waiting = lambda zero_s: room.keys.script.append(KeyEvent(zero_s - 1.0, "g", False))
    assert room.run().reason is StopReason.PARTICIPANT
    assert room.valve_moves() == []


def test_lost_buttons_end_the_run(room: Room) -> None:
    stop_after(room, 15.0, "serial_lost")
    stop = room.run()
    assert stop.reason is StopReason.PARTICIPANT
    assert "gone" in stop.detail


def rated_meanwhile(plan: Plan) -> Plan:
    """Return the plan with the first inflation rated all the while."""
    first = plan.inflations[0]
    steps = [
        dataclasses.replace(step, cue=None, scale="intensity") if step is first else step
        for step in plan.steps
    ]
    return dataclasses.replace(plan, steps=tuple(steps))


def test_a_rating_under_pressure_is_published_as_it_moves_and_cannot_be_confirmed(
    plan: Plan,
) -> None:
    room = Room(rated_meanwhile(plan))
    inflation = room.plan.inflations[0]
    room.when_waiting = lambda zero_s: room.keys.script.extend(
        KeyEvent(zero_s + inflation.onset_s + second, key, down)
        for second, key, down in (
            (1.0, "right", True),
            (1.05, "right", False),
            (2.0, "return", True),
            (2.05, "return", False),
            (3.0, "right", True),
            (3.05, "right", False),
        )
    )
    assert room.run().reason is StopReason.COMPLETED
    (zero,) = [d for d in room.of(TimeZero) if isinstance(d, TimeZero)]
    tracked = [d for d in room.of(Tracked) if isinstance(d, Tracked)]
    since_s = zero.time_s + inflation.onset_s
    assert [(round(d.time_s - since_s, 3), d.position) for d in tracked] == [
        (0.0, 0),
        (1.0, 1),
        (3.0, 2),
        (inflation.duration_s, None),
    ]
    assert {d.step for d in tracked} == {inflation.number}
    assert inflation.number not in {d.step for d in room.of(Rating) if isinstance(d, Rating)}
