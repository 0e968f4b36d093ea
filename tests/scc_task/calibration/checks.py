"""A stored calibration and the journals of its checks, for tests."""

from dataclasses import replace
from pathlib import Path

import pytest
from journals import calibration_plan, start_of
from stored import NOON, PROTOCOLS, real_rig, stored

from hardware.limits import Limits
from scc_task.calibration import refusals
from scc_task.calibration.find import find
from scc_task.documents import Decided, Document, Key, Outcome, Requested, Stop
from scc_task.protocol.load import load_rig
from scc_task.protocol.model import CalibrationPolicy
from scc_task.record.journal import encode_line
from scc_task.record.paths import RunName

PROTOCOL = (PROTOCOLS / "calibration.yaml").read_text("utf-8")
ASKED = Requested(
    trial=1, time_s=1, phase="check", pressure_mmhg=141.5, hold_s=15, why="", needs_yes=False
)
DOES_NOT_HOLD = Decided(time_s=3, what="refused", by="", why="P40 = 140 mmHg does not hold")


def asked(trial: int, mmhg: float, phase: str = "confirm") -> Requested:
    return replace(ASKED, trial=trial, pressure_mmhg=mmhg, phase=phase)


def came(
    *,
    rating: float | None = 40,
    stopped: bool = False,
    trial: int = 1,
    said_yes: bool | None = None,
) -> Outcome:
    return Outcome(
        trial=trial,
        time_s=2,
        inflate_step=2,
        rate_step=4,
        rating=rating,
        tolerated=not stopped,
        stopped=stopped,
        operator_said_yes=said_yes,
    )


def given(*points: tuple[float, float | None]) -> tuple[Document, ...]:
    """Return the requests and ratings of a check that came to its end."""
    found: list[Document] = []
    for trial, (mmhg, rating) in enumerate(points, start=1):
        phase = "check" if trial == 1 else "confirm"
        found += [asked(trial, mmhg, phase), came(rating=rating, trial=trial)]
    return (*found, ended())


def key(action: str = "stop") -> Key:
    return Key(time_s=2, key="s", down=True, action=action, dropped=None, moved=0.0)


def ended(reason: str = "completed") -> Stop:
    return Stop(reason=reason, detail="", end_s=4, time_s=4, vent_confirmed=True)


class Checked:
    """A dataset with one stored calibration, and checks of it."""

    def __init__(self, folder: Path, rig: Path | None = None) -> None:
        self.data, self.rig = folder, load_rig(rig or real_rig(folder)).model
        self.stored = stored(folder)

    def check(
        self,
        *documents: Document,
        run: int = 1,
        session: str = "pre",
        simulated: bool = False,
        protocol: str = PROTOCOL,
        file: str = "calibration.yaml",
        wall: str | None = None,
        task: str = "calibrationcheck",
        of: str | None = None,
        seen: tuple[str, ...] | None = None,
        site: str = "left calf",
    ) -> Path:
        """Write the journal of a check, or of another task; ``of``: the SHA-256 of what it checked."""
        name = RunName(subject="01", session=session, run=run, task=task)
        plan = start_of(calibration_plan(), 0.0).plan
        start = replace(
            start_of(calibration_plan(), 0.0),
            session=session,
            run=run,
            plan={**plan, "task": name.task},
            wall=wall or f"2026-03-02T1{run}:00:00",
            inputs=(
                {"role": "protocol", "name": file, "sha256": "ab" * 32, "text": protocol},
                {"role": "calibration", "name": "c", "sha256": of or self.stored.sha256},
            ),
            simulated=simulated,
            known_before=None if seen is None else {"too_much": (), "seen": seen},
            cuff_site=site,
        )
        path = name.journal(self.data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(map(encode_line, (start, *documents))))
        return path

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
