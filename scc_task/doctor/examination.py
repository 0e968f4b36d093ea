"""The order of the checks: first all that needs no pressure, then, after a typed yes, the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hardware.clock import Clock
from hardware.cuff import Capabilities
from hardware.errors import HardwareError
from hardware.readings import Identity, Sample
from hardware.registry import CuffAddress
from hardware.serial_ports import serial_ports
from scc_task.doctor import watchdog
from scc_task.doctor.answers import Answers
from scc_task.doctor.at_rest import (
    judge_identity,
    judge_limits,
    judge_ports,
    judge_sampling,
    judge_zero,
    resolution_mmhg,
)
from scc_task.doctor.button import WAIT_S, try_button
from scc_task.doctor.direct import DirectCuff
from scc_task.doctor.inflation import Inflation
from scc_task.doctor.questions import number, yes
from scc_task.doctor.results import Result, Verdict, failed, skipped
from scc_task.doctor.supervised import GAP_S, LONGEST_S, TestCuff, test_settings
from scc_task.doctor.switching import try_switching
from scc_task.doctor.under_pressure import (
    judge_gauge,
    judge_leak,
    judge_measured,
    judge_rise_and_fall,
)
from scc_task.protocol.rig import Rig

LEAK_MMHG: Final = 60.0
LOWEST_MMHG: Final = 40.0
HIGHEST_MMHG: Final = 200.0
ROOM_MMHG: Final = 20.0
"""Kept free below the device's own ceiling: a regulator overshoots, and that would be a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take. Holds are cut to what the rig allows for one inflation."""

    listen_s: float = 3.0
    leak_hold_s: float = 11.0
    leak_window_s: float = 5.0
    point_hold_s: float = 8.0
    gauge_hold_s: float = 15.0
    point_window_s: float = 2.0
    points: int = 5
    gap_s: float = GAP_S
    button_s: float = WAIT_S


class Examination:
    """One doctor's run on one cuff.

    Parameters
    ----------
    say
        Takes what the operator has to know now.
    """

    def __init__(
        self,
        rig: Rig,
        address: CuffAddress,
        clock: Clock,
        answers: Answers,
        *,
        say: Callable[[str], None],
        skip_button: bool,
        pace: Pace | None = None,
    ) -> None:
        self._rig, self._address, self._clock = rig, address, clock
        self._answers, self._say, self._skip_button = answers, say, skip_button
        self._pace = pace or Pace()
        self._can: Capabilities | None = None
        self._resolution_mmhg = 0.0
        self.identity: Identity | None = None
        self.cuff: TestCuff | None = None

    @property
    def inflated(self) -> bool:
        """Return whether there was pressure in the cuff."""
        return self.cuff is not None and self.cuff.inflated

    @property
    def left_full(self) -> bool:
        """Return whether the cuff was not seen to empty after its last inflation."""
        return self.cuff is not None and self.cuff.emptied is False

    def results(self) -> Iterator[Result]:
        """Make the checks and yield each as it is done."""
        fine = True
        for result in self._without_pressure():
            fine = fine and result.verdict is not Verdict.FAIL
            yield result
        if self.identity is None or self._can is None:
            return
        if not fine:
            yield skipped("pressure checks", "not offered: mend first what failed above")
            return
        yield from self._guarded("pressure checks", self._with_pressure(self.identity, self._can))

    # -- without pressure

    def _without_pressure(self) -> Iterator[Result]:
        port = self._address.port
        yield judge_ports(
            serial_ports(), port, emulated=self._rig.simulated, exists=Path(port).exists()
        )
        yield from self._guarded("identity", self._at_rest())
        if self.identity is None:
            return
        yield from self._guarded(watchdog.AT_REST, self._watchdog_at_rest(self.identity))
        if self._skip_button:
            yield skipped("stop button", "left out (--skip-button)")
            return
        yield from self._guarded("stop button", self._button(self.identity))

    def _guarded(self, name: str, checks: Iterator[Result]) -> Iterator[Result]:
        """Yield checks; a device that cannot be talked to is a failed check, not an exception."""
        try:
            yield from checks
        except HardwareError as error:
            yield failed(name, f"{error.what} ({error.where})", error.do)

    def _at_rest(self) -> Iterator[Result]:
        rig, pace = self._rig, self._pace
        try:
            opened = DirectCuff(self._address, self._clock)
        except HardwareError as error:
            yield failed("port opens", error.what, error.do)
            return
        with opened as cuff:
            yield Result(name="port opens", verdict=Verdict.OK, seen=self._address.port)
            self._can = can = cuff.can
            self.identity = identity = cuff.identify()
            yield judge_identity(identity, emulated=rig.simulated)
            yield judge_limits(identity, can, rig)
            cuff.listen(0.5)  # what waited in the port's buffer has no rhythm
            heard = cuff.listen(pace.listen_s)
            samples = [report for report in heard if isinstance(report, Sample)]
            yield judge_zero(samples, can)
            yield judge_sampling(heard, can, for_s=pace.listen_s, stale_s=rig.supervisor.stale_s)

    def _watchdog_at_rest(self, identity: Identity) -> Iterator[Result]:
        yield watchdog.try_at_rest(
            self._address, self._clock, identity, ceiling_mmhg=self._ceiling_mmhg(identity)
        )

    def _button(self, identity: Identity) -> Iterator[Result]:
        keys = self._rig.responses.keys("stop")
        self._say(
            f"PRESS THE PARTICIPANT'S STOP NOW, within {self._pace.button_s:g} s: the device's own"
            f" button, or the rig's stop key ({', '.join(keys)})"
        )
        yield try_button(
            self._address,
            self._clock,
            self._answers,
            keys,
            ceiling_mmhg=self._ceiling_mmhg(identity),
            wait_s=self._pace.button_s,
        )

    def _ceiling_mmhg(self, identity: Identity) -> float:
        return min(self._rig.limits.ceiling_mmhg, identity.ceiling_mmhg)

    # -- with pressure

    def _with_pressure(self, identity: Identity, can: Capabilities) -> Iterator[Result]:
        highest_mmhg = min(
            HIGHEST_MMHG, self._rig.limits.ceiling_mmhg, identity.ceiling_mmhg - ROOM_MMHG
        )
        if not highest_mmhg > LOWEST_MMHG:
            yield skipped("pressure checks", f"a ceiling of {highest_mmhg:g} mmHg leaves no room")
            return
        if not can.sets_pressure:
            highest_mmhg = min(LEAK_MMHG, highest_mmhg)
        if not yes(self._answers, self._question(identity, can, highest_mmhg)):
            yield skipped("pressure checks", "left out: nobody typed yes; nothing was inflated")
            return
        self.cuff = cuff = TestCuff(
            self._address,
            test_settings(self._rig, identity),
            self._clock,
            measures=can.measures_pressure,
            patience_s=self._rig.limits.gap_s,
            gap_s=self._pace.gap_s,
            say=self._say,
        )
        test_mmhg = min(LEAK_MMHG, highest_mmhg)
        if not can.measures_pressure:
            yield from try_switching(
                cuff, self._answers, target_mmhg=test_mmhg, by_hand=not can.sets_pressure
            )
            yield skipped(
                watchdog.UNDER_PRESSURE, "without a sensor nobody sees it", do=self._look(can)
            )
            return
        fine = True
        for result in self._measured(cuff, can, test_mmhg, highest_mmhg):
            yield result
            fine = fine and result.verdict is not Verdict.FAIL
            if self.left_full:
                yield skipped("further checks", "not made: the cuff was not seen to empty")
                return
        if not fine:
            yield skipped("further checks", "not made: mend first what failed above")
            return
        yield from self._what_empties_it(cuff, identity, can, test_mmhg)

    @staticmethod
    def _look(can: Capabilities) -> str:
        if can.own_watchdog or can.finite_programs:
            return "try it by hand: pull the cable while a gauge shows pressure"
        return watchdog.DUMP_VALVE

    def _question(self, identity: Identity, can: Capabilities, highest_mmhg: float) -> str:
        times = 1 + (self._pace.points if can.sets_pressure else 0)
        if not can.measures_pressure:
            times = 1
        elif can.own_watchdog:
            times += 2
        kill = (
            " Twice, at 60 mmHg, it is left alone on purpose:"
            "\n  the device must then empty the cuff by itself."
            if can.own_watchdog and can.measures_pressure
            else ""
        )
        often = "once" if times == 1 else f"{times} times"
        return (
            f"\nPRESSURE CHECKS of {identity.model} {identity.serial_number}: the cuff will be"
            f" inflated {often},\n  up to {highest_mmhg:g} mmHg, at most {LONGEST_S:g} s each,"
            " with shorter pauses than a person may have;"
            f"\n  it takes some minutes.{kill}"
            "\n  THE CUFF MUST NOT BE ON A PERSON: put it round a rigid cylinder (a bottle, a pipe)."
            "\n  Ctrl-C empties it at any time; know where the hose comes off."
            "\nType yes to inflate, anything else to leave this out:"
        )

    def _measured(
        self, cuff: TestCuff, can: Capabilities, test_mmhg: float, highest_mmhg: float
    ) -> Iterator[Result]:
        pace = self._pace
        self._say(f"{test_mmhg:g} mmHg for the leak test ...")
        leak = cuff.inflate(test_mmhg, self._hold_s(pace.leak_hold_s))
        self._resolution_mmhg = resolution_mmhg(leak.samples)
        yield judge_leak(leak, window_s=pace.leak_window_s, resolution_mmhg=self._resolution_mmhg)
        if not leak.good or not can.sets_pressure:
            return
        gauge: dict[float, float] = {}
        points = self._points(cuff, highest_mmhg, gauge)
        if points[-1].good:
            yield judge_rise_and_fall(points[-1], ramp_s=self._rig.supervisor.ramp_s)
        yield judge_measured(
            points, window_s=pace.point_window_s, resolution_mmhg=self._resolution_mmhg
        )
        if all(point.good for point in points):
            yield judge_gauge(points, gauge, window_s=pace.point_window_s)

    def _points(
        self, cuff: TestCuff, highest_mmhg: float, gauge: dict[float, float]
    ) -> list[Inflation]:
        """Inflate to each pressure; end early when one goes wrong."""
        pace, points = self._pace, []
        with_gauge = yes(
            self._answers, "Is a second gauge on the hose? Type yes, or Return if there is none:"
        )
        hold_s = self._hold_s(pace.gauge_hold_s if with_gauge else pace.point_hold_s)
        lowest_mmhg = min(LOWEST_MMHG, highest_mmhg / 2)
        for target in np.linspace(lowest_mmhg, highest_mmhg, pace.points).round():
            target_mmhg = float(target)
            read = ": READ THE GAUGE" if with_gauge else ""
            self._say(f"{target_mmhg:g} mmHg for {hold_s:g} s{read} ...")
            points.append(cuff.inflate(target_mmhg, hold_s))
            if not points[-1].good:
                break
            if with_gauge:
                ask = f"What did the gauge show at {target_mmhg:g} mmHg? (Return: not read)"
                shown_mmhg = number(self._answers, ask)
                if shown_mmhg is not None:
                    gauge[target_mmhg] = shown_mmhg
        return points

    def _hold_s(self, wanted_s: float) -> float:
        return min(wanted_s, LONGEST_S, self._rig.limits.inflation_s)

    def _what_empties_it(
        self, cuff: TestCuff, identity: Identity, can: Capabilities, test_mmhg: float
    ) -> Iterator[Result]:
        if not can.own_watchdog:
            why = "NOT TRIED: this device has no watchdog"
            bounded = "; each inflation ends by itself" if can.finite_programs else ""
            do = "" if can.finite_programs else watchdog.DUMP_VALVE
            yield skipped(watchdog.UNDER_PRESSURE, f"{why}{bounded}", do=do)
            yield skipped(watchdog.KILLED, "NOT TRIED: nothing would empty the cuff")
            return
        self._say(f"{test_mmhg:g} mmHg, then no sign of life ...")
        result = watchdog.try_under_pressure(
            self._address, self._clock, identity, cuff, target_mmhg=test_mmhg
        )
        yield result
        if result.verdict is Verdict.FAIL or self.left_full:
            yield skipped(watchdog.KILLED, "not tried: the watchdog did not empty the cuff")
            return
        self._say(f"{test_mmhg:g} mmHg, then the process that drives the cuff is killed ...")
        measured_s = result.figures.get("valve_open_after_s")
        lease_s = float(measured_s) if isinstance(measured_s, float) else 0.0
        yield watchdog.try_killed(
            self._address, self._clock, cuff, can, target_mmhg=test_mmhg, lease_s=lease_s
        )
