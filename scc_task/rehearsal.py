"""Let virtual people go through calibrations, and sum up what it costs and how far off it is."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hardware.sim.people import Mood, Person, draw_person
from scc_task.calibration.estimate import conclude
from scc_task.calibration.gates import Gate
from scc_task.calibration.procedures import procedure_for
from scc_task.calibration.talk import Finished, Outcome, Request
from scc_task.protocol.calibration_protocol import CalibrationProtocol

SHARES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One virtual person's calibration.

    Attributes
    ----------
    error_mmhg, error_rating
        Distance of the found pressure from the person's P40 as it is at the end, and of its mean
        rating then from 40; ``None`` when the result was refused.
    gates
        The reasons for a refusal.
    over_tolerance
        Some inflation was more than this person tolerates.
    highest_step_mmhg
        By how much an inflation lay above the highest one borne before it, at most.
    """

    person: Person
    found_mmhg: float | None
    error_mmhg: float | None
    error_rating: float | None
    gates: tuple[str, ...]
    inflations: int
    minutes: float
    over_tolerance: bool
    highest_step_mmhg: float


Calibrate = Callable[
    [CalibrationProtocol, Mood, int], tuple[list[Outcome], float | None, list[str]]
]
"""From a protocol, a person's luck and a seed to outcomes, pressure found, gates that refused."""


def people(count: int, *, seed: int, mess: bool) -> list[Person]:
    """Return so many people; the first hundred of a thousand are the hundred of a hundred."""
    return [draw_person(seed * 1_000_000 + number, mess=mess) for number in range(count)]


def by_procedure(
    protocol: CalibrationProtocol, mood: Mood, seed: int, *, ceiling_mmhg: float = 300.0
) -> tuple[list[Outcome], float | None, list[str]]:
    """Calibrate by the protocol's procedure; the virtual operator agrees to everything."""
    procedure = procedure_for(protocol, seed=seed, ceiling_mmhg=ceiling_mmhg)
    while not isinstance(asked := procedure.next(), Finished):
        procedure.tell(answered(asked, mood))
    outcomes = list(procedure.outcomes)
    result = conclude(protocol, outcomes, asked)
    found = result.mmhg_for(protocol.target) if result.accepted else None
    reasons = [str(asked.end if r.gate is Gate.BAD_END else r.gate) for r in result.refusals]
    return outcomes, found, reasons


def answered(asked: Request, mood: Mood) -> Outcome:
    """Return what a virtual person makes of a request."""
    answer = mood.meet(asked.pressure_mmhg)
    return Outcome(
        request=asked,
        rating=answer.rating,
        tolerated=not answer.stopped,
        stopped=answer.stopped,
        operator_said_yes=True if asked.needs_yes else None,
    )


def rehearse(
    protocol: CalibrationProtocol,
    persons: Sequence[Person],
    *,
    seed: int,
    calibrate: Calibrate = by_procedure,
) -> list[Rehearsal]:
    """Return what came of each person's calibration."""
    return [
        _one(protocol, person, seed=seed * 1_000_003 + number, calibrate=calibrate)
        for number, person in enumerate(persons)
    ]


def _one(
    protocol: CalibrationProtocol, person: Person, *, seed: int, calibrate: Calibrate
) -> Rehearsal:
    mood = Mood(person, seed=seed, slot_s=protocol.rating.for_s)
    outcomes, found, gates = calibrate(protocol, mood, seed)
    given = [o for o in outcomes if o.given]
    pressures = [o.request.pressure_mmhg for o in given]
    n = mood.inflations
    true_mmhg = person.p40_mmhg(inflations=n)
    return Rehearsal(
        person=person,
        found_mmhg=found,
        error_mmhg=None if found is None else abs(found - true_mmhg),
        error_rating=None if found is None else abs(person.mean_rating(found, inflations=n) - 40.0),
        gates=tuple(gates),
        inflations=len(given),
        minutes=sum(o.request.hold_s + protocol.stimulus.rest_s for o in given) / 60.0,
        over_tolerance=any(not person.bears(p, inflations=i) for i, p in enumerate(pressures)),
        highest_step_mmhg=highest_step_mmhg(given),
    )


def highest_step_mmhg(given: Sequence[Outcome]) -> float:
    """Return by how much an inflation lay above the highest one borne before it, at most."""
    borne, highest = 0.0, 0.0
    for number, outcome in enumerate(given):
        if number:
            highest = max(highest, outcome.request.pressure_mmhg - borne)
        if outcome.borne:
            borne = max(borne, outcome.request.pressure_mmhg)
    return highest


HEAD: Final = (
    f"{'':34s} {'refused':>7s}  {'|mmHg - P40|':>17s}  {'|rating - 40|':>17s}  "
    f"{'inflations':>10s}  {'minutes':>11s}  {'over':>5s}  {'step':>5s}\n"
    f"{'':34s} {'%':>7s}  {'p50   p90   p99':>17s}  {'p50   p90   p99':>17s}  "
    f"{'p50 p90 p99':>11s} {'p50   p90':>11s}  {'tol. %':>6s} {'mmHg':>5s}"
)
"""Head of the table; "over tol.": people given more than they tolerate at least once; "step": largest
distance of an inflation above the highest one borne before it."""


def line(name: str, rehearsals: Sequence[Rehearsal]) -> str:
    """Return one line of the table; errors are of the people whose calibration was accepted."""
    everyone = len(rehearsals)
    refused = sum(r.found_mmhg is None for r in rehearsals)
    off_mmhg = [r.error_mmhg for r in rehearsals if r.error_mmhg is not None]
    off = [r.error_rating for r in rehearsals if r.error_rating is not None]
    over = sum(r.over_tolerance for r in rehearsals)
    return (
        f"{name:34s} {100 * refused / everyone:7.1f}  {_in_a_row(off_mmhg):>17s}  "
        f"{_in_a_row(off):>17s}  {_in_a_row([r.inflations for r in rehearsals], '3.0f'):>11s} "
        f"{_in_a_row([r.minutes for r in rehearsals], '5.1f', SHARES[:2]):>11s}  "
        f"{100 * over / everyone:6.1f} {max(r.highest_step_mmhg for r in rehearsals):5.0f}"
    )


def _in_a_row(
    values: Sequence[float], shape: str = "5.1f", shares: Sequence[float] = SHARES
) -> str:
    if not values:
        return "none"
    return " ".join(format(value, shape) for value in quantiles(values, shares))


def quantiles(values: Sequence[float], shares: Sequence[float] = SHARES) -> list[float]:
    """Return the values below which these shares lie."""
    ordered = sorted(values)
    return [ordered[min(len(ordered) - 1, int(len(ordered) * s))] for s in shares]


def refusals(rehearsals: Sequence[Rehearsal]) -> dict[str, int]:
    """Return how often each gate was the first to refuse."""
    return dict(Counter(r.gates[0] for r in rehearsals if r.gates).most_common())
