"""The command line: small commands, exit codes with a meaning, no traceback for a user's mistake."""

import enum
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from hardware.errors import ExplainedError, HardwareUnavailable, LimitExceeded, LinkLost
from hardware.states import StopReason
from scc_task import (
    cli_calibrate,
    cli_calibration,
    cli_calibrations,
    cli_doctor,
    cli_emulate,
    cli_protocols,
    cli_recover,
    cli_stop,
)
from scc_task.cli_options import (
    SIMULATED,
    CalibrationOption,
    DataOption,
    ProtocolFile,
    RigOption,
    RunOption,
    SeedOption,
    SessionOption,
    SubjectOption,
)
from scc_task.errors import (
    ExitCode,
    FilesInvalid,
    RecordingLost,
    UsageInvalid,
    WindowUnavailable,
)
from scc_task.terminal import console

if TYPE_CHECKING:  # imported where needed: the quick commands stay quick
    from scc_task.documents import Stop
    from scc_task.prepare import Prepared
    from scc_task.wiring import Outcome

INTERRUPTED_BY_TYPER: Final = 130
"""What typer returns for Ctrl-C, instead of raising."""

app = typer.Typer(
    help="The self-compassion cuff task. Start with: run_task.py check protocols/scc.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Answers(enum.StrEnum):
    """Who answers."""

    KEYBOARD = "keyboard"
    EMULATED = "emulated"


# typer may bring its own copy of click: take the base class of usage errors from what it shows
_USAGE_ERRORS: Final[Any] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def main() -> int:
    """Run a command and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a sign must not end a run
    try:
        code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):  # typer turns the one into the other
        console(stderr=True).print("Stopped by Ctrl-C, outside of a run.")
        return ExitCode.STOPPED_SAFELY
    except _USAGE_ERRORS as error:
        error.show()
        return ExitCode.BAD_USAGE
    except ExplainedError as error:
        console(stderr=True).print(Text(str(error)), soft_wrap=True)
        return _exit_code(error)
    except Exception:  # noqa: BLE001  the last place: say that it is our fault
        console(stderr=True).print(Text(traceback.format_exc()), soft_wrap=True)
        console(stderr=True).print(
            "This is an error in the program, not in your files. Recorded data are kept:\n"
            "  do: run_task.py recover DATA, and report the lines above"
        )
        return ExitCode.PROGRAM_ERROR
    if code == INTERRUPTED_BY_TYPER:
        console(stderr=True).print("Stopped by Ctrl-C before the run began; nothing was inflated.")
        return ExitCode.STOPPED_SAFELY
    return int(code or 0)


def _exit_code(error: ExplainedError) -> ExitCode:
    if isinstance(error, FilesInvalid | LimitExceeded):
        return ExitCode.INVALID_FILE
    if isinstance(error, HardwareUnavailable | LinkLost | WindowUnavailable):
        return ExitCode.HARDWARE_UNAVAILABLE
    if isinstance(error, RecordingLost):
        return ExitCode.RECORDING_LOST
    if isinstance(error, UsageInvalid):
        return ExitCode.BAD_USAGE
    return ExitCode.PROGRAM_ERROR


def _run_number(text: str) -> int | None:
    if text == "next":
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise UsageInvalid(
        f"{text!r} is not a run number", where="--run", do="give 1, 2, 3 ... or 'next'"
    )


@app.command()
def run(
    protocol: ProtocolFile,
    subject: SubjectOption,
    session: SessionOption,
    run: RunOption,
    rig: RigOption = SIMULATED,
    data: DataOption = Path("data"),
    seed: SeedOption = None,
    calibration: CalibrationOption = None,
    windowed: Annotated[bool, typer.Option("--windowed", help="not full screen")] = False,
    screen: Annotated[int | None, typer.Option("--screen", min=0, help="which screen")] = None,
    answers: Annotated[
        Answers | None, typer.Option("--answers", help="who answers; as the rig says if not given")
    ] = None,
) -> int:
    """Run a protocol: real window, real clock, the devices that the rig names."""
    from scc_task.overrides import confirm
    from scc_task.prepare import RunRequest, prepare
    from scc_task.present.display import display_answers
    from scc_task.wiring import run_real

    number = _run_number(run)
    prepared = prepare(
        RunRequest(protocol, rig, calibration, subject, session, number, data=data, seed=seed)
    )
    emulated = prepared.rig.responses.answers == "emulated"
    who = answers or (Answers.EMULATED if emulated else Answers.KEYBOARD)
    if who is Answers.EMULATED and not prepared.rig.simulated:
        raise UsageInvalid(
            "made-up answers do not go with a real cuff",
            where="--answers",
            do="leave it out, or use a simulated rig",
        )
    out = console()
    _announce(out, prepared)
    overrides = confirm(prepared.overrides, out.input)
    outcome = run_real(
        prepared,
        console=out,
        on_stop=lambda stop: _say_stop(out, prepared, stop),
        windowed=windowed,
        screen_number=screen,
        answers=who,
        overrides=overrides,
    )
    code = _conclude(out, prepared, outcome)
    if not display_answers():
        # libraries that tidy up at the end would wait for ever on a display that died
        out.file.flush()
        os._exit(code)
    return code


@app.command()
def simulate(
    protocol: ProtocolFile,
    subject: SubjectOption = "01",
    session: SessionOption = "pre",
    run: RunOption = "next",
    rig: RigOption = SIMULATED,
    data: DataOption = Path("data"),
    seed: SeedOption = None,
    calibration: CalibrationOption = None,
) -> int:
    """Make the same run on a virtual clock, everything emulated, no window: seconds, not minutes."""
    from scc_task.prepare import RunRequest, prepare
    from scc_task.wiring import run_virtual

    number = _run_number(run)
    request = RunRequest(
        *(protocol, rig, calibration, subject, session, number), data=data, seed=seed, emulate=True
    )
    prepared = prepare(request)
    out = console()
    _warn(out, prepared)
    outcome = run_virtual(prepared, on_stop=lambda stop: _say_stop(out, prepared, stop))
    return _conclude(out, prepared, outcome)


def _announce(out: Console, prepared: "Prepared") -> None:
    from hardware.cuff import limitations
    from hardware.registry import DRIVERS
    from scc_task.hands_open import grip_words

    plan, name = prepared.plan, prepared.name
    simulated = "  SIMULATED: no real cuff" if prepared.rig.simulated else ""
    out.print(f"{name.stem}  rig {prepared.rig.name}{simulated}", soft_wrap=True)
    out.print(
        f"  {plan.length_s:g} s, {len(plan.inflations)} inflations, seed {plan.seed},"
        f" plan {plan.digest()[:12]}"
    )
    responses = prepared.rig.responses
    out.print(f"  grip: {grip_words(responses, emulated=responses.answers == 'emulated')}")
    for pressure in plan.pressures:
        out.print(f"  {pressure.name}: {pressure.mmhg:g} mmHg, from {pressure.source}")
    capabilities = DRIVERS[prepared.rig.cuff.driver].capabilities
    for sentence in limitations(capabilities) if plan.inflations else ():
        out.print(f"  CUFF: {sentence}", soft_wrap=True)
    _warn(out, prepared)


def _warn(out: Console, prepared: "Prepared") -> None:
    """Say what the operator should know before it begins."""
    for words in prepared.warnings:
        out.print(f"  STOPPED BEFORE: {words}", style="bold", markup=False, soft_wrap=True)


def _say_stop(out: Console, prepared: "Prepared", stop: "Stop") -> None:
    """Say how the run ended and what to do, before anything else takes time."""
    if stop.vent_confirmed is False:
        out.print(
            "THE CUFF WAS NOT SEEN TO EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW.",
            style="bold white on red",
        )
    if stop.vent_confirmed is None and prepared.plan.inflations:
        out.print(
            "NOBODY MEASURES WHETHER THE CUFF IS EMPTY: LOOK AT ITS GAUGE NOW.",
            style="bold white on red",
        )
    out.print(f"{prepared.name.stem}: {stop.reason} - {stop.detail}", soft_wrap=True)
    for note in stop.notes:
        if note not in stop.detail:
            out.print(f"  note: {note}", soft_wrap=True)


def _conclude(out: Console, prepared: "Prepared", outcome: "Outcome") -> int:
    """Say where the data are and what is wrong with them; return the exit code."""
    reason = StopReason(outcome.stop.reason)
    for words in outcome.dataset.pulses if outcome.dataset is not None else ():
        out.print(f"  scanner: {words}", soft_wrap=True)
    for note in outcome.dataset.notes if outcome.dataset is not None else ():
        out.print(f"  data: {note}", soft_wrap=True)
    if outcome.lost is not None:
        out.print(str(outcome.lost), soft_wrap=True)
    elif outcome.problem is not None:
        out.print(f"  {outcome.problem}\n  do: run_task.py recover {prepared.data}", soft_wrap=True)
    out.print(f"  journal: {outcome.journal}", soft_wrap=True)
    if outcome.dataset is not None:
        out.print(f"  dataset: {prepared.data}", soft_wrap=True)
    if outcome.lost is not None or reason is StopReason.RECORDING_LOST:
        return ExitCode.RECORDING_LOST
    if reason is StopReason.PROGRAM_ERROR:
        return ExitCode.PROGRAM_ERROR
    if outcome.stop.vent_confirmed is False:
        return ExitCode.HARDWARE_UNAVAILABLE
    return ExitCode.DONE if reason is StopReason.COMPLETED else ExitCode.STOPPED_SAFELY


app.command("calibrate")(cli_calibrate.calibrate)
app.command("calibrations", help="List the calibrations that are stored, and which of them hold.")(
    cli_calibrations.main
)
app.command("stop", help="Vent every cuff now, past a hung window; says when it is empty.")(
    cli_stop.main
)
app.command()(cli_recover.recover)
app.command()(cli_doctor.doctor)
app.command()(cli_protocols.check)
app.command()(cli_protocols.preview)
app.command()(cli_protocols.schema)
app.command()(cli_calibration.simulate_calibration)
app.add_typer(cli_emulate.app, name="emulate")
