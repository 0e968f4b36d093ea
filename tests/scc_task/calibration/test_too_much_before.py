"""A calibration that gives pressures now knows what was too much in the session's other runs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from calibration_bench import PROTOCOLS
from resumed import NAME, SECOND, Line, go, lines_of, of_a_person, write
from stored import RIGS, real_rig

from scc_task.calibration.talk import Outcome, Request
from scc_task.calibration.too_much_before import KnownBefore, known_before
from scc_task.cli import simulate
from scc_task.documents import Note
from scc_task.errors import ExitCode, UsageInvalid
from scc_task.prepare_calibration import (
    CalibrationRequest,
    PreparedCalibration,
    prepare_calibration,
)
from scc_task.protocol.load import load_rig
from scc_task.record.paths import RunName
from scc_task.record.read import JournalUnreadable, read_journal

pytestmark = pytest.mark.xdist_group("resume")
CHECK = RunName(subject="01", session="pre", task="calibrationcheck", run=1)
THIRD = dataclasses.replace(NAME, run=3)
RIG = load_rig(RIGS / "simulated.yaml").model


def stopped(documents: list[Line], *, at: int) -> tuple[list[Line], float]:
    """Return a calibration that the participant stopped, and the pressure of that inflation."""
    found = [dict(d) for d in documents]
    outcomes = [d for d in found if d["type"] == "outcome"]
    last = outcomes[at - 1]
    last |= {"rating": None, "tolerated": False, "stopped": True}
    cut = found[: found.index(last) + 1]
    return cut, [d["pressure_mmhg"] for d in cut if d["type"] == "requested"][-1]


def known(data: Path, name: RunName = SECOND, room=RIG, *, stop_rating: float = 80.0):
    return known_before(data, name, room, stop_rating=stop_rating)


def lowest(found: KnownBefore) -> float | None:
    return min((one.mmhg for one in found.too_much), default=None)


def prepared(data: Path, **options: Any) -> PreparedCalibration:
    given = {"seed": 3 if not options else None, **options}
    return prepare_calibration(
        CalibrationRequest(
            protocol=PROTOCOLS / "calibration.yaml",
            rig=RIGS / "simulated.yaml",
            subject="01",
            session="pre",
            data=data,
            emulate=True,
            **given,
        )
    )


def without_record(documents: list[Line]) -> list[Line]:
    """Return a journal as the version before would have written it."""
    start, *rest = documents
    return [{k: v for k, v in start.items() if k != "known_before"}, *rest]


# -- begun anew


def test_a_stop_is_known_to_the_next_calibration(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=5)
    write(tmp_path, documents)
    assert lowest(known(tmp_path)) == mmhg
    new = prepared(tmp_path)
    (note,) = new.notes
    assert (
        f"the participant stopped a calibration on 1924-01-01 in ses-pre (00:00 UTC), at {mmhg:g}"
        in note
    )
    procedure = new.procedure
    while True:
        asked = procedure.next()
        assert isinstance(asked, Request)
        if asked.pressure_mmhg >= mmhg:
            break
        assert not asked.needs_yes
        rating = None if asked.phase == "familiarise" else 10.0
        procedure.tell(Outcome(request=asked, rating=rating))
    assert asked.needs_yes
    assert asked.why.endswith(note)


def test_a_rating_that_was_too_high_counts_by_the_lower_of_the_two_stop_ratings(
    whole: Path, tmp_path: Path
) -> None:
    documents = [dict(d) for d in lines_of(whole, 4)]
    documents[-1]["rating"] = 75.0
    write(tmp_path, documents)
    assert lowest(known(tmp_path)) is None
    assert lowest(known(tmp_path, stop_rating=70.0)) is not None
    documents[-1]["rating"] = 85.0
    write(tmp_path, documents)
    assert lowest(known(tmp_path, stop_rating=95.0)) is not None


def test_who_stops_while_rating_has_had_too_much(whole: Path, tmp_path: Path) -> None:
    documents = [dict(d) for d in lines_of(whole, 4)]
    documents[-1] |= {"rating": None, "cut": "participant"}
    stop = next(d for d in lines_of(whole) if d["type"] == "stop") | {"reason": "participant"}
    write(tmp_path, [*documents, stop])
    asked = [d["pressure_mmhg"] for d in documents if d["type"] == "requested"]
    assert lowest(known(tmp_path)) == asked[-1]


def test_who_stops_while_rating_is_asked_for_less_after_a_resume_too(
    whole: Path, tmp_path: Path
) -> None:
    documents = [dict(d) for d in lines_of(whole, 5)]
    stop = next(d for d in lines_of(whole) if d["type"] == "stop") | {"reason": "participant"}
    write(tmp_path, [*documents, stop])
    borne = [d["pressure_mmhg"] for d in documents if d["type"] == "requested"][-1]
    asked = prepared(tmp_path, resume=True).procedure.next()
    assert isinstance(asked, Request)
    assert asked.pressure_mmhg == borne  # the warm-up
    assert asked.needs_yes
    assert "EARLIER IN THIS SESSION: the participant stopped a calibration" in asked.why


def test_a_check_that_was_stopped_counts(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents, CHECK)
    assert lowest(known(tmp_path, NAME)) == mmhg


def stopped_run(whole: Path, data: Path) -> None:
    """Write a run that the participant stopped at 135 mmHg."""
    start, *_ = lines_of(whole, 1)
    inflate = {"number": 7, "kind": "inflate", "duration_ms": 15_000, "target_mmhg": 135.0}
    text = (PROTOCOLS / "scc.yaml").read_text("utf-8")
    inputs = [i | {"text": text} if i["role"] == "protocol" else i for i in start["inputs"]]
    start |= {"inputs": inputs, "plan": start["plan"] | {"steps": [inflate]}}
    began = {"type": "step", "number": 7, "kind": "inflate", "trial": 1, "trial_type": None}
    began |= {"planned_s": 1.0, "flip_s": 1.0}
    stop = next(d for d in lines_of(whole) if d["type"] == "stop") | {"reason": "participant"}
    write(data, [start, began, stop], dataclasses.replace(NAME, task="scc"))


def test_a_run_that_was_stopped_counts(whole: Path, tmp_path: Path) -> None:
    stopped_run(whole, tmp_path)
    (one,) = known(tmp_path).too_much
    assert one.mmhg == 135
    assert "the participant stopped a run" in one.words


def test_a_run_after_one_that_was_stopped_says_so_first_and_on_record(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_run(whole, tmp_path)
    capsys.readouterr()
    assert simulate(PROTOCOLS / "scc.yaml", "01", "pre", data=tmp_path) == ExitCode.DONE
    path = dataclasses.replace(SECOND, task="scc").journal(tmp_path)
    _, note, *_ = read_journal(path).documents
    assert isinstance(note, Note)
    assert note.message.startswith("the participant stopped a run on 1924-01-01 in ses-pre")
    assert "ask the participant before you begin" in note.message
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"  STOPPED BEFORE: {note.message}"


def test_a_rehearsal_and_another_leg_say_nothing_of_this_leg(whole: Path, tmp_path: Path) -> None:
    documents, mmhg = stopped(lines_of(whole), at=5)
    rig_file = real_rig(tmp_path)
    real = load_rig(rig_file).model
    write(tmp_path, documents)
    assert lowest(known(tmp_path, room=real)) is None
    person = of_a_person(documents, rig_file)
    write(tmp_path, person)
    assert lowest(known(tmp_path, room=real)) == mmhg
    write(tmp_path, [person[0] | {"cuff_site": "another"}, *person[1:]])
    assert lowest(known(tmp_path, room=real)) is None


def test_another_person_s_journal_is_refused(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole, 4), whose=dataclasses.replace(NAME, subject="02"))
    with pytest.raises(UsageInvalid, match="the journal holds sub-02"):
        known(tmp_path)


# -- damaged records


def test_a_damaged_record_has_every_pressure_asked_for_and_is_named(
    whole: Path, tmp_path: Path
) -> None:
    documents, _ = stopped(lines_of(whole), at=5)
    path = write(tmp_path, documents)
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if b'"type":"requested"' in line)
    lines[last] = b"?" + lines[last][1:]
    path.write_bytes(b"".join(lines))
    new = prepared(tmp_path)
    assert any(f"{path.name} is damaged (line {last + 1}: " in note for note in new.notes)
    procedure = new.procedure
    for _ in range(4):
        asked = procedure.next()
        assert isinstance(asked, Request)
        assert asked.needs_yes
        assert "EARLIER IN THIS SESSION: something was too much in a calibration" in asked.why
        rating = None if asked.phase == "familiarise" else 10.0
        procedure.tell(Outcome(request=asked, rating=rating, operator_said_yes=True))


def test_a_journal_of_which_nothing_can_be_read_has_every_pressure_asked_for(
    tmp_path: Path,
) -> None:
    path = NAME.journal(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nonsense\n")
    (one,) = known(tmp_path).too_much
    assert one.mmhg == 0
    assert f"{path.name} is damaged" in one.words


def test_a_program_that_never_began_says_nothing(tmp_path: Path) -> None:
    path = NAME.journal(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert known(tmp_path) == KnownBefore()


# -- gone on with


def test_a_calibration_that_goes_on_does_not_count_twice(whole: Path, tmp_path: Path) -> None:
    documents, _ = stopped(lines_of(whole), at=5)
    write(tmp_path, documents)
    asked = prepared(tmp_path, resume=True).procedure.next()
    assert isinstance(asked, Request)
    assert "EARLIER" not in asked.why


def test_what_a_check_in_between_found_is_asked_for_when_it_goes_on(
    whole: Path, tmp_path: Path
) -> None:
    write(tmp_path, lines_of(whole, 6))  # all of them borne
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents, CHECK)
    new = prepared(tmp_path, resume=True)
    asked = new.procedure.next()
    assert isinstance(asked, Request)
    assert asked.pressure_mmhg >= mmhg
    assert asked.needs_yes
    assert "EARLIER IN THIS SESSION: the participant stopped a check" in asked.why
    assert new.run.known_before is not None
    assert new.run.known_before["seen"] == [CHECK.stem]


def test_a_journal_says_what_was_known_and_is_gone_on_with_by_that(
    whole: Path, tmp_path: Path
) -> None:
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents)
    assert go(tmp_path) == ExitCode.DONE  # the emulated operator says yes
    start = read_journal(SECOND.journal(tmp_path)).documents[0]
    assert start.known_before["seen"] == [NAME.stem]
    assert start.known_before["too_much"][0]["mmhg"] == mmhg
    second = [json.loads(line[9:]) for line in SECOND.journal(tmp_path).read_bytes().splitlines()]
    asked = [d for d in second if d["type"] == "requested" and d["needs_yes"]]
    assert asked[0]["pressure_mmhg"] >= mmhg
    SECOND.journal(tmp_path).unlink()
    for stored in SECOND.source_folder(tmp_path).glob("*_calibration.yaml"):
        stored.unlink()
    last = [n for n, d in enumerate(second) if d["type"] == "outcome"][5]
    write(tmp_path, second[: last + 1], SECOND)
    assert len(prepared(tmp_path, resume=True).procedure.outcomes) == 6
    write(tmp_path, second, SECOND)
    assert go(tmp_path, accept=True) == ExitCode.DONE


def test_a_journal_of_the_version_before_is_gone_on_with_as_it_was(
    whole: Path, tmp_path: Path
) -> None:
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents)
    write(tmp_path, without_record(lines_of(whole, 6)), SECOND)
    new = prepared(tmp_path, resume=True)
    assert len(new.procedure.outcomes) == 6
    asked = new.procedure.next()
    assert isinstance(asked, Request)
    assert asked.needs_yes is (asked.pressure_mmhg >= mmhg)
    write(tmp_path, without_record(lines_of(whole)), SECOND)
    assert go(tmp_path, accept=True) == ExitCode.DONE


def test_a_record_that_differs_may_be_of_an_earlier_version(whole: Path, tmp_path: Path) -> None:
    documents = lines_of(whole, 4)
    [d for d in documents if d["type"] == "requested"][-1]["why"] += "; said otherwise then"
    write(tmp_path, documents)
    with pytest.raises(
        UsageInvalid, match="or it was made with an earlier version of this program"
    ):
        prepared(tmp_path, resume=True)


# -- accepted later


def test_what_was_too_much_since_is_not_accepted(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, lines_of(whole))
    documents, mmhg = stopped(lines_of(whole), at=3)
    write(tmp_path, documents, CHECK)
    with pytest.raises(UsageInvalid, match="cannot be accepted any more: the participant stopped"):
        go(tmp_path, accept=True)
    high = [dict(d) for d in documents]
    [d for d in high if d["type"] == "requested"][-1]["pressure_mmhg"] = 290.0
    write(tmp_path, high, CHECK)
    (note,) = prepared(tmp_path, accept=True).notes
    assert note.startswith("SINCE THIS CALIBRATION: the participant stopped a check")
    assert mmhg < 290


def test_nothing_inflates_so_an_unknown_dose_does_not_keep_a_result_from_being_accepted(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, lines_of(whole))
    CHECK.journal(tmp_path).write_bytes(b"nonsense\n")
    with pytest.raises(JournalUnreadable, match="dose is not known"):
        prepared(tmp_path)
    assert go(tmp_path, accept=True) == ExitCode.DONE
    assert f"{CHECK.stem}_journal.jsonl is damaged" in capsys.readouterr().out
