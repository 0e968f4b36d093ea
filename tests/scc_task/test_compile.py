"""Compiling: absolute onsets, fixed lengths, separate streams."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protocol_files import PROTOCOLS, RIGS, ROOT, at, plan_of, protocol_with

from hardware.limits import Limits
from scc_task.plan.compile import UNRESOLVED, calibrated, compile_plan, unresolved
from scc_task.plan.steps import Plan, StepKind, TrialType, plan_from_dict
from scc_task.protocol.check import check_protocol

SEEDS = st.integers(0, 2**31)


def compiled(path: Path, *, seed: int = 1) -> Plan:
    checked = check_protocol(path)
    return compile_plan(
        checked.protocol.model, checked.texts.model, limits=Limits(), seed=seed, resolve=at(120)
    )


def test_the_default_run_lasts_548_s_with_8_inflations_and_33_modelled_steps() -> None:
    plan = plan_of("scc")
    assert plan.length_s == 548.0
    assert len(plan.inflations) == 8
    modelled = Counter(step.trial_type for step in plan.steps if step.trial_type is not None)
    assert modelled == {
        TrialType.INSTRUCTION: 1,
        TrialType.ANTICIPATION: 8,
        TrialType.PAIN: 8,
        TrialType.RATING: 16,
    }


def test_the_demo_lasts_60_to_75_s_with_two_whole_trials() -> None:
    plan = plan_of("demo")
    assert 60 <= plan.length_s <= 75
    assert len(plan.inflations) == 2
    assert {step.trial for step in plan.steps} == {None, 1, 2}


def test_the_practice_never_moves_the_cuff() -> None:
    plan = plan_of("practice")
    assert plan.inflations == ()
    assert plan.pressures == ()
    assert plan.task == "sccpractice"


@settings(deadline=None)
@given(SEEDS)
def test_onsets_follow_each_other_without_a_gap_for_every_seed(seed: int) -> None:
    plan = plan_of("scc", seed=seed)
    due_ms = 0
    for number, step in enumerate(plan.steps, start=1):
        assert (step.number, step.onset_ms) == (number, due_ms)
        due_ms += step.duration_ms
    assert plan.length_ms == 548_000


@settings(deadline=None)
@given(SEEDS, SEEDS)
def test_seeds_change_the_order_of_durations_and_nothing_else(one: int, other: int) -> None:
    first, second = plan_of("scc", seed=one), plan_of("scc", seed=other)
    for column in range(6):
        durations = [
            sorted(p.steps[3 + trial * 6 + column].duration_ms for trial in range(8))
            for p in (first, second)
        ]
        assert durations[0] == durations[1]
    assert (first.digest() == second.digest()) is (one == other)


def test_editing_one_jitter_does_not_reshuffle_another(tmp_path: Path) -> None:
    run = (
        "run:\n  - trials:\n      count: 8\n      each:\n"
        "        - anticipation: {cue: coming, for_s: {from: 6, to: 12, step: 0.5}}\n"
        "        - fixation: {from: 12, to: 20, step: 0.5}\n"
    )
    before = compiled(protocol_with(tmp_path, run))
    edited = run.replace("to: 12,", "to: 14,").replace(
        "        - fixation", "        - show: {text: begin, for_s: 1}\n        - fixation"
    )
    after = compiled(protocol_with(tmp_path, edited))
    fixations = [
        [s.duration_ms for s in p.steps if s.kind is StepKind.FIXATION] for p in (before, after)
    ]
    assert fixations[0] == fixations[1]


def test_a_jitter_outside_trials_is_the_middle_of_its_range(tmp_path: Path) -> None:
    path = protocol_with(tmp_path, "run:\n  - fixation: {from: 4, to: 8, step: 0.5}\n")
    assert compiled(path, seed=1).length_ms == compiled(path, seed=2).length_ms == 6000


def test_trials_are_counted_through_all_blocks(tmp_path: Path) -> None:
    block = "  - trials: {count: 2, each: [{fixation: 1}]}\n"
    plan = compiled(protocol_with(tmp_path, f"run:\n{block}  - fixation: 1\n{block}"))
    assert [step.trial for step in plan.steps] == [1, 2, None, 3, 4]


@pytest.mark.parametrize(("kind", "onset_ms"), [("silent", 0), ("discarded", 0), ("stored", 7500)])
def test_the_task_waits_for_stored_dummies_only(tmp_path: Path, kind: str, onset_ms: int) -> None:
    head = f"scanner: {{tr_s: 1.5, volumes: 99, dummies: {{count: 5, kind: {kind}}}}}\n"
    plan = compiled(protocol_with(tmp_path, "run: [{fixation: 10}]\n", head=head))
    assert plan.steps[0].onset_ms == onset_ms
    assert plan.scanner.dummies == 5


def test_a_plan_holds_what_it_needs_and_no_more() -> None:
    plan = plan_of("scc")
    assert [key for key, _ in plan.texts] == [
        "begin",
        "cuff_not_empty",
        "hold_grip",
        "run_ended",
        "run_stopped",
        "self_compassion",
        "wait_for_scanner",
    ]
    assert [cue.name for cue in plan.cues] == ["pressure_coming", "pressure_on"]
    assert [scale.name for scale in plan.scales] == ["intensity", "unpleasantness"]


def test_a_plan_survives_json() -> None:
    plan = plan_of("scc")
    again = plan_from_dict(json.loads(json.dumps(plan.as_dict())))
    assert again == plan
    assert again.digest() == plan.digest()


def test_a_number_of_mmhg_comes_from_the_protocol(tmp_path: Path) -> None:
    plan = compiled(protocol_with(tmp_path, "run: [{inflate: {to: pain, for_s: 5}}]\n"))
    assert plan.pressures[0].source == "protocol"
    assert plan.steps[0].target_mmhg == 120.0


def test_a_rating_comes_from_the_calibration_with_its_source() -> None:
    checked = check_protocol(
        PROTOCOLS / "scc.yaml", RIGS / "simulated.yaml", PROTOCOLS / "calibration-example.yaml"
    )
    assert checked.calibration is not None
    resolve = calibrated(checked.calibration)
    plan = compile_plan(
        checked.protocol.model, checked.texts.model, limits=checked.limits, seed=1, resolve=resolve
    )
    assert {step.target_mmhg for step in plan.inflations} == {140.0}
    assert plan.pressures[0].source == "calibration calibration-example.yaml of 2026-01-31"
    with pytest.raises(KeyError):
        resolve("pain", 45)


def test_a_pressure_without_a_number_stands_as_a_flat_cuff() -> None:
    pressure = unresolved("pain", 40)
    assert (pressure.mmhg, pressure.rating, pressure.source) == (0.0, 40, UNRESOLVED)


def test_limits_written_as_whole_numbers_give_the_same_digest() -> None:
    whole = Limits(ceiling_mmhg=250, inflation_s=90, gap_s=30, session_inflated_s=1200)
    assert plan_of("scc", limits=whole).digest() == plan_of("scc", limits=Limits()).digest()


def test_steps_are_read_without_the_models() -> None:
    code = (
        "import sys, scc_task.plan.steps; print('pydantic' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
