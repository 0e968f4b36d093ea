"""The journal comes first, and a broken onlooker never touches the run."""

import pytest

from scc_task.documents import Document, Note
from scc_task.publisher import Publisher

NOTE = Note(time_s=1.0, code="x", message="y")


def test_the_journal_gets_each_document_before_anybody_else() -> None:
    order: list[str] = []
    publisher = Publisher(lambda d: order.append("journal"), [lambda d: order.append("other")])
    publisher.publish(NOTE)
    assert order == ["journal", "other"]


def test_an_onlooker_that_fails_is_dropped_and_that_is_recorded() -> None:
    journal: list[Document] = []

    def broken(document: Document) -> None:
        raise ValueError("no")

    publisher = Publisher(journal.append, [broken])
    publisher.publish(NOTE)
    publisher.publish(NOTE)
    codes = [d.code for d in journal if isinstance(d, Note)]
    assert codes == ["x", "onlooker_lost", "x"]


def test_a_failing_journal_is_the_callers_to_handle() -> None:
    def full(document: Document) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Publisher(full).publish(NOTE)
