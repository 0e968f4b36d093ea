"""After the participant's stop the person comes first."""

import pytest

from scc_task.calibration.stopped import what_now

COMMAND = "run_task.py calibrate --subject 01 --session pre"


@pytest.mark.parametrize("check", [True, False])
def test_after_the_participants_stop_the_operator_sees_to_the_participant_first(
    check: bool,
) -> None:
    words = what_now("participant", check=check, command=COMMAND)
    assert words.startswith("see to the participant, and ask before anything else; ")


def test_a_check_that_the_participant_stopped_is_not_run_again() -> None:
    words = what_now("participant", check=True, command=COMMAND)
    assert "--check" not in words
    assert COMMAND in words


@pytest.mark.parametrize(("check", "option"), [(True, "--check"), (False, "--resume")])
def test_what_broke_off_otherwise_is_taken_up_again(check: bool, option: str) -> None:
    assert option in what_now("cuff_fault", check=check, command=COMMAND)
