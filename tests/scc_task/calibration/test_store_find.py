"""Which stored calibration a run uses, and every reason against it, in the words a person reads."""

from datetime import timedelta
from pathlib import Path

import pytest
from stored import NOON, RIGS, TARGETS, proposal, real_rig, stored

from hardware.limits import Limits
from hardware.readings import Identity
from scc_task.calibration import refusals
from scc_task.calibration.find import find, finder, from_store, refuse_other_device
from scc_task.calibration.store import entries
from scc_task.errors import UsageInvalid
from scc_task.protocol.check import Found
from scc_task.protocol.load import load_rig
from scc_task.protocol.model import CalibrationPolicy

ANSWERS = Identity(
    manufacturer="x",
    model="CUFF/1",
    serial_number="R-17",
    firmware="1.3",
    protocol="1",
    ceiling_mmhg=300,
    lease_ms=1000,
    simulated=False,
)


class Study:
    """A dataset, a rig and a policy; `used` is what a run of a session gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.rig = real_rig(folder)
        self.policy = CalibrationPolicy()
        self.limits = Limits()

    def used(self, session: str = "pre", *, days: float = 0, ratings=(40.0,)) -> Found | None:
        return find(
            *(self.data, "01", session, self.policy),
            rig=load_rig(self.rig).model,
            ratings=ratings,
            limits=self.limits,
            now=NOON + timedelta(days=days),
            rig_file=self.rig,
        )

    def refused(self, session: str = "pre", **more) -> refusals.CalibrationRefused:
        with pytest.raises(refusals.CalibrationRefused) as refused:
            self.used(session, **more)
        return refused.value


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def test_the_newest_revision_of_the_session_is_used_and_named(study: Study) -> None:
    stored(study.data)
    stored(study.data, by="R. W.", now=NOON + timedelta(hours=1))
    found = study.used()
    assert found is not None
    assert found.source == (
        "calibration revision 2 of ses-pre, accepted 2026-03-02 by R. W. "
        "(recalibrate: sub-01_ses-pre_site-leftcalf_revision-2_calibration.yaml)"
    )
    pressure = from_store(found)("pain", 40)
    assert (pressure.mmhg, pressure.rating, pressure.source) == (141.5, 40.0, found.source)


def test_the_first_sessions_pressure_holds_in_every_session(study: Study) -> None:
    study.policy = CalibrationPolicy(policy="same_pressure")
    stored(study.data, proposal(session="zero"))
    stored(study.data, proposal(session="later"), now=NOON + timedelta(days=7))
    for session in ("zero", "later", "follow"):
        found = study.used(session, days=8)
        assert found is not None
        assert found.calibration.model.session == "zero"
        assert ("that of ses-later is not used" in found.source) is (session == "later")


def test_a_correction_of_the_first_session_made_later_is_still_the_first_sessions(
    study: Study,
) -> None:
    study.policy = CalibrationPolicy(policy="same_pressure")
    stored(study.data, proposal(session="pre"))
    stored(study.data, proposal(session="post"), now=NOON + timedelta(days=7))
    stored(study.data, proposal(session="pre"), now=NOON + timedelta(days=9))
    found = study.used("post", days=9)
    assert found is not None
    assert (found.calibration.model.session, found.calibration.model.revision) == ("pre", 2)


def test_nothing_stored_is_refused_with_how_to_calibrate(study: Study) -> None:
    error = study.refused()
    assert isinstance(error, refusals.NoCalibration)
    assert str(error).splitlines() == [
        f"{study.data}/sourcedata/sub-01/ses-pre: no calibration is stored for participant 01",
        f"    do: calibrate: run_task.py calibrate --subject 01 --session pre --rig {study.rig} "
        f"--data {study.data}; or give one: --calibration FILE; or check --subject and --data",
        f"1 problem in {study.data}/sourcedata/sub-01/ses-pre   [SCC-121]",
    ]


def test_a_simulated_rig_with_nothing_stored_has_the_emulated_participant(study: Study) -> None:
    study.rig = RIGS / "simulated.yaml"
    assert study.used() is None


def test_another_sessions_is_refused_where_each_session_has_its_own(study: Study) -> None:
    stored(study.data, proposal(session="pre"))
    stored(study.data, proposal(session="mid"))
    error = study.refused("post")
    assert isinstance(error, refusals.OtherSession)
    assert "each session's own calibration; stored is only that of ses-mid, ses-pre" in str(error)
    assert "--session post --rig " in str(error)
    assert "; or, if the study keeps the first session's pressure" in str(error)
    assert "[SCC-122]" in str(error)


@pytest.mark.parametrize("policy", ["recalibrate", "same_pressure"])
def test_the_other_leg_is_refused(study: Study, policy: str) -> None:
    study.policy = CalibrationPolicy(policy=policy)
    stored(study.data, proposal(site="right calf"))
    error = study.refused()
    assert isinstance(error, refusals.OtherSite)
    assert "calibrated on the right calf, but the cuff of rig 'room3' sits on the left calf" in str(
        error
    )
    assert "do: move the cuff and mend the rig file, or calibrate: run_task.py" in str(error)
    assert "[SCC-123]" in str(error)


def test_the_first_sessions_leg_counts_where_its_pressure_is_kept(study: Study) -> None:
    study.policy = CalibrationPolicy(policy="same_pressure")
    stored(study.data, proposal(session="pre"))
    stored(study.data, proposal(session="post", site="right calf"), now=NOON + timedelta(days=7))
    study.rig = real_rig(study.folder, site="right calf")
    error = study.refused("post", days=8)
    assert isinstance(error, refusals.OtherSite)
    assert "calibrated on the left calf" in str(error)


def test_each_leg_has_its_own(study: Study) -> None:
    stored(study.data, proposal(site="right calf", targets=(TARGETS[0],)))
    stored(study.data)
    found = study.used()
    assert found is not None
    assert found.calibration.model.site == "left calf"


def test_another_kind_of_cuff_is_refused(study: Study) -> None:
    stored(study.data)
    study.rig = real_rig(study.folder, driver="cpar")
    error = study.refused()
    assert isinstance(error, refusals.OtherDevice)
    assert "calibrated with a reference cuff, but rig 'room3' has a cpar cuff" in str(error)
    assert "connect the reference cuff of the calibration and give its rig file" in str(error)
    assert "[SCC-124]" in str(error)


def test_another_device_of_the_same_kind_is_refused_when_it_has_answered(study: Study) -> None:
    stored(study.data, proposal(serial_number="R-16"))
    with pytest.raises(refusals.OtherDevice) as refused:
        refuse_other_device(study.used(), ANSWERS)
    text = str(refused.value)
    assert "calibrated with CUFF/1 R-16, but CUFF/1 R-17 is connected" in text
    assert "do: connect the device of the calibration, or calibrate with this one" in text


def test_the_same_device_with_newer_firmware_may_be_used(study: Study) -> None:
    stored(study.data)
    refuse_other_device(study.used(), ANSWERS)


def test_a_run_without_a_stored_calibration_takes_any_device() -> None:
    refuse_other_device(None, ANSWERS)


@pytest.mark.parametrize(("days", "allowed"), [(0, True), (30, True), (31, False)])
def test_a_calibration_is_used_as_long_as_the_protocol_allows(
    study: Study, days: int, allowed: bool
) -> None:
    study.policy = CalibrationPolicy(max_age_days=30)
    stored(study.data)
    if allowed:
        assert study.used(days=days) is not None
        return
    error = study.refused(days=days)
    assert isinstance(error, refusals.TooOld)
    assert "accepted on 2026-03-02, 31 days ago; the protocol allows 30" in str(error)
    assert "'max_age_days' under 'calibration' in the protocol" in str(error)
    assert "[SCC-125]" in str(error)


def test_without_a_greatest_age_any_age_will_do(study: Study) -> None:
    stored(study.data)
    assert study.used(days=3000) is not None


def test_a_calibration_from_the_future_is_refused(study: Study) -> None:
    stored(study.data)
    assert study.used(days=-1) is not None
    error = study.refused(days=-2)
    assert isinstance(error, refusals.FromTheFuture)
    assert "accepted on 2026-03-02, but this computer says that today is 2026-02-28" in str(error)
    assert "set the clock of this computer" in str(error)
    assert "[SCC-126]" in str(error)


@pytest.mark.parametrize("policy", ["recalibrate", "same_pressure"])
def test_a_simulated_calibration_never_presses_a_person(study: Study, policy: str) -> None:
    study.policy = CalibrationPolicy(policy=policy)
    stored(study.data, proposal(simulated=True))
    error = study.refused()
    assert isinstance(error, refusals.OnlySimulated)
    assert "this calibration was simulated, and the cuff of rig 'room3' is real" in str(error)
    assert "[SCC-127]" in str(error)


@pytest.mark.parametrize("policy", ["recalibrate", "same_pressure"])
def test_a_rehearsal_after_the_calibration_does_not_stand_in_its_way(
    study: Study, policy: str
) -> None:
    study.policy = CalibrationPolicy(policy=policy)
    stored(study.data)
    stored(study.data, proposal(simulated=True))
    found = study.used()
    assert found is not None
    assert found.calibration.model.revision == 1


def test_a_simulated_rig_uses_a_simulated_calibration_of_any_date_and_says_so(study: Study) -> None:
    study.rig = RIGS / "simulated.yaml"
    study.policy = CalibrationPolicy(max_age_days=1)
    stored(study.data, proposal(simulated=True))
    for days in (-500, 500):
        found = study.used(days=days)
        assert found is not None
        assert found.source.startswith("simulated calibration revision 1 of ses-pre")


def test_a_simulated_calibration_is_refused_when_a_real_device_answers(study: Study) -> None:
    study.rig = RIGS / "simulated.yaml"
    stored(study.data, proposal(simulated=True))
    with pytest.raises(refusals.OnlySimulated, match="1 problem"):
        refuse_other_device(study.used(), ANSWERS)


@pytest.mark.parametrize("policy", ["recalibrate", "same_pressure"])
def test_a_damaged_newest_revision_is_refused_and_not_passed_over(
    study: Study, policy: str
) -> None:
    study.policy = CalibrationPolicy(policy=policy)
    stored(study.data)
    newest = Path(stored(study.data).file)
    newest.write_bytes(newest.read_bytes().replace(b"141.5", b"151.5"))
    error = study.refused()
    assert isinstance(error, refusals.Damaged)
    assert error.problems[0].file == str(newest)


def test_a_new_acceptance_heals_a_damaged_one(study: Study) -> None:
    damaged = Path(stored(study.data).file)
    damaged.write_bytes(b"")
    stored(study.data)
    found = study.used()
    assert found is not None
    assert found.calibration.model.revision == 2


def test_a_missing_rating_is_refused_with_those_that_are_there(study: Study) -> None:
    stored(study.data)
    error = study.refused(ratings=(40.0, 60.0))
    assert isinstance(error, refusals.RatingMissing)
    assert "the calibration has 20 and 40, the protocol asks for 60" in str(error)
    assert "ask for a rating that it has (20 and 40), or calibrate" in str(error)
    assert "[SCC-130]" in str(error)


def test_a_pressure_above_the_ceiling_of_today_is_refused_and_not_lowered(study: Study) -> None:
    stored(study.data)
    study.limits = Limits(ceiling_mmhg=141)
    error = study.refused()
    assert isinstance(error, refusals.AboveCeiling)
    assert "141.5 mmHg for rating 40 is above the ceiling of 141 mmHg" in str(error)
    assert "[SCC-131]" in str(error)


def test_a_pressure_above_the_ceiling_that_nobody_asks_for_does_no_harm(study: Study) -> None:
    stored(study.data)
    study.limits = Limits(ceiling_mmhg=100)
    assert study.used(ratings=(20.0,)) is not None


def test_every_reason_has_a_code_of_its_own() -> None:
    reasons = refusals.CalibrationRefused.__subclasses__()
    assert len({r.code for r in reasons} | {refusals.CalibrationRefused.code}) == len(reasons) + 1


def test_an_odd_label_is_refused_before_any_folder_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid, match="cannot be part of a BIDS file name"):
        finder(tmp_path, "../x", "pre", now=NOON)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(study.data)

    def locked(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", locked)
    with pytest.raises(UsageInvalid, match="cannot be read: Permission denied"):
        entries(study.data)
