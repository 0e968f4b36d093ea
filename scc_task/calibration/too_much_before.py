"""What was too much for this leg in the session's other runs, for a calibration that gives pressures now.

A new calibration begins at the bottom, whatever came before it, and one that is resumed where it was. But
nothing that the participant stopped or rated too high an hour ago is given again without the operator's yes.
What was known is written into the journal, so that whoever replays it asks what was asked then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scc_task.calibration.estimate import conclude
from scc_task.calibration.logs import Kind, Log, came_after, logs
from scc_task.calibration.same import could_go_on
from scc_task.calibration.talk import Finished, Procedure, TooMuchBefore
from scc_task.calibration.too_much import TooMuch, known_from, stopped_while_rating
from scc_task.documents import Start
from scc_task.errors import UsageInvalid
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.rig import Rig
from scc_task.record.owner import refuse_other_run
from scc_task.record.paths import RunName, journal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBefore:
    """What is new to a calibration. ``seen``: the names of the runs that were looked at."""

    too_much: tuple[TooMuchBefore, ...] = ()
    seen: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for the first document of a journal."""
        told = [{"mmhg": one.mmhg, "words": one.words} for one in self.too_much]
        return {"too_much": told, "seen": list(self.seen)}


def recorded(start: Start) -> tuple[TooMuchBefore, ...]:
    """Return what a calibration knew when it began; nothing where its version did not look."""
    known: Mapping[str, Any] = start.known_before or {}
    return tuple(
        TooMuchBefore(mmhg=float(one["mmhg"]), words=str(one["words"]))
        for one in known.get("too_much", ())
    )


def known_before(
    data: Path, name: RunName, room: Rig, *, stop_rating: float, goes_on_after: Sequence[Start] = ()
) -> KnownBefore:
    """Return what the session's other runs found, as far as it is new.

    Parameters
    ----------
    name
        Whose session.
    room
        Other legs, and rehearsals where a person is in the cuff, do not count.
    stop_rating
        From this rating on it was too much, or from that of the run's own protocol on.
    goes_on_after
        The runs of this calibration: what they found and what they knew is told by themselves, but for a
        participant who stopped while rating.

    Raises
    ------
    UsageInvalid
        If a journal there is another person's, or of another session.
    """
    own = {f"{name.session_stem}_task-{s.plan['task']}_run-{s.run}" for s in goes_on_after}
    known = {stem for s in goes_on_after for stem in (s.known_before or {}).get("seen", ())}
    new: list[TooMuch] = []
    seen: list[str] = []
    for log in logs(data, name.subject, name.session):
        if log.stem in known:
            seen.append(log.stem)
            continue
        if log.stem in own:
            told = stopped_while_rating(log)
            if told is not None:
                new.append(told)
                seen.append(log.stem)
            continue
        seen.append(log.stem)
        if log.kind is not Kind.RUN and log.documents and isinstance(log.documents[0], Start):
            refuse_other_run(log.documents[0], log.path)
        if _concerns(log, room):
            new += known_from(log, stop_rating=stop_rating)
    sure = min((one for one in new if one.sure), key=lambda one: one.mmhg, default=None)
    kept = [*([] if sure is None else [sure]), *(one for one in new if not one.sure)]
    return KnownBefore(
        too_much=tuple(TooMuchBefore(mmhg=one.mmhg, words=one.words) for one in kept),
        seen=tuple(seen),
    )


def refuse_too_much_since(
    data: Path,
    name: RunName,
    room: Rig,
    journal: Path,
    *,
    protocol: CalibrationProtocol,
    procedure: Procedure,
) -> tuple[str, ...]:
    """Refuse to accept a pressure that was too much since; return what else is known, in words.

    Later runs of any session count.

    Parameters
    ----------
    name, journal
        Of the calibration's last run.
    procedure
        As it came to its end.

    Raises
    ------
    UsageInvalid
        With where it was too much.
    """
    finished = procedure.next()
    if not isinstance(finished, Finished):
        raise ValueError("only what came to its end is accepted")
    result = conclude(protocol, procedure.outcomes, finished)
    mmhg = next(t.mmhg for t in result.targets if t.rating == protocol.target)
    found = logs(data, name.subject)
    last = next(log for log in found if log.path == journal_of(journal))
    known = [
        one
        for log in found
        if _concerns(log, room) and came_after(log, last)
        for one in known_from(log, stop_rating=protocol.safety.stop_rating)
    ]
    for one in known:
        if mmhg is not None and one.sure and one.mmhg <= mmhg and one.log.kind is not Kind.RUN:
            raise UsageInvalid(
                f"{mmhg:g} mmHg cannot be accepted any more: {one.words}",
                where=str(one.log.path),
                do="ask the participant; leave --accept out and begin a new calibration",
            )
    return tuple(f"SINCE THIS CALIBRATION: {one.words}" for one in known)


def _concerns(log: Log, room: Rig) -> bool:
    """Return whether a run says anything of this leg; one that does not say whose it is may."""
    if log.start is None:
        return True
    return log.start.cuff_site == room.cuff.site and could_go_on(log.start, room)
