"""The rules that no procedure can get round: how high, after what, how often.

Every request of every procedure passes here, once:

* never above the highest pressure that was borne, plus one step;
* never higher than an inflation that nobody rated, unless the operator says yes;
* never as high again as an inflation that was cut short, unless the operator says yes or it has been
  borne and rated since;
* never as high as what was too much earlier in the session, unless the operator says yes or it has
  been borne and rated since;
* never above the ceiling; above the soft cap only with the operator's yes;
* after a rating at the stop rating or more, a stop, an inflation that was not borne, or the
  operator's no: never as high again;
* never more inflations than allowed.

A wish that is too high is lowered to what is allowed: a procedure asks for what would be informative,
and the guard knows what this person may get now.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scc_task.calibration.talk import Outcome, TooMuchBefore
from scc_task.protocol.calibration_rules import GRID_MMHG as GRID_MMHG
from scc_task.protocol.calibration_rules import LOWEST_MMHG as LOWEST_MMHG


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The safety rules of one calibration.

    Parameters
    ----------
    first_mmhg
        Highest pressure of the very first inflation.
    step_mmhg
        How far a pressure may lie above the highest one that was borne.
    soft_cap_mmhg, ceiling_mmhg
        Above the first the operator is asked; above the second nothing goes.
    stop_rating
        From this rating on, this pressure is never reached again.
    inflations
        At most so many.
    exact_mmhg
        A pressure that lies off the grid and may be given as it is: one that was accepted earlier.
    too_much_before
        What was too much in other runs of this session.
    """

    first_mmhg: float
    step_mmhg: float
    soft_cap_mmhg: float
    ceiling_mmhg: float
    stop_rating: float
    inflations: int
    exact_mmhg: float | None = None
    too_much_before: tuple[TooMuchBefore, ...] = ()

    def highest_mmhg(self, outcomes: Sequence[Outcome]) -> float:
        """Return the highest pressure that may be given now, on the grid; 0 when there is none."""
        return down(self._highest_mmhg(outcomes))

    def _highest_mmhg(self, outcomes: Sequence[Outcome]) -> float:
        borne = [o.request.pressure_mmhg for o in outcomes if o.borne]
        highest = max(borne) + self.step_mmhg if borne else self.first_mmhg
        too_much = [o.request.pressure_mmhg for o in outcomes if self.too_much(o)]
        if too_much:
            highest = min(highest, min(too_much) - GRID_MMHG)
        return min(highest, self.ceiling_mmhg)

    def allowed_mmhg(self, wish_mmhg: float, outcomes: Sequence[Outcome]) -> float | None:
        """Return the wish, lowered to what is allowed and to the grid; ``None`` when nothing is."""
        allowed = min(down(wish_mmhg), self.highest_mmhg(outcomes))
        if wish_mmhg == self.exact_mmhg and wish_mmhg <= self._highest_mmhg(outcomes):
            allowed = wish_mmhg
        if allowed < LOWEST_MMHG or sum(o.given for o in outcomes) >= self.inflations:
            return None
        return allowed

    def needs_yes(self, pressure_mmhg: float, outcomes: Sequence[Outcome]) -> bool:
        """Return whether the operator must agree to this pressure."""
        if (
            pressure_mmhg > self.soft_cap_mmhg
            or self.was_too_much(pressure_mmhg, outcomes) is not None
        ):
            return True
        given = [o for o in outcomes if o.given]
        if not given:
            return False
        rated = [o.request.pressure_mmhg for o in given if o.rating is not None and o.borne]
        unrated_rise = given[-1].rating is None and pressure_mmhg > given[-1].request.pressure_mmhg
        beyond_rated = pressure_mmhg > max(rated, default=self.first_mmhg) + self.step_mmhg
        cut_short = pressure_mmhg >= _lowest_cut_mmhg(outcomes)
        return unrated_rise or beyond_rated or cut_short

    def was_too_much(
        self, pressure_mmhg: float, outcomes: Sequence[Outcome]
    ) -> TooMuchBefore | None:
        """Return what says that so much was too much earlier in the session, if it was not borne since."""
        for before in self.too_much_before:
            since = [
                o.request.pressure_mmhg
                for o in outcomes[before.since :]
                if o.borne and o.rating is not None
            ]
            borne_mmhg = max(since, default=-GRID_MMHG)
            if pressure_mmhg >= max(before.mmhg, borne_mmhg + GRID_MMHG / 2):
                return before
        return None

    def too_much(self, outcome: Outcome) -> bool:
        """Return whether this pressure must not be reached again."""
        hot = outcome.rating is not None and outcome.rating >= self.stop_rating
        return hot or outcome.turned_down


def _lowest_cut_mmhg(outcomes: Sequence[Outcome]) -> float:
    """Return the lowest pressure whose rating was cut off, and that was not rated since, nor a higher one."""
    cut: list[float] = []
    for outcome in outcomes:
        pressure_mmhg = outcome.request.pressure_mmhg
        if outcome.cut is not None and outcome.rating is None:
            cut.append(pressure_mmhg)
        elif outcome.borne and outcome.rating is not None:
            cut = [mmhg for mmhg in cut if mmhg > pressure_mmhg]
    return min(cut, default=math.inf)


def down(pressure_mmhg: float) -> float:
    """Return a pressure on the grid, never above what was asked for."""
    return pressure_mmhg - pressure_mmhg % GRID_MMHG  # a remainder is exact, a quotient is not
