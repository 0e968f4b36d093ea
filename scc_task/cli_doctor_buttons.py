"""The buttons' part of the command ``doctor``: hold one, press the others, read what the rig should say."""

import dataclasses
import json

from rich.console import Console

from hardware.button_box import ButtonBox
from hardware.clock import RealClock
from hardware.errors import HardwareUnavailable
from hardware.triggers.serial_byte import usb_latency_ms
from scc_task.doctor.buttons import examine_buttons
from scc_task.doctor.report import row
from scc_task.doctor.results import Result, Verdict, failed, skipped
from scc_task.errors import ExitCode
from scc_task.hands_open import SERIAL_BAUD
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_responses import Responses
from scc_task.terminal import console


def buttons_alone(rig: Rig, out: Console, *, for_s: float, as_json: bool) -> int:
    """Listen to the button box and touch nothing else. It is a person who presses, so nothing is kept."""
    out.print(f"doctor  rig {rig.name}  buttons only")
    results: list[Result] = []
    try:
        _examine(rig.responses, out, results, for_s=for_s)
    except KeyboardInterrupt:
        out.print("\nStopped by Ctrl-C.")
        return ExitCode.STOPPED_SAFELY
    if as_json:
        found = {"buttons": [dataclasses.asdict(result) for result in results]}
        console().print(json.dumps(found, indent=2), soft_wrap=True)
    good = all(result.verdict is not Verdict.FAIL for result in results)
    return ExitCode.DONE if good else ExitCode.HARDWARE_UNAVAILABLE


def _examine(responses: Responses, out: Console, results: list[Result], *, for_s: float) -> None:
    def show(result: Result) -> None:
        results.append(result)
        out.print(row(result))

    if responses.port is None:
        why = f"'answers: {responses.answers}' has no port; this is for 'answers: serial'"
        show(skipped("button box", why))
        return
    clock = RealClock()
    try:
        box = ButtonBox(responses.port, baud=responses.baud or SERIAL_BAUD, clock=clock)
    except HardwareUnavailable as error:
        show(failed("port opens", f"{error.what} ({error.where})", error.do))
        return
    try:
        for result in examine_buttons(
            box,
            responses,
            clock,
            adapter=usb_latency_ms(responses.port),
            for_s=for_s,
            say=lambda words: out.print(f"        {words}", style="bold", soft_wrap=True),
        ):
            show(result)
    finally:
        box.close()
