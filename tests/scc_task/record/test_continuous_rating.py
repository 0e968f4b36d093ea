"""The recording of a rating under pressure: what is known, for as long as it is known."""

import dataclasses
import gzip

from record_builders import T0_S, make_documents, make_plan, make_start

from scc_task.documents import Document, Tracked
from scc_task.plan.steps import Plan
from scc_task.record.continuous import RATE_HZ, rating_sidecar, rating_table
from scc_task.record.read import JournalContents
from scc_task.record.run import RunRecord, sort_out


def rated() -> Plan:
    plan = make_plan(trials=2)
    steps = tuple(
        dataclasses.replace(step, scale="intensity", cue=None) if step in plan.inflations else step
        for step in plan.steps
    )
    return dataclasses.replace(plan, steps=steps)


PLAN = rated()
FIRST = PLAN.inflations[0]
ON_S = FIRST.onset_s


def record(*moves: tuple[float, int | None]) -> RunRecord:
    """Return a run whose marker moved in the first inflation, at seconds from its onset."""
    tracked: list[Document] = [
        Tracked(time_s=T0_S + ON_S + second, step=FIRST.number, position=position)
        for second, position in moves
    ]
    plain = [d for d in make_documents(PLAN) if type(d).__name__ != "Start"]
    contents = JournalContents(
        path=None,  # type: ignore[arg-type]  nobody looks
        documents=(make_start(PLAN), *plain[:-1], *tracked, plain[-1]),
        torn_bytes=0,
        corrupt_lines=(),
    )
    return sort_out(contents)


def cells(run: RunRecord) -> list[str]:
    return gzip.decompress(rating_table(run, T0_S)).decode().splitlines()


def at(rows: list[str], second: float) -> str:
    return rows[round((ON_S + second) * RATE_HZ)]


def test_a_row_has_the_last_position_that_is_known() -> None:
    rows = cells(record((0.0, 0), (2.001, 7), (15.0, None)))
    assert at(rows, -0.02) == "n/a"
    assert (at(rows, 0.0), at(rows, 2.0), at(rows, 2.02)) == ("0", "0", "7")
    assert (at(rows, 14.98), at(rows, 15.0)) == ("7", "n/a")


def test_of_two_moves_between_rows_the_later_one_stands() -> None:
    rows = cells(record((0.0, 0), (2.001, 7), (2.009, 8), (15.0, None)))
    assert at(rows, 2.02) == "8"


def test_a_rating_that_broke_off_ends_with_its_slot_at_the_latest() -> None:
    rows = cells(record((0.0, 0), (2.0, 7)))
    assert (at(rows, 14.98), at(rows, 15.0)) == ("7", "n/a")


def test_the_sidecar_says_what_was_asked_and_from_where_to_where() -> None:
    sidecar = rating_sidecar(record((0.0, 0), (15.0, None)), {})
    assert sidecar["Columns"] == ["rating_intensity"]
    assert sidecar["rating_intensity"]["Maximum"] == 100
    assert "0 = not, 100 = extremely" in sidecar["rating_intensity"]["Description"]
