"""The check of a stored pressure: when it holds, how far it may be adjusted, what is kept of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS, asked, rated, stopped
from stored import NOON, RIGS, proposal, real_rig
from stored import stored as store

from hardware.limits import Limits
from scc_task.calibration import refusals
from scc_task.calibration.check import (
    CheckResult,
    Held,
    Place,
    conclude_check,
    place_of,
    procedure_of,
    range_mmhg,
    stored_for,
)
from scc_task.calibration.keep import adjusted_by_check
from scc_task.calibration.measured import Hold
from scc_task.calibration.store import device_of, entries
from scc_task.calibration.talk import Finished, Outcome, Procedure
from scc_task.errors import UsageInvalid
from scc_task.protocol.accepted import Accepted, Bound, Target
from scc_task.protocol.load import load_calibration_protocol, load_rig

PROTOCOL = load_calibration_protocol(PROTOCOLS / "calibration.yaml")
HERE = Place(session="pre", first_session="pre", age_days=0)
P40 = Target(rating=40, mmhg=140, low_mmhg=128, high_mmhg=152, inflations=12)


def accepted(folder: Path, *, highest: float = 160) -> Accepted:
    what = proposal(targets=(P40,)).model_copy(update={"highest_given_mmhg": highest})
    return store(folder, what).model


def through(
    model: Accepted,
    rating: Callable[[float], float | None],
    *,
    yes: bool = True,
    ceiling: float = 250.0,
    place: Place = HERE,
) -> tuple[Procedure, CheckResult]:
    procedure = procedure_of(PROTOCOL, model, ceiling_mmhg=ceiling)
    while not isinstance(request := procedure.next(), Finished):
        outcome = rated(request, rating(request.pressure_mmhg))
        if request.needs_yes and not yes:
            outcome = Outcome(request=request, rating=None, operator_said_yes=False)
        procedure.tell(outcome)
    outcomes = procedure.outcomes
    result = conclude_check(
        *(PROTOCOL.model, model, outcomes, request), ceiling_mmhg=ceiling, place=place
    )
    return procedure, result


def test_a_rating_as_it_should_be_keeps_the_pressure_after_one_inflation(tmp_path: Path) -> None:
    procedure, result = through(accepted(tmp_path), lambda mmhg: 46.0)
    assert [o.request.pressure_mmhg for o in procedure.outcomes] == [140.0]
    assert (result.held, result.mmhg) == (Held.HOLDS, 140.0)
    assert result.words == "P40 = 140 mmHg holds: 140 mmHg was rated 46"
    assert result.do == "go on with the run"


def test_another_pressure_is_found_only_with_a_yes_and_within_what_was_accepted(
    tmp_path: Path,
) -> None:
    model = accepted(tmp_path)
    procedure, result = through(model, lambda mmhg: 40 + 1.3 * (mmhg - 130))
    first, *others = procedure.outcomes
    assert not first.request.needs_yes
    low, high = range_mmhg(model, 40, ceiling_mmhg=250)
    assert result.held is Held.ADJUSTED
    assert result.mmhg is not None
    assert low <= result.mmhg < 140
    assert all(
        o.request.needs_yes and o.request.pressure_mmhg <= high
        for o in others
        if o.request.pressure_mmhg != 140
    )
    assert "accept it to use" in result.do


@pytest.mark.parametrize(
    ("highest", "ceiling", "most"), [(160.0, 250.0, 150.0), (145.0, 250.0, 145.0), (160, 142, 142)]
)
def test_a_check_never_rises_above_interval_tolerance_or_ceiling(
    tmp_path: Path, highest: float, ceiling: float, most: float
) -> None:
    model = accepted(tmp_path, highest=highest)
    procedure, result = through(model, lambda mmhg: 10.0, ceiling=ceiling)
    assert max(o.request.pressure_mmhg for o in procedure.outcomes) <= most
    assert result.held is Held.FAILED
    assert "does not hold" in result.words
    assert "calibrate again" in result.do


def test_a_check_never_rises_to_what_the_calibration_found_too_much(tmp_path: Path) -> None:
    tolerance = Bound(mmhg=140, low_mmhg=140, high_mmhg=150)
    model = accepted(tmp_path).model_copy(update={"tolerance": tolerance})
    procedure, result = through(model, lambda mmhg: 40.0 if mmhg >= 150 else 20.0)
    assert max(o.request.pressure_mmhg for o in procedure.outcomes) < 150
    assert result.held is Held.FAILED
    off_the_grid = model.model_copy(
        update={"tolerance": tolerance.model_copy(update={"high_mmhg": 141.0})}
    )
    assert range_mmhg(off_the_grid, 40, ceiling_mmhg=250)[1] == 140


def test_a_pressure_off_the_grid_holds_only_if_it_was_given_as_it_is(tmp_path: Path) -> None:
    target = P40.model_copy(update={"mmhg": 142.0})
    model = store(tmp_path, proposal(targets=(target,))).model
    _, result = through(model, lambda mmhg: 26.0 if mmhg == 142 else 40.0)
    assert result.held is Held.ADJUSTED
    assert result.mmhg is not None
    assert result.words.startswith(f"P40 was 142 mmHg and is {result.mmhg:g} mmHg now")
    assert result.mmhg != 142


@pytest.mark.parametrize(
    ("session", "first", "do"),
    [
        ("pre", "pre", "go on with the run"),
        ("post", "pre", "'policy: same_pressure'; with 'recalibrate' it needs a calibration of"),
        ("pre", "zero", "'policy: recalibrate'; with 'same_pressure' it uses the pressure of ses-zero"),
    ],
)  # fmt: skip
def test_a_pressure_that_holds_is_for_the_runs_whose_policy_uses_it(
    tmp_path: Path, session: str, first: str, do: str
) -> None:
    place = Place(session=session, first_session=first, age_days=0)
    _, result = through(accepted(tmp_path), lambda mmhg: 41.0, place=place)
    assert result.held is Held.HOLDS
    assert do in result.do


@pytest.mark.parametrize(
    ("session", "use"),
    [("pre", "from now on"), ("post", "in runs of ses-post whose protocol says 'policy: recal")],
)
def test_an_adjusted_pressure_is_for_the_runs_whose_policy_uses_it(
    tmp_path: Path, session: str, use: str
) -> None:
    place = Place(session=session, first_session="pre", age_days=0)
    _, result = through(accepted(tmp_path), lambda mmhg: 40 + 1.3 * (mmhg - 130), place=place)
    assert result.held is Held.ADJUSTED
    assert use in result.use
    assert result.use in result.do


def test_the_age_of_what_holds_is_told_since_a_run_may_refuse_it(tmp_path: Path) -> None:
    store(tmp_path)
    rig = load_rig(real_rig(tmp_path)).model
    later = NOON + timedelta(days=31)
    found = look(tmp_path, real_rig(tmp_path), "post")
    place = place_of(found, tmp_path, "post", rig=rig, now=later)
    assert place == Place(session="post", first_session="pre", age_days=31)
    _, result = through(
        found.calibration.model, lambda mmhg: 41.0, place=replace(place, session="pre")
    )
    assert result.do.startswith(
        "go on with the run; the calibration is 31 days old, and a run refuses"
    )


def test_a_rating_of_another_pressure_than_the_stored_one_checks_nothing(tmp_path: Path) -> None:
    model = accepted(tmp_path)
    procedure = procedure_of(PROTOCOL, model, ceiling_mmhg=250.0)
    procedure.tell(rated(asked(procedure), 41.0))
    end = procedure.next()
    assert isinstance(end, Finished)
    result = conclude_check(
        *(PROTOCOL.model, model, procedure.outcomes, end),
        ceiling_mmhg=250.0,
        place=HERE,
        measured=(Hold(140.0, 122.0),),
    )
    assert result.held is Held.FAILED
    assert "could not be checked: 140 mmHg was asked for and 122 mmHg was measured" in result.words


def test_a_no_ends_the_check_and_changes_nothing(tmp_path: Path) -> None:
    procedure, result = through(accepted(tmp_path), lambda mmhg: 90.0, yes=False)
    assert sum(o.given for o in procedure.outcomes) <= 2
    assert result.held is Held.FAILED
    assert result.mmhg is None


def test_a_pressure_outside_the_accepted_interval_is_a_calibrations_business(
    tmp_path: Path,
) -> None:
    _, result = through(accepted(tmp_path), lambda mmhg: 40 + 1.5 * (mmhg - 112))
    assert result.held is Held.FAILED


def test_a_check_ends_at_the_lowest_pressure_that_was_accepted(tmp_path: Path) -> None:
    procedure, result = through(accepted(tmp_path), lambda mmhg: 60.0)
    low, _ = range_mmhg(accepted(tmp_path), 40, ceiling_mmhg=250)
    assert [o.request.pressure_mmhg for o in procedure.outcomes] == [140.0, 130.0, 125.0]
    assert low == 125
    assert result.held is Held.FAILED
    assert "it would lie below 125 mmHg, the lowest that was accepted" in result.words


def test_a_check_whose_first_pressure_was_not_wanted_found_nothing(tmp_path: Path) -> None:
    strict = PROTOCOL.model.safety.model_copy(update={"soft_cap_mmhg": 120})
    protocol = replace(PROTOCOL, model=PROTOCOL.model.model_copy(update={"safety": strict}))
    model = accepted(tmp_path)
    procedure = procedure_of(protocol, model, ceiling_mmhg=250)
    procedure.tell(Outcome(request=asked(procedure), rating=None, operator_said_yes=False))
    end = procedure.next()
    assert isinstance(end, Finished)
    result = conclude_check(
        *(protocol.model, model, procedure.outcomes, end), ceiling_mmhg=250, place=HERE
    )
    assert result.held is Held.UNKNOWN
    assert result.words == (
        "P40 = 140 mmHg could not be checked: the operator did not want it to be given"
    )
    assert result.do.startswith("check again, or calibrate again")


def test_a_stop_by_the_participant_is_never_given_again(tmp_path: Path) -> None:
    procedure = procedure_of(PROTOCOL, accepted(tmp_path), ceiling_mmhg=250.0)
    procedure.tell(stopped(asked(procedure)))
    after = procedure.next()
    assert isinstance(after, Finished) or after.pressure_mmhg < 140


def test_a_pressure_off_the_grid_is_checked_as_it_was_accepted(tmp_path: Path) -> None:
    target = P40.model_copy(update={"mmhg": 141.5})
    model = store(tmp_path, proposal(targets=(target,))).model
    assert asked(procedure_of(PROTOCOL, model, ceiling_mmhg=250.0)).pressure_mmhg == 141.5


def test_a_protocol_that_confirms_nothing_cannot_check(tmp_path: Path) -> None:
    fixed = load_calibration_protocol(PROTOCOLS / "calibration-fixed.yaml")
    with pytest.raises(UsageInvalid, match="no rule to check by"):
        procedure_of(fixed, accepted(tmp_path), ceiling_mmhg=250.0)


def look(data: Path, rig: Path, session: str = "pre"):
    return stored_for(
        *(data, "01", session, 40.0), rig=load_rig(rig).model, limits=Limits(), now=NOON
    )


def test_the_sessions_own_is_checked_and_else_the_first_sessions(tmp_path: Path) -> None:
    store(tmp_path)
    rig = real_rig(tmp_path)
    assert look(tmp_path, rig, "post").calibration.model.session == "pre"
    store(tmp_path, proposal(session="post"))
    assert look(tmp_path, rig, "post").calibration.model.session == "post"


def test_with_nothing_stored_there_is_nothing_to_check_also_when_simulated(
    tmp_path: Path,
) -> None:
    with pytest.raises(refusals.NoCalibration, match="nothing to check"):
        look(tmp_path, RIGS / "simulated.yaml")


def test_what_was_adjusted_is_the_next_revision_and_keeps_what_was_tolerated(
    tmp_path: Path,
) -> None:
    from test_store_find import ANSWERS

    model = accepted(tmp_path)
    procedure, result = through(model, lambda mmhg: 40 + 1.3 * (mmhg - 130))
    rig = load_rig(real_rig(tmp_path))
    made = adjusted_by_check(
        *(model, PROTOCOL, rig, procedure.outcomes, result),
        session="pre",
        simulated=False,
        device=device_of(ANSWERS, "reference"),
    )
    again = store(tmp_path, made).model
    assert (again.revision, again.procedure) == (2, "check")
    assert again.mmhg_for(40) == result.mmhg
    assert again.highest_given_mmhg == model.highest_given_mmhg
    assert len(entries(tmp_path, "01")) == 2


def test_what_was_too_much_in_the_check_bounds_what_it_adjusts(tmp_path: Path) -> None:
    from test_store_find import ANSWERS

    model = accepted(tmp_path)
    procedure, result = through(model, lambda mmhg: 85.0 if mmhg == 140 else 40.0)
    assert result.mmhg == 130
    assert "no run uses 140 mmHg after this" in result.do
    made = adjusted_by_check(
        *(model, PROTOCOL, load_rig(real_rig(tmp_path)), procedure.outcomes, result),
        session="pre",
        simulated=False,
        device=device_of(ANSWERS, "reference"),
    )
    assert made.tolerance == Bound(mmhg=130, low_mmhg=130, high_mmhg=140)
    assert made.highest_given_mmhg == 135
    again = store(tmp_path, made).model
    assert range_mmhg(again, 40, ceiling_mmhg=250)[1] == 135
