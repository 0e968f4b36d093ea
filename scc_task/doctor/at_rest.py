"""Judgements on a cuff at rest: who it is, its limits, its zero, its samples. Pure."""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Final

from hardware.cuff import Capabilities
from hardware.readings import CuffReport, Identity, LinkNote, Sample
from hardware.serial_ports import SerialPort
from scc_task.doctor.results import Figure, Result, Verdict, failed, skipped
from scc_task.protocol.rig import Rig

ZERO_MMHG: Final = 5.0
"""A sensor further from zero at rest needs its zero set (assumed)."""
NOISE_MMHG: Final = 2.0
"""More noise than this at rest is a loose plug or a bad sensor (assumed)."""
FEWEST: Final = 10
"""Samples below which nothing is said about noise."""
SHOWN_PORTS: Final = 5


def judge_ports(found: Sequence[SerialPort], port: str, *, emulated: bool, exists: bool) -> Result:
    """Say which ports there are, and whether the rig's is among them."""
    names = [f"{p.name} ({p.description})" for p in found]
    shown = ", ".join(names[:SHOWN_PORTS]) or "none"
    if len(names) > SHOWN_PORTS:
        shown += f" and {len(names) - SHOWN_PORTS} more"
    figures: dict[str, Figure] = {"ports": names, "port": port}
    if emulated:
        seen = f"the cuff is emulated, on {port}; serial ports here: {shown}"
    elif port in {p.name for p in found}:
        seen = f"{port} is there; serial ports here: {shown}"
    elif exists or "://" in port:
        seen = f"{port} is no serial port that the system lists; serial ports here: {shown}"
    else:
        return Result(
            name="ports",
            verdict=Verdict.WARN,
            seen=f"the rig's port {port} is not there; serial ports here: {shown}",
            do="plug the device in and switch it on, or name its port in the rig file",
            figures=figures,
        )
    return Result(name="ports", verdict=Verdict.OK, seen=seen, figures=figures)


def judge_identity(identity: Identity, *, emulated: bool) -> Result:
    """Say who answers, and whether that is a device at all."""
    who = (
        f"{identity.manufacturer} {identity.model}, serial {identity.serial_number},"
        f" firmware {identity.firmware}, speaks {identity.protocol}"
    )
    if identity.simulated and not emulated:
        return Result(
            name="identity",
            verdict=Verdict.WARN,
            seen=f"{who}: this is an emulator, behind a port that the rig calls real",
            do="name the real device's port before anybody is scanned",
        )
    return Result(name="identity", verdict=Verdict.OK, seen=who)


def judge_limits(identity: Identity, can: Capabilities, rig: Rig) -> Result:
    """Compare the device's limits with the rig's, and say what ends an inflation without us."""
    device_mmhg, rig_mmhg = identity.ceiling_mmhg, rig.limits.ceiling_mmhg
    ceiling_mmhg = min(device_mmhg, rig_mmhg)
    ways = []
    if can.own_watchdog:
        lease = f"{identity.lease_ms} ms" if identity.lease_ms else "a time that it does not tell"
        ways.append(f"its watchdog after {lease}")
    if can.finite_programs:
        ways.append("the end of the inflation, which it knows")
    alone = " and ".join(ways) or "NOTHING"
    device = f"{device_mmhg:g}" if math.isfinite(device_mmhg) else "not known"
    seen = (
        f"ceiling: device {device}, rig {rig_mmhg:g}: {ceiling_mmhg:g} mmHg holds;"
        f" without us it is vented by: {alone}"
    )
    figures: dict[str, Figure] = {
        "device_ceiling_mmhg": device_mmhg,
        "rig_ceiling_mmhg": rig_mmhg,
        "lease_ms": identity.lease_ms,
    }
    problems = []
    if device_mmhg < rig_mmhg:
        problems.append(
            f"lower the rig's ceiling_mmhg to {device_mmhg:g}: the device takes no more"
        )
    if not ways:
        problems.append(
            "fit an independent dump valve with its own timer, and test it by hand before every session"
        )
    return Result(
        name="limits",
        verdict=Verdict.WARN if problems else Verdict.OK,
        seen=seen,
        do="; ".join(problems),
        figures=figures,
    )


def resolution_mmhg(samples: Sequence[Sample]) -> float:
    """Return the smallest step between readings: what this device can tell apart at best."""
    values = sorted({round(sample.measured_mmhg, 3) for sample in samples})
    return min((b - a for a, b in itertools.pairwise(values)), default=0.0)


def judge_zero(samples: Sequence[Sample], can: Capabilities) -> Result:
    """Judge what the sensors say of an empty cuff."""
    if not can.measures_pressure:
        return skipped("zero reading", "this device measures no pressure")
    if len(samples) < FEWEST:
        return failed(
            "zero reading",
            f"only {len(samples)} pressure samples came",
            "look at cable and power, then start the doctor again",
        )
    sensors = [[s.measured_mmhg for s in samples]]
    second = [s.second_mmhg for s in samples if s.second_mmhg is not None]
    if second:
        sensors.append(second)
    means = [statistics.fmean(values) for values in sensors]
    noises = [statistics.pstdev(values) for values in sensors]
    figures: dict[str, Figure] = {
        "zero_mmhg": [round(mean, 2) for mean in means],
        "noise_sd_mmhg": [round(noise, 3) for noise in noises],
        "samples": len(samples),
    }
    shown = " and ".join(f"{mean:+.1f}" for mean in means)
    spread = " and ".join(f"{noise:.2f}" for noise in noises)
    count = "two readings say" if second else "one reading says"
    seen = f"{count} {shown} mmHg at rest, noise {spread} mmHg (SD)"
    if can.shows_noise and max(noises) == 0.0:
        do = "a sensor that is never noisy does not measure: look at its cable, or replace it"
        return failed("zero reading", f"{seen}: the same number every time", do, **figures)
    # written so that NaN is bad
    if not all(abs(mean) < ZERO_MMHG for mean in means):
        do = (
            "take the cuff off and let all air out; if the reading stays,"
            f" set the sensor's zero (limit {ZERO_MMHG:g} mmHg)"
        )
        return failed("zero reading", f"{seen}: not zero", do, **figures)
    if len(means) > 1 and not abs(means[0] - means[1]) < ZERO_MMHG:
        do = f"find out which is wrong; they may differ by {ZERO_MMHG:g} mmHg at most"
        return failed("zero reading", f"{seen}: they do not agree", do, **figures)
    if not max(noises) < NOISE_MMHG:
        return Result(
            name="zero reading",
            verdict=Verdict.WARN,
            seen=f"{seen}: noisy",
            do="look for a loose plug or a pump that runs",
            figures=figures,
        )
    return Result(name="zero reading", verdict=Verdict.OK, seen=seen, figures=figures)


def judge_sampling(
    heard: Sequence[CuffReport], can: Capabilities, *, for_s: float, stale_s: float
) -> Result:
    """Judge how regularly samples come, and what was lost or damaged on the wire."""
    if not can.measures_pressure:
        return skipped("samples", "this device measures no pressure")
    times = [r.arrival_s for r in heard if isinstance(r, Sample)]
    notes = [r for r in heard if isinstance(r, LinkNote)]
    lost = [note.message for note in notes if note.code == "samples_lost"]
    damaged = sum(note.code == "corrupt_frame" for note in notes)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    if not gaps:
        return failed(
            "samples",
            f"{len(times)} samples in {for_s:g} s",
            "look at cable and power, then start the doctor again",
        )
    rate_hz = len(gaps) / (times[-1] - times[0])
    jitter_ms, longest_ms = statistics.pstdev(gaps) * 1000, max(gaps) * 1000
    figures: dict[str, Figure] = {
        "rate_hz": round(rate_hz, 2),
        "jitter_sd_ms": round(jitter_ms, 2),
        "longest_gap_ms": round(longest_ms, 1),
        "losses": len(lost),
        "damaged": damaged,
    }
    seen = (
        f"{rate_hz:.1f} a second ({can.samples_hz:g} expected), jitter {jitter_ms:.1f} ms (SD),"
        f" longest gap {longest_ms:.0f} ms, lost {len(lost)}, damaged {damaged}"
    )
    do = "use a shorter cable and a port without a hub; close what keeps this computer busy"
    if not longest_ms < stale_s * 1000 or not rate_hz > 0.8 * can.samples_hz:
        return failed("samples", f"{seen}: a run would stop", do, **figures)
    if lost or damaged or not rate_hz > 0.9 * can.samples_hz:
        verdict = Verdict.WARN
        return Result(name="samples", verdict=verdict, seen=seen, do=do, figures=figures)
    return Result(name="samples", verdict=Verdict.OK, seen=seen, figures=figures)
