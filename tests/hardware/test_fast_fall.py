"""A kinked hose is told from a cuff that vents fast, at every device's rate of samples."""

import math
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
FASTEST_TAU_S = 0.1
"""Both vent paths, as ``docs/build-the-controller.md`` allows; a test there compares the two."""
SLOWEST_TAU_S = 1.6
ZERO_MMHG = 3.0
"""How much a sensor that passes the self-test may be off."""
PERIODS_MS = {
    name: round(1000 / driver.capabilities.samples_hz)
    for name, driver in DRIVERS.items()
    if driver.capabilities.measures_pressure
}
LATE_ALICAT_MS = 54
"""Its samples have the computer's times: so far apart, a kink is still seen."""


def fault_of_a_vent(plant: Plant, *, from_mmhg: float, period_ms: int, phase_ms: int) -> str | None:
    """Let a held cuff vent, show its samples to the interlock, and return the code of a fault."""
    judge = Interlock(RULES, limits=Limits(), device_ceiling_mmhg=300.0)
    judge.arm(0.0)
    program = Program(number=1, onset_s=0.0, offset_s=2.0, target_mmhg=from_mmhg)
    assert judge.inflate(program, 0.0) is None
    held = replace(plant.trouble, kinked=False)
    for trouble in (held, plant.trouble):  # a kinked cuff was under pressure before the kink
        plant.trouble = trouble
        for _ in range(200):
            plant.fill(target_mmhg=from_mmhg, on_for_s=1e9, dt_s=plant.settings.fill_tau_s / 10)
    for ms in range(2000, 6000):
        if ms == 2000 + period_ms:
            judge.end(ms / 1000)
        if ms >= 2000 + period_ms:
            plant.vent(dt_s=0.001)
        if (ms - phase_ms) % period_ms:
            continue
        first, second = (tenths / 10 for tenths in plant.sensors_tenths())
        state = CuffState.HOLD if ms < 2000 + period_ms else CuffState.VENTING
        fault = judge.judge_sample(
            Sample(
                counter=ms,
                device_ms=ms,
                arrival_s=ms / 1000,
                state=state,
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


def test_the_limit_lies_between_the_two_falls() -> None:
    kinked_s = IN_FRONT_TAU_S * math.log(HIGH_MMHG / RULES.vented_mmhg)
    assert kinked_s == pytest.approx(0.028, abs=0.0005)
    for period_ms in PERIODS_MS.values():
        shown_s = (math.ceil(kinked_s * 1000 / period_ms) + 1) * period_ms / 1000
        assert shown_s < RULES.fall_s
    fastest_s = FASTEST_TAU_S * math.log(HIGH_MMHG / RULES.vented_mmhg)
    assert fastest_s == pytest.approx(0.139, abs=0.0005)
    read_low_s = FASTEST_TAU_S * math.log((HIGH_MMHG + ZERO_MMHG) / (RULES.vented_mmhg + ZERO_MMHG))
    assert read_low_s == pytest.approx(0.125, abs=0.0005)
    assert read_low_s > RULES.fall_s + 0.01  # and noise


@pytest.mark.parametrize("period_ms", sorted({*PERIODS_MS.values()}))
@given(
    tau_s=st.floats(FASTEST_TAU_S, SLOWEST_TAU_S),
    from_mmhg=st.floats(HIGH_MMHG, 250.0),
    off_mmhg=st.floats(-ZERO_MMHG, ZERO_MMHG),
    phase_ms=st.integers(0, 49),
    seed=st.integers(0, 999),
)
@example(tau_s=FASTEST_TAU_S, from_mmhg=250.0, off_mmhg=-ZERO_MMHG, phase_ms=0, seed=0)
@example(tau_s=FASTEST_TAU_S, from_mmhg=63.0, off_mmhg=-ZERO_MMHG, phase_ms=7, seed=1)
def test_a_cuff_as_the_guide_has_it_is_never_taken_for_a_kinked_hose(
    period_ms: int, tau_s: float, from_mmhg: float, off_mmhg: float, phase_ms: int, seed: int
) -> None:
    plant = Plant(PlantSettings(vent_tau_s=tau_s), seed=seed)
    plant.trouble = replace(plant.trouble, off_mmhg=(off_mmhg, off_mmhg))
    found = fault_of_a_vent(
        plant, from_mmhg=from_mmhg, period_ms=period_ms, phase_ms=phase_ms % period_ms
    )
    assert found != "fast_fall"


@pytest.mark.parametrize("period_ms", sorted({*PERIODS_MS.values(), LATE_ALICAT_MS}))
@given(
    from_mmhg=st.floats(HIGH_MMHG + 2.0, 250.0),
    phase_ms=st.integers(0, LATE_ALICAT_MS),
    seed=st.integers(0, 999),
)
def test_a_kinked_hose_is_found_at_every_rate_of_samples(
    period_ms: int, from_mmhg: float, phase_ms: int, seed: int
) -> None:
    plant = Plant(seed=seed)
    plant.trouble = replace(plant.trouble, kinked=True)
    found = fault_of_a_vent(
        plant, from_mmhg=from_mmhg, period_ms=period_ms, phase_ms=phase_ms % period_ms
    )
    assert found == "fast_fall"


def test_a_faster_cuff_than_the_guide_has_would_be_taken_for_one() -> None:
    plant = Plant(PlantSettings(vent_tau_s=0.03))
    assert fault_of_a_vent(plant, from_mmhg=140.0, period_ms=20, phase_ms=3) == "fast_fall"
