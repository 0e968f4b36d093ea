"""At the end the operator may have a pressure given again; what a repetition changes, and what it cannot."""

import pytest
from calibration_bench import drive, fresh, person, rated, shipped, stopped
from test_course import Table, steady

from scc_task.calibration.estimate import conclude
from scc_task.calibration.from_journal import outcomes_in
from scc_task.calibration.gates import Gate
from scc_task.calibration.procedures import AGAIN, replay
from scc_task.calibration.review import offer_of
from scc_task.calibration.talk import Finished
from scc_task.documents import Offered, Requested
from scc_task.plan.steps import StepKind


def reviewed() -> Table:
    """Return a calibration that has come to its end, with the question asked."""
    table = Table(steady(140.0), review=True)
    while table.turn():
        pass
    return table


def test_the_end_is_put_to_the_operator_with_what_can_be_repeated() -> None:
    table = reviewed()
    (offered,) = table.of(Offered)
    assert offered.acceptable
    assert offered.repeat_mmhg == table.given_mmhg()[-1]
    assert table.course.finished is None
    assert list(table.course.more(table.now_ms)) == []
    table.press("yes")
    assert table.course.more(table.now_ms) is None
    assert table.course.finished is not None


def test_a_repetition_gives_the_same_pressure_and_asks_again() -> None:
    table = reviewed()
    before = table.given_mmhg()
    table.press("repeat")
    assert table.turn()
    assert table.given_mmhg() == [*before, before[-1]]
    assert table.of(Requested)[-1].why == AGAIN
    assert not table.turn()
    assert len(table.of(Offered)) == 2


def test_a_no_is_no_answer_to_the_end() -> None:
    table = reviewed()
    table.press("no")
    assert list(table.course.more(table.now_ms)) == []
    assert table.course.finished is None


def test_a_repetition_that_was_recorded_is_replayed() -> None:
    table = reviewed()
    table.press("repeat")
    table.turn()
    table.turn()
    again = replay(fresh(table.protocol, seed=1), outcomes_in(table.documents))
    assert len(again.outcomes) == len(table.given_mmhg())
    assert isinstance(again.next(), Finished)


def test_a_repetition_far_off_is_no_confirmation_any_more() -> None:
    procedure = fresh()
    ended = drive(procedure, person(140.0))
    assert ended.confirmed_mmhg is not None
    procedure.again(ended.confirmed_mmhg)
    request = procedure.next()
    procedure.tell(rated(request, 75.0))
    assert not isinstance(procedure.next(), Finished)  # it looks for another pressure


def test_a_pressure_that_was_stopped_on_repetition_cannot_be_accepted() -> None:
    protocol, procedure = shipped(), fresh()
    ended = drive(procedure, person(140.0))
    assert ended.confirmed_mmhg is not None
    procedure.again(ended.confirmed_mmhg)
    procedure.tell(stopped(procedure.next()))
    now = procedure.next()
    result = conclude(protocol, procedure.outcomes, now if isinstance(now, Finished) else ended)
    assert Gate.NOT_BORNE in [refusal.gate for refusal in result.refusals]


def test_nothing_is_repeated_while_it_goes_on_or_beyond_what_is_allowed() -> None:
    procedure = fresh()
    with pytest.raises(ValueError, match="while the procedure goes on"):
        procedure.again(60.0)
    drive(procedure, person(140.0))
    assert not procedure.may_repeat(250.0)
    with pytest.raises(ValueError, match="may not be given again"):
        procedure.again(250.0)


def test_a_result_that_no_repetition_can_heal_offers_none() -> None:
    protocol, procedure = shipped("fixed"), fresh(shipped("fixed"))
    ended = drive(procedure, lambda mmhg: 20.0)
    offer = offer_of(protocol, procedure, ended)
    assert (offer.acceptable, offer.repeat_mmhg) == (False, None)


def test_a_jump_names_the_pressure_below_it_but_cannot_heal_what_was_not_reached() -> None:
    protocol, procedure = shipped("fixed"), fresh(shipped("fixed"))
    ended = drive(procedure, lambda mmhg: 5.0 if mmhg < 130 else 62.0)
    refusals = conclude(protocol, procedure.outcomes, ended).refusals
    wishes = {r.gate: r.repeat_mmhg for r in refusals}
    assert (wishes[Gate.JUMP], wishes[Gate.NOT_REACHED]) == (120.0, None)
    assert offer_of(protocol, procedure, ended).repeat_mmhg is None


def test_an_interval_too_wide_offers_the_pressure_it_is_about() -> None:
    protocol = shipped("fixed")
    narrow = protocol.gates.model_copy(update={"interval_mmhg": 1.0, "interval_share": 0.001})
    protocol = protocol.model_copy(update={"gates": narrow})
    procedure = fresh(protocol)
    ended = drive(procedure, person(120.0))
    result = conclude(protocol, procedure.outcomes, ended)
    assert [refusal.gate for refusal in result.refusals] == [Gate.WIDE]
    assert offer_of(protocol, procedure, ended).repeat_mmhg == result.mmhg_for(40)


def test_while_it_is_put_to_the_operator_the_scale_is_gone() -> None:
    table = reviewed()
    assert table.steps[-1].kind is StepKind.SHOW
