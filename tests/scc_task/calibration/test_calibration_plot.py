"""The plot of a calibration and its verdict in one line."""

import dataclasses
import struct
from pathlib import Path
from typing import get_args

import pytest
from calibration_bench import asked, drive, fresh, person, rated, shipped, stopped
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scc_task.calibration.estimate import Result, conclude
from scc_task.calibration.plot import _MARKS, HEIGHT_PX, WIDTH_PX, _write_verdict, plot
from scc_task.calibration.talk import Outcome, Phase
from scc_task.calibration.verdict import confirmations, verdict_line


def calibrated(p40_mmhg: float = 140.0) -> tuple[tuple[Outcome, ...], Result]:
    procedure = fresh()
    finished = drive(procedure, person(p40_mmhg))
    return procedure.outcomes, conclude(shipped(), procedure.outcomes, finished)


def refused() -> tuple[tuple[Outcome, ...], Result]:
    procedure = fresh()
    finished = drive(procedure, lambda mmhg: None)
    return procedure.outcomes, conclude(shipped(), procedure.outcomes, finished)


def test_an_accepted_result_is_told_with_its_interval_and_confirmations() -> None:
    outcomes, result = calibrated()
    target = next(t for t in result.targets if t.rating == 40.0)
    assert verdict_line(shipped(), outcomes, result) == (
        f"P40 = {target.mmhg:g} mmHg (90 % interval {target.low_mmhg:.0f} to "
        f"{target.high_mmhg:.0f}), confirmed twice"
    )


def test_a_refusal_is_told_with_its_reason_and_what_to_do() -> None:
    outcomes, result = refused()
    line = verdict_line(shipped(), outcomes, result)
    assert line.startswith("refused: ")
    assert all(reason.what in line for reason in result.refusals)
    assert result.refusals[0].do in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("ratings", "count"),
    [([40.0, 45.0], 2), ([60.0, 40.0], 1), ([40.0, 60.0], 0), ([40.0, None, 41.0], 2), ([], 0)],
)
def test_only_confirmations_in_a_row_count(ratings: list[float | None], count: int) -> None:
    request = dataclasses.replace(asked(fresh()), phase="confirm", pressure_mmhg=120.0)
    outcomes = [rated(request, rating) for rating in ratings]
    assert confirmations(shipped(), outcomes, 120.0) == count
    assert confirmations(shipped(), outcomes, 125.0) == 0


def size_of(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height


@pytest.mark.parametrize("make", [calibrated, refused])
def test_the_plot_is_a_picture_of_one_size_whatever_came_out(tmp_path: Path, make) -> None:
    path = tmp_path / "curve.png"
    plot(path, shipped(), *make())
    assert size_of(path) == (WIDTH_PX, HEIGHT_PX)


def test_the_same_calibration_gives_the_same_picture(tmp_path: Path) -> None:
    first, second = tmp_path / "1.png", tmp_path / "2.png"
    for path in (first, second):
        plot(path, shipped(), *calibrated(), heading="sub-01 (simulated)")
    assert first.read_bytes() == second.read_bytes()


def test_a_stop_and_a_cut_are_seen_and_told_apart(tmp_path: Path) -> None:
    outcomes, result = calibrated()
    last = stopped(outcomes[-1].request)
    cut = dataclasses.replace(last, stopped=False, cut="operator")
    pictures = set()
    for number, more in enumerate([(), (last,), (cut,)]):
        path = tmp_path / f"{number}.png"
        plot(path, shipped(), (*outcomes, *more), result)
        pictures.add(path.read_bytes())
    assert len(pictures) == 3


@pytest.mark.parametrize("what", ["W" * 30, "i" * 30, "no pressure was rated 40 +/- 10"])
def test_a_long_verdict_stays_in_the_picture(what: str) -> None:
    figure = Figure(figsize=(WIDTH_PX / 100, HEIGHT_PX / 100), dpi=100)
    FigureCanvasAgg(figure)
    _write_verdict(figure, " ".join([what] * 20), colour="black")
    (text,) = figure.texts
    assert text.get_window_extent().x1 < WIDTH_PX
    assert text.get_text().count("\n") == 2


def test_a_picture_that_is_there_is_never_drawn_over(tmp_path: Path) -> None:
    path = tmp_path / "curve.png"
    path.write_bytes(b"as it was")
    with pytest.raises(FileExistsError):
        plot(path, shipped(), *calibrated())
    assert path.read_bytes() == b"as it was"


def test_nothing_given_is_no_reason_to_fail(tmp_path: Path) -> None:
    plot(tmp_path / "curve.png", shipped(), (), conclude(shipped(), ()))
    assert size_of(tmp_path / "curve.png") == (WIDTH_PX, HEIGHT_PX)


def test_every_phase_has_a_mark_of_its_own_kind() -> None:
    assert set(get_args(Phase)) == set(_MARKS)
    assert list(_MARKS.values()).count(_MARKS["resume"]) == 1
    assert list(_MARKS.values()).count(_MARKS["familiarise"]) == 1
