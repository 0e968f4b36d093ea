"""The participant's stop: the device's own button, or the rig's stop key, pressed on request."""

from typing import Final

from hardware.clock import Clock
from hardware.readings import CuffReport, FaultReport
from hardware.registry import CuffAddress
from hardware.states import StopReason
from scc_task.doctor.answers import Answers
from scc_task.doctor.direct import DirectCuff
from scc_task.doctor.results import Result, Verdict, failed, skipped

NAME: Final = "stop button"
WAIT_S: Final = 15.0
SLICE_S: Final = 0.05
_SIGNS: Final = {"space": " ", "return": "\n"}


def signs_of(keys: tuple[str, ...]) -> dict[str, str]:
    """Return what a terminal gets for those keys that it can get, and the keys' names."""
    return {_SIGNS.get(key, key): key for key in keys if len(key) == 1 or key in _SIGNS}


def try_button(
    address: CuffAddress,
    clock: Clock,
    answers: Answers,
    keys: tuple[str, ...],
    *,
    ceiling_mmhg: float,
    wait_s: float = WAIT_S,
) -> Result:
    """Arm the empty cuff and wait for the device's button, its emergency stop, or the rig's key."""
    signs = signs_of(keys)
    with DirectCuff(address, clock) as cuff:
        cuff.identify()
        cuff.rest()
        problem = cuff.arm(ceiling_mmhg=ceiling_mmhg)  # some devices tell of their button only then
        with answers.pressing():
            deadline_s = clock.now_s() + wait_s
            while clock.now_s() < deadline_s and not answers.ended:
                heard = cuff.listen(SLICE_S, beat=True, until=_is_stop)
                stop = next((r for r in heard if _is_stop(r)), None)
                if isinstance(stop, FaultReport):
                    seen = f"the device said: {stop.message}"
                    return Result(name=NAME, verdict=Verdict.OK, seen=seen)
                key = signs.get((answers.key() or "").replace("\r", "\n").lower())
                if key is not None:
                    seen = f"the rig's stop key '{key}' reached this computer; in a run it vents"
                    return Result(name=NAME, verdict=Verdict.OK, seen=seen)
    if answers.ended:
        return skipped(NAME, "nobody is at the keyboard")
    do = "check the button box, its cable and the rig's 'stop' keys"
    if problem:
        do = f"{do}; the device was not armed ({problem})"
    if not signs:
        do = f"{do}; a terminal cannot see {', '.join(keys)}: try them in a practice run"
    return failed(NAME, f"nothing was pressed within {wait_s:g} s", do)


def _is_stop(report: CuffReport) -> bool:
    return isinstance(report, FaultReport) and (
        report.reason is StopReason.PARTICIPANT or report.code == "device_emergency"
    )
