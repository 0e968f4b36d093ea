"""The emulated Alicat pressure controller: the device's half of the ASCII protocol.

Bytes in, bytes out, time passed in. Like the real one it has a full scale, a set-point, an exhaust and
status words, and neither a finite program nor a watchdog: left alone it holds its pressure for ever.
A command that begins before the last answer has ended is lost here (the manual calls it undefined).
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.errors import HardwareUnavailable
from hardware.sim.plant import Plant

TICK_MS: Final = 5
REST_TICK_MS: Final = 20
THINKING_MS: Final = 5
"""From the end of a command's idle time to the first byte of its answer (assumed; 4 ms for a whole
exchange at 115200 baud was measured by others on a flow controller [V])."""
FIRMWARE: Final = "9v09-emulated"
EMPTY_MMHG: Final = 15.0
AT_TARGET_MMHG: Final = 5.0
_BYTE_MS: Final = table.BITS_PER_BYTE * 1000 / table.BAUD

Witness = Callable[[str, float], None]
"""Told what the valve and the states do: (what, device time in seconds)."""


class EmulatedAlicat:
    """One dual-valve gauge pressure controller with its cuff.

    Parameters
    ----------
    plant
        The air in the cuff.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Called with ``valve closed``, ``valve open``, ``state ...``, ``vent byte`` (the exhaust command
        was taken) when it happens.
    unit_id, pressure_unit
        As configured on the device.
    ceiling_mmhg
        Its full scale: a higher set-point is not taken. 10 psi by default, the smallest common range.

    Raises
    ------
    HardwareUnavailable
        If there is no such unit id or pressure unit.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        start_s: float,
        witness: Witness | None,
        unit_id: str = "A",
        pressure_unit: str = "mmHg",
        ceiling_mmhg: float = 10 * table.MMHG_PER["psi"],
        serial_number: str = "E0002",
    ) -> None:
        if unit_id not in tuple(table.UNIT_IDS) or pressure_unit not in table.MMHG_PER:
            raise HardwareUnavailable(
                f"no device has unit id {unit_id!r} and unit {pressure_unit!r}",
                where="emulated pressure controller",
                do=f"use A to Z and one of {', '.join(table.MMHG_PER)}",
            )
        self._plant, self._start_s = plant, start_s
        self._witness = witness or (lambda what, time_s: None)
        self._full_scale_mmhg, self._serial_number = ceiling_mmhg, serial_number
        decimals = {"mmHg": 1, "kPa": 2, "psi": 3}[pressure_unit]
        unit = pressure_unit + "G"
        self.frame = alicat.FrameFormat(
            unit_id=unit_id,
            columns=(
                alicat.Column("Gauge Press", 7, decimals, unit),
                alicat.Column("Gauge Press Setpt", 7, decimals, unit),
            ),
            pressure_at=0,
            setpoint_at=1,
            unit=pressure_unit,
            reference="G",
            flags=frozenset({"ADC", "EXH", "HLD", "LCK", "OPL", "OVR", "POV"}),
        )
        self.extra_flags: tuple[str, ...] = ("LCK",)
        """Status words that a test wants to see in every line."""
        self.overlaps = 0
        """Commands that were lost because they began before the last answer had ended."""
        self._commands = alicat.CommandDecoder(unit_id)
        self._due: deque[tuple[float, alicat.HostCommand | alicat.BadCommand]] = deque()
        self._answers: deque[tuple[float, bytes]] = deque()
        self._ms = 0.0
        self._setpoint_mmhg = 0.0
        self._exhausting = self._held = False
        self._closed_ms = 0.0
        self._state = "idle"

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure, which no sensor knows."""
        return self._plant.pressure_mmhg

    @property
    def state(self) -> str:
        """Return what goes on: ``idle``, ``venting``, ``inflating``, ``hold`` (also: held valves)."""
        return self._state

    def restart(self) -> None:
        """Lose power for a moment: it comes back with its last set-point and without its exhaust.

        Whether a real one keeps its set-point depends on its settings; this is the worse case.
        """
        self._witness("restart", self._now_s())
        self._due.clear()
        self._answers.clear()
        self._commands = alicat.CommandDecoder(self.frame.unit_id)
        self._switch(exhausting=False, held=False)

    def next_output_s(self) -> float:
        """Return when something happens here that was not asked for just now."""
        due_ms = [entries[0][0] for entries in (self._due, self._answers) if entries]
        rest_ms = (self._ms // REST_TICK_MS + 1) * REST_TICK_MS
        return self._start_s + min([rest_ms, *due_ms]) / 1000

    def receive(self, data: bytes) -> None:
        """Take bytes from the host. Call `advance` first, so that they arrive now."""
        busy = bool(self._answers or self._due)
        wire_ms = len(data) * _BYTE_MS
        for command in self._commands.receive(data):
            if busy:
                self.overlaps += 1
                continue
            busy = True
            # it acts when the line has been idle for a while behind the command [V]
            acts_ms = self._ms + wire_ms + table.IDLE_BYTES * _BYTE_MS
            self._due.append((acts_ms, command))

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return what the device has sent."""
        target_ms = (now_s - self._start_s) * 1000 + 1e-6
        out = bytearray()
        while self._ms < target_ms:
            at_rest = self._state == "idle" and not self._plant.pressure_mmhg
            tick_ms = min(REST_TICK_MS if at_rest else TICK_MS, target_ms - self._ms)
            if self._due:
                tick_ms = min(tick_ms, max(self._due[0][0] - self._ms, 0.0))
            self._ms += tick_ms
            self._pass(tick_ms / 1000)
            if self._due and self._due[0][0] <= self._ms:
                self._obey(self._due.popleft()[1])
        while self._answers and self._answers[0][0] <= target_ms:
            out += self._answers.popleft()[1]
        return bytes(out)

    def at_panel(self, body: bytes) -> None:
        """Do what a person can do at the front panel or another master on the bus: no answer is sent."""
        unit_id = self.frame.unit_id
        for command in alicat.CommandDecoder(unit_id).receive(alicat.encode_command(unit_id, body)):
            self._carry_out(command)

    # -- commands

    def _obey(self, command: alicat.HostCommand | alicat.BadCommand) -> None:
        unit_id = self.frame.unit_id
        if not self._carry_out(command):
            lines = [unit_id.encode("ascii") + b" " + table.NOT_UNDERSTOOD + table.END]
        elif command == alicat.HostCommand(table.INFO_QUERY):
            model = f"PCD-{self._full_scale_mmhg / table.MMHG_PER['psi']:.4g}PSIG-D"
            lines = alicat.encode_info(unit_id, model, self._serial_number, FIRMWARE)
        elif command == alicat.HostCommand(table.FRAME_QUERY):
            lines = [*alicat.encode_frame(self.frame), table.END]
        else:
            lines = [self._data_line()]
        ready_ms = self._ms + THINKING_MS
        for line in lines:
            ready_ms += len(line) * _BYTE_MS
            self._answers.append((ready_ms, line))

    def _carry_out(self, command: alicat.HostCommand | alicat.BadCommand) -> bool:
        if isinstance(command, alicat.BadCommand):
            return False
        match command.name:
            case table.EXHAUST:
                self._witness("vent byte", self._now_s())
                self._switch(exhausting=True, held=False)
            case table.CANCEL:
                self._switch(exhausting=False, held=False)
            case table.HOLD_CLOSED | table.HOLD_POSITION:
                self._switch(exhausting=False, held=True)
            case table.SETPOINT:
                # out of range is not taken: the answer shows the set-point that stays [V: taken ones]
                asked_mmhg = self._mmhg(command.value or 0.0)
                if 0.0 <= asked_mmhg <= self._full_scale_mmhg + 1e-6:
                    self._setpoint_mmhg = asked_mmhg
        return True

    def _switch(self, *, exhausting: bool, held: bool) -> None:
        if exhausting != self._exhausting:
            self._witness("valve open" if exhausting else "valve closed", self._now_s())
        if self._exhausting and not exhausting:
            self._closed_ms = self._ms
        self._exhausting, self._held = exhausting, held
        self._look()

    # -- time

    def _pass(self, dt_s: float) -> None:
        if self._exhausting:
            self._plant.vent(dt_s=dt_s)
        elif not self._held:
            on_for_s = (self._ms - self._closed_ms) / 1000
            self._plant.fill(target_mmhg=self._setpoint_mmhg, on_for_s=on_for_s, dt_s=dt_s)
        self._look()

    def _look(self) -> None:
        pressure_mmhg = self._plant.pressure_mmhg
        if self._exhausting:
            state = "venting" if pressure_mmhg >= EMPTY_MMHG else "idle"
        elif self._held or abs(pressure_mmhg - self._setpoint_mmhg) <= AT_TARGET_MMHG:
            state = "hold" if self._held or self._setpoint_mmhg else "idle"
        else:
            state = "inflating" if pressure_mmhg < self._setpoint_mmhg else "venting"
        if state == "inflating" and self._state == "hold":
            return  # sensor noise and small leaks do not leave the target
        if state != self._state:
            self._state = state
            self._witness(f"state {state}", self._now_s())

    def _data_line(self) -> bytes:
        measured_mmhg = self._plant.sensors_tenths()[0] / 10
        over = measured_mmhg > 1.02 * self._full_scale_mmhg
        said = {"EXH": self._exhausting, "HLD": self._held, "POV": over}
        flags = [flag for flag, on in said.items() if on and flag not in self.extra_flags]
        step_mmhg = self.frame.step_mmhg
        values = (
            round(measured_mmhg / step_mmhg),
            math.floor(self._setpoint_mmhg / step_mmhg + 0.5),
        )
        return alicat.encode_data(self.frame, values, (*flags, *self.extra_flags))

    def _mmhg(self, value: float) -> float:
        return value * table.MMHG_PER[self.frame.unit]

    def _now_s(self) -> float:
        return self._start_s + self._ms / 1000
