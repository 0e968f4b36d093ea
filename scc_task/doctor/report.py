"""The doctor's results as an operator reads them: one check a row, in 80 columns."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from scc_task.doctor.results import Result, Verdict

NAME_WIDTH: Final = 20
STYLES: Final = {
    Verdict.OK: "green",
    Verdict.WARN: "bold yellow",
    Verdict.FAIL: "bold white on red",
    Verdict.SKIPPED: "dim",
}


def row(result: Result) -> Table:
    """Return one check: verdict, name, what was seen, and what to do below."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=7)
    table.add_column(width=NAME_WIDTH)
    table.add_column(overflow="fold")
    verdict = Text(result.verdict, style=STYLES[result.verdict])
    table.add_row(verdict, Text(result.name), Text(result.seen))
    if result.do:
        table.add_row("", "", Text(f"DO: {result.do}"))
    return table


def conclusion(results: Sequence[Result], *, under_pressure: bool) -> str:
    """Return the last line: whether this cuff may be used."""
    failed = [result.name for result in results if result.verdict is Verdict.FAIL]
    warned = [result.name for result in results if result.verdict is Verdict.WARN]
    if failed:
        return (
            f"NOT READY: {', '.join(failed)}. Do not put this cuff on a person before it is mended."
        )
    but = f" Mind: {', '.join(warned)}." if warned else ""
    if not under_pressure:
        return f"Good without pressure; the pressure checks were not made.{but}"
    return f"READY: every check is passed.{but}" if not warned else f"READY, with warnings.{but}"
