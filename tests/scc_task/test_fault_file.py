"""Fault scripts: amounts that mean nothing are refused."""

from pathlib import Path

import pytest

from scc_task.errors import FilesInvalid
from scc_task.protocol.load import load_faults


def script(folder: Path, fault: str) -> Path:
    path = folder / "faults.yaml"
    path.write_text(f"version: 1\nfaults:\n  - {{{fault}}}\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("kind: drop, start_s: 0, amount: 7", "a number from 0 to 1"),
        ("kind: lie, into_s: 0, amount: 301", "a number from -300 to 300"),
        ("kind: delay, into_s: 0, amount: .nan", "amount"),
        ("kind: freeze, into_s: 0, amount: 1", "remove 'amount'"),
    ],
)
def test_an_amount_that_means_nothing_is_refused(tmp_path: Path, fault: str, what: str) -> None:
    with pytest.raises(FilesInvalid, match=what):
        load_faults(script(tmp_path, fault))


def test_a_share_of_the_bytes_is_taken_as_written(tmp_path: Path) -> None:
    path = script(tmp_path, "kind: drop, start_s: 0, amount: 0.25")
    assert load_faults(path).model.as_faults()[0].amount == 0.25
