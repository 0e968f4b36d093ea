"""The numbers of the building guide: they follow from the tables, fit together, and such a box works."""

import itertools
import math
import re
from pathlib import Path

import cuff1_hands
import pytest
from gates import Binaries
from supervised import Supervised

from hardware.codec import cuff1_table as table
from hardware.drivers.reference import FASTEST_FALL_S
from hardware.interlock_table import HIGH_MMHG, InterlockSettings
from hardware.readings import CommandReport, FaultReport, Program, Sample, VentReport
from hardware.sim.plant import PlantSettings
from hardware.supervisor import Arm, Load
from scc_task.doctor.under_pressure import SLOW_FALL_S

GUIDE = (Path(__file__).parents[2] / "docs" / "build-the-controller.md").read_text(encoding="utf-8")
RULES = InterlockSettings()
RULE_OF_TEN = 10.0
SOURCE_MMHG = 500.0

REGULATOR_OFF_MMHG = 2.0
"""What the guide allows the regulator at the pressures of the self-test."""
FILL_S, DUMP_LEAST_S, SECOND_S = (1.3, 1.6), 0.12, (0.6, 1.2)
"""What the guide tells to aim for; the slowest dump is a tenth of filling."""
CORNERS = [
    (fill_s, dump_s, second_s)
    for fill_s, second_s in itertools.product(FILL_S, SECOND_S)
    for dump_s in (DUMP_LEAST_S, fill_s / RULE_OF_TEN)
]


def both_s(dump_s: float, second_s: float) -> float:
    return 1 / (1 / dump_s + 1 / second_s)


def air_of(fill_s: float, dump_s: float, second_s: float) -> PlantSettings:
    vent_s = both_s(dump_s, second_s)
    return PlantSettings(fill_tau_s=fill_s, vent_tau_s=vent_s, first_path_share=vent_s / dump_s)


def limits_of(what: str) -> list[float]:
    """Return the numbers of seconds in the guide's rows that begin so."""
    rows = re.findall(rf"^\| {what} \| ([^|]+) \|", GUIDE, re.MULTILINE)
    return [float(number) for row in rows for number in re.findall(r"([\d.]+) s\b", row)]


def rounded_down(value_s: float) -> float:
    return math.floor(value_s * 10) / 10


def test_the_slowest_filling_is_that_of_the_self_test() -> None:
    slowest_s = table.SELFTEST_PUFF_MS_MAX / 1000 / times_to_fill(0)
    assert limits_of("filling")[0] == rounded_down(slowest_s) >= FILL_S[1]


def times_to_fill(from_tenths: int) -> float:
    """Return how many time constants a puff takes with the lowest regulator that the guide allows."""
    puff, reached = table.SELFTEST_PUFF_TENTHS, table.SELFTEST_REACHED_TENTHS
    low_tenths = puff - 10 * REGULATOR_OFF_MMHG
    return math.log((low_tenths - from_tenths) / (low_tenths - reached))


def test_the_slowest_vent_path_is_that_of_the_self_test() -> None:
    full = table.SELFTEST_PUFF_TENTHS / table.SELFTEST_LEFT_TENTHS
    slowest_s = table.SELFTEST_VENT_MS_MAX / 1000 / math.log(full)
    assert limits_of("each vent path alone") == [rounded_down(slowest_s)] == [SECOND_S[1]]


def test_the_limits_of_both_paths_are_those_of_the_interlock() -> None:
    assert RULES.empty_s == SLOW_FALL_S
    slowest_s = RULES.empty_s / math.log(table.CEILING_TENTHS / 10 / RULES.vented_mmhg)
    off_mmhg = table.SELFTEST_ZERO_TENTHS / 10
    fall = math.log((HIGH_MMHG + off_mmhg) / (RULES.vented_mmhg + off_mmhg))
    fastest_s = math.ceil(FASTEST_FALL_S / fall * 10) / 10
    assert limits_of("both vent paths") == [rounded_down(slowest_s), fastest_s]
    assert f"than {FASTEST_FALL_S:g} s counts as a kinked hose" in GUIDE


def test_the_longest_self_test_has_time_for_the_slowest_box() -> None:
    reached, left = table.SELFTEST_REACHED_TENTHS, table.SELFTEST_LEFT_TENTHS
    begins_at = (0, reached - table.SELFTEST_LOST_TENTHS, left)
    puffs_s = FILL_S[1] * sum(times_to_fill(tenths) for tenths in begins_at)
    vents_s = 2 * SECOND_S[1] * math.log(reached / left)
    still_s = (table.SELFTEST_ZERO_MS + table.SELFTEST_CLOSED_MS) / 1000
    all_s = still_s + puffs_s + vents_s
    assert f"{all_s:.1f}" == "7.4"  # as the table has it
    assert all_s < table.SELFTEST_MS_MAX / 1000


def test_a_leak_that_passes_the_self_test_does_not_pass_for_a_vent_path() -> None:
    reached, lost = table.SELFTEST_REACHED_TENTHS, table.SELFTEST_LOST_TENTHS
    for_s = (table.SELFTEST_CLOSED_MS - table.SELFTEST_MEAN_MS / 2) / 1000
    rate_per_s = math.log(reached / (reached - lost)) / for_s
    kept_tenths = reached * math.exp(-rate_per_s * table.SELFTEST_VENT_MS_MAX / 1000)
    assert f"{kept_tenths / 10:.1f}" == "3.8"
    assert kept_tenths > table.SELFTEST_LEFT_TENTHS + 5


SLOW_BOX, QUICK_BOX = PlantSettings(fill_tau_s=1.3), PlantSettings(fill_tau_s=0.03, vent_tau_s=0.06)


@pytest.mark.parametrize("path", [1, 2])
@pytest.mark.parametrize(
    ("air", "leak_per_s"),
    [
        (SLOW_BOX, 0.35),
        (SLOW_BOX, 0.4),
        (SLOW_BOX, 0.44),
        (PlantSettings(), 0.44),
        (QUICK_BOX, 18.0),
    ],
    ids=str,
)
def test_no_leak_passes_for_a_dead_vent_path_whatever_the_noise(
    air: PlantSettings, leak_per_s: float, path: int
) -> None:
    for seed in range(20):
        box = cuff1_hands.emulator(air=air, seed=seed)
        box.trouble(leak_per_s=leak_per_s, stuck_path=path)
        assert box.self_test() != "passed", seed


@pytest.mark.parametrize("fill_s", [*FILL_S, 1.8])
def test_a_shut_off_valve_that_is_stuck_open_is_found_whatever_the_noise(fill_s: float) -> None:
    against_mmhg = table.SELFTEST_AGAINST_TENTHS / 10
    for seed in range(20):
        box = cuff1_hands.emulator(air=PlantSettings(fill_tau_s=fill_s), seed=seed)
        box.trouble(shutoff_stuck=True, runaway_mmhg=against_mmhg - REGULATOR_OFF_MMHG)
        assert box.self_test() == "shutoff", seed


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("off_mmhg", [-REGULATOR_OFF_MMHG, REGULATOR_OFF_MMHG])
@pytest.mark.parametrize(("fill_s", "dump_s", "second_s"), CORNERS)
def test_a_box_with_a_regulator_as_the_guide_allows_passes_its_self_test(
    binaries: Binaries, fill_s: float, dump_s: float, second_s: float, off_mmhg: float, seed: int
) -> None:
    box = cuff1_hands.firmware(binaries.release, air=air_of(fill_s, dump_s, second_s), seed=seed)
    puff_mmhg = table.SELFTEST_PUFF_TENTHS / 10
    box.trouble(runaway_mmhg=puff_mmhg + off_mmhg)  # it gives that, whatever it is told
    assert box.self_test() == "passed"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("off_mmhg", [-REGULATOR_OFF_MMHG, 0.0])
@pytest.mark.parametrize(("fill_s", "dump_s", "second_s"), CORNERS)
def test_every_such_box_finds_a_shut_off_valve_that_is_stuck_open(
    binaries: Binaries, fill_s: float, dump_s: float, second_s: float, off_mmhg: float, seed: int
) -> None:
    box = cuff1_hands.firmware(binaries.release, air=air_of(fill_s, dump_s, second_s), seed=seed)
    against_mmhg = table.SELFTEST_AGAINST_TENTHS / 10
    box.trouble(shutoff_stuck=True, runaway_mmhg=against_mmhg + off_mmhg)
    assert box.self_test() == "shutoff"


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
    box = Supervised(controller, seed=5, air=air_of(fill_s, dump_s, second_s))
    box.supervisor.handle(Arm(), box.clock.now_s())
    box.run(10.0)
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
