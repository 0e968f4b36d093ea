"""What the checks of a stored calibration found, from the checks' own journals.

A check that was stopped, or found that the pressure does not hold, changes nothing in the store. This is
how the next run, the next check and the list of what is stored know of it. Each check is judged anew, from
its outcomes and by its own protocol, as it was at its end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from hardware.states import StopReason
from scc_task.calibration.check_log import CHECK_TASK as CHECK_TASK
from scc_task.calibration.check_log import CheckLog, check_logs
from scc_task.calibration.check_verdict import Held, after_too_much, ended, judge
from scc_task.calibration.estimate import too_much_mmhg
from scc_task.calibration.from_journal import Evidence, outcomes_in
from scc_task.calibration.talk import Outcome
from scc_task.documents import Outcome as OutcomeDocument
from scc_task.documents import Requested, Stop
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import Loaded
from scc_task.record.holds import measured_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the checks found against a stored pressure.

    ``too_much``: it was stopped, or rated too high: not even a check gives it again. ``damaged``: the
    record of a check that cannot be judged.
    """

    words: str
    too_much: bool = False
    damaged: CheckLog | None = None


@dataclass(slots=True)
class _Known:
    """What is known of a calibration after some of its checks; ``of``: the last answer for each rating."""

    model: Accepted
    too_much: list[tuple[float, str]] = field(default_factory=list)
    of: dict[float | None, Trouble] = field(default_factory=dict)
    unnamed: list[CheckLog] = field(default_factory=list)
    held: list[CheckLog] = field(default_factory=list)

    @property
    def lost(self) -> list[CheckLog]:
        """Return the journals that do not say what was checked, if no newer check found that it holds."""
        return [u for u in self.unnamed if not any(_is_newer(log, u) for log in self.held)]


def last_trouble(
    data: Path,
    calibration: Loaded[Accepted],
    *,
    ratings: Sequence[float] | None = None,
    simulated: bool,
) -> Trouble | None:
    """Return what the checks found against a calibration, if no newer one found that it holds.

    Parameters
    ----------
    ratings
        Whose pressures are to be given; all that it has, if nothing is said.
    simulated
        Whether checks on an emulated cuff count, and no others.
    """
    known = _known(data, calibration, simulated=simulated)
    stored = [t.mmhg for t in calibration.model.targets if ratings is None or t.rating in ratings]
    lowest_mmhg, words = min(known.too_much, default=(math.inf, ""))
    if lowest_mmhg <= max(stored, default=0.0):
        return Trouble(words=words, too_much=True)
    troubles = sorted(known.of.values(), key=lambda trouble: trouble.damaged is not None)
    lost = (_damaged(log, log.damage) for log in known.lost)
    return next(iter((*troubles, *lost)), None)


def known_since(data: Path, calibration: Loaded[Accepted], *, simulated: bool) -> Loaded[Accepted]:
    """Return a calibration whose tolerance says what was too much in its checks since."""
    return replace(calibration, model=_known(data, calibration, simulated=simulated).model)


def _known(data: Path, calibration: Loaded[Accepted], *, simulated: bool) -> _Known:
    known = _Known(model=calibration.model)
    for log in check_logs(data, calibration.model.subject):
        if log.start is None:
            # what was written before the acceptance was no check of it
            if log.written_s >= calibration.model.accepted.time.timestamp():
                known.unnamed.append(log)
        elif (
            log.start.simulated is simulated
            and log.of("calibration").get("sha256") == calibration.sha256
        ):
            _learn(known, log)
    return known


def _learn(known: _Known, log: CheckLog) -> None:
    """Take in what one check found."""
    assert log.start is not None  # noqa: S101  the caller has seen it
    where = f"on {log.start.wall[:10]} in ses-{log.session}"
    try:
        protocol = CalibrationProtocol.model_validate(log.tree())
        outcomes = outcomes_in(log.documents)
    except ValidationError:
        known.of[None] = _damaged(log, "its protocol cannot be read")
        return
    except ValueError as error:
        known.of[None] = _damaged(log, str(error))
        if any(
            isinstance(d, OutcomeDocument) and _was_too_much(d, protocol) for d in log.documents
        ):
            words = f"something was too much in its check {where}; at what pressure is damaged"
            known.too_much.append((0.0, words))
        return
    too_much = min(too_much_mmhg(protocol, outcomes), default=math.inf)
    words = f"{too_much:g} mmHg was too much in its check {where}"
    stopped_mmhg = _stopped_at(log, outcomes)
    if stopped_mmhg is not None:
        too_much, words = (
            min(too_much, stopped_mmhg),
            f"the participant stopped its check {where}, at {stopped_mmhg:g} mmHg",
        )
    if too_much < math.inf:
        known.too_much.append((too_much, words))
    if log.damage:
        known.of[protocol.target] = _damaged(log, log.damage)
    else:
        _judge(known, log, protocol, outcomes, where)
    borne = [o.request.pressure_mmhg for o in outcomes if o.borne and o.rating is not None]
    known.model = after_too_much(known.model, too_much, borne)


def _was_too_much(line: OutcomeDocument, protocol: CalibrationProtocol) -> bool:
    return line.stopped or (line.rating or 0.0) >= protocol.safety.stop_rating


def _damaged(log: CheckLog, why: str) -> Trouble:
    words = f"the record of a check cannot be trusted: {log.path.name}: {why}"
    return Trouble(words=words, damaged=log)


def _judge(
    known: _Known,
    log: CheckLog,
    protocol: CalibrationProtocol,
    outcomes: Sequence[Outcome],
    where: str,
) -> None:
    """Take in whether the pressure holds; nothing if the check could not say."""
    assert log.start is not None  # noqa: S101  the caller has seen it
    ceiling_mmhg = float(log.start.plan["limits"]["ceiling_mmhg"])
    judged = judge(
        *(protocol, known.model, outcomes),
        ended(protocol, known.model, outcomes, ceiling_mmhg=ceiling_mmhg),
        ceiling_mmhg=ceiling_mmhg,
        measured=measured_holds(log.documents),
    )
    if judged.held is Held.HOLDS:
        known.of.pop(protocol.target, None)
        known.of.pop(None, None)
        known.held.append(log)
    elif judged.held is not Held.UNKNOWN:
        words = f"its check {where} found: {judged.words}"
        known.of[protocol.target] = Trouble(words=words)


def _is_newer(log: CheckLog, lost: CheckLog) -> bool:
    """Return whether a check came after one whose journal does not say when it was."""
    return log.began_s > lost.written_s or (log.session == lost.session and log.run > lost.run)


def _stopped_at(log: CheckLog, outcomes: Sequence[Outcome]) -> float | None:
    """Return the pressure at which the participant stopped a check, or the last one before that."""
    requested = [d.pressure_mmhg for d in log.documents if isinstance(d, Requested)]
    evidence = Evidence()
    for document in log.documents:
        evidence.take(document)
    stopped = [o.request.pressure_mmhg for o in outcomes if o.stopped]
    if stopped:
        return min(stopped)
    # a grip that is let go after the end stops nothing
    over = any(isinstance(d, Stop) and d.reason == StopReason.COMPLETED for d in log.documents)
    if over or evidence.reason != StopReason.PARTICIPANT or not requested:
        return None
    given = [o.request.pressure_mmhg for o in outcomes if o.given]
    return (given or requested)[-1]
