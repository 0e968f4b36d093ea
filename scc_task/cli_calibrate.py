"""The command ``calibrate``: find the pressure that this person rates at the target, and keep it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from scc_task.errors import ExitCode, UsageInvalid
from scc_task.terminal import console

if TYPE_CHECKING:  # imported where needed: the quick commands stay quick
    from hardware.clock import Clock
    from scc_task.calibration_close import Settled
    from scc_task.documents import Document, Subscriber
    from scc_task.ports import Course
    from scc_task.prepare_calibration import PreparedCalibration
    from scc_task.wiring import Outcome as RunOutcome

ROOT: Final = Path(__file__).parents[1]


def calibrate(
    subject: Annotated[str, typer.Option("--subject", help="participant's label, e.g. 01")],
    session: Annotated[str, typer.Option("--session", help="session's label, e.g. pre")],
    protocol: Annotated[Path, typer.Argument(help="the calibration protocol")] = ROOT
    / "protocols"
    / "calibration.yaml",
    rig: Annotated[Path, typer.Option("--rig", help="what is connected in this room")] = ROOT
    / "rigs"
    / "simulated.yaml",
    data: Annotated[Path, typer.Option("--data", help="the dataset's folder")] = Path("data"),
    by: Annotated[
        str | None, typer.Option("--by", help="who accepts the result; asked for if not given")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="go on where this session's calibration was interrupted"),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="only see whether the stored pressure still holds, e.g. in the scanner"
        ),
    ] = False,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="only decide on a calibration that came to its end before"),
    ] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="everything emulated, on a virtual clock: seconds")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="of random orders")] = None,
    windowed: Annotated[bool, typer.Option("--windowed", help="not full screen")] = False,
    screen: Annotated[int | None, typer.Option("--screen", min=0, help="which screen")] = None,
) -> int:
    """Find the pressure that this participant rates at the target, and keep it once it is accepted."""
    from hardware.clock import RealClock
    from scc_task.accept_calibration import decide_later
    from scc_task.calibration.course import CalibrationCourse
    from scc_task.calibration.review import offer_of
    from scc_task.calibration.store import acceptance
    from scc_task.calibration_close import ACCEPT, Closing, ask_at
    from scc_task.console_calibration import CalibrationTable
    from scc_task.overrides import confirm
    from scc_task.prepare_calibration import CalibrationRequest, prepare_calibration
    from scc_task.wiring import run_real, run_virtual

    out = console()
    if by is not None:
        acceptance(by, None, RealClock().wall())  # before anybody was pressed in vain
    prepared = prepare_calibration(
        CalibrationRequest(
            protocol=protocol,
            rig=rig,
            subject=subject,
            session=session,
            data=data,
            seed=seed,
            resume=resume,
            emulate=simulate,
            check=check,
            accept=accept,
        )
    )
    model, run = prepared.protocol.model, prepared.run
    simulated = "  SIMULATED: no real cuff" if run.rig.simulated else ""
    out.print(f"{run.name.stem}  rig {run.rig.name}{simulated}", soft_wrap=True)
    stops = " or ".join(run.rig.responses.keys("stop")) or "the grip"
    what = (
        f"{model.procedure}, target {model.target:g}, at most {model.safety.inflations} inflations"
    )
    if prepared.checks is not None:
        what = f"checks rating {model.target:g} of {prepared.checks.source}"
    out.print(
        f"  {what}; the participant stops with {stops}, you with Esc",
        soft_wrap=True,
    )
    closing = Closing(
        prepared,
        out,
        ask=(lambda question: ACCEPT) if simulate else ask_at(out),
        by="emulated operator" if simulate else by,
    )
    for note in prepared.notes:
        out.print(f"  {note}", style="bold", markup=False, soft_wrap=True)
    if accept:
        file = decide_later(prepared, closing)
        if file is not None:
            out.print(f"Kept: {file}", soft_wrap=True)
        return ExitCode.DONE if file is not None else ExitCode.STOPPED_SAFELY
    if run.resumes is not None:
        out.print(f"  goes on after {run.resumes.stem}")
    with CalibrationTable(out, notes=simulate) as table:

        def make_course(publish: "Subscriber", clock: "Clock") -> "tuple[Course, Subscriber]":
            course = CalibrationCourse(
                prepared.procedure,
                model,
                run.plan,
                gap_s=run.plan.limits.gap_s,
                trials=prepared.trials,
                publish=publish,
                now_s=clock.now_s,
                review=None
                if check
                else lambda finished: offer_of(
                    *(model, prepared.procedure, finished), measured=closing.measured()
                ),
            )
            closing.follow(course, publish, clock.now_s, table.close)

            def observe(document: "Document") -> None:
                course.observe(document)
                table.observe(document)
                closing.observe(document)

            return course, observe

        if simulate:
            outcome = run_virtual(
                run, on_stop=lambda stop: None, make_course=make_course, talk=closing
            )
        else:
            overrides = confirm(run.overrides, out.input)
            outcome = run_real(
                run,
                console=out,
                on_stop=lambda stop: None,
                windowed=windowed,
                screen_number=screen,
                answers=run.rig.responses.answers,
                overrides=overrides,
                make_course=make_course,
                talk=closing,
            )
    return _conclude(out, prepared, outcome, closing.settled)


def _conclude(
    out: Console, prepared: "PreparedCalibration", outcome: "RunOutcome", settled: "Settled"
) -> int:
    """Keep what was accepted; say where everything is."""
    from scc_task.calibration.check import Held
    from scc_task.calibration.stopped import what_now

    stop = outcome.stop
    out.print(f"  journal: {outcome.journal}", soft_wrap=True)
    if outcome.problem is not None:
        out.print(
            f"  {outcome.problem}\n  do: run_task.py recover {prepared.run.data}", soft_wrap=True
        )
    if outcome.lost is not None:
        out.print(str(outcome.lost), soft_wrap=True)
        return ExitCode.RECORDING_LOST
    if settled.result is None and settled.checked is None:
        do = what_now(stop.reason, check=prepared.checks is not None, command=prepared.command)
        out.print(f"{stop.reason}: {stop.detail}\n  do: {do}", soft_wrap=True)
        vented = stop.vent_confirmed is not False
        return ExitCode.STOPPED_SAFELY if vented else ExitCode.HARDWARE_UNAVAILABLE
    if settled.checked is not None and settled.checked.held is Held.HOLDS:
        return ExitCode.DONE
    if not settled.accepted:
        return ExitCode.STOPPED_SAFELY
    out.print(f"Kept: {_keep(prepared, outcome, settled)}", soft_wrap=True)
    return ExitCode.DONE


def _keep(prepared: "PreparedCalibration", outcome: "RunOutcome", settled: "Settled") -> str:
    """Store what was accepted; return its file."""
    from scc_task.accept_calibration import keep
    from scc_task.calibration.store import device_of

    if outcome.identity is None:
        raise UsageInvalid("there was no cuff", where="calibrate", do="calibrate with a cuff")
    rig = prepared.run.rig
    return keep(
        prepared,
        settled,
        journal=outcome.journal,
        device=device_of(outcome.identity, rig.cuff.driver),
        simulated=rig.simulated or outcome.identity.simulated,
        before=prepared.earlier.runs if prepared.earlier is not None else (),
    )
