"""Accepted calibrations for tests, and the rigs and protocols that they meet."""

from datetime import UTC, datetime
from pathlib import Path

from scc_task.calibration.store import accept
from scc_task.protocol.accepted import Accepted, Device, NamedFile, Proposal, Target
from scc_task.protocol.load import Loaded

ROOT = Path(__file__).parents[3]
PROTOCOLS = ROOT / "protocols"
RIGS = ROOT / "rigs"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

TARGETS = (
    Target(rating=20, mmhg=96.5, low_mmhg=88.25, high_mmhg=104, inflations=14),
    Target(rating=40, mmhg=141.5, low_mmhg=131.1, high_mmhg=150.7, inflations=14),
)


def proposal(
    *,
    subject: str = "01",
    session: str = "pre",
    site: str = "left calf",
    simulated: bool = False,
    driver: str = "reference",
    serial_number: str = "R-17",
    targets: tuple[Target, ...] = TARGETS,
) -> Proposal:
    """Return a good proposal."""
    return Proposal(
        subject=subject,
        session=session,
        site=site,
        simulated=simulated,
        targets=targets,
        interval_percent=95,
        procedure="default",
        protocol=NamedFile(name="calibration", sha256="ab" * 32),
        rig=NamedFile(name="room3", sha256="cd" * 32),
        device=Device(driver=driver, model="CUFF/1", serial_number=serial_number, firmware="1.2"),
        highest_given_mmhg=280,
    )


def journal_in(data: Path) -> Path:
    """Write what stands for the calibration's journal."""
    path = data / "sourcedata" / "elsewhere" / "journal.jsonl"  # where no dose is counted from
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"type": "start"}\n')
    return path


def stored(
    data: Path,
    what: Proposal | None = None,
    *,
    now: datetime = NOON,
    by: str = "J. D.",
    comment: str | None = None,
) -> Loaded[Accepted]:
    """Accept a calibration."""
    journal = journal_in(data)
    return accept(data, what or proposal(), journal=journal, by=by, comment=comment, now=now)


def real_rig(folder: Path, *, driver: str = "reference", site: str = "left calf") -> Path:
    """Write a rig with a real cuff on a port that is never opened, and return its path."""
    path = folder / "rig.yaml"
    path.write_text(
        "version: 1\nname: room3\n"
        f"cuff: {{driver: {driver}, port: COM4, site: {site}}}\n"
        'scanner: {trigger: keyboard, key: "5"}\n'
        "responses: {answers: keyboard, left: [b], right: [c], confirm: [a], stop: [d]}\n"
        "screen: {number: 0, fullscreen: false, size_px: [1024, 768]}\n"
        "limits: {ceiling_mmhg: 250, inflation_s: 90, gap_s: 30, session_inflated_s: 1200,"
        " session_inflations: 60}\nsupervisor: {patience_s: 0.5}\n",
        "utf-8",
    )
    return path
