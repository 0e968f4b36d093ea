"""The dry run: what it refuses, and that it says all of it in the operator's words."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protocol_files import PROTOCOLS, plan_of

from hardware.cuff import Capabilities
from hardware.errors import LimitExceeded
from hardware.limits import Limits
from scc_task.dryrun import Dose, PlanRefused, dry_run
from scc_task.plan.compile import compile_plan, unresolved
from scc_task.plan.steps import DummyKind, Plan
from scc_task.protocol.check import check_protocol


def refusal(plan: Plan, **options: Any) -> PlanRefused:
    with pytest.raises(PlanRefused) as caught:
        dry_run(plan, **options)
    return caught.value


def with_step(plan: Plan, number: int, **changes: Any) -> Plan:
    steps = [
        dataclasses.replace(step, **changes) if step.number == number else step
        for step in plan.steps
    ]
    return dataclasses.replace(plan, steps=tuple(steps))


def test_the_default_run_has_the_dose_that_the_arithmetic_gives() -> None:
    dose = dry_run(plan_of("scc", mmhg=140))
    assert (dose.inflations, dose.inflated_s, dose.highest_mmhg) == (8, 120.0, 140.0)
    assert dose.least_gap_s is not None
    assert dose.least_gap_s >= 38


def test_a_run_without_inflations_has_no_dose() -> None:
    assert dry_run(plan_of("practice")) == Dose()


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_every_seed_keeps_the_gap(seed: int) -> None:
    dose = dry_run(plan_of("scc", seed=seed))
    assert dose.least_gap_s is not None
    assert dose.least_gap_s >= 38


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_pressure_passes_only_between_the_least_one_and_the_ceiling(mmhg: float) -> None:
    plan = plan_of("demo", mmhg=mmhg)
    if 15 <= mmhg <= 250:
        assert dry_run(plan).highest_mmhg == mmhg
    else:
        assert isinstance(refusal(plan), LimitExceeded)


def test_a_pressure_above_the_ceiling_is_told_once_with_its_first_place() -> None:
    finding = refusal(plan_of("scc", mmhg=260)).findings
    assert len(finding) == 1
    assert finding[0].what == "260 mmHg is not within 15 to the ceiling of 250 mmHg"
    assert finding[0].where.startswith("step 5 (trial 1, inflate at ")
    assert finding[0].where.endswith("and 7 more")


def test_nan_is_refused_in_words() -> None:
    assert "not a number" in str(refusal(plan_of("scc", mmhg=math.nan)))


def test_an_inflation_without_a_target_is_refused() -> None:
    assert "not a number" in str(refusal(with_step(plan_of("scc"), 5, target_mmhg=None)))


def test_a_target_that_is_not_the_named_pressure_is_refused() -> None:
    assert "150 mmHg, but 'pain' is 140 mmHg" in str(
        refusal(with_step(plan_of("scc"), 5, target_mmhg=150.0))
    )


def test_a_pressure_outside_an_inflation_is_refused() -> None:
    assert "is no inflation" in str(refusal(with_step(plan_of("scc"), 4, target_mmhg=50.0)))


def test_every_limit_that_is_broken_is_told_at_once() -> None:
    limits = Limits(
        ceiling_mmhg=100, inflation_s=10, gap_s=60, session_inflated_s=100, session_inflations=4
    )
    plan = dataclasses.replace(plan_of("scc"), limits=limits)
    text = str(refusal(plan))
    for part in (
        "the ceiling of 100 mmHg",
        "inflated for 15 s; the limit is 10 s",
        "since step 5; the limit is 60 s deflated, and 3 s to deflate",
        "8 inflations in this session (0 given already); the limit is 4",
        "120 s inflated in this session (0 s given already); the limit is 100 s",
        "step 11 (trial 2, inflate at ",
    ):
        assert part in text


def test_what_the_session_had_already_counts() -> None:
    plan = plan_of("scc")
    dry_run(plan, used=Dose(inflations=52, inflated_s=1080))
    assert "61 inflations" in str(refusal(plan, used=Dose(inflations=53, inflated_s=0)))
    assert "1201 s inflated" in str(refusal(plan, used=Dose(inflations=0, inflated_s=1081)))
    assert isinstance(refusal(plan, used=Dose(inflations=0, inflated_s=math.nan)), LimitExceeded)


def test_a_run_without_inflations_may_follow_a_spent_budget() -> None:
    dry_run(plan_of("practice"), used=Dose(inflations=99, inflated_s=9999))


def test_doses_of_one_session_add_up() -> None:
    one = Dose(inflations=8, inflated_s=120, highest_mmhg=140, least_gap_s=40)
    both = one.plus(Dose(inflations=2, inflated_s=12, highest_mmhg=150))
    assert both == Dose(inflations=10, inflated_s=132, highest_mmhg=150, least_gap_s=40)


@pytest.mark.parametrize(("volumes", "fits"), [(548, True), (547, False)])
def test_a_run_longer_than_its_volumes_is_refused(volumes: int, fits: bool) -> None:
    plan = plan_of("scc")
    plan = dataclasses.replace(plan, scanner=dataclasses.replace(plan.scanner, volumes=volumes))
    if fits:
        dry_run(plan)
    else:
        assert "write 548 volumes or more" in str(refusal(plan))


def test_steps_that_ignore_stored_dummies_are_refused() -> None:
    plan = plan_of("scc")
    scanner = dataclasses.replace(plan.scanner, dummies=5, dummy_kind=DummyKind.STORED)
    assert "it should begin at 5 s" in str(refusal(dataclasses.replace(plan, scanner=scanner)))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"onset_ms": 49_000}, "it should begin at"),
        ({"duration_ms": 0}, "it lasts 0 s"),
        ({"duration_ms": -5}, "it lasts"),
        ({"cue": "other"}, "no cue 'other'"),
        ({"pressure": "other"}, "no pressure 'other'"),
    ],
)
def test_a_plan_that_does_not_hang_together_is_refused(changes: dict[str, Any], part: str) -> None:
    assert part in str(refusal(with_step(plan_of("scc"), 5, **changes)))


def test_an_empty_plan_is_refused() -> None:
    assert "nothing to do" in str(refusal(dataclasses.replace(plan_of("scc"), steps=())))


def test_a_pressure_without_a_number_passes_for_a_preview_and_never_for_a_run() -> None:
    checked = check_protocol(PROTOCOLS / "scc.yaml")
    plan = compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=checked.limits,
        seed=1,
        resolve=unresolved,
    )
    assert dry_run(plan, allow_unresolved=True).highest_mmhg == 0.0
    assert "--calibration FILE" in str(refusal(plan))


def able(**changes: Any) -> Capabilities:
    usual = Capabilities(
        measures_pressure=True,
        finite_programs=True,
        own_watchdog=True,
        samples_hz=50,
        fastest_fall_s=0.2,
        channels=1,
    )
    return dataclasses.replace(usual, **changes)


def test_what_the_cuff_cannot_do_is_refused_before_anything_opens() -> None:
    plan = with_step(plan_of("scc"), 5, rise_ms=5000)
    assert "in a line" in str(refusal(plan, able=able()))
    assert dry_run(plan, able=able(ramps=True)).inflations == 8


def test_a_cuff_has_a_longest_inflation_of_its_own() -> None:
    plan = plan_of("scc")
    assert dry_run(plan, able=able(longest_s=15.0)).inflations == 8
    assert "14 s at most" in str(refusal(plan, able=able(longest_s=14.0)))


def test_a_cuff_that_is_set_by_hand_has_one_pressure_in_a_run() -> None:
    plan = plan_of("scc")
    assert dry_run(plan, able=able(sets_pressure=False)).inflations == 8
    last = plan.inflations[-1].number
    two = with_step(plan, last, target_mmhg=100.0, pressure=None)
    assert "set by hand" in str(refusal(two, able=able(sets_pressure=False)))


@pytest.mark.parametrize("rise_ms", [-1, 15_001])
def test_a_rise_that_does_not_fit_its_inflation_is_refused(rise_ms: int) -> None:
    assert "rises for" in str(refusal(with_step(plan_of("scc"), 5, rise_ms=rise_ms)))
