"""What was too much anywhere is known to whoever gives the stored pressure next: a run, or a check."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from checks import ASKED, DOES_NOT_HOLD, PROTOCOL, Checked, asked, came, ended
from stored import NOON, PROTOCOLS, proposal, stored

from scc_task.calibration import refusals
from scc_task.calibration.last_check import last_trouble, stopped_runs
from scc_task.calibration.logs import came_after, logs
from scc_task.documents import Document, StepBegan
from scc_task.protocol.check import Found
from scc_task.record.journal import encode_line
from scc_task.record.paths import RunName

ANOTHER = "ee" * 32
LATER = "2026-03-02T14:00:00"
EARLIER = "2026-03-02T09:00:00"
STOPPED = (asked(1, 100, "coarse"), came(rating=None, stopped=True), ended("participant"))


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path)


# -- a calibration that was begun anew, and given up


def test_a_stop_in_a_newer_calibration_is_known_to_run_and_check(checked: Checked) -> None:
    checked.check(*STOPPED, task="calibration", run=2, of=ANOTHER, wall=LATER)
    for to_check in (False, True):
        words = checked.refused(to_check=to_check)
        assert "the participant stopped a calibration on 2026-03-02 in ses-pre (14:00 UTC)" in words
        assert "at 100 mmHg" in words
        assert "this pressure is not given again" in words


def test_a_rating_in_a_newer_calibration_counts_by_its_own_protocol(checked: Checked) -> None:
    strict = PROTOCOL.replace("stop_rating: 80", "stop_rating: 60")
    hot = (asked(1, 120, "coarse"), came(rating=65), ended("operator"))
    checked.check(*hot, task="calibration", of=ANOTHER, wall=LATER)
    assert isinstance(checked.used(), Found)
    checked.check(*hot, task="calibration", run=2, of=ANOTHER, wall=LATER, protocol=strict)
    assert "120 mmHg was too much in a calibration" in checked.refused()


@pytest.mark.parametrize(
    "other",
    [
        {"wall": EARLIER},
        {"wall": LATER, "site": "right calf"},
        {"wall": LATER, "simulated": True},
    ],
)
def test_an_earlier_calibration_another_leg_and_a_rehearsal_say_nothing_of_it(
    checked: Checked, other
) -> None:
    checked.check(*STOPPED, task="calibration", of=ANOTHER, **other)
    assert isinstance(checked.used(), Found)


def test_a_higher_pressure_that_was_too_much_later_says_nothing_of_the_stored_one(
    checked: Checked,
) -> None:
    high = (asked(1, 170, "coarse"), came(rating=90), ended("operator"))
    checked.check(*high, task="calibration", of=ANOTHER, wall=LATER)
    assert isinstance(checked.used(), Found)


def test_a_damaged_newer_calibration_is_refused_until_a_check_holds(checked: Checked) -> None:
    path = checked.check(*STOPPED, task="calibration", of=ANOTHER, wall=LATER)
    raw = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([raw[0], b"?" + raw[1], *raw[2:]]))
    with pytest.raises(refusals.DoesNotHold, match="at what pressure is damaged"):
        checked.used(to_check=True)
    path.write_bytes(b"".join([raw[0], raw[1], b"?" + raw[2]]))
    with pytest.raises(refusals.CheckDamaged, match="the record of a calibration cannot be"):
        checked.used()
    checked.check(ASKED, came(), ended(), wall="2026-03-02T15:00:00")
    assert isinstance(checked.used(), Found)


# -- a check of another revision


def test_what_was_too_much_in_the_check_of_another_revision_is_known_to_this_one(
    checked: Checked,
) -> None:
    post = stored(checked.data, proposal(session="post"), now=NOON + timedelta(hours=1))
    hot = (replace(ASKED, pressure_mmhg=120), came(rating=90), DOES_NOT_HOLD, ended())
    checked.check(*hot, session="post", of=post.sha256, wall=LATER)
    assert "120 mmHg was too much in a check on 2026-03-02 in ses-post" in checked.refused("post")
    assert "120 mmHg was too much" in checked.refused()


def test_a_check_of_another_revision_that_only_did_not_hold_says_nothing_of_this_one(
    checked: Checked,
) -> None:
    checked.check(
        *(replace(ASKED, pressure_mmhg=120), came(rating=60), DOES_NOT_HOLD, ended()),
        session="post",
        of=ANOTHER,
        wall=LATER,
    )
    assert isinstance(checked.used(), Found)


# -- which came first


def test_numbers_and_what_was_known_go_before_the_clock(checked: Checked) -> None:
    old = checked.check(ASKED, ended(), run=1, task="calibration", wall=LATER)
    check = checked.check(ASKED, ended(), run=1, wall=LATER)
    name = check.name.removesuffix("_journal.jsonl")
    new = checked.check(ASKED, ended(), run=2, task="calibration", wall=EARLIER, seen=(name,))
    found = {log.path: log for log in logs(checked.data, "01")}
    assert came_after(found[new], found[old])
    assert came_after(found[new], found[check])
    assert not came_after(found[check], found[new])
    after = checked.check(ASKED, ended(), run=2, wall=EARLIER)
    found = {log.path: log for log in logs(checked.data, "01")}
    assert came_after(found[after], found[new])


# -- a check of another rating


P20 = PROTOCOL.replace("\ntarget: 40 ", "\ntarget: 20 ").replace("w: 30 ", "w: 20 ")


def test_a_check_of_one_rating_does_not_hinder_a_run_of_another(checked: Checked) -> None:
    assert P20 != PROTOCOL
    low = (replace(ASKED, pressure_mmhg=96.5), came(rating=45), DOES_NOT_HOLD, ended())
    checked.check(*low, protocol=P20, file="t20.yaml")
    assert isinstance(checked.used(), Found)
    trouble = last_trouble(checked.data, checked.stored, ratings=(20.0,), simulated=False)
    assert trouble is not None
    assert "P20 = 96.5 mmHg does not hold" in trouble.words
    assert trouble.protocol == Path("t20.yaml")


def test_a_damaged_check_of_another_rating_may_hide_what_was_too_much(checked: Checked) -> None:
    low = (replace(ASKED, pressure_mmhg=96.5), came(rating=20), ended())
    path = checked.check(*low, protocol=P20, file="t20.yaml")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], b"?" + lines[-1]]))
    with pytest.raises(refusals.CheckDamaged, match="the record of a check cannot be trusted"):
        checked.used()


def test_the_command_names_the_protocol_of_the_check_that_failed(checked: Checked) -> None:
    checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended(), file="mine.yaml")
    assert "once more: run_task.py calibrate mine.yaml --check --subject 01" in checked.refused()


# -- a run that the participant stopped


RUN = (PROTOCOLS / "scc.yaml").read_text("utf-8")
INFLATE = {"number": 7, "kind": "inflate", "duration_ms": 15_000, "target_mmhg": 141.5}


def stopped_run(checked: Checked, *documents: Document, session: str = "pre") -> Path:
    path = checked.check(protocol=RUN, task="scc", session=session, wall=LATER)
    (log,) = logs(checked.data, "01", session)
    assert log.start is not None
    start = replace(log.start, plan=log.start.plan | {"steps": (INFLATE,)})
    path.write_bytes(b"".join(map(encode_line, (start, *documents))))
    return path


BEGAN = StepBegan(number=7, kind="inflate", trial=1, trial_type=None, planned_s=1, flip_s=1)


def told(checked: Checked, session: str, *, stored_one: bool) -> tuple[str, ...]:
    return stopped_runs(
        *(checked.data, "01", session),
        site="left calf",
        simulated=False,
        calibration=checked.stored if stored_one else None,
    )


def test_a_run_that_was_stopped_is_told_before_the_next_and_hinders_none(checked: Checked) -> None:
    stopped_run(checked, BEGAN, ended("participant"))
    (words,) = told(checked, "post", stored_one=True)
    assert words.startswith(
        "the participant stopped a run on 2026-03-02 in ses-pre (14:00 UTC), at 141.5 mmHg"
    )
    assert "ask the participant" in words
    assert told(checked, "pre", stored_one=False) == (words,)
    assert told(checked, "post", stored_one=False) == ()
    assert isinstance(checked.used(), Found)


@pytest.mark.parametrize("documents", [(BEGAN, ended()), (ended("participant"),), (BEGAN,)])
def test_a_run_that_nobody_stopped_while_pressed_is_not_told(
    checked: Checked, documents: tuple[Document, ...]
) -> None:
    stopped_run(checked, *documents)
    assert told(checked, "pre", stored_one=True) == ()


def test_a_stopped_run_before_the_calibration_is_not_told(checked: Checked) -> None:
    stopped_run(checked, BEGAN, ended("participant"))
    again = stored(checked.data, proposal(), now=NOON + timedelta(hours=4))
    assert (
        stopped_runs(
            *(checked.data, "01", "pre"), site="left calf", simulated=False, calibration=again
        )
        == ()
    )


def test_journals_are_found_where_only_a_rescue_copy_is_left(checked: Checked) -> None:
    path = checked.check(*STOPPED, task="calibration", of=ANOTHER, wall=LATER)
    path.rename(path.with_name(path.name.replace(".jsonl", ".rescue.jsonl")))
    assert "the participant stopped a calibration" in checked.refused()
    assert RunName(subject="01", session="pre", run=1, task="calibration").journal(
        checked.data
    ) == Path(logs(checked.data, "01")[0].path)
