"""A task without a window: arms the cuff, holds one pressure, keeps a journal. For the fault campaign.

``holding_task.py DRIVER PORT JOURNAL SECONDS`` prints ``supervisor PID``, then ``fault CODE`` or ``ended``.
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hardware.clock import RealClock
from hardware.interlock import InterlockSettings
from hardware.limits import Limits
from hardware.readings import FaultReport, Program, Sample, VentReport
from hardware.registry import CuffAddress
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings
from scc_task.documents import Note
from scc_task.record.journal import Journal
from scc_task.samples import SampleBlock


def main(driver: str, port: str, journal_path: str, hold_s: float) -> None:
    """Hold a pressure until it is over, however it ends."""
    clock, block = RealClock(), SampleBlock()
    stop: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: stop.append(number))
    journal = Journal(Path(journal_path))
    cuff = SupervisedCuff(
        CuffAddress(driver=driver, port=port, baud=115200),
        SupervisorSettings(limits=Limits(), patience_s=0.5, interlock=InterlockSettings()),
        clock,
    )
    cuff.open()
    print("supervisor", cuff.pid, flush=True)
    cuff.beat()
    cuff.arm()
    onset_s = clock.now_s() + 2.0  # some devices take a second to be loaded
    cuff.load(Program(number=1, onset_s=onset_s, offset_s=onset_s + hold_s, target_mmhg=130.0))
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
            if isinstance(report, FaultReport) and not said:
                said = True
                print("fault", report.code, flush=True)
                end_s = min(end_s, clock.now_s() + 12.0)
            if isinstance(report, VentReport) and report.confirmed:
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
