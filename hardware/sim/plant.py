"""A cuff as pneumatics: fill and vent as first-order lags, overshoot, leak, sensor noise; seeded."""

import math
import random
from dataclasses import dataclass
from typing import Final

NOISE_VALUES: Final = 4096
IN_FRONT_TAU_S: Final = 0.02
"""The device's own air in front of a kink fills and empties almost at once (assumed)."""
WIRE_TENTHS: Final = {"open": -500, "short": 4500}
"""What a sensor reads whose wire is at 0 V or at 5 V: 0.5 to 4.5 V are 0 to 400 mmHg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSettings:
    """What the emulated cuff is like (assumed; hose of a few metres).

    ``fill_tau_s`` and ``vent_tau_s``: time constants, of venting through both paths;
    ``first_path_share``: what the first path alone lets through of that, the second lets through the
    rest. ``overshoot``: share of the target by which the regulator overshoots at first, dying out with
    ``overshoot_tau_s``. ``leak_per_s``: share of the pressure lost each second. ``noise_mmhg``: standard
    deviation of each sensor.
    """

    fill_tau_s: float = 0.35
    vent_tau_s: float = 0.4
    first_path_share: float = 0.5
    overshoot: float = 0.04
    overshoot_tau_s: float = 0.8
    leak_per_s: float = 0.01
    noise_mmhg: float = 0.25


@dataclass(slots=True)
class Trouble:
    """What is wrong with the pneumatics and the sensors right now; nothing, to begin with.

    ``leak_per_s``: share of the pressure lost each second on top of the usual. ``valve_stuck``: the
    vent valve does not open, nor does any other path. ``stuck_path``: only vent path 1 or 2 does not
    open; 0 for none. ``shutoff_stuck``: the valve between regulator and supply valve does not close.
    ``kinked``: no air goes in or out, and the sensors, on the device's side of the
    kink, see only the little air in front of it. ``supply_lost``: no air goes in.
    ``lie_mmhg``: both sensors read so much too high. ``sensors_stuck``: both repeat themselves.
    ``runaway_mmhg``: the regulator gives this, whatever it is told; 0 where it obeys. The others are of
    each sensor: ``off_mmhg`` reads so much too high, ``frozen`` repeats itself, ``wires`` is ``open`` or
    ``short`` where it is not ``whole``.
    """

    leak_per_s: float = 0.0
    valve_stuck: bool = False
    stuck_path: int = 0
    shutoff_stuck: bool = False
    kinked: bool = False
    supply_lost: bool = False
    lie_mmhg: float = 0.0
    sensors_stuck: bool = False
    runaway_mmhg: float = 0.0
    off_mmhg: tuple[float, float] = (0.0, 0.0)
    frozen: tuple[bool, bool] = (False, False)
    wires: tuple[str, str] = ("whole", "whole")


class Plant:
    """The air in the cuff. Time is passed in; the same seed gives the same noise.

    Parameters
    ----------
    seed
        Seed of the sensor noise.
    """

    def __init__(self, settings: PlantSettings | None = None, *, seed: int = 0) -> None:
        self.settings = settings or PlantSettings()
        self.pressure_mmhg = 0.0
        self.trouble = Trouble()
        self._in_front_mmhg = 0.0
        self._read = (0, 0)
        source = random.Random(seed)  # noqa: S311  not for secrets
        self._noise = [source.gauss(0.0, self.settings.noise_mmhg) for _ in range(NOISE_VALUES)]
        self._noise_at = 0

    def flow(
        self,
        *,
        target_mmhg: float,
        on_for_s: float,
        paths: tuple[int, ...],
        shutoff_open: bool,
        dt_s: float,
    ) -> None:
        """Let time pass with the regulator at its target and these vent paths open.

        While the second path is closed, or stuck so, its valve leads to the regulator, and only the
        shut-off valve is between.
        """
        leads = 2 not in paths or self.trouble.stuck_path == 2 or self.trouble.valve_stuck
        fed = leads and (shutoff_open or self.trouble.shutoff_stuck)
        if fed:
            self.fill(target_mmhg=target_mmhg, on_for_s=on_for_s, dt_s=dt_s)
        if paths or not fed:
            self.vent(dt_s=dt_s, paths=paths)

    def fill(self, *, target_mmhg: float, on_for_s: float, dt_s: float) -> None:
        """Let time pass with the vent valve closed and the regulator at its target."""
        s, trouble = self.settings, self.trouble
        if not trouble.supply_lost:
            source = target_mmhg * (1.0 + s.overshoot * math.exp(-on_for_s / s.overshoot_tau_s))
            self._flow(trouble.runaway_mmhg or source, dt_s, s.fill_tau_s)
        self._leak(dt_s)

    def vent(self, *, dt_s: float, paths: tuple[int, ...] = (1, 2)) -> None:
        """Let time pass with these vent paths open, or what should be open."""
        if not self.pressure_mmhg and not self._in_front_mmhg:
            return
        first = self.settings.first_path_share
        shares = {1: first, 2: 1.0 - first}
        open_share = sum(shares[path] for path in paths if path != self.trouble.stuck_path)
        if self.trouble.valve_stuck or not open_share:
            self._leak(dt_s)
            return
        self._flow(0.0, dt_s * open_share, self.settings.vent_tau_s)
        if self.trouble.kinked:
            self._leak(dt_s)
        elif self.pressure_mmhg < 0.01:
            self.pressure_mmhg = 0.0

    def _flow(self, towards_mmhg: float, dt_s: float, tau_s: float) -> None:
        """Let the air in front of the cuff, and through an open hose the cuff's, follow the valves."""
        if self.trouble.kinked:
            share = 1.0 - math.exp(-dt_s / IN_FRONT_TAU_S)
            self._in_front_mmhg += (towards_mmhg - self._in_front_mmhg) * share
        else:
            share = 1.0 - math.exp(-dt_s / tau_s)
            self.pressure_mmhg += (towards_mmhg - self.pressure_mmhg) * share
            self._in_front_mmhg = self.pressure_mmhg

    def _leak(self, dt_s: float) -> None:
        share = self.settings.leak_per_s + self.trouble.leak_per_s
        self.pressure_mmhg *= math.exp(-share * dt_s)

    def sensors_tenths(self) -> tuple[int, int]:
        """Return what the two sensors read, in tenths of a mmHg, each with its own noise."""
        trouble = self.trouble
        if not trouble.sensors_stuck:
            at = self._noise_at = (self._noise_at + 2) % NOISE_VALUES
            p = self._in_front_mmhg if trouble.kinked else self.pressure_mmhg
            p += trouble.lie_mmhg
            first, second = self._read
            if not trouble.frozen[0]:
                first = round((p + trouble.off_mmhg[0] + self._noise[at]) * 10)
            if not trouble.frozen[1]:
                second = round((p + trouble.off_mmhg[1] + self._noise[at + 1]) * 10)
            self._read = first, second
        first, second = self._read
        return WIRE_TENTHS.get(trouble.wires[0], first), WIRE_TENTHS.get(trouble.wires[1], second)
