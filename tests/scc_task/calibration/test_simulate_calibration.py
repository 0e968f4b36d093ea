"""Virtual people, the rehearsal of calibrations, and the command that prints it."""

import re
from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS, shipped
from typer.testing import CliRunner

from hardware.sim.people import Mood, draw_person
from scc_task.cli import app
from scc_task.rehearsal import people, rehearse


def test_the_same_seed_is_the_same_person() -> None:
    assert draw_person(5, mess=True) == draw_person(5, mess=True)
    assert draw_person(5).curve == draw_person(5, mess=True).curve


def test_the_population_is_that_of_a2cps() -> None:
    p40s = sorted(p.curve.p40_mmhg for p in people(2000, seed=1, mess=False))
    assert 133 <= p40s[1000] <= 147
    assert 70 <= p40s[100] <= 85
    assert 235 <= p40s[1900] <= 265


def test_a_person_rates_p40_at_40_also_after_drifting() -> None:
    for seed in range(20):
        person = draw_person(seed, mess=True)
        for n in (0, 15):
            assert person.mean_rating(person.p40_mmhg(inflations=n), inflations=n) == pytest.approx(
                40.0
            )


def test_a_mean_rating_never_falls_with_the_pressure() -> None:
    for seed in range(50):
        person = draw_person(seed, mess=True)
        means = [person.mean_rating(5.0 * step) for step in range(4, 60)]
        assert means == sorted(means)


def test_messy_people_miss_answers_and_some_rate_in_steps_of_ten() -> None:
    crowd = people(300, seed=2, mess=True)
    answers = [
        Mood(person, seed=n).meet(person.p40_mmhg()).rating for n, person in enumerate(crowd)
    ]
    assert 20 <= sum(answer is None for answer in answers) <= 70
    coarse = [a for a, p in zip(answers, crowd, strict=True) if p.grain == 10 and a is not None]
    assert len(coarse) > 50
    assert all(a % 10 == 0 for a in coarse)


def test_a_person_stops_what_is_too_much() -> None:
    person = draw_person(3)
    assert Mood(person, seed=1).meet(person.tolerance_mmhg + 1).stopped
    assert not Mood(person, seed=1).meet(person.tolerance_mmhg - 1).stopped


@pytest.mark.parametrize("mess", [False, True])
def test_the_default_is_near_the_truth_and_never_more_than_a_step_above_what_was_borne(
    mess: bool,
) -> None:
    done = rehearse(shipped(), people(60, seed=7, mess=mess), seed=7)
    off = sorted(r.error_mmhg for r in done if r.error_mmhg is not None)
    assert len(off) >= 45
    assert off[len(off) // 2] <= 6.0
    assert max(r.highest_step_mmhg for r in done) <= 20.0
    assert max(r.inflations for r in done) <= 20


def test_the_same_seed_gives_the_same_rehearsal() -> None:
    crowd = people(5, seed=1, mess=True)
    assert rehearse(shipped(), crowd, seed=1) == rehearse(shipped(), crowd, seed=1)


def printed(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["simulate-calibration", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_a_line_for_each_procedure() -> None:
    output = printed("--participants", "8", "--procedure", "all", "--mess")
    assert "8 virtual people, with mess, seed 1" in output
    names = re.findall(r"^calibration(?:-[a-z]+)?", output, flags=re.M)
    assert names == [
        "calibration",
        *(f"calibration-{n}" for n in ("threshold", "staircase", "regression", "fixed")),
    ]


def test_the_command_takes_a_file_of_ones_own(tmp_path: Path) -> None:
    text = (PROTOCOLS / "calibration.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("name: calibration", "name: mine"), encoding="utf-8")
    assert re.search(r"^mine ", printed("--participants", "5", "--protocol", path), flags=re.M)
