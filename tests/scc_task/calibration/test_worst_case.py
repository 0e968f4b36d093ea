"""What a calibration could come to ask for is held against the limits before it starts."""

from dataclasses import replace

import pytest
from calibration_bench import NAMES, drive, fresh, person, shipped

from hardware.limits import Limits
from hardware.registry import DRIVERS
from scc_task.calibration.worst_case import (
    Worst,
    check_worst,
    refuse_if_it_could_not_end,
    worst_of,
)
from scc_task.dryrun import PlanRefused
from scc_task.plan.dose import Dose

ABLE = DRIVERS["reference"].capabilities


def refuse(worst: Worst, *, limits: Limits | None = None, used: Dose | None = None, able=ABLE):
    refuse_if_it_could_not_end(worst, limits=limits or Limits(), used=used or Dose(), able=able)


def words(worst: Worst, **more) -> str:
    with pytest.raises(PlanRefused) as refused:
        refuse(worst, **more)
    return str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_calibration_fits_into_a_fresh_session(name: str) -> None:
    refuse(worst_of(shipped(name)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("p40_mmhg", [90.0, 240.0])
def test_no_calibration_asks_for_more_than_its_worst_case(name: str, p40_mmhg: float) -> None:
    protocol, procedure = shipped(name), fresh(shipped(name))
    drive(procedure, person(p40_mmhg))
    given = [o for o in procedure.outcomes if o.given]
    worst = worst_of(protocol)
    assert len(given) <= worst.inflations
    assert sum(o.request.hold_s for o in given) <= worst.inflated_s
    assert max(o.request.hold_s for o in given) <= worst.longest_s


def test_too_many_inflations_for_the_session_are_refused_with_a_number_that_fits() -> None:
    said = words(worst_of(shipped()), used=Dose(inflations=45, inflated_s=300))
    assert "could come to 65 inflations in this session (45 given already, up to 20 more)" in said
    assert "the limit is 60" in said
    assert "write 'inflations: 15' or less" in said
    fewer = shipped().model_copy(
        update={"safety": shipped().safety.model_copy(update={"inflations": 15})}
    )
    refuse(worst_of(fewer), used=Dose(inflations=45, inflated_s=300))


def test_too_much_time_for_the_session_is_refused() -> None:
    said = words(worst_of(shipped()), used=Dose(inflations=10, inflated_s=1150))
    assert "1440 s inflated in this session (1150 s given already, up to 290 s more)" in said
    assert "calibrate in another session" in said  # 3 more would fit, and end in vain


def test_fewer_inflations_are_advised_only_where_they_can_come_to_a_result() -> None:
    least = shipped().least_inflations
    fits = words(worst_of(shipped()), used=Dose(inflations=60 - least))
    assert f"write 'inflations: {least}' or less" in fits
    assert "calibrate in another session" in words(
        worst_of(shipped()), used=Dose(inflations=61 - least)
    )


def test_a_session_that_is_used_up_is_told_so() -> None:
    said = words(worst_of(shipped()), used=Dose(inflations=60, inflated_s=1200))
    assert said.count("calibrate in another session") == 2


def test_an_inflation_longer_than_room_or_cuff_allow_is_refused() -> None:
    assert "an inflation of 15 s; the limit is 12 s" in words(
        worst_of(shipped()), limits=Limits(inflation_s=12)
    )
    assert "the limit is 5 s" in words(worst_of(shipped()), able=replace(ABLE, longest_s=5.0))


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("ascent", "familiarise, mmhg"),
        ("ascent", "ascent, start_mmhg"),
        ("staircase", "staircase, start_mmhg"),
        ("fixed", "fixed, levels_mmhg"),
        ("regression", "regression, pre_exposure_mmhg"),
    ],
)
def test_pressures_that_the_ceiling_forbids_are_refused_by_their_key(name: str, where: str) -> None:
    said = words(worst_of(shipped(name)), limits=Limits(ceiling_mmhg=50))
    assert f"{where}: " in said or f"{where} and" in said
    assert "the ceiling is 50 mmHg" in said


def test_what_was_given_before_an_interruption_is_not_asked_for_again() -> None:
    whole, left = worst_of(shipped()), worst_of(shipped(), given=12)
    assert (whole.inflations, left.inflations) == (20, 8)
    assert left.inflated_s == 8 * 15
    assert left.longest_s == 15


def test_a_check_could_need_seven_ratings_each_with_its_repetitions() -> None:
    assert check_worst(shipped(), 140.0).inflations == 20  # 7 ratings x 3, cut by the safety rule
    assert "the accepted pressure" in words(
        check_worst(shipped(), 140.0), limits=Limits(ceiling_mmhg=120)
    )
