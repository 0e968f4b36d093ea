"""Every cuff on its emulator, under the same supervisor: what a driver promises, it keeps.

A new device is tested here as soon as it stands in `hardware.registry` and `hardware.sim.devices`.
"""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest

from hardware.clock import VirtualClock
from hardware.interlock_table import HIGH_MMHG, InterlockSettings
from hardware.limits import Limits
from hardware.readings import CommandReport, CuffReport, FaultReport, Program, Sample, VentReport
from hardware.registry import DRIVERS, CuffAddress, build_driver
from hardware.sim.devices import DEVICES
from hardware.sim.plant import Plant, PlantSettings
from hardware.sim.wire import LoopWire
from hardware.supervisor import Arm, Load, Supervisor, SupervisorSettings, Vent

ADDRESS: dict[str, dict[str, Any]] = {
    "contact": {"line": "rts"},
    "devicehost": {"device_port": "COM8"},
}
"""What else the address of some devices needs."""
NAMES = sorted(DRIVERS)
MEASURING = [name for name in NAMES if DRIVERS[name].capabilities.measures_pressure]
STEP_S = 0.005


class Table:
    """One cuff, its emulator and its supervisor on a virtual clock; the wire can be made deaf.

    ``steps_s``: how long the computer is busy with other things between two looks at the wire.
    """

    def __init__(self, name: str, *, air: PlantSettings | None = None) -> None:
        self.clock, self.able = VirtualClock(), DRIVERS[name].capabilities
        self.valve: list[tuple[float, str]] = []
        self.plant = Plant(air, seed=3)
        self.steps_s = itertools.cycle((STEP_S,))
        device = DEVICES[name](self.plant, self.clock.now_s(), self._witness)
        self.wire = LoopWire(device, self.clock)
        address = CuffAddress(driver=name, port="emulated", baud=0, **ADDRESS.get(name, {}))
        cuff = build_driver(address, self.wire, self.clock)
        self.identity = cuff.identify()
        self.reports: list[CuffReport] = []
        settings = SupervisorSettings(limits=Limits(), interlock=InterlockSettings())
        self.supervisor = Supervisor(cuff, self.identity, settings, self.reports.append)
        self.beats = 0

    def _witness(self, what: str, time_s: float) -> None:
        if what in ("valve closed", "valve open"):
            self.valve.append((time_s, what))

    def run(self, for_s: float) -> None:
        end_s = self.clock.now_s() + for_s
        while self.clock.now_s() < end_s - 1e-9:
            self.beats += 1
            self.supervisor.heart(self.beats, self.clock.now_s())
            self.supervisor.step(self.clock.now_s())
            self.clock.sleep_until(min(end_s, self.clock.now_s() + next(self.steps_s)))

    def let_the_device_alone(self, for_s: float) -> None:
        """Let time pass as if this computer had died."""
        end_s = self.clock.now_s() + for_s
        while self.clock.now_s() < end_s - 1e-9:
            self.wire.read(wait_s=STEP_S)

    def inflate(self, *, on_s: float = 6.0, target_mmhg: float = 120.0) -> Program:
        self.supervisor.handle(Arm(), self.clock.now_s())
        for _ in range(120):
            self.run(0.1)
            if any(isinstance(r, CommandReport) and r.command == "arm" for r in self.reports):
                break
        onset_s = self.clock.now_s() + 2.0
        program = Program(
            number=1, onset_s=onset_s, offset_s=onset_s + on_s, target_mmhg=target_mmhg
        )
        self.supervisor.handle(Load(program), self.clock.now_s())
        self.run(5.0)  # 3 s of it inflated
        assert self.plant.pressure_mmhg > 100.0, self.reports[-5:]
        return program

    def opened_s(self) -> float | None:
        """Return when the valve opened for the last time, if it is open."""
        return self.valve[-1][0] if self.valve and self.valve[-1][1] == "valve open" else None

    def of(self, kind: type) -> list[Any]:
        return [report for report in self.reports if isinstance(report, kind)]


def test_every_driver_has_an_emulator_and_every_emulator_a_driver() -> None:
    assert set(DRIVERS) == set(DEVICES)


@pytest.fixture(params=NAMES)
def table(request: pytest.FixtureRequest) -> Table:
    return Table(request.param)


def test_an_emulator_never_passes_for_a_real_device(table: Table) -> None:
    assert table.identity.simulated


def test_an_inflation_begins_and_ends_when_it_should(table: Table) -> None:
    program = table.inflate()
    table.run(8.0)
    closed_s = next(time_s for time_s, what in table.valve if what == "valve closed")
    begun_s = [t for t, what in table.valve if what == "valve closed" and t > program.onset_s - 0.1]
    assert closed_s <= begun_s[0]
    assert begun_s[0] == pytest.approx(program.onset_s, abs=0.1)
    ends = [t for t, what in table.valve if what == "valve open" and t > program.onset_s]
    assert ends[0] == pytest.approx(program.offset_s, abs=0.1)
    assert table.plant.pressure_mmhg < 1.0
    assert table.of(FaultReport) == []


def test_an_end_is_confirmed_by_the_pressure_or_by_nobody(table: Table) -> None:
    table.inflate()
    table.run(8.0)
    (vent,) = table.of(VentReport)
    assert vent.confirmed is (True if table.able.measures_pressure else None)
    assert (vent.residual_mmhg is None) is not table.able.measures_pressure


def test_a_vent_opens_the_valve_at_once(table: Table) -> None:
    table.inflate(on_s=20.0)
    asked_s = table.clock.now_s()
    table.supervisor.handle(Vent(), asked_s)
    table.run(3.0)
    opened_s = table.opened_s()
    assert opened_s is not None
    assert opened_s - asked_s < 0.15
    assert table.plant.pressure_mmhg < 15.0


def test_what_it_says_of_its_silence_is_true(table: Table) -> None:
    """`own_watchdog`: vented well before the end. `finite_programs`: vented at the end. Neither: not."""
    program = table.inflate(on_s=12.0)
    table.let_the_device_alone(4.0)
    assert (table.opened_s() is not None) is table.able.own_watchdog
    table.let_the_device_alone(program.offset_s + 0.5 - table.clock.now_s())
    able = table.able.own_watchdog or table.able.finite_programs
    assert (table.opened_s() is not None) is able


def test_it_does_not_ask_for_attention_while_it_can_only_wait(table: Table) -> None:
    table.supervisor.handle(Arm(), table.clock.now_s())
    table.run(5.0)
    onset_s = table.clock.now_s() + 1.0
    program = Program(number=1, onset_s=onset_s, offset_s=onset_s + 3.0, target_mmhg=120.0)
    table.supervisor.handle(Load(program), table.clock.now_s())
    in_vain = 0
    while table.clock.now_s() < program.offset_s + 2.0:
        table.beats += 1
        table.supervisor.heart(table.beats, table.clock.now_s())
        table.supervisor.step(table.clock.now_s())
        now_s = table.clock.now_s()
        due_s = table.supervisor.next_due_s(now_s)
        in_vain += due_s <= now_s
        table.clock.sleep_until(max(now_s + 0.0001, due_s))
    assert table.plant.pressure_mmhg < 15.0
    assert in_vain < 20


@pytest.mark.parametrize("name", MEASURING)
def test_it_measures_as_often_as_it_says(name: str) -> None:
    table = Table(name)
    program = table.inflate()
    table.run(2.0)
    held = [
        s for s in table.of(Sample) if program.onset_s + 2 < s.arrival_s < program.onset_s + 4.5
    ]
    assert len(held) / 2.5 == pytest.approx(table.able.samples_hz, rel=0.2)
    assert all(abs(s.measured_mmhg - 120.0) < 8.0 for s in held)


@pytest.mark.parametrize("name", MEASURING)
def test_a_leak_is_found_and_vented(name: str) -> None:
    table = Table(name)
    table.inflate(on_s=25.0)
    table.plant.trouble.leak_per_s = 1.5
    table.run(12.0)
    assert table.of(FaultReport)
    assert table.plant.pressure_mmhg < 15.0


def falling_in(fall_s: float) -> PlantSettings:
    """Return the air of a cuff that falls from 60 to 15 mmHg in this time."""
    return PlantSettings(vent_tau_s=fall_s / math.log(HIGH_MMHG / InterlockSettings().vented_mmhg))


@pytest.mark.parametrize("name", MEASURING)
def test_the_quickest_cuff_that_it_may_have_is_not_taken_for_a_kinked_hose(name: str) -> None:
    """Its limit is four fifths of that cuff's fall (``docs/add-a-device.md``)."""
    table = Table(name, air=falling_in(DRIVERS[name].capabilities.fastest_fall_s / 0.8))
    table.inflate()
    table.run(8.0)
    assert table.of(FaultReport) == []
    assert [vent.confirmed for vent in table.of(VentReport)] == [True]


@pytest.mark.parametrize("name", MEASURING)
def test_a_cuff_that_falls_in_half_the_time_counts_as_a_kinked_hose(name: str) -> None:
    table = Table(name, air=falling_in(DRIVERS[name].capabilities.fastest_fall_s / 2))
    table.inflate()
    table.run(8.0)
    assert [fault.code for fault in table.of(FaultReport)] == ["fast_fall"]


@pytest.mark.parametrize("phase_s", [0.0, 0.02, 0.04, 0.06, 0.08])
@pytest.mark.parametrize("name", MEASURING)
def test_a_kink_in_the_hold_is_found_beside_a_busy_computer(name: str, phase_s: float) -> None:
    """Where the device has no clock, samples count when they are read: 60 to 90 ms apart."""
    table = Table(name)
    table.inflate()
    table.plant.trouble = replace(table.plant.trouble, kinked=True)
    table.run(phase_s)
    table.steps_s = itertools.cycle((0.06, 0.09, 0.075, 0.09))
    table.run(6.0)
    assert [fault.code for fault in table.of(FaultReport)][:1] == ["fast_fall"]


@pytest.mark.parametrize("name", [n for n in NAMES if DRIVERS[n].capabilities.ramps])
def test_a_rise_takes_the_time_that_was_asked_for(name: str) -> None:
    table = Table(name)
    table.supervisor.handle(Arm(), table.clock.now_s())
    table.run(5.0)
    onset_s = table.clock.now_s() + 2.0
    program = Program(
        number=1, onset_s=onset_s, offset_s=onset_s + 14.0, target_mmhg=120.0, rise_s=8.0
    )
    table.supervisor.handle(Load(program), table.clock.now_s())
    table.run(2.0 + 4.0)
    assert table.plant.pressure_mmhg == pytest.approx(60.0, abs=12.0)
    table.run(6.0)
    assert table.plant.pressure_mmhg == pytest.approx(120.0, abs=8.0)
    assert table.of(FaultReport) == []


@pytest.mark.parametrize("name", [n for n in NAMES if not DRIVERS[n].capabilities.ramps])
def test_a_rise_is_refused_by_what_cannot_do_it(name: str) -> None:
    table = Table(name)
    table.supervisor.handle(Arm(), table.clock.now_s())
    table.run(5.0)
    now_s = table.clock.now_s()
    program = Program(
        number=1, onset_s=now_s + 2.0, offset_s=now_s + 9.0, target_mmhg=120.0, rise_s=5.0
    )
    table.supervisor.handle(Load(program), now_s)
    table.run(4.0)
    assert table.plant.pressure_mmhg < 1.0
