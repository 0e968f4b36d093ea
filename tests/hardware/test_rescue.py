"""A wire that is back: vented through whatever answers, and believed only if it is the same device."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hardware import rescue
from hardware.clock import RealClock
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CuffReport, Identity, LinkNote, Sample, VentReport
from hardware.registry import DRIVERS, CuffAddress
from hardware.rescue import Rescue, Saved
from hardware.states import CuffState
from hardware.stop_line import VENTING
from hardware.supervisor import SupervisorSettings
from hardware.watch import Watch

PATIENCE_S = 20.0
ADDRESS = CuffAddress(driver="reference", port="/dev/ttyUSB0", baud=115200)
NAMELESS = Identity(
    manufacturer="none",
    model="CUFF",
    serial_number="none",
    firmware="1",
    protocol="CUFF/1",
    ceiling_mmhg=300.0,
    lease_ms=1000,
    simulated=False,
)
NAMED = dataclasses.replace(NAMELESS, manufacturer="lab", serial_number="S7")


class EmptyCuff:
    """A cuff that reads nearly nothing, and remembers what it was asked, in order."""

    capabilities = DRIVERS["alicat"].capabilities

    def __init__(self, identity: Identity, now_s: Callable[[], float]) -> None:
        self.asked: list[str] = []
        self._identity, self._now_s, self._count = identity, now_s, 0

    def identify(self) -> Identity:
        self.asked.append("identify")
        return self._identity

    def vent(self) -> None:
        self.asked.append("vent")

    def heartbeat(self) -> None: ...

    def next_due_s(self) -> None: ...

    def poll(self) -> Iterator[CuffReport]:
        self._count += 1
        yield Sample(
            counter=self._count,
            device_ms=self._count,
            arrival_s=self._now_s(),
            state=CuffState.IDLE,
            measured_mmhg=2.0,
            second_mmhg=None,
            commanded_mmhg=0.0,
        )


def wire() -> Any:
    return SimpleNamespace(name="/dev/ttyUSB0", fileno=lambda: 0, close=lambda: None)


def until(condition: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
    return value


class Bench:
    """A rescue of a device whose wire is gone, and what is plugged in then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, before: Identity, usb: str | None) -> None:
        self._patch, self.reports = monkeypatch, list[CuffReport]()
        self._plug(before, usb)
        self.rescue = Rescue(ADDRESS, before, RealClock(), self.reports.append)

    def _plug(self, identity: Identity, usb: str | None) -> None:
        self.cuff = EmptyCuff(identity, RealClock().now_s)
        self._patch.setattr(rescue, "usb_number", lambda port: usb)
        self._patch.setattr(rescue, "open_wire", lambda address: wire())
        self._patch.setattr(rescue, "build_driver", lambda *_: self.cuff)

    def back(self, identity: Identity, usb: str | None) -> None:
        self._plug(identity, usb)
        self.rescue.begin(wire(), vanished=True)

    def note(self) -> str:
        (note,) = until(lambda: [r for r in self.reports if isinstance(r, LinkNote)])
        return str(note.message)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(before: Identity, usb: str | None) -> Bench:
        made.append(Bench(monkeypatch, before, usb))
        return made[-1]

    yield make
    for each in made:
        each.rescue.end()


@pytest.mark.parametrize(
    ("identity", "before", "after", "known"),
    [
        (NAMED, None, None, True),
        (NAMELESS, "75735303", "75735303", True),
        (NAMELESS, "75735303", "85035313", False),
        (NAMELESS, "75735303", None, False),
        (NAMELESS, None, None, False),  # many cheap adapters have no number
        (NAMELESS, "0001", "0001", False),  # or all the same
        (dataclasses.replace(NAMELESS, manufacturer="lab"), None, None, False),
        (dataclasses.replace(NAMELESS, serial_number="0"), None, None, False),
        # what an empty memory says, or one that is full of ones
        (dataclasses.replace(NAMED, serial_number="00000000"), None, None, False),
        (dataclasses.replace(NAMED, serial_number="65535"), None, None, False),
        (dataclasses.replace(NAMED, serial_number="FFFFFFFF"), None, None, False),
        (dataclasses.replace(NAMED, serial_number=" ffff "), None, None, False),
        (NAMELESS, "0xFFFF", "0xFFFF", False),
        (dataclasses.replace(NAMED, serial_number="FFFFFFF0"), None, None, True),
        (dataclasses.replace(NAMED, serial_number="655350"), None, None, True),
    ],
)
def test_a_device_is_known_by_its_own_number_or_by_that_of_its_port(
    bench: Callable[..., Bench],
    identity: Identity,
    before: str | None,
    after: str | None,
    known: bool,
) -> None:
    found = bench(identity, before)
    found.back(identity, after)
    saved = until(found.rescue.take)
    assert saved.known is known
    assert found.cuff.asked == ["vent", "identify"]  # vented before anybody asks who it is
    assert ("disconnect the hose" in found.note()) is not known


def test_another_device_is_vented_and_not_taken(bench: Callable[..., Bench]) -> None:
    found = bench(NAMED, None)
    found.back(dataclasses.replace(NAMED, serial_number="S8"), None)
    until(lambda: found.cuff.asked)
    assert found.cuff.asked[0] == "vent"
    until(lambda: found.cuff.asked.count("vent") > 1)  # and again, at every try
    assert found.rescue.take() is None


@pytest.mark.parametrize("known", [True, False])
def test_a_device_that_is_not_known_to_be_the_same_is_vented_and_confirms_nothing(
    known: bool,
) -> None:
    clock: Any = SimpleNamespace(time_s=100.0)
    clock.now_s = lambda: clock.time_s
    reports: list[CuffReport] = []
    settings = SupervisorSettings(limits=Limits(), interlock=InterlockSettings())
    cuff = EmptyCuff(NAMELESS, clock.now_s)
    watch = Watch(ADDRESS, settings, wire(), cuff, NAMELESS, clock, reports.append)
    back = EmptyCuff(NAMELESS, clock.now_s)
    saved = [Saved(wire(), back, known)]
    watch._rescue = SimpleNamespace(
        busy=False, hopeless=False, take=lambda: saved.pop() if saved else None
    )
    watch.stop(clock.time_s)
    while clock.time_s < 105.0:
        clock.time_s += 0.05
        watch.step(clock.time_s)
    confirmed = [r.confirmed for r in reports if isinstance(r, VentReport)]
    assert (True in confirmed) is known
    assert (watch.stop_state()[0] == VENTING) is not known
    assert back.asked.count("vent") >= (
        1 if known else 2
    )  # asked for again while nothing confirms it
