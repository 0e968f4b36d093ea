"""What the operator's table says of each inflation."""

import io

import pytest
from course_bench import Event, Reaction, Room
from rich.console import Console

from scc_task.console_calibration import CalibrationTable


def shown(room: Room) -> str:
    out = io.StringIO()
    with CalibrationTable(Console(file=out, width=120)) as table:
        for journal in room.journals:
            for document in journal:
                table.observe(document)
    return out.getvalue()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("stop", "STOPPED by the participant"),
        ("esc", "interrupted"),
        ("stop at the scale", "interrupted before its rating"),
        ("stop after the rating", "25"),
    ],
)
def test_how_the_last_inflation_ended_is_in_its_line(event: Event, words: str) -> None:
    room = Room(iter([*[Reaction()] * 3, Reaction(rating=25.0, event=event)]))
    room.run()
    last = shown(room).splitlines()[-1]
    assert last.split(maxsplit=3) == ["4", "80", "coarse", words]
