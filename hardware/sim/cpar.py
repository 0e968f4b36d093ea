"""The emulated CPAR: the device's half of maps C and A, with its own limits and watchdog.

Bytes in, bytes out, time passed in. The firmware of a CPAR is not public: what this does inside is
inferred from the vendor's hosts, and where even they say nothing it is an assumption, marked so.
"""

from collections.abc import Callable
from typing import Final, Literal

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    BadRequest,
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    HostRequest,
    Instruction,
    Negative,
    ProgramLoaded,
    Reply,
    Request,
    SetProgram,
    Start,
    Status,
    crc8,
    instruction_bytes,
    mmhg_from_units,
)
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.sim.plant import Plant
from hardware.units import MMHG_PER_KPA

PLANT_MS: Final = 5
WATCHDOG_MS: Final = 2500
"""Assumed: the vendor's host kicks every 2 s, so the real time must be longer than that."""
REFILL_MS: Final = 5000
"""Assumed: how long the compressor runs after a run in its automatic mode."""
SUPPLY: Final = 178
"""698 kPa, as in a status message of the protocol's description."""
NOT_IDLE, NO_METER, RATING_NOT_ZERO, NO_SUPPLY, NO_POWER, EMERGENCY_ON = 3, 5, 6, 7, 8, 9
"""Negative answers of the CPAR+ (assumed for the CPAR, whose own are not known)."""

Witness = Callable[[str, float], None]
"""Told what the valve and the states do: (what, device time in seconds)."""


class _Outlet:
    """One channel's interpreter, in 8.8 counts at 20 Hz, and the air behind its outlet."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.program: SetProgram | None = None
        self.target = 0
        self.on_ms = 0
        self._steps: list[Instruction] = []
        self._left = 0

    def start(self) -> None:
        """Begin the program at 0."""
        p = self.program
        self._steps = [] if p is None else list(p.instructions) * p.repeat
        self._left = self.target = self.on_ms = 0

    def stop(self) -> None:
        """Forget what was left of the program."""
        self._steps, self._left, self.target = [], 0, 0

    def tick(self) -> bool:
        """Begin the next 50 ms; return whether the program goes on."""
        if not self._left and not self._steps:
            self.target = 0
            return False
        first = not self._left
        if first:
            self._left = self._steps[0].ticks
        now = self._steps[0]
        match now.operation:
            case table.STEP:
                self.target = now.argument
            case table.INC:
                self.target = min(self.target + now.argument, table.MOST_UNITS)
            case table.DEC:
                self.target = max(self.target - now.argument, 0)
        self._left -= 1
        if not self._left:
            self._steps.pop(0)
        return True

    def advance(self, ms: int) -> None:
        """Let time pass in the air."""
        if self.target:
            self.on_ms += ms
            mmhg = mmhg_from_units(self.target)
            self.plant.fill(target_mmhg=mmhg, on_for_s=self.on_ms / 1000, dt_s=ms / 1000)
        else:
            self.on_ms = 0
            self.plant.vent(dt_s=ms / 1000)

    def measured(self) -> int:
        """Return what the pressure byte says: whole counts."""
        kpa = self.plant.sensors_tenths()[0] / 10 / MMHG_PER_KPA
        return min(max(int(kpa * table.COUNTS / table.FULL_SCALE_KPA + 0.5), 0), table.COUNTS)


class EmulatedCpar:
    """One CPAR with its cuff on outlet 1.

    Public attributes are what a hand or a fault can change: ``emergency``, ``button_down``,
    ``meter_connected``, ``rating``, ``power_on``, ``compressor_on``; ``wrong_crc`` (answers with
    another checksum), ``mute`` (verbs without an answer), ``deaf_to`` (verbs without an effect,
    though acknowledged), ``frozen`` (repeats its last status and hears nothing), ``crossed``
    (the air goes to the other outlet).

    Parameters
    ----------
    plant
        The air in the cuff.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Called with ``valve closed``, ``valve open``, ``state ...``, ``vent byte`` (a stop came).
    """

    def __init__(
        self,
        plant: Plant,
        *,
        start_s: float,
        witness: Witness | None = None,
        map_: Literal["A", "C"] = "C",
        serial_number: int = 1,
    ) -> None:
        self._map = CommandMap(map_)
        self._start_s, self._serial_number = start_s, serial_number
        self._witness = witness or (lambda what, time_s: None)
        self._requests = cpar.RequestDecoder(self._map)
        self._outlets = (_Outlet(plant), _Outlet(Plant(seed=99)))
        self._out = bytearray()
        self._ms = 0
        self._state = table.IDLE
        self._condition = 0
        self._criterion = self._update = self._count = self._final_rating = 0
        self._final = (0, 0)
        self._run_ms = self._kick_ms = self._refill_ms = 0
        self._auto = True
        self._closed = False
        self._last_status = b""
        self.emergency = self.button_down = self.compressor_on = False
        self.meter_connected = self.power_on = True
        self.rating = 0
        self.wrong_crc = self.frozen = self.crossed = False
        self.mute: set[Verb] = set()
        self.deaf_to: set[Verb] = set()

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure at outlet 1, which no sensor knows."""
        return self._outlets[0].plant.pressure_mmhg

    @property
    def state(self) -> str:
        """Return the state's name."""
        return table.STATES[self._state]

    def next_output_s(self) -> float:
        """Return when the next status message is due."""
        return self._start_s + (self._ms // table.TICK_MS + 1) * table.TICK_S

    def restart(self) -> None:
        """Lose power and come back: everything is forgotten, the valves are open."""
        self._end(0)
        self._condition = self._count = self._update = 0
        for outlet in self._outlets:
            outlet.program = None

    def receive(self, data: bytes) -> None:
        """Take bytes from the host. Call `advance` first, so that they arrive now."""
        for request in self._requests.receive(data):
            if self.frozen:
                continue
            verb = _verb(request)
            if verb is Verb.STOP:
                self._witness("vent byte", self._now_s())
            self._count = (self._count + 1) % 2**32
            answer = self._obey(request) if verb not in self.deaf_to else Done(verb or Verb.STOP)
            if verb not in self.mute:
                self._say(answer)

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return what the device has sent."""
        target_ms = int((now_s - self._start_s) * 1000 + 1e-6)
        while self._ms < target_ms:
            to_tick = table.TICK_MS - self._ms % table.TICK_MS
            at_rest = not any(o.target or o.plant.pressure_mmhg for o in self._outlets)
            ms = min(to_tick if at_rest else PLANT_MS, to_tick, target_ms - self._ms)
            self._ms += ms
            for outlet in self._outlets:
                outlet.advance(ms)
            self._judge()
            if self._ms % table.TICK_MS == 0:
                self._tick()
        out, self._out = bytes(self._out), bytearray()
        return out

    # -- requests

    def _obey(self, request: HostRequest | BadRequest) -> Reply:
        match request:
            case BadRequest(_, error):
                return Negative(error)
            case SetProgram():
                return self._program(request)
            case Start():
                error = self._cannot_start(force=request.force)
                return Negative(error) if error else self._begin(request)
            case Request(Verb.IDENTIFY):
                return self._identity()
            case Request(Verb.KICK):
                self._kick_ms = self._ms
                return Counter(self._count)
            case Request():
                if self._state == table.STIMULATING:
                    self._end(table.STOP_CONDITIONS.index("host_stop"))
                return Done(Verb.STOP)

    def _program(self, request: SetProgram) -> Reply:
        if self._state == table.STIMULATING:
            return Negative(NOT_IDLE)  # assumed
        channel = 1 - request.channel if self.crossed else request.channel
        self._outlets[channel].program = request
        return ProgramLoaded(crc8(instruction_bytes(request.instructions)) ^ self.wrong_crc)

    def _cannot_start(self, *, force: bool) -> int:
        reasons = (
            (self.emergency, EMERGENCY_ON),
            (self._state != table.IDLE, NOT_IDLE),
            (not self.power_on, NO_POWER),
            (not self.meter_connected, NO_METER),
            (self.rating != 0 and not force, RATING_NOT_ZERO),
            (self._compressor_runs(), NO_SUPPLY),
        )
        return next((error for applies, error in reasons if applies), 0)

    def _begin(self, start: Start) -> Reply:
        self._criterion = start.criterion
        self._auto = start.compressor == table.COMPRESSOR_AUTO
        self._condition = self._update = self._final_rating = 0
        self._final = (0, 0)
        self._run_ms = self._ms
        # a run begins with the watchdog fresh (assumed)
        self._kick_ms = self._ms
        for outlet in self._outlets:
            outlet.start()
        self._go_to(table.STIMULATING)
        self._event("stimulation_started")
        self._step_programs()
        return Done(Verb.START)

    def _identity(self) -> DeviceIdentity:
        on_a = self._map is CommandMap.A
        return DeviceIdentity(
            length=table.ANSWER_BYTES[self._map][Verb.IDENTIFY],
            manufacturer=None if on_a else table.NOCITECH,
            device_type=table.CPAR,
            serial_number=self._serial_number,
            version=(6, 0, 0) if on_a else (8, 0, 0),
            engineering=table.EMULATOR_MARK if on_a else 0,
            checksum=table.EMULATOR_MARK,
            manufacturer_name="" if on_a else "emulated",
            device_name="" if on_a else "CPAR",
        )

    # -- time

    def _judge(self) -> None:
        """Look at button, flags, watchdog and time limit: they act within one step of the air."""
        if self.emergency != (self._state == table.EMERGENCY):
            if self.emergency:
                self._end(table.STOP_CONDITIONS.index("emergency_stop"), table.EMERGENCY)
            else:
                self._go_to(table.IDLE)
            self._event("emergency_activated" if self.emergency else "emergency_released")
        if self._state != table.STIMULATING:
            return
        pressed = self.button_down != (self._criterion == table.STOP_ON_RELEASE)
        full = self.rating >= table.COUNTS and self._criterion == table.STOP_ON_BUTTON_OR_RATING
        ends = (
            (pressed, "button"),
            (full, "maximum_rating"),
            (not self.meter_connected, "meter_disconnected"),
            (not self.power_on, "power_off"),
            (self._ms - self._run_ms >= table.RUN_S_MAX * 1000, "maximum_time"),
            (self._ms - self._kick_ms >= WATCHDOG_MS, "watchdog"),
        )
        for applies, condition in ends:
            if applies:
                self._end(table.STOP_CONDITIONS.index(condition))
                if condition == "watchdog":
                    self._event("watchdog")
                return

    def _tick(self) -> None:
        if self._state == table.STIMULATING and self._ms > self._run_ms:
            self._step_programs()
        if not self.frozen or not self._last_status:
            self._last_status = cpar.encode_reply(self._status(), self._map)
        self._out += self._last_status

    def _step_programs(self) -> None:
        self._update = (self._update + 1) % 65536
        going = [outlet.tick() for outlet in self._outlets]
        if not any(going):
            self._end(table.STOP_CONDITIONS.index("completed"))
            self._event("waveforms_completed")
        self._valve()

    def _end(self, condition: int, state: int = table.IDLE) -> None:
        running = self._state == table.STIMULATING
        if running or condition == table.STOP_CONDITIONS.index("emergency_stop"):
            self._condition = condition
        for outlet in self._outlets:
            outlet.stop()
        self._go_to(state)
        if running:
            self._final = (self._outlets[0].measured(), self._outlets[1].measured())
            self._final_rating = self.rating
            self._refill_ms = self._ms + REFILL_MS if self._auto else self._ms
            self._event("stimulation_stopped")

    def _go_to(self, state: int) -> None:
        if state != self._state:
            self._state = state
            self._witness(f"state {table.STATES[state]}", self._now_s())
        self._valve()

    def _valve(self) -> None:
        closed = any(outlet.target for outlet in self._outlets)
        if closed != self._closed:
            self._closed = closed
            self._witness("valve closed" if closed else "valve open", self._now_s())

    def _compressor_runs(self) -> bool:
        return self.compressor_on or self._ms < self._refill_ms

    def _status(self) -> Status:
        flags = (
            table.METER_CONNECTED * self.meter_connected
            | table.RATING_LOW * (self.rating == 0)
            | table.POWER_ON * self.power_on
            | table.COMPRESSOR_ON * self._compressor_runs()
            | table.START_POSSIBLE * (self._cannot_start(force=False) == 0)
        )
        first, second = self._outlets
        return Status(
            state=self._state,
            flags=flags,
            update_counter=self._update,
            stop_condition=self._condition,
            rating=self.rating,
            final_rating=self._final_rating,
            supply=SUPPLY,
            actual=(first.measured(), second.measured()),
            target=(first.target // 256, second.target // 256),
            final=self._final,
            button_down=None if self._map is CommandMap.A else self.button_down,
        )

    def _event(self, name: str) -> None:
        self._say(DeviceEvent(table.EVENTS[self._map].index(name)))

    def _say(self, reply: Reply) -> None:
        self._out += cpar.encode_reply(reply, self._map)

    def _now_s(self) -> float:
        return self._start_s + self._ms / 1000


def _verb(request: HostRequest | BadRequest) -> Verb | None:
    match request:
        case SetProgram():
            return Verb.PROGRAM
        case Start(force=force):
            return Verb.FORCE_START if force else Verb.START
        case Request(verb):
            return verb
    return None
