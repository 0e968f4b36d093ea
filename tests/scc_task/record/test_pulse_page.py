"""The picture of a run's pulses: nothing that is written on it covers what is drawn."""

import pytest

from scc_task.documents import Pulse
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.pulse_report import PulseReport, pulse_report
from scc_task.record.pulse_page import HEIGHT_PX, WIDTH_PX, page_as_figure
from scc_task.scanner import PulseCounter

PLAN = ScannerPlan(tr_s=0.46, volumes=64, dummies=0, dummy_kind=DummyKind.SILENT)


@pytest.fixture
def heard() -> tuple[PulseReport, tuple[Pulse, ...]]:
    """Three pulses missed, one between the others, one that came twice."""
    times_s = [n * PLAN.tr_s for n in range(PLAN.volumes) if n not in (20, 41, 50)]
    times_s = sorted([*times_s, 30.4 * PLAN.tr_s, 10 * PLAN.tr_s + 0.02])
    counter = PulseCounter(PLAN)
    pulses = tuple(counter.accept(time_s) for time_s in times_s)
    until_s = (PLAN.volumes + 3) * PLAN.tr_s
    return pulse_report(PLAN, pulses, counter.time_zero, doubts=(), until_s=until_s), pulses


def test_the_legend_covers_neither_data_nor_words_and_is_whole(
    heard: tuple[PulseReport, tuple[Pulse, ...]],
) -> None:
    figure = page_as_figure("sub-01, run 1", *heard)
    figure.draw_without_rendering()
    residuals = figure.axes[1]
    legend = residuals.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert not box.overlaps(residuals.get_window_extent())
    assert not box.overlaps(residuals.xaxis.label.get_window_extent())
    assert not box.overlaps(residuals.title.get_window_extent())
    assert min(box.x0, box.y0) >= 0
    assert (box.x1 <= WIDTH_PX, box.y1 <= HEIGHT_PX) == (True, True)
