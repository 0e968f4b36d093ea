"""The command ``calibrate``: find the pressure that this person rates at the target, and keep it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from scc_task.errors import ExitCode, UsageInvalid
from scc_task.terminal import console

if TYPE_CHECKING:  # imported where needed: the quick commands stay quick
    from hardware.clock import Clock
    from scc_task.calibration.estimate import Result
    from scc_task.calibration.talk import Finished
    from scc_task.documents import Document, Subscriber
    from scc_task.ports import Course
    from scc_task.prepare_calibration import PreparedCalibration
    from scc_task.wiring import Outcome as RunOutcome

ROOT: Final = Path(__file__).parents[1]
ACCEPT: Final = "accept"


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
    simulate: Annotated[
        bool, typer.Option("--simulate", help="everything emulated, on a virtual clock: seconds")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="of random orders")] = None,
    windowed: Annotated[bool, typer.Option("--windowed", help="not full screen")] = False,
    screen: Annotated[int | None, typer.Option("--screen", min=0, help="which screen")] = None,
) -> int:
    """Find the pressure that this participant rates at the target, and keep it once it is accepted."""
    from scc_task.calibration.course import CalibrationCourse
    from scc_task.console_calibration import CalibrationTable
    from scc_task.overrides import confirm
    from scc_task.prepare_calibration import CalibrationRequest, prepare_calibration
    from scc_task.wiring import run_real, run_virtual

    out = console()
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
        )
    )
    model, run = prepared.protocol.model, prepared.run
    simulated = "  SIMULATED: no real cuff" if run.rig.simulated else ""
    out.print(f"{run.name.stem}  rig {run.rig.name}{simulated}", soft_wrap=True)
    out.print(
        f"  {model.procedure}, target {model.target:g}, at most {model.safety.inflations} inflations; "
        f"the participant stops with {run.rig.responses.stop[0]}, you with Esc",
        soft_wrap=True,
    )
    if run.resumes is not None:
        out.print(f"  goes on after {run.resumes.stem}")
    courses: list[CalibrationCourse] = []
    with CalibrationTable(out) as table:

        def make_course(publish: "Subscriber", clock: "Clock") -> "tuple[Course, Subscriber]":
            course = CalibrationCourse(
                prepared.procedure,
                model,
                run.plan,
                gap_s=run.plan.limits.gap_s,
                warm_up_mmhg=prepared.warm_up_mmhg,
                publish=publish,
                now_s=clock.now_s,
            )
            courses.append(course)

            def observe(document: "Document") -> None:
                course.observe(document)
                table.observe(document)

            return course, observe

        if simulate:
            outcome = run_virtual(run, on_stop=lambda stop: None, make_course=make_course)
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
            )
    if simulate:
        by = "emulated operator"
    return _conclude(out, prepared, outcome, courses[0].finished, by=by, sure=simulate)


def _conclude(
    out: Console,
    prepared: "PreparedCalibration",
    outcome: "RunOutcome",
    finished: "Finished | None",
    *,
    by: str | None,
    sure: bool,
) -> int:
    """Say what was found, and keep it if somebody accepts it."""
    from scc_task.calibration.estimate import conclude
    from scc_task.calibration.plot import plot
    from scc_task.calibration.verdict import verdict_line

    stop = outcome.stop
    if stop.vent_confirmed is False:
        out.print(
            "THE CUFF WAS NOT SEEN TO EMPTY: DISCONNECT THE HOSE FROM THE CUFF NOW.",
            style="bold white on red",
        )
    out.print(f"  journal: {outcome.journal}", soft_wrap=True)
    if outcome.problem is not None:
        out.print(
            f"  {outcome.problem}\n  do: run_task.py recover {prepared.run.data}", soft_wrap=True
        )
    if outcome.lost is not None:
        out.print(str(outcome.lost), soft_wrap=True)
        return ExitCode.RECORDING_LOST
    if finished is None:
        out.print(
            f"{stop.reason}: {stop.detail}\n  do: run_task.py calibrate --resume with the same options "
            "goes on after the last rated inflation",
            soft_wrap=True,
        )
        vented = stop.vent_confirmed is not False
        return ExitCode.STOPPED_SAFELY if vented else ExitCode.HARDWARE_UNAVAILABLE
    model, outcomes = prepared.protocol.model, prepared.procedure.outcomes
    result = conclude(model, outcomes, finished)
    out.print(verdict_line(model, outcomes, result), style="bold", soft_wrap=True)
    for target in result.targets:
        shown = "-" if target.mmhg is None else f"{target.mmhg:g} mmHg"
        out.print(
            f"  P{target.rating:g}: {shown}  ({target.low_mmhg:.0f} to {target.high_mmhg:.0f})"
        )
    path = prepared.run.name.calibration_plot(prepared.run.data)
    try:
        simulated = "SIMULATED  " if prepared.run.rig.simulated else ""
        plot(path, model, outcomes, result, heading=f"{simulated}{prepared.run.name.stem}")
        out.print(f"  plot: {path}", soft_wrap=True)
    except OSError as error:
        out.print(f"  the plot could not be written: {error}", soft_wrap=True)
    if not result.accepted:
        for refusal in result.refusals:
            out.print(f"REFUSED: {refusal.what}\n  do: {refusal.do}", style="bold", soft_wrap=True)
        return ExitCode.STOPPED_SAFELY
    try:
        typed = ACCEPT if sure else out.input(f"Type {ACCEPT} to keep it, anything else not to: ")
        who = by or out.input("Who accepts it (name or initials)? ")
    except EOFError:
        typed, who = "", ""
    if typed.strip() != ACCEPT or not who.strip():
        out.print("Not kept: it was not accepted. The journal has everything.")
        return ExitCode.STOPPED_SAFELY
    stored = _keep(prepared, outcome, result, who.strip())
    out.print(f"Kept: {stored}", soft_wrap=True)
    return ExitCode.DONE


def _keep(
    prepared: "PreparedCalibration", outcome: "RunOutcome", result: "Result", who: str
) -> str:
    from hardware.clock import RealClock
    from scc_task.calibration.estimate import rated
    from scc_task.calibration.store import accept, device_of
    from scc_task.protocol.accepted import NamedFile, Proposal, Target

    run, protocol = prepared.run, prepared.protocol
    if outcome.identity is None:
        raise UsageInvalid("there was no cuff", where="calibrate", do="calibrate with a cuff")
    points = rated(prepared.procedure.outcomes)
    proposal = Proposal(
        subject=run.name.subject,
        session=run.name.session,
        site=run.rig.cuff.site,
        simulated=run.rig.simulated or outcome.identity.simulated,
        targets=tuple(
            Target(
                rating=target.rating,
                mmhg=target.mmhg,
                low_mmhg=min(target.low_mmhg, target.mmhg),
                high_mmhg=max(target.high_mmhg, target.mmhg),
                inflations=len(points),
            )
            for target in result.targets
            if target.mmhg is not None
        ),
        interval_percent=100 * protocol.model.estimate.interval,
        procedure=protocol.model.procedure,
        protocol=NamedFile(name=protocol.model.name, sha256=protocol.sha256),
        rig=NamedFile(name=run.rig.name, sha256=prepared.rig.sha256),
        device=device_of(outcome.identity, run.rig.cuff.driver),
        highest_given_mmhg=max(mmhg for mmhg, _ in points),
    )
    stored = accept(
        run.data,
        proposal,
        journal=outcome.journal,
        by=who,
        comment=None,
        now=RealClock().wall(),
    )
    return stored.file
