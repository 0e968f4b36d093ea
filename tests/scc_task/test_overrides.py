"""What goes beyond the usual limits is typed by a person, or does not run."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from protocol_files import RIGS, plan_of

from hardware.limits import Limits
from scc_task.errors import FilesInvalid, UsageInvalid
from scc_task.overrides import Override, confirm, needed
from scc_task.plan.steps import Plan, StepKind
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig_limits import RigLimits

TONIC = Override(code="tonic", what="A long inflation.", word="tonic")


def limits_of(**changes: float) -> RigLimits:
    usual = load_rig(RIGS / "simulated.yaml").model.limits
    return usual.model_copy(update=changes)


def with_inflations_of(seconds: float) -> Plan:
    plan = plan_of("demo")
    steps = [
        dataclasses.replace(s, duration_ms=round(seconds * 1000))
        if s.kind is StepKind.INFLATE
        else s
        for s in plan.steps
    ]
    return dataclasses.replace(plan, steps=tuple(steps))


def typing(*lines: str) -> Callable[[str], str]:
    left = list(lines)

    def ask(sentence: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return ask


def test_an_ordinary_run_needs_nothing() -> None:
    assert needed(plan_of("scc"), limits_of()) == ()


@pytest.mark.parametrize(
    "loose", [{"gap_s": 29.9}, {"session_inflated_s": 1201.0}, {"session_inflations": 61}]
)
def test_less_rest_or_more_dose_than_usual_has_to_be_typed(loose: dict[str, float]) -> None:
    plan = dataclasses.replace(plan_of("demo"), limits=dataclasses.replace(Limits(), **loose))
    (override,) = needed(plan, limits_of())
    assert override.word == "dose"
    assert f"{next(iter(loose))}: " in override.what


@pytest.mark.parametrize(("seconds", "codes"), [(180.0, []), (180.001, ["tonic"])])
def test_an_inflation_longer_than_the_usual_limit_has_to_be_typed(
    seconds: float, codes: list[str]
) -> None:
    assert [o.code for o in needed(with_inflations_of(seconds), limits_of())] == codes


@pytest.mark.parametrize(("mmhg", "words"), [(250.0, []), (260.0, ["260"])])
def test_a_pressure_above_the_soft_ceiling_has_to_be_typed(mmhg: float, words: list[str]) -> None:
    plan = plan_of("demo", mmhg=mmhg, limits=Limits(ceiling_mmhg=300.0))
    assert [o.word for o in needed(plan, limits_of())] == words


def test_a_site_may_want_to_be_asked_earlier() -> None:
    assert [o.word for o in needed(plan_of("demo"), limits_of(confirm_above_mmhg=100.0))] == ["140"]


def test_what_was_typed_is_kept() -> None:
    (kept,) = confirm((TONIC,), typing(" tonic "))
    assert kept == {"code": "tonic", "what": "A long inflation.", "typed": "tonic"}


@pytest.mark.parametrize("lines", [[], [""], ["yes"], ["TONIC"], ["tonic tonic"]])
def test_anything_else_refuses_the_run(lines: list[str]) -> None:
    with pytest.raises(UsageInvalid, match="not allowed"):
        confirm((TONIC,), typing(*lines))


def test_a_rig_with_long_inflations_has_to_say_so_by_name(tmp_path: Path) -> None:
    text = (RIGS / "simulated.yaml").read_text(encoding="utf-8")
    path = tmp_path / "rig.yaml"
    path.write_text(text.replace("inflation_s: 90", "inflation_s: 450"), encoding="utf-8")
    with pytest.raises(FilesInvalid, match="allow_tonic"):
        load_rig(path)
    allowed = text.replace("inflation_s: 90", "inflation_s: 450\n  allow_tonic: true")
    path.write_text(allowed, encoding="utf-8")
    assert load_rig(path).model.limits.as_limits().inflation_s == 450
