"""The emulated LabBench DeviceHost with a CPAR+ and its cuff behind it: text in, text out.

Time is passed in. Like the real one it keeps the device alive by itself, keeps samples only while
something plays, forgets them when they are asked for and when something new begins, and goes on
answering with the last state it heard when the device has fallen silent.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from hardware.codec import devicehost
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Answer,
    BadRequest,
    Done,
    Heard,
    Instruction,
    Rating,
    Refused,
    Request,
    Signals,
    Start,
    State,
    Waveform,
    Who,
)
from hardware.sim.plant import Plant
from hardware.units import MMHG_PER_KPA

ANSWER_MS: Final = 2
"""Time from a request to its answer (assumed: one or two frames at 38400 baud beneath)."""
PLANT_MS: Final = 5
PING_MS: Final = 1000
WATCHDOG_MS: Final = 5000
"""After this the device stops without DeviceHost's pings (assumed: the real time is in no source)."""
SUPPLY_TENTHS: Final = 6000
VERSION: Final = "1.0.1 emulated"

Witness = Callable[[str, float], None]


class _Outlet:
    """One outlet: the program it plays, and its air."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.target = 0.0
        self._steps: tuple[Instruction, ...] = ()
        self._at_ms = self._on_ms = 0

    def start(self, steps: tuple[Instruction, ...]) -> None:
        """Begin at 0."""
        self._steps, self._at_ms, self.target = steps, 0, 0.0

    def tick(self) -> bool:
        """Let the program go on by a tick of the device; return whether it is not over."""
        if self._steps and self._at_ms >= self._steps[0].duration_ms:
            self._steps, self._at_ms = self._steps[1:], 0
        if not self._steps:
            self.target = 0.0
            return False
        step = self._steps[0]
        change = step.argument * table.TICK_MS / 1000
        rises = {"STEP": 0.0, "INC": change, "DEC": -change}[step.name]
        level = float(step.argument) if step.name == "STEP" else self.target + rises
        self.target = min(max(level, 0.0), float(table.MOST_TENTHS))
        self._at_ms += table.TICK_MS
        return True

    def advance(self, ms: int) -> None:
        """Let time pass in the air."""
        if self.target:
            self._on_ms += ms
            target_mmhg = self.target / 10 * MMHG_PER_KPA
            on_for_s = self._on_ms / 1000
            self.plant.fill(target_mmhg=target_mmhg, on_for_s=on_for_s, dt_s=ms / 1000)
        else:
            self._on_ms = 0
            self.plant.vent(dt_s=ms / 1000)

    def measured(self) -> int:
        """Return what DeviceHost says: whole tenths of a kilopascal, cut off."""
        return int(self.plant.sensors_tenths()[0] / MMHG_PER_KPA)


class EmulatedDeviceHost:
    """DeviceHost and one CPAR+ with its cuff on outlet 1.

    Public attributes are what a hand or a fault can change: ``emergency``, ``button_down``,
    ``response_connected``, ``power_on``, ``supply_low``; ``device_silent`` (no status and no answer
    from the device; DeviceHost goes on), ``host_dead`` (DeviceHost neither answers nor pings),
    ``crossed`` (the air goes to the other outlet), ``deaf_to`` (commands without an effect, though
    acknowledged), ``mute`` (commands without an answer), ``refuses`` (commands that the device says
    no to), ``swallows`` (a packet that comes while another one waits for its answer is lost),
    ``keeps_always`` (samples are kept while idle too).

    Parameters
    ----------
    plant
        The air in the cuff.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Called with ``valve closed``, ``valve open``, ``state ...``, ``vent byte`` (a stop came).
    """

    def __init__(self, plant: Plant, *, start_s: float, witness: Witness | None = None) -> None:
        self._start_s = start_s
        self._witness = witness or (lambda what, time_s: None)
        self._outlets = (_Outlet(plant), _Outlet(Plant(seed=99)))
        self._requests = devicehost.RequestDecoder()
        self._due: deque[tuple[int, bytes]] = deque()
        self._ms = self._ping_ms = self._run_ms = 0
        self._state, self._condition = table.IDLE, "STOPCOND_NO_CONDITION"
        self._criterion = table.STOP_ON_BUTTON
        self._final = (0, 0)
        self._closed = self._latched = False
        self._programs: dict[int, tuple[Instruction, ...]] = {}
        # what DeviceHost knows
        self._handlers: set[str] = set()
        self.port_open = False
        self._kept: list[tuple[int, int, int]] = []
        self._status: State | None = None
        self.emergency = self.button_down = self.supply_low = False
        self.response_connected = self.power_on = True
        self.device_silent = self.host_dead = self.crossed = False
        self.swallows = self.keeps_always = False
        self.deaf_to: set[str] = set()
        self.mute: set[str] = set()
        self.refuses: set[str] = set()
        self.heard: list[tuple[float, str]] = []
        """What was asked, and when: commands only."""
        self.starts: list[tuple[float, Start, tuple[Instruction, ...]]] = []
        """What was started, and what outlet 1 plays."""

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure at outlet 1, which no sensor knows."""
        return self._outlets[0].plant.pressure_mmhg

    @property
    def state(self) -> str:
        """Return the state as DeviceHost names it."""
        return self._state

    def next_output_s(self) -> float:
        """Return when something happens here that was not asked for just now."""
        next_ms = (self._ms // table.SAMPLE_MS + 1) * table.SAMPLE_MS
        return self._start_s + min([next_ms, *(due_ms for due_ms, _ in self._due)]) / 1000

    def restart(self) -> None:
        """Lose the device's power for a moment: programs are forgotten, the valves are open."""
        self._end("STOPCOND_NO_CONDITION")
        self._programs.clear()

    def receive(self, data: bytes) -> None:
        """Take bytes from the host. Call `advance` first, so that they arrive now."""
        if self.host_dead:
            return
        for heard in self._requests.receive(data):
            if self._due and self.swallows:
                continue
            name = _name(heard)
            self.heard.append((self._now_s(), name))
            if name == "STOP":
                self._witness("vent byte", self._now_s())
            answer: Answer = Refused(table.FAILED)
            if name not in self.refuses:
                answer = Done() if name in self.deaf_to else self._obey(heard)
            if name not in self.mute:
                self._due.append((self._ms + ANSWER_MS, devicehost.encode_response(answer)))

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return what DeviceHost has sent."""
        target_ms = int((now_s - self._start_s) * 1000 + 1e-6)
        while self._ms < target_ms:
            at_rest = not any(o.target or o.plant.pressure_mmhg for o in self._outlets)
            grid_ms = table.TICK_MS if self._state == table.STIMULATING else PLANT_MS
            if at_rest and self._state != table.STIMULATING:
                grid_ms = table.SAMPLE_MS
            ms = min(grid_ms - self._ms % grid_ms, target_ms - self._ms)
            self._ms += ms
            for outlet in self._outlets:
                outlet.advance(ms)
            self._judge()
            if self._state == table.STIMULATING and self._ms % table.TICK_MS == 0:
                self._play()
            if self._ms % table.SAMPLE_MS == 0 and not self.device_silent:
                self._report()
        out = b""
        while self._due and self._due[0][0] <= self._ms:
            out += self._due.popleft()[1]
        return b"" if self.host_dead else out

    # -- DeviceHost

    def _obey(self, heard: Heard | BadRequest) -> Answer:
        if isinstance(heard, BadRequest):
            return Refused(heard.error)
        port, request = heard.port, heard.request
        match request:
            case Request("CREATE"):
                if port in self._handlers:
                    return Refused(table.HANDLER_EXISTS)
                self._handlers.add(port)
                return Done()
            case _ if port not in self._handlers:
                return Refused("NoHandlerFound")
            case Request("OPEN"):
                self.port_open = True
                return Done()
            case Request("STATE"):
                return Refused(table.NO_STATUS) if self._status is None else self._status
            case Request("SIGNALS"):
                kept, self._kept = tuple(self._kept), []
                return Signals(kept)
            case Request("RATING"):
                latched, self._latched = self._latched, False
                return Rating(0, 0, self.button_down, latched)
        if not self.port_open:
            return Refused(table.DEVICE_CLOSED)
        return Refused(table.FAILED) if self.device_silent else self._device(request)

    def _report(self) -> None:
        """Hear the device's status, as it comes 20 times a second."""
        if not self.port_open or self.host_dead:
            return
        self._latched = self._latched or self.button_down
        self._status = State(
            state=self._state,
            response_connected=self.response_connected,
            response_low=True,
            power=self.power_on,
            start_possible=self._can_start(),
            supply_ok=not self.supply_low,
            stop_condition=self._condition,
            final_tenths=self._final,
            supply_tenths=SUPPLY_TENTHS,
        )
        if self._state == table.STIMULATING or self.keeps_always:
            self._kept.append((self._outlets[0].measured(), self._outlets[1].measured(), 0))

    # -- the device

    def _device(self, request: Request | Waveform | Start) -> Answer:
        match request:
            case Waveform(channel, instructions):
                if self._state != table.IDLE or not _legal(channel, instructions):
                    return Refused(table.FAILED)
                self._programs[channel] = instructions
                return Done()
            case Start():
                return self._begin(request)
            case Request("STOP"):
                if self._state == table.STIMULATING:
                    self._end("STOPCOND_HOST")
                return Done()
            case Request("CLEAR"):
                self._programs.clear()
                return Done()
        return Who(table.MODEL, VERSION)

    def _can_start(self) -> bool:
        ready = self.response_connected and self.power_on and not self.supply_low
        return ready and self._state == table.IDLE and not self.emergency

    def _begin(self, start: Start) -> Answer:
        outlets = start.outlets[::-1] if self.crossed else start.outlets
        programs = [self._programs.get(channel, ()) for channel in outlets]
        if not self._can_start() or not any(programs):
            return Refused(table.FAILED)
        self._criterion = start.criterion
        self._run_ms = self._ping_ms = self._ms
        self._condition = "STOPCOND_NO_CONDITION"
        for outlet, program in zip(self._outlets, programs, strict=True):
            outlet.start(program)
        self.starts.append((self._now_s(), start, programs[0]))
        self._kept = []
        self._go_to(table.STIMULATING)
        self._play()
        return Done()

    def _play(self) -> None:
        if not any([outlet.tick() for outlet in self._outlets]):
            self._end("STOPCOND_STIMULATION_COMPLETED")
        self._valve()

    def _judge(self) -> None:
        """Look at button, flags, watchdog and time limit: they act within one step of the air."""
        if not self.host_dead and self._ms - self._ping_ms >= PING_MS:
            self._ping_ms = self._ms  # DeviceHost's own, whether its client lives or not
        if self.emergency != (self._state == table.EMERGENCY):
            self._end("STOPCOND_EMERGENCY_STOP")
            self._go_to(table.EMERGENCY if self.emergency else table.IDLE)
        if self._state != table.STIMULATING:
            return
        pressed = self.button_down != (self._criterion == table.STOP_CRITERIA[2])
        ends = (
            (pressed, "STOPCOND_BUTTON"),
            (not self.response_connected, "STOPCOND_RESPONSE_DEVICE_DISCONNECTED"),
            (not self.power_on, "STOPCOND_POWER"),
            (self.supply_low, "STOPCOND_SUPPLY_PRESSURE"),
            (self._ms - self._run_ms >= table.RUN_S_MAX * 1000, "STOPCOND_MAXIMAL_TIME"),
            (self._ms - self._ping_ms >= WATCHDOG_MS, "STOPCOND_COMM_WATCHDOG"),
        )
        condition = next((name for applies, name in ends if applies), None)
        if condition is not None:
            self._end(condition)

    def _end(self, condition: str) -> None:
        if self._state == table.STIMULATING:
            self._condition = condition
            self._final = (self._outlets[0].measured(), self._outlets[1].measured())
        for outlet in self._outlets:
            outlet.start(())
        self._go_to(table.IDLE)

    def _go_to(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._witness(f"state {state}", self._now_s())
        self._valve()

    def _valve(self) -> None:
        closed = any(outlet.target for outlet in self._outlets)
        if closed != self._closed:
            self._closed = closed
            self._witness("valve closed" if closed else "valve open", self._now_s())

    def _now_s(self) -> float:
        return self._start_s + self._ms / 1000


def _legal(channel: int, instructions: tuple[Instruction, ...]) -> bool:
    """Return whether the device takes a program: its own limits, whatever its host thinks."""
    level, total_ms = 0.0, 0
    for step in instructions:
        change = step.argument * step.duration_ms / 1000
        level = {"STEP": step.argument, "INC": level + change, "DEC": level - change}[step.name]
        total_ms += step.duration_ms
        if not (0.0 <= level <= table.MOST_TENTHS and 0 <= step.argument <= table.MOST_TENTHS):
            return False
    return channel in (0, 1) and bool(instructions) and math.isfinite(level) and total_ms > 0


def _name(heard: Heard | BadRequest) -> str:
    match heard:
        case Heard(_, Request(command)):
            return command
        case Heard(_, Waveform()):
            return "WAVEFORM"
        case Heard(_, Start()):
            return "START"
    return "?"
