"""Judgements on test inflations: leak, rise and fall, commanded against measured and gauge. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from scc_task.doctor.fit import Fit, fit_line, judge_points
from scc_task.doctor.inflation import EMPTY_MMHG, Inflation
from scc_task.doctor.results import Figure, Result, Verdict, failed, skipped, worst

LEAK_MMHG_PER_S: Final = 0.1
"""6 mmHg in a minute: the leak that IEC 80601-2-30 allows (recalled)."""
BAD_LEAK_MMHG_PER_S: Final = 1.0
SHORT_MMHG: Final = 3.0
BAD_SHORT_MMHG: Final = 10.0
"""What a regulator that feeds a leak stays below its target (assumed)."""
SLOW_FALL_S: Final = 3.0
"""Deflation within 3 s is the aim; a run takes longer for a fault (the interlock's ``empty_s``)."""

AIRTIGHT: Final = (
    "look for the leak with soap water: plugs, hose, cuff; listen to the valve; then test again"
)
NO_AIR: Final = (
    "no air goes in: look at the supply (compressor, bottle, tap), at kinks, and that the hose sits"
)
PULL: Final = "DISCONNECT THE HOSE FROM THE CUFF NOW, then look at the vent valve and for kinks"


def trouble(name: str, found: Inflation) -> Result:
    """Explain an inflation that did not go as asked."""
    target_mmhg, highest_mmhg = found.program.target_mmhg, found.highest_mmhg
    figures: dict[str, Figure] = {
        "commanded_mmhg": target_mmhg,
        "highest_mmhg": None if highest_mmhg is None else round(highest_mmhg, 1),
        "faults": [fault.code for fault in found.faults],
    }
    if found.refused:
        do = "see what the device says; switch it off and on; then start the doctor again"
        return failed(name, f"the inflation did not begin: {found.refused}", do, **figures)
    said = "; ".join(fault.message for fault in found.faults)
    if found.emptied is False:
        seen = "THE CUFF WAS NOT SEEN TO EMPTY" + (f": {said}" if said else "")
        blind = any(fault.code == "no_rise" for fault in found.faults)
        do = f"{PULL}. If it is empty, {NO_AIR}" if blind else PULL
        return failed(name, seen, do, **figures)
    reached = "no pressure was seen" if highest_mmhg is None else f"{highest_mmhg:.0f} reached"
    seen = f"{target_mmhg:g} mmHg asked, {reached}, vented for a fault: {said}"
    codes = {fault.code for fault in found.faults}
    if "slow_vent" in codes or "vent_failed" in codes:
        return failed(
            name, seen, "look at the vent valve and for kinks: it empties too slowly", **figures
        )
    if highest_mmhg is not None and highest_mmhg < EMPTY_MMHG:
        return failed(name, seen, NO_AIR, **figures)
    if highest_mmhg is not None and highest_mmhg < 0.95 * target_mmhg:
        return failed(name, seen, AIRTIGHT, **figures)
    return failed(name, seen, found.faults[0].do, **figures)


def judge_leak(found: Inflation, *, window_s: float, resolution_mmhg: float) -> Result:
    """Judge how well a pressure is held.

    The device goes on regulating: a small leak is fed and shows as pressure that is missing, a
    larger one as pressure that falls.
    """
    target_mmhg = found.program.target_mmhg
    name = f"leak at {target_mmhg:g} mmHg"
    if not found.good:
        return trouble(name, found)
    mean_mmhg, slope = found.mean_mmhg(window_s), found.slope_mmhg_per_s(window_s)
    if mean_mmhg is None or slope is None:
        return failed(name, "no pressure samples while it was held", "look at cable and power")
    lost, short_mmhg = -slope, target_mmhg - mean_mmhg
    if mean_mmhg < EMPTY_MMHG:
        seen = f"{max(0.0, mean_mmhg):.0f} mmHg where {target_mmhg:g} was asked"
        return failed(name, seen, NO_AIR, commanded_mmhg=target_mmhg, mean_mmhg=mean_mmhg)
    # one step of a coarse reading within the window is no leak, nor is it missing pressure
    step_per_s = resolution_mmhg / window_s
    figures: dict[str, Figure] = {
        "commanded_mmhg": target_mmhg,
        "mean_mmhg": round(mean_mmhg, 2),
        "loss_mmhg_per_s": round(lost, 3),
        "window_s": window_s,
        "resolution_mmhg": round(resolution_mmhg, 2),
    }
    change = "falls" if lost >= 0 else "rises"
    seen = f"mean {mean_mmhg:.1f} mmHg, {change} {abs(lost):.2f} mmHg/s over {window_s:g} s"
    if not (
        lost - step_per_s <= BAD_LEAK_MMHG_PER_S and short_mmhg - resolution_mmhg <= BAD_SHORT_MMHG
    ):
        return failed(name, f"{seen}: it leaks", AIRTIGHT, **figures)
    if not (lost - step_per_s <= LEAK_MMHG_PER_S and short_mmhg - resolution_mmhg <= SHORT_MMHG):
        return Result(
            name=name,
            verdict=Verdict.WARN,
            seen=f"{seen}: a leak that the device feeds",
            do=AIRTIGHT,
            figures=figures,
        )
    return Result(name=name, verdict=Verdict.OK, seen=seen, figures=figures)


def judge_rise_and_fall(found: Inflation, *, ramp_s: float) -> Result:
    """Judge how fast the highest of the pressures came and went."""
    target_mmhg = found.program.target_mmhg
    rise_s, reached_s, fall_s = found.rise_s(), found.reached_s(), found.fall_s()
    if rise_s is None or reached_s is None:
        return failed("rise and fall", f"90 % of {target_mmhg:g} mmHg was not reached", NO_AIR)
    if fall_s is None:
        return failed("rise and fall", f"not seen below {EMPTY_MMHG:g} mmHg after the end", PULL)
    figures: dict[str, Figure] = {
        "commanded_mmhg": target_mmhg,
        "rise_10_90_s": round(rise_s, 3),
        "reached_90_s": round(reached_s, 3),
        "fall_to_15_s": round(fall_s, 3),
    }
    seen = (
        f"{target_mmhg:g} mmHg: 10 to 90 % in {rise_s:.2f} s, 90 % at {reached_s:.2f} s after the"
        f" onset, down to {EMPTY_MMHG:g} mmHg {fall_s:.2f} s after the end"
    )
    if not fall_s <= SLOW_FALL_S:
        do = "it empties too slowly: look at the vent valve, for kinks, for a hose that is too thin"
        return failed("rise and fall", seen, do, **figures)
    if not reached_s <= ramp_s:
        return Result(
            name="rise and fall",
            verdict=Verdict.WARN,
            seen=f"{seen}: slow",
            do=f"the rig's ramp_s is {ramp_s:g} s: use a stronger supply or a shorter, wider hose",
            figures=figures,
        )
    return Result(name="rise and fall", verdict=Verdict.OK, seen=seen, figures=figures)


def judge_measured(
    points: Sequence[Inflation], *, window_s: float, resolution_mmhg: float
) -> Result:
    """Judge what the device measures against what it was told to do."""
    name = "commanded, measured"
    bad = next((point for point in points if not point.good), None)
    if bad is not None:
        return trouble(name, bad)
    given = [point.program.target_mmhg for point in points]
    means = [point.mean_mmhg(window_s) for point in points]
    found = [mean for mean in means if mean is not None]
    if len(found) != len(given):
        return failed(name, "no pressure samples while it was held", "look at cable and power")
    verdict = judge_points(given, found, resolution_mmhg=resolution_mmhg)
    do = (
        "the device does not do what it is told: below everywhere, look for a leak and at the supply;"
        " else see its manual for its calibration"
    )
    return _fitted(name, "asked", given, found, verdict, do, resolution_mmhg)


def judge_gauge(
    points: Sequence[Inflation], gauge_mmhg: Mapping[float, float], *, window_s: float
) -> Result:
    """Judge what the device measures against an external gauge that somebody has read."""
    name = "gauge, measured"
    read = [
        (gauge_mmhg[point.program.target_mmhg], mean)
        for point in points
        if point.program.target_mmhg in gauge_mmhg
        and (mean := point.mean_mmhg(window_s)) is not None
    ]
    if not read:
        return skipped(name, "no gauge was read: the sensor stands on its own word")
    gauge, measured = [pair[0] for pair in read], [pair[1] for pair in read]
    verdict = judge_points(gauge, measured, resolution_mmhg=0.0)
    do = "the device's sensor or the gauge is wrong: try a second gauge, then have it calibrated"
    return _fitted(name, "gauge", gauge, measured, verdict, do, 0.0)


def _fitted(
    name: str,
    source: str,
    given: Sequence[float],
    found: Sequence[float],
    verdict: Verdict,
    do: str,
    resolution_mmhg: float,
) -> Result:
    figures: dict[str, Figure] = {
        "given_mmhg": [round(value, 2) for value in given],
        "found_mmhg": [round(value, 2) for value in found],
        "resolution_mmhg": round(resolution_mmhg, 2),
    }
    pairs = ", ".join(f"{g:g} -> {f:.1f}" for g, f in zip(given, found, strict=True))
    seen = f"{source} -> measured, mmHg: {pairs}"
    if len(set(given)) >= 2:
        fit = fit_line(given, found)
        seen = f"{seen}; {_words(fit, source)}"
        figures |= {
            "slope": round(fit.slope, 4),
            "offset_mmhg": round(fit.offset_mmhg, 2),
            "residual_mmhg": round(fit.residual_mmhg, 2),
            "worst_mmhg": round(fit.worst_mmhg, 2),
        }
    shown = "" if worst([verdict]) is Verdict.OK else do
    return Result(name=name, verdict=verdict, seen=seen, do=shown, figures=figures)


def _words(fit: Fit, source: str) -> str:
    sign = "-" if fit.offset_mmhg < -0.05 else "+"
    return (
        f"line: measured = {fit.slope:.3f} x {source} {sign} {abs(fit.offset_mmhg):.1f}, residual"
        f" {fit.residual_mmhg:.1f}; worst: {fit.worst_mmhg:+.1f} at {fit.worst_at_mmhg:g}"
    )
