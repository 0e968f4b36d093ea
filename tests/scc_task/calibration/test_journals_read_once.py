"""One command asks several times what was too much: each journal is read once, and no old state counts."""

from collections import Counter
from pathlib import Path

import pytest
from checks import ASKED, Checked, came, ended

from scc_task.protocol.check import Found
from scc_task.record.journal import encode_line
from scc_task.record.paths import JOURNAL, rescue_of

ANOTHER = "ee" * 32
LATER = "2026-03-02T14:00:00"
TOO_MUCH = came(rating=None, stopped=True)


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how often each journal was read to its end, from now on."""
    found: Counter[str] = Counter()
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        if path.name.endswith(JOURNAL):
            found[path.name] += 1
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    return found


def append(path: Path, *documents) -> None:
    with path.open("ab") as file:
        file.write(b"".join(map(encode_line, documents)))


def test_who_asks_three_times_reads_each_journal_once_and_a_check_with_its_pressure_once_more(
    checked: Checked, reads: Counter[str]
) -> None:
    check = checked.check(ASKED, came(), ended())
    begun_anew = checked.check(
        ASKED, came(rating=20), ended(), task="calibration", of=ANOTHER, wall=LATER
    )
    for to_check in (True, False, False):
        assert isinstance(checked.used(to_check=to_check), Found)
    assert reads == {check.name: 2, begun_anew.name: 1}


def test_a_stop_that_is_written_after_the_journal_was_read_is_known(checked: Checked) -> None:
    path = checked.check(ASKED)
    assert isinstance(checked.used(), Found)
    append(path, TOO_MUCH)
    assert "the participant stopped its check" in checked.refused(to_check=True)


def test_a_stop_in_another_calibration_that_goes_on_meanwhile_is_known(checked: Checked) -> None:
    path = checked.check(ASKED, task="calibration", of=ANOTHER, wall=LATER)
    assert isinstance(checked.used(), Found)
    append(path, TOO_MUCH)
    assert "the participant stopped a calibration" in checked.refused(to_check=True)


def test_a_rescue_copy_that_appears_after_the_journal_was_read_is_known(checked: Checked) -> None:
    path = checked.check(ASKED)
    assert isinstance(checked.used(), Found)
    rescue_of(path).write_bytes(path.read_bytes() + encode_line(TOO_MUCH))
    assert "the participant stopped its check" in checked.refused(to_check=True)
