"""What no rating, silence, stop or answer can make a procedure do."""

import pytest
from calibration_bench import NAMES, asked, fresh, rated, shipped, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from scc_task.calibration.guard import GRID_MMHG, LOWEST_MMHG
from scc_task.calibration.procedures import check_for, procedure_for, replay
from scc_task.calibration.talk import Finished, Outcome, Procedure, Request
from scc_task.protocol.calibration_protocol import CalibrationProtocol

PROTOCOLS = {name: shipped(name) for name in NAMES}

ratings = st.one_of(
    st.none(),
    st.floats(0.0, 100.0),
    st.sampled_from([0.0, 20.0, 30.0, 39.0, 40.0, 45.0, 79.0, 80.0, 100.0]),
    st.floats(0.0, 30.0),  # low ratings lead up to the caps
)


@st.composite
def reactions(draw: st.DrawFn) -> list[tuple[float | None, str, bool]]:
    """Return ratings with what else happens: mostly nothing."""
    kinds = st.sampled_from(["borne"] * 12 + ["stopped", "not borne", "stopped but rated"])
    yes = st.sampled_from([True] * 4 + [False])
    return draw(st.lists(st.tuples(ratings, kinds, yes), min_size=1, max_size=70))


def outcome(request: Request, reaction: tuple[float | None, str, bool]) -> Outcome:
    rating, kind, yes = reaction
    agreed = yes if request.needs_yes else None
    if agreed is False:
        return Outcome(request=request, rating=None, tolerated=False, operator_said_yes=False)
    return Outcome(
        request=request,
        rating=None if kind == "stopped" else rating,
        tolerated=kind == "borne",
        stopped=kind.startswith("stopped"),
        operator_said_yes=agreed,
    )


def course(procedure: Procedure, reactions: list[tuple[float | None, str, bool]]) -> list[Outcome]:
    for reaction in reactions:
        request = procedure.next()
        if isinstance(request, Finished):
            break
        procedure.tell(outcome(request, reaction))
    return list(procedure.outcomes)


def assert_safe(
    protocol: CalibrationProtocol,
    outcomes: list[Outcome],
    *,
    first_mmhg: float,
    ceiling: float,
    exact_mmhg: float | None = None,
) -> None:
    """Check each request against what had happened before it, by rules of our own."""
    safety = protocol.safety
    borne, forbidden, last = 0.0, float("inf"), None
    highest_rated = first_mmhg
    for o in outcomes:
        p = o.request.pressure_mmhg
        assert LOWEST_MMHG <= p <= min(ceiling, safety.hard_cap_mmhg)
        assert p % GRID_MMHG == 0 or o.request.pressure_mmhg == exact_mmhg
        assert p <= (borne + safety.step_mmhg if borne else first_mmhg)
        assert p < forbidden
        if p > safety.soft_cap_mmhg:
            assert o.request.needs_yes
        if last is not None and last.rating is None and p > last.request.pressure_mmhg:
            assert o.request.needs_yes
        if p > highest_rated + safety.step_mmhg:
            assert o.request.needs_yes
        assert (o.operator_said_yes is None) is not o.request.needs_yes
        held = o.tolerated and not o.stopped and o.operator_said_yes is not False
        if held:
            borne = max(borne, p)
            if o.rating is not None:
                highest_rated = max(highest_rated, p)
        if not held or (o.rating is not None and o.rating >= 80.0):
            forbidden = min(forbidden, p)
        if o.operator_said_yes is not False:
            last = o
    assert sum(o.given for o in outcomes) <= safety.inflations


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(
    reactions=reactions(), seed=st.integers(0, 99), ceiling=st.sampled_from([100.0, 222.2, 300.0])
)
def test_no_answer_makes_a_procedure_unsafe(
    name: str, reactions: list[tuple[float | None, str, bool]], seed: int, ceiling: float
) -> None:
    protocol = PROTOCOLS[name]
    procedure = procedure_for(protocol, seed=seed, ceiling_mmhg=ceiling)
    outcomes = course(procedure, reactions)
    assert_safe(protocol, outcomes, first_mmhg=protocol.familiarise.mmhg, ceiling=ceiling)


@settings(max_examples=60, deadline=None)
@given(reactions=reactions(), accepted=st.floats(40.0, 290.0))
def test_no_answer_makes_the_check_unsafe(
    reactions: list[tuple[float | None, str, bool]], accepted: float
) -> None:
    protocol = PROTOCOLS["ascent"]
    procedure = check_for(protocol, accepted_mmhg=accepted, ceiling_mmhg=300.0)
    outcomes = course(procedure, reactions)
    assert_safe(protocol, outcomes, first_mmhg=accepted, ceiling=300.0, exact_mmhg=accepted)
    assert all(o.request.needs_yes for o in outcomes if o.request.pressure_mmhg != accepted)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(reactions=reactions(), seed=st.integers(0, 99), place=st.integers(0, 40))
def test_a_replayed_procedure_goes_on_where_the_killed_one_was(
    name: str, reactions: list[tuple[float | None, str, bool]], seed: int, place: int
) -> None:
    whole = procedure_for(PROTOCOLS[name], seed=seed, ceiling_mmhg=300.0)
    outcomes = course(whole, reactions)
    upto = outcomes[:place]
    again = replay(procedure_for(PROTOCOLS[name], seed=seed, ceiling_mmhg=300.0), upto)
    assert list(again.outcomes) == upto
    expected = outcomes[place].request if place < len(outcomes) else whole.next()
    assert again.next() == expected
    assert again.next() == expected  # asking changes nothing


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rating", [0.0, 20.0, 39.0, 40.0, 60.0, 79.9, 80.0, 100.0, None])
def test_every_procedure_ends_within_its_inflations(name: str, rating: float | None) -> None:
    procedure = fresh(PROTOCOLS[name])
    while isinstance(request := procedure.next(), Request):
        procedure.tell(rated(request, rating))
    assert len(procedure.outcomes) <= PROTOCOLS[name].safety.inflations
    assert request.why
    assert request.do


@pytest.mark.parametrize("name", NAMES)
def test_an_operator_who_always_says_no_ends_a_procedure(name: str) -> None:
    procedure = fresh(PROTOCOLS[name])
    for _ in range(100):
        request = procedure.next()
        if isinstance(request, Finished):
            return
        if request.needs_yes:
            procedure.tell(
                Outcome(request=request, rating=None, tolerated=False, operator_said_yes=False)
            )
        else:
            procedure.tell(rated(request, 5.0))
    pytest.fail("it went on")


def test_the_second_stop_ends_the_calibration() -> None:
    procedure = fresh()
    for _ in range(2):
        procedure.tell(stopped(asked(procedure)))
    end = procedure.next()
    assert isinstance(end, Finished)
    assert not end.good
    assert "stopped 2 inflations" in end.why


def test_after_a_stop_the_next_pressure_is_lower() -> None:
    procedure = fresh()
    for rating in (None, None, 5.0, 10.0):  # two familiarisations, 60 and 80 mmHg
        procedure.tell(rated(asked(procedure), rating))
    hurt = asked(procedure).pressure_mmhg
    procedure.tell(stopped(asked(procedure)))
    assert asked(procedure).pressure_mmhg < hurt


def test_a_missing_rating_repeats_the_pressure_and_then_ends_with_a_reason() -> None:
    procedure = fresh()
    for _ in range(2):
        procedure.tell(rated(asked(procedure), None))
    first = asked(procedure).pressure_mmhg
    for _ in range(3):
        assert asked(procedure).pressure_mmhg == first
        procedure.tell(rated(asked(procedure), None))
    end = procedure.next()
    assert isinstance(end, Finished)
    assert "3 times without a rating" in end.why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rating": float("nan")}, "no rating"),
        ({"rating": 101.0}, "no rating"),
        ({"operator_said_yes": True}, "operator"),
    ],
)
def test_an_impossible_outcome_is_not_taken(change: dict[str, object], words: str) -> None:
    procedure = fresh()
    told: dict[str, object] = {"request": asked(procedure), "rating": 10.0, **change}
    with pytest.raises(ValueError, match=words):
        procedure.tell(Outcome(**told))  # type: ignore[arg-type]
    assert procedure.outcomes == ()


def test_the_outcome_of_another_request_is_not_taken() -> None:
    procedure, other = fresh(), fresh(shipped("regression"))
    with pytest.raises(ValueError, match="was asked for"):
        procedure.tell(rated(asked(other), 10.0))
