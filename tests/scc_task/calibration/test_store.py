"""What the store keeps: revisions, nothing overwritten, nothing changed without being noticed."""

import hashlib
import multiprocessing
import os
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from stored import NOON, TARGETS, journal_in, proposal, stored

from scc_task.calibration.accepted_file import read_accepted
from scc_task.calibration.refusals import Damaged, Misplaced
from scc_task.calibration.store import accept, entries
from scc_task.errors import RecordingLost, UsageInvalid
from scc_task.protocol.accepted import Target

pytestmark = pytest.mark.xdist_group("store")  # what they share is made once


def test_what_is_accepted_is_read_back_as_it_was(tmp_path: Path) -> None:
    loaded = stored(tmp_path, comment='said "stop" at 170\nthen went on; ärgerlich')
    (entry,) = entries(tmp_path)
    model = entry.read().model
    assert model == loaded.model
    assert model.targets == TARGETS
    assert model.accepted.comment == 'said "stop" at 170\nthen went on; ärgerlich'
    assert (model.revision, model.accepted.by, model.accepted.at) == (
        *(1, "J. D."),
        "2026-03-02T12:00:00Z",
    )


def test_the_file_stands_beside_the_journals_and_can_be_read_by_a_person(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    folder = tmp_path / "sourcedata" / "sub-01" / "ses-pre"
    assert path == folder / "sub-01_ses-pre_site-leftcalf_revision-1_calibration.yaml"
    lines = path.read_text("utf-8").splitlines()
    assert 'subject: "01"' in lines
    assert (
        "  - {rating: 20.0, mmhg: 96.5, low_mmhg: 88.25, high_mmhg: 104.0, inflations: 14}" in lines
    )
    assert '  by: "J. D."' in lines


def test_the_journal_is_named_with_its_digest(tmp_path: Path) -> None:
    model = stored(tmp_path).model
    path = tmp_path / model.journal.path
    assert path == journal_in(tmp_path)
    assert model.journal.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_time_of_another_zone_is_kept_in_utc(tmp_path: Path) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=2)))
    assert stored(tmp_path, now=east).model.accepted.at == "2026-03-02T12:00:00Z"


def test_another_acceptance_is_the_next_revision_and_the_first_stays_as_it_was(
    tmp_path: Path,
) -> None:
    first = Path(stored(tmp_path).file)
    before = first.read_bytes()
    higher = proposal(targets=(TARGETS[1],))
    assert stored(tmp_path, higher).model.revision == 2
    assert first.read_bytes() == before
    assert [e.revision for e in entries(tmp_path)] == [1, 2]


def test_sites_sessions_and_participants_have_revisions_of_their_own(tmp_path: Path) -> None:
    others = [proposal(), proposal(site="right calf"), proposal(session="post")]
    others.append(proposal(subject="02"))
    assert [stored(tmp_path, other).model.revision for other in others] == [1, 1, 1, 1]
    assert len(entries(tmp_path)) == 4
    assert [e.subject for e in entries(tmp_path, "02")] == ["02"]


def test_revisions_are_counted_as_numbers_and_not_as_words(tmp_path: Path) -> None:
    for _ in range(11):
        last = stored(tmp_path)
    assert last.model.revision == 11
    assert [e.revision for e in entries(tmp_path)] == list(range(1, 12))


def test_a_name_that_is_taken_is_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Path(stored(tmp_path).file)
    before = taken.read_bytes()
    # as if the other program had stored its own after we had looked
    looks = iter([[], None])
    from scc_task.calibration import store

    real = store._entries_in
    monkeypatch.setattr(
        store, "_entries_in", lambda folder: real(folder) if next(looks) is None else []
    )
    assert stored(tmp_path).model.revision == 2
    assert taken.read_bytes() == before


def test_a_disk_without_hard_links_overwrites_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "link", no_links)
    assert [stored(tmp_path).model.revision for _ in range(2)] == [1, 2]
    assert [e.read().model.revision for e in entries(tmp_path)] == [1, 2]
    assert not list(tmp_path.rglob("*.tmp"))


def _accept_ten(data: Path, by: str, barrier) -> None:
    barrier.wait(30)
    for _ in range(10):
        accept(
            *(data, proposal()),
            journal=journal_in(data),
            by=by,
            comment=None,
            now=NOON,
        )


def test_two_programs_that_accept_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    journal_in(tmp_path)
    both = [spawn.Process(target=_accept_ten, args=(tmp_path, by, barrier)) for by in ("A", "B")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
        process.close()
    models = [e.read().model for e in entries(tmp_path)]
    assert [m.revision for m in models] == list(range(1, 21))
    assert sorted(m.accepted.by for m in models) == ["A"] * 10 + ["B"] * 10


@pytest.mark.parametrize(
    ("by", "comment", "part"),
    [(" ", None, "name has 0"), ("x" * 2001, None, "2001"), ("A", "x" * 2001, "comment has 2001")],
)
def test_a_calibration_that_nobody_accepts_is_not_stored(
    tmp_path: Path, by: str, comment: str | None, part: str
) -> None:
    with pytest.raises(UsageInvalid, match=part):
        stored(tmp_path, by=by, comment=comment)
    assert entries(tmp_path) == ()


def test_an_odd_label_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        proposal(subject="../02")


@pytest.mark.parametrize("links", [True, False])
def test_a_full_disk_is_told_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    journal_in(tmp_path)
    calls = iter([None] if not links else [])  # without links the draft still fits

    def no_links(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    if not links:
        (tmp_path / "sourcedata" / "sub-01" / "ses-pre").mkdir(parents=True)
        monkeypatch.setattr(os, "link", no_links)

    def full(handle: int) -> None:
        if next(calls, "full") is None:
            return
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordingLost, match="No space left"):
        stored(tmp_path)
    monkeypatch.undo()
    assert entries(tmp_path) == ()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_calibration_without_its_journal_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(RecordingLost, match="journal cannot be read"):
        accept(
            *(tmp_path, proposal()),
            journal=tmp_path / "gone.jsonl",
            by="J. D.",
            comment=None,
            now=NOON,
        )
    assert entries(tmp_path) == ()


def test_a_falling_calibration_cannot_even_be_proposed() -> None:
    falling = (TARGETS[0], TARGETS[1].model_copy(update={"mmhg": 90.0, "low_mmhg": 80.0}))
    with pytest.raises(ValidationError, match="does not fit"):
        proposal(targets=falling)


def test_a_pressure_above_the_highest_that_was_given_cannot_be_proposed() -> None:
    target = Target(rating=60, mmhg=290, low_mmhg=280, high_mmhg=300, inflations=9)
    with pytest.raises(ValidationError, match="highest pressure that was given"):
        proposal(targets=(target,))


def test_a_pressure_outside_its_interval_cannot_be_proposed() -> None:
    with pytest.raises(ValidationError, match="is not between"):
        Target(rating=40, mmhg=140, low_mmhg=141, high_mmhg=150, inflations=9)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return Path(stored(tmp_path_factory.mktemp("whole"), comment="fine").file).read_bytes()


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "cut.yaml"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(Damaged):
            read_accepted(path)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_with_one_other_byte_is_refused(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    path = tmp_path / "flipped.yaml"
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    if byte == whole[place]:
        assert read_accepted(path).model.targets == TARGETS
    else:
        with pytest.raises(Damaged):
            read_accepted(path)


def test_an_edit_is_named_as_one_with_what_to_do(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    path.write_text(path.read_text("utf-8").replace("mmhg: 141.5", "mmhg: 145.0"), "utf-8")
    with pytest.raises(Damaged) as refused:
        entries(tmp_path)[0].read()
    text = str(refused.value)
    assert text.startswith(f"{path}: the checksum does not fit: the file was edited or damaged")
    assert "put back the copy from your backup" in text
    assert "[SCC-128]" in text


def test_a_damaged_file_says_with_line_and_field_what_else_is_wrong(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    path.write_text(path.read_text("utf-8").replace("revision: 1", "revison: 1"), "utf-8")
    with pytest.raises(Damaged) as refused:
        read_accepted(path)
    assert f"{path}:4:1: 'revison' is not a key that is known here" in str(refused.value)


def test_a_cut_file_is_named_as_one(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match="1 problem") as refused:
        read_accepted(path)
    assert "does not end with its checksum: it is cut short, or was edited" in str(refused.value)


def test_windows_line_ends_count_as_an_edit(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(Damaged):
        read_accepted(path)


def test_a_copy_for_another_participant_is_refused(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).file)
    copy = Path(str(path).replace("sub-01", "sub-02"))
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    with pytest.raises(Misplaced) as refused:
        entries(tmp_path, "02")[0].read()
    assert "another calibration than it holds: sub-01, ses-pre, left calf, revision 1" in str(
        refused.value
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    by=st.text(min_size=1, max_size=40).filter(str.strip),
    comment=st.none() | st.text(max_size=200),
    mmhg=st.floats(10, 280),
)
def test_any_text_and_any_number_is_read_back_as_it_was(
    tmp_path: Path, by: str, comment: str | None, mmhg: float
) -> None:
    target = Target(rating=40, mmhg=mmhg, low_mmhg=mmhg / 3, high_mmhg=mmhg * 1.1, inflations=9)
    model = stored(tmp_path, proposal(targets=(target,)), by=by, comment=comment).model
    assert model.targets == (target,)
    assert model.accepted.by == by.strip().encode("utf-8", "backslashreplace").decode()


def test_a_name_typed_in_a_foreign_encoding_is_kept_as_well_as_it_can_be(tmp_path: Path) -> None:
    assert stored(tmp_path, by="J\udcf6rg").model.accepted.by == "J\\udcf6rg"
