"""An emulated DeviceHost with its CPAR+ on the bench: the same supervisor, another cuff."""

from collections.abc import Callable

from bench import Bench

from hardware.clock import VirtualClock
from hardware.codec import devicehost
from hardware.codec.devicehost_messages import Response
from hardware.drivers.devicehost import DeviceHostCuff
from hardware.errors import LinkLost
from hardware.interlock import InterlockSettings
from hardware.limits import Limits
from hardware.readings import Program
from hardware.sim.devicehost import EmulatedDeviceHost
from hardware.sim.plant import Plant, PlantSettings
from hardware.supervisor import Supervisor, SupervisorSettings

PORT = "COM8"


class DeviceHostWire:
    """Bytes into the emulated server and back; can be cut, mute, late, and read in small pieces."""

    name = "emulated"

    def __init__(self, device: EmulatedDeviceHost, clock: VirtualClock) -> None:
        self.device, self.clock, self.waiting = device, clock, b""
        self.cut = self.mute = False
        self.late_s = 0.0
        self.most_bytes = 65536
        self.changed: Callable[[bytes], bytes] = bytes
        self.came: list[bytes] = []
        self.sent: list[tuple[float, bytes]] = []
        self._late: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        self._look()
        self._collect()
        self.sent.append((self.clock.now_s(), data))
        self.device.receive(data)

    def read(self, *, wait_s: float) -> bytes:
        self._look()
        self.clock.sleep_until(self.clock.now_s() + wait_s)
        self._collect()
        data, self.waiting = self.waiting[: self.most_bytes], self.waiting[self.most_bytes :]
        return b"" if self.mute else data

    def close(self) -> None:
        """Nothing to release."""

    def _collect(self) -> None:
        now_s = self.clock.now_s()
        data = self.device.advance(now_s)
        if data:
            data = self.changed(data)
            self.came.append(data)
            self._late.append((now_s + self.late_s, data))
        while self._late and self._late[0][0] <= now_s:
            self.waiting += self._late.pop(0)[1]

    def _look(self) -> None:
        if self.cut:
            raise LinkLost("the link went away", where=self.name, do="look at DeviceHost")


class DeviceHostBench(Bench):
    """The bench with another cuff on it; everything above the driver is the same."""

    def __init__(
        self,
        plant: PlantSettings | None = None,
        *,
        before: Callable[[EmulatedDeviceHost, DeviceHostWire], None] | None = None,
    ) -> None:
        self.limits, self.plant = Limits(), plant or PlantSettings()
        self.clock = VirtualClock()
        self.valve: list[tuple[float, str]] = []
        self.device: EmulatedDeviceHost = EmulatedDeviceHost(  # type: ignore[assignment]
            Plant(self.plant, seed=1),
            start_s=self.clock.now_s(),
            witness=lambda what, time_s: self.valve.append((time_s, what)),
        )
        self.wire: DeviceHostWire = DeviceHostWire(  # type: ignore[assignment]
            self.device, self.clock
        )
        if before is not None:
            before(self.device, self.wire)
        self.cuff: DeviceHostCuff = DeviceHostCuff(  # type: ignore[assignment]
            self.wire, self.clock, device_port=PORT
        )
        self.identity = self.cuff.identify()
        self.reports = []
        self.supervisor = Supervisor(
            self.cuff,
            self.identity,
            SupervisorSettings(limits=self.limits, interlock=InterlockSettings()),
            self.reports.append,
        )
        self.beats, self.alive = 0, True

    def live_on(self) -> None:
        self.device.advance(self.now_s)

    def arm(self) -> None:
        super().arm()
        self.run(0.3)

    def inflate(self) -> Program:
        self.arm()
        program = self.program()
        self.load(program)
        self.run(4.0)
        assert self.device.pressure_mmhg > 130.0
        return program

    def asked_since(self, since_s: float) -> list[str]:
        questions = ("SIGNALS", "STATE", "RATING")
        return [n for t, n in self.device.heard if t >= since_s and n not in questions]

    def answers(self) -> list[Response]:
        return list(devicehost.ResponseDecoder().receive(b"".join(self.wire.came)))
