"""Each calibration on the same virtual people: how far off, how many inflations, how often refused.

``benchmarks/calibration.py [--participants 1000] [--seed 1]`` prints two tables: people who answer as
they should, and people with mess (habituation, missing answers, steps of ten, noisy people). Beside the
shipped procedures:

* target regression as CPM-Pressure (UKE Hamburg) publishes it, with its numbers for cuffs on the arms in
  kPa, without the guard and up to 100 kPa: on a calf these pressures are far too high. A stop ends it, as
  there, but what was rated before is used;
* the same with every pressure in proportion to the threshold of these people: what it can do with the
  right numbers, still without the guard;
* a straight line through six fixed levels in random order, without the guard;
* a straight line through the ratings of the default: what the estimate adds;
* the default without familiarisation and confirmation: what its rise alone is worth.

"Without the guard" is for these lines only; a protocol file cannot say so.
"""

import argparse
import math
import time

from measure import ROOT

from hardware.sim.people import Mood
from scc_task.calibration.estimate import rated
from scc_task.calibration.procedures import procedure_for
from scc_task.calibration.searches import pressure_on_line
from scc_task.calibration.talk import Finished, Outcome
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import load_calibration_protocol
from scc_task.rehearsal import HEAD, answered, by_procedure, line, people, refusals, rehearse

MMHG_PER_KPA = 7.500617
HIGHEST_MMHG = 100 * MMHG_PER_KPA  # what the device of CPM-Pressure can do

NAMES = ("", "-threshold", "-staircase", "-regression", "-fixed")


def shipped(name: str) -> CalibrationProtocol:
    """Return a shipped protocol."""
    return load_calibration_protocol(ROOT / "protocols" / f"calibration{name}.yaml").model


def unguarded(protocol: CalibrationProtocol, name: str, *, stops: int) -> CalibrationProtocol:
    """Return a protocol with numbers that no file may have (copies are not checked)."""
    safety = protocol.safety.model_copy(
        update={
            "step_mmhg": HIGHEST_MMHG,
            "soft_cap_mmhg": HIGHEST_MMHG,
            "hard_cap_mmhg": HIGHEST_MMHG,
            "stop_rating": 101.0,
            "inflations": 99,
            "stops": stops,
        }
    )
    first = protocol.familiarise.model_copy(update={"mmhg": HIGHEST_MMHG, "count": 0})
    return protocol.model_copy(update={"name": name, "safety": safety, "familiarise": first})


def as_published(mmhg_per_kpa: float, name: str) -> CalibrationProtocol:
    """Return target regression with the published numbers, in units of ``mmhg_per_kpa``."""
    protocol = unguarded(shipped("-regression"), name, stops=1)  # as there
    assert protocol.regression is not None
    numbers = protocol.regression.model_copy(
        update={
            "pre_exposure_mmhg": (max(20.0, 10 * mmhg_per_kpa), 20 * mmhg_per_kpa),
            "mean_mmhg": 35 * mmhg_per_kpa,  # of the short stimuli
            "sd_mmhg": 8 * mmhg_per_kpa,
            "spread_mmhg": 1 * mmhg_per_kpa,
            "range_mmhg": (25 * mmhg_per_kpa, 95 * mmhg_per_kpa),
            "fixed_ratings": (10.0, 30.0, 90.0),
        }
    )
    return protocol.model_copy(update={"regression": numbers, "targets": tuple(range(20, 81, 10))})


def six_levels() -> CalibrationProtocol:
    """Return six levels that span the population, in random order."""
    protocol = unguarded(shipped("-fixed"), "line, 6 fixed levels", stops=6)
    assert protocol.fixed is not None
    levels = (60.0, 100.0, 140.0, 180.0, 220.0, 260.0)
    numbers = protocol.fixed.model_copy(update={"levels_mmhg": levels, "until": 101.0})
    return protocol.model_copy(update={"fixed": numbers})


def given(
    protocol: CalibrationProtocol, mood: Mood, seed: int, ceiling_mmhg: float
) -> list[Outcome]:
    """Return the outcomes of a procedure."""
    procedure = procedure_for(protocol, seed=seed, ceiling_mmhg=ceiling_mmhg)
    while not isinstance(asked := procedure.next(), Finished):
        procedure.tell(answered(asked, mood))
    return list(procedure.outcomes)


def by_line_above_zero(unit_mmhg: float):
    """Return the published evaluation: a line through the ratings above 0, rounded up to a unit."""

    def calibrate(protocol, mood, seed):
        outcomes = given(protocol, mood, seed, HIGHEST_MMHG)
        points = [
            (o.request.pressure_mmhg, o.rating)
            for o in outcomes
            if o.request.phase in ("scaling", "regression") and o.borne and o.rating is not None
        ]
        found = pressure_on_line(points, 40.0)
        if found is None or not 0 < found <= HIGHEST_MMHG:
            return outcomes, None, ["no rising line"]
        return outcomes, math.ceil(found / unit_mmhg) * unit_mmhg, []

    return calibrate


def by_line(ceiling_mmhg: float):
    """Return a plain evaluation: a line through all ratings."""

    def calibrate(protocol, mood, seed):
        outcomes = given(protocol, mood, seed, ceiling_mmhg)
        points = rated(outcomes)
        # a hair above 0, because the other line leaves zeros out
        found = pressure_on_line([(p, max(r, 1e-9)) for p, r in points], 40.0)
        if found is None or not 0 < found <= 300:
            return outcomes, None, ["no rising line"]
        return outcomes, found // 5 * 5, []

    return calibrate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    default, calf_mmhg = (
        shipped(""),
        63 / 35,
    )  # 35 kPa is the expected threshold; here it is 63 mmHg
    rows = [(shipped(name), by_procedure) for name in NAMES]
    bare = default.model_copy(
        update={
            "name": "default, bare rise only",
            "confirm": None,
            "familiarise": default.familiarise.model_copy(update={"count": 0}),
        }
    )
    stepwise = default.ascent.model_copy(update={"adaptive": False})
    rows += [
        (bare, by_procedure),
        (
            default.model_copy(update={"name": "default, steps as written", "ascent": stepwise}),
            by_procedure,
        ),
        (as_published(MMHG_PER_KPA, "UKE, as published (arms)"), by_line_above_zero(MMHG_PER_KPA)),
        (as_published(calf_mmhg, "UKE, scaled to the calf"), by_line_above_zero(calf_mmhg)),
        (six_levels(), by_line(HIGHEST_MMHG)),
        (default.model_copy(update={"name": "line, ratings of the default"}), by_line(300.0)),
    ]
    began_s = time.monotonic()
    for mess in (False, True):
        persons = people(arguments.participants, seed=arguments.seed, mess=mess)
        print(f"\n{len(persons)} people, {'with mess' if mess else 'no mess'}\n{HEAD}")
        for protocol, calibrate in rows:
            done = rehearse(protocol, persons, seed=arguments.seed, calibrate=calibrate)
            print(line(protocol.name, done))
            reasons = (f"{gate} {count}" for gate, count in refusals(done).items())
            print(f"{'':8s}refused: {', '.join(reasons) or 'nobody'}")
    print(f"\n{time.monotonic() - began_s:.0f} s")


if __name__ == "__main__":
    main()
