"""A full cuff behind a kink, whatever began its vent, is never empty and is said at once; honest ones are."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from bench import Bench, BreakableWire

from hardware.codec import cuff1_table as table
from hardware.drivers.reference import ReferenceCuff
from hardware.fault_script import Fault, FaultKind
from hardware.interlock_table import DISCONNECT, NOT_EMPTY, InterlockSettings
from hardware.readings import CuffReport, FaultReport, Program, VentReport
from hardware.registry import CuffAddress
from hardware.rescue import Saved
from hardware.stop_line import EMPTY, VENTING
from hardware.supervisor import Arm, Load, SupervisorSettings, Vent
from hardware.watch import Watch

KINK = (Fault(kind=FaultKind.KINK, into_s=3.2),)
"""While the cuff holds."""
AT_ONCE_S = 1.0
"""From the vent; an honest cuff takes about as long. A vent that fails is said after 10 s."""


def ask(bench: Bench) -> None:
    bench.supervisor.handle(Vent(), bench.now_s)


def stop(bench: Bench) -> None:
    bench.supervisor.stop(bench.now_s, "stopped")


def squeeze(bench: Bench) -> None:
    bench.device.open_loop()


def let_the_task_hang(bench: Bench) -> None:
    bench.alive = False


def restart(cause: str) -> Callable[[Bench], None]:
    return lambda bench: bench.device.restart(cause)


def restart_unheard(bench: Bench) -> None:
    bench.device.restart()
    bench.device._out.clear()  # its boot event


CAUSES = {
    "vent": (ask, []),
    "operator": (stop, ["operator_stop"]),
    "participant": (squeeze, ["device_abort"]),
    "task": (let_the_task_hang, ["task_silent"]),
    "unheard restart": (restart_unheard, ["stale_samples"]),
    **{cause: (restart(cause), ["device_restarted"]) for cause in table.RESETS},
}
by_cause = pytest.mark.parametrize("cause", CAUSES)


def begin(cause: str, *, kinked: bool) -> tuple[Bench, float]:
    """Let a cuff be vented while it holds, by this cause, and return when that began."""
    bench = Bench(script=KINK if kinked else ())
    bench.inflate()
    bench.run(0.5)
    begun_s = bench.now_s
    CAUSES[cause][0](bench)
    return bench, begun_s


@by_cause
def test_a_kinked_cuff_is_never_confirmed_empty_whatever_fault_came_first(cause: str) -> None:
    bench, _ = begin(cause, kinked=True)
    bench.run(15.0)
    assert bench.device.pressure_mmhg > 100.0
    assert not any(vent.confirmed for vent in bench.vents())
    assert bench.supervisor.venting
    assert not bench.supervisor.trusted


@by_cause
def test_a_kinked_cuff_is_said_at_once_and_the_first_fault_stays_the_first(cause: str) -> None:
    bench, begun_s = begin(cause, kinked=True)
    bench.run(AT_ONCE_S)
    faults = [r for r in bench.reports if isinstance(r, FaultReport)]
    assert [fault.code for fault in faults] == [*CAUSES[cause][1], "fast_fall"]
    assert faults[-1].do == DISCONNECT
    assert faults[-1].time_s - begun_s < AT_ONCE_S


@by_cause
def test_an_honest_cuff_is_confirmed_empty_whatever_fault_came_first(cause: str) -> None:
    bench, begun_s = begin(cause, kinked=False)
    bench.run(3.0)
    assert bench.faults() == CAUSES[cause][1]
    assert [vent.confirmed for vent in bench.vents()] == [True]
    assert bench.vents()[0].time_s - begun_s < 2.0
    assert bench.device.pressure_mmhg < 1.0


@pytest.mark.parametrize(
    ("kinked", "silent_s", "empty"), [(True, 0.6, False), (True, 3.0, False), (False, 0.6, True)]
)
def test_after_a_silent_wire_only_a_fall_that_is_seen_shows_an_empty_cuff(
    kinked: bool, silent_s: float, empty: bool
) -> None:
    freeze = Fault(kind=FaultKind.FREEZE, into_s=3.4, for_s=silent_s)
    bench = Bench(script=(freeze, *KINK) if kinked else (freeze,))
    bench.inflate()
    bench.run(0.5 + silent_s + 3.0)
    assert bench.faults() == ["stale_samples", *([] if empty else ["fast_fall"])]
    assert [vent.confirmed for vent in bench.vents()] == [True] * empty
    assert (bench.device.pressure_mmhg < 1.0) is empty


class Wired:
    """A cuff watched as the supervisor's process does it; the wire comes back when the test says so."""

    def __init__(self, *, kinked: bool = False) -> None:
        self.bench = Bench(script=KINK if kinked else ())
        self.wire = self.bench.wire
        self.reports: list[CuffReport] = []
        self.saved: list[Saved] = []
        settings = SupervisorSettings(limits=self.bench.limits, interlock=InterlockSettings())
        address = CuffAddress(driver="reference", port="/dev/ttyUSB0", baud=115200)
        self.watch = Watch(
            address,
            settings,
            self.bench.wire,  # type: ignore[arg-type]
            self.bench.cuff,
            self.bench.identity,
            self.bench.clock,  # type: ignore[arg-type]
            self.reports.append,
        )
        self.rescue = SimpleNamespace(
            busy=False,
            hopeless=False,
            take=lambda: self.saved.pop() if self.saved else None,
            begin=lambda *_, **__: setattr(self.rescue, "busy", True),
        )
        self.watch._rescue = self.rescue  # type: ignore[assignment]
        self.watch.handle(Arm(), self.bench.now_s)
        self.run(7.0)
        onset_s = self.bench.now_s + 0.5
        program = Program(number=1, onset_s=onset_s, offset_s=onset_s + 60.0, target_mmhg=130.0)
        self.watch.handle(Load(program), self.bench.now_s)
        self.run(4.0)
        assert self.bench.device.state == "hold"

    def run(self, for_s: float) -> None:
        end_s = self.bench.now_s + for_s
        while self.bench.now_s < end_s:
            self.watch.heart(round(self.bench.now_s * 1000), self.bench.now_s)
            self.watch.step(self.bench.now_s)
            if self.wire.cut:
                self.bench.live_on()
            self.bench.clock.sleep_until(self.bench.now_s + 0.005)

    def lose_the_wire(self, *, for_s: float) -> None:
        self.wire.cut = True
        self.run(for_s)
        assert self.rescue.busy
        self.wire = BreakableWire(self.bench.troubled, self.bench.clock)
        cuff = ReferenceCuff(self.wire, self.bench.clock)
        cuff.vent()
        cuff.identify()
        self.rescue.busy = False
        self.saved.append(Saved(self.wire, cuff, known=True))  # type: ignore[arg-type]

    @property
    def faults(self) -> list[str]:
        return [r.code for r in self.reports if isinstance(r, FaultReport)]

    @property
    def confirmed(self) -> list[bool | None]:
        return [r.confirmed for r in self.reports if isinstance(r, VentReport)]

    @property
    def told(self) -> str:
        self.watch.stop(self.bench.now_s)
        self.run(0.5)
        return self.watch.stop_state()[0]


@pytest.mark.parametrize("away_s", [0.05, 0.2, 3.0])
def test_a_kinked_cuff_whose_wire_was_lost_is_not_empty_when_the_wire_is_back(
    away_s: float,
) -> None:
    wired = Wired(kinked=True)
    wired.lose_the_wire(for_s=away_s)
    wired.run(AT_ONCE_S)
    assert wired.faults == ["link_lost", "fast_fall"]
    assert wired.confirmed == []
    assert wired.bench.device.pressure_mmhg > 100.0
    assert wired.told == VENTING


def test_an_honest_cuff_whose_fall_is_seen_when_the_wire_is_back_is_empty() -> None:
    wired = Wired()
    wired.lose_the_wire(for_s=0.05)
    wired.run(3.0)
    assert wired.faults == ["link_lost"]
    assert wired.confirmed == [True]
    assert wired.told == EMPTY


def test_a_cuff_that_fell_while_the_wire_was_away_stays_a_doubt_since_a_kinked_one_reads_the_same() -> (
    None
):
    wired = Wired()
    wired.lose_the_wire(for_s=3.0)
    wired.run(3.0)
    assert wired.bench.device.pressure_mmhg < 1.0
    assert wired.faults == ["link_lost", "fast_fall"]
    assert NOT_EMPTY.issuperset(wired.faults)  # every screen says to disconnect the hose
    assert wired.confirmed == []


def test_a_wire_that_is_lost_twice_before_anything_is_read_forgets_no_pressure() -> None:
    wired = Wired(kinked=True)
    wired.lose_the_wire(for_s=3.0)
    wired.lose_the_wire(for_s=0.1)
    wired.run(AT_ONCE_S)
    assert wired.faults[-1] == "fast_fall"
    assert wired.confirmed == []


def test_a_wire_that_is_lost_once_the_cuff_was_seen_to_fall_leaves_no_doubt() -> None:
    wired = Wired()
    wired.watch.vent(wired.bench.now_s)
    wired.run(1.5)
    assert wired.confirmed == [True]
    wired.lose_the_wire(for_s=3.0)
    wired.run(3.0)
    assert wired.faults == ["link_lost"]
    assert wired.confirmed == [True, True]
