"""The preview: readable, complete, plain where there is no terminal."""

import pytest
from protocol_files import PROTOCOLS, plan_of

from scc_task.plan.compile import compile_plan, unresolved
from scc_task.plan.preview import preview_text
from scc_task.protocol.check import check_protocol


def test_a_preview_shows_dose_length_volumes_digest_and_seed() -> None:
    plan = plan_of("scc", seed=7)
    text = preview_text(plan)
    for part in (
        "seed 7",
        "548.0 s = 548 of 560 volumes",
        "8 inflations, 120 s inflated, highest 140 mmHg, least gap 40.5 s",
        "140 mmHg (rating 40), test",
        plan.digest(),
        "6 to 12 s, sum 72 s",
    ):
        assert part in text


@pytest.mark.parametrize("name", ["scc", "demo", "practice"])
def test_a_preview_is_plain_text_of_80_columns(name: str) -> None:
    text = preview_text(plan_of(name))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("\n") > len(plan_of(name).steps)


def test_every_step_has_its_row() -> None:
    plan = plan_of("demo")
    rows = [line.split()[0] for line in preview_text(plan).splitlines() if line.strip()]
    assert [row for row in rows if row.isdigit()] == [str(step.number) for step in plan.steps]


def test_a_pressure_that_is_not_known_is_shown_as_its_rating() -> None:
    checked = check_protocol(PROTOCOLS / "scc.yaml")
    plan = compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=checked.limits,
        seed=1,
        resolve=unresolved,
    )
    text = preview_text(plan)
    assert text.count("rating 40") == 9
    assert "0 mmHg," not in text.replace("250 mmHg,", "")
    assert "highest not known yet" in text


def test_a_run_without_the_cuff_says_so() -> None:
    assert "the cuff is not used" in preview_text(plan_of("practice"))
