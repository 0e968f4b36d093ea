"""A transport whose far end is an emulator in the same process, on a virtual clock."""

from hardware.clock import VirtualClock
from hardware.sim.contact import CLOSED, OPEN
from hardware.sim.faults import Faultable
from hardware.transport import Line


class LoopWire:
    """Bytes straight into an emulated device and back; no port, no waiting."""

    def __init__(self, device: Faultable, clock: VirtualClock) -> None:
        self._device, self._clock = device, clock
        self._waiting = b""

    @property
    def name(self) -> str:
        """Return what stands for the port."""
        return "emulated"

    def write(self, data: bytes) -> None:
        """Hand bytes to the device, now."""
        if data:
            self._waiting += self._device.advance(self._clock.now_s())
            self._device.receive(data)

    def set_line(self, line: Line, *, asserted: bool) -> None:
        """Switch the contact of a device that hangs on both lines, now."""
        self.write(CLOSED if asserted else OPEN)

    def read(self, *, wait_s: float) -> bytes:
        """Return what the device has sent by now; waiting lets its time pass."""
        if wait_s > 0.0:
            self._clock.sleep_until(self._clock.now_s() + wait_s)
        data = self._waiting + self._device.advance(self._clock.now_s())
        self._waiting = b""
        return data

    def due_s(self) -> float:
        """Return when the device has something to say."""
        return self._clock.now_s() if self._waiting else self._device.next_output_s()

    def close(self) -> None:
        """Nothing to release."""
