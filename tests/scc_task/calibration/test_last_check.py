"""A check that was stopped, or found that a pressure does not hold, stands before the next run."""

import os
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from checks import ASKED, DOES_NOT_HOLD, PROTOCOL, Checked, asked, came, ended, given, key
from stored import NOON, PROTOCOLS, proposal, stored

from hardware.limits import Limits
from scc_task.calibration import refusals
from scc_task.calibration.check import (
    Held,
    Place,
    conclude_check,
    procedure_of,
    range_mmhg,
    stored_for,
)
from scc_task.calibration.last_check import last_trouble
from scc_task.calibration.talk import Finished
from scc_task.calibration.talk import Outcome as Came
from scc_task.documents import Confirmed, Document, Planned, StepBegan
from scc_task.protocol.accepted import Bound
from scc_task.protocol.check import Found
from scc_task.protocol.load import load_calibration_protocol
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
    assert "its check on 2026-03-02 in ses-pre found: P40 = 141.5 mmHg does not hold" in words
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


def test_what_was_adjusted_and_not_accepted_stands_against_the_old_pressure(
    checked: Checked,
) -> None:
    checked.check(*given((141.5, 70), (135, 40), (135, 41)))
    assert "P40 was 141.5 mmHg and is 135 mmHg now: 141.5 mmHg was rated 70" in checked.refused()


def test_an_adjusted_check_does_not_wipe_out_the_one_that_did_not_hold(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended())
    checked.check(*given((141.5, 60), (135, 40), (135, 41)), run=2)
    assert "is 135 mmHg now" in checked.refused()


def test_a_rating_counts_also_where_the_check_broke_off_after_it(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), ended("operator"))
    assert "no pressure was confirmed (141.5 mmHg was rated 70)" in checked.refused()


def test_what_is_too_much_is_what_the_checks_own_protocol_says(checked: Checked) -> None:
    strict = PROTOCOL.replace("stop_rating: 80", "stop_rating: 60")
    assert strict != PROTOCOL
    checked.check(ASKED, came(rating=65), ended(), protocol=strict)
    assert "141.5 mmHg was too much in its check" in checked.refused(to_check=True)


def test_a_stop_key_on_record_counts_where_the_program_was_killed_with_it(checked: Checked) -> None:
    checked.check(ASKED, key())
    assert "the participant stopped its check on 2026-03-02 in ses-pre" in checked.refused(
        to_check=True
    )


def test_a_grip_that_is_let_go_at_the_end_of_a_check_stops_nothing(checked: Checked) -> None:
    let_go = replace(key("grip"), down=False)
    checked.check(ASKED, step(2), came(), let_go, ended())
    assert isinstance(checked.used(), Found)
    checked.check(ASKED, step(2), let_go, run=2)
    assert "the participant stopped its check" in checked.refused(to_check=True)


def test_a_rating_on_record_counts_where_the_program_was_killed_before_the_end_of_its_slot(
    checked: Checked,
) -> None:
    steps = tuple(
        {"kind": k, "trial": 1, "number": n, "duration_ms": 15_000}
        for k, n in (("inflate", 2), ("rate", 4))
    )
    checked.check(
        *(ASKED, Planned(time_s=1, steps=steps)),
        *(step(number) for number in (2, 3, 4)),
        Confirmed(step=4, time_s=30, rating=95),
    )
    assert "141.5 mmHg was too much in its check" in checked.refused(to_check=True)


def step(number: int) -> StepBegan:
    return StepBegan(
        number=number, kind="any", trial=1, trial_type=None, planned_s=number, flip_s=number
    )


def test_a_higher_pressure_that_was_too_much_is_none_of_the_stored_one_that_holds(
    checked: Checked,
) -> None:
    checked.check(*given((141.5, 28), (150, 85), (141.5, 40), (141.5, 41)))
    assert isinstance(checked.used(), Found)


def test_the_next_check_does_not_come_to_what_was_too_much_in_the_last_one(
    checked: Checked,
) -> None:
    checked.check(*given((141.5, 28), (150, 85), (141.5, 40), (141.5, 41)))
    found = stored_for(
        *(checked.data, "01", "pre", 40.0), rig=checked.rig, limits=Limits(), now=NOON
    )
    assert found.calibration.sha256 == checked.stored.sha256
    tolerance = found.calibration.model.tolerance
    assert tolerance == Bound(mmhg=141.5, low_mmhg=141.5, high_mmhg=150)
    assert range_mmhg(found.calibration.model, 40, ceiling_mmhg=250)[1] < 150


def test_a_participant_who_stops_a_higher_pressure_has_not_stopped_the_stored_one(
    checked: Checked,
) -> None:
    checked.check(
        *(ASKED, came(rating=20), asked(2, 150)),
        *(came(rating=None, stopped=True, trial=2, said_yes=True), ended("participant")),
    )
    assert "or check it once more" in checked.refused()
    assert isinstance(checked.used(to_check=True), Found)


@pytest.mark.parametrize(
    "documents",
    [
        (replace(ASKED, needs_yes=True), came(rating=None, said_yes=False), ended()),
        tuple(d for n in (1, 2, 3) for d in (asked(n, 141.5), came(rating=None, trial=n))),
    ],
)
def test_a_pressure_that_was_never_rated_could_not_be_checked_and_is_used_as_before(
    checked: Checked, documents: tuple[Document, ...]
) -> None:
    checked.check(*documents)
    assert isinstance(checked.used(), Found)
    checked.check(ASKED, came(rating=70), ended(), run=2)
    checked.check(*documents, run=3)
    assert "141.5 mmHg was rated 70" in checked.refused()


def test_checks_of_one_session_are_in_the_order_of_their_numbers(checked: Checked) -> None:
    checked.check(
        *(ASKED, came(rating=70), DOES_NOT_HOLD, ended()), run=2, wall="1924-01-01T00:00:00"
    )
    checked.check(ASKED, came(), ended(), run=10, wall="1924-01-01T00:00:00")
    assert isinstance(checked.used(), Found)


def test_a_check_that_an_emulator_at_a_port_answered_says_nothing_of_a_person(
    checked: Checked,
) -> None:
    assert not checked.rig.simulated
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended())
    checked.check(ASKED, came(), ended(), run=2, simulated=True)
    assert "141.5 mmHg was rated 70" in checked.refused()


def test_the_check_to_make_is_that_of_the_session_whose_pressure_is_used(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), ended(), session="post")
    assert "calibrate --check --subject 01 --session post" in checked.refused("post")
    stored(checked.data, proposal(session="post"), now=NOON + timedelta(days=1))
    assert "calibrate --check --subject 01 --session pre" in checked.refused("post")


def test_another_sessions_check_counts_for_the_pressure_that_both_use(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), session="post")
    assert "write 'policy: recalibrate' in the protocol and calibrate" in checked.refused("post")


def test_a_new_calibration_and_a_rehearsed_check_are_not_concerned(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), simulated=True)
    assert isinstance(checked.used(), Found)
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), run=2)
    stored(checked.data, proposal(), comment="anew")
    assert isinstance(checked.used(), Found)


def test_a_journal_without_a_first_line_stands_in_nobodys_way(checked: Checked) -> None:
    checked.check(ASKED, came(), ended())
    name = RunName(subject="01", session="pre", run=2, task="calibrationcheck")
    name.journal(checked.data).write_bytes(b"")
    assert isinstance(checked.used(), Found)


def damage(path: Path, line: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1][:20] + b"?" + lines[line - 1][21:]
    path.write_bytes(b"".join(lines))


def lost(checked: Checked, **more) -> str:
    with pytest.raises(refusals.CheckDamaged) as refused:
        checked.used(**more)
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (
            1,
            " in another session (in ses-pre nothing is inflated any more: its dose is not known): ",
        ),
        (3, ": "),
    ],
)
def test_a_damaged_record_of_a_check_is_refused_until_another_check_holds(
    checked: Checked, line: int, where: str
) -> None:
    path = checked.check(ASKED, came(rating=70), ended())
    damage(path, line)
    words = lost(checked)
    assert f"{path}: the record of a check cannot be trusted: {path.name}: " in words
    assert "put back a whole copy of it" in words
    session = "pre" if where == ": " else "ANOTHER"
    assert (
        f"then check again{where}run_task.py calibrate --check --subject 01 --session {session}"
        in words
    )
    assert "the record of a check cannot be trusted" in checked.used(to_check=True).source
    checked.check(ASKED, came(), ended(), run=2)
    assert isinstance(checked.used(), Found)


@pytest.mark.parametrize(
    ("line", "what"),
    [(4, "the participant stopped its check"), (2, "something was too much in its check")],
)
def test_what_was_too_much_counts_also_in_a_damaged_record(
    checked: Checked, line: int, what: str
) -> None:
    path = checked.check(ASKED, came(rating=None, stopped=True), ended("participant"))
    damage(path, line)
    assert what in checked.refused(to_check=True)


def test_the_check_of_another_run_under_this_name_is_refused(checked: Checked) -> None:
    path = checked.check(ASKED, came(), ended())
    path.rename(path.with_name(path.name.replace("run-1", "run-2")))
    assert "it holds sub-01_ses-pre_task-calibrationcheck_run-1" in lost(checked)


def test_a_damaged_record_from_before_the_acceptance_was_no_check_of_it(checked: Checked) -> None:
    path = checked.check(ASKED, came(), ended())
    damage(path, 1)
    before = (NOON - timedelta(days=1)).timestamp()
    os.utime(path, (before, before))
    assert isinstance(checked.used(), Found)


def test_a_later_check_in_another_session_does_for_a_record_that_does_not_say_whose_it_is(
    checked: Checked,
) -> None:
    path = checked.check(ASKED, came(rating=70), ended())
    damage(path, 1)
    recorded = (NOON + timedelta(hours=1)).timestamp()
    os.utime(path, (recorded, recorded))
    checked.check(ASKED, came(), ended(), session="post", wall="2026-03-02T12:30:00")
    assert "cannot be trusted" in lost(checked)
    checked.check(ASKED, came(), ended(), session="post", run=2, wall="2026-03-02T13:30:00")
    assert isinstance(checked.used(), Found)


def test_a_run_whose_task_is_called_check_is_no_check(checked: Checked) -> None:
    run = (PROTOCOLS / "scc.yaml").read_text("utf-8")
    checked.check(ended("participant"), protocol=run)
    assert isinstance(checked.used(), Found)


@pytest.mark.parametrize("seed", range(40))
def test_the_next_run_reads_the_same_answer_as_the_check_gave_at_its_end(
    checked: Checked, seed: int
) -> None:
    draw, protocol = random.Random(seed), load_calibration_protocol(PROTOCOLS / "calibration.yaml")
    model, limits = checked.stored.model, Limits()
    true_mmhg, noise = draw.uniform(115, 165), draw.choice((0, 5, 15))
    procedure = procedure_of(protocol, model, ceiling_mmhg=limits.ceiling_mmhg)
    documents: list[Document] = []
    while not isinstance(request := procedure.next(), Finished):
        trial = len(procedure.outcomes) + 1
        said_yes = draw.random() > 0.1 if request.needs_yes else None
        stopped = said_yes is not False and draw.random() < 0.05
        rating = 40 + 1.3 * (request.pressure_mmhg - true_mmhg) + draw.gauss(0, noise)
        rated = said_yes is not False and not stopped and draw.random() > 0.1
        came_of = Came(
            request=request,
            rating=round(min(100, max(0, rating))) if rated else None,
            tolerated=not stopped,
            stopped=stopped,
            operator_said_yes=said_yes,
        )
        procedure.tell(came_of)
        documents += [
            replace(
                asked(trial, request.pressure_mmhg, request.phase), needs_yes=request.needs_yes
            ),
            came(rating=came_of.rating, stopped=stopped, trial=trial, said_yes=said_yes),
        ]
    place = Place(session="pre", first_session="pre", age_days=0)
    told = conclude_check(
        *(protocol.model, model, procedure.outcomes, request),
        ceiling_mmhg=limits.ceiling_mmhg,
        place=place,
    )
    checked.check(*documents, ended())
    trouble = last_trouble(checked.data, checked.stored, ratings=(40.0,), simulated=False)
    assert (trouble is None) is (told.held in (Held.HOLDS, Held.UNKNOWN))
    if trouble is not None and not trouble.too_much:
        assert trouble.words.endswith(told.words)
