"""What the cuff measured at the pressures of a calibration that were rated."""

from collections.abc import Iterable

from scc_task.calibration.measured import Hold
from scc_task.documents import Document, Outcome, Requested, Samples
from scc_task.record.events import hold_mmhg
from scc_task.record.run import inflations
from scc_task.record.samples import trace_of


def measured_holds(documents: Iterable[Document]) -> tuple[Hold, ...]:
    """Return the rated inflations of one run that were measured; none where the cuff measures nothing."""
    documents = tuple(documents)
    asked = {d.trial: d.pressure_mmhg for d in documents if isinstance(d, Requested)}
    given = inflations(documents)
    trace = trace_of([d for d in documents if isinstance(d, Samples)])
    holds = []
    for came in documents:
        if not isinstance(came, Outcome) or came.rating is None or came.trial not in asked:
            continue
        inflation = given.get(came.inflate_step) if came.inflate_step is not None else None
        if inflation is None or inflation.released_s is None:
            continue
        measured_mmhg = hold_mmhg(trace, inflation.go.sent_s, inflation.released_s)
        if measured_mmhg is not None:
            holds.append(Hold(asked[came.trial], measured_mmhg))
    return tuple(holds)
