"""Doctors' runs on emulated cuffs: real ports, real processes, an operator who answers at once."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hardware.clock import RealClock
from scc_task.address import address_of
from scc_task.doctor.examination import Examination, Pace
from scc_task.doctor.results import Result
from scc_task.emulated import EmulatorProcess
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig import Rig

ROOT = Path(__file__).resolve().parents[1]
EXTRA = {"devicehost": ("device_port: COM8",), "contact": ("line: rts",)}
"""What else a rig with such a device says."""
SIMULATED = ROOT / "rigs" / "simulated.yaml"
QUICK = Pace(
    listen_s=1.0,
    leak_hold_s=4.0,
    leak_window_s=1.5,
    point_hold_s=3.0,
    gauge_hold_s=3.0,
    point_window_s=1.0,
    points=2,
    button_s=5.0,
    gap_s=0.5,
)


@dataclass
class Operator:
    """Answers every question with the next word; then nobody is there."""

    lines: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def line(self, question: str) -> str | None:
        self.asked.append(question)
        return self.lines.pop(0) if self.lines else None

    @contextlib.contextmanager
    def pressing(self) -> Iterator[None]:
        yield

    def key(self) -> str | None:
        return self.keys.pop(0) if self.keys else None

    @property
    def ended(self) -> bool:
        return not self.lines and not self.keys


@dataclass
class Seen:
    """What a doctor's run has found, by the name of the check."""

    results: Sequence[Result]
    examination: Examination
    said: list[str]
    operator: Operator

    def __getitem__(self, name: str) -> Result:
        return next(result for result in self.results if result.name.startswith(name))

    @property
    def names(self) -> list[str]:
        return [result.name for result in self.results]


def rig_of(folder: Path, driver: str) -> Rig:
    """Return the simulated rig with another driver."""
    path = folder / f"{driver}.yaml"
    lines = "\n  ".join((f"driver: {driver}", *EXTRA.get(driver, ())))
    text = SIMULATED.read_text("utf-8").replace("driver: reference", lines)
    path.write_text(text, "utf-8")
    return load_rig(path).model


def see(
    folder: Path,
    driver: str,
    *,
    fault: str = "",
    lines: Sequence[str] = (),
    keys: Sequence[str] = ("x", "s"),
) -> Seen:
    """Let the doctor see an emulated cuff, with a fault if there is to be one."""
    script: tuple[str, ...] = ()
    if fault:
        path = folder / "faults.yaml"
        path.write_text(f"version: 1\nfaults:\n  - {{{fault}}}\n", "utf-8")
        script = ("--faults", str(path))
    rig = rig_of(folder, driver)
    emulator = EmulatorProcess(driver, *script)
    try:
        operator, said = Operator(list(lines), list(keys)), []
        examination = Examination(
            rig,
            address_of(rig.cuff, emulator.port),
            RealClock(),
            operator,
            say=said.append,
            skip_button=not keys,
            pace=QUICK,
        )
        return Seen(list(examination.results()), examination, said, operator)
    finally:
        emulator.close()
