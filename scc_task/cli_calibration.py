"""The command ``simulate-calibration``: virtual people go through a procedure; what it costs is printed."""

import enum
from pathlib import Path
from typing import Annotated, Final

import typer

from scc_task.errors import ExitCode
from scc_task.terminal import console

PROTOCOLS: Final = Path(__file__).parents[1] / "protocols"


class Shipped(enum.StrEnum):
    """The procedures that are shipped, each with its file."""

    ASCENT = "ascent"
    THRESHOLD = "threshold"
    STAIRCASE = "staircase"
    REGRESSION = "regression"
    FIXED = "fixed"
    ALL = "all"


def protocol_file(procedure: Shipped) -> Path:
    """Return the shipped protocol of a procedure."""
    name = "calibration" if procedure is Shipped.ASCENT else f"calibration-{procedure}"
    return PROTOCOLS / f"{name}.yaml"


def simulate_calibration(
    participants: Annotated[
        int, typer.Option("--participants", min=1, max=100_000, help="how many virtual people")
    ] = 1000,
    procedure: Annotated[
        Shipped, typer.Option("--procedure", help="a shipped procedure, or all of them")
    ] = Shipped.ASCENT,
    protocol: Annotated[
        Path | None, typer.Option("--protocol", help="your own file instead", show_default=False)
    ] = None,
    mess: Annotated[
        bool,
        typer.Option("--mess", help="habituation, missing answers, steps of ten, noisy people"),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="of the people and their luck")] = 1,
) -> int:
    """Try a calibration on virtual people: how far off, how many inflations, how often refused."""
    # not for those who run something else
    from scc_task.protocol.load import load_calibration_protocol
    from scc_task.rehearsal import HEAD, line, people, refusals, rehearse

    shipped = [s for s in Shipped if s is not Shipped.ALL]
    chosen = shipped if procedure is Shipped.ALL else [procedure]
    files = [protocol] if protocol is not None else [protocol_file(p) for p in chosen]
    loaded = [load_calibration_protocol(path) for path in files]
    persons = people(participants, seed=seed, mess=mess)
    out = console()
    out.print(f"{participants} virtual people{', with mess' if mess else ''}, seed {seed}\n")
    out.print(HEAD, soft_wrap=True)
    for file in loaded:
        done = rehearse(file.model, persons, seed=seed)
        out.print(line(file.model.name, done), soft_wrap=True)
        for gate, count in refusals(done).items():
            out.print(f"{'':4s}refused {100 * count / participants:4.1f} %: {gate}")
    return ExitCode.DONE
