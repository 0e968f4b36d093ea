"""The unchanged driver and supervisor on a real binary that was not fresh, or that restarts."""

from dataclasses import replace

import pytest
from gates import Binaries
from supervised import Supervised

from hardware.codec import cuff1
from hardware.readings import CommandReport, FaultReport, Program, Refusal, VentReport
from hardware.supervisor import Arm, Load


def test_a_host_whose_first_heartbeat_has_the_number_of_the_last_one_arms_the_real_binary(
    binaries: Binaries,
) -> None:
    cuff = Supervised(binaries.release, seed=3)
    cuff.wire.write(cuff1.encode_command(0, "HB", 1))
    cuff.run(1.0)
    cuff.supervisor.handle(Arm(), cuff.clock.now_s())
    cuff.run(5.0)
    assert "arm" in [r.command for r in cuff.reports if isinstance(r, CommandReport)]
    assert cuff.of(Refusal) == cuff.of(FaultReport) == []


every_cause = pytest.mark.parametrize("cause", ["brown_out", "reset_pin", "power_on"])


def holding(binaries: Binaries) -> Supervised:
    cuff = Supervised(binaries.release, seed=3)
    cuff.supervisor.handle(Arm(), cuff.clock.now_s())
    cuff.run(5.0)
    onset_s = cuff.clock.now_s() + 0.5
    program = Program(number=1, onset_s=onset_s, offset_s=onset_s + 20.0, target_mmhg=130.0)
    cuff.supervisor.handle(Load(program), cuff.clock.now_s())
    cuff.run(4.0)
    assert cuff.plant.pressure_mmhg > 100.0
    return cuff


@every_cause
def test_the_real_binary_that_restarts_under_pressure_is_seen_to_be_empty(
    binaries: Binaries, cause: str
) -> None:
    cuff = holding(binaries)
    restarted_s = cuff.clock.now_s()
    cuff.device.restart(cause)
    cuff.run(3.0)
    assert [r.code for r in cuff.reports if isinstance(r, FaultReport)] == ["device_restarted"]
    (vent,) = [r for r in cuff.reports if isinstance(r, VentReport)]
    assert vent.confirmed
    assert vent.time_s - restarted_s < 1.5
    assert cuff.plant.pressure_mmhg < 1.0


@every_cause
def test_a_full_kinked_cuff_is_not_empty_because_the_real_binary_restarts(
    binaries: Binaries, cause: str
) -> None:
    cuff = holding(binaries)
    cuff.plant.trouble = replace(cuff.plant.trouble, kinked=True)
    cuff.run(0.3)
    cuff.device.restart(cause)
    cuff.run(3.0)
    assert [r.code for r in cuff.of(FaultReport)] == ["device_restarted", "fast_fall"]
    assert cuff.of(VentReport) == []
    assert cuff.supervisor.venting
    assert cuff.plant.pressure_mmhg > 100.0
