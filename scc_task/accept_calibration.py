"""Keep what somebody accepts: right after a calibration, or later, from its journals alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.clock import RealClock
from scc_task.calibration.accepted_before import refuse_accepted
from scc_task.calibration.keep import adjusted_by_check, proposal_of
from scc_task.calibration.same import cuff_in
from scc_task.calibration.store import accept
from scc_task.calibration.talk import Finished
from scc_task.calibration_close import Closing, Settled
from scc_task.errors import UsageInvalid
from scc_task.prepare_calibration import PreparedCalibration
from scc_task.protocol.accepted import Device, NamedFile
from scc_task.record.lock import held_alone

if TYPE_CHECKING:
    from scc_task.resume_calibration import EarlierRun


def keep(
    prepared: PreparedCalibration,
    settled: Settled,
    *,
    journal: Path,
    device: Device,
    simulated: bool,
    before: "tuple[EarlierRun, ...]",
) -> str:
    """Store what was accepted; return its file.

    Parameters
    ----------
    journal
        Of the run that came to the end, closed.
    simulated
        Nobody was in the cuff.
    before
        The runs that it went on after, oldest first.

    Raises
    ------
    RecordingLost
        If it cannot be stored.
    UsageInvalid
        If somebody accepts it at another terminal, or has done so since it was asked for.
    """
    run, protocol = prepared.run, prepared.protocol
    outcomes, session = prepared.procedure.outcomes, run.name.session
    comment = settled.comment
    if prepared.checks is not None and settled.checked is not None:
        stored = prepared.checks.calibration.model
        proposal = adjusted_by_check(
            *(stored, protocol, prepared.rig, outcomes, settled.checked),
            session=session,
            simulated=simulated,
            device=device,
        )
        comment = (
            f"check of revision {stored.revision} of ses-{stored.session}: {settled.checked.words}"
        )
        comment += f"; {settled.comment}" if settled.comment else ""
    elif settled.result is not None:
        proposal = proposal_of(
            *(protocol, prepared.rig, outcomes, settled.result),
            subject=run.name.subject,
            session=session,
            site=run.rig.cuff.site,
            simulated=simulated,
            device=device,
        )
    else:
        raise ValueError("nothing was found, so nothing is kept")
    with held_alone(journal) as alone:
        if not alone:
            raise UsageInvalid(
                f"{run.name.stem} is being accepted, or recovered, by another process",
                where=str(journal),
                do="see what it comes to: run_task.py calibrations; then --accept, if it is not stored",
            )
        refuse_accepted(run.data, run.name, journal)
        loaded = accept(
            run.data,
            proposal,
            journal=journal,
            by=settled.by,
            comment=comment or None,
            now=RealClock().wall(),
            earlier=[(r.contents.path, rig_of(r), device_in(r)) for r in before],
        )
    return loaded.file


def decide_later(prepared: PreparedCalibration, closing: Closing) -> str | None:
    """Ask for the decision on a calibration that came to its end; return the file if it was accepted.

    Nothing is opened and nothing inflates: everything is in the journals.
    """
    earlier, finished = prepared.earlier, prepared.procedure.next()
    if earlier is None or not isinstance(finished, Finished):
        raise ValueError("only what came to its end is decided on later")
    closing.judge(finished)
    if not closing.settled.accepted:
        return None
    *before, last = earlier.runs
    return keep(
        prepared,
        closing.settled,
        journal=last.contents.path,
        device=device_in(last),
        simulated=last.start.simulated,
        before=tuple(before),
    )


def rig_of(run: "EarlierRun") -> NamedFile:
    """Return the rig of a run, as its journal names it."""
    sha256 = next(str(i["sha256"]) for i in run.start.inputs if i["role"] == "rig")
    return NamedFile(name=run.start.rig, sha256=sha256)


def device_in(run: "EarlierRun") -> Device:
    """Return the device of a run, as its journal names it."""
    told: Mapping[str, Any] = run.start.device
    return Device(
        driver=str(cuff_in(run.start)["driver"]),
        model=str(told.get("model", "")),
        serial_number=str(told.get("serial_number", "")),
        firmware=str(told.get("firmware", "")),
    )
