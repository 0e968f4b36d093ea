"""The leg rests between two runs as it does between two inflations: waited for before anything is opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hardware.clock import Clock
from hardware.interlock import Given
from scc_task.plan.steps import Plan
from scc_task.protocol.rig import Rig
from scc_task.record.dose import last_emptied

WALL_STEP_S: Final = 1.0
"""A journal tells its wall time in whole seconds."""
SAY_S: Final = 5.0


def emptied_s(rig: Rig, data: Path, subject: str, session: str, clock: Clock) -> float | None:
    """Return when the session's last pressure left the leg, on the machine's clock.

    ``None`` if there was none, or the cuff is emulated: nobody's leg has to rest. The machine's clock
    begins anew when it is switched on, and a wall clock may be set: the later of the two answers counts.
    """
    last = None if rig.simulated else last_emptied(data, subject, session)
    if last is None:
        return None
    now_s = clock.now_s()
    by_wall_s = now_s - (clock.wall() - last.wall).total_seconds() + WALL_STEP_S
    if last.time_s > now_s:  # another start of the machine
        return min(by_wall_s, now_s)
    return min(max(by_wall_s, last.time_s), now_s)


def rest_left_s(plan: Plan, given: Given, *, now_s: float) -> float:
    """Return how long to wait before a run, so that its first inflation comes after the rest.

    A calibration's inflations are not planned: it is taken to begin with one.
    """
    if given.emptied_s is None:
        return 0.0
    first_s = plan.inflations[0].onset_ms / 1000 if plan.inflations else 0.0
    return max(0.0, given.emptied_s + plan.limits.gap_s - first_s - now_s)


def wait(plan: Plan, given: Given, clock: Clock, say: Callable[[str], None]) -> None:
    """Wait for the rest that is left, and say so."""
    while (left_s := rest_left_s(plan, given, now_s=clock.now_s())) > 0.0:
        say(f"The leg rests between two inflations: {left_s:.0f} s to wait. Ctrl-C leaves.")
        clock.sleep_until(clock.now_s() + min(left_s, SAY_S))
