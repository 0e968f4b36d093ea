"""The firmware's core and the emulator are one device: the same words and the same pins, tick by tick."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from core_bench import FED, SAFE
from twins import TICK, Differ, Twins
from twins_walk import walk

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table

SEEDS = (56, 4, 19, 28, 2, 33, 32, 136)
"""Together they come everywhere; ``benchmarks/twins.py --cover`` finds others when the walk changed."""
TICKS = 4000
HARD = {f"fault {name}" for name in ("none", "hold_time", "wdt_reset")}
"""``hold_time`` cannot come in the emulator; the other two are no events."""
NOT_HERE = {"selftest not_done", "selftest watchdog"}
EVERYWHERE = (
    {f"state {name}" for name in table.STATES}
    | {f"boot {name}" for name in table.RESETS}
    | {f"fault {name}" for name in table.FAULTS} - HARD
    | {f"selftest {name}" for name in table.SELFTEST_NAMES} - NOT_HERE
    | {f"refused {name}" for name in table.NAK_NAMES}
    | {f"alarm {name}" for name in ("off", "medium", "high")}
)
MOVES = {
    *("idle>selftest", "selftest>idle", "selftest>venting", "selftest>fault", "idle>armed"),
    *("armed>inflating", "armed>venting", "inflating>hold", "inflating>fault"),
    *("inflating>venting", "hold>venting", "hold>fault", "venting>armed", "venting>idle"),
    *("venting>fault", "idle>fault", "fault>idle"),
}
pytestmark = pytest.mark.xdist_group("twins")  # walked once

_walk = cache(walk)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_say_and_do_the_same_on_any_walk(core_library: Path, seed: int) -> None:
    assert _walk(core_library, seed, TICKS).total() > TICKS


def test_the_walks_come_to_every_state_move_fault_result_and_refusal(core_library: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        seen += _walk(core_library, seed, TICKS)
    assert set(seen) >= EVERYWHERE | MOVES


@pytest.mark.parametrize(
    ("limit", "more", "seed"),
    [
        ("CEILING_TENTHS", 1, 56),
        ("SELFTEST_AGAINST_TENTHS", 4, 56),
        ("STILL_PRESSED_MS", 5, 56),
        ("LEASE_MS", 5, 56),
    ],
)
def test_a_limit_that_is_a_little_off_in_one_of_them_is_found(
    core_library: Path, monkeypatch: pytest.MonkeyPatch, limit: str, more: int, seed: int
) -> None:
    monkeypatch.setattr(table, limit, getattr(table, limit) + more)  # the core is compiled already
    with pytest.raises(Differ, match=r"core .*\n.*emulator .*\n.*last inputs"):
        walk(core_library, seed, TICKS)


# -- what a walk is too short for, or comes to by chance only


@pytest.fixture
def twins(core_library: Path) -> Twins:
    twins = Twins(core_library)
    live(twins, 20)
    return twins


def live(
    twins: Twins, ms: int, at: int | None = None, *, apart: int = 0, loop_open: bool = False
) -> None:
    """Let time pass with a heartbeat, at a pressure; otherwise at what the regulator gives."""
    for n in range(ms // TICK):
        if n % 10 == 0 and not twins.owes:
            twins.beat()
        given = twins.pins.drive * table.FULL_SCALE_TENTHS // table.DRIVE_MAX
        fed = twins.pins.valves == FED
        shut = twins.pins.valves[:2] == (1, 1)
        now = at if at is not None else given if fed else PUFF if shut else 0
        twins.tick(now - n % 2, now - n % 2 + apart, loop_open=loop_open)


PUFF = table.SELFTEST_REACHED_TENTHS + 30
TARGET = 1400
CLOSED = (1, 1, 0)


def armed(twins: Twins, ceiling: int = table.CEILING_TENTHS) -> None:
    live(twins, 50)
    twins.say("TEST")
    live(twins, 2000)
    twins.say("ARM", ceiling)
    assert twins.state == "armed"


def held(twins: Twins, ceiling: int = table.CEILING_TENTHS) -> None:
    armed(twins, ceiling)
    twins.say("GO", TARGET, 60_000, 0)
    live(twins, 50)
    assert twins.state == "hold"


BESIDE = pytest.mark.parametrize("beside", [-1, 0, 1])


@BESIDE
@pytest.mark.parametrize(
    "limit",
    [
        *(table.EMPTY_TENTHS, table.LEFT_TENTHS, table.CEILING_TENTHS),
        *(table.SENSOR_TENTHS_MIN, table.SENSOR_TENTHS_MAX),
    ],
)
def test_both_judge_a_limit_at_rest_alike(twins: Twins, limit: int, beside: int) -> None:
    live(twins, 50)
    twins.tick(limit + beside, limit + beside)
    twins.say("TEST")
    live(twins, 450, limit + beside)
    twins.say("CLEAR")


@BESIDE
@pytest.mark.parametrize("off", [table.OFF_TARGET_TENTHS, -table.OFF_TARGET_TENTHS, 250])
def test_both_judge_a_held_pressure_alike(twins: Twins, off: int, beside: int) -> None:
    held(twins, TARGET + 250 - table.OVERSHOOT_TENTHS if off == 250 else TARGET + 200)
    live(twins, 100, TARGET + off + beside)


@BESIDE
@pytest.mark.parametrize("sign", [1, -1])
def test_both_judge_sensors_apart_alike(twins: Twins, sign: int, beside: int) -> None:
    live(twins, 150, 0, apart=sign * (table.DISAGREE_TENTHS + beside))


@BESIDE
@pytest.mark.parametrize("behind", [table.OFF_TARGET_TENTHS, table.OFF_TARGET_TENTHS + 20])
def test_both_judge_a_pressure_that_does_not_rise_alike(
    twins: Twins, behind: int, beside: int
) -> None:
    armed(twins)
    twins.say("GO", TARGET, 60_000, 0)
    live(twins, table.NO_RISE_MS - 10, TARGET - behind + beside)
    live(twins, 20, TARGET - behind + beside + table.NO_RISE_TENTHS - 1)
    live(twins, table.NO_RISE_MS, TARGET - behind + 2 * table.NO_RISE_TENTHS - 2)


def test_both_give_a_cuff_that_creeps_the_same_time(twins: Twins) -> None:
    armed(twins)
    twins.say("GO", TARGET, 60_000, 0)
    for n in range(table.INFLATE_MS_MAX // 1000 + 1):
        live(twins, 1000, 500 + n * (table.NO_RISE_TENTHS + 5))
    assert twins.fault == "leak"


@pytest.mark.parametrize("ticks", [99, 100, 101])
def test_both_tell_a_leak_from_sensors_that_stand_still_alike(twins: Twins, ticks: int) -> None:
    armed(twins)
    twins.say("GO", TARGET, 60_000, 0)
    live(twins, table.NO_RISE_MS - ticks * TICK + TICK, 500)
    while twins.state == "inflating":
        twins.beat()
        twins.tick(490, 490)
    assert twins.fault in ("leak", "stuck")


@BESIDE
@pytest.mark.parametrize("change", [table.SELFTEST_GAINED_TENTHS, -table.SELFTEST_LOST_TENTHS])
def test_both_judge_a_closed_cuff_alike(twins: Twins, change: int, beside: int) -> None:
    live(twins, 50)
    twins.say("TEST")
    while twins.pins.valves != CLOSED:
        live(twins, TICK)
    last = TICK  # the mean of the last ticks counts, to the last tenth of one of them
    live(twins, table.SELFTEST_CLOSED_MS - table.SELFTEST_MEAN_MS, PUFF)
    live(twins, table.SELFTEST_MEAN_MS - last, PUFF + change)
    twins.beat()
    twins.tick(PUFF + change + beside, PUFF + change)
    assert twins.pins.valves != CLOSED
    assert not twins.seen["fault host_lost"]


@BESIDE
@pytest.mark.parametrize("apart", [table.SELFTEST_MATCH_TENTHS, -table.SELFTEST_ZERO_TENTHS])
def test_both_judge_the_zeros_of_a_self_test_alike(twins: Twins, apart: int, beside: int) -> None:
    live(twins, 50)
    twins.say("TEST")
    first = -10 if apart > 0 else 0
    for _ in range(table.SELFTEST_ZERO_MS // TICK):
        twins.tick(first, first + apart + beside)


@BESIDE
def test_both_break_a_self_test_off_at_the_same_pressure(twins: Twins, beside: int) -> None:
    live(twins, 50)
    twins.say("TEST")
    twins.tick(table.SELFTEST_TENTHS_MAX + beside, 0)


def test_both_give_a_vent_the_same_time(twins: Twins) -> None:
    held(twins)
    twins.hear(table.VENT_BYTE)
    live(twins, table.VENT_MS_MAX + 2 * TICK, 200)
    assert twins.fault == "vent_fail"


def test_both_give_the_vent_after_a_failed_self_test_the_same_time(twins: Twins) -> None:
    live(twins, 50)
    twins.say("TEST")
    live(twins, table.VENT_MS_MAX + 2 * TICK, 200)
    assert twins.seen["fault vent_fail"] == 1


def test_both_sound_again_a_minute_after_an_alarm_was_hushed(twins: Twins) -> None:
    live(twins, 50, table.CEILING_TENTHS + 10)
    assert twins.fault == "overpressure"
    twins.say("HUSH")
    live(twins, 50, 0)
    twins.seen.clear()
    for _ in range(table.HUSH_HIGH_MS // TICK - 20):  # no heart: its age is at its most soon after
        twins.tick(0, 0)
    assert set(twins.seen) == {"state fault", "alarm off"}
    for _ in range(1500):
        twins.tick(0, 0)
    assert twins.seen["alarm high"] > 1000
    assert twins.status.heartbeat_age_ms == 65_535


def test_the_core_looks_at_the_loop_in_its_tick_and_the_emulator_at_once(twins: Twins) -> None:
    held(twins)
    assert twins.pins.valves == FED
    live(twins, TICK, 1400, loop_open=True)
    assert (twins.fault, twins.pins.valves) == ("abort", SAFE)


def test_a_vent_that_fails_after_the_loop_opened_is_told_by_the_core_one_tick_later(
    twins: Twins,
) -> None:
    held(twins)
    live(twins, table.VENT_MS_MAX, 1400, loop_open=True)
    assert not twins.seen["fault vent_fail"]
    live(twins, TICK, 1400)
    assert twins.owes
    live(twins, TICK, 1400)
    assert twins.seen["fault vent_fail"] == 1


@pytest.mark.parametrize("cause", table.RESETS)
def test_both_come_up_alike_with_the_site_s_ceiling_and_an_open_loop(
    twins: Twins, cause: str
) -> None:
    twins.tick(0, 0, jumper=True)
    twins.say("SITE", 1234)
    live(twins, 50, loop_open=True)
    twins.restart(cause)
    assert twins.fault == ("wdt_reset" if cause == "watchdog" else "abort")
    twins.say("CLEAR")
    live(twins, 50)
    twins.say("CLEAR")
    twins.hear(cuff1.encode_command(0, "ID"))
    assert twins.state == "idle"
    assert twins.seen["refused loop_open"] == 1


def test_both_count_a_frame_that_a_stop_has_cut(twins: Twins) -> None:
    frame = cuff1.encode_command(1, "LEASE", 200)
    twins.hear(frame[:5] + table.VENT_BYTE + frame[5:])
    assert twins.status.bad_frames == 1
