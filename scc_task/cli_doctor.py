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
    from scc_task.doctor.examination import Examination
    from scc_task.doctor.results import Result
    from scc_task.protocol.load import Loaded
    from scc_task.protocol.rig import Rig

SIMULATED: Final = Path(__file__).parents[1] / "rigs" / "simulated.yaml"
PULL: Final = "THE CUFF WAS NOT SEEN TO EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW."


def doctor(
    rig: Annotated[Path, typer.Option("--rig", help="what is connected in this room")] = SIMULATED,
    skip_button: Annotated[
        bool, typer.Option("--skip-button", help="do not ask for the participant's stop")
    ] = False,
    faults: Annotated[
        Path | None, typer.Option("--faults", help="fault script for an emulated cuff")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts: one JSON object")] = False,
) -> int:
    """Check the cuff of a rig. Pressure only after a typed yes, with the cuff on nobody."""
    from scc_task.protocol.load import load_faults, load_rig

    loaded = load_rig(rig)
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
        address_port = _port(stack, loaded.model, faults)
        stack.enter_context(_interrupted_once())
        return _examine(loaded, address_port, out, skip_button, faults, as_json=as_json)


def _port(stack: ExitStack, rig: "Rig", faults: Path | None) -> str:
    """Return the cuff's port, starting the emulated cuff where the rig has one."""
    if not rig.simulated:
        return rig.cuff.port
    from scc_task.emulated import EmulatorProcess

    script = ("--faults", str(faults)) if faults is not None else ()
    process = EmulatorProcess(rig.cuff.driver, *script)
    stack.callback(process.close)
    return process.port


def _examine(
    loaded: "Loaded[Rig]",
    port: str,
    out: Console,
    skip_button: bool,
    faults: Path | None,
    *,
    as_json: bool,
) -> int:
    from hardware.clock import RealClock
    from scc_task.address import address_of
    from scc_task.doctor.answers import TypedAnswers
    from scc_task.doctor.examination import Examination
    from scc_task.doctor.report import conclusion, row

    rig, clock = loaded.model, RealClock()
    out.print(f"doctor  rig {rig.name}  {clock.wall():%Y-%m-%d %H:%M} UTC")
    if rig.simulated:
        out.print("EMULATED: this proves nothing about a real cuff and its hose.")
    out.print("Take the cuff off everybody first: a device may test itself with a faint puff.")
    examination = Examination(
        rig,
        address_of(rig.cuff, port),
        clock,
        TypedAnswers(out),
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
    return _keep(loaded, examination, results, out, faults, as_json=as_json)


def _keep(
    loaded: "Loaded[Rig]",
    examination: "Examination",
    results: "list[Result]",
    out: Console,
    faults: Path | None,
    *,
    as_json: bool,
) -> int:
    """Keep the results and return the exit code."""
    from hardware.clock import RealClock
    from scc_task.doctor.results import Verdict
    from scc_task.doctor.store import append_record, make_record, store_path

    record = make_record(
        loaded,
        RealClock(),
        examination.identity,
        results,
        under_pressure=examination.inflated,
        faults=None if faults is None else faults.read_text("utf-8"),
    )
    if as_json:
        console().print(json.dumps(record, ensure_ascii=False, indent=2), soft_wrap=True)
    path = store_path(Path(loaded.file))
    append_record(path, record)
    out.print(f"  kept in {path}", soft_wrap=True)
    good = all(result.verdict is not Verdict.FAIL for result in results)
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
