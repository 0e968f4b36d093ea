"""Judgements on a scanner's pulses, in an operator's words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from hardware.triggers import Stamps
from scc_task.doctor.pulse_train import PulseTrain, read_train
from scc_task.doctor.results import Figure, Result, Verdict
from scc_task.protocol.rig_scanner import ScannerRig

FEWEST: Final = 5
"""Pulses below which nothing is said about their rhythm."""
MANY: Final = 0.1
"""More than this share of pulses missed or extra is no accident (assumed)."""
SYSTEMATIC: Final = 0.5
"""More than this share of pulses doubled is how the box is set (assumed)."""
JITTER_S: Final = 0.010
"""Pulses scatter less than this about an even rhythm, or something is in their way (assumed)."""
AGE_S: Final = 0.1
"""Stamps are usually younger than this when they are taken up (assumed)."""
PULSES: Final = "scanner pulses"
TIMING: Final = "pulse timing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came while the doctor listened.

    ``ages_s``: how old each stamp was when the doctor took it up. ``doubt``: why stamps cannot be true.
    """

    times_s: Sequence[float]
    listened_s: float
    strangers: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None
    ages_s: Sequence[float] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    state: str
    verdict: Verdict
    seen: str
    do: str = ""


def judge_pulses(heard: Heard, scanner: ScannerRig, tr_s: float | None) -> Result:
    """Say in a word what the pulses are: healthy, silent, double-pulsing, wrong TR and so on.

    Parameters
    ----------
    tr_s
        What the TR should be; ``None``: nobody said.
    """
    train = read_train(heard.times_s)
    word = (
        _nothing_came(heard, scanner)
        or _gone(heard)
        or _wrong_clock(heard, scanner)
        or _doubled(train, scanner)
        or _too_few(train, heard)
        or _wrong_tr(train, tr_s)
        or _irregular(train)
        or _late(train)
        or _bouncing(train)
        or _strangers_too(train, heard)
        or _healthy(train, tr_s)
    )
    figures: dict[str, Figure] = {
        "state": word.state,
        "pulses": train.count,
        "listened_s": round(heard.listened_s, 3),
        "asked_tr_s": tr_s,
        "doubled": train.doubled,
        "extra": train.extra,
        "missed": train.missed,
        "late": train.late,
        "strangers": listed(heard.strangers),
    }
    if train.line is not None:
        figures["tr_s"] = round(train.line.tr_s, 6)
        figures["tr_error_s"] = round(train.line.tr_error_s, 6)
    return Result(name=PULSES, verdict=word.verdict, seen=word.seen, do=word.do, figures=figures)


def judge_timing(heard: Heard, stamps: Stamps) -> Result:
    """Say how even the pulses are, and how their time stamps are made."""
    train = read_train(heard.times_s)
    line = train.line
    figures: dict[str, Figure] = {
        "stamps": stamps.made,
        "uncertainty_ms": round(stamps.uncertainty_ms, 3),
        "because": stamps.because,
    }
    if line is None:
        return Result(name=TIMING, verdict=Verdict.SKIPPED, seen=f"too few pulses; {stamps}")
    age_s = median(heard.ages_s) if heard.ages_s else 0.0
    figures["age_ms"] = round(age_s * 1000, 3)
    figures |= {
        "rate_per_s": round(1 / line.tr_s, 4),
        "jitter_ms": round(line.jitter_s * 1000, 3),
        "worst_ms": round(line.worst_s * 1000, 3),
    }
    seen = (
        f"{1 / line.tr_s:.3f} pulses each second, jitter {line.jitter_s * 1000:.2f} ms, worst"
        f" {line.worst_s * 1000:.2f} ms; taken up {age_s * 1000:.0f} ms after their stamps; {stamps}"
    )
    if age_s > AGE_S:
        return Result(
            name=TIMING,
            verdict=Verdict.WARN,
            seen=seen,
            do="stamps so old are from another clock, or the pulses are long on their way: compare the"
            " sender's clock with this computer's",
            figures=figures,
        )
    uneven = line.jitter_s > JITTER_S
    return Result(
        name=TIMING,
        verdict=Verdict.WARN if uneven else Verdict.OK,
        seen=seen,
        do="look what else this computer does, and at the adapter's latency timer (1 ms)"
        if uneven
        else "",
        figures=figures,
    )


def listed(strangers: Mapping[str, int]) -> str:
    """Return what came that is no pulse, in words."""
    return ", ".join(f"{count} x {name}" for name, count in strangers.items())


def conclude(results: Sequence[Result]) -> str:
    """Return the last line: whether the pulses may be trusted."""
    worst = {result.verdict for result in results}
    if Verdict.FAIL in worst:
        return "SCANNER NOT READY: do not start a run before this is mended."
    if Verdict.WARN in worst:
        return "SCANNER READY, with warnings."
    return "SCANNER READY."


# -- one judgement each; the first that has something to say is the word


def _nothing_came(heard: Heard, scanner: ScannerRig) -> _Word | None:
    if heard.times_s:
        return None
    if heard.strangers:
        return _stranger(heard, scanner)
    if heard.problem is not None:
        return None
    return _Word(
        "silent",
        Verdict.FAIL,
        f"SILENT: no pulse in {heard.listened_s:.0f} s",
        "is the sequence running? Does the trigger box show pulses? Then look at its cable,"
        f" its mode, and {_where(scanner)} in the rig file",
    )


def _stranger(heard: Heard, scanner: ScannerRig) -> _Word:
    name, count = max(heard.strangers.items(), key=lambda item: item[1])
    wanted = {
        "serial": f"byte '{scanner.byte}'",
        "keyboard": f"key '{scanner.trigger_key}'",
        "lsl": f"marker '{scanner.marker}'",
    }.get(scanner.trigger, "pulse")
    state = "wrong key" if scanner.trigger == "keyboard" else "stranger"
    return _Word(
        state,
        Verdict.FAIL,
        f"WRONG {wanted.split()[0].upper()}: {count} x {name} came, and never the rig's {wanted}",
        f"if {name} is the scanner's pulse, write it under 'scanner' in the rig file; else look"
        " what is connected there",
    )


def _gone(heard: Heard) -> _Word | None:
    if heard.problem is None:
        return None
    do = "look at the cable and the power of the trigger box"
    return _Word("gone", Verdict.FAIL, f"GONE: {heard.problem}", do)


def _wrong_clock(heard: Heard, scanner: ScannerRig) -> _Word | None:
    if heard.doubt is None:
        return None
    do = (
        "have the sender stamp on LSL's clock (local_clock()), or leave the stamp to LSL"
        if scanner.trigger == "lsl"
        else "look what else this computer does; start the program again"
    )
    return _Word("wrong clock", Verdict.FAIL, f"WRONG CLOCK: {heard.doubt}", do)


def _doubled(train: PulseTrain, scanner: ScannerRig) -> _Word | None:
    if train.doubled <= SYSTEMATIC * train.counted:
        return None
    edges = (
        "have one edge counted ('edge' in the rig file, or the box's setting)"
        if scanner.trigger in ("modem_line", "parallel")
        else "set the box to one signal for each pulse, and look for a second box or cable"
    )
    return _Word("double-pulsing", Verdict.FAIL, f"DOUBLE-PULSING: {_doubles(train)}", edges)


def _bouncing(train: PulseTrain) -> _Word | None:
    if not train.doubled:
        return None
    do = "look at the plugs and the cable; a run leaves such pulses out, and counts them"
    return _Word("bouncing", Verdict.WARN, f"BOUNCING: {_doubles(train)}", do)


def _doubles(train: PulseTrain) -> str:
    return f"{train.doubled} of {train.count} pulses came within {train.gap_s * 1000:.0f} ms of another"


def _too_few(train: PulseTrain, heard: Heard) -> _Word | None:
    if train.counted >= FEWEST and train.line is not None:
        return None
    return _Word(
        "too few",
        Verdict.WARN,
        f"TOO FEW: {train.count} pulses in {heard.listened_s:.0f} s say nothing about their rhythm",
        "let the sequence run while the doctor listens, or give --listen more seconds",
    )


def _wrong_tr(train: PulseTrain, tr_s: float | None) -> _Word | None:
    line = train.line
    if tr_s is None or line is None:
        return None
    if not line.tr_differs(tr_s):
        return None
    ratio = line.tr_s / tr_s
    why = ""
    if ratio > 1.5 and abs(ratio - round(ratio)) < 0.02:
        why = f": one pulse for {round(ratio)} volumes"
    elif ratio < 0.75 and abs(1 / ratio - round(1 / ratio)) < 0.02:
        why = f": {round(1 / ratio)} pulses for each volume, as for slices"
    return _Word(
        "wrong TR",
        Verdict.FAIL,
        f"WRONG TR: a pulse each {line.tr_s:.4f} ± {line.tr_error_s:.4f} s, "
        f"and {tr_s:g} s was asked for{why}",
        "is it the right sequence? Change its TR, its pulses to one for each volume, or 'tr_s' in"
        " the protocol",
    )


def _irregular(train: PulseTrain) -> _Word | None:
    wrong, total = train.missed + train.extra, train.counted + train.missed
    if not wrong:
        return None
    return _Word(
        "irregular",
        Verdict.FAIL if wrong > MANY * total else Verdict.WARN,
        f"IRREGULAR: {train.missed} missed and {train.extra} extra among {total} pulses",
        "look at the cable and the length of the box's pulse (10 ms or more)",
    )


def _late(train: PulseTrain) -> _Word | None:
    if not train.late or train.line is None:
        return None
    return _Word(
        "late stamps",
        Verdict.WARN,
        f"LATE STAMPS: {train.late} of {train.count} pulses were stamped up to"
        f" {train.line.worst_s * 1000:.0f} ms late: this computer was late, not the scanner",
        "end what else runs on this computer; a run counts such pulses, and says that it is not sure of"
        " them",
    )


def _strangers_too(train: PulseTrain, heard: Heard) -> _Word | None:
    if not heard.strangers:
        return None
    return _Word(
        "strangers too",
        Verdict.WARN,
        f"{train.count} pulses, and beside them {listed(heard.strangers)}",
        "see what else sends there; a run does not count it as pulses",
    )


def _healthy(train: PulseTrain, tr_s: float | None) -> _Word:
    assert train.line is not None  # noqa: S101  seen to by _too_few
    asked = "give --tr or --protocol to compare it" if tr_s is None else f"as asked, {tr_s:g} s"
    seen = f"HEALTHY: {train.count} pulses, one each {train.line.tr_s:.4f} s ({asked})"
    return _Word("healthy", Verdict.OK, seen)


def _where(scanner: ScannerRig) -> str:
    return {
        "serial": f"'port: {scanner.port}', 'byte' and 'baud'",
        "keyboard": f"'key: {scanner.trigger_key}'",
        "modem_line": f"'port: {scanner.port}', 'line: {scanner.line}' and 'edge'",
        "parallel": f"'port: {scanner.port}', 'pin: {scanner.pin}' and 'edge'",
        "lsl": f"'stream: {scanner.stream}' and 'marker'",
    }[scanner.trigger]
