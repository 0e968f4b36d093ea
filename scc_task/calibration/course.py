"""A calibration as a course of steps: each inflation depends on what the last one was rated.

The engine carries the steps out as in any run; this decides what comes next, asks the operator where
the procedure wants a yes, and puts every request and outcome on record, so that a calibration that was
interrupted goes on after its last outcome.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hardware.limits import DEFLATION_S
from hardware.states import StopReason
from scc_task.calibration import practice
from scc_task.calibration.from_journal import came_of, rating_of
from scc_task.calibration.review import Offer
from scc_task.calibration.talk import Finished, Outcome, Procedure, Request
from scc_task.documents import (
    Command,
    Confirmed,
    Document,
    Key,
    Note,
    Offered,
    Rating,
    Requested,
    StepBegan,
    Subscriber,
)
from scc_task.documents import Outcome as OutcomeDocument
from scc_task.plan.steps import Plan, Step, StepKind, TrialType
from scc_task.ports import RequestStop
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.responses import Action

SHORTEST_REST_MS: Final = 5_000
"""The cross is shown at least so long before an inflation: it has to be handed to the supervisor."""
AFTER_MS: Final = 2_000
"""Between the vent and the scale (assumed): the rating is of what was felt, not of the deflation."""
WAIT_TEXT: Final = "please_wait"
"""What the participant sees while the operator thinks."""
WAIT_MS: Final = 1_000
"""Nothing replaces the text before the operator has answered; it stands as long as that takes."""
TAKEN_BACK: Final = "n was pressed after y, before the inflation was over"


@dataclass(frozen=True, slots=True)
class _Given:
    """A request on its way: the numbers of its steps. ``rate`` is ``None`` where it is not rated.

    ``said_yes``: the operator's answer, which no later key changes.
    """

    request: Request
    inflate: int
    rate: int | None
    said_yes: bool | None


class CalibrationCourse:
    """Asks a procedure and plans its inflations. Subscribe `observe` to the run's documents.

    Parameters
    ----------
    plan
        The run's plan: the steps before the first inflation.
    gap_s
        Shortest deflated time between inflations, by the limits that hold.
    trials
        Requests that are on record already: numbers go on through interruptions.
    publish
        Takes the requests and outcomes.
    now_s
        The time of the run's clock, for the record.
    review
        Says at the procedure's end what the operator may do; without it the end is the end.
    """

    def __init__(
        self,
        procedure: Procedure,
        protocol: CalibrationProtocol,
        plan: Plan,
        *,
        gap_s: float,
        trials: int = 0,
        publish: Subscriber,
        now_s: Callable[[], float],
        review: Callable[[Finished], Offer] | None = None,
    ) -> None:
        self._procedure, self._protocol = procedure, protocol
        self._publish, self._now_s = publish, now_s
        self._rest_ms = round(1000 * (max(gap_s, protocol.stimulus.rest_s) + DEFLATION_S))
        self._number, self._vented_ms = len(plan.steps), -self._rest_ms
        self._trial = trials
        self._given: _Given | None = None
        self._asked: Request | None = None
        self._yes: bool | None = None
        self._ratings: dict[int, int | None] = {}
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._review, self._again = review, False
        self._offer: Offer | None = None
        self._waits = False
        self._practised: tuple[Step, ...] | None = practice.rated_steps(plan)
        self._stop: RequestStop | None = None
        self.finished: Finished | None = None

    def attend(self, request_stop: RequestStop) -> None:
        """Take what stops the run: an operator who takes a yes back wants no pressure."""
        self._stop = request_stop

    def observe(self, document: Document) -> None:
        """Take ratings, and the operator's answer."""
        if isinstance(document, Rating | Confirmed):
            self._ratings[document.step] = document.rating
        elif isinstance(document, StepBegan):
            self._begun.add(document.number)
        elif isinstance(document, Command) and document.step is not None:
            {"go": self._begun, "end": self._ended}.get(document.command, set()).add(document.step)
        elif isinstance(document, Key) and document.down:
            self._hear(document.action)

    def _hear(self, action: str | None) -> None:
        """Take a key of the operator's, where it answers a question."""
        given = self._given
        taken_back = given is not None and given.said_yes and not self._whole(given)
        if taken_back and action == Action.NO and self._stop is not None:
            self._stop(StopReason.OPERATOR, TAKEN_BACK)
        if self._asked is None and self._offer is None:
            return
        if action == Action.YES:
            self._yes = True
        elif action == Action.NO and self._asked is not None:
            self._yes = False
        elif action == Action.REPEAT and self._offer is not None:
            self._again = True

    def more(self, from_ms: int) -> Sequence[Step] | None:
        """Return the steps of the next inflation; nothing while the operator thinks; ``None`` at the end."""
        if self._given is not None:
            self._tell(self._given)
        self._judge_practice()
        request = self._procedure.next()
        if isinstance(request, Finished):
            return self._end(request, from_ms)
        if self._asked is None:
            self._asked, self._yes = request, None
            self._trial += 1
            self._say(request)
        if request.needs_yes and self._yes is None:
            return self._wait(from_ms)
        if self._yes is False:
            self._record(Outcome(request=request, rating=None, operator_said_yes=False), None)
            return ()
        return self._steps(request, from_ms)

    def _end(self, finished: Finished, from_ms: int) -> Sequence[Step] | None:
        """Let the operator repeat a pressure where that can help; then it is over."""
        if self._offer is None and self._review is not None:
            self._offer, self._yes, self._again = self._review(finished), None, False
            self._publish(
                Offered(
                    time_s=self._now_s(),
                    verdict=self._offer.verdict,
                    acceptable=self._offer.acceptable,
                    repeat_mmhg=self._offer.repeat_mmhg,
                )
            )
        offer = self._offer
        if offer is None or offer.repeat_mmhg is None or self._yes:
            self.finished = finished
            return None
        if not self._again:
            return self._wait(from_ms)
        self._offer = None
        self._procedure.again(offer.repeat_mmhg)
        return self.more(from_ms)

    def _wait(self, from_ms: int) -> Sequence[Step]:
        """Take the last picture off the screen, once, and leave the operator time."""
        if self._waits:
            return ()
        self._waits = True
        return [self._step(StepKind.SHOW, from_ms, WAIT_MS, text=WAIT_TEXT)]

    def _judge_practice(self) -> None:
        """Tell the operator, once, if the practice says that the scale was not understood."""
        if self._practised is None:
            return
        steps, self._practised = self._practised, None
        answers = [self._ratings[s.number] for s in steps if s.number in self._ratings]
        words = practice.doubt(answers)
        if words is not None:
            self._publish(Note(time_s=self._now_s(), code="practice", message=words))

    def interrupted(self, reason: StopReason) -> None:
        """Put on record what the end of the run did to an inflation that had begun."""
        given, self._given = self._given, None
        if given is None:
            return
        outcome = came_of(
            given.request,
            begun=given.inflate in self._begun,
            whole=self._whole(given),
            rating=rating_of(self._ratings, given.rate),
            reason=reason.value,
        )
        if outcome is not None:
            self._record(outcome, given)

    def _whole(self, given: _Given) -> bool:
        """Return whether an inflation has come to its planned end."""
        return given.inflate in self._ended or given.inflate + 1 in self._begun

    def _steps(self, request: Request, from_ms: int) -> list[Step]:
        self._waits = False
        rest_ms = max(SHORTEST_REST_MS, self._vented_ms + self._rest_ms - from_ms)
        hold_ms = round(1000 * request.hold_s)
        steps = [
            self._step(StepKind.FIXATION, from_ms, rest_ms),
            self._step(
                StepKind.INFLATE,
                from_ms + rest_ms,
                hold_ms,
                trial_type=TrialType.PAIN,
                cue=self._protocol.stimulus.cue,
                target_mmhg=request.pressure_mmhg,
            ),
        ]
        inflate = self._number
        self._vented_ms = steps[-1].end_ms
        steps.append(self._step(StepKind.FIXATION, self._vented_ms, AFTER_MS))
        rate = None
        if request.phase != "familiarise":
            slot = self._protocol.rating
            steps.append(
                self._step(
                    StepKind.RATE,
                    steps[-1].end_ms,
                    round(1000 * slot.for_s),
                    trial_type=TrialType.RATING,
                    scale=slot.scale,
                )
            )
            rate = self._number
        said_yes = self._yes if request.needs_yes else None
        self._given, self._asked = _Given(request, inflate, rate, said_yes), None
        return steps

    def _step(
        self,
        kind: StepKind,
        onset_ms: int,
        duration_ms: int,
        *,
        trial_type: TrialType | None = None,
        cue: str | None = None,
        text: str | None = None,
        scale: str | None = None,
        target_mmhg: float | None = None,
    ) -> Step:
        self._number += 1
        return Step(
            number=self._number,
            kind=kind,
            onset_ms=onset_ms,
            duration_ms=duration_ms,
            trial=self._trial,
            trial_type=trial_type,
            cue=cue,
            text=text,
            scale=scale,
            target_mmhg=target_mmhg,
        )

    def _tell(self, given: _Given) -> None:
        self._given = None
        self._record(
            Outcome(
                request=given.request,
                rating=rating_of(self._ratings, given.rate),
                operator_said_yes=given.said_yes,
            ),
            given,
        )

    def _record(self, outcome: Outcome, given: _Given | None) -> None:
        self._asked = None
        self._procedure.tell(outcome)  # what it does not take is not put on record
        self._publish(
            OutcomeDocument(
                trial=self._trial,
                time_s=self._now_s(),
                inflate_step=None if given is None else given.inflate,
                rate_step=None if given is None else given.rate,
                rating=outcome.rating,
                tolerated=outcome.tolerated,
                stopped=outcome.stopped,
                operator_said_yes=outcome.operator_said_yes,
                cut=outcome.cut,
            )
        )

    def _say(self, request: Request) -> None:
        self._publish(
            Requested(
                trial=self._trial,
                time_s=self._now_s(),
                phase=request.phase,
                pressure_mmhg=request.pressure_mmhg,
                hold_s=request.hold_s,
                why=request.why,
                needs_yes=request.needs_yes,
            )
        )
