"""The guard, whatever was given before and whatever is wished for."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc_task.calibration.guard import GRID_MMHG, LOWEST_MMHG, Guard, down
from scc_task.calibration.talk import Outcome, Request, TooMuchBefore

GUARD = Guard(
    first_mmhg=60.0,
    step_mmhg=20.0,
    soft_cap_mmhg=250.0,
    ceiling_mmhg=300.0,
    stop_rating=80.0,
    inflations=6,
)


def outcome(
    mmhg: float,
    rating: float | None,
    *,
    borne: bool = True,
    stopped: bool = False,
    no: bool = False,
    cut: str | None = None,
) -> Outcome:
    return Outcome(
        request=Request(pressure_mmhg=mmhg, phase="coarse", hold_s=15.0, why="", needs_yes=no),
        rating=rating,
        tolerated=borne,
        stopped=stopped,
        operator_said_yes=False if no else None,
        cut=cut,
    )


CUT_80, CUT_100 = (outcome(mmhg, None, borne=False, cut="killed") for mmhg in (80, 100))

histories = st.lists(
    st.builds(
        outcome,
        st.integers(4, 60).map(lambda n: n * GRID_MMHG),
        st.none() | st.floats(0.0, 100.0),
        borne=st.booleans(),
        stopped=st.booleans(),
        no=st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=400, deadline=None)
@given(wish=st.floats(0.0, 1000.0), history=histories)
def test_whatever_is_wished_for_what_is_allowed_keeps_every_rule(
    wish: float, history: list[Outcome]
) -> None:
    allowed = GUARD.allowed_mmhg(wish, history)
    if allowed is None:
        return
    assert LOWEST_MMHG <= allowed <= min(wish, 300.0)
    assert allowed % GRID_MMHG == 0
    given_before = [o for o in history if o.operator_said_yes is not False]
    assert len(given_before) < 6
    held = [o for o in given_before if o.tolerated and not o.stopped]
    highest = max((o.request.pressure_mmhg for o in held), default=None)
    assert allowed <= (60.0 if highest is None else highest + 20.0)
    for o in history:
        if o not in held or (o.rating is not None and o.rating >= 80.0):
            assert allowed < o.request.pressure_mmhg


@pytest.mark.parametrize(
    ("mmhg", "history", "yes"),
    [
        (60, [], False),
        (80, [outcome(60, 10)], False),
        (60, [outcome(60, None)], False),
        (65, [outcome(60, None)], True),
        (80, [outcome(80, 20), outcome(60, None)], True),
        (100, [outcome(80, None), outcome(60, 10)], True),  # 80 was never rated
        (100, [outcome(80, 20), outcome(60, 10)], False),
        (100, [outcome(80, 20, borne=False), outcome(60, 10)], True),
        (250, [outcome(240, 20)], False),
        (255, [outcome(240, 20)], True),
        (80, [outcome(60, 10), outcome(80, None, no=True)], False),
        (80, [outcome(80, 20), CUT_100, CUT_80], True),
        (80, [outcome(80, 20), CUT_100, CUT_80, outcome(80, 20)], False),
        (100, [outcome(80, 20), CUT_100, CUT_80, outcome(80, 20)], True),
        (100, [outcome(80, 20), CUT_80, CUT_100, outcome(100, 20)], False),
    ],
)
def test_the_operator_is_asked_for_what_nobody_rated_and_above_the_soft_cap(
    mmhg: float, history: list[Outcome], yes: bool
) -> None:
    assert GUARD.needs_yes(mmhg, history) is yes


@pytest.mark.parametrize(
    ("wish", "history", "allowed"),
    [
        (70, [], 60),
        (59.9, [], 55),
        (200, [outcome(60, 10)], 80),
        (200, [outcome(60, 10), outcome(80, 80)], 75),
        (200, [outcome(60, 10), outcome(80, 79.9)], 100),
        (200, [outcome(60, 10), outcome(80, None, stopped=True)], 75),
        (200, [outcome(60, 10), outcome(80, None, no=True)], 75),
        (400, [outcome(295, 10)], 300),
        (20, [outcome(60, 10)], 20),
        (19, [outcome(60, 10)], None),
        (60, [outcome(60, 10)] * 5, 60),
        (60, [outcome(60, 10)] * 6, None),
        (200, [outcome(20, None, stopped=True)], None),
    ],
)
def test_a_wish_is_lowered_to_what_is_allowed(
    wish: float, history: list[Outcome], allowed: float | None
) -> None:
    assert GUARD.allowed_mmhg(wish, history) == allowed


@settings(max_examples=200, deadline=None)
@given(pressure=st.floats(0.0, 1000.0))
def test_down_is_never_above_what_was_asked_for(pressure: float) -> None:
    assert pressure - GRID_MMHG < down(pressure) <= pressure


BEFORE = dataclasses.replace(
    GUARD, too_much_before=(TooMuchBefore(mmhg=60.0, words="60 mmHg was too much"),)
)


@settings(max_examples=400, deadline=None)
@given(mmhg=st.integers(4, 60).map(lambda n: n * GRID_MMHG), history=histories)
def test_what_was_too_much_before_is_not_given_unasked_until_it_was_borne(
    mmhg: float, history: list[Outcome]
) -> None:
    borne = [o.request.pressure_mmhg for o in history if o.borne and o.rating is not None]
    if mmhg >= 60.0 and mmhg > max(borne, default=0.0):
        assert BEFORE.needs_yes(mmhg, history)
    else:
        assert BEFORE.needs_yes(mmhg, history) == GUARD.needs_yes(mmhg, history)
