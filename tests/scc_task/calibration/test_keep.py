"""Threshold and tolerance beside the targets, in the store and in the list."""

from pathlib import Path

import pytest
from calibration_bench import drive, fresh, person, rated, shipped, stopped
from stored import proposal, stored
from test_calibration_estimate import outcomes

from scc_task.calibration.estimate import conclude
from scc_task.calibration.keep import threshold_of, tolerance_of
from scc_task.calibration.listing import lines, rows_of
from scc_task.protocol.accepted import Bound


def test_pain_begins_where_the_curve_says_with_an_interval() -> None:
    procedure = fresh()
    drive(procedure, person(140.0))
    found = threshold_of(conclude(shipped(), procedure.outcomes), 160.0)
    assert found is not None
    assert 60 <= found.mmhg <= 110
    assert found.low_mmhg <= found.mmhg <= found.high_mmhg


def test_a_threshold_above_what_was_given_is_none() -> None:
    result = conclude(shipped(), outcomes([(60, 0), (80, 0), (60, 0), (80, 1)]))
    assert threshold_of(result, 80.0) is None


def test_tolerance_lies_between_the_highest_borne_and_the_lowest_that_was_too_much() -> None:
    found = tolerance_of(shipped(), outcomes([(100, 30), (120, 55), (140, 82), (160, 90)]))
    assert found == Bound(mmhg=120, low_mmhg=120, high_mmhg=140)


def test_a_stop_is_a_limit_of_tolerance() -> None:
    procedure = fresh()
    for _ in range(6):
        request = procedure.next()
        procedure.tell(rated(request, 10.0))  # type: ignore[arg-type]
    limit = procedure.next()
    procedure.tell(stopped(limit))  # type: ignore[arg-type]
    found = tolerance_of(shipped(), procedure.outcomes)
    assert found is not None
    assert found.high_mmhg == limit.pressure_mmhg  # type: ignore[union-attr]
    assert found.mmhg < found.high_mmhg


def test_nothing_is_said_of_tolerance_where_nothing_was_too_much() -> None:
    assert tolerance_of(shipped(), outcomes([(100, 30), (120, 55)])) is None


def test_both_are_kept_and_listed(tmp_path: Path) -> None:
    more = {
        "threshold": Bound(mmhg=85, low_mmhg=75, high_mmhg=95.5),
        "tolerance": Bound(mmhg=180, low_mmhg=180, high_mmhg=200),
    }
    model = stored(tmp_path, proposal().model_copy(update=more)).model
    assert (model.threshold, model.tolerance) == (more["threshold"], more["tolerance"])
    shown = "\n".join(lines(rows_of(tmp_path, None)))
    assert "pain begins: 85 mmHg (75 to 95.5)" in shown
    assert "tolerated: 180 mmHg; 200 was too much" in shown


def test_a_calibration_without_them_is_kept_as_before(tmp_path: Path) -> None:
    loaded = stored(tmp_path)
    assert "threshold" not in loaded.text
    assert loaded.model.tolerance is None


def test_a_bound_outside_its_own_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="not between"):
        Bound(mmhg=70, low_mmhg=75, high_mmhg=95)
