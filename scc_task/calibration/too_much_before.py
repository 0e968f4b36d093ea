"""What was too much for this leg earlier in the session, in calibrations and checks of their own.

A new calibration begins at the bottom, whatever came before it. But nothing that the participant stopped
or rated too high an hour ago is given again without the operator's yes.
"""

import math
from pathlib import Path

from scc_task.calibration.from_journal import outcomes_in
from scc_task.calibration.same import could_go_on
from scc_task.documents import Requested, Start
from scc_task.protocol.rig import Rig
from scc_task.record.beyond import beyond
from scc_task.record.owner import refuse_other_run
from scc_task.record.paths import JOURNAL, RunName
from scc_task.record.read import JournalUnreadable, best_copy


def too_much_before(
    data: Path, name: RunName, room: Rig, *, stop_rating: float, first: Start | None = None
) -> float:
    """Return the lowest pressure that was stopped or rated too high before; infinite if none was.

    Parameters
    ----------
    name
        Whose session.
    room
        Other legs, and rehearsals where a person is in the cuff, do not count.
    stop_rating
        From this rating on it was too much.
    first
        Only what came before this run counts: what a calibration and its resumption found, they know
        themselves.

    Raises
    ------
    UsageInvalid
        If a journal there is another person's, or of another session.
    """
    folder = name.source_folder(data)
    found = [math.inf]
    for path in sorted(folder.glob(f"*{JOURNAL}")) if folder.is_dir() else ():
        try:
            contents = best_copy(path)
            start = contents.documents[0]
            if not any(isinstance(d, Requested) for d in contents.documents):
                continue  # no calibration
            assert isinstance(start, Start)  # noqa: S101  best_copy has seen it
            refuse_other_run(start, path)
            outcomes = outcomes_in((*contents.documents, *beyond(contents)))
        except (JournalUnreadable, ValueError):
            continue  # it says nothing sure; a new calibration climbs from the bottom all the same
        other = start.cuff_site != room.cuff.site or not could_go_on(start, room)
        if other or (first is not None and start.wall >= first.wall):
            continue
        found += [
            o.request.pressure_mmhg
            for o in outcomes
            if o.stopped or (o.rating is not None and o.rating >= stop_rating)
        ]
    return min(found)
