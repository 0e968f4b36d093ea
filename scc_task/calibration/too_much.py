"""What is known to be too much for a leg, from all its journals: calibrations, checks and runs.

Whoever gives a pressure asks here: a run, a check, a calibration that is begun, gone on with or accepted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hardware.states import StopReason
from scc_task.calibration.from_journal import Evidence, outcomes_in
from scc_task.calibration.logs import Kind, Log
from scc_task.calibration.talk import Outcome
from scc_task.documents import Document, Requested, StepBegan, Stop
from scc_task.documents import Outcome as OutcomeDocument
from scc_task.plan.steps import StepKind
from scc_task.protocol.calibration_protocol import CalibrationProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMuch:
    """One thing that is known.

    Attributes
    ----------
    mmhg
        From here on it was too much; 0 where the record does not say.
    words
        What, in which run, and when.
    sure
        ``False`` where only a damaged record says that there may have been something.
    """

    mmhg: float
    words: str
    log: Log
    sure: bool = True


def known_from(log: Log, *, stop_rating: float = math.inf, what: str = "") -> list[TooMuch]:
    """Return what a run says to have been too much: the lowest such pressure, and what is damaged.

    Parameters
    ----------
    stop_rating
        From here on a rating says so; from that of the run's own protocol on, it does anyway.
    what
        What to call the run, such as ``its check``.
    """
    what = what or f"a {log.kind}"
    if log.kind is Kind.RUN and log.start is not None:
        return _of_run(log, what)
    lost = [] if not log.damage else [_lost(log, log.damage)]
    stop_rating = min(stop_rating, _stop_rating(log.tree))
    if stop_rating == math.inf and not lost:
        lost.append(_lost(log, "its protocol cannot be read"))
    try:
        outcomes = outcomes_in(log.documents)
    except ValueError as error:
        if any(isinstance(d, OutcomeDocument) and _hot(d, stop_rating) for d in log.documents):
            words = f"something was too much in {what} {log.where}; at what pressure is damaged"
            lost.insert(0, TooMuch(mmhg=0.0, words=words, log=log))
        return lost or [_lost(log, str(error))]
    found: list[TooMuch] = []
    stopped_mmhg = stopped_at(log.documents, outcomes)
    if stopped_mmhg is not None:
        found.append(_stopped(log, what, stopped_mmhg))
    for outcome in outcomes:
        hot = outcome.rating is not None and outcome.rating >= stop_rating
        if outcome.given and (outcome.turned_down or hot):
            mmhg = outcome.request.pressure_mmhg
            words = f"{mmhg:g} mmHg was too much in {what} {log.where}"
            found.append(TooMuch(mmhg=mmhg, words=words, log=log))
    lowest = min(found, key=lambda one: one.mmhg, default=None)
    return [*([] if lowest is None else [lowest]), *lost]


def stopped_at(documents: Sequence[Document], outcomes: Sequence[Outcome]) -> float | None:
    """Return the pressure at which the participant stopped a calibration or check, or the last before that.

    Also one who stops while rating has had enough of what was rated.
    """
    stopped = [o.request.pressure_mmhg for o in outcomes if o.stopped]
    if stopped:
        return min(stopped)
    if not _participant_stopped(documents):
        return None
    requested = [d.pressure_mmhg for d in documents if isinstance(d, Requested)]
    given = [o.request.pressure_mmhg for o in outcomes if o.given]
    return next(reversed(given or requested), None)


def stopped_while_rating(log: Log) -> TooMuch | None:
    """Return the pressure that a participant had just borne who then stopped a calibration, if one did.

    Nothing in the outcomes tells of it.
    """
    try:
        outcomes = outcomes_in(log.documents)
    except ValueError:  # such a record is refused by who goes on after it
        return None
    mmhg = None if any(o.stopped for o in outcomes) else stopped_at(log.documents, outcomes)
    return None if mmhg is None else _stopped(log, f"a {log.kind}", mmhg)


def _participant_stopped(documents: Sequence[Document]) -> bool:
    evidence = Evidence()
    for document in documents:
        evidence.take(document)
    # a grip that is let go after the end stops nothing
    over = any(isinstance(d, Stop) and d.reason == StopReason.COMPLETED for d in documents)
    return evidence.reason == StopReason.PARTICIPANT and not over


def _of_run(log: Log, what: str) -> list[TooMuch]:
    """Return the pressure at which the participant stopped a run."""
    assert log.start is not None  # noqa: S101  the caller has seen it
    targets = {
        step["number"]: step["target_mmhg"]
        for step in log.start.plan["steps"]
        if step["kind"] == StepKind.INFLATE and step["target_mmhg"] is not None
    }
    if not targets:
        return []
    given = [
        targets[d.number] for d in log.documents if isinstance(d, StepBegan) and d.number in targets
    ]
    if _participant_stopped(log.documents):
        mmhg = given[-1] if given else min(targets.values()) if log.damage else None
        return [] if mmhg is None else [_stopped(log, what, mmhg)]
    ended = any(isinstance(d, Stop) for d in log.documents)
    return [_lost(log, log.damage, min(targets.values()))] if log.damage and not ended else []


def _stopped(log: Log, what: str, mmhg: float) -> TooMuch:
    words = f"the participant stopped {what} {log.where}, at {mmhg:g} mmHg"
    return TooMuch(mmhg=mmhg, words=words, log=log)


def _lost(log: Log, why: str, mmhg: float = 0.0) -> TooMuch:
    words = f"what was too much is not known, {log.path.name} is damaged ({why})"
    return TooMuch(mmhg=mmhg, words=words, log=log, sure=False)


def _hot(line: OutcomeDocument, stop_rating: float) -> bool:
    return line.stopped or (line.rating is not None and line.rating >= stop_rating)


def _stop_rating(tree: Mapping[str, Any]) -> float:
    """Return the stop rating of a protocol, also of an earlier version's; infinite if it says none."""
    try:
        return CalibrationProtocol.model_validate(tree).safety.stop_rating
    except ValidationError:
        safety = tree.get("safety")
    value = safety.get("stop_rating") if isinstance(safety, Mapping) else None
    return float(value) if isinstance(value, int | float) else math.inf
