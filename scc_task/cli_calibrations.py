"""The command ``calibrations``: what is stored, which of it holds, and whether it can be read."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from scc_task.errors import ExitCode
from scc_task.terminal import console


def main(
    data: Annotated[Path, typer.Option("--data", help="the dataset's folder")] = Path("data"),
    subject: Annotated[
        str | None, typer.Option("--subject", help="of this participant only, e.g. 01")
    ] = None,
    script: Annotated[bool, typer.Option("--json", help="for scripts: one JSON object")] = False,
) -> int:
    """List what is stored; exit with 3 if one of them cannot be read."""
    from scc_task.calibration.listing import as_json, lines, rows_of

    rows = rows_of(data, subject)
    if script:
        found = [as_json(row) for row in rows]
        typer.echo(json.dumps({"calibrations": found}, ensure_ascii=False, indent=1))
    else:
        out = console()
        for line in lines(rows) or [f"no calibration is stored in {data}"]:
            out.print(Text(line), soft_wrap=True)
    return ExitCode.INVALID_FILE if any(row.problem for row in rows) else ExitCode.DONE
