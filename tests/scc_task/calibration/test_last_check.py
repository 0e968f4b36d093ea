"""A check that was stopped, or found that a pressure does not hold, stands before the next run."""

from pathlib import Path

import pytest
from checks import ASKED, DOES_NOT_HOLD, Checked, came, ended
from stored import proposal, stored

from scc_task.documents import Document
from scc_task.protocol.check import Found
from scc_task.record.paths import RunName


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path)


def test_a_pressure_that_held_is_used(checked: Checked) -> None:
    checked.check(ASKED, came(), ended())
    assert isinstance(checked.used(), Found)


def test_a_pressure_that_did_not_hold_is_refused_until_it_holds_again(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended())
    words = checked.refused()
    assert "its check on 2026-03-02 in ses-pre found: P40 = 140 mmHg does not hold" in words
    assert "or check it once more: run_task.py calibrate --check --subject 01" in words
    assert "[SCC-132]" in words
    assert isinstance(checked.used(to_check=True), Found)
    checked.check(ASKED, came(), ended(), run=2)
    assert isinstance(checked.used(), Found)


@pytest.mark.parametrize(
    "documents",
    [
        (ASKED, came(rating=None, stopped=True), ended("participant")),
        (ASKED, came(rating=None, stopped=True)),  # killed before the end
        (ASKED, came(rating=None), ended("participant")),  # stopped at the scale
        (ASKED, came(rating=90), DOES_NOT_HOLD, ended()),
    ],
)
def test_what_the_participant_stopped_is_not_given_again_not_even_to_check(
    checked: Checked, documents: tuple[Document, ...]
) -> None:
    checked.check(*documents)
    for to_check in (False, True):
        words = checked.refused(to_check=to_check)
        assert "ask the participant first; this pressure is not given again: calibrate" in words


def test_a_check_that_broke_off_says_nothing_of_the_one_before(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended())
    checked.check(ASKED, ended("cuff_fault"), run=2)
    assert "does not hold" in checked.refused()


def test_another_sessions_check_counts_for_the_pressure_that_both_use(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), session="post")
    assert "write 'policy: recalibrate' in the protocol and calibrate" in checked.refused("post")


def test_a_new_calibration_and_a_rehearsed_check_are_not_concerned(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), simulated=True)
    assert isinstance(checked.used(), Found)
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), run=2)
    stored(checked.data, proposal(), comment="anew")
    assert isinstance(checked.used(), Found)


def test_a_journal_that_cannot_be_read_stands_in_nobodys_way(checked: Checked) -> None:
    checked.check(ASKED, came(), ended())
    name = RunName(subject="01", session="pre", run=2, task="calibrationcheck")
    name.journal(checked.data).write_bytes(b"")
    assert isinstance(checked.used(), Found)
