"""A wire that was lost and is back: what was doubted before is doubted still."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from hardware.errors import LinkLost
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CuffReport, FaultReport, Identity, Program, Sample, VentReport
from hardware.registry import DRIVERS, CuffAddress
from hardware.rescue import Saved
from hardware.states import CuffState
from hardware.stop_line import VENTING
from hardware.supervisor import Arm, Load, SupervisorSettings
from hardware.watch import Watch

NOBODY = Identity(
    manufacturer="maker",
    model="model",
    serial_number="1",
    firmware="1",
    protocol="none",
    ceiling_mmhg=300.0,
    lease_ms=0,
    simulated=True,
)


class DeadSensor:
    """A cuff that takes every command and reads 2 mmHg whatever is in it."""

    capabilities = DRIVERS["alicat"].capabilities

    def __init__(self, clock: Any) -> None:
        self._clock, self.gone, self._count, self._state = clock, False, 0, CuffState.IDLE

    def arm(self, *, ceiling_mmhg: float) -> None:
        self._state = CuffState.ARMED

    def prepare(self, program: Program) -> None: ...

    def inflate(self, program: Program) -> None:
        self._state = CuffState.INFLATING

    def end(self, program: Program) -> None:
        self._state = CuffState.ARMED

    def vent(self) -> None:
        self._state = CuffState.IDLE

    def heartbeat(self) -> None: ...

    def next_due_s(self) -> None: ...

    def poll(self) -> Iterator[CuffReport]:
        if self.gone:
            raise LinkLost("unplugged", where="here", do="plug it in")
        self._count += 1
        yield Sample(
            counter=self._count,
            device_ms=round(self._clock.time_s * 1000),
            arrival_s=self._clock.time_s,
            state=self._state,
            measured_mmhg=2.0,
            second_mmhg=None,
            commanded_mmhg=0.0,
        )


def test_a_wire_that_is_back_mends_no_sensor() -> None:
    clock = SimpleNamespace(time_s=100.0)
    clock.now_s = lambda: clock.time_s
    wire = SimpleNamespace(fileno=lambda: 0, close=lambda: None)
    cuff, reports = DeadSensor(clock), []
    settings = SupervisorSettings(limits=Limits(), interlock=InterlockSettings())
    address = CuffAddress(driver="alicat", port="/dev/none", baud=9600)
    watch = Watch(address, settings, wire, cuff, NOBODY, clock, reports.append)
    saved: list[Saved] = []
    rescue = SimpleNamespace(
        busy=False,
        hopeless=False,
        take=lambda: saved.pop() if saved else None,
        begin=lambda *_, **__: setattr(rescue, "busy", True),
        end=lambda: None,
    )
    watch._rescue = rescue

    def run(for_s: float) -> None:
        until_s = clock.time_s + for_s
        while clock.time_s < until_s:
            clock.time_s += 0.05
            watch.heart(round(clock.time_s * 100), clock.time_s)
            watch.step(clock.time_s)

    watch.handle(Arm(), clock.time_s)
    run(1.0)
    onset_s = clock.time_s + 1.0
    program = Program(number=1, onset_s=onset_s, offset_s=onset_s + 30.0, target_mmhg=130.0)
    watch.handle(Load(program), clock.time_s)
    run(6.0)
    assert [r.code for r in reports if isinstance(r, FaultReport)] == ["no_rise"]
    assert watch.venting
    cuff.gone = True
    run(0.2)
    assert rescue.busy
    rescue.busy = False
    saved.append(Saved(wire, DeadSensor(clock), known=True))
    run(2.0)
    assert watch.venting
    assert not any(isinstance(r, VentReport) and r.confirmed for r in reports)
    watch.stop(clock.time_s)
    run(0.5)
    assert watch.stop_state()[0] == VENTING
