"""The scanner's part of the command ``doctor``: listen before the run, and say what was heard."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from scc_task.doctor.report import row
from scc_task.doctor.results import Result
from scc_task.doctor.scanner import examine_scanner
from scc_task.doctor.scanner_verdict import conclude
from scc_task.errors import UsageInvalid
from scc_task.protocol.rig_scanner import ScannerRig


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long to listen, and for which TR; ``None``: nobody said."""

    tr_s: float | None
    pulses: int
    for_s: float


def wish_of(*, tr_s: float | None, protocol: Path | None, pulses: int, for_s: float) -> Wish:
    """Return what the command's options ask for; a protocol gives its own TR.

    Raises
    ------
    UsageInvalid
        If the TR is given twice.
    """
    if protocol is None:
        return Wish(tr_s=tr_s, pulses=pulses, for_s=for_s)
    if tr_s is not None:
        raise UsageInvalid(
            "--tr and --protocol both say what the TR should be",
            where="--tr",
            do="leave one of them out",
        )
    from scc_task.protocol.load import load_protocol

    return Wish(tr_s=load_protocol(protocol).model.scanner.tr_s, pulses=pulses, for_s=for_s)


def listen_to_scanner(scanner: ScannerRig, wish: Wish, out: Console) -> list[Result]:
    """Listen, show each pulse as it comes, then the results."""
    from hardware.clock import RealClock

    if scanner.emulated:
        out.print("EMULATED: this proves nothing about a real scanner and its trigger.")
    results = []
    for result in examine_scanner(
        scanner,
        RealClock(),
        tr_s=wish.tr_s,
        pulses=wish.pulses,
        for_s=wish.for_s,
        say=lambda words: out.print(f"        {words}", soft_wrap=True, highlight=False),
    ):
        results.append(result)
        out.print(row(result))
    out.print(conclude(results), style="bold")
    if scanner.trigger_key is not None:
        _forget_typed()
    return results


def _forget_typed() -> None:
    """Forget what a box that types has typed into this terminal: it is nobody's command."""
    if os.name == "posix" and sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
