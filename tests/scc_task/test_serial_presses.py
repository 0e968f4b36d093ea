"""Presses at 20 Hz on a serial box, trigger keys in between: none lost, none invented, and what cannot be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serial_presses import WAKE_S, Kind, run

BOXES = {
    "press and release, bounces and repeats, no adapter": Kind(
        releases=True, repeats=True, chatters=True, timer_s=0.0
    ),
    "press and release, bounces and repeats, adapter of 1 ms": Kind(
        releases=True, repeats=True, chatters=True, timer_s=0.001
    ),
    "press and release, repeats, adapter of 16 ms": Kind(
        releases=True, repeats=True, chatters=False, timer_s=0.016
    ),
    "press alone, bounces, adapter of 16 ms": Kind(
        releases=False, repeats=False, chatters=True, timer_s=0.016, rig={"repeat_s": 0}
    ),
    "press alone, bounces and repeats, adapter of 16 ms, 6 Hz": Kind(
        releases=False, repeats=True, chatters=True, timer_s=0.016, rest_s=0.09, every_s=0.15
    ),
    "press and release, bounces and repeats, adapter of 16 ms, 10 Hz": Kind(
        releases=True,
        repeats=True,
        chatters=True,
        timer_s=0.016,
        rig={"bounce_s": 0.03},
        rest_s=0.05,
        every_s=0.1,
    ),
}
"""What can be told apart; all at 20 Hz but where it says otherwise."""


@pytest.mark.parametrize("name", BOXES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_press_is_lost_and_none_invented_and_every_trigger_key_is_a_pulse(
    name: str, seed: int
) -> None:
    found = run(BOXES[name], seed=seed)
    assert (found.lost, found.invented, found.doubts) == (0, 0, 0)
    assert found.pulses_heard == found.pulses_typed > 0
    assert found.pressed == 50


STORM = {"releases": True, "repeats": True, "chatters": True, "timer_s": 0.016}
"""Presses, bounces and repeats behind a slow adapter: the worst that may surround a stop."""
LATEST_S = 0.016 + WAKE_S + 0.005 + 1e-6
"""An adapter's timer, the thread, one turn of the run's loop."""


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), stop_s=st.floats(0.0, 1.0))
def test_a_stop_among_all_that_is_asked_for_at_the_next_look(seed: int, stop_s: float) -> None:
    found = run(Kind(**STORM), seed=seed, stop_s=stop_s)
    assert found.stop == "participant"
    assert found.stop_after_s <= LATEST_S


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), grip_s=st.floats(0.2, 1.5))
def test_a_grip_that_is_let_go_among_all_that_is_a_stop_and_a_held_one_is_none(
    seed: int, grip_s: float
) -> None:
    kind = Kind(**STORM, rig={"grip": "g"})
    found = run(kind, seed=seed, grip_s=grip_s)
    assert found.stop == "participant"
    assert found.stop_after_s <= kind.responses().window_s + LATEST_S + 0.005
    assert run(kind, seed=seed, grip_s=30.0).stop is None


def test_a_bounce_that_an_adapter_brings_as_far_apart_as_presses_cannot_be_told_from_them() -> None:
    """Of this kind the documents warn: it is no promise that could be kept."""
    kind = Kind(releases=True, repeats=True, chatters=True, timer_s=0.016)
    assert sum(run(kind, seed=seed).invented for seed in range(10)) > 0
