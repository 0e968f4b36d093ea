"""The command ``recover``: from the journals that a crash left to the tables of a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scc_task.errors import ExitCode, UsageInvalid
from scc_task.terminal import console

if TYPE_CHECKING:  # imported where needed: the quick commands stay quick
    from scc_task.record.recover import Recovery


def recover(
    folder: Annotated[Path, typer.Argument(help="the dataset's folder, or one journal")],
) -> int:
    """Rebuild what a crash left undone, from the journals. Never overwrites anything."""
    from scc_task.record.recover import Outcome as Recovered
    from scc_task.record.recover import recover as recover_all

    out = console()
    results = recover_all(folder)
    if not results:
        raise UsageInvalid(
            "no journal is to be found there",
            where=str(folder),
            do="give the data folder: the one with sourcedata in it",
        )
    for result in results:
        for line in _recovery_lines(result):
            out.print(Text(line), soft_wrap=True)
    lost = any(result.outcome is Recovered.UNREADABLE for result in results)
    return ExitCode.RECORDING_LOST if lost else ExitCode.DONE


def _recovery_lines(result: "Recovery") -> list[str]:
    """Return what became of one journal, for a person."""
    name = result.journal.name.removesuffix("_journal.jsonl")
    if result.report is None:
        reason = str(result.problem) if result.problem else "a program is still writing it"
        return [f"{name}: {result.outcome} - {reason}"]
    report = result.report
    return [
        f"{name}: {result.outcome}; the run ended: {report.stop_reason};"
        f" {report.documents} documents, {report.torn_bytes} torn bytes,"
        f" {len(report.corrupt_lines)} corrupt lines",
        *(f"  written: {path}" for path in report.written),
        *(f"  note: {note}" for note in report.notes),
    ]
