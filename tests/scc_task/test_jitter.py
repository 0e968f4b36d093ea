"""Jitters: fixed values, drawn order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scc_task.plan.jitter import deal, spread


@st.composite
def grids(draw: st.DrawFn) -> tuple[int, int, int, int]:
    low = draw(st.integers(0, 30_000))
    step = draw(st.integers(1, 2_000))
    steps = draw(st.integers(0, 40))
    return low, low + steps * step, step, draw(st.integers(1, 60))


@given(grids())
def test_values_lie_on_the_grid_and_within_the_range(grid: tuple[int, int, int, int]) -> None:
    low, high, step, count = grid
    values = spread(*grid)
    assert len(values) == count
    assert list(values) == sorted(values)
    assert all(low <= value <= high and (value - low) % step == 0 for value in values)


@given(grids())
def test_the_mean_is_the_middle_wherever_the_grid_allows(grid: tuple[int, int, int, int]) -> None:
    low, high, step, count = grid
    twice_sum = 2 * sum(spread(*grid))
    no_middle = count % 2 == 1 and (high - low) // step % 2 == 1
    assert twice_sum == count * (low + high) - (step if no_middle else 0)


@given(grids())
def test_two_values_or_more_reach_both_ends(grid: tuple[int, int, int, int]) -> None:
    low, high, _, count = grid
    if count > 1:
        assert (spread(*grid)[0], spread(*grid)[-1]) == (low, high)


@given(grids(), st.integers(), st.text(max_size=10))
def test_dealing_changes_the_order_and_nothing_else(
    grid: tuple[int, int, int, int], seed: int, field: str
) -> None:
    values = spread(*grid)
    assert sorted(deal(values, seed=seed, field=field)) == list(values)
    assert deal(values, seed=seed, field=field) == deal(values, seed=seed, field=field)


def test_another_seed_gives_another_order_and_so_does_another_field() -> None:
    values = spread(6000, 12000, 500, 8)
    orders = {deal(values, seed=seed, field=field) for seed in range(20) for field in ("a", "b")}
    assert len(orders) == 40


def test_the_order_of_a_seed_never_changes() -> None:
    # recorded once: a new version of Python or of this program must not reorder old plans
    assert deal(spread(4000, 8000, 500, 8), seed=7, field="trials 1/fixation 1") == RECORDED


RECORDED = (7500, 4500, 4000, 6500, 5500, 5000, 7000, 8000)


def test_the_anticipation_of_the_default_protocol_has_a_mean_of_nine_seconds() -> None:
    assert sum(spread(6000, 12000, 500, 8)) == 8 * 9000


@pytest.mark.parametrize("grid", [(0, 10, 0, 1), (10, 0, 5, 1), (0, 10, 3, 1), (0, 10, 5, 0)])
def test_what_is_no_grid_is_refused(grid: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no grid"):
        spread(*grid)
