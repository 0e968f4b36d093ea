"""Ratings belong to the pressure that was measured, not to the one that was asked for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from calibration_bench import shipped
from journals import calibration
from test_calibration_estimate import STEADY, outcomes

from scc_task.calibration.estimate import conclude
from scc_task.calibration.gates import Gate
from scc_task.calibration.measured import Hold, worst_off
from scc_task.documents import Document, Samples
from scc_task.record.holds import measured_holds


def leaking(documents: Sequence[Document], by_mmhg: float) -> list[Document]:
    """Return a run whose cuff never came to the pressure it was told."""
    return [
        replace(d, measured_mmhg=tuple(max(0.0, m - by_mmhg) for m in d.measured_mmhg))
        if isinstance(d, Samples)
        else d
        for d in documents
    ]


def test_every_rated_inflation_is_held_against_what_was_measured() -> None:
    holds = measured_holds(calibration())
    assert len(holds) >= 4
    assert worst_off(holds) is None
    assert all(hold.off_mmhg < 5 for hold in holds)


def test_a_cuff_that_stays_below_what_was_asked_for_is_found() -> None:
    worst = worst_off(measured_holds(leaking(calibration(), 18.0)))
    assert worst is not None
    assert 14 <= worst.asked_mmhg - worst.measured_mmhg <= 22


def test_a_cuff_that_measures_nothing_is_not_doubted() -> None:
    silent = [d for d in calibration() if not isinstance(d, Samples)]
    assert measured_holds(silent) == ()
    assert worst_off(()) is None


@pytest.mark.parametrize(("measured", "refused"), [(122.0, True), (135.0, False)])
def test_ratings_of_another_pressure_are_no_result(measured: float, refused: bool) -> None:
    holds = (Hold(120.0, 119.0), Hold(140.0, measured))
    result = conclude(shipped(), outcomes(STEADY), measured=holds)
    found = [r.what for r in result.refusals if r.gate is Gate.MEASURED]
    assert result.accepted is not refused
    if refused:
        assert found[0].startswith("140 mmHg was asked for and 122 mmHg was measured")
