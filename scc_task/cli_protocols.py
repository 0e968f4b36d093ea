"""The commands ``check``, ``preview`` and ``schema``: they read protocols, and open no port and no window."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from scc_task.cli_options import (
    ROOT,
    SIMULATED,
    CalibrationOption,
    DataOption,
    JsonOption,
    ProtocolFile,
    RigOption,
    SeedOption,
)
from scc_task.errors import ExitCode, FilesInvalid, UsageInvalid
from scc_task.terminal import console


def check(
    protocols: Annotated[list[Path], typer.Argument(help="protocol files", show_default=False)],
    rig: RigOption = SIMULATED,
    calibration: CalibrationOption = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="look for this one's calibration")
    ] = None,
    session: Annotated[str | None, typer.Option("--session", help="in this session")] = None,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> int:
    """Say whether protocols can be run as written. Opens no port and no window."""
    from hardware.clock import RealClock
    from hardware.registry import DRIVERS
    from scc_task.calibration.find import finder, resolve_of
    from scc_task.dryrun import PlanRefused, dry_run
    from scc_task.plan.compile import compile_plan, unresolved
    from scc_task.protocol.check import check_protocol

    if (subject is None) != (session is None):
        raise UsageInvalid(
            "a stored calibration belongs to a participant and a session",
            where="--subject, --session",
            do="give both, or neither",
        )
    find = None
    if subject is not None and session is not None:
        find = finder(data, subject, session, now=RealClock().wall(), rig_file=rig)
    out = console()
    problems: list[dict[str, object]] = []
    for path in protocols:
        try:
            checked = check_protocol(path, rig, calibration, subject=subject, find=find)
            plan = compile_plan(
                checked.protocol.model,
                checked.texts.model,
                limits=checked.limits,
                seed=0,
                resolve=resolve_of(checked, unresolved),
            )
            able = DRIVERS[checked.rig.model.cuff.driver].capabilities if checked.rig else None
            dose = dry_run(plan, able=able, allow_unresolved=True)
        except FilesInvalid as error:
            problems += [
                {"file": p.file, "line": p.line, "column": p.column, "what": p.what, "do": p.do}
                for p in error.problems
            ]
            if not as_json:
                out.print(Text(str(error)), soft_wrap=True)
        except PlanRefused as error:
            problems.append({"file": str(path), "what": str(error)})
            if not as_json:
                out.print(Text(f"{path}: {error}"), soft_wrap=True)
        else:
            if not as_json:
                volumes = plan.scanner.volumes
                out.print(
                    f"{path}: good. {plan.length_s:g} s in {volumes} volumes,"
                    f" {dose.inflations} inflations, {dose.inflated_s:g} s inflated.",
                    soft_wrap=True,
                )
    if as_json:
        typer.echo(json.dumps({"problems": problems}, ensure_ascii=False, indent=1))
    return ExitCode.INVALID_FILE if problems else ExitCode.DONE


def preview(
    protocol: ProtocolFile,
    rig: RigOption = SIMULATED,
    seed: SeedOption = 0,
    calibration: CalibrationOption = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="emulated participant of a simulated rig")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Print the compiled plan: every step, the dose, the length in seconds and volumes, the digest."""
    from scc_task.dryrun import dry_run
    from scc_task.plan.compile import Resolve, compile_plan, unresolved
    from scc_task.plan.preview import preview as preview_of
    from scc_task.prepare import person_of, pressures_for
    from scc_task.protocol.check import check_protocol

    checked = check_protocol(protocol, rig, calibration, subject=subject)
    resolve: Resolve = unresolved
    if checked.calibration is not None or subject is not None:
        resolve = pressures_for(checked, person_of(subject or ""), subject or "")
    plan = compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=checked.limits,
        seed=seed or 0,
        resolve=resolve,
    )
    dry_run(plan, allow_unresolved=True)
    if as_json:
        text = json.dumps({**plan.as_dict(), "digest": plan.digest()}, ensure_ascii=False, indent=1)
        typer.echo(text)
    else:
        console().print(preview_of(plan))
    return ExitCode.DONE


def schema(
    folder: Annotated[Path, typer.Argument(help="where to write them")] = ROOT
    / "protocols"
    / "schema",
) -> int:
    """Write the JSON schemas of protocol, rig, text and calibration files, for editors."""
    from scc_task.protocol.schema import write_schemas

    for path in write_schemas(folder):
        typer.echo(str(path))
    return ExitCode.DONE
