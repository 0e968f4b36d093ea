"""A CPAR on the bench: supervisor, driver, codec and emulator on one virtual clock."""

from dataclasses import dataclass, field
from typing import Literal, TypeVar

import pytest
from bench import STEP_S, BreakableWire

from hardware.clock import VirtualClock
from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    BadRequest,
    HostRequest,
    Start,
)
from hardware.codec.cpar_table import CommandMap
from hardware.drivers.cpar import CparCuff
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    LinkNote,
    Program,
    Refusal,
    VentReport,
)
from hardware.sim.cpar import EmulatedCpar
from hardware.sim.plant import Plant
from hardware.supervisor import Arm, Load, Supervisor, SupervisorSettings, Vent

T = TypeVar("T")

COARSE = InterlockSettings(frozen_s=None)
"""A step of 2.94 mmHg is coarser than the noise: a held pressure rightly repeats itself."""


class SlowWire(BreakableWire):
    """A wire that writes down what is asked, and can hold back or damage what is answered."""

    def __init__(self, device: EmulatedCpar, clock: VirtualClock, map_: CommandMap) -> None:
        super().__init__(device, clock)  # type: ignore[arg-type]
        self._decoder = cpar.RequestDecoder(map_)
        self.asked: list[tuple[float, HostRequest | BadRequest]] = []
        self.hold_s = 0.0
        self._held: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        self.asked += [(self._clock.now_s(), r) for r in self._decoder.receive(data)]
        super().write(data)

    def read(self, *, wait_s: float) -> bytes:
        data = super().read(wait_s=wait_s)
        now_s = self._clock.now_s()
        passed = b""
        for body in cpar.Deframer().receive(data):
            assert isinstance(body, bytes)
            late = self.hold_s if body[0] < table.FIRST_MESSAGE else 0.0
            self._held.append((now_s + late, cpar.frame(body)))
        passed = b"".join(frame for due_s, frame in self._held if due_s <= now_s)
        self._held = [(due_s, frame) for due_s, frame in self._held if due_s > now_s]
        return passed


@dataclass
class CparBench:
    """One identified CPAR under supervision; `run` lets time pass while the task beats."""

    map_: Literal["A", "C"] = "C"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.valve: list[tuple[float, str]] = []
        self.device = EmulatedCpar(
            Plant(seed=1),
            start_s=self.clock.now_s(),
            witness=lambda what, time_s: self.valve.append((time_s, what)),
            map_=self.map_,
        )
        self.wire = SlowWire(self.device, self.clock, CommandMap(self.map_))
        self.cuff = CparCuff(self.wire, self.clock, allow_map_a=self.map_ == "A")
        self.identity = self.cuff.identify()
        self.reports: list[CuffReport] = []
        self.supervisor = Supervisor(
            self.cuff,
            self.identity,
            SupervisorSettings(limits=self.limits, interlock=COARSE),
            self.reports.append,
        )
        self.beats = 0
        self.alive = True
        self.run(0.2)

    @property
    def now_s(self) -> float:
        return self.clock.now_s()

    def run(self, for_s: float) -> None:
        end_s = self.now_s + for_s
        while self.now_s < end_s - 1e-9:
            self.beats += self.alive
            self.supervisor.heart(self.beats, self.now_s)
            self.supervisor.step(self.now_s)
            self.clock.sleep_until(min(end_s, self.now_s + STEP_S))

    def arm(self) -> None:
        self.supervisor.handle(Arm(), self.now_s)
        self.run(0.3)

    def program(
        self, *, in_s: float = 1.0, on_s: float = 15.0, target_mmhg: float = 140.0, number: int = 1
    ) -> Program:
        onset_s = self.now_s + in_s
        return Program(
            number=number, onset_s=onset_s, offset_s=onset_s + on_s, target_mmhg=target_mmhg
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
        assert self.device.state == "stimulating"
        assert self.device.pressure_mmhg == pytest.approx(140, abs=5)
        return program

    def of(self, kind: type[T]) -> list[T]:
        return [r for r in self.reports if isinstance(r, kind)]

    def faults(self) -> list[str]:
        return [r.code for r in self.of(FaultReport)]

    def refusals(self) -> list[str]:
        return [f"{r.command}: {r.message}" for r in self.of(Refusal)]

    def commands(self) -> list[str]:
        return [r.command for r in self.of(CommandReport)]

    def notes(self) -> list[str]:
        return [r.code for r in self.of(LinkNote)]

    def vents(self) -> list[VentReport]:
        return self.of(VentReport)

    def starts(self) -> list[float]:
        return [at_s for at_s, request in self.wire.asked if isinstance(request, Start)]

    def moves(self) -> list[tuple[float, str]]:
        return [(t, what) for t, what in self.valve if what.startswith("valve")]

    def opened_s(self) -> float:
        return next(t for t, what in self.valve if what == "valve open")
