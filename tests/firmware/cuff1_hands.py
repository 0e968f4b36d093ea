"""Hands on a controller that speaks CUFF/1: emulator, firmware on a simulated chip, or a real board.

All three are bytes in, bytes out, time passed in. Lock-step on the first two: nothing here looks at a
clock, except for the real board, where time passes by itself.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from hardware.clock import RealClock
from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.firmware import FirmwareCuff
from hardware.sim.plant import Plant, PlantSettings
from hardware.sim.reference import EmulatedReference
from hardware.transport import SerialTransport

STEP_S = 0.01
BEAT_S = 0.05
BOOT_S = 1.5
"""A board that proves its watchdog when it is switched on takes a moment."""
SEED = 3
BIT = {name: 1 << number for number, name in enumerate(table.FLAGS)}


class Device(Protocol):
    def receive(self, data: bytes) -> None: ...
    def advance(self, now_s: float) -> bytes: ...


class RealBoard:
    """A controller on a port; its time passes by itself."""

    def __init__(self, port: str) -> None:
        self._wire, self._clock = SerialTransport(port, baud=table.BAUD), RealClock()
        self._zero_s = self._clock.now_s()

    def receive(self, data: bytes) -> None:
        self._wire.write(data)

    def advance(self, now_s: float) -> bytes:
        self._clock.sleep_until(self._zero_s + now_s)
        return self._wire.read(wait_s=0.0)

    def close(self) -> None:
        self._wire.write(table.VENT_BYTE)
        self._wire.close()


class Hands:
    """Types commands at a device, beats its heart, and reads what it says.

    ``valve`` is what a simulated valve did: (seconds, ``valve closed`` or ``valve open``).
    """

    def __init__(self, device: Device, plant: Plant | None, valve: list[tuple[float, str]]) -> None:
        self.device: Any = device
        self.plant, self.valve = plant, valve
        self.now_s, self.sequence, self.beat, self.beaten_s = 0.0, 0, 0, -1.0
        self.decoder = cuff1.ReplyDecoder()
        self.boot = self.run(BOOT_S, beating=False)

    # -- time and bytes

    def heart(self) -> None:
        self.beat = (self.beat + 1) % 256
        self.beaten_s = self.now_s
        self.device.receive(cuff1.encode_command(0, "HB", self.beat))

    def run(
        self,
        for_s: float,
        *,
        beating: bool = True,
        until: Callable[[cuff1.Reply], bool] | None = None,
    ) -> list[cuff1.Reply]:
        """Let time pass; with ``until``, no longer than to a reply of that kind."""
        found: list[cuff1.Reply] = []
        end_s = self.now_s + for_s
        while self.now_s < end_s - 1e-9:
            if beating and self.now_s - self.beaten_s >= BEAT_S - 1e-9:
                self.heart()
            self.now_s = min(end_s, self.now_s + STEP_S)
            self.decoder.receive(self.device.advance(self.now_s))
            new = list(self.decoder.replies())
            found += new
            if until is not None and any(map(until, new)):
                break
        return found

    def send(self, data: bytes, *, for_s: float = 0.03, beating: bool = True) -> list[cuff1.Reply]:
        """Send bytes and return what is said within a moment."""
        self.device.receive(data)
        return self.run(for_s, beating=beating)

    # -- words

    def say(self, name: str, *arguments: int, sequence: int | None = None) -> cuff1.Reply:
        """Send a command and return its answer."""
        if sequence is None:
            self.sequence = self.sequence % 255 + 1
            sequence = self.sequence
        self.device.receive(cuff1.encode_command(sequence, name, *arguments))

        def answers(reply: cuff1.Reply) -> bool:
            return getattr(reply, "sequence", None) == sequence

        found = [r for r in self.run(0.06, until=answers) if answers(r)]
        assert found, f"no answer to {name} {arguments}"
        return found[-1]

    def take(self, name: str, *arguments: int) -> cuff1.Ack:
        """Return how a command was taken, which it must be."""
        answer = self.say(name, *arguments)
        assert isinstance(answer, cuff1.Ack), f"{name} {arguments}: {answer}"
        return answer

    def refused(self, name: str, *arguments: int) -> str:
        """Return why a command is refused, in a word."""
        answer = self.say(name, *arguments)
        assert isinstance(answer, cuff1.Nak), f"{name} {arguments}: {answer}"
        return table.NAK_NAMES[answer.reason - 1]

    def status(self) -> cuff1.Status:
        said = self.send(table.STATUS_BYTE, for_s=0.02)
        return [r for r in said if isinstance(r, cuff1.Status)][-1]

    @property
    def state(self) -> str:
        return table.STATES[self.status().state]

    @property
    def fault(self) -> str:
        return table.FAULTS[self.status().fault]

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure; on a real board what the first sensor reads."""
        return self.status().first_tenths / 10 if self.plant is None else self.plant.pressure_mmhg

    def trouble(self, **changes: Any) -> None:
        """Make something go wrong with the air or a sensor; no keyword at all mends nothing."""
        assert self.plant is not None
        self.plant.trouble = replace(self.plant.trouble, **changes)

    # -- on the way to a state

    def self_test(self) -> str:
        """Let it test itself, and return the result in a word."""
        self.run(0.1)
        self.take("TEST")
        said = self.run(table.SELFTEST_MS_MAX / 1000 + 0.5, until=lambda r: is_event(r, "selftest"))
        (result,) = [r.value for r in said if is_event(r, "selftest")]
        return table.SELFTEST_NAMES[result]

    def to(
        self, state: str, *, ceiling: int = 2500, target: int = 1400, on_ms: int = 15000
    ) -> None:
        """Bring it from idle, or from armed, to a state."""
        if state == "idle":
            return
        if state == "selftest":
            self.run(0.1)
            self.take("TEST")
            return
        if self.state == "idle":
            if not self.status().flags & BIT["selftest_passed"]:
                assert self.self_test() == "passed"
                self.until("idle")
            self.take("ARM", ceiling)
        if state == "armed":
            return
        self.take("GO", target, on_ms, 0)
        if state == "inflating":
            self.run(0.1)
        elif state == "hold":
            self.until("hold")
        elif state == "venting":
            self.until("hold")
            self.take("END")
            self.run(0.05)
        elif state == "fault":
            self.until("hold")
            self.run(0.6, beating=False)
        assert self.state == state

    def until(self, state: str, *, within_s: float = 9.0) -> None:
        """Let time pass until it is in a state."""
        end_s = self.now_s + within_s
        while self.state != state:
            assert self.now_s < end_s, f"{self.state} ({self.fault}) and not {state}"
            self.run(0.02)

    def moves(self, what: str) -> list[float]:
        return [time_s for time_s, name in self.valve if name == what]


def is_event(reply: cuff1.Reply, name: str) -> bool:
    return isinstance(reply, cuff1.DeviceEvent) and table.EVENTS.get(reply.event) == name


def emulator(*, air: PlantSettings | None = None, seed: int = SEED, **settings: Any) -> Hands:
    valve: list[tuple[float, str]] = []
    plant = Plant(air, seed=seed)
    device = EmulatedReference(
        plant, start_s=0.0, witness=lambda what, t: valve.append((t, what)), **settings
    )
    return Hands(device, plant, valve)


def firmware(
    binary: Path, *, air: PlantSettings | None = None, seed: int = SEED, **settings: Any
) -> Hands:
    valve: list[tuple[float, str]] = []
    plant = Plant(air, seed=seed)
    device = FirmwareCuff(
        plant,
        start_s=0.0,
        witness=lambda what, t: valve.append((t, what)),
        binary=binary,
        seed=seed,
        **settings,
    )
    return Hands(device, plant, valve)


def needs(hands: Hands, what: str) -> None:
    """Skip on a real board what only a simulated one can do."""
    if hands.plant is None:
        pytest.skip(f"on a real board this needs {what}")
