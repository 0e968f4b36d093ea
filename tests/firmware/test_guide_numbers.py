"""The numbers of the building guide: they follow from the tables, fit together, and such a box works."""

import itertools
import math
import re
from pathlib import Path

import pytest
from gates import Binaries
from supervised import Supervised

from hardware.codec import cuff1_table as table
from hardware.interlock_table import HIGH_MMHG, InterlockSettings
from hardware.readings import CommandReport, FaultReport, Program, Sample, VentReport
from hardware.sim.plant import PlantSettings
from hardware.supervisor import Arm, Load
from scc_task.doctor.under_pressure import SLOW_FALL_S

GUIDE = (Path(__file__).parents[2] / "docs" / "build-the-controller.md").read_text(encoding="utf-8")
RULES = InterlockSettings()
RULE_OF_TEN = 10.0
SOURCE_MMHG = 500.0

FILL_S, DUMP_LEAST_S, SECOND_S = (1.3, 1.6), 0.12, (0.6, 1.2)
"""What the guide tells to aim for; the slowest dump is a tenth of filling."""
CORNERS = [
    (fill_s, dump_s, second_s)
    for fill_s, second_s in itertools.product(FILL_S, SECOND_S)
    for dump_s in (DUMP_LEAST_S, fill_s / RULE_OF_TEN)
]


def both_s(dump_s: float, second_s: float) -> float:
    return 1 / (1 / dump_s + 1 / second_s)


def limits_of(what: str) -> list[float]:
    """Return the numbers of seconds in the guide's rows that begin so."""
    rows = re.findall(rf"^\| {what} \| ([^|]+) \|", GUIDE, re.MULTILINE)
    return [float(number) for row in rows for number in re.findall(r"([\d.]+) s\b", row)]


def rounded_down(value_s: float) -> float:
    return math.floor(value_s * 10) / 10


def test_the_slowest_filling_is_that_of_the_self_test() -> None:
    puff, reached = table.SELFTEST_PUFF_TENTHS, table.SELFTEST_REACHED_TENTHS
    slowest_s = table.SELFTEST_PUFF_MS_MAX / 1000 / math.log(puff / (puff - reached))
    assert limits_of("filling")[0] == rounded_down(slowest_s) == FILL_S[1]


def test_the_slowest_vent_path_is_that_of_the_self_test() -> None:
    full = table.SELFTEST_PUFF_TENTHS / table.SELFTEST_LEFT_TENTHS
    slowest_s = table.SELFTEST_VENT_MS_MAX / 1000 / math.log(full)
    assert limits_of("each vent path alone") == [rounded_down(slowest_s)] == [SECOND_S[1]]


def test_the_limits_of_both_paths_are_those_of_the_interlock() -> None:
    assert RULES.empty_s == SLOW_FALL_S
    slowest_s = RULES.empty_s / math.log(table.CEILING_TENTHS / 10 / RULES.vented_mmhg)
    off_mmhg = table.SELFTEST_ZERO_TENTHS / 10
    fall = math.log((HIGH_MMHG + off_mmhg) / (RULES.vented_mmhg + off_mmhg))
    fastest_s = math.ceil(RULES.fall_s / fall * 10) / 10
    assert limits_of("both vent paths") == [rounded_down(slowest_s), fastest_s]
    assert f"than {RULES.fall_s:g} s counts as a kinked hose" in GUIDE


def test_the_longest_self_test_has_time_for_the_slowest_box() -> None:
    puff, reached, left = (
        table.SELFTEST_PUFF_TENTHS,
        table.SELFTEST_REACHED_TENTHS,
        table.SELFTEST_LEFT_TENTHS,
    )
    first_s = FILL_S[1] * math.log(puff / (puff - reached))
    again_s = FILL_S[1] * math.log((puff - left) / (puff - reached))
    vents_s = 2 * SECOND_S[1] * math.log(reached / left)
    all_s = table.SELFTEST_ZERO_MS / 1000 + first_s + again_s + vents_s
    assert all_s < table.SELFTEST_MS_MAX / 1000


def test_the_guide_says_what_is_tried_here() -> None:
    assert "| filling | 1.3 to 1.6 s |" in GUIDE
    assert "| dump valve alone | 0.12 s to a tenth of filling |" in GUIDE
    assert "| supply valve's exhaust alone | 0.6 to 1.2 s |" in GUIDE
    both = [both_s(dump_s, second_s) for _, dump_s, second_s in CORNERS]
    assert f"| {min(both):.1g} to {max(both):.2g} s |" in GUIDE
    for fill_s, after_s in zip(FILL_S, ("4.2", "5.2"), strict=True):
        assert f"{fill_s * math.log(130 / 5):.1f}" == after_s
        assert f"after {after_s} s" in GUIDE


@pytest.mark.parametrize(("fill_s", "dump_s", "second_s"), CORNERS)
def test_every_corner_keeps_every_limit(fill_s: float, dump_s: float, second_s: float) -> None:
    slowest_s, fastest_s = limits_of("both vent paths")
    assert fastest_s <= both_s(dump_s, second_s) <= slowest_s
    assert max(dump_s, second_s) <= limits_of("each vent path alone")[0]
    assert fill_s <= limits_of("filling")[0]
    ratio = fill_s / dump_s
    assert ratio >= RULE_OF_TEN * (1 - 1e-9)
    assert SOURCE_MMHG / (1 + ratio) < 45.5  # 45 mmHg in the guide


@pytest.fixture(params=["emulator", "binary"])
def controller(request: pytest.FixtureRequest) -> Path | None:
    if request.param == "emulator":
        return None
    made: Binaries = request.getfixturevalue("binaries")
    return made.release


@pytest.mark.parametrize(("fill_s", "dump_s", "second_s"), CORNERS)
def test_a_box_as_the_guide_has_it_arms_inflates_and_empties_without_a_fault(
    controller: Path | None, fill_s: float, dump_s: float, second_s: float
) -> None:
    vent_s = both_s(dump_s, second_s)
    air = PlantSettings(fill_tau_s=fill_s, vent_tau_s=vent_s, first_path_share=vent_s / dump_s)
    box = Supervised(controller, seed=5, air=air)
    box.supervisor.handle(Arm(), box.clock.now_s())
    box.run(8.0)
    assert "arm" in [r.command for r in box.reports if isinstance(r, CommandReport)], box.reports
    onset_s = box.clock.now_s() + 0.5
    program = Program(number=1, onset_s=onset_s, offset_s=onset_s + 9.0, target_mmhg=200.0)
    box.supervisor.handle(Load(program), box.clock.now_s())
    box.run(12.0)
    assert [r for r in box.reports if isinstance(r, FaultReport)] == []
    held = [
        r.measured_mmhg
        for r in box.reports
        if isinstance(r, Sample) and program.offset_s - 0.5 < r.arrival_s < program.offset_s
    ]
    assert sum(held) / len(held) == pytest.approx(200.0, abs=5.0)
    assert [r.confirmed for r in box.reports if isinstance(r, VentReport)] == [True]
    assert box.plant.pressure_mmhg < 1.0
