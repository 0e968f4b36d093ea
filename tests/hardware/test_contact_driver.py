"""The contact driver against the emulated inflator, on a virtual clock: a contact, and no made-up number."""

import math
from dataclasses import dataclass, field

import pytest

from hardware.clock import VirtualClock
from hardware.cuff import Capabilities, limitations
from hardware.drivers.alicat import AlicatCuff
from hardware.drivers.contact import ContactCuff
from hardware.drivers.reference import ReferenceCuff
from hardware.errors import HardwareUnavailable, LinkLost
from hardware.readings import CommandReport, CuffReport, Program, Refusal, Sample
from hardware.registry import DRIVERS, CuffAddress, build_driver
from hardware.sim.contact import SET_MMHG, EmulatedContact
from hardware.sim.plant import Plant
from hardware.sim.wire import LoopWire
from hardware.transport import Line

STEP_S = 0.005


class Wire(LoopWire):
    """A wire that remembers how its lines were switched, and can be cut."""

    cut = False

    def __init__(self, device: EmulatedContact, clock: VirtualClock) -> None:
        super().__init__(device, clock)
        self.switched: list[tuple[Line, bool]] = []

    def set_line(self, line: Line, *, asserted: bool) -> None:
        self._look()
        self.switched.append((line, asserted))
        super().set_line(line, asserted=asserted)

    def read(self, *, wait_s: float) -> bytes:
        self._look()
        return super().read(wait_s=wait_s)

    def _look(self) -> None:
        if self.cut:
            raise LinkLost("the link went away", where=self.name, do="look at the adapter")


@dataclass
class Bench:
    """An identified inflator; `run` lets time pass while the driver is polled."""

    line: Line = "rts"
    set_mmhg: float = SET_MMHG
    valve: list[str] = field(default_factory=list)
    reports: list[CuffReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.device = EmulatedContact(
            Plant(seed=1),
            start_s=self.clock.now_s(),
            witness=lambda what, time_s: self.valve.append(what),
            set_mmhg=self.set_mmhg,
        )
        self.wire = Wire(self.device, self.clock)
        self.cuff = ContactCuff(self.wire, self.clock, line=self.line)
        self.identity = self.cuff.identify()

    def run(self, for_s: float) -> None:
        end_s = self.clock.now_s() + for_s
        while self.clock.now_s() < end_s:
            self.reports += self.cuff.poll()
            self.clock.sleep_until(self.clock.now_s() + STEP_S)

    def program(self) -> Program:
        onset_s = self.clock.now_s()
        return Program(number=7, onset_s=onset_s, offset_s=onset_s + 15.0, target_mmhg=140.0)

    def inflate(self) -> Program:
        self.cuff.arm(ceiling_mmhg=250.0)
        program = self.program()
        self.cuff.inflate(program)
        self.run(4.0)
        return program


def test_the_identity_claims_nothing_that_nobody_knows() -> None:
    identity = Bench().identity
    assert (identity.manufacturer, identity.serial_number) == ("unknown", "n/a")
    assert identity.model == "contact closure (RTS)"
    assert identity.ceiling_mmhg == math.inf
    assert identity.lease_ms == 0
    assert identity.simulated


def test_a_port_on_which_nothing_says_so_is_not_taken_for_emulated() -> None:
    bench = Bench()
    bench.device.advance = lambda now_s: b""  # type: ignore[method-assign]
    assert not bench.cuff.identify().simulated


def test_the_contact_is_opened_before_anybody_is_listened_to() -> None:
    assert Bench().wire.switched == [("rts", False)]


def test_the_cuff_gets_the_pressure_that_was_set_by_hand() -> None:
    bench = Bench(set_mmhg=90.0)
    bench.inflate()
    assert bench.device.pressure_mmhg == pytest.approx(90.0, abs=3.0)


def test_no_report_has_a_pressure_or_an_acknowledgement() -> None:
    bench = Bench()
    program = bench.inflate()
    bench.cuff.end(program)
    bench.run(1.0)
    said = [r for r in bench.reports if isinstance(r, CommandReport)]
    assert [(r.command, r.program) for r in said] == [("arm", None), ("go", 7), ("end", 7)]
    assert [r.planned_s for r in said] == [None, program.onset_s, program.offset_s]
    assert {(r.commanded_mmhg, r.acknowledged_mmhg, r.acknowledged_s) for r in said} == {
        (None, None, None)
    }
    assert not [r for r in bench.reports if isinstance(r, Sample)]


def test_the_end_opens_the_contact_and_the_cuff_stays_armed() -> None:
    bench = Bench()
    bench.cuff.end(bench.inflate())
    bench.run(3.0)
    assert bench.device.pressure_mmhg < 1.0
    bench.cuff.inflate(bench.program())
    assert bench.device.closed


def test_arming_opens_a_contact_that_is_closed() -> None:
    bench = Bench()
    bench.inflate()
    bench.cuff.arm(ceiling_mmhg=250.0)
    assert not bench.device.closed


def test_a_vent_opens_the_contact_before_it_returns_and_again_on_each_repeat() -> None:
    bench = Bench()
    bench.inflate()
    bench.wire.switched.clear()
    bench.cuff.vent()
    assert not bench.device.closed
    bench.cuff.vent()
    assert bench.wire.switched == [("rts", False)] * 2


def test_after_a_vent_nothing_inflates_until_it_is_armed_again() -> None:
    bench = Bench()
    bench.inflate()
    bench.cuff.vent()
    bench.cuff.inflate(bench.program())
    bench.run(0.1)
    assert not bench.device.closed
    assert [r.command for r in bench.reports if isinstance(r, Refusal)] == ["go"]


def test_preparing_and_beating_move_nothing() -> None:
    bench = Bench()
    bench.cuff.arm(ceiling_mmhg=250.0)
    bench.wire.switched.clear()
    bench.cuff.prepare(bench.program())
    bench.cuff.heartbeat()
    assert bench.wire.switched == []


def test_nothing_ends_an_inflation_but_a_command() -> None:
    bench = Bench()
    bench.inflate()
    bench.run(120.0)
    assert bench.device.closed


def test_a_port_that_is_gone_is_found_without_a_command() -> None:
    bench = Bench()
    bench.inflate()
    bench.wire.cut = True
    with pytest.raises(LinkLost):
        list(bench.cuff.poll())


def test_the_line_of_the_rig_is_the_one_that_is_switched() -> None:
    bench = Bench(line="dtr")
    bench.inflate()
    assert {line for line, _ in bench.wire.switched} == {"dtr"}
    assert bench.identity.model == "contact closure (DTR)"


def test_the_registry_refuses_a_contact_without_a_line() -> None:
    bench = Bench()
    nameless = CuffAddress(driver="contact", port="emulated", baud=9600)
    with pytest.raises(HardwareUnavailable, match="name of one of them"):
        build_driver(nameless, bench.wire, bench.clock)
    named = CuffAddress(driver="contact", port="emulated", baud=9600, line="dtr")
    assert build_driver(named, bench.wire, bench.clock).identify().model.endswith("(DTR)")


def test_a_restart_of_the_inflator_leaves_the_contact_as_it_is() -> None:
    bench = Bench()
    bench.inflate()
    bench.device.restart()
    bench.run(1.0)
    assert bench.device.closed
    assert bench.device.pressure_mmhg > 60.0


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [
        (ReferenceCuff.capabilities, []),
        (AlicatCuff.capabilities, ["does not end an inflation", "falls silent"]),
        (
            ContactCuff.capabilities,
            ["no ceiling is enforced", "set by hand", "does not end an inflation", "falls silent"],
        ),
    ],
)
def test_what_cannot_be_enforced_is_said_in_words(
    capabilities: Capabilities, words: list[str]
) -> None:
    said = limitations(capabilities)
    assert len(said) == len(words)
    assert all(part in sentence for part, sentence in zip(words, said, strict=True))


def test_every_driver_tells_its_capabilities_before_a_port_is_open() -> None:
    assert not DRIVERS["contact"].capabilities.measures_pressure
    assert all(d.capabilities.measures_pressure for n, d in DRIVERS.items() if n != "contact")
