"""A kinked hose is told from a cuff that vents fast, on every device and at its rate of samples."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.interlock import Interlock
from hardware.interlock_table import HIGH_MMHG, InterlockSettings
from hardware.limits import Limits
from hardware.readings import Program, Sample
from hardware.registry import DRIVERS
from hardware.sim.plant import IN_FRONT_TAU_S, Plant, PlantSettings
from hardware.states import CuffState

RULES = InterlockSettings()
FALL = math.log(HIGH_MMHG / RULES.vented_mmhg)
GUIDES_TAU_S = 0.1
"""Both vent paths, as ``docs/build-the-controller.md`` allows; a test there compares the two."""
SLOWEST_TAU_S = 1.6
ZERO_MMHG = 3.0
"""How much a sensor that passes the self-test may be off."""
OF_THE_QUICKEST = 0.8
"""A device's limit is this part of the quickest fall that was timed, as ``docs/add-a-device.md`` has it."""
ABLE = {n: d.capabilities for n, d in DRIVERS.items() if d.capabilities.measures_pressure}
SLOW_DEVICES = [name for name in ABLE if name != "reference"]
FIRST_MS, VENT_MS = 2000, 2150
"""The first sample may be taken; the vent begins, at least one sample later."""


def period_ms_of(name: str) -> int:
    return round(1000 / ABLE[name].samples_hz)


def quickest_tau_s(name: str) -> float:
    """Return the time constant of the quickest cuff that a device may have."""
    return ABLE[name].fastest_fall_s / OF_THE_QUICKEST / FALL


def times_ms(gaps_ms: Iterable[int], *, phase_ms: int = 0) -> Iterator[int]:
    """Yield when samples are taken that come these gaps apart, again and again."""
    yield from itertools.accumulate(
        itertools.cycle(gaps_ms), initial=FIRST_MS + min(phase_ms, VENT_MS - FIRST_MS - 1)
    )


def fault_of_a_vent(
    name: str, plant: Plant, *, from_mmhg: float, sampled_ms: Iterator[int]
) -> str | None:
    """Let a held cuff vent, show its samples to the device's interlock, and return a fault's code."""
    rules = replace(RULES, fall_s=ABLE[name].fastest_fall_s)
    judge = Interlock(rules, limits=Limits(), device_ceiling_mmhg=300.0)
    judge.arm(0.0)
    vent_s = VENT_MS / 1000
    program = Program(number=1, onset_s=0.0, offset_s=vent_s, target_mmhg=from_mmhg)
    assert judge.inflate(program, 0.0) is None
    held = replace(plant.trouble, kinked=False)
    for trouble in (held, plant.trouble):  # a kinked cuff was under pressure before the kink
        plant.trouble = trouble
        for _ in range(20):
            plant.fill(target_mmhg=from_mmhg, on_for_s=1e9, dt_s=plant.settings.fill_tau_s)
    next_ms = next(sampled_ms)
    for ms in range(FIRST_MS, 6000):
        if ms == VENT_MS:
            judge.end(vent_s)
        if ms >= VENT_MS:
            plant.vent(dt_s=0.001)
        if ms < next_ms:
            continue
        next_ms = next(sampled_ms)
        first, second = (tenths / 10 for tenths in plant.sensors_tenths())
        fault = judge.judge_sample(
            Sample(
                counter=ms,
                device_ms=ms,
                arrival_s=ms / 1000,
                state=CuffState.HOLD if ms < VENT_MS else CuffState.VENTING,
                measured_mmhg=first,
                second_mmhg=second,
                commanded_mmhg=0.0,
            )
        )
        if fault is not None:
            return fault.code
        if judge.vent_confirmed(ms / 1000):
            return None
    raise AssertionError("neither empty nor a fault")


def kinked(*, seed: int) -> Plant:
    plant = Plant(seed=seed)
    plant.trouble = replace(plant.trouble, kinked=True)
    return plant


def reading_low(tau_s: float, *, off_mmhg: float, seed: int) -> Plant:
    plant = Plant(PlantSettings(vent_tau_s=tau_s), seed=seed)
    plant.trouble = replace(plant.trouble, off_mmhg=(off_mmhg, off_mmhg))
    return plant


@pytest.mark.parametrize("name", ABLE)
def test_a_devices_limit_lies_between_a_kink_and_its_quickest_cuff(name: str) -> None:
    kinked_s, period_ms = IN_FRONT_TAU_S * FALL, period_ms_of(name)
    assert kinked_s == pytest.approx(0.028, abs=0.0005)
    shown_s = (math.ceil(kinked_s * 1000 / period_ms) + 1) * period_ms / 1000
    assert shown_s < ABLE[name].fastest_fall_s
    reads_low = math.log((HIGH_MMHG + ZERO_MMHG) / (RULES.vented_mmhg + ZERO_MMHG))
    assert quickest_tau_s(name) * reads_low > ABLE[name].fastest_fall_s + 0.01  # and noise


def test_the_guides_quickest_cuff_is_not_quicker_than_the_reference_may_have() -> None:
    guides_s = GUIDES_TAU_S * FALL
    assert guides_s == pytest.approx(0.139, abs=0.0005)
    assert quickest_tau_s("reference") <= GUIDES_TAU_S


def test_an_interlock_that_knows_no_device_is_as_strict_as_with_any() -> None:
    assert max(able.fastest_fall_s for able in ABLE.values()) <= RULES.fall_s


@pytest.mark.parametrize("name", ABLE)
@given(
    slower=st.floats(0.0, 1.0),
    from_mmhg=st.floats(HIGH_MMHG, 250.0),
    off_mmhg=st.floats(-ZERO_MMHG, ZERO_MMHG),
    phase_ms=st.integers(0, 49),
    seed=st.integers(0, 999),
)
@example(slower=0.0, from_mmhg=250.0, off_mmhg=-ZERO_MMHG, phase_ms=0, seed=0)
@example(slower=0.0, from_mmhg=63.0, off_mmhg=-ZERO_MMHG, phase_ms=7, seed=1)
def test_a_cuff_as_its_device_may_have_it_is_never_taken_for_a_kinked_hose(
    name: str, slower: float, from_mmhg: float, off_mmhg: float, phase_ms: int, seed: int
) -> None:
    quickest_s = quickest_tau_s(name)
    tau_s = quickest_s + slower * (SLOWEST_TAU_S - quickest_s)
    sampled_ms = times_ms([period_ms_of(name)], phase_ms=phase_ms)
    plant = reading_low(tau_s, off_mmhg=off_mmhg, seed=seed)
    assert fault_of_a_vent(name, plant, from_mmhg=from_mmhg, sampled_ms=sampled_ms) != "fast_fall"


@given(
    from_mmhg=st.floats(HIGH_MMHG, 250.0),
    gaps_ms=st.lists(st.integers(10, 50), min_size=1, max_size=8),
    seed=st.integers(0, 999),
)
def test_the_quickest_honest_vent_of_the_guide_is_no_kink_on_the_reference_controller(
    from_mmhg: float, gaps_ms: list[int], seed: int
) -> None:
    plant = reading_low(GUIDES_TAU_S, off_mmhg=-ZERO_MMHG, seed=seed)
    found = fault_of_a_vent(
        "reference", plant, from_mmhg=from_mmhg, sampled_ms=times_ms(gaps_ms, phase_ms=100)
    )
    assert found is None


@pytest.mark.parametrize("name", ABLE)
@given(
    from_mmhg=st.floats(HIGH_MMHG + 2.0, 250.0), phase_ms=st.integers(0, 99), seed=st.integers(0, 9)
)
def test_a_kinked_hose_is_found_while_two_intervals_fit_into_the_limit(
    name: str, from_mmhg: float, phase_ms: int, seed: int
) -> None:
    latest_ms = math.ceil(ABLE[name].fastest_fall_s * 1000 / 2) - 1
    for period_ms in (period_ms_of(name), latest_ms):
        sampled_ms = times_ms([period_ms], phase_ms=phase_ms)
        found = fault_of_a_vent(name, kinked(seed=seed), from_mmhg=from_mmhg, sampled_ms=sampled_ms)
        assert found == "fast_fall"


@pytest.mark.parametrize("name", SLOW_DEVICES)
@given(
    from_mmhg=st.floats(HIGH_MMHG + 2.0, 250.0),
    gaps_ms=st.lists(st.integers(60, 90), min_size=1, max_size=8),
    phase_ms=st.integers(0, 149),
    seed=st.integers(0, 999),
)
@example(from_mmhg=140.0, gaps_ms=[90], phase_ms=60, seed=0)
def test_a_kink_in_the_hold_is_seen_on_a_device_whose_samples_come_60_to_90_ms_apart(
    name: str, from_mmhg: float, gaps_ms: list[int], phase_ms: int, seed: int
) -> None:
    sampled_ms = times_ms(gaps_ms, phase_ms=phase_ms)
    found = fault_of_a_vent(name, kinked(seed=seed), from_mmhg=from_mmhg, sampled_ms=sampled_ms)
    assert found == "fast_fall"


@pytest.mark.parametrize("name", ABLE)
def test_a_faster_cuff_than_its_device_may_have_would_be_taken_for_a_kinked_hose(name: str) -> None:
    plant = Plant(PlantSettings(vent_tau_s=0.03))
    sampled_ms = times_ms([period_ms_of(name)], phase_ms=3)
    assert fault_of_a_vent(name, plant, from_mmhg=140.0, sampled_ms=sampled_ms) == "fast_fall"
