"""The page on a run's pulses: a picture of the intervals and the report in words, beside the journal."""

import io
import textwrap
from typing import TYPE_CHECKING, Final

from scc_task.documents import Pulse, PulseKind
from scc_task.pulse_report import PulseReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PX: Final = 1024
HEIGHT_PX: Final = 768
_DPI: Final = 100
ROWS: Final = 7
ROW_LETTERS: Final = 118
"""Above the drawings there is room for so many rows of so many letters."""
_BLUE: Final = "#0072B2"
_RED: Final = "#D55E00"
_BINS: Final = 40


def page_in_words(heading: str, report: PulseReport, pulses: tuple[Pulse, ...]) -> str:
    """Return the report as Markdown."""
    rows = [f"# Scanner pulses: {heading}", "", *(f"- {line.strip()}" for line in report.lines())]
    steps = _intervals(pulses)
    if steps:
        in_order = sorted(gap_s for _, gap_s in steps)
        middle = in_order[len(in_order) // 2]
        rows += [
            "",
            "| intervals between neighbouring pulses | seconds |",
            "|---|---|",
            f"| shortest | {in_order[0]:.4f} |",
            f"| median | {middle:.4f} |",
            f"| longest | {in_order[-1]:.4f} |",
        ]
    if report.missed:
        rows += ["", f"Missed: {', '.join(map(str, report.missed))}"]
    rows += [
        "",
        "An interval is counted where both neighbours were heard. The time stamps are those of this",
        "computer; what they mean for each kind of trigger is in docs/data.md.",
    ]
    return "\n".join(rows) + "\n"


def page_as_picture(heading: str, report: PulseReport, pulses: tuple[Pulse, ...]) -> bytes:
    """Return intervals and residuals as PNG, 1024 x 768. The same pulses give the same picture."""
    drawn = io.BytesIO()
    figure = page_as_figure(heading, report, pulses)
    figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def page_as_figure(heading: str, report: PulseReport, pulses: tuple[Pulse, ...]) -> "Figure":
    """Return intervals and residuals as drawn, before they are a file."""
    # a second to import, and only who looks at a picture needs it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    said = [line for line in report.lines() if not line.startswith(" ")]
    words = [row for line in said for row in textwrap.wrap(line, ROW_LETTERS)]
    figure.text(0.07, 0.965, heading, fontsize=11, color="#555555", va="center")
    figure.text(0.07, 0.945, "\n".join(words[:ROWS]), fontsize=10.5, va="top")
    intervals = figure.add_axes((0.07, 0.13, 0.38, 0.62))
    residuals = figure.add_axes((0.56, 0.13, 0.41, 0.62))
    _draw_intervals(intervals, pulses)
    _draw_residuals(residuals, report, pulses)
    for axes in (intervals, residuals):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=11)
    return figure


def _draw_intervals(axes: "Axes", pulses: tuple[Pulse, ...]) -> None:
    gaps_ms = [gap_s * 1000 for _, gap_s in _intervals(pulses)]
    axes.set_title("intervals between neighbours", fontsize=12)
    axes.set_xlabel("milliseconds", fontsize=12)
    axes.set_ylabel("pulses", fontsize=12)
    axes.ticklabel_format(useOffset=False)
    if gaps_ms:
        middle = sorted(gaps_ms)[len(gaps_ms) // 2]
        reach = max(1.0, max(abs(g - middle) for g in gaps_ms))
        axes.hist(gaps_ms, bins=_BINS, range=(middle - reach, middle + reach), color=_BLUE)
        axes.set_xticks([middle - reach, middle, middle + reach])


def _draw_residuals(axes: "Axes", report: PulseReport, pulses: tuple[Pulse, ...]) -> None:
    axes.set_title("off the line through all pulses", fontsize=12)
    axes.set_xlabel("volume", fontsize=12)
    axes.set_ylabel("milliseconds", fontsize=12)
    line = report.line
    if line is None:
        return
    heard = [(p.number, p.time_s) for p in pulses if p.number is not None]
    off = [(n, line.off_s(n, t) * 1000) for n, t in heard]
    axes.plot([n for n, _ in off], [o for _, o in off], ".", color=_BLUE, markersize=3)
    low, high = min(o for _, o in off), max(o for _, o in off)
    room = max(0.5, 0.1 * (high - low))
    axes.set_ylim(low - 2 * room, high + room)
    # what was not heard stands at the foot: it has no time
    axes.plot(report.missed, [low - room] * len(report.missed), "x", color=_RED, label="missed")
    other = [p for p in pulses if p.kind in (PulseKind.EXTRA, PulseKind.BOUNCE)]
    axes.plot(
        [(p.time_s - line.zero_s) / line.tr_s for p in other],
        [low - 1.5 * room] * len(other),
        "^",
        color="black",
        markersize=4,
        label="extra or bounced",
    )
    if report.missed or other:
        # below the axis: inside, it would cover pulses
        at = (1.0, -0.12)
        axes.legend(fontsize=10, frameon=False, ncols=2, loc="upper right", bbox_to_anchor=at)


def _intervals(pulses: tuple[Pulse, ...]) -> list[tuple[int, float]]:
    """Return the time since the neighbour before, by number."""
    times = {p.number: p.time_s for p in pulses if p.number is not None}
    return [(n, t - times[n - 1]) for n, t in times.items() if n - 1 in times]
