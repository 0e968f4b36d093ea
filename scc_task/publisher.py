"""Hands each document to the journal first, then to everybody else."""

from collections.abc import Sequence

from scc_task.documents import Document, Note, Subscriber


class Publisher:
    """One essential subscriber, and others whose failure may not end a run.

    Parameters
    ----------
    journal
        Gets every document first; what it raises is the caller's to handle.
    others
        Console, emulated participant, streams. One that raises is dropped, and that is noted.
    """

    def __init__(self, journal: Subscriber, others: Sequence[Subscriber] = ()) -> None:
        self._journal = journal
        self._others = list(others)

    def subscribe(self, other: Subscriber) -> None:
        """Hand documents to somebody else, too, from now on."""
        self._others.append(other)

    def publish(self, document: Document) -> None:
        """Hand a document round."""
        self._journal(document)
        for other in tuple(self._others):
            try:
                other(document)
            except Exception as error:  # noqa: BLE001  a broken onlooker must not touch the run
                self._others.remove(other)
                message = f"an onlooker of the run failed and was dropped: {error!r}"
                time_s = getattr(document, "time_s", 0.0)
                self._journal(Note(time_s=time_s, code="onlooker_lost", message=message))
