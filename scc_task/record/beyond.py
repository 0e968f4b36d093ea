"""What the cuff's supervisor recorded beyond a journal that broke off: the last half second, the vent."""

from scc_task.documents import Command, Document, Samples, Start, Stop, Vented
from scc_task.record.paths import journal_of, supervisor_record_of
from scc_task.record.read import JournalContents, JournalUnreadable, read_lines


def beyond(contents: JournalContents, *, samples: bool = True) -> tuple[Document, ...]:
    """Return the supervisor's documents that a broken-off journal lacks.

    A journal with its `Stop` lacks nothing, and samples are never taken twice: only what came
    after the journal's last sample counts.

    Parameters
    ----------
    samples
        Whether the pressure is wanted; not of a journal that was read without its own.
    """
    if any(isinstance(d, Stop) for d in contents.documents):
        return ()
    try:
        record = supervisor_record_of(journal_of(contents.path))
        own = read_lines(record, samples=samples).documents
    except JournalUnreadable:  # there is none: an emulated run on a virtual clock, or no cuff
        return ()
    first = contents.documents[0]
    start_s = first.time_s if isinstance(first, Start) else 0.0
    blocks = [d for d in contents.documents if isinstance(d, Samples) and d.arrival_s]
    last_s = max((block.arrival_s[-1] for block in blocks), default=start_s)
    sent = {(d.command, d.sent_s) for d in contents.documents if isinstance(d, Command)}
    vents = {d.time_s for d in contents.documents if isinstance(d, Vented)}
    found: list[Document] = []
    for document in own:
        new = (
            (isinstance(document, Samples) and document.arrival_s[0] > last_s)
            or (
                isinstance(document, Command)
                and document.sent_s >= start_s
                and (document.command, document.sent_s) not in sent
            )
            or (
                isinstance(document, Vented)
                and document.time_s >= start_s
                and document.time_s not in vents
            )
        )
        if new:
            found.append(document)
    return tuple(found)
