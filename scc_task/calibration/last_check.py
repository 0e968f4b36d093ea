"""What is known against a stored calibration, from the journals of its checks and of what came after it.

A check that was stopped, or found that the pressure does not hold, changes nothing in the store; nor does a
calibration that was begun anew and given up. This is how the next run, the next check and the list of what is
stored know of them. Each check is judged anew, from its outcomes and by its own protocol, as at its end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from scc_task.calibration.check_verdict import Held, after_too_much, ended, judge
from scc_task.calibration.from_journal import outcomes_in
from scc_task.calibration.logs import CHECK_TASK as CHECK_TASK
from scc_task.calibration.logs import Kind, Log, came_after, logs, measured
from scc_task.calibration.measured import Hold
from scc_task.calibration.talk import Outcome
from scc_task.calibration.too_much import TooMuch, known_from
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import Loaded

DEFAULT_FILE: Final = "calibration.yaml"
DEFAULT_TARGET: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is known against a stored pressure.

    ``too_much``: it was stopped, or rated too high: not even a check gives it again. ``damaged``: the
    record that does not say. ``protocol``: that of the check, to check again; ``None`` for the default one.
    """

    words: str
    too_much: bool = False
    damaged: Log | None = None
    protocol: Path | None = None


@dataclass(slots=True)
class _Known:
    """What is known of a calibration after some of its checks; ``of``: the last answer for each rating."""

    model: Accepted
    too_much: list[tuple[float, str]] = field(default_factory=list)
    of: dict[float | None, Trouble] = field(default_factory=dict)
    damaged: list[Log] = field(default_factory=list)
    held: list[Log] = field(default_factory=list)

    @property
    def lost(self) -> list[Log]:
        """Return the journals that do not say what was found, if no newer check found that it holds."""
        return [d for d in self.damaged if not any(came_after(log, d) for log in self.held)]


def last_trouble(
    data: Path,
    calibration: Loaded[Accepted],
    *,
    ratings: Sequence[float] | None = None,
    simulated: bool,
) -> Trouble | None:
    """Return what is known against a calibration, if no newer check found that it holds.

    Parameters
    ----------
    ratings
        Whose pressures are to be given; all that it has, if nothing is said.
    simulated
        Whether what was found on an emulated cuff counts, and nothing else.
    """
    known = _known(data, calibration, simulated=simulated)
    stored = [t.mmhg for t in calibration.model.targets if ratings is None or t.rating in ratings]
    lowest_mmhg, words = min(known.too_much, key=lambda one: one[0], default=(math.inf, ""))
    if lowest_mmhg <= max(stored, default=0.0):
        return Trouble(words=words, too_much=True)
    # a damaged record may hide what was too much for any rating
    asked = [
        t
        for r, t in known.of.items()
        if ratings is None or r is None or r in ratings or t.damaged is not None
    ]
    troubles = sorted(asked, key=lambda trouble: trouble.damaged is not None)
    lost = (_damaged(log, log.damage) for log in known.lost)
    return next(iter((*troubles, *lost)), None)


def known_since(data: Path, calibration: Loaded[Accepted], *, simulated: bool) -> Loaded[Accepted]:
    """Return a calibration whose tolerance says what was too much since."""
    return replace(calibration, model=_known(data, calibration, simulated=simulated).model)


def stopped_runs(
    data: Path,
    subject: str,
    session: str,
    *,
    site: str,
    simulated: bool,
    calibration: Loaded[Accepted] | None,
) -> tuple[str, ...]:
    """Return in words which runs the participant stopped, for who gives the same pressure once more.

    Parameters
    ----------
    calibration
        What is used: then every session's runs since count, else those of this session.
    """
    found = logs(data, subject, session if calibration is None else None)
    source = None if calibration is None else _source_of(calibration.model, data, found)
    return tuple(
        f"{one.words}; ask the participant before you begin: whether this pressure is given again is the "
        "study's decision"
        for log in found
        if log.kind is Kind.RUN
        and log.start is not None
        and (log.start.cuff_site, log.start.simulated) == (site, simulated)
        and (calibration is None or _is_after(log, calibration.model, source))
        for one in known_from(log)
    )


def _known(data: Path, calibration: Loaded[Accepted], *, simulated: bool) -> _Known:
    model = calibration.model
    known, found = _Known(model=model), logs(data, model.subject)
    source = _source_of(model, data, found)
    for log in found:
        if log.start is None:
            # what was written before the acceptance says nothing of it
            if log.kind is not Kind.RUN and log.written_s >= model.accepted.time.timestamp():
                known.damaged.append(log)
        elif log.start.simulated is not simulated or log.kind is Kind.RUN:
            continue
        elif log.of("calibration").get("sha256") == calibration.sha256:
            _learn(known, log)
        elif log.start.cuff_site == model.site and _is_after(log, model, source):
            _take(known, known_from(log), ())
            if log.damage:
                known.damaged.append(log)
    return known


def _source_of(model: Accepted, data: Path, found: Sequence[Log]) -> Log | None:
    """Return the run in which a calibration was found; ``None`` if it is not there."""
    journal = (data / model.journal.path).resolve()
    return next((log for log in found if log.path.resolve() == journal), None)


def _is_after(log: Log, model: Accepted, source: Log | None) -> bool:
    """Return whether a run came after a calibration; ``source``: in which that was found."""
    if source is None:
        return log.began_s >= model.accepted.time.timestamp()
    return came_after(log, source)


def _take(known: _Known, found: Sequence[TooMuch], borne: Sequence[float]) -> None:
    """Take in what was too much."""
    for one in found:
        if one.sure:
            known.too_much.append((one.mmhg, one.words))
            known.model = after_too_much(known.model, one.mmhg, borne)


def _learn(known: _Known, log: Log) -> None:
    """Take in what one check of this calibration found."""
    holds, damage = measured(log)
    log = replace(log, damage=damage)
    too_much = known_from(log, what="its check")
    try:
        protocol = CalibrationProtocol.model_validate(log.tree)
        outcomes = outcomes_in(log.documents)
    except ValueError as error:
        _take(known, too_much, ())
        why = "its protocol cannot be read" if isinstance(error, ValidationError) else str(error)
        known.of[None] = _damaged(log, why)
        return
    if log.damage:
        known.of[protocol.target] = _damaged(log, log.damage)
    else:
        _judge(known, log, protocol, outcomes, holds)
    borne = [o.request.pressure_mmhg for o in outcomes if o.borne and o.rating is not None]
    _take(known, too_much, borne)


def _damaged(log: Log, why: str) -> Trouble:
    what = "check" if log.kind is Kind.CHECK else str(log.kind)
    words = f"the record of a {what} cannot be trusted: {log.path.name}: {why}"
    return Trouble(words=words, damaged=log)


def _judge(
    known: _Known,
    log: Log,
    protocol: CalibrationProtocol,
    outcomes: Sequence[Outcome],
    holds: Sequence[Hold],
) -> None:
    """Take in whether the pressure holds; nothing if the check could not say."""
    assert log.start is not None  # noqa: S101  the caller has seen it
    ceiling_mmhg = float(log.start.plan["limits"]["ceiling_mmhg"])
    judged = judge(
        *(protocol, known.model, outcomes),
        ended(protocol, known.model, outcomes, ceiling_mmhg=ceiling_mmhg),
        ceiling_mmhg=ceiling_mmhg,
        measured=holds,
    )
    if judged.held is Held.HOLDS:
        known.of.pop(protocol.target, None)
        known.of.pop(None, None)
        known.held.append(log)
    elif judged.held is not Held.UNKNOWN:
        words = f"its check on {log.start.wall[:10]} in ses-{log.session} found: {judged.words}"
        known.of[protocol.target] = Trouble(words=words, protocol=_protocol_of(log, protocol))


def _protocol_of(log: Log, protocol: CalibrationProtocol) -> Path | None:
    """Return the protocol's file to type in a command; ``None`` for the default one."""
    name = str(log.of("protocol").get("name", DEFAULT_FILE))
    return None if name == DEFAULT_FILE and protocol.target == DEFAULT_TARGET else Path(name)
