"""What each procedure gives, in what order, and how it ends."""

import pytest
from calibration_bench import asked, drive, fresh, person, rated, shipped, stopped

from scc_task.calibration.estimate import conclude
from scc_task.calibration.procedures import check_for
from scc_task.calibration.talk import End, Finished, Procedure


def pressures(procedure: Procedure, *phases: str) -> list[float]:
    return [o.request.pressure_mmhg for o in procedure.outcomes if o.request.phase in phases]


@pytest.mark.parametrize("p40", [70.0, 100.0, 140.0, 200.0, 240.0])
def test_the_ascent_finds_and_confirms_the_pressure_of_a_steady_person(p40: float) -> None:
    procedure = fresh()
    end = drive(procedure, person(p40))
    assert end.end is End.CONFIRMED
    result = conclude(shipped(), procedure.outcomes, end)
    assert result.accepted, result.refusals
    found = result.mmhg_for(40.0)
    assert found is not None
    assert abs(person(p40)(found) - 40.0) <= 10.0
    assert found == end.confirmed_mmhg


def test_steps_as_written_are_coarse_then_fine() -> None:
    protocol = shipped()
    assert protocol.ascent is not None
    written = protocol.ascent.model_copy(update={"adaptive": False})
    procedure = fresh(protocol.model_copy(update={"ascent": written}))
    drive(procedure, person(140.0))
    # 20 is rated at 105 mmHg, 45 at 148.75 mmHg
    assert pressures(procedure, "coarse", "fine") == [60, 80, 100, 120, 130, 140, 150]
    assert pressures(procedure, "familiarise") == [60, 60]


def test_familiarisation_is_shorter_than_the_stimulus() -> None:
    procedure = fresh()
    assert asked(procedure).hold_s == 10
    for _ in range(2):
        procedure.tell(rated(asked(procedure), None))
    assert asked(procedure).hold_s == 15


def test_the_soft_cap_is_given_before_the_operator_is_asked_to_pass_it() -> None:
    procedure = fresh()
    drive(procedure, lambda pressure_mmhg: 35.0 if pressure_mmhg > 260 else 10.0)
    climb = [o.request for o in procedure.outcomes if o.request.phase in ("coarse", "fine")]
    assert 250 in [r.pressure_mmhg for r in climb]
    assert [r.needs_yes for r in climb] == [r.pressure_mmhg > 250 for r in climb]


def test_a_person_who_feels_little_at_the_cap_is_not_raised_further() -> None:
    procedure = fresh(ceiling_mmhg=200.0)
    end = drive(procedure, lambda pressure_mmhg: 12.0)
    assert end.end is End.INSUFFICIENT_PAIN
    assert "insufficient pain at cap: 200 mmHg" in end.why
    result = conclude(shipped(), procedure.outcomes, end)
    assert not result.accepted
    assert result.mmhg_for(40.0) is None


def test_a_pressure_that_is_never_rated_at_the_target_again_is_not_confirmed() -> None:
    procedure = fresh()

    def two_minds(pressure_mmhg: float) -> float:
        confirming = asked(procedure).phase == "confirm"
        return 75.0 if confirming else person(140.0)(pressure_mmhg)

    end = drive(procedure, two_minds)
    assert end.end is End.NOT_CONFIRMED
    assert len(pressures(procedure, "confirm")) == 3


def test_the_staircase_turns_around_the_target() -> None:
    procedure = fresh(shipped("staircase"))
    assert drive(procedure, person(140.0)).end is End.COMPLETED
    assert all(130 <= p <= 150 for p in pressures(procedure, "staircase")[-4:])


def test_the_threshold_search_settles_at_the_criterion() -> None:
    procedure = fresh(shipped("threshold"))
    assert drive(procedure, person(140.0)).end is End.COMPLETED
    given = pressures(procedure, "threshold")
    assert len(given) == 10
    assert all(130 <= p <= 150 for p in given[-3:])


def test_the_regression_goes_through_its_four_parts() -> None:
    procedure = fresh(shipped("regression"))
    assert drive(procedure, person(140.0)).end is End.COMPLETED
    counts = {
        phase: len(pressures(procedure, phase))
        for phase in ("familiarise", "threshold", "scaling", "regression")
    }
    assert counts == {"familiarise": 2, "threshold": 6, "scaling": 4, "regression": 5}


def test_fixed_levels_come_in_another_order_with_another_seed_and_each_at_most_once() -> None:
    orders = []
    for seed in range(4):
        procedure = fresh(shipped("fixed"), seed=seed)
        drive(procedure, person(140.0))
        given = pressures(procedure, "fixed")
        assert len(set(given)) == len(given)
        assert max(given) <= 160  # rated 50 at 157.5 mmHg: nothing above is needed
        orders.append(tuple(given))
    assert len(set(orders)) > 1


def test_the_check_of_a_pressure_that_holds_is_one_inflation() -> None:
    procedure = check_for(shipped(), accepted_mmhg=140.0, ceiling_mmhg=300.0)
    end = drive(procedure, person(138.0))
    assert (end.end, end.confirmed_mmhg, len(procedure.outcomes)) == (End.CONFIRMED, 140.0, 1)


def test_the_check_of_a_pressure_that_no_longer_holds_moves_and_confirms_twice() -> None:
    procedure = check_for(shipped(), accepted_mmhg=140.0, ceiling_mmhg=300.0)
    end = drive(procedure, person(165.0))
    assert end.end is End.CONFIRMED
    assert end.confirmed_mmhg is not None
    assert abs(person(165.0)(end.confirmed_mmhg) - 40.0) <= 10.0
    assert [o.rating for o in procedure.outcomes][-1] == [o.rating for o in procedure.outcomes][-2]


def test_a_check_needs_a_rule_to_check_by() -> None:
    with pytest.raises(ValueError, match="confirm"):
        check_for(shipped("fixed"), accepted_mmhg=140.0, ceiling_mmhg=300.0)


def test_nothing_is_told_to_a_procedure_that_is_over() -> None:
    procedure = fresh()
    last = asked(procedure)
    assert isinstance(drive(procedure, person(140.0)), Finished)
    with pytest.raises(ValueError, match="is over"):
        procedure.tell(rated(last, 10.0))


def test_after_a_miss_a_rating_that_is_out_of_reach_is_not_waited_for() -> None:
    procedure = fresh()
    while asked(procedure).pressure_mmhg < 100.0:
        procedure.tell(rated(asked(procedure), 4.0))
    procedure.tell(stopped(asked(procedure)))
    procedure.tell(rated(asked(procedure), 13.0))  # 95 mmHg: the highest that is left
    ended = procedure.next()
    assert isinstance(ended, Finished)
    assert ended.end is End.NOT_CONFIRMED
    assert ended.why.endswith(
        "lies above what may be given: 100 mmHg was stopped by the participant"
    )


def test_after_a_near_miss_below_a_bound_the_pressure_is_tried_again() -> None:
    procedure = fresh()
    while asked(procedure).pressure_mmhg < 100.0:
        procedure.tell(rated(asked(procedure), 20.0))
    procedure.tell(stopped(asked(procedure)))
    procedure.tell(rated(asked(procedure), 29.0))
    assert asked(procedure).pressure_mmhg == 95.0
