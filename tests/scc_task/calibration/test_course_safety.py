"""What no rating, silence, stop, key, kill or resume can make a whole calibration do."""

import math

import pytest
from calibration_bench import NAMES, shipped
from course_bench import Pressed, Reaction, Room
from hypothesis import given, settings
from hypothesis import strategies as st

from scc_task.calibration.talk import End

PROTOCOLS = {name: shipped(name) for name in NAMES}

ratings = st.one_of(
    st.none(),
    st.integers(0, 100).map(float),
    st.sampled_from([0.0, 20.0, 39.0, 40.0, 45.0, 79.0, 80.0, 100.0]),
    st.integers(0, 30).map(float),  # low ratings lead up to the caps
)
CUTS = ("esc", "esc at the scale", "kill", "kill at the scale", "kill after the rating")
events = st.sampled_from(
    ["borne"] * 24 + ["stop", "stop at the scale", "stop after the rating", *CUTS]
)
reactions = st.lists(
    st.builds(
        Reaction,
        rating=ratings,
        event=events,
        yes=st.sampled_from([True] * 4 + [False]),
        early=st.sampled_from([None] * 8 + ["yes", "no", "repeat"]),
        late=st.sampled_from([None] * 6 + ["yes", "no", "repeat"]),
    ),
    min_size=1,
    max_size=70,
)


def carried_out(room: Room) -> str:
    """Run, and resume as often as it was interrupted; return how it ended."""
    while True:
        ended = room.run()
        if ended in set(End) or ended == "out of reactions":
            return ended


def assert_safe(room: Room) -> None:
    """Check each inflation that the leg felt against those before it, by rules of our own."""
    safety, first_mmhg = room.protocol.safety, room.protocol.familiarise.mmhg
    borne, forbidden, last = 0.0, math.inf, None
    cut: list[float] = []  # nobody knows how these would have been rated
    for one in room.felt:
        if not isinstance(one, Pressed):
            forbidden = min(forbidden, one)
            continue
        assert 20.0 <= one.mmhg <= min(room.ceiling_mmhg, safety.hard_cap_mmhg)
        assert one.mmhg <= (borne + safety.step_mmhg if borne else first_mmhg)
        assert one.mmhg < forbidden
        if one.mmhg > safety.soft_cap_mmhg:
            assert one.asked
        if last is not None and last.known is None and one.mmhg > last.mmhg:
            assert one.asked  # nobody has rated the last one
        if one.mmhg >= min(cut, default=math.inf):
            assert one.asked
        if one.event not in ("stop", "esc", "kill"):
            borne = max(borne, one.mmhg)
        if one.event == "stop" or (one.known is not None and one.known >= safety.stop_rating):
            forbidden = min(forbidden, one.mmhg)
        if one.event not in ("borne", "stop") and one.known is None:
            cut.append(one.mmhg)
        elif one.event != "stop" and one.known is not None:
            cut = [mmhg for mmhg in cut if mmhg > one.mmhg]
        last = one
    given_ = [one for one in room.felt if isinstance(one, Pressed)]
    assert len(given_) <= safety.inflations
    assert sum(one.event == "stop" for one in given_) <= safety.stops


def assert_on_record(room: Room) -> None:
    """Check that the journals know what the leg felt, and the operator's answers: no more, no less."""
    found = [
        (o.request.pressure_mmhg, o.request.phase, o.rating, o.stopped, o.operator_said_yes)
        for o in room.outcomes
        if o.given
    ]
    assert found == [
        (one.mmhg, one.phase, one.known, one.event == "stop", True if one.asked else None)
        for one in room.felt
        if isinstance(one, Pressed)
    ]
    refused = [o.request.pressure_mmhg for o in room.outcomes if not o.given]
    assert refused == [one for one in room.felt if not isinstance(one, Pressed)]
    trials = [d.trial for d in room.requests()]
    assert trials == list(range(1, len(trials) + 1))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(reactions=reactions, seed=st.integers(0, 99), ceiling=st.sampled_from([100.0, 222.2, 300.0]))
def test_nothing_makes_a_calibration_unsafe_or_forgetful(
    name: str, reactions: list[Reaction], seed: int, ceiling: float
) -> None:
    room = Room(iter(reactions), protocol=PROTOCOLS[name], seed=seed, ceiling_mmhg=ceiling)
    carried_out(room)
    assert_safe(room)
    assert_on_record(room)


def pressures(room: Room) -> list[float]:
    return [one.mmhg for one in room.felt if isinstance(one, Pressed)]


UP_TO_100 = [Reaction()] * 5
"""Two to get used to the cuff, then 60, 80 and 100 mmHg, rated 10."""


def interrupted(*then: Reaction) -> Room:
    """Return a calibration that was rated up to 100 mmHg, and then what ``then`` says, run by run."""
    room = Room(iter([*UP_TO_100, *then]))
    while room.run() != "out of reactions":
        pass
    assert pressures(room)[4] == 100.0
    return room


@pytest.mark.parametrize("event", CUTS[:4])
def test_a_pressure_that_was_cut_short_is_given_again_only_after_a_yes(event: str) -> None:
    room = interrupted(Reaction(event=event), Reaction(), Reaction())
    assert pressures(room)[5:] == [120.0, 100.0, 120.0]
    phases = [one.phase for one in room.felt if isinstance(one, Pressed)]
    assert phases[6] == "resume"
    warm_up, again = room.requests()[6:8]
    assert (warm_up.needs_yes, again.needs_yes) == (False, True)


@pytest.mark.parametrize("event", ["esc", "kill"])
def test_inflations_that_are_always_cut_short_come_to_an_end(event: str) -> None:
    room = Room(iter([*UP_TO_100, *[Reaction(event=event)] * 100]))
    assert carried_out(room) == End.TOO_MANY
    assert len(pressures(room)) == room.protocol.safety.inflations


def test_a_rating_whose_outcome_was_not_written_is_not_lost() -> None:
    room = interrupted(Reaction(rating=25.0, event="kill after the rating"), Reaction())
    assert [o.rating for o in room.outcomes][5] == 25.0
    assert pressures(room)[5:] == [120.0, 120.0]
    assert not room.requests()[-1].needs_yes


@pytest.mark.parametrize("rating", [80.0, 95.0])
def test_what_was_rated_too_much_is_not_given_again_after_a_resume(rating: float) -> None:
    room = interrupted(Reaction(rating=rating, event="kill after the rating"), Reaction())
    assert pressures(room)[5:] == [120.0, 115.0]


def test_a_stop_at_the_scale_is_no_word_on_the_pressure_but_it_asks_before_the_next() -> None:
    room = interrupted(Reaction(event="stop at the scale"))
    last = room.outcomes[-1]
    assert (last.tolerated, last.stopped, last.cut) == (True, False, "participant")
    assert room.replayed().next().pressure_mmhg == 120.0
    assert room.replayed().next().needs_yes


def test_a_stop_after_the_rating_keeps_it() -> None:
    room = interrupted(Reaction(rating=30.0, event="stop after the rating"))
    last = room.outcomes[-1]
    assert (last.rating, last.borne, last.cut) == (30.0, True, None)


def test_a_stop_of_the_first_inflation_after_a_resume_counts() -> None:
    room = interrupted(Reaction(event="kill"), Reaction(event="stop"), Reaction(event="stop"))
    assert pressures(room)[5:] == [120.0, 100.0, 95.0]
    assert room.replayed().next().end is End.STOPPED


@pytest.mark.parametrize("rating", [None, 60.0, 95.0])
def test_the_first_inflation_after_a_resume_is_heeded(rating: float | None) -> None:
    room = interrupted(Reaction(event="kill"), Reaction(rating=rating), Reaction())
    before, then = pressures(room)[-2:]
    assert before == 100.0
    assert then < before if rating == 95.0 else then <= before


def test_the_first_inflation_after_a_resume_asks_above_the_soft_cap() -> None:
    room = Room(iter([*[Reaction()] * 14, Reaction(event="kill"), Reaction()]))
    room.run()
    room.run()
    warm_up = room.requests()[-1]
    assert (warm_up.phase, warm_up.needs_yes) == ("resume", True)
    assert warm_up.pressure_mmhg > room.protocol.safety.soft_cap_mmhg


def test_a_second_yes_changes_nothing() -> None:
    room = interrupted(Reaction(event="kill"), Reaction(), Reaction(early="yes", late="yes"))
    assert pressures(room)[-1] == 120.0
    assert room.outcomes[-1].operator_said_yes is True
    assert room.outcomes[-1].borne


def test_an_operator_who_takes_the_yes_back_before_the_inflation_gets_none() -> None:
    room = interrupted(Reaction(event="kill"), Reaction(), Reaction(early="no"))
    assert pressures(room)[-1] == 100.0
    assert room.requests()[-1].pressure_mmhg == 120.0
    assert room.replayed().next().needs_yes


def test_an_operator_who_takes_the_yes_back_during_the_inflation_ends_it() -> None:
    room = interrupted(Reaction(event="kill"), Reaction(), Reaction(late="no"))
    last = room.outcomes[-1]
    assert (last.request.pressure_mmhg, last.borne, last.cut) == (120.0, False, "operator")
    assert last.operator_said_yes is True


def test_a_no_to_nothing_changes_nothing() -> None:
    room = interrupted(Reaction(early="no", late="no"))
    assert pressures(room)[-1] == 120.0
    assert room.outcomes[-1].borne


def test_a_no_to_the_first_inflation_after_a_resume_gives_less() -> None:
    room = Room(iter([*[Reaction()] * 14, Reaction(event="kill"), Reaction(yes=False), Reaction()]))
    room.run()
    room.run()
    refused, given_ = [d.pressure_mmhg for d in room.requests()[-2:]]
    assert refused in room.felt
    assert given_ < refused
