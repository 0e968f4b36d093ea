"""The emulated reference controller: the device's half of CUFF/1, with its own ceiling and watchdog.

Bytes in, bytes out, time passed in. It shares the codec and its table with the driver and nothing
else, and decides for itself what it takes: a driver that asks for too much meets a refusal here.
"""

from collections.abc import Callable
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.plant import Plant

IDLE, ARMED, INFLATING, HOLD, VENTING, FAULT = range(6)
HOST_LOST, OVERPRESSURE, LEAK, VENT_FAIL = (
    table.FAULTS.index(name) for name in ("host_lost", "overpressure", "leak", "vent_fail")
)
TICK_MS: Final = 5
REST_TICK_MS: Final = 20
FIRMWARE: Final = "emulator-1"
NO_HEARTBEAT: Final = 65_535

Witness = Callable[[str, float], None]
"""Told what the valve and the states do: (what, device time in seconds)."""


class EmulatedReference:
    """One controller with its cuff.

    Parameters
    ----------
    plant
        The air in the cuff.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Called with ``valve closed``, ``valve open``, ``state ...``, ``vent byte`` when it happens.
    """

    def __init__(
        self, plant: Plant, *, start_s: float, serial_number: str = "E0001", witness: Witness | None
    ) -> None:
        self._plant, self._start_s, self._serial_number = plant, start_s, serial_number
        self._witness = witness or (lambda what, time_s: None)
        self._commands = cuff1.CommandDecoder()
        self._out = bytearray()
        self._ms = 0
        self._state = IDLE
        self._state_ms = 0
        self._fault = 0
        self._target = 0
        self._ceiling = table.CEILING_TENTHS
        self._go_ms = self._on_ms = 0
        self._stay_armed = False
        self._heartbeat: int | None = None
        self._heartbeat_ms = -NO_HEARTBEAT
        self._last: tuple[cuff1.HostCommand, bytes] | None = None
        self._period_ms = 0
        self._counter = 0
        self._emit(cuff1.encode_event(cuff1.DeviceEvent(0, 1, 0)))

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure, which no sensor knows."""
        return self._plant.pressure_mmhg

    @property
    def state(self) -> str:
        """Return the state's name."""
        return table.STATES[self._state]

    def restart(self) -> None:
        """Lose power for a moment: vented, disarmed, silent until asked, its clock from zero."""
        self._witness("restart", self._start_s + self._ms / 1000)
        self._go_to(IDLE)
        fresh = EmulatedReference(
            self._plant,
            start_s=self._start_s + self._ms / 1000,
            serial_number=self._serial_number,
            witness=self._witness,
        )
        self.__dict__.update(fresh.__dict__)

    def next_output_s(self) -> float:
        """Return when the next status line is due (or the next tick, without a stream)."""
        period = self._period_ms or REST_TICK_MS
        return self._start_s + (self._ms // period + 1) * period / 1000

    def receive(self, data: bytes) -> None:
        """Take bytes from the host. Call `advance` first, so that they arrive now."""
        for command in self._commands.receive(data):
            match command:
                case cuff1.RealTimeByte(byte):
                    self._real_time(byte)
                case cuff1.BadCommand(sequence, reason):
                    self._emit(cuff1.encode_nak(cuff1.Nak(sequence, reason, self._state)))
                case cuff1.HostCommand():
                    self._framed(command)

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return what the device has sent."""
        target_ms = int((now_s - self._start_s) * 1000 + 1e-6)
        while self._ms < target_ms:
            at_rest = self._state in (IDLE, ARMED) and not self._plant.pressure_mmhg
            tick = REST_TICK_MS - self._ms % REST_TICK_MS if at_rest else TICK_MS
            tick = min(tick, target_ms - self._ms)
            self._ms += tick
            self._tick(tick)
            if self._period_ms and self._ms % self._period_ms < tick:
                self._send_status()
        out, self._out = bytes(self._out), bytearray()
        return out

    # -- commands

    def _real_time(self, byte: bytes) -> None:
        if byte == table.STATUS_BYTE:
            self._send_status()
        else:
            self._witness("vent byte", self._start_s + self._ms / 1000)
            self._stay_armed = False
            if self._state != FAULT:
                self._go_to(VENTING)

    def _framed(self, command: cuff1.HostCommand) -> None:
        if command.name == "HB":
            if command.arguments[0] != self._heartbeat:  # a stuck buffer is no heartbeat
                self._heartbeat, self._heartbeat_ms = command.arguments[0], self._ms
            return
        if self._last is not None and self._last[0] == command:
            self._emit(self._last[1])  # a repeated number is answered again, not obeyed again
            return
        answer = self._obey(command)
        self._last = (command, answer)
        self._emit(answer)

    def _obey(self, command: cuff1.HostCommand) -> bytes:
        sequence, arguments = command.sequence, command.arguments
        reason, value = 0, 0
        match command.name:
            case "ID":
                return cuff1.encode_identity(
                    cuff1.DeviceIdentity(
                        sequence,
                        table.PROTOCOL,
                        "emulated",
                        "reference-cuff",
                        self._serial_number,
                        FIRMWARE,
                        table.CEILING_TENTHS,
                        table.LEASE_MS,
                    )
                )
            case "STREAM":
                value = arguments[0]
                self._period_ms = 1000 // value if value else 0
            case "ARM":
                reason, value = self._arm(arguments[0])
            case "GO":
                reason, value = self._go(*arguments)
            case "END":
                if self._state in (INFLATING, HOLD):
                    self._stay_armed = True
                    self._go_to(VENTING)
            case "VENT" | "DISARM":
                self._real_time(table.VENT_BYTE)
            case "CLEAR":
                reason = self._clear()
        if reason:
            return cuff1.encode_nak(cuff1.Nak(sequence, reason, self._state))
        return cuff1.encode_ack(cuff1.Ack(sequence, value, self._state))

    def _arm(self, ceiling: int) -> tuple[int, int]:
        if self._state not in (IDLE, ARMED):
            return 3, 0
        if not self._alive():
            return 6, 0
        if not self._empty():
            return 5, 0
        self._ceiling = ceiling
        self._go_to(ARMED)
        return 0, ceiling

    def _go(self, target: int, on_ms: int) -> tuple[int, int]:
        if self._state != ARMED:
            return 3, 0
        if not self._alive():
            return 6, 0
        if not table.EMPTY_TENTHS <= target <= min(self._ceiling, table.CEILING_TENTHS):
            return 4, 0
        if not 0 < on_ms <= table.ON_MS_MAX:
            return 4, 0
        self._target, self._on_ms, self._go_ms = target, on_ms, self._ms
        self._go_to(INFLATING)
        return 0, target

    def _clear(self) -> int:
        if self._state != FAULT:
            return 3
        if not self._empty():
            return 5
        self._fault = 0
        self._go_to(IDLE)
        return 0

    # -- time

    def _tick(self, tick_ms: int) -> None:
        state, dt_s = self._state, tick_ms / 1000
        if state in (INFLATING, HOLD):
            on_for_s = (self._ms - self._go_ms) / 1000
            self._plant.fill(target_mmhg=self._target / 10, on_for_s=on_for_s, dt_s=dt_s)
        else:
            self._plant.vent(dt_s=dt_s)
        if state != IDLE and state != FAULT:
            self._judge(state)

    def _judge(self, state: int) -> None:
        if state != VENTING and not self._alive():
            self._trip(HOST_LOST)
            return
        highest = self._plant.pressure_mmhg * 10
        since_ms = self._ms - self._state_ms
        match state:
            case _ if highest > table.CEILING_TENTHS:
                self._trip(OVERPRESSURE)
            case _ if state in (INFLATING, HOLD) and self._ms - self._go_ms >= self._on_ms:
                self._stay_armed = True
                self._go_to(VENTING)
            case 2:  # INFLATING
                if abs(highest - self._target) <= table.AT_TARGET_TENTHS:
                    self._go_to(HOLD)
                elif since_ms > table.INFLATE_MS_MAX:
                    self._trip(LEAK)
            case 3:  # HOLD
                if highest > self._target + table.OFF_TARGET_TENTHS:
                    self._trip(OVERPRESSURE)
                elif highest < self._target - table.OFF_TARGET_TENTHS:
                    self._trip(LEAK)
            case 4:  # VENTING
                if self._empty():
                    self._go_to(ARMED if self._stay_armed and self._alive() else IDLE)
                elif since_ms > table.VENT_MS_MAX:
                    self._trip(VENT_FAIL)

    def _alive(self) -> bool:
        return self._ms - self._heartbeat_ms < table.LEASE_MS

    def _empty(self) -> bool:
        return self._plant.pressure_mmhg * 10 < table.EMPTY_TENTHS

    def _trip(self, fault: int) -> None:
        self._fault = self._fault or fault  # the first cause stays
        self._stay_armed = False
        self._go_to(FAULT)
        self._emit(cuff1.encode_event(cuff1.DeviceEvent(self._ms, 2, fault)))

    def _go_to(self, state: int) -> None:
        time_s = self._start_s + self._ms / 1000
        closed, closes = self._state in (INFLATING, HOLD), state in (INFLATING, HOLD)
        if state != self._state:
            self._state, self._state_ms = state, self._ms
            self._witness(f"state {table.STATES[state]}", time_s)
        if closed != closes:
            self._witness("valve closed" if closes else "valve open", time_s)
        if not closes:
            self._target = 0

    def _send_status(self) -> None:
        first, second = self._plant.sensors_tenths()
        self._counter += 1
        self._emit(
            cuff1.encode_status(
                cuff1.Status(
                    self._counter,
                    self._ms,
                    self._state,
                    self._fault,
                    first,
                    second,
                    self._target,
                    self._target * 1023 // 4000,
                    min(self._ms - self._heartbeat_ms, NO_HEARTBEAT),
                    self._commands.bad_frames,
                )
            )
        )

    def _emit(self, data: bytes) -> None:
        self._out += data
