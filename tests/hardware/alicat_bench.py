"""An emulated pressure controller on the bench: the same supervisor, another cuff."""

from collections.abc import Callable

from bench import Bench

from hardware.clock import VirtualClock
from hardware.drivers.alicat import AlicatCuff
from hardware.errors import LinkLost
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.sim.alicat import EmulatedAlicat
from hardware.sim.plant import Plant, PlantSettings
from hardware.supervisor import Supervisor, SupervisorSettings


class AlicatWire:
    """Bytes into the emulated device and back; can be cut, deaf, mute, and can change what comes and goes."""

    name = "emulated"

    def __init__(self, device: EmulatedAlicat, clock: VirtualClock) -> None:
        self.device, self.clock, self.waiting = device, clock, b""
        self.cut = self.deaf = self.mute = False
        self.changed: Callable[[bytes], bytes] = bytes
        self.garbled: Callable[[bytes], bytes] = bytes
        self.sent: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        self._look()
        self.waiting += self.device.advance(self.clock.now_s())
        self.sent.append((self.clock.now_s(), data))
        if not self.deaf:
            self.device.receive(self.garbled(data))

    def read(self, *, wait_s: float) -> bytes:
        self._look()
        self.clock.sleep_until(self.clock.now_s() + wait_s)
        data = self.waiting + self.device.advance(self.clock.now_s())
        self.waiting = b""
        return b"" if self.mute else self.changed(data)

    def close(self) -> None:
        """Nothing to release."""

    def _look(self) -> None:
        if self.cut:
            raise LinkLost("the link went away", where=self.name, do="look at the cable")


class AlicatBench(Bench):
    """The bench with another cuff on it; everything above the driver is the same."""

    def __init__(
        self, unit: str = "mmHg", plant: PlantSettings | None = None, ceiling_mmhg: float = 517.0
    ) -> None:
        self.limits, self.plant, self.patience_s = Limits(), plant or PlantSettings(), 0.5
        self.clock = VirtualClock()
        self.valve: list[tuple[float, str]] = []
        self.device: EmulatedAlicat = EmulatedAlicat(  # type: ignore[assignment]
            Plant(self.plant, seed=1),
            start_s=self.clock.now_s(),
            witness=lambda what, time_s: self.valve.append((time_s, what)),
            pressure_unit=unit,
            ceiling_mmhg=ceiling_mmhg,
        )
        self.wire: AlicatWire = AlicatWire(self.device, self.clock)  # type: ignore[assignment]
        self.cuff: AlicatCuff = AlicatCuff(  # type: ignore[assignment]
            self.wire, self.clock, pressure_unit=unit
        )
        self.identity = self.cuff.identify()
        self.reports = []
        self.supervisor = Supervisor(
            self.cuff,
            self.identity,
            SupervisorSettings(
                limits=self.limits, interlock=InterlockSettings(patience_s=self.patience_s)
            ),
            self.reports.append,
        )
        self.beats, self.alive = 0, True

    def live_on(self) -> None:
        self.device.advance(self.now_s)

    def commands_since(self, since_s: float) -> list[bytes]:
        return [data for t, data in self.wire.sent if t >= since_s and data != b"A\r"]
