"""What each procedure would like to give next, from what was answered so far.

A rule is a function of the outcomes alone: no state, no luck but that of its seed. It says a wish or
that it has enough; what may be given is the guard's to say (`scc_task.calibration.guard`).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from scc_task.calibration.curve import Posterior
from scc_task.calibration.guard import GRID_MMHG, LOWEST_MMHG, Guard, down
from scc_task.calibration.talk import End, Finished, Outcome, Phase
from scc_task.protocol.calibration_rules import Ascent, Confirm, Fixed, Staircase

HOPE: Final = 0.9
"""A rating that lies above this quantile of what is believed is not waited for (chosen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A pressure that a rule would like to give."""

    pressure_mmhg: float
    phase: Phase
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a rule looks at.

    Attributes
    ----------
    outcomes
        All of them.
    belief
        The curve after all rated ones.
    guard
        For what is the highest pressure that may be given now.
    """

    outcomes: Sequence[Outcome]
    belief: Posterior
    guard: Guard

    def of(self, *phases: Phase) -> list[tuple[float, float]]:
        """Return pressure and rating of the borne and rated outcomes of some phases."""
        return [
            (o.request.pressure_mmhg, o.rating)
            for o in self.outcomes
            if o.request.phase in phases and o.borne and o.rating is not None
        ]

    @property
    def highest_mmhg(self) -> float:
        """Highest pressure that may be given now."""
        return self.guard.highest_mmhg(self.outcomes)

    @property
    def bound(self) -> str:
        """What keeps the pressure from going higher, in words."""
        too_much = [o for o in self.outcomes if self.guard.too_much(o)]
        if not too_much:
            return f"{self.highest_mmhg:g} mmHg is the highest that is allowed now"
        lowest = min(too_much, key=lambda o: o.request.pressure_mmhg)
        if lowest.stopped:
            came = "was stopped by the participant"
        elif not lowest.given:
            came = "was not agreed to by the operator"
        elif lowest.rating is not None:
            came = f"was rated {lowest.rating:g}"
        else:
            came = "was not borne"
        return f"{lowest.request.pressure_mmhg:g} mmHg {came}"

    @property
    def too_much(self) -> bool:
        """Whether some pressure was too much already, or the operator said no to one."""
        return any(self.guard.too_much(o) for o in self.outcomes)


class Rule(Protocol):
    """Says what to give next; ``None`` when it has enough, an end when going on makes no sense."""

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the next wish."""


class Ascending:
    """Coarse, then fine steps up to the target and a little beyond.

    With ``adaptive`` the step is the largest one, from the fine to the coarse, whose rating stays, with
    three chances in four by the curve believed so far, within the target plus twice ``beyond``. A rise
    that was over at once is followed by one lower pressure, ``span_mmhg`` below the first: else nothing
    shows that the rating rises at all.
    """

    def __init__(
        self, numbers: Ascent, *, target: float, soft_cap_mmhg: float, span_mmhg: float
    ) -> None:
        self._numbers, self._target, self._soft_cap_mmhg = numbers, target, soft_cap_mmhg
        self._span_mmhg = span_mmhg

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the next step up."""
        numbers = self._numbers
        climb = seen.of("coarse", "fine")
        if not climb:
            if seen.too_much:
                return None
            return Wish(
                pressure_mmhg=numbers.start_mmhg, phase="coarse", why="the rise begins here"
            )
        at_mmhg, rating = climb[-1]
        best = max(r for _, r in climb)
        if best >= self._target + numbers.beyond or seen.too_much:
            return self._lower(climb) or self._unless_insufficient(seen, best)
        if seen.highest_mmhg <= at_mmhg:
            return self._unless_insufficient(seen, best)
        fine = best >= numbers.fine_from
        step = numbers.fine_mmhg if fine else numbers.coarse_mmhg
        if numbers.adaptive:
            step = self._adapted(seen.belief, at_mmhg)
        to_mmhg = at_mmhg + step
        if at_mmhg < self._soft_cap_mmhg < to_mmhg:
            to_mmhg = self._soft_cap_mmhg
        return Wish(
            pressure_mmhg=to_mmhg,
            phase="fine" if fine else "coarse",
            why=f"{at_mmhg:g} mmHg was rated {rating:g}; {to_mmhg - at_mmhg:g} mmHg more",
        )

    def _lower(self, climb: Sequence[tuple[float, float]]) -> Wish | None:
        """Return a pressure below a rise that was too short to show that ratings rise, if one is."""
        lowest, highest = min(p for p, _ in climb), max(p for p, _ in climb)
        to_mmhg = down(lowest - self._span_mmhg)
        if highest - lowest >= self._span_mmhg or to_mmhg < LOWEST_MMHG:
            return None
        return Wish(
            pressure_mmhg=to_mmhg,
            phase="coarse",
            why=f"the rise was over within {highest - lowest:g} mmHg: one lower pressure, to see it",
        )

    def _adapted(self, belief: Posterior, at_mmhg: float) -> float:
        step = self._numbers.coarse_mmhg
        limit = self._target + 2 * self._numbers.beyond
        while step > self._numbers.fine_mmhg:
            (high,) = belief.ratings(at_mmhg + step, (0.75,))
            if high <= limit:
                break
            step -= GRID_MMHG
        return max(step, self._numbers.fine_mmhg)

    def _unless_insufficient(self, seen: Seen, best: float) -> Finished | None:
        if seen.too_much or best >= self._numbers.insufficient_below:
            return None
        reached = max(o.request.pressure_mmhg for o in seen.outcomes if o.borne)
        return Finished(
            end=End.INSUFFICIENT_PAIN,
            good=False,
            why=f"insufficient pain at cap: {reached:g} mmHg is the highest allowed, rated {best:g}",
            do="do not raise the cap; record that the target was not reached",
        )


class Confirming:
    """Give the pressure believed to be the target, again, until it holds or the tries are used up.

    After a miss it ends where the guard allows no pressure that could be rated so high.
    """

    def __init__(self, numbers: Confirm, *, target: float) -> None:
        self._numbers, self._target = numbers, target

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the pressure to confirm."""
        numbers = self._numbers
        given = seen.of("confirm")
        hits, misses = self._count(given)
        if hits >= numbers.times:
            pressure_mmhg = given[-1][0]
            ratings = " and ".join(f"{r:g}" for _, r in given[-hits:])
            return Finished(
                end=End.CONFIRMED,
                good=True,
                why=f"{pressure_mmhg:g} mmHg was rated {ratings}",
                do="look at the curve, then accept",
                confirmed_mmhg=pressure_mmhg,
            )
        if misses >= numbers.tries:
            return Finished(
                end=End.NOT_CONFIRMED,
                good=False,
                why=f"in {misses} tries no pressure was rated {self._target:g} "
                f"+/- {numbers.within:g} {numbers.times} times in a row",
                do="explain the scale again and calibrate anew; do not choose a pressure by hand",
            )
        if hits:
            return self._at(given[-1][0], f"confirm {given[-1][0]:g} mmHg once more")
        if given or seen.of("check"):
            last = (given or seen.of("check"))[-1]
            return self._out_of_reach(seen) or self._after_a_miss(seen, *last)
        (believed,) = seen.belief.pressures_mmhg(self._target, (0.5,))
        return self._at(believed, f"believed to be rated {self._target:g}")

    def _count(self, given: Sequence[tuple[float, float]]) -> tuple[int, int]:
        """Return the hits in a row at the last pressure, and the misses in all."""
        hits, misses, at_mmhg = 0, 0, 0.0
        for pressure_mmhg, rating in given:
            if pressure_mmhg != at_mmhg:
                hits, at_mmhg = 0, pressure_mmhg
            if abs(rating - self._target) <= self._numbers.within:
                hits += 1
            else:
                hits, misses = 0, misses + 1
        return hits, misses

    def _out_of_reach(self, seen: Seen) -> Finished | None:
        """Return the end, if no pressure that may be given now can be expected to be rated so high."""
        highest_mmhg = seen.highest_mmhg
        (at_best,) = seen.belief.ratings(highest_mmhg, (HOPE,))
        if highest_mmhg < LOWEST_MMHG or at_best >= self._target - self._numbers.within:
            return None
        return Finished(
            end=End.NOT_CONFIRMED,
            good=False,
            why=f"a rating of {self._target:g} lies above what may be given: {seen.bound}",
            do="do not raise a limit; ask the participant, and calibrate anew now or on another occasion",
        )

    def _after_a_miss(self, seen: Seen, at_mmhg: float, rating: float) -> Wish:
        # one rating moves the belief by what it is worth: a stray one leaves the pressure as it is
        (believed,) = seen.belief.pressures_mmhg(self._target, (0.5,))
        step = self._numbers.step_mmhg
        to_mmhg = min(max(believed, at_mmhg - step), at_mmhg + step)
        return self._at(to_mmhg, f"{at_mmhg:g} mmHg was rated {rating:g}: try again")

    @staticmethod
    def _at(pressure_mmhg: float, why: str) -> Wish:
        return Wish(pressure_mmhg=pressure_mmhg, phase="confirm", why=why)


class Stairs:
    """Up after a rating below the target, down after one at or above it."""

    def __init__(self, numbers: Staircase, *, target: float) -> None:
        self._numbers, self._target = numbers, target

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the next stair."""
        stairs = seen.of("staircase")
        if not stairs:
            if seen.too_much:
                return None
            return self._at(self._numbers.start_mmhg, "the staircase begins here")
        ups = [rating < self._target for _, rating in stairs]
        reversals = sum(a != b for a, b in pairwise(ups))
        if reversals >= self._numbers.reversals:
            return None
        at_mmhg, rating = stairs[-1]
        steps = self._numbers.steps_mmhg
        step = steps[min(reversals, len(steps) - 1)]
        last = seen.outcomes[-1]
        if last.turned_down:  # too much: down from there, whatever the last rating was
            return self._at(last.request.pressure_mmhg - step, "the last one was too much")
        if ups[-1] and seen.highest_mmhg <= at_mmhg:
            return None
        to_mmhg = at_mmhg + step if ups[-1] else at_mmhg - step
        return self._at(to_mmhg, f"{at_mmhg:g} mmHg was rated {rating:g}")

    @staticmethod
    def _at(pressure_mmhg: float, why: str) -> Wish:
        return Wish(pressure_mmhg=pressure_mmhg, phase="staircase", why=why)


class Levels:
    """A list in random order, as far as the guard allows.

    Each next level is drawn from those not given yet that may be given now: the order is random
    among what is safe, so low levels tend to come early. Levels above a rating of ``until``, or
    above what was too much, are left out.
    """

    def __init__(self, numbers: Fixed, *, seed: int) -> None:
        self._numbers, self._seed = numbers, seed

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return a level that was not given yet."""
        given = seen.of("fixed")
        done = {p for p, _ in given}
        enough = min((p for p, r in given if r >= self._numbers.until), default=None)
        left = [
            level
            for level in self._numbers.levels_mmhg
            if level not in done
            and level <= seen.highest_mmhg
            and (enough is None or level <= enough)
        ]
        if not left:
            return None
        # a generator of its own for each place: the same place draws the same, also after a resume
        luck = random.Random(f"{self._seed} {len(given)}")  # noqa: S311  not for secrets
        return Wish(
            pressure_mmhg=luck.choice(left),
            phase="fixed",
            why=f"one of {len(left)} levels that may be given now",
        )
