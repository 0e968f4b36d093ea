"""Listen to the scanner before the run: each pulse as it comes, then what they are worth."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import HardwareError
from hardware.triggers import PulseListener, checked, open_trigger
from scc_task.address import emulated_trigger, trigger_of
from scc_task.doctor.pulse_train import read_train
from scc_task.doctor.results import Result, Verdict, failed, worst
from scc_task.doctor.scanner_verdict import Heard, judge_pulses, judge_timing, listed
from scc_task.emulated import EmulatorProcess
from scc_task.protocol.rig_scanner import ScannerRig

LOOK_S: Final = 0.01
"""How often the doctor looks; the stamps do not depend on it."""
EMULATED_TR_S: Final = 0.5
"""Of an emulated scanner, where nobody asks for a TR."""
SETTLE_S: Final = 0.2
"""After the last pulse that is waited for: a bounce of it must be heard too."""


def examine_scanner(
    scanner: ScannerRig,
    clock: Clock,
    *,
    tr_s: float | None,
    pulses: int,
    for_s: float,
    say: Callable[[str], None],
) -> Iterator[Result]:
    """Open the rig's trigger, listen, and yield what was found.

    Parameters
    ----------
    tr_s
        What the TR should be; ``None``: nobody said.
    pulses, for_s
        It ends after so many pulses, or after so many seconds.
    say
        Takes a line for each pulse.
    """
    with ExitStack() as stack:
        try:
            source = open_source(stack, scanner, clock, tr_s=tr_s or EMULATED_TR_S, pulses=pulses)
        except HardwareError as error:
            yield failed("trigger opens", f"{error.what} ({error.where})", error.do)
            return
        name = f"{scanner.trigger}, {scanner.source or f'key {scanner.trigger_key}'}"
        yield Result(name="trigger opens", verdict=Verdict.OK, seen=name)
        say(f"listening for {pulses} pulses, {for_s:g} s at most: START THE SEQUENCE NOW")
        heard = listen(source, clock, pulses=pulses, for_s=for_s, say=say)
        stamps = source.stamps()
    yield judge_pulses(heard, scanner, tr_s)
    yield judge_timing(heard, stamps)


def open_source(
    stack: ExitStack, scanner: ScannerRig, clock: Clock, *, tr_s: float, pulses: int
) -> PulseListener:
    """Open the trigger; where the rig has it emulated, start the emulated scanner too.

    Raises
    ------
    HardwareUnavailable
        If it is not there.
    """
    if scanner.trigger_key is not None:
        from scc_task.present.key_pulses import KeyPulses  # needs a display
        from scc_task.present.keys import Keyboard

        typed = KeyPulses(Keyboard(), scanner.trigger_key)
        stack.callback(typed.close)
        return typed
    port, process = scanner.source, None
    if scanner.emulated:
        process = EmulatorProcess(
            *("scanner", *emulated_trigger(scanner), "--tr", str(tr_s)),
            *("--count", str(pulses), "--delay", "0.5"),
        )
        stack.callback(process.close)
        port = process.port
    source = open_trigger(trigger_of(scanner, port), clock)
    stack.callback(source.close)
    if process is not None:
        process.start()
    return source


def listen(
    source: PulseListener,
    clock: Clock,
    *,
    pulses: int,
    for_s: float,
    say: Callable[[str], None],
) -> Heard:
    """Take pulses until there are enough, the time is over, or the source is gone."""
    began_s = now_s = clock.now_s()
    end_s = began_s + for_s
    times_s: list[float] = []
    ages_s: list[float] = []
    doubts: list[str] = []
    strangers: Mapping[str, int] = {}
    enough = False
    source.poll()  # what was waiting has no rhythm
    while now_s < end_s:
        looked_s = now_s
        clock.sleep_until(now_s + LOOK_S)
        now_s = clock.now_s()
        for time_s in source.poll():
            stamp = checked(time_s, looked_s=looked_s, now_s=clock.now_s())
            times_s.append(float(stamp))
            ages_s.append(now_s - stamp)
            doubts += [stamp.doubt] if stamp.doubt else []
            say(line_of(times_s))
        more = source.strangers()
        if more != strangers:
            strangers = more
            say(f"no pulse: {listed(more)}")
        if source.problem() is not None:
            break
        if not enough and max(len(times_s), sum(strangers.values())) >= pulses:
            enough, end_s = True, min(end_s, now_s + SETTLE_S)
    return Heard(
        times_s=sorted(times_s),
        listened_s=now_s - began_s,
        strangers=dict(strangers),
        problem=source.problem(),
        ages_s=ages_s,
        doubt=doubts[0] if doubts else None,
    )


def line_of(times_s: list[float]) -> str:
    """Return the newest pulse, and what all of them show so far, in one line."""
    count = len(times_s)
    if count == 1:
        return "pulse   1"
    train = read_train(times_s)
    shown = f"pulse {count:3d}   +{times_s[-1] - times_s[-2]:.4f} s"
    if train.line is not None:
        shown += f"   TR {train.line.tr_s:.4f} s, jitter {train.line.jitter_s * 1000:.1f} ms"
    return f"{shown}   missed {train.missed}, double {train.doubled}, extra {train.extra}"


def as_record(results: list[Result]) -> dict[str, Any]:
    """Return what is kept of the scanner, beside what is kept of the cuff."""
    return {
        "verdict": str(worst(result.verdict for result in results)),
        "failed": [result.name for result in results if result.verdict is Verdict.FAIL],
        "results": [asdict(result) for result in results],
    }
