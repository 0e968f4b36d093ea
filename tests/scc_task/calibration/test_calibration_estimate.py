"""Ratings become pressures with intervals, or an explained refusal."""

import math

import pytest
from calibration_bench import shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from scc_task.calibration.curve import Posterior, log_evidence_of_chance
from scc_task.calibration.estimate import Result, conclude, curve_of, posterior_of
from scc_task.calibration.gates import Gate
from scc_task.calibration.talk import End, Finished, Outcome, Request

ASCENT = shipped()
STEADY = [(60, 2), (80, 8), (100, 18), (120, 28), (140, 41), (150, 47)]

points = st.lists(
    st.tuples(st.integers(4, 60).map(lambda n: 5.0 * n), st.floats(0.0, 100.0)), max_size=15
)


def outcomes(points: list[tuple[float, float]], *, phase: str = "coarse") -> list[Outcome]:
    return [
        Outcome(
            request=Request(pressure_mmhg=p, phase=phase, hold_s=15.0, why=""),  # type: ignore[arg-type]
            rating=r,
        )
        for p, r in points
    ]


def judged(points: list[tuple[float, float]]) -> Result:
    return conclude(ASCENT, outcomes(points))


def gates(points: list[tuple[float, float]]) -> list[Gate]:
    return [r.gate for r in judged(points).refusals]


def test_steady_ratings_give_targets_with_intervals() -> None:
    result = judged(STEADY)
    assert result.accepted, result.refusals
    p20, p40, p60 = result.targets
    assert p20.mmhg is not None
    assert p40.mmhg is not None
    assert 95 <= p20.mmhg <= 105
    assert 130 <= p40.mmhg <= 140
    assert p40.low_mmhg < p40.mmhg < p40.high_mmhg
    assert p60.mmhg is None  # above 150 mmHg: nothing is extrapolated
    assert p60.low_mmhg > 150
    assert p60.why == "not within what was given, 150 mmHg at most"
    assert p40.why == ""


def test_pressures_are_rounded_down() -> None:
    belief = Posterior.before(ASCENT.estimate)
    for p, r in STEADY:
        belief = belief.after(p, r)
    (exact,) = belief.pressures_mmhg(40.0, (0.5,))
    assert judged(STEADY).mmhg_for(40.0) == math.floor(exact / 5) * 5


def test_one_absurd_rating_moves_the_target_little() -> None:
    steady = judged(STEADY).mmhg_for(40.0)
    absurd = judged([*STEADY[:2], (100, 95), *STEADY[2:], (140, 43)]).mmhg_for(40.0)
    assert steady is not None
    assert absurd is not None
    assert abs(absurd - steady) <= 10


def test_familiarisation_and_what_was_not_borne_are_left_out() -> None:
    stopped = Outcome(
        request=Request(pressure_mmhg=170, phase="fine", hold_s=15, why=""),
        rating=5.0,
        tolerated=False,
        stopped=True,
    )
    all_of_them = [*outcomes([(60, 70)], phase="familiarise"), *outcomes(STEADY), stopped]
    with_them = conclude(ASCENT, all_of_them)
    assert with_them.targets == judged(STEADY).targets
    assert with_them.highest_borne_mmhg == 150
    assert with_them.lowest_not_borne_mmhg == 170


def test_more_ratings_make_the_interval_narrower() -> None:
    few, many = judged(STEADY).targets[1], judged([*STEADY, (140, 39), (140, 42)]).targets[1]
    assert many.high_mmhg - many.low_mmhg < few.high_mmhg - few.low_mmhg


@settings(max_examples=80, deadline=None)
@given(points=points)
def test_targets_rise_and_never_lie_above_what_was_given(points: list[tuple[float, float]]) -> None:
    result = judged(points)
    highest = max((p for p, _ in points), default=0.0)
    pressures = [t.mmhg for t in result.targets if t.mmhg is not None]
    assert pressures == sorted(set(pressures))
    assert all(0 < p <= highest for p in pressures)
    for target in result.targets:
        assert math.isfinite(target.low_mmhg)
        assert target.low_mmhg <= target.high_mmhg < math.inf
    lows = [t.low_mmhg for t in result.targets]
    assert lows == sorted(lows)
    assert result.accepted is (not result.refusals)


@settings(max_examples=30, deadline=None)
@given(points=points)
def test_the_curve_rises_within_its_band_and_the_scale(points: list[tuple[float, float]]) -> None:
    curve = curve_of(ASCENT, outcomes(points))
    assert bool(curve) is bool(points)
    medians = [point.median for point in curve]
    assert medians == sorted(medians)
    assert all(0 <= c.low <= c.median <= c.high <= 100 for c in curve)


@pytest.mark.parametrize(
    ("ratings", "gate", "words"),
    [
        ([], Gate.TOO_FEW_POINTS, "0 ratings"),
        (STEADY[:3], Gate.TOO_FEW_POINTS, "3 ratings of 3"),
        ([(140, 40)] * 5, Gate.TOO_FEW_POINTS, "5 ratings of 1"),
        ([(60, 40), (80, 39), (100, 41), (120, 40), (140, 40)], Gate.FLAT, "hardly rises"),
        ([(60, 60), (80, 50), (100, 40), (120, 30), (140, 20)], Gate.FLAT, "falls"),
        ([(60, 0), (80, 5), (100, 10), (120, 70)], Gate.JUMP, "from 10 at 100 mmHg to 70"),
        ([(60, 45), (80, 95), (90, 98), (100, 100)], Gate.CEILING, "3 of 4 ratings"),
        (STEADY[:4], Gate.NOT_REACHED, "above 120 mmHg"),
        ([(60, 0), (90, 55), (120, 12), (150, 60), (180, 35)], Gate.WIDE, "anywhere from"),
    ],
)
def test_a_gate_refuses_with_its_words(
    ratings: list[tuple[float, float]], gate: Gate, words: str
) -> None:
    refusal = next(r for r in judged(ratings).refusals if r.gate is gate)
    assert words in refusal.what
    assert refusal.do


@pytest.mark.parametrize(
    ("ratings", "gate", "words"),
    [
        ([(60, 30), (65, 48), (70, 55), (60, 35)], Gate.NARROW, "within 10 mmHg, from 60 to 70"),
        ([(60, 38), (75, 49), (60, 40), (65, 34)], Gate.CHANCE, "nothing to do with the pressure"),
        ([(40, 0), (60, 0), *[(p, 40) for p in (60, 80, 85, 90, 95, 100)]], Gate.CHANCE, "to 1"),
    ],
)
def test_ratings_that_tell_no_rise_are_refused(
    ratings: list[tuple[float, float]], gate: Gate, words: str
) -> None:
    refusal = next(r for r in judged(ratings).refusals if r.gate is gate)
    assert words in refusal.what


def test_a_rise_is_told_from_ratings_that_have_nothing_to_do_with_pressure() -> None:
    def odds_for_a_rise(points: list[tuple[float, float]]) -> float:
        belief = posterior_of(ASCENT, outcomes(points))
        return belief.log_evidence - log_evidence_of_chance([r for _, r in points])

    assert odds_for_a_rise(STEADY) > math.log(100)
    assert odds_for_a_rise([(p, 40.0) for p, _ in STEADY]) < 0
    turned = [(p, r) for (p, _), (_, r) in zip(STEADY, reversed(STEADY), strict=True)]
    assert odds_for_a_rise(turned) < 0


def test_steady_ratings_pass_every_gate() -> None:
    assert gates(STEADY) == []


def test_a_bad_end_is_a_reason_to_refuse() -> None:
    bad = Finished(end=End.NO_RATING, good=False, why="no rating came", do="practise")
    result = conclude(ASCENT, outcomes(STEADY), bad)
    assert [(r.gate, r.what, r.do) for r in result.refusals] == [
        (Gate.BAD_END, "no rating came", "practise")
    ]


def test_what_was_confirmed_is_the_result_for_the_target() -> None:
    good = Finished(end=End.CONFIRMED, good=True, why="", do="", confirmed_mmhg=130.0)
    result = conclude(ASCENT, outcomes(STEADY), good)
    assert result.mmhg_for(40.0) == 130.0


def test_a_target_that_rounding_makes_equal_to_its_neighbour_has_no_pressure() -> None:
    good = Finished(end=End.CONFIRMED, good=True, why="", do="", confirmed_mmhg=100.0)
    result = conclude(ASCENT, outcomes(STEADY), good)
    assert result.mmhg_for(40.0) == 100.0
    assert result.mmhg_for(20.0) is None  # it lies at 100 mmHg, too
    assert "that of its neighbour" in result.targets[0].why


@pytest.mark.parametrize(("pressure", "rating"), [(100.0, math.nan), (math.nan, 40.0), (0.0, 40.0)])
def test_the_belief_takes_no_nonsense(pressure: float, rating: float) -> None:
    with pytest.raises(ValueError, match="no rating of a pressure"):
        Posterior.before(ASCENT.estimate).after(pressure, rating)


@pytest.mark.parametrize("hot", [130.0, 120.0])
def test_a_pressure_once_rated_at_the_stop_rating_is_no_result(hot: float) -> None:
    good = Finished(end=End.CONFIRMED, good=True, why="", do="", confirmed_mmhg=130.0)
    result = conclude(ASCENT, outcomes([*STEADY, (hot, 100)]), good)
    refusal = next(r for r in result.refusals if r.gate is Gate.NOT_BORNE)
    assert f"{hot:g} mmHg was not borne to the end, or was rated 80 or more" in refusal.what
    assert result.lowest_not_borne_mmhg == hot


def test_no_other_target_lies_where_a_rating_reached_the_stop_rating() -> None:
    climb = [*STEADY, (160, 52), (170, 58), (180, 63), (190, 70)]
    assert judged(climb).mmhg_for(60.0) is not None
    result = judged([*climb, (170, 85)])
    assert result.accepted, result.refusals
    assert result.mmhg_for(60.0) is None
    assert result.targets[2].why.startswith("170 mmHg was not borne to the end, or was rated")
