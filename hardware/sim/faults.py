"""Faults on purpose: a script that makes an emulated device, its wire or its air misbehave.

A script is a list of faults, each with a kind, a beginning and a length. The device itself does
not know: bytes are spoilt on their way, and air and sensors are troubled in the plant.
"""

import random
from collections.abc import Callable
from typing import Protocol

from hardware.fault_script import Fault, FaultKind
from hardware.sim.plant import Plant, Trouble


class Faultable(Protocol):
    """An emulated device that can be troubled."""

    def receive(self, data: bytes) -> None:
        """Take bytes."""

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return bytes."""

    def restart(self) -> None:
        """Lose power for a moment."""

    def next_output_s(self) -> float:
        """Return when it has something to say."""


class Unplugged(Exception):
    """The port is gone."""


class TroubledDevice:
    """A device with a fault script on its wire and in its plant.

    Parameters
    ----------
    start_s
        When it was switched on.
    witness
        Told ``fault KIND`` when one begins.
    """

    def __init__(
        self,
        device: Faultable,
        plant: Plant,
        faults: tuple[Fault, ...],
        *,
        start_s: float,
        seed: int,
        witness: Callable[[str, float], None],
    ) -> None:
        self._device, self._plant, self._faults = device, plant, faults
        self._start_s, self._witness = start_s, witness
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self._closed_s: float | None = None
        self._begun: set[tuple[int, float]] = set()
        self._late: list[tuple[float, bytes]] = []
        self._now_s = start_s

    def valve(self, *, closed: bool, time_s: float) -> None:
        """Learn from the device's witness when an inflation begins and ends."""
        if closed:
            self._closed_s = time_s

    def next_output_s(self) -> float:
        """Return when the device has something to say."""
        return self._device.next_output_s()

    def receive(self, data: bytes) -> None:
        """Take bytes from the host, spoilt as the script says."""
        if not self._active(FaultKind.FREEZE):
            spoilt = self._spoil(data)
            if spoilt:
                self._device.receive(spoilt)

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return bytes, spoilt as the script says.

        Raises
        ------
        Unplugged
            From the moment the port is gone.
        """
        self._now_s = now_s
        self._plant.trouble = self._trouble()
        if self._active(FaultKind.RESET, once=True):
            self._device.restart()
        data = self._device.advance(now_s)
        if self._active(FaultKind.UNPLUG):
            raise Unplugged
        if self._active(FaultKind.FREEZE):
            return b""
        return self._postponed(self._edit(self._spoil(data)))

    # -- what is wrong now

    def _active(self, kind: FaultKind, *, once: bool = False) -> Fault | None:
        for number, fault in enumerate(self._faults):
            if fault.kind is not kind:
                continue
            begins_s = self._begin_s(fault)
            if begins_s is None or not begins_s <= self._now_s < begins_s + fault.for_s:
                continue
            new = (number, begins_s) not in self._begun
            if new:
                self._begun.add((number, begins_s))
                self._witness(f"fault {kind}", self._now_s)
            if new or not once:
                return fault
        return None

    def _begin_s(self, fault: Fault) -> float | None:
        if fault.start_s is not None:
            return self._start_s + fault.start_s
        return None if self._closed_s is None else self._closed_s + (fault.into_s or 0.0)

    def _trouble(self) -> Trouble:
        leak, lie = self._active(FaultKind.LEAK), self._active(FaultKind.LIE)
        return Trouble(
            leak_per_s=leak.amount if leak else 0.0,
            valve_stuck=self._active(FaultKind.STUCK_VALVE) is not None,
            kinked=self._active(FaultKind.KINK) is not None,
            supply_lost=self._active(FaultKind.NO_SUPPLY) is not None,
            lie_mmhg=lie.amount if lie else 0.0,
            sensors_stuck=self._active(FaultKind.STUCK_SENSOR) is not None,
        )

    # -- bytes

    def _spoil(self, data: bytes) -> bytes:
        drop, corrupt = self._active(FaultKind.DROP), self._active(FaultKind.CORRUPT)
        if not data or not (drop or corrupt):
            return data
        spoilt = bytearray()
        for value in data:
            if drop and self._random.random() < drop.amount:
                continue
            if corrupt and self._random.random() < corrupt.amount:
                value ^= 1 << self._random.randrange(8)
            spoilt.append(value)
        return bytes(spoilt)

    def _edit(self, data: bytes) -> bytes:
        double, cut = self._active(FaultKind.DUPLICATE), self._active(FaultKind.TRUNCATE)
        if data and double and self._random.random() < double.amount:
            data += data
        if data and cut and self._random.random() < cut.amount:
            data = data[: self._random.randrange(len(data))]
        return data

    def _postponed(self, data: bytes) -> bytes:
        delay = self._active(FaultKind.DELAY)
        if delay or self._late:
            due_s = self._now_s + (delay.amount if delay else 0.0)
            if data:
                self._late.append((due_s, data))
            ready = [late for when_s, late in self._late if when_s <= self._now_s]
            self._late = [(when_s, late) for when_s, late in self._late if when_s > self._now_s]
            return b"".join(ready)
        return data
