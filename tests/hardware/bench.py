"""A cuff on the bench: supervisor, driver, codec and emulator on one virtual clock."""

import contextlib
from dataclasses import dataclass, field

from hardware.clock import VirtualClock
from hardware.drivers.reference import ReferenceCuff
from hardware.errors import LinkLost
from hardware.fault_script import Fault
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    LinkNote,
    Program,
    Refusal,
    Sample,
    VentReport,
)
from hardware.sim.faults import TroubledDevice, Unplugged
from hardware.sim.plant import Plant, PlantSettings
from hardware.sim.reference import EmulatedReference
from hardware.sim.wire import LoopWire
from hardware.supervisor import Arm, Load, Supervisor, SupervisorSettings, Vent

STEP_S = 0.005
LONGEST_ARMING_S = 15.0


class BreakableWire(LoopWire):
    """A wire that can be cut, or made deaf on the way to the device."""

    cut = False
    deaf = False

    def write(self, data: bytes) -> None:
        self._look()
        if not self.deaf:
            super().write(data)

    def read(self, *, wait_s: float) -> bytes:
        self._look()
        try:
            return super().read(wait_s=wait_s)
        except Unplugged:
            self.cut = True
            raise LinkLost("unplugged", where=self.name, do="look at the cable") from None

    def _look(self) -> None:
        if self.cut:
            raise LinkLost("the link went away", where=self.name, do="look at the cable")


def ends_arming(report: CuffReport) -> bool:
    return isinstance(report, FaultReport | Refusal) or (
        isinstance(report, CommandReport) and report.command == "arm"
    )


@dataclass
class Bench:
    """One identified cuff under supervision; `run` lets time pass while the task beats."""

    limits: Limits = field(default_factory=Limits)
    plant: PlantSettings = field(default_factory=PlantSettings)
    patience_s: float = 0.5
    script: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.valve: list[tuple[float, str]] = []
        start_s, air = self.clock.now_s(), Plant(self.plant, seed=1)
        self.device = EmulatedReference(air, start_s=start_s, witness=self._witness)
        self.troubled = TroubledDevice(
            self.device, air, self.script, start_s=start_s, seed=1, witness=self._witness
        )
        self.wire = BreakableWire(self.troubled, self.clock)
        self.cuff = ReferenceCuff(self.wire, self.clock)
        self.identity = self.cuff.identify()
        self.reports: list[CuffReport] = []
        self.supervisor = Supervisor(
            self.cuff,
            self.identity,
            SupervisorSettings(
                limits=self.limits, interlock=InterlockSettings(patience_s=self.patience_s)
            ),
            self.reports.append,
        )
        self.beats = 0
        self.alive = True

    def _witness(self, what: str, time_s: float) -> None:
        self.valve.append((time_s, what))
        if what in ("valve closed", "valve open"):
            self.troubled.valve(closed=what == "valve closed", time_s=time_s)

    @property
    def now_s(self) -> float:
        return self.clock.now_s()

    def run(self, for_s: float) -> None:
        end_s = self.now_s + for_s
        while self.now_s < end_s - 1e-9:
            if self.alive:
                self.beats += 1
            self.supervisor.heart(self.beats, self.now_s)
            self.supervisor.step(self.now_s)
            if self.wire.cut:
                self.live_on()
            self.clock.sleep_until(min(end_s, self.now_s + STEP_S))

    def live_on(self) -> None:
        """Let time pass for a device that is not connected any more."""
        with contextlib.suppress(Unplugged):
            self.troubled.advance(self.now_s)

    def arm(self) -> None:
        """Ask for arming, and wait until it is done or refused: self-test and watchdog test take time."""
        before = len(self.reports)
        end_s = self.now_s + LONGEST_ARMING_S
        self.supervisor.handle(Arm(), self.now_s)
        self.run(0.2)
        while not any(map(ends_arming, self.reports[before:])) and self.now_s < end_s:
            self.run(0.05)

    def program(
        self,
        *,
        in_s: float = 1.0,
        on_s: float = 15.0,
        target_mmhg: float = 140.0,
        number: int = 1,
        rise_s: float = 0.0,
    ) -> Program:
        onset_s = self.now_s + in_s
        return Program(
            number=number,
            onset_s=onset_s,
            offset_s=onset_s + on_s,
            target_mmhg=target_mmhg,
            rise_s=rise_s,
        )

    def load(self, program: Program) -> None:
        self.supervisor.handle(Load(program), self.now_s)

    def vent(self) -> None:
        self.supervisor.handle(Vent(), self.now_s)

    def inflate(self) -> Program:
        """Arm, and let an inflation run until it holds."""
        self.arm()
        program = self.program()
        self.load(program)
        self.run(4.0)
        assert self.device.state == "hold"
        return program

    def faults(self) -> list[str]:
        return [r.code for r in self.reports if isinstance(r, FaultReport)]

    def refusals(self) -> list[str]:
        return [r.message for r in self.reports if isinstance(r, Refusal)]

    def commands(self) -> list[str]:
        return [r.command for r in self.reports if isinstance(r, CommandReport)]

    def vents(self) -> list[VentReport]:
        return [r for r in self.reports if isinstance(r, VentReport)]

    def notes(self, code: str) -> list[str]:
        return [r.message for r in self.reports if isinstance(r, LinkNote) and r.code == code]

    def samples(self) -> list[Sample]:
        return [r for r in self.reports if isinstance(r, Sample)]

    def report(self, command: str) -> CommandReport:
        return next(
            r for r in self.reports if isinstance(r, CommandReport) and r.command == command
        )

    def opened_s(self, since_s: float) -> float:
        return next(t for t, what in self.valve if what == "valve open" and t >= since_s)
