"""The procedures: a rule behind the guard, asked and told, resumed by replaying what was told.

`procedure_for` gives the procedure of a protocol file, `check_for` the short one that looks on another
occasion whether an accepted pressure still holds. What `next` returns depends on the protocol, the
seed, the ceiling and the outcomes, on nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from scc_task.calibration.curve import Posterior
from scc_task.calibration.guard import GRID_MMHG, Guard
from scc_task.calibration.rules import (
    Ascending,
    Confirming,
    Levels,
    Rule,
    Seen,
    Stairs,
    Wish,
)
from scc_task.calibration.searches import TargetRegression, ThresholdSearch
from scc_task.calibration.talk import (
    NOT_USED,
    End,
    Finished,
    Outcome,
    Phase,
    Procedure,
    Request,
    TooMuchBefore,
)
from scc_task.protocol.calibration_protocol import CalibrationProtocol

AGAIN: Final = "the operator wants it again"
WARM_UP: Final = "the last pressure that was rated, before the calibration goes on"


def procedure_for(
    protocol: CalibrationProtocol,
    *,
    seed: int,
    ceiling_mmhg: float,
) -> Procedure:
    """Return the procedure of a protocol.

    Parameters
    ----------
    ceiling_mmhg
        Lowest ceiling of rig and participant; the protocol's hard cap may be lower still.
    """
    rules: list[Rule] = [_search(protocol, seed)]
    if protocol.confirm is not None:
        rules.append(Confirming(protocol.confirm, target=protocol.target))
    first = protocol.familiarise.mmhg
    return _Guarded(protocol, rules, _guard(protocol, ceiling_mmhg, first), familiarise=True)


def check_for(
    protocol: CalibrationProtocol,
    *,
    accepted_mmhg: float,
    ceiling_mmhg: float,
    lowest_mmhg: float = 0.0,
    outcomes: Sequence[Outcome] = (),
) -> Procedure:
    """Return the check of an accepted pressure on another occasion: once, then confirm if it is off.

    Any other pressure than the accepted one needs the operator's yes; a no ends the check.

    Parameters
    ----------
    ceiling_mmhg
        Highest pressure that the check may come to: never above what was tolerated.
    lowest_mmhg
        It ends where the pressure would lie below this.
    outcomes
        What came of a check already, where that is only to be judged.

    Raises
    ------
    ValueError
        If the protocol confirms nothing: then there is no rule to check by.
    """
    if protocol.confirm is None:
        raise ValueError("a check needs the block 'confirm' of the protocol")
    rules: list[Rule] = [
        _Check(accepted_mmhg, target=protocol.target, within=protocol.confirm.within),
        _NotBelow(lowest_mmhg, Confirming(protocol.confirm, target=protocol.target)),
    ]
    guard = replace(_guard(protocol, ceiling_mmhg, accepted_mmhg), exact_mmhg=float(accepted_mmhg))
    check = _Guarded(protocol, rules, guard, familiarise=False, only_mmhg=accepted_mmhg)
    for outcome in outcomes:
        check.take(outcome)
    return check


def replay(procedure: Procedure, outcomes: Iterable[Outcome]) -> Procedure:
    """Tell a fresh procedure what an interrupted one was told, and return it.

    Raises
    ------
    ValueError
        If the outcomes are not those of this procedure (other protocol, seed or ceiling).
    """
    for outcome in outcomes:
        if isinstance(procedure.next(), Finished):  # the operator had wanted this one again
            procedure.again(outcome.request.pressure_mmhg)
        elif outcome.request.phase == "resume" and procedure.next() != outcome.request:
            procedure.warm_up()
        procedure.tell(outcome)
    return procedure


def _guard(protocol: CalibrationProtocol, ceiling_mmhg: float, first_mmhg: float) -> Guard:
    safety = protocol.safety
    return Guard(
        first_mmhg=first_mmhg,
        step_mmhg=safety.step_mmhg,
        soft_cap_mmhg=safety.soft_cap_mmhg,
        ceiling_mmhg=min(ceiling_mmhg, safety.hard_cap_mmhg),
        stop_rating=safety.stop_rating,
        inflations=safety.inflations,
    )


def _search(protocol: CalibrationProtocol, seed: int) -> Rule:
    target = protocol.target
    if protocol.ascent is not None:
        soft_cap_mmhg = protocol.safety.soft_cap_mmhg
        return Ascending(
            protocol.ascent,
            target=target,
            soft_cap_mmhg=soft_cap_mmhg,
            span_mmhg=protocol.gates.span_mmhg,
        )
    if protocol.threshold is not None:
        return ThresholdSearch(protocol.threshold)
    if protocol.staircase is not None:
        return Stairs(protocol.staircase, target=target)
    if protocol.regression is not None:
        return TargetRegression(protocol.regression, targets=protocol.targets)
    if protocol.fixed is not None:
        return Levels(protocol.fixed, seed=seed)
    raise AssertionError("a protocol has the block of its procedure")  # its validator saw to it


class _Check:
    """One inflation at the accepted pressure."""

    def __init__(self, accepted_mmhg: float, *, target: float, within: float) -> None:
        self._accepted_mmhg, self._target, self._within = accepted_mmhg, target, within

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return the accepted pressure, once."""
        if any(not o.given for o in seen.outcomes):
            what = "another pressure" if any(o.given for o in seen.outcomes) else "it to be given"
            return Finished(
                end=End.NOT_CONFIRMED,
                good=False,
                why=f"the operator did not want {what}",
                do="calibrate again, or go on as the study's rules say",
            )
        checked = seen.of("check")
        if not checked:
            if seen.too_much:
                return None
            why = "the accepted pressure, once, lying in place"
            return Wish(pressure_mmhg=self._accepted_mmhg, phase="check", why=why)
        pressure_mmhg, rating = checked[-1]
        if abs(rating - self._target) > self._within:
            return None
        return Finished(
            end=End.CONFIRMED,
            good=True,
            why=f"{pressure_mmhg:g} mmHg was rated {rating:g}, as it should be",
            do="go on with the run",
            confirmed_mmhg=pressure_mmhg,
        )


class _NotBelow:
    """A rule that ends where its pressure would lie below a bound, after trying the bound itself."""

    def __init__(self, lowest_mmhg: float, rule: Rule) -> None:
        self._lowest_mmhg, self._rule = lowest_mmhg, rule

    def wish(self, seen: Seen) -> Wish | Finished | None:
        """Return what the rule wants, if it is within the bound."""
        wish, lowest_mmhg = self._rule.wish(seen), self._lowest_mmhg
        if wish is None or isinstance(wish, Finished):
            return wish
        allowed_mmhg = seen.guard.allowed_mmhg(wish.pressure_mmhg, seen.outcomes)
        if allowed_mmhg is None or allowed_mmhg >= lowest_mmhg:
            return wish
        tried = any(o.request.pressure_mmhg == lowest_mmhg for o in seen.outcomes)
        if tried or seen.guard.allowed_mmhg(lowest_mmhg, seen.outcomes) != lowest_mmhg:
            return Finished(
                end=End.NOT_CONFIRMED,
                good=False,
                why=f"it would lie below {lowest_mmhg:g} mmHg, the lowest that was accepted",
                do="calibrate again",
            )
        return replace(wish, pressure_mmhg=lowest_mmhg)


class _Guarded:
    """Rules one after the other, behind the guard."""

    def __init__(
        self,
        protocol: CalibrationProtocol,
        rules: Sequence[Rule],
        guard: Guard,
        *,
        familiarise: bool,
        only_mmhg: float | None = None,
    ) -> None:
        self._protocol, self._rules, self._guard = protocol, rules, guard
        self._familiarisations = protocol.familiarise.count if familiarise else 0
        self._only_mmhg = only_mmhg
        self._outcomes: list[Outcome] = []
        self._belief = Posterior.before(protocol.estimate)
        self._next: Request | Finished | None = None

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple(self._outcomes)

    def next(self) -> Request | Finished:
        if self._next is None:
            self._next = self._decide()
        return self._next

    def tell(self, outcome: Outcome) -> None:
        asked = self.next()
        if isinstance(asked, Finished):
            raise ValueError(f"the procedure is over: {asked.why}")
        if outcome.request != asked:
            raise ValueError(f"{asked} was asked for, not {outcome.request}")
        if asked.needs_yes is (outcome.operator_said_yes is None):
            raise ValueError("the operator's answer belongs to a request that needs one, only")
        if outcome.rating is not None and not 0.0 <= outcome.rating <= 100.0:
            raise ValueError(f"{outcome.rating} is no rating from 0 to 100")
        if not outcome.given and (outcome.rating is not None or outcome.stopped or outcome.cut):
            raise ValueError("what was not given cannot be rated or stopped")
        self.take(outcome)

    def take(self, outcome: Outcome) -> None:
        """Take in an outcome, whatever it was that would have been asked for."""
        self._outcomes.append(outcome)
        asked = outcome.request
        if outcome.borne and outcome.rating is not None and asked.phase not in NOT_USED:
            self._belief = self._belief.after(asked.pressure_mmhg, outcome.rating)
        self._next = None

    def know(self, before: Sequence[TooMuchBefore]) -> None:
        told = (replace(one, since=len(self._outcomes)) for one in before)
        known = (*self._guard.too_much_before, *told)
        self._guard = replace(self._guard, too_much_before=known)
        self._next = None

    def warm_up(self) -> None:
        rated = [
            o.request.pressure_mmhg for o in self._outcomes if o.borne and o.rating is not None
        ]
        if not rated or isinstance(self.next(), Finished):
            return
        request = self._asked(Wish(pressure_mmhg=rated[-1], phase="resume", why=WARM_UP))
        if isinstance(request, Request):
            self._next = request

    def may_repeat(self, pressure_mmhg: float) -> bool:
        ended = self.next()
        allowed_mmhg = self._allowed_mmhg(pressure_mmhg)
        return isinstance(ended, Finished) and ended.good and allowed_mmhg == pressure_mmhg

    def again(self, pressure_mmhg: float) -> None:
        ended = self.next()
        if not isinstance(ended, Finished):
            raise ValueError("nothing is repeated while the procedure goes on")
        if not self.may_repeat(pressure_mmhg):
            raise ValueError(f"{pressure_mmhg:g} mmHg may not be given again: {ended.why}")
        # what was confirmed is confirmed once more, or no longer
        phase: Phase = "confirm" if ended.confirmed_mmhg == pressure_mmhg else "repeat"
        self._next = self._asked(Wish(pressure_mmhg=pressure_mmhg, phase=phase, why=AGAIN))

    def _decide(self) -> Request | Finished:
        stops = sum(o.stopped for o in self._outcomes)
        if stops >= self._protocol.safety.stops:
            return Finished(
                end=End.STOPPED,
                good=False,
                why=f"the participant stopped {stops} inflation{'s' if stops > 1 else ''}",
                do="end here; talk with the participant before anything else",
            )
        unrated = self._unrated_in_a_row()
        if unrated:
            return self._again(unrated)
        if self._familiarised < self._familiarisations and not self._seen().too_much:
            why = f"familiarisation {self._familiarised + 1} of {self._familiarisations}, not rated"
            return self._asked(
                Wish(pressure_mmhg=self._protocol.familiarise.mmhg, phase="familiarise", why=why)
            )
        return self._ruled()

    def _ruled(self) -> Request | Finished:
        for rule in self._rules:
            wish = rule.wish(self._seen())
            if isinstance(wish, Finished):
                return wish
            if wish is not None:
                return self._asked(wish)
        return Finished(
            end=End.COMPLETED,
            good=True,
            why=f"all {sum(o.given for o in self._outcomes)} inflations of the procedure were given",
            do="look at the curve, then accept or calibrate again",
        )

    def _asked(self, wish: Wish) -> Request | Finished:
        """Return a wish as a request, lowered to what is allowed; or the end, if nothing is."""
        if sum(o.given for o in self._outcomes) >= self._guard.inflations:
            return Finished(
                end=End.TOO_MANY,
                good=False,
                why=f"{self._guard.inflations} inflations were given without a result",
                do="let the leg rest; calibrate on another occasion",
            )
        pressure_mmhg = self._allowed_mmhg(wish.pressure_mmhg)
        if pressure_mmhg is None:
            return Finished(
                end=End.NOTHING_ALLOWED,
                good=False,
                why="the lowest pressures were too much already, or were not agreed to",
                do="end here; check the cuff and the scale before anything else",
            )
        familiar = wish.phase == "familiarise"
        lowered = pressure_mmhg <= wish.pressure_mmhg - GRID_MMHG
        return Request(
            pressure_mmhg=pressure_mmhg,
            phase=wish.phase,
            hold_s=self._protocol.familiarise.hold_s
            if familiar
            else self._protocol.stimulus.hold_s,
            why=wish.why
            + (f" (no more than {pressure_mmhg:g} mmHg now)" if lowered else "")
            + self._warning(pressure_mmhg),
            needs_yes=self._guard.needs_yes(pressure_mmhg, self._outcomes)
            or self._only_mmhg not in (None, pressure_mmhg),
        )

    def _warning(self, pressure_mmhg: float) -> str:
        before = self._guard.was_too_much(pressure_mmhg, self._outcomes)
        return "" if before is None else f"; EARLIER IN THIS SESSION: {before.words}"

    def _allowed_mmhg(self, wish_mmhg: float) -> float | None:
        """Return what the guard allows; no rise right after a warm-up that was rated above the target."""
        for last in self._outcomes[-1:]:
            if last.request.phase == "resume" and (last.rating or 0.0) > self._protocol.target:
                wish_mmhg = min(wish_mmhg, last.request.pressure_mmhg)
        return self._guard.allowed_mmhg(wish_mmhg, self._outcomes)

    def _again(self, unrated: int) -> Request | Finished:
        """Return the last inflation again, for its rating; or the end, after too many."""
        last = self._outcomes[-1].request
        if unrated > self._protocol.safety.repeats:
            return Finished(
                end=End.NO_RATING,
                good=False,
                why=f"{last.pressure_mmhg:g} mmHg was given {unrated} times without a rating",
                do="practise the scale without the cuff, then calibrate again",
            )
        why = f"no rating came: the same again ({unrated} of {self._protocol.safety.repeats})"
        return self._asked(Wish(pressure_mmhg=last.pressure_mmhg, phase=last.phase, why=why))

    def _unrated_in_a_row(self) -> int:
        """Return how many of the last inflations should have a rating and have none."""
        count = 0
        for outcome in reversed(self._outcomes):
            if outcome.request.phase == "familiarise" or outcome.rating is not None:
                break
            if not outcome.borne or outcome.cut is not None:
                break
            count += 1
        return count

    @property
    def _familiarised(self) -> int:
        return sum(o.request.phase == "familiarise" and o.given for o in self._outcomes)

    def _seen(self) -> Seen:
        return Seen(outcomes=tuple(self._outcomes), belief=self._belief, guard=self._guard)
