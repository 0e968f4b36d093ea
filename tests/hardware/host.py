"""A task reduced to its heart: arms a supervised cuff, holds a pressure, beats. Run it to end it.

``host.py PORT [DRIVER] [PATIENCE_S]`` says ``supervisor PID``, ``holding``, and ``fault CODE``.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hardware.clock import RealClock
from hardware.interlock_table import InterlockSettings
from hardware.limits import Limits
from hardware.readings import CommandReport, FaultReport, Program
from hardware.registry import CuffAddress
from hardware.supervised import SupervisedCuff
from hardware.supervisor import SupervisorSettings


def main(port: str, driver: str = "reference", patience_s: float = 0.5) -> None:
    """Say ``holding`` once the inflation has begun, then beat until something ends us."""
    clock = RealClock()
    cuff = SupervisedCuff(
        CuffAddress(driver=driver, port=port, baud=115200),
        SupervisorSettings(
            limits=Limits(), interlock=InterlockSettings(patience_s=patience_s), try_on_s=60.0
        ),
        clock,
        record=Path(port + "-record.jsonl") if "/dev/" not in port else None,
        say=lambda text: print("left", text, flush=True),
    )
    cuff.open()
    print("supervisor", cuff.pid, flush=True)
    cuff.beat()
    cuff.arm()
    end_s = clock.now_s() + 60.0
    while clock.now_s() < end_s:
        cuff.beat()
        for report in cuff.poll():
            if isinstance(report, CommandReport) and report.command == "arm":
                onset_s = clock.now_s() + 2.0  # some devices take a second to be loaded
                cuff.load(
                    Program(number=1, onset_s=onset_s, offset_s=onset_s + 60.0, target_mmhg=120.0)
                )
            if isinstance(report, CommandReport) and report.command == "go":
                print("holding", flush=True)
            if isinstance(report, FaultReport):
                print("fault", report.code, flush=True)
                end_s = clock.now_s() + 1.0
        clock.sleep_until(clock.now_s() + 0.005)
    cuff.close()
    print("closed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], *(float(text) for text in sys.argv[3:]))
