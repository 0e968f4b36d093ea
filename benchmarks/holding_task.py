"""A task without a window: arms the cuff, holds one pressure, keeps a journal. For the fault campaign.

SIGUSR1 hangs it in C code that holds the interpreter's lock. The supervisor's record is beside the journal.
``holding_task.py DRIVER PORT JOURNAL SECONDS`` prints ``supervisor PID``, then ``fault CODE`` or ``ended``.
"""

import re
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hardware.clock import RealClock
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CommandReport, FaultReport, Program, Sample, VentReport
from hardware.registry import CuffAddress
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from scc_task.documents import Note
from scc_task.record.journal import Journal
from scc_task.samples import SampleBlock

EXTRA: dict[str, dict[str, Any]] = {
    "devicehost": {"device_port": "COM8"},
    "contact": {"line": "rts"},
}
"""What else the address of some devices needs."""


def hang() -> None:
    """Match a pattern that takes years."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def main(driver: str, port: str, journal_path: str, hold_s: float) -> None:
    """Hold a pressure until it is over, however it ends."""
    clock, block = RealClock(), SampleBlock()
    stop: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: stop.append(number))
    signal.signal(signal.SIGUSR1, lambda number, frame: hang())
    journal = Journal(Path(journal_path))
    cuff = SupervisedCuff(
        CuffAddress(driver=driver, port=port, baud=115200, **EXTRA.get(driver, {})),
        SupervisorSettings(limits=Limits(), interlock=InterlockSettings(), try_on_s=60.0),
        clock,
        record=Path(journal_path).with_name("supervisor.jsonl"),
    )
    cuff.open()
    print("supervisor", cuff.pid, flush=True)
    cuff.beat()
    cuff.arm()
    said, end_s = False, clock.now_s() + hold_s + 25.0
    while clock.now_s() < end_s:
        cuff.beat()
        for report in cuff.poll():
            if isinstance(report, Sample):
                full = block.add(report)
                if full is not None:
                    journal.append(full)
                continue
            journal.append(Note(time_s=clock.now_s(), code="report", message=repr(report)))
            if isinstance(report, CommandReport) and report.command == "arm":
                onset_s = clock.now_s() + 1.5  # some devices take a second to be loaded
                offset_s = onset_s + hold_s
                end_s = offset_s + 25.0
                cuff.load(Program(number=1, onset_s=onset_s, offset_s=offset_s, target_mmhg=130.0))
            if isinstance(report, FaultReport) and not said:
                said = True
                print("fault", report.code, flush=True)
                end_s = min(end_s, clock.now_s() + 12.0)
            if isinstance(report, VentReport) and report.confirmed is not False:
                end_s = min(end_s, clock.now_s() + 0.2)
        if stop:
            cuff.vent()
            stop.clear()
        clock.sleep_until(clock.now_s() + 0.005)
    if not said:
        print("ended", flush=True)
    cuff.close()
    journal.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
