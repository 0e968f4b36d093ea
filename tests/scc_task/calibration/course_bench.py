"""A calibration run after run, as the engine drives its course: killed, stopped and resumed where wanted."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from calibration_bench import shipped
from protocol_files import plan_of

from hardware.states import StopReason
from scc_task.calibration.course import CalibrationCourse
from scc_task.calibration.from_journal import last_trial, outcomes_in
from scc_task.calibration.procedures import procedure_for, replay
from scc_task.calibration.talk import Outcome, Procedure
from scc_task.documents import (
    Command,
    Document,
    Key,
    Planned,
    Rating,
    Requested,
    StepBegan,
    Stop,
    from_json,
    to_json,
)
from scc_task.plan.steps import Step, StepKind
from scc_task.protocol.calibration_protocol import CalibrationProtocol

Event = Literal[
    "borne",
    "stop",  # the participant, while the cuff is inflated
    "stop at the scale",
    "stop after the rating",
    "esc",  # or a fault, or a pulled hose
    "esc at the scale",
    "kill",  # while the cuff is inflated
    "kill at the scale",
    "kill after the rating",  # before the outcome is on disk
]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What happens to one inflation.

    ``early``, ``late``: a key that the operator presses before it, and while the cuff is inflated.
    """

    rating: float | None = 10.0
    event: Event = "borne"
    yes: bool = True
    early: str | None = None
    late: str | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """An inflation as the leg felt it. ``known``: the rating that was confirmed."""

    mmhg: float
    phase: str
    event: Event
    known: float | None
    asked: bool


@dataclass(slots=True)
class Room:
    """Carries out a calibration, run after run, and keeps what the leg felt."""

    reactions: Iterator[Reaction]
    protocol: CalibrationProtocol = field(default_factory=shipped)
    seed: int = 3
    ceiling_mmhg: float = 300.0
    journals: list[list[Document]] = field(default_factory=list)
    felt: list[Pressed | float] = field(default_factory=list)
    """A number is a pressure that the operator said no to."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what all journals say, as they were read back."""
        return tuple(
            o for journal in self.journals for o in outcomes_in([_again(d) for d in journal])
        )

    def requests(self) -> list[Requested]:
        """Return the requests of all journals."""
        return [d for journal in self.journals for d in journal if isinstance(d, Requested)]

    def replayed(self) -> Procedure:
        """Return the procedure that was told what the journals say."""
        fresh = procedure_for(self.protocol, seed=self.seed, ceiling_mmhg=self.ceiling_mmhg)
        return replay(fresh, self.outcomes)

    def run(self) -> str:
        """Carry out one run, a resumed one after the first; return how it ended."""
        procedure = self.replayed()
        if self.journals:
            procedure.warm_up()
        journal: list[Document] = []
        plan = dataclasses.replace(plan_of("demo"), steps=())
        course = CalibrationCourse(
            procedure,
            self.protocol,
            plan,
            gap_s=30.0,
            trials=max(map(last_trial, self.journals), default=0),
            publish=journal.append,
            now_s=float,
        )
        self.journals.append(journal)

        def publish(document: Document) -> None:
            journal.append(document)
            course.observe(document)

        now_ms = 0
        reaction = next(self.reactions, None)
        while reaction is not None:
            steps = course.more(now_ms)
            if steps is None:
                assert course.finished is not None
                return course.finished.end
            if steps:
                publish(Planned(time_s=0.0, steps=tuple(map(dataclasses.asdict, steps))))
                now_ms = steps[-1].end_ms
            if not any(step.kind is StepKind.INFLATE for step in steps):
                publish(_key("yes" if reaction.yes else "no"))
                if not reaction.yes:
                    self.felt.append(self.requests()[-1].pressure_mmhg)
                    course.more(now_ms)
                    reaction = next(self.reactions, None)
                continue
            ended = self._press(steps, reaction, course, publish)
            if ended != "borne":
                return ended
            reaction = next(self.reactions, None)
        return "out of reactions"

    def _press(
        self,
        steps: list[Step],
        reaction: Reaction,
        course: CalibrationCourse,
        publish: Callable[[Document], None],
    ) -> Event:
        rest, inflate, after, *scale = steps
        asked, event = self.requests()[-1], reaction.event
        stops: list[StopReason] = []
        course.attend(lambda reason, _: stops.append(reason))
        publish(_began(rest))
        if reaction.early is not None:
            publish(_key(reaction.early))
        if stops:
            course.interrupted(*stops)
            publish(_stop(*stops))
            return "esc"
        if asked.needs_yes and reaction.late == "no":
            event = "esc"
        whole = event not in ("stop", "esc", "kill")
        known = reaction.rating if scale and whole and "at the scale" not in event else None
        assert inflate.target_mmhg == asked.pressure_mmhg
        self.felt.append(Pressed(asked.pressure_mmhg, asked.phase, event, known, asked.needs_yes))
        publish(_command("go", inflate))
        publish(_began(inflate))
        if reaction.late is not None:
            publish(_key(reaction.late))
            assert stops == (
                [StopReason.OPERATOR] if asked.needs_yes and reaction.late == "no" else []
            )
        if whole:
            publish(_command("end", inflate))
            publish(_began(after))
            for step in scale:
                publish(_began(step))
                if event != "kill at the scale":
                    publish(rating(step, known))
        if event.startswith("stop"):
            publish(_key("stop"))
            course.interrupted(StopReason.PARTICIPANT)
            publish(_stop(StopReason.PARTICIPANT))
        elif event.startswith("esc"):
            publish(_key("escape"))
            course.interrupted(StopReason.OPERATOR)
            publish(_stop(StopReason.OPERATOR))
        return event


def _again(document: Document) -> Document:
    return from_json(to_json(document))


def _key(action: str) -> Key:
    return Key(time_s=0.0, key=action[0], down=True, action=action)


def _began(step: Step) -> StepBegan:
    return StepBegan(
        number=step.number,
        kind=step.kind,
        trial=step.trial,
        trial_type=step.trial_type,
        planned_s=0.0,
        flip_s=0.0,
    )


def _command(what: str, step: Step) -> Command:
    return Command(
        command=what,
        step=step.number,
        planned_s=0.0,
        sent_s=0.0,
        acknowledged_s=0.0,
        commanded_mmhg=step.target_mmhg,
        acknowledged_mmhg=step.target_mmhg,
    )


def rating(step: Step, value: float | None) -> Rating:
    """Return a rating that was confirmed, or with ``None`` one that was not."""
    return Rating(
        step=step.number,
        scale="intensity",
        flip_s=0.0,
        end_s=0.0,
        rating=None if value is None else round(value),
        last_position=0,
        moved=True,
        response_time_s=None,
        trace=(),
    )


def _stop(reason: StopReason) -> Stop:
    return Stop(reason=reason, detail="", end_s=0.0, time_s=0.0, vent_confirmed=True)
