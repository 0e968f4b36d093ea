"""The command ``doctor``: is the cuff fit for a scan day? Nothing inflates without a typed yes."""

import contextlib
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from scc_task.errors import ExitCode, UsageInvalid
from scc_task.terminal import console

if TYPE_CHECKING:  # imported where needed: the quick commands stay quick
    from scc_task.cli_doctor_scanner import Wish
    from scc_task.doctor.examination import Examination
    from scc_task.doctor.results import Result
    from scc_task.doctor.store import Record
    from scc_task.protocol.load import Loaded
    from scc_task.protocol.rig import Rig

SIMULATED: Final = Path(__file__).parents[1] / "rigs" / "simulated.yaml"
LISTEN: Final = (
    "SCANNER: is somebody there who can start a sequence?"
    "\n  Type yes to listen to its pulses, anything else to leave this out:"
)
PULL: Final = "THE CUFF WAS NOT SEEN TO EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW."


def doctor(
    rig: Annotated[Path, typer.Option("--rig", help="what is connected in this room")] = SIMULATED,
    skip_button: Annotated[
        bool, typer.Option("--skip-button", help="do not ask for the participant's stop")
    ] = False,
    faults: Annotated[
        Path | None, typer.Option("--faults", help="fault script for an emulated cuff")
    ] = None,
    scanner: Annotated[
        bool, typer.Option("--scanner", help="only listen to the scanner; leave the cuff alone")
    ] = False,
    markers: Annotated[
        bool, typer.Option("--markers", help="only send each marker once; leave the cuff alone")
    ] = False,
    buttons: Annotated[
        bool, typer.Option("--buttons", help="only try a serial button box; leave the cuff alone")
    ] = False,
    tr: Annotated[
        float | None, typer.Option("--tr", min=0.01, max=60, help="the TR to compare with, seconds")
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option("--protocol", help="take the TR from this protocol")
    ] = None,
    pulses: Annotated[
        int, typer.Option("--pulses", min=5, max=10000, help="listen for so many pulses")
    ] = 20,
    listen: Annotated[
        float, typer.Option("--listen", min=1, max=3600, help="listen so many seconds at most")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts: one JSON object")] = False,
) -> int:
    """Check the cuff and the scanner's pulses. Pressure only after a typed yes, the cuff on nobody."""
    from scc_task.cli_doctor_scanner import wish_of
    from scc_task.protocol.load import load_faults, load_rig

    loaded = load_rig(rig)
    wish = wish_of(tr_s=tr, protocol=protocol, pulses=pulses, for_s=listen)
    if faults is not None and not loaded.model.simulated:
        raise UsageInvalid(
            "a fault script is for an emulated cuff, and this rig has a real one",
            where="--faults",
            do="leave it out, or use a rig with 'port: emulated'",
        )
    if faults is not None:
        load_faults(faults)  # its mistakes are shown here, not in the emulator
    # what a script reads stays clean: people are talked to on the other stream
    out = console(stderr=as_json)
    with ExitStack() as stack:
        if markers:
            stack.enter_context(_interrupted_once())
            return _markers_alone(loaded, out, as_json=as_json)
        if buttons:
            from scc_task.cli_doctor_buttons import buttons_alone

            stack.enter_context(_interrupted_once())
            return buttons_alone(loaded.model, out, for_s=listen, as_json=as_json)
        if scanner:
            stack.enter_context(_interrupted_once())
            return _scanner_alone(loaded, wish, out, as_json=as_json)
        address_port = _port(stack, loaded.model, faults)
        stack.enter_context(_interrupted_once())
        return _examine(loaded, address_port, out, skip_button, faults, wish, as_json=as_json)


def _scanner_alone(loaded: "Loaded[Rig]", wish: "Wish", out: Console, *, as_json: bool) -> int:
    """Listen to the scanner and touch nothing else."""
    from hardware.clock import RealClock
    from scc_task.cli_doctor_scanner import listen_to_scanner
    from scc_task.doctor.store import make_record

    clock = RealClock()
    out.print(f"doctor  rig {loaded.model.name}  {clock.wall():%Y-%m-%d %H:%M} UTC  scanner only")
    try:
        results = listen_to_scanner(loaded.model.scanner, wish, out)
    except KeyboardInterrupt:
        out.print("\nStopped by Ctrl-C. No results were kept.")
        return ExitCode.STOPPED_SAFELY
    record = make_record(
        loaded, clock, None, results, under_pressure=False, faults=None, scanner_alone=True
    )
    return _put_down(loaded, record, out, good=not record["failed"], as_json=as_json)


def _markers_alone(loaded: "Loaded[Rig]", out: Console, *, as_json: bool) -> int:
    """Send the markers and touch nothing else; what came is for a person to compare, so nothing is kept."""
    from hardware.clock import RealClock
    from scc_task.doctor.markers import as_json_object, try_markers
    from scc_task.doctor.report import row
    from scc_task.doctor.results import Verdict

    results = []
    out.print(f"doctor  rig {loaded.model.name}  markers only: look at the recorder")
    try:
        for result in try_markers(loaded.model, RealClock(), lambda words: out.print(f"  {words}")):
            results.append(result)
            out.print(row(result))
    except KeyboardInterrupt:
        out.print("\nStopped by Ctrl-C.")
        return ExitCode.STOPPED_SAFELY
    if as_json:
        console().print(json.dumps(as_json_object(results), indent=2), soft_wrap=True)
    good = all(result.verdict is not Verdict.FAIL for result in results)
    return ExitCode.DONE if good else ExitCode.HARDWARE_UNAVAILABLE


def _port(stack: ExitStack, rig: "Rig", faults: Path | None) -> str:
    """Return the cuff's port, starting the emulated cuff where the rig has one."""
    if not rig.simulated:
        return rig.cuff.port
    from scc_task.emulated import EmulatorProcess, emulator_of

    script = ("--faults", str(faults)) if faults is not None else ()
    process = EmulatorProcess(*emulator_of(rig.cuff), *script)
    stack.callback(process.close)
    return process.port


def _examine(
    loaded: "Loaded[Rig]",
    port: str,
    out: Console,
    skip_button: bool,
    faults: Path | None,
    wish: "Wish",
    *,
    as_json: bool,
) -> int:
    from hardware.clock import RealClock
    from scc_task.address import address_of
    from scc_task.cli_doctor_scanner import listen_to_scanner
    from scc_task.doctor.answers import TypedAnswers
    from scc_task.doctor.examination import Examination
    from scc_task.doctor.questions import yes
    from scc_task.doctor.report import conclusion, row

    rig, clock = loaded.model, RealClock()
    out.print(f"doctor  rig {rig.name}  {clock.wall():%Y-%m-%d %H:%M} UTC")
    if rig.simulated:
        out.print("EMULATED: this proves nothing about a real cuff and its hose.")
    out.print("Take the cuff off everybody first: a device may test itself with a faint puff.")
    answers = TypedAnswers(out)
    examination = Examination(
        rig,
        address_of(rig.cuff, port),
        clock,
        answers,
        say=lambda words: out.print(f"        {words}", style="bold", soft_wrap=True),
        skip_button=skip_button,
    )
    results: list[Result] = []
    try:
        for result in examination.results():
            results.append(result)
            out.print(row(result))
    except KeyboardInterrupt:
        return _interrupted(out, examination)
    if examination.left_full:
        out.print(PULL, style="bold white on red")
    out.print(conclusion(results, under_pressure=examination.inflated), style="bold")
    pulses: list[Result] | None = None
    with contextlib.suppress(
        KeyboardInterrupt
    ):  # what was found about the cuff is kept all the same
        if not examination.left_full and yes(answers, LISTEN):
            pulses = listen_to_scanner(rig.scanner, wish, out)
    return _keep(loaded, examination, results, pulses, out, faults, as_json=as_json)


def _keep(
    loaded: "Loaded[Rig]",
    examination: "Examination",
    results: "list[Result]",
    pulses: "list[Result] | None",
    out: Console,
    faults: Path | None,
    *,
    as_json: bool,
) -> int:
    """Keep the results and return the exit code."""
    from hardware.clock import RealClock
    from scc_task.doctor.results import Verdict
    from scc_task.doctor.scanner import as_record
    from scc_task.doctor.store import make_record

    record = make_record(
        loaded,
        RealClock(),
        examination.identity,
        results,
        under_pressure=examination.inflated,
        faults=None if faults is None else faults.read_text("utf-8"),
        scanner=None if pulses is None else as_record(pulses),
    )
    everything = [*results, *(pulses or [])]
    good = all(result.verdict is not Verdict.FAIL for result in everything)
    return _put_down(loaded, record, out, good=good, as_json=as_json)


def _put_down(
    loaded: "Loaded[Rig]", record: "Record", out: Console, *, good: bool, as_json: bool
) -> int:
    from scc_task.doctor.store import append_record, store_path

    if as_json:
        console().print(json.dumps(record, ensure_ascii=False, indent=2), soft_wrap=True)
    path = store_path(Path(loaded.file))
    append_record(path, record)
    out.print(f"  kept in {path}", soft_wrap=True)
    return ExitCode.DONE if good else ExitCode.HARDWARE_UNAVAILABLE


def _interrupted(out: Console, examination: "Examination") -> int:
    """Say how the cuff was left."""
    if examination.left_full:
        out.print(f"\nStopped by Ctrl-C. {PULL}", style="bold white on red")
        return ExitCode.HARDWARE_UNAVAILABLE
    if not examination.inflated:
        out.print("\nStopped by Ctrl-C; nothing was inflated. No results were kept.")
    elif examination.cuff is not None and examination.cuff.emptied:
        out.print("\nStopped by Ctrl-C; the cuff was vented and is empty. No results were kept.")
    else:
        out.print("\nStopped by Ctrl-C; the cuff was vented. LOOK AT THE GAUGE: is it empty?")
    return ExitCode.STOPPED_SAFELY


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """Let Ctrl-C, or the wish to end us, interrupt once: an impatient second one must not cost the vent."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
