"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

ROOT: Final = Path(__file__).parents[1]
SIMULATED: Final = ROOT / "rigs" / "simulated.yaml"

ProtocolFile = Annotated[Path, typer.Argument(help="the protocol file", show_default=False)]
RigOption = Annotated[Path, typer.Option("--rig", help="what is connected in this room")]
DataOption = Annotated[Path, typer.Option("--data", help="the dataset's folder")]
SubjectOption = Annotated[str, typer.Option("--subject", help="participant's label, e.g. 01")]
SessionOption = Annotated[str, typer.Option("--session", help="session's label, e.g. pre")]
RunOption = Annotated[str, typer.Option("--run", help="run number, or 'next'")]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, help="order of the jitters; any if not given")
]
CalibrationOption = Annotated[
    Path | None, typer.Option("--calibration", help="the participant's calibration file")
]
JsonOption = Annotated[bool, typer.Option("--json", help="for scripts: one JSON object")]
