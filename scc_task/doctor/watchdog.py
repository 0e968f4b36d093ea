"""What empties the cuff when this computer no longer does: the watchdog, tried and not believed.

Three tries, each said in words: an armed device at rest that hears no sign of life any more, the same
with pressure in the cuff, and a supervisor that is killed while the cuff is held.
"""

from typing import Final

from hardware.clock import Clock
from hardware.cuff import Capabilities
from hardware.errors import HardwareError
from hardware.readings import CuffReport, FaultReport, Identity, Program, Sample
from hardware.registry import CuffAddress
from hardware.states import PRESSURISED_STATES, CuffState
from scc_task.doctor.direct import DirectCuff, is_empty
from scc_task.doctor.inflation import EMPTY_MMHG
from scc_task.doctor.results import Result, Verdict, failed, skipped
from scc_task.doctor.supervised import AHEAD_S, TestCuff
from scc_task.doctor.under_pressure import trouble

AT_REST: Final = "watchdog, at rest"
UNDER_PRESSURE: Final = "watchdog, 60 mmHg"
KILLED: Final = "program killed"
BEATS_S: Final = 0.5
LATE_S: Final = 0.3
"""What the device and its next sample may take beyond its lease."""
UNKNOWN_LEASE_S: Final = 5.0
"""How soon a device that does not tell its lease must act (assumed)."""
HOLD_S: Final = 3.0
FALL_S: Final = 3.0
RESTART_S: Final = 1.5
"""A device that takes longer to answer may have restarted when its port was opened."""
CHECK: Final = "see what it says: supply, hose, cuff, sensor; switch it off and on; test again"
DEAD: Final = "DO NOT USE IT: nothing empties the cuff when this computer hangs; have it repaired"
DUMP_VALVE: Final = (
    "nothing empties this cuff when the computer dies: fit an independent dump valve with its own"
    " timer, and test it by hand before every session"
)


def try_at_rest(
    address: CuffAddress, clock: Clock, identity: Identity, *, ceiling_mmhg: float
) -> Result:
    """Arm the empty device, stop renewing its lease, and look whether it disarms by itself."""
    with DirectCuff(address, clock) as cuff:
        if not cuff.can.own_watchdog:
            return skipped(AT_REST, "this device has none: see 'limits'")
        if not identity.lease_ms:
            return skipped(AT_REST, "the device does not tell its lease: tried under pressure only")
        cuff.identify()
        if not cuff.rest():
            return failed(AT_REST, "the device does not show an empty cuff", CHECK)
        problem = cuff.arm(ceiling_mmhg=ceiling_mmhg)
        if problem:
            return failed(AT_REST, f"the device did not arm: {problem}", CHECK)
        cuff.listen(BEATS_S, beat=True)
        heard = cuff.listen(identity.lease_ms / 1000 + LATE_S + 1.0, until=_disarmed)
        gone_s = clock.now_s() - cuff.last_beat_s
        if not any(map(_disarmed, heard)):
            seen = f"armed, then no sign of life for {gone_s:.1f} s: it stayed armed"
            return failed(AT_REST, seen, DEAD)
        seen = (
            f"armed without pressure, signs of life stopped on purpose: it disarmed itself"
            f" {gone_s:.2f} s after the last one (its lease: {identity.lease_ms / 1000:g} s)"
        )
        figures = {"after_s": round(gone_s, 3), "lease_ms": identity.lease_ms}
        if gone_s > identity.lease_ms / 1000 + LATE_S:
            return failed(AT_REST, f"{seen}: too late", DEAD, **figures)
        return Result(name=AT_REST, verdict=Verdict.OK, seen=seen, figures=figures)


def _disarmed(report: CuffReport) -> bool:
    return isinstance(report, FaultReport) or (
        isinstance(report, Sample) and report.state in (CuffState.FAULT, CuffState.IDLE)
    )


def try_under_pressure(
    address: CuffAddress, clock: Clock, identity: Identity, cuff: TestCuff, *, target_mmhg: float
) -> Result:
    """Inflate from this process, stop renewing the lease, and time how the device empties the cuff.

    The program is finite, so even a device without a watchdog ends it, but then that is what is said.
    """
    return cuff.once_ready(
        lambda: _stop_kicking(address, clock, identity, cuff, target_mmhg),
        lambda result: str(result.figures.get("refused", "")),
    )


def _stop_kicking(
    address: CuffAddress, clock: Clock, identity: Identity, cuff: TestCuff, target_mmhg: float
) -> Result:
    on_s = cuff.limits.inflation_s
    direct = DirectCuff(address, clock)
    try:
        direct.identify()
        direct.rest()
        problem = direct.arm(ceiling_mmhg=cuff.limits.ceiling_mmhg)
        if problem:
            seen = f"the device did not arm: {problem}"
            return failed(UNDER_PRESSURE, seen, CHECK, refused=problem)
        onset_s = clock.now_s() + AHEAD_S
        program = Program(
            number=1, onset_s=onset_s, offset_s=onset_s + on_s, target_mmhg=target_mmhg
        )
        cuff.inflated = True
        direct.driver.prepare(program)
        direct.listen(AHEAD_S, beat=True)
        direct.driver.inflate(program)
        held = direct.listen(HOLD_S, beat=True)
        after = direct.listen(on_s - HOLD_S + FALL_S, until=is_empty)
    finally:
        cuff.emptied = False
        direct.close()
        cuff.emptied = direct.empty is True
    return _judge(held, after, identity, last_beat_s=direct.last_beat_s, program=program)


def _judge(
    held: list[CuffReport],
    after: list[CuffReport],
    identity: Identity,
    *,
    last_beat_s: float,
    program: Program,
) -> Result:
    name = UNDER_PRESSURE
    before = [r.measured_mmhg for r in held if isinstance(r, Sample)]
    samples = [r for r in after if isinstance(r, Sample) and r.arrival_s > last_beat_s]
    if not before or before[-1] < EMPTY_MMHG:
        do = "see the other checks: without pressure the watchdog cannot be tried"
        return failed(name, f"the cuff did not hold {program.target_mmhg:g} mmHg", do)
    opened = next((s for s in samples if s.state not in PRESSURISED_STATES), None)
    empty = next((s for s in samples if is_empty(s)), None)
    if opened is None or empty is None:
        return failed(name, "signs of life stopped: THE PRESSURE STAYED", DEAD)
    open_s, empty_s = opened.arrival_s - last_beat_s, empty.arrival_s - last_beat_s
    figures = {
        "held_mmhg": round(before[-1], 1),
        "valve_open_after_s": round(open_s, 3),
        "empty_after_s": round(empty_s, 3),
        "lease_ms": identity.lease_ms,
    }
    lease_s = identity.lease_ms / 1000
    told = f"its lease: {lease_s:g} s" if lease_s else "it tells no lease"
    seen = (
        f"held {before[-1]:.0f} mmHg, signs of life stopped on purpose: it opened its valve by"
        f" itself {open_s:.2f} s after the last one ({told}), empty after {empty_s:.2f} s"
    )
    if opened.arrival_s > program.offset_s - 0.5:
        seen = f"it held the pressure to the program's end, {open_s:.1f} s without a sign of life"
        return failed(name, seen, DEAD, **figures)
    if open_s > (lease_s + LATE_S if lease_s else UNKNOWN_LEASE_S):
        return failed(name, f"{seen}: too late", DEAD, **figures)
    return Result(name=name, verdict=Verdict.OK, seen=seen, figures=figures)


def try_killed(
    address: CuffAddress,
    clock: Clock,
    cuff: TestCuff,
    can: Capabilities,
    *,
    target_mmhg: float,
    lease_s: float,
) -> Result:
    """Kill the supervisor while the cuff is held, stay away for the lease and a fall, then look.

    Parameters
    ----------
    lease_s
        After which the device is known to act, told or measured.
    """
    on_s = cuff.limits.inflation_s
    found = cuff.kill_while_holding(target_mmhg, on_s, after_s=HOLD_S)
    if not found.good and (found.faults or found.refused):
        return trouble(KILLED, found)
    held_mmhg = found.samples[-1].measured_mmhg if found.samples else 0.0
    killed_s = clock.now_s()
    away_s = (lease_s if can.own_watchdog else on_s - HOLD_S) + FALL_S
    clock.sleep_until(killed_s + away_s)
    first: Sample | None = None
    try:
        with DirectCuff(address, clock) as direct:
            asked_s = clock.now_s()
            direct.identify()
            answered_s = clock.now_s() - asked_s
            heard = direct.listen(1.0, until=lambda report: isinstance(report, Sample))
            first = next((r for r in heard if isinstance(r, Sample)), None)
        cuff.emptied = direct.empty is True
    except HardwareError as error:
        return failed(KILLED, f"after the kill: {error.what}", error.do)
    if first is None:
        return failed(KILLED, "after the kill no pressure could be read", "switch the device off")
    left_mmhg = first.measured_mmhg
    figures = {
        "held_mmhg": round(held_mmhg, 1),
        "looked_after_s": round(away_s, 2),
        "left_mmhg": round(left_mmhg, 1),
    }
    seen = (
        f"the process that drives the cuff was killed at {held_mmhg:.0f} mmHg, the port left alone"
        f" for {away_s:.1f} s: {max(0.0, left_mmhg):.0f} mmHg were left"
    )
    if not left_mmhg < EMPTY_MMHG:
        return failed(KILLED, f"{seen}. THE CUFF WAS NOT EMPTY", DEAD, **figures)
    if answered_s > RESTART_S:
        return Result(
            name=KILLED,
            verdict=Verdict.WARN,
            seen=f"{seen}; but it took {answered_s:.1f} s to answer: it may have restarted just then",
            do="stop the device from restarting when its port is opened, then test again",
            figures=figures,
        )
    return Result(name=KILLED, verdict=Verdict.OK, seen=seen, figures=figures)
