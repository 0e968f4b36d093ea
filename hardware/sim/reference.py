"""The emulated reference controller: the device's half of CUFF/1, with its own ceiling and watchdog.

Bytes in, bytes out, time passed in. It shares the codec and its table with the driver and nothing
else, and decides for itself what it takes: a driver that asks for too much meets a refusal here.
"""

from collections.abc import Callable
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim import reference_says as says
from hardware.sim import reference_selftest as selftest
from hardware.sim.plant import Plant
from hardware.sim.reference_alarm import Hush, PressureLeft
from hardware.sim.reference_program import FiniteProgram
from hardware.sim.reference_sensors import Sensors

IDLE, ARMED, INFLATING, HOLD, VENTING, FAULT, SELFTEST = range(7)
BOOT_EVENT, FAULT_EVENT, SELFTEST_EVENT = 1, 2, 3
WRONG_STATE, OUT_OF_LIMITS, NOT_EMPTY, NO_HEART, LOOP_OPEN, UNTESTED, NO_JUMPER = range(3, 10)
REST_TICK_MS: Final = 20
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
        Called with ``valve closed``, ``valve open``, ``state ...``, ``vent byte`` when it happens. The
        valves of a self-test are not told: they move below what counts as empty.
    site_tenths
        The site's ceiling, which is kept without power.
    reset
        Why it was switched on: an index of ``RESETS``.

    Attributes
    ----------
    service_jumper
        Whether the jumper is set without which nobody changes the site's ceiling.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        start_s: float,
        serial_number: str = "E0001",
        witness: Witness | None,
        site_tenths: int = table.CEILING_TENTHS,
        reset: int = 0,
    ) -> None:
        self._plant, self._start_s, self._serial_number = plant, start_s, serial_number
        self._witness = witness or (lambda what, time_s: None)
        self.service_jumper = False
        self._site, self._reset = site_tenths, reset
        self._loop_closed = True
        self._commands = cuff1.CommandDecoder()
        self._out = bytearray()
        self._ms = 0
        watchdog = table.RESETS[reset] == "watchdog"
        self._state = FAULT if watchdog else VENTING
        self._fault = table.FAULTS.index("wdt_reset" if watchdog else "none")
        self._hush, self._left, self._told_left = Hush(), PressureLeft(), False
        self._ceiling = table.CEILING_TENTHS
        self._lease_ms = table.LEASE_MS
        self._program = FiniteProgram()
        self._stay_armed = False
        self._test = selftest.SelfTest()
        self._tested = 0
        self._sensors = Sensors()
        self._heartbeat: int | None = None
        self._heartbeat_ms = -NO_HEARTBEAT
        self._last: tuple[cuff1.HostCommand, int, int] | None = None
        self._period_ms = self._counter = 0
        self._emit(cuff1.encode_event(cuff1.DeviceEvent(0, BOOT_EVENT, reset)))

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure, which no sensor knows."""
        return self._plant.pressure_mmhg

    @property
    def state(self) -> str:
        """Return the state's name."""
        return table.STATES[self._state]

    @property
    def buzzer(self) -> str:
        """Return what the box sounds: ``off``, ``medium`` (vented after a fault) or ``high`` (not)."""
        return self._hush.sounds(self._priority)

    @property
    def _priority(self) -> str:
        if self._state != FAULT:
            return "off"
        high = table.FAULTS[self._fault] in table.HIGH_ALARMS or self._told_left
        return "high" if high or not self._sensors.empty else "medium"

    def open_loop(self) -> None:
        """Open the participant's abort loop: the ball is squeezed, or its wire breaks."""
        self._loop_closed = False
        if self._state != FAULT:
            self._trip("abort")

    def close_loop(self) -> None:
        """Close the abort loop again. Nothing else follows: the fault stays."""
        self._loop_closed = True

    def restart(self, cause: str = "brown_out") -> None:
        """Lose power for a moment: vented, disarmed, silent until asked, its clock from zero."""
        self._witness("restart", self._start_s + self._ms / 1000)
        self._go_to(VENTING)
        fresh = EmulatedReference(
            self._plant,
            start_s=self._start_s + self._ms / 1000,
            serial_number=self._serial_number,
            witness=self._witness,
            site_tenths=self._site,
            reset=table.RESETS.index(cause),
        )
        fresh.service_jumper = self.service_jumper
        if not self._loop_closed:
            fresh.open_loop()
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
            tick = REST_TICK_MS - self._ms % REST_TICK_MS if at_rest else table.TICK_MS
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
            if self._state == SELFTEST:
                self._say_tested(selftest.BROKEN_OFF)
            if self._state != FAULT:
                self._go_to(VENTING)

    def _framed(self, command: cuff1.HostCommand) -> None:
        if command.name == "HB":
            if command.arguments[0] != self._heartbeat:  # a stuck buffer is no heartbeat
                self._heartbeat, self._heartbeat_ms = command.arguments[0], self._ms
            return
        if command.name == "ID":
            self._last = (command, 0, 0)
            numbers = (self._site, self._lease_ms, self._tested, self._reset)
            self._emit(says.identity(command.sequence, self._serial_number, *numbers))
            return
        last = self._last
        if last is None or last[0] != command or command.name in table.ALWAYS_ACTS:
            last = self._last = (command, *self._obey(command))
        # a repeated number is answered again, with the state of now, and not obeyed again
        self._emit(says.answer(command.sequence, last[1], last[2], self._state))

    def _obey(self, command: cuff1.HostCommand) -> tuple[int, int]:
        arguments, reason, value = command.arguments, 0, 0
        match command.name:
            case "STREAM":
                value = arguments[0]
                self._period_ms = 1000 // value if value else 0
            case "TEST":
                reason = self._begin_test()
            case "LEASE":
                reason, value = self._take_lease(arguments[0])
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
            case "HUSH":
                self._hush.take(self._priority, self._ms)
            case "SITE":
                reason, value = self._take_site(arguments[0])
        return reason, value

    def _begin_test(self) -> int:
        if self._state != IDLE:
            return WRONG_STATE
        reason = self._not_ready()
        if not reason:
            self._test, self._tested = selftest.SelfTest(), 0
            self._go_to(SELFTEST)
        return reason

    def _not_ready(self) -> int:
        if not self._alive():
            return NO_HEART
        return 0 if self._sensors.empty else NOT_EMPTY

    def _take_lease(self, lease_ms: int) -> tuple[int, int]:
        if self._state != IDLE:
            return WRONG_STATE, 0
        self._lease_ms = lease_ms
        return 0, lease_ms

    def _take_site(self, ceiling: int) -> tuple[int, int]:
        if self._state != IDLE:
            return WRONG_STATE, 0
        if not self.service_jumper:
            return NO_JUMPER, 0
        self._site = ceiling
        return 0, ceiling

    def _arm(self, ceiling: int) -> tuple[int, int]:
        if self._state not in (IDLE, ARMED):
            return WRONG_STATE, 0
        if self._tested != selftest.PASSED:
            return UNTESTED, 0
        if reason := self._not_ready():
            return reason, 0
        if ceiling > self._site:
            return OUT_OF_LIMITS, 0
        self._ceiling = ceiling
        self._go_to(ARMED)
        return 0, ceiling

    def _go(self, target: int, on_ms: int, rise_ms: int) -> tuple[int, int]:
        if self._state != ARMED:
            return WRONG_STATE, 0
        if reason := self._not_ready():
            return reason, 0
        most = min(self._ceiling, self._site)
        if target > most or rise_ms > on_ms:
            return OUT_OF_LIMITS, 0
        ms, mark = self._ms, self._sensors.high
        self._sensors.wait()
        self._program = FiniteProgram(target, ms, on_ms, rise_ms, ms, mark, ms, most)
        self._go_to(INFLATING)
        return 0, target

    def _clear(self) -> int:
        if self._state != FAULT:
            return WRONG_STATE
        if not self._loop_closed:
            return LOOP_OPEN
        if not self._sensors.empty:
            return NOT_EMPTY
        self._fault, self._told_left = 0, False
        self._go_to(IDLE)
        return 0

    # -- time

    def _tick(self, tick_ms: int) -> None:
        state = self._state
        paths, shutoff_open = selftest.BOTH_PATHS, False
        on_for_ms = self._ms - self._program.go_ms
        if state in (INFLATING, HOLD):
            paths, shutoff_open = (), True
        elif state == SELFTEST:
            paths, shutoff_open = self._test.open_paths, self._test.feeds
            on_for_ms = self._test.phase_ms
        times = {"on_for_s": on_for_ms / 1000, "dt_s": tick_ms / 1000}
        air = self._plant
        air.flow(target_mmhg=self._fed / 10, paths=paths, shutoff_open=shutoff_open, **times)
        self._sensors.take(*self._plant.sensors_tenths(), tick_ms)
        vents, at_rest = state in (IDLE, ARMED, VENTING, FAULT), state in (IDLE, ARMED)
        left = self._left.judge(self._sensors, tick_ms, open_paths=vents, at_rest=at_rest)
        if state == SELFTEST:
            self._go_on_testing(tick_ms)
        self._judge(self._state, tick_ms, left=left)
        self._hush.keep(self._priority, self._ms)

    def _go_on_testing(self, tick_ms: int) -> None:
        result = self._test.judge(tick_ms, self._sensors.first, self._sensors.second)
        if result == selftest.GOES_ON:
            return
        self._say_tested(result)
        if result == selftest.PASSED:
            self._go_to(VENTING)
        else:
            self._trip("selftest")

    def _say_tested(self, result: int) -> None:
        self._tested = result
        self._emit(cuff1.encode_event(cuff1.DeviceEvent(self._ms, SELFTEST_EVENT, result)))

    def _judge(self, state: int, tick_ms: int, *, left: bool) -> None:
        pressed = state in (INFLATING, HOLD)
        self._stay_armed = self._stay_armed and self._alive()
        if state == FAULT:
            if left and not self._told_left:
                self._trip("vent_fail")
            return
        if state not in (IDLE, VENTING) and not self._alive():
            self._trip("host_lost")
            return
        if (fault := self._sensors.fault) is not None:
            self._trip(fault)
            return
        if (pressed and self._sensors.frozen) or left:
            self._trip("vent_fail" if left else "stuck")
            return
        highest = self._sensors.high
        program, ms = self._program, self._ms
        match state:
            case _ if pressed and program.is_over(ms):
                self._stay_armed = True
                self._go_to(VENTING)
            case _ if pressed and program.too_high(ms, tick_ms, highest):
                self._trip("overpressure")
            case 2 if program.reached(ms, highest):  # INFLATING
                self._go_to(HOLD)
            case 2 if program.does_not_rise(ms, highest):
                self._trip("stuck" if self._sensors.stand_still else "leak")
            case 3 if program.lost(tick_ms, highest):  # HOLD
                self._trip("leak")
            case 4 if self._sensors.empty:  # VENTING
                self._go_to(ARMED if self._stay_armed else IDLE)

    def _alive(self) -> bool:
        return self._ms - self._heartbeat_ms < self._lease_ms

    def _trip(self, name: str) -> None:
        fault = table.FAULTS.index(name)
        self._fault = self._fault or fault  # the first cause stays
        self._stay_armed, self._hush = False, Hush()
        self._told_left |= name == "vent_fail"
        if self._state == SELFTEST and name != "selftest":
            self._say_tested(selftest.BROKEN_OFF)
        if self._tested == selftest.PASSED and name not in table.KEEPS_SELFTEST:
            self._tested = 0
        self._go_to(FAULT)
        self._emit(cuff1.encode_event(cuff1.DeviceEvent(self._ms, FAULT_EVENT, fault)))

    def _go_to(self, state: int) -> None:
        time_s = self._start_s + self._ms / 1000
        closed, closes = self._state in (INFLATING, HOLD), state in (INFLATING, HOLD)
        if state != self._state:
            self._state = state
            self._witness(f"state {table.STATES[state]}", time_s)
        if closed != closes:
            self._witness("valve closed" if closes else "valve open", time_s)
        if not closes:
            self._program = FiniteProgram()

    @property
    def _fed(self) -> int:
        """Return the regulator's momentary target."""
        tests = self._state == SELFTEST
        return self._test.target_tenths if tests else self._program.asked(self._ms)

    def _send_status(self) -> None:
        self._counter += 1
        conditions = (self._tested == selftest.PASSED, not self._loop_closed, self.buzzer != "off")
        flags = [name for name, holds in zip(table.FLAGS, conditions, strict=True) if holds]
        target, age_ms = self._program.asked(self._ms), self._ms - self._heartbeat_ms
        drive = self._fed * table.DRIVE_MAX // table.FULL_SCALE_TENTHS
        air = (self._sensors.first, self._sensors.second, target, drive)
        wire = (min(age_ms, NO_HEARTBEAT), self._commands.bad_frames, cuff1.flags(*flags))
        status = cuff1.Status(self._counter, self._ms, self._state, self._fault, *air, *wire)
        self._emit(cuff1.encode_status(status))

    def _emit(self, data: bytes) -> None:
        self._out += data
