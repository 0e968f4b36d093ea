"""People whose ratings have nothing to do with the pressure hardly ever get a result."""

import random
from collections.abc import Callable

import pytest
from calibration_bench import NAMES, asked, drive, fresh, person, rated, shipped

from scc_task.calibration.estimate import conclude

PEOPLE = 20


def accepted(name: str, rating: Callable[[random.Random], float]) -> int:
    """Return how many of these people get a pressure."""
    found = 0
    for seed in range(PEOPLE):
        luck, procedure = random.Random(seed), fresh(shipped(name), seed=seed, ceiling_mmhg=250.0)
        end = drive(procedure, lambda mmhg, luck=luck: rating(luck))
        found += conclude(shipped(name), procedure.outcomes, end).accepted
    return found


@pytest.mark.parametrize("name", NAMES)
def test_ratings_by_chance_about_the_target_hardly_ever_pass(name: str) -> None:
    assert accepted(name, lambda luck: float(luck.randint(30, 50))) <= PEOPLE * 0.15


@pytest.mark.parametrize("name", NAMES)
def test_ratings_by_chance_over_the_scale_seldom_pass(name: str) -> None:
    assert accepted(name, lambda luck: float(luck.randint(0, 79))) <= PEOPLE * 0.25


def test_always_the_same_after_nothing_is_no_result() -> None:
    procedure, given = fresh(shipped("regression")), [0]

    def rating(mmhg: float) -> float:
        given[0] += 1
        return 0.0 if given[0] <= 4 else 40.0  # two of them are not rated

    end = drive(procedure, rating)
    assert not conclude(shipped("regression"), procedure.outcomes, end).accepted


def test_a_rise_that_is_over_at_once_is_followed_by_one_lower_pressure() -> None:
    procedure = fresh()
    for _ in range(2):
        procedure.tell(rated(asked(procedure), None))
    procedure.tell(rated(asked(procedure), 50.0))
    lower = asked(procedure)
    assert lower.pressure_mmhg == 45
    assert "one lower pressure, to see it" in lower.why
    procedure.tell(rated(lower, 20.0))
    assert asked(procedure).phase == "confirm"


@pytest.mark.parametrize("p40_mmhg", [60.0, 65.0, 75.0])
def test_honest_people_with_a_low_p40_still_get_their_pressure(p40_mmhg: float) -> None:
    procedure = fresh()
    end = drive(procedure, person(p40_mmhg))
    result = conclude(shipped(), procedure.outcomes, end)
    assert result.accepted, result.refusals
    found = result.mmhg_for(40.0)
    assert found is not None
    assert abs(found - p40_mmhg) <= 5
