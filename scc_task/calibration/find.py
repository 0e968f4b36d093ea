"""Which accepted calibration a run uses by the study's policy, and every reason not to use it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hardware.limits import Limits
from hardware.readings import Identity
from scc_task.calibration.command import calibrate_command
from scc_task.calibration.last_check import Trouble, last_trouble
from scc_task.calibration.refusals import (
    AboveCeiling,
    CheckDamaged,
    DoesNotHold,
    FromTheFuture,
    NoCalibration,
    OnlySimulated,
    OtherDevice,
    OtherSession,
    OtherSite,
    RatingMissing,
    TooOld,
)
from scc_task.calibration.store import Entry, entries
from scc_task.plan.compile import Resolve, calibrated
from scc_task.plan.steps import ResolvedPressure
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.check import Checked, FindCalibration, Found
from scc_task.protocol.load import Loaded
from scc_task.protocol.model import CalibrationPolicy, Protocol
from scc_task.protocol.rig import Rig
from scc_task.record.dose import used_dose
from scc_task.record.paths import RunName
from scc_task.record.read import JournalUnreadable

CLOCKS_APART_DAYS: Final = 1
"""How far the clocks of two computers may be apart before a date counts as wrong (assumed)."""


def finder(
    data: Path, subject: str, session: str, *, now: datetime, rig_file: Path | None = None
) -> FindCalibration:
    """Return what `check_protocol` calls to find the calibration of a participant and session.

    Parameters
    ----------
    now
        Wall time, with its time zone.
    rig_file
        As the person gave it, for the commands in what is refused.

    Raises
    ------
    UsageInvalid
        If a label cannot be one.
    """
    RunName(subject=subject, session=session, task="calibration", run=1)  # refuses odd labels

    def find_for(protocol: Protocol, rig: Rig, limits: Limits) -> Found | None:
        return find(
            data,
            subject,
            session,
            protocol.calibration,
            rig=rig,
            ratings=protocol.used_ratings(),
            limits=limits,
            now=now,
            rig_file=rig_file,
        )

    return find_for


def find(
    data: Path,
    subject: str,
    session: str,
    policy: CalibrationPolicy,
    *,
    rig: Rig,
    ratings: Sequence[float],
    limits: Limits,
    now: datetime,
    rig_file: Path | None = None,
    to_check: bool = False,
) -> Found | None:
    """Return the calibration that a run uses; ``None`` if a simulated rig has nothing to find.

    Parameters
    ----------
    ratings
        What the protocol asks for.
    limits
        What holds now: the rig's, narrowed by the protocol's.
    rig_file
        As the person gave it, for the commands in what is refused.
    to_check
        It is only to be checked: a check that found that it does not hold is no reason against it.

    Raises
    ------
    CalibrationRefused
        With the first reason not to use what is stored.
    """
    stored = entries(data, subject)
    folder = data / "sourcedata" / f"sub-{subject}" / f"ses-{session}"
    again = f"calibrate: {calibrate_command(subject, session, data=data, rig_file=rig_file)}"
    if not stored:
        if rig.simulated:
            return None
        raise NoCalibration(
            f"no calibration is stored for participant {subject}",
            path=folder,
            do=f"{again}; or give one: --calibration FILE; or check --subject and --data",
        )
    own_only = policy.policy == "recalibrate"
    _refuse_other_sessions(stored, session, own_only=own_only, folder=folder, again=again)
    candidates = [e for e in stored if e.session == session or not own_only]
    if not own_only:
        candidates = _of_first_session(candidates, rig, again)
    chosen = _newest(_on_this_leg(candidates, rig, again), rig, again)
    _refuse_unfit(chosen, policy, rig, ratings, limits, now, again)
    trouble = last_trouble(data, chosen, ratings=ratings, simulated=rig.simulated)
    if trouble is not None and (trouble.too_much or not to_check):
        # a check of a session that has its own calibration checks that one
        own = any(e.session == session for e in stored)
        checked_in = chosen.model.session if own else session
        raise _not_held(
            chosen,
            trouble,
            again=again
            if chosen.model.session == session or own_only
            else f"write 'policy: recalibrate' in the protocol and {again}",
            check=_check_command(trouble, data, subject, checked_in, rig_file),
        )
    source = _source(chosen, policy, stored, session)
    if trouble is not None:  # whoever checks should know what was found before
        source += f"; {trouble.words}"
    return Found(calibration=chosen, source=source)


def _refuse_other_sessions(
    stored: Sequence[Entry], session: str, *, own_only: bool, folder: Path, again: str
) -> None:
    sessions = {e.session for e in stored}
    if own_only and session not in sessions:
        there = ", ".join(f"ses-{s}" for s in sorted(sessions))
        raise OtherSession(
            f"the protocol wants each session's own calibration; stored is only that of {there}",
            path=folder,
            do=f"{again}; or, if the study keeps the first session's pressure, write "
            "'calibration: {policy: same_pressure}' in the protocol",
        )


def _newest(here: Sequence[Entry], rig: Rig, again: str) -> Loaded[Accepted]:
    """Return the newest revision that may press a person, where one is in the cuff.

    A damaged one is refused and not passed over: the older one behind it no longer holds.
    """
    for entry in sorted(here, key=lambda e: e.revision, reverse=True):
        loaded = entry.read()
        if rig.simulated or not loaded.model.simulated:
            return loaded
    raise _only_simulated(here[-1].path, rig, again)


def _on_this_leg(candidates: Sequence[Entry], rig: Rig, again: str) -> list[Entry]:
    here = [e for e in candidates if e.site == rig.cuff.site]
    if here:
        return here
    last = candidates[-1]
    raise OtherSite(
        f"calibrated on the {last.site}, but the cuff of rig '{rig.name}' sits on the "
        f"{rig.cuff.site}",
        path=last.path,
        do=f"move the cuff and mend the rig file, or {again}",
    )


def _of_first_session(stored: Sequence[Entry], rig: Rig, again: str) -> list[Entry]:
    """Return what is stored of the session that was calibrated first, whichever leg it was."""
    first = first_session(stored, rig)
    if first is None:
        raise _only_simulated(_on_this_leg(stored, rig, again)[-1].path, rig, again)
    return [entry for entry in stored if entry.session == first]


def first_session(stored: Sequence[Entry], rig: Rig) -> str | None:
    """Return the session that was calibrated first; ``None`` if none was that this rig may use.

    Raises
    ------
    Damaged, Misplaced
        If a file cannot be read: it could be the first.
    """
    read = [(entry, entry.read().model) for entry in stored]
    usable = [(e, c) for e, c in read if rig.simulated or not c.simulated]
    if not usable:
        return None
    return min(usable, key=lambda pair: pair[1].accepted.time)[0].session


def _only_simulated(path: Path, rig: Rig, again: str) -> OnlySimulated:
    return OnlySimulated(
        f"this calibration was simulated, and the cuff of rig '{rig.name}' is real",
        path=path,
        do=f"{again}: nobody has rated these pressures",
    )


def _refuse_unfit(
    chosen: Loaded[Accepted],
    policy: CalibrationPolicy,
    rig: Rig,
    ratings: Sequence[float],
    limits: Limits,
    now: datetime,
    again: str,
) -> None:
    path, model = Path(chosen.file), chosen.model
    if model.device.driver != rig.cuff.driver:
        raise OtherDevice(
            f"calibrated with a {model.device.driver} cuff, but rig '{rig.name}' has a "
            f"{rig.cuff.driver} cuff",
            path=path,
            do=f"connect the {model.device.driver} cuff of the calibration and give its rig file, or {again}",
        )
    _refuse_date(chosen, policy, now, again)
    there = " and ".join(f"{target.rating:g}" for target in model.targets)
    missing = [rating for rating in ratings if model.mmhg_for(rating) is None]
    if missing:
        asked = " and ".join(f"{rating:g}" for rating in missing)
        raise RatingMissing(
            f"the calibration has {there}, the protocol asks for {asked}",
            path=path,
            do=f"ask for a rating that it has ({there}), or {again}",
        )
    for target in model.targets:
        if target.rating in ratings and not target.mmhg <= limits.ceiling_mmhg:
            raise AboveCeiling(
                f"{target.mmhg:g} mmHg for rating {target.rating:g} is above the ceiling of "
                f"{limits.ceiling_mmhg:g} mmHg",
                path=path,
                do="ask for a lower rating, or calibrate below the ceiling; it is set in the rig file "
                "and under 'limits' in the protocol",
            )


def _not_held(
    chosen: Loaded[Accepted], trouble: Trouble, *, again: str, check: str
) -> CheckDamaged | DoesNotHold:
    """Return the refusal of what its checks were stopped at, found not to hold, or do not tell any more."""
    path = Path(chosen.file)
    if trouble.damaged is not None:
        return CheckDamaged(
            f"{trouble.words}; the pressure may have been too much there",
            path=trouble.damaged.path,
            do="put back a whole copy of it (a backup, or the .rescue.jsonl beside it); or ask the "
            f"participant, then check again{check}",
        )
    if trouble.too_much:
        do = f"ask the participant first; this pressure is not given again: {again}"
    else:
        do = f"{again}; or check it once more{check}"
    return DoesNotHold(f"this calibration does not hold: {trouble.words}", path=path, do=do)


def _check_command(
    trouble: Trouble, data: Path, subject: str, session: str, rig_file: Path | None
) -> str:
    """Return the command that checks once more, and where, in words."""
    words = ": "
    try:
        used_dose(data, subject, session)
    except JournalUnreadable:
        why = f"in ses-{session} nothing is inflated any more: its dose is not known"
        words = f" in another session ({why}): "
        session = "ANOTHER"
    return words + calibrate_command(
        subject,
        session,
        data=data,
        rig_file=rig_file,
        protocol=trouble.protocol,
        option="--check",
    )


def _refuse_date(
    chosen: Loaded[Accepted], policy: CalibrationPolicy, now: datetime, again: str
) -> None:
    path, model = Path(chosen.file), chosen.model
    if model.simulated:
        return  # simulated clocks have a date of their own
    today = now.astimezone(UTC).date()
    age_days = (today - model.accepted.time.date()).days
    if age_days < -CLOCKS_APART_DAYS:
        raise FromTheFuture(
            f"accepted on {model.day}, but this computer says that today is {today}",
            path=path,
            do=f"set the clock of this computer; if it is the calibration's that was wrong, {again}",
        )
    if policy.max_age_days is not None and age_days > policy.max_age_days:
        raise TooOld(
            f"accepted on {model.day}, {age_days} days ago; the protocol allows {policy.max_age_days}",
            path=path,
            do=f"{again}; 'max_age_days' under 'calibration' in the protocol is the study's to change",
        )


def _source(
    chosen: Loaded[Accepted], policy: CalibrationPolicy, stored: Sequence[Entry], session: str
) -> str:
    """Return which calibration it is, for the screen and the dataset."""
    model = chosen.model
    words = f"{'simulated ' if model.simulated else ''}calibration revision {model.revision} of "
    words += f"ses-{model.session}, accepted {model.day} by {model.accepted.by} "
    words += f"({policy.policy}: {Path(chosen.file).name})"
    if model.session != session and any(e.session == session for e in stored):
        words += f"; that of ses-{session} is not used"
    return words


def resolve_of(checked: Checked, otherwise: Resolve) -> Resolve:
    """Return where ratings become pressures: the stored calibration, the given file, or something else."""
    if checked.found is not None:
        return from_store(checked.found)
    return calibrated(checked.calibration) if checked.calibration is not None else otherwise


def from_store(found: Found) -> Resolve:
    """Return a function that resolves ratings from a stored calibration.

    The function raises `KeyError` for a rating that it does not have; `find` has refused that before.
    """

    def resolve(name: str, rating: float) -> ResolvedPressure:
        mmhg = found.calibration.model.mmhg_for(rating)
        if mmhg is None:
            raise KeyError(f"no pressure for rating {rating:g} in {found.calibration.file}")
        return ResolvedPressure(
            name=name, mmhg=float(mmhg), rating=float(rating), source=found.source
        )

    return resolve


def refuse_other_device(found: Found | None, identity: Identity) -> None:
    """Refuse a calibration that was made with another device than the one that has just answered.

    Where an emulated device answers, nobody is pressed and it does not matter.

    Raises
    ------
    OtherDevice, OnlySimulated
        Before anything is armed.
    """
    if found is None or identity.simulated:
        return
    path, model = Path(found.calibration.file), found.calibration.model
    if model.simulated:
        raise OnlySimulated(
            f"this calibration was simulated, and {identity.model} {identity.serial_number} is real",
            path=path,
            do="calibrate with this device: nobody has rated these pressures",
        )
    then, now = (
        (model.device.model, model.device.serial_number),
        (identity.model, identity.serial_number),
    )
    if then != now:
        raise OtherDevice(
            f"calibrated with {' '.join(then)}, but {' '.join(now)} is connected",
            path=path,
            do="connect the device of the calibration, or calibrate with this one",
        )
