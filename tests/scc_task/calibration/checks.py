"""A stored calibration and the journals of its checks, for tests."""

from dataclasses import replace
from pathlib import Path

import pytest
from journals import calibration_plan, start_of
from stored import NOON, real_rig, stored

from hardware.limits import Limits
from scc_task.calibration import refusals
from scc_task.calibration.find import find
from scc_task.documents import Decided, Document, Outcome, Requested, Stop
from scc_task.protocol.load import load_rig
from scc_task.protocol.model import CalibrationPolicy
from scc_task.record.journal import encode_line
from scc_task.record.paths import RunName

ASKED = Requested(
    trial=1, time_s=1, phase="check", pressure_mmhg=140, hold_s=15, why="", needs_yes=False
)
DOES_NOT_HOLD = Decided(time_s=3, what="refused", by="", why="P40 = 140 mmHg does not hold")


def came(*, rating: float | None = 40, stopped: bool = False) -> Outcome:
    return Outcome(
        trial=1,
        time_s=2,
        inflate_step=2,
        rate_step=4,
        rating=rating,
        tolerated=not stopped,
        stopped=stopped,
        operator_said_yes=None,
    )


def ended(reason: str = "completed") -> Stop:
    return Stop(reason=reason, detail="", end_s=4, time_s=4, vent_confirmed=True)


class Checked:
    """A dataset with one stored calibration, and checks of it."""

    def __init__(self, folder: Path, rig: Path | None = None) -> None:
        self.data, self.rig = folder, load_rig(rig or real_rig(folder)).model
        self.stored = stored(folder)

    def check(
        self, *documents: Document, run: int = 1, session: str = "pre", simulated: bool = False
    ) -> None:
        name = RunName(subject="01", session=session, run=run, task="calibrationcheck")
        start = replace(
            start_of(calibration_plan(), 0.0),
            session=session,
            run=run,
            wall=f"2026-03-02T1{run}:00:00+00:00",
            inputs=({"role": "calibration", "name": "c", "sha256": self.stored.sha256},),
            simulated=simulated,
        )
        path = name.journal(self.data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(map(encode_line, (start, *documents))))

    def used(self, session: str = "pre", *, to_check: bool = False, policy="same_pressure"):
        return find(
            *(self.data, "01", session, CalibrationPolicy(policy=policy)),
            rig=self.rig,
            ratings=(40.0,),
            limits=Limits(),
            now=NOON,
            to_check=to_check,
        )

    def refused(self, session: str = "pre", **more) -> str:
        with pytest.raises(refusals.DoesNotHold) as refused:
            self.used(session, **more)
        return str(refused.value)
