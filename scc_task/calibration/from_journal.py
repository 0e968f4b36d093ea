"""What a journal says of a calibration's inflations, also where the program was killed amid one.

The outcome of an inflation is written when its rating slot has ended. Where that line is missing, the
evidence is put together from the steps that began, the commands that were sent, and the rating, which
counts from the moment it was confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hardware.states import StopReason
from scc_task.calibration.talk import Outcome, Request
from scc_task.documents import (
    Command,
    Confirmed,
    Document,
    Key,
    Planned,
    Rating,
    Requested,
    StepBegan,
    Stop,
)
from scc_task.documents import Outcome as OutcomeDocument
from scc_task.plan.steps import StepKind
from scc_task.responses import Action


def outcomes_in(documents: Sequence[Document]) -> tuple[Outcome, ...]:
    """Return the outcomes of a journal, to be replayed.

    A request for which nothing was inflated, and to which nobody said no, has none: it is asked again.

    Raises
    ------
    ValueError
        If an outcome is there whose request is not.
    """
    evidence = Evidence()
    written: dict[int, OutcomeDocument] = {}
    requests: dict[int, Requested] = {}
    for document in documents:
        evidence.take(document)
        if isinstance(document, Requested):
            requests[document.trial] = document
        elif isinstance(document, OutcomeDocument):
            if document.trial not in requests:
                raise ValueError(f"what was asked for in trial {document.trial} is not on record")
            written[document.trial] = document
    found = []
    for trial, asked in requests.items():
        request, line = _request(asked), written.get(trial)
        outcome = evidence.outcome(request, trial) if line is None else _as_written(request, line)
        if outcome is not None:
            found.append(outcome)
    return tuple(found)


def last_trial(documents: Sequence[Document]) -> int:
    """Return the highest number of a request; 0 without one."""
    return max((d.trial for d in documents if isinstance(d, Requested)), default=0)


@dataclass(slots=True)
class Evidence:
    """What began, what was commanded and what was rated, by the numbers of the steps."""

    inflate_of: dict[int, int] = field(default_factory=dict)
    rate_of: dict[int, int] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    commanded: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    ratings: dict[int, int | None] = field(default_factory=dict)
    reason: str = StopReason.KILLED.value
    """Why the run ended: the participant's stop counts also where nobody wrote of the end."""

    def take(self, document: Document) -> None:
        """Take a document, in order."""
        match document:
            case Planned():
                for step in document.steps:
                    of = {StepKind.INFLATE: self.inflate_of, StepKind.RATE: self.rate_of}
                    if step["kind"] in of and step["trial"] is not None:
                        of[step["kind"]][step["trial"]] = step["number"]
            case StepBegan():
                self.begun.add(document.number)
            case Command(command="go", step=int(step)):
                self.commanded.add(step)
            case Command(command="end", step=int(step)):
                self.ended.add(step)
            case Rating() | Confirmed():
                self.ratings[document.step] = document.rating
            case Key(action=Action.STOP | Action.LOST, down=True):
                self.reason = StopReason.PARTICIPANT.value
            case Key(action=Action.GRIP, down=False) if self.begun:
                self.reason = StopReason.PARTICIPANT.value
            case Stop() if self.reason != StopReason.PARTICIPANT:
                self.reason = document.reason
            case _:
                pass

    def outcome(self, request: Request, trial: int) -> Outcome | None:
        """Return what came of a request whose outcome was not written; ``None`` if nothing inflated."""
        inflate = self.inflate_of.get(trial)
        if inflate is None:
            return None
        return came_of(
            request,
            begun=inflate in self.begun or inflate in self.commanded,
            whole=inflate in self.ended or any(number > inflate for number in self.begun),
            rating=rating_of(self.ratings, self.rate_of.get(trial)),
            reason=self.reason,
        )


def rating_of(ratings: dict[int, int | None], step: int | None) -> float | None:
    """Return what was confirmed in the slot of a step, if there was one."""
    rating = None if step is None else ratings.get(step)
    return None if rating is None else float(rating)


def came_of(
    request: Request, *, begun: bool, whole: bool, rating: float | None, reason: str
) -> Outcome | None:
    """Return what came of a planned inflation when its run ended; ``None`` if nothing was inflated.

    Parameters
    ----------
    begun, whole
        Whether the inflation had begun, and whether it had come to its planned end: a stop after that is
        a stop of the calibration, and no word on the pressure.
    reason
        Why the run ended.
    """
    if not begun:
        return None
    stopped = not whole and reason == StopReason.PARTICIPANT
    return Outcome(
        request=request,
        rating=rating if whole else None,
        tolerated=whole,
        stopped=stopped,
        operator_said_yes=True if request.needs_yes else None,
        cut=None if stopped or (whole and rating is not None) else reason,
    )


def _as_written(request: Request, line: OutcomeDocument) -> Outcome:
    return Outcome(
        request=request,
        rating=line.rating,
        tolerated=line.tolerated,
        stopped=line.stopped,
        operator_said_yes=line.operator_said_yes,
        cut=line.cut,
    )


def _request(asked: Requested) -> Request:
    return Request(
        pressure_mmhg=asked.pressure_mmhg,
        phase=asked.phase,  # type: ignore[arg-type]  # as it was written
        hold_s=asked.hold_s,
        why=asked.why,
        needs_yes=asked.needs_yes,
    )
