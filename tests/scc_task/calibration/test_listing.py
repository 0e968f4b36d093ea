"""Which of the stored calibrations the list calls good: those that a run would use."""

from pathlib import Path

import pytest
from checks import ASKED, Checked, came, ended
from stored import proposal, stored

from scc_task.calibration.listing import as_json, lines, rows_of


def states(data: Path) -> list[tuple[int, bool]]:
    return [(row.entry.revision, row.holds) for row in rows_of(data, "01")]


def test_a_later_simulated_revision_does_not_supersede_the_real_one(tmp_path: Path) -> None:
    stored(tmp_path)
    stored(tmp_path, comment="another")
    stored(tmp_path, proposal(simulated=True))
    assert states(tmp_path) == [(1, False), (2, True), (3, True)]
    stored(tmp_path)
    assert states(tmp_path) == [(1, False), (2, False), (3, False), (4, True)]


def test_nothing_below_a_damaged_revision_holds(tmp_path: Path) -> None:
    stored(tmp_path)
    path = Path(stored(tmp_path, comment="another").file)
    path.write_bytes(path.read_bytes()[:-1])
    assert states(tmp_path) == [(1, False), (2, False)]
    assert "revision 2  the newest, but it CANNOT BE USED" in "\n".join(
        lines(rows_of(tmp_path, "01"))
    )


@pytest.mark.parametrize(
    ("rating", "what"), [(70, "141.5 mmHg was rated 70"), (90, "141.5 mmHg was too much")]
)
def test_what_a_run_would_refuse_for_its_check_does_not_hold_in_the_list(
    tmp_path: Path, rating: float, what: str
) -> None:
    checked = Checked(tmp_path)
    checked.check(ASKED, came(rating=rating), ended())
    (row,) = rows_of(tmp_path, "01")
    assert not row.holds
    shown = "\n".join(lines([row]))
    assert "revision 1  the newest, but a run REFUSES it" in shown
    assert what in shown
    assert what in as_json(row)["trouble"]


def test_a_check_of_an_emulated_cuff_is_no_trouble_of_a_real_calibration(tmp_path: Path) -> None:
    checked = Checked(tmp_path)
    checked.check(ASKED, came(rating=70), ended(), simulated=True)
    assert states(tmp_path) == [(1, True)]
