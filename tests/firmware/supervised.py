"""Supervisor, driver and a reference controller, emulated or its real binary, on one virtual clock."""

from pathlib import Path

from hardware.clock import VirtualClock
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CuffReport
from hardware.registry import CuffAddress, build_driver
from hardware.sim.devices import maker_of
from hardware.sim.plant import Plant, PlantSettings
from hardware.sim.wire import LoopWire
from hardware.supervisor import Supervisor, SupervisorSettings


class Supervised:
    """What they are wired to, and a heart for the supervisor."""

    def __init__(self, binary: Path | None, *, seed: int, air: PlantSettings | None = None) -> None:
        self.clock, self.plant = VirtualClock(), Plant(air, seed=seed)
        make = maker_of("reference", binary=binary, seed=seed)
        self.device = make(self.plant, self.clock.now_s(), None)
        self.wire = LoopWire(self.device, self.clock)
        address = CuffAddress(driver="reference", port="emulated", baud=0)
        cuff = build_driver(address, self.wire, self.clock)
        self.identity = cuff.identify()
        self.reports: list[CuffReport] = []
        settings = SupervisorSettings(limits=Limits(), interlock=InterlockSettings())
        self.supervisor = Supervisor(cuff, self.identity, settings, self.reports.append)
        self.beats = 0

    def run(self, for_s: float) -> None:
        """Let time pass, with a heartbeat each 10 ms."""
        end_s = self.clock.now_s() + for_s
        while self.clock.now_s() < end_s - 1e-9:
            self.beats += 1
            self.supervisor.heart(self.beats, self.clock.now_s())
            self.supervisor.step(self.clock.now_s())
            self.clock.sleep_until(min(end_s, self.clock.now_s() + 0.01))

    def of(self, kind: type) -> list[CuffReport]:
        """Return the reports of a kind."""
        return [report for report in self.reports if isinstance(report, kind)]
