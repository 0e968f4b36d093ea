"""A calibration that is begun anew knows what was too much earlier in the session."""

import dataclasses
import math
from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS
from resumed import NAME, SECOND, Line, lines_of, of_a_person, write
from stored import RIGS, real_rig

from scc_task.calibration.talk import Outcome, Request
from scc_task.calibration.too_much_before import too_much_before
from scc_task.errors import UsageInvalid
from scc_task.prepare_calibration import CalibrationRequest, prepare_calibration
from scc_task.protocol.load import load_rig
from scc_task.record.paths import RunName

pytestmark = pytest.mark.xdist_group("resume")
CHECK = RunName(subject="01", session="pre", task="calibrationcheck", run=1)
RIG = load_rig(RIGS / "simulated.yaml").model


def stopped(documents: list[Line], *, at: int) -> tuple[list[Line], float]:
    """Return a calibration that the participant stopped, and the pressure of that inflation."""
    found = [dict(d) for d in documents]
    outcomes = [d for d in found if d["type"] == "outcome"]
    last = outcomes[at - 1]
    last |= {"rating": None, "tolerated": False, "stopped": True}
    cut = found[: found.index(last) + 1]
    return cut, [d["pressure_mmhg"] for d in cut if d["type"] == "requested"][-1]


def test_a_stop_is_known_to_the_next_calibration(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=5)
    write(tmp_path, documents)
    assert too_much_before(tmp_path, SECOND, RIG, stop_rating=80.0) == mmhg
    prepared = prepare_calibration(
        CalibrationRequest(
            protocol=PROTOCOLS / "calibration.yaml",
            rig=RIGS / "simulated.yaml",
            subject="01",
            session="pre",
            data=tmp_path,
            seed=3,
        )
    )
    procedure = prepared.procedure
    while True:
        asked = procedure.next()
        assert isinstance(asked, Request)
        if asked.pressure_mmhg >= mmhg:
            break
        assert not asked.needs_yes
        rating = None if asked.phase == "familiarise" else 10.0
        procedure.tell(Outcome(request=asked, rating=rating))
    assert asked.needs_yes
    assert asked.why.endswith(f"EARLIER IN THIS SESSION {mmhg:g} mmHg WAS TOO MUCH")


def test_a_rating_that_was_too_high_counts_too(whole: Path, tmp_path: Path) -> None:
    documents = [dict(d) for d in lines_of(whole, 4)]
    documents[-1]["rating"] = 85.0
    write(tmp_path, documents)
    assert too_much_before(tmp_path, SECOND, RIG, stop_rating=90.0) == math.inf
    assert too_much_before(tmp_path, SECOND, RIG, stop_rating=80.0) < math.inf


def test_a_check_that_was_stopped_counts(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents, CHECK)
    assert too_much_before(tmp_path, NAME, RIG, stop_rating=80.0) == mmhg


def test_a_calibration_that_goes_on_does_not_count_twice(whole: Path, tmp_path: Path) -> None:
    documents, _ = stopped(lines_of(whole), at=5)
    write(tmp_path, documents)
    request = CalibrationRequest(
        protocol=PROTOCOLS / "calibration.yaml",
        rig=RIGS / "simulated.yaml",
        subject="01",
        session="pre",
        data=tmp_path,
        seed=None,
        resume=True,
    )
    assert "EARLIER" not in prepare_calibration(request).procedure.next().why


def test_a_rehearsal_and_another_leg_say_nothing_of_this_leg(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=5)
    rig_file = real_rig(tmp_path)
    real = load_rig(rig_file).model
    write(tmp_path, documents)
    assert too_much_before(tmp_path, SECOND, real, stop_rating=80.0) == math.inf
    person = of_a_person(documents, rig_file)
    write(tmp_path, person)
    assert too_much_before(tmp_path, SECOND, real, stop_rating=80.0) == mmhg
    write(tmp_path, [person[0] | {"cuff_site": "another"}, *person[1:]])
    assert too_much_before(tmp_path, SECOND, real, stop_rating=80.0) == math.inf


def test_another_person_s_journal_is_refused(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4), whose=dataclasses.replace(NAME, subject="02"))
    with pytest.raises(UsageInvalid, match="the journal holds sub-02"):
        too_much_before(tmp_path, SECOND, RIG, stop_rating=80.0)


def test_a_damaged_record_does_not_forbid_a_calibration_from_the_bottom(tmp_path: Path) -> None:
    path = NAME.journal(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nonsense\n")
    assert too_much_before(tmp_path, SECOND, RIG, stop_rating=80.0) == math.inf
