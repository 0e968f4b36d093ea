"""A calibration as a course: what is planned, what is asked of the operator, what is put on record."""

import dataclasses
import itertools
from collections.abc import Callable

import pytest
from course_bench import rating
from protocol_files import PROTOCOLS, plan_of

from hardware.states import StopReason
from scc_task.calibration.course import AFTER_MS, WAIT_TEXT, CalibrationCourse
from scc_task.calibration.from_journal import outcomes_in
from scc_task.calibration.procedures import procedure_for, replay
from scc_task.calibration.review import offer_of
from scc_task.documents import (
    Document,
    Key,
    Outcome,
    Requested,
    StepBegan,
    from_json,
    to_json,
)
from scc_task.plan.steps import Plan, Step, StepKind
from scc_task.protocol.load import load_calibration_protocol

GAP_MS = 33_000
"""30 s deflated, and 3 s to deflate."""


class Table:
    """A course whose steps are carried out at once; ``feels`` gives a rating for a pressure."""

    def __init__(
        self, feels: Callable[[float], float | None], *, start: int = 2, review: bool = False
    ) -> None:
        self.protocol = load_calibration_protocol(PROTOCOLS / "calibration.yaml").model
        self.documents: list[Document] = []
        self.feels, self.now_ms = feels, 0
        plan: Plan = dataclasses.replace(plan_of("demo"), steps=plan_of("demo").steps[:start])
        asked = self.procedure()
        self.course = CalibrationCourse(
            asked,
            self.protocol,
            plan,
            gap_s=30.0,
            publish=self.documents.append,
            now_s=lambda: self.now_ms / 1000,
            review=(lambda finished: offer_of(self.protocol, asked, finished)) if review else None,
        )
        self.now_ms = plan.length_ms
        self.steps: list[Step] = list(plan.steps)

    def procedure(self):
        return procedure_for(self.protocol, seed=1, ceiling_mmhg=300.0)

    def turn(self) -> bool:
        """Carry out the next batch; return whether there was one."""
        steps = self.course.more(self.now_ms)
        if not steps:
            return False
        self.steps += steps
        self.now_ms = steps[-1].end_ms
        if not any(s.kind is StepKind.INFLATE for s in steps):
            return False  # a question
        target_mmhg = next(s.target_mmhg for s in steps if s.kind is StepKind.INFLATE)
        rate = [s for s in steps if s.kind is StepKind.RATE]
        if rate:
            self.course.observe(rating(rate[0], self.feels(target_mmhg)))
        return True

    def press(self, action: str) -> None:
        self.course.observe(Key(time_s=0.0, key=action[0], down=True, action=action))

    def given_mmhg(self) -> list[float]:
        return [s.target_mmhg for s in self.steps if s.kind is StepKind.INFLATE and s.target_mmhg]

    def of(self, kind: type) -> list:
        return [d for d in self.documents if isinstance(d, kind)]


def steady(p40_mmhg: float) -> Callable[[float], float]:
    return lambda mmhg: max(0.0, min(100.0, 40.0 + (mmhg - p40_mmhg) * 0.8))


def test_a_steady_person_is_calibrated_to_the_end() -> None:
    table = Table(steady(140.0))
    while table.turn():
        pass
    finished = table.course.finished
    assert finished is not None
    assert finished.good
    assert finished.confirmed_mmhg == pytest.approx(140.0, abs=10.0)


def test_steps_follow_each_other_and_the_cuff_rests_between_inflations() -> None:
    table = Table(steady(120.0))
    while table.turn():
        pass
    for before, after in zip(table.steps, table.steps[1:], strict=False):
        assert after.number == before.number + 1
        assert after.onset_ms == before.end_ms
    inflations = [s for s in table.steps[2:] if s.kind is StepKind.INFLATE]
    for before, after in itertools.pairwise(inflations):
        assert after.onset_ms - before.end_ms >= GAP_MS
    rates = [s for s in table.steps[2:] if s.kind is StepKind.RATE]
    ends = {s.end_ms + AFTER_MS for s in inflations}
    assert all(rate.onset_ms in ends for rate in rates)


def test_a_pressure_that_needs_a_yes_waits_for_it_and_a_no_gives_less() -> None:
    table = Table(lambda mmhg: 0.0)  # feels nothing: the ascent reaches the soft cap
    while table.turn():
        pass
    request = table.of(Requested)[-1]
    assert request.needs_yes
    assert max(table.given_mmhg()) <= table.protocol.safety.soft_cap_mmhg
    assert list(table.course.more(table.now_ms)) == []  # still thinking
    table.press("no")
    table.course.more(table.now_ms)
    refused = table.of(Outcome)[-1]
    assert (refused.operator_said_yes, refused.inflate_step) == (False, None)
    assert max(table.given_mmhg()) < request.pressure_mmhg


def test_the_participant_reads_that_nothing_happens_while_the_operator_thinks() -> None:
    table = Table(lambda mmhg: 0.0)
    while table.turn():
        pass
    assert table.steps[-2].kind is StepKind.RATE
    assert (table.steps[-1].kind, table.steps[-1].text) == (StepKind.SHOW, WAIT_TEXT)
    table.press("yes")
    assert table.turn()
    assert table.steps[-1].kind is StepKind.RATE


def test_a_yes_lets_it_inflate() -> None:
    table = Table(lambda mmhg: 0.0)
    while table.turn():
        pass
    wanted = table.of(Requested)[-1].pressure_mmhg
    table.press("yes")
    assert table.turn()
    assert table.given_mmhg()[-1] == wanted


def test_a_yes_before_the_question_counts_for_nothing() -> None:
    table = Table(lambda mmhg: 0.0)
    table.press("yes")
    while table.turn():
        table.press("yes")
    assert table.of(Requested)[-1].needs_yes
    assert list(table.course.more(table.now_ms)) == []


def test_what_was_recorded_replays_to_the_same_next_request() -> None:
    table = Table(steady(150.0))
    for _ in range(6):
        table.turn()
    table.course.more(table.now_ms)
    on_paper = [from_json(to_json(document)) for document in table.documents]
    again = replay(table.procedure(), outcomes_in(on_paper))
    assert again.next().pressure_mmhg == table.of(Requested)[-1].pressure_mmhg


def cut_short(*, begun: bool, reason: StopReason, yes: bool = False) -> Table:
    table = Table(steady(150.0))
    for _ in range(4):
        table.turn()
    steps = table.course.more(table.now_ms)
    assert steps
    if begun:
        inflate = next(step for step in steps if step.kind is StepKind.INFLATE)
        table.course.observe(
            StepBegan(
                number=inflate.number,
                kind="inflate",
                trial=inflate.trial,
                trial_type="pain",
                planned_s=0.0,
                flip_s=0.0,
            )
        )
    if yes:
        table.press("yes")
    table.course.interrupted(reason)
    return table


def next_after(table: Table) -> Requested:
    return replay(table.procedure(), outcomes_in(table.documents)).next()


def test_an_inflation_that_the_participant_cut_short_is_on_record_as_not_borne() -> None:
    table = cut_short(begun=True, reason=StopReason.PARTICIPANT)
    last = table.of(Outcome)[-1]
    assert (last.tolerated, last.stopped, last.rating, last.cut) == (False, True, None, None)
    assert next_after(table).pressure_mmhg < table.of(Requested)[-1].pressure_mmhg


@pytest.mark.parametrize("reason", [StopReason.PARTICIPANT, StopReason.OPERATOR])
def test_what_never_began_leaves_no_outcome_and_is_asked_again(reason: StopReason) -> None:
    table = cut_short(begun=False, reason=reason)
    assert len(table.of(Outcome)) == 4
    assert next_after(table).pressure_mmhg == table.of(Requested)[-1].pressure_mmhg
    assert not next_after(table).needs_yes


@pytest.mark.parametrize(
    "reason", [StopReason.OPERATOR, StopReason.CUFF_FAULT, StopReason.INTERRUPTED]
)
def test_what_others_cut_short_counts_as_given_and_is_given_again_only_after_a_yes(
    reason: StopReason,
) -> None:
    table = cut_short(begun=True, reason=reason)
    last = table.of(Outcome)[-1]
    assert (last.tolerated, last.stopped, last.cut) == (False, False, reason.value)
    assert next_after(table).pressure_mmhg == table.of(Requested)[-1].pressure_mmhg
    assert next_after(table).needs_yes


def test_a_yes_that_nobody_asked_for_does_not_spoil_the_record() -> None:
    table = cut_short(begun=True, reason=StopReason.PARTICIPANT, yes=True)
    assert table.of(Outcome)[-1].stopped
    assert all(outcome.operator_said_yes is None for outcome in table.of(Outcome))
