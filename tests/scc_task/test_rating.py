"""One rating slot: taps, held keys, confirmation, trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scc_task.rating import TOO_SOON_S, MarkerMotion, RatingSlot
from scc_task.responses import Action

MOTION = MarkerMotion(step=1, speed_per_s=40.0, hold_after_s=0.25)


@pytest.fixture
def slot() -> RatingSlot:
    return RatingSlot(MOTION, flip_s=100.0, start=50)


def tap(slot: RatingSlot, action: Action, time_s: float) -> None:
    slot.key(action, down=True, time_s=time_s)
    slot.key(action, down=False, time_s=time_s + 0.05)


def test_a_tap_moves_the_marker_by_a_step(slot: RatingSlot) -> None:
    tap(slot, Action.RIGHT, 101.0)
    tap(slot, Action.RIGHT, 101.2)
    tap(slot, Action.LEFT, 101.4)
    assert slot.position(102.0) == 51


def test_a_held_key_moves_it_on_after_a_while(slot: RatingSlot) -> None:
    slot.key(Action.RIGHT, down=True, time_s=101.0)
    assert slot.position(101.2) == 51
    assert slot.position(101.75) == 71
    slot.key(Action.RIGHT, down=False, time_s=101.75)
    assert slot.position(105.0) == 71


def test_the_marker_stays_on_the_scale(slot: RatingSlot) -> None:
    slot.key(Action.LEFT, down=True, time_s=101.0)
    assert slot.position(109.0) == 0
    slot.key(Action.LEFT, down=False, time_s=109.0)
    tap(slot, Action.RIGHT, 109.5)
    assert slot.position(110.0) == 1


def test_a_confirmed_rating_does_not_move_any_more(slot: RatingSlot) -> None:
    tap(slot, Action.RIGHT, 101.0)
    tap(slot, Action.CONFIRM, 102.5)
    tap(slot, Action.LEFT, 103.0)
    assert (slot.rating, slot.position(107.0)) == (51, 51)
    assert slot.response_time_s == pytest.approx(2.5)


def test_confirming_while_a_key_is_held_takes_what_was_shown(slot: RatingSlot) -> None:
    slot.key(Action.RIGHT, down=True, time_s=101.0)
    shown = slot.position(101.75)
    slot.key(Action.CONFIRM, down=True, time_s=101.75)
    assert slot.rating == shown == 71


def test_an_unconfirmed_rating_is_missing_and_its_position_is_kept(slot: RatingSlot) -> None:
    tap(slot, Action.RIGHT, 101.0)
    assert slot.rating is None
    assert slot.response_time_s is None
    assert slot.position(108.0) == 51


def test_a_press_from_before_the_scale_does_nothing(slot: RatingSlot) -> None:
    tap(slot, Action.CONFIRM, 99.9)
    assert slot.rating is None


@pytest.mark.parametrize("late_s", [0.0, 0.02, 0.19])
def test_nobody_confirms_a_scale_that_has_just_appeared(slot: RatingSlot, late_s: float) -> None:
    tap(slot, Action.CONFIRM, 100.0 + late_s)
    assert slot.rating is None
    tap(slot, Action.RIGHT, 100.3)
    tap(slot, Action.CONFIRM, 101.0)
    assert (slot.rating, slot.response_time_s) == (51, pytest.approx(1.0))


def test_a_confirmation_counts_as_soon_as_somebody_can_have_seen_the_scale(
    slot: RatingSlot,
) -> None:
    tap(slot, Action.CONFIRM, 100.0 + TOO_SOON_S)
    assert slot.rating == 50


def test_changing_direction_while_both_keys_are_down_follows_the_last_one(
    slot: RatingSlot,
) -> None:
    slot.key(Action.RIGHT, down=True, time_s=101.0)
    slot.key(Action.LEFT, down=True, time_s=101.5)
    slot.key(Action.RIGHT, down=False, time_s=101.6)
    before = slot.position(101.7)
    assert slot.position(102.5) < before


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Action.LEFT, Action.RIGHT, Action.CONFIRM]),
            st.booleans(),
            st.floats(0.0, 1.0),
        ),
        max_size=40,
    )
)
def test_the_trace_is_in_order_on_the_scale_and_ends_where_the_marker_is(
    presses: list[tuple[Action, bool, float]],
) -> None:
    slot, now_s = RatingSlot(MOTION, flip_s=100.0, start=50), 100.0
    for action, down, wait_s in presses:
        now_s += wait_s
        slot.key(action, down=down, time_s=now_s)
    last = slot.sample(now_s + 1.0)
    times = [t for t, _ in slot.trace]
    assert times == sorted(times)
    assert all(0 <= position <= 100 for _, position in slot.trace)
    assert slot.trace[0] == (0.0, 50)
    assert slot.trace[-1][1] == last
    if slot.rating is not None:
        assert slot.rating == last


def test_a_scale_from_0_to_10_moves_by_whole_numbers() -> None:
    slot = RatingSlot(MOTION, flip_s=100.0, start=5, lowest=0, highest=10)
    tap(slot, Action.RIGHT, 101.0)
    assert slot.position(101.1) == 6
    slot.key(Action.RIGHT, down=True, time_s=102.0)
    assert slot.position(109.0) == 10
    slot.key(Action.CONFIRM, down=True, time_s=109.0)
    assert slot.rating == 10


def test_a_held_key_takes_as_long_on_every_scale() -> None:
    slot = RatingSlot(MOTION, flip_s=100.0, start=0, lowest=0, highest=10)
    slot.key(Action.RIGHT, down=True, time_s=101.0)
    assert slot.position(102.25) == 5  # the press, 0.25 s, then 4 a second


def test_a_marker_that_is_not_confirmed_stays_free() -> None:
    slot = RatingSlot(MOTION, flip_s=100.0, start=0, confirms=False)
    tap(slot, Action.RIGHT, 101.0)
    tap(slot, Action.CONFIRM, 102.0)
    tap(slot, Action.RIGHT, 103.0)
    assert (slot.rating, slot.position(104.0)) == (None, 2)


def test_a_trackball_moves_the_marker_by_its_part_of_the_scale(slot: RatingSlot) -> None:
    slot.point(0.2, 101.0)
    slot.point(-0.05, 101.1)
    assert (slot.position(102.0), slot.moved) == (65, True)
    slot.point(3.0, 103.0)
    assert slot.position(103.0) == 100
    slot.point(-0.5, 99.0)
    assert slot.position(104.0) == 100
