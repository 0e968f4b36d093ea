"""The stimulus-response plot of a calibration: what was rated, the curve through it, the targets."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scc_task.calibration.estimate import Result, Target, curve_of
from scc_task.calibration.talk import Outcome, Phase
from scc_task.calibration.verdict import verdict_line
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.record.files import write_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PX: Final = 1024
HEIGHT_PX: Final = 768
_DPI: Final = 100

_SEARCH: Final = ("o", "#0072B2")
_MARKS: Final[dict[Phase, tuple[str, str]]] = {
    "familiarise": ("D", "#7F7F7F"),
    "coarse": _SEARCH,
    "fine": ("s", "#56B4E9"),
    "threshold": _SEARCH,
    "staircase": _SEARCH,
    "scaling": ("s", "#56B4E9"),
    "regression": ("^", "#009E73"),
    "fixed": _SEARCH,
    "confirm": ("*", "#D55E00"),
    "check": ("P", "#CC79A7"),
    "resume": ("<", "#FFFFFF"),
    "repeat": ("v", "#F0E442"),
}
"""Shape and colour of a phase: Okabe and Ito's colours, and shapes, so that neither is needed alone."""
_NOT_BORNE: Final[dict[str, tuple[str, str]]] = {
    "stopped by the participant": ("X", "#B22222"),
    "cut short": ("x", "black"),
}
"""Shape and colour of what was not borne to the end: a word on the pressure, or none."""
_CURVE: Final = "#222222"
_TARGET: Final = "#D55E00"
_LEFT: Final = 0.085
_UNRATED_AT: Final = -7.0
"""Below 0: what was not rated is no rating of 0."""


def plot(
    path: Path,
    protocol: CalibrationProtocol,
    outcomes: Sequence[Outcome],
    result: Result,
    *,
    heading: str = "",
) -> None:
    """Write the plot as PNG, 1024 x 768. The same calibration gives the same picture.

    Parameters
    ----------
    path
        `scc_task.record.paths.RunName.calibration_plot`, or a place outside a dataset.
    heading
        Whose calibration it is, and whether it was simulated.

    Raises
    ------
    OSError
        If the disk does not take it, or there is one already: it stays.
    """
    # a second to import, and only who looks at a plot needs it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((_LEFT, 0.165, 0.885, 0.685))
    given = [o for o in outcomes if o.given]
    _draw_curve(axes, protocol, outcomes)
    _draw_targets(axes, protocol, result)
    _draw_points(axes, given)
    pressures = [o.request.pressure_mmhg for o in given]
    axes.set_xlim(min(pressures, default=60.0) - 15.0, max(pressures, default=100.0) + 15.0)
    axes.set_ylim(-12.0, 104.0)
    axes.set_yticks([_UNRATED_AT, *range(0, 101, 20)], ["not\nrated", *map(str, range(0, 101, 20))])
    axes.axhline(_UNRATED_AT / 2, color="#BBBBBB", linewidth=0.8)
    axes.set_xlabel("cuff pressure (mmHg)", fontsize=13)
    axes.set_ylabel("rating, 0 to 100", fontsize=13)
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    if given:  # below, where it hides no point
        figure.legend(loc="lower center", ncols=4, fontsize=11, frameon=False)
    figure.text(_LEFT, 0.965, heading, fontsize=11, color="#555555", va="center")
    _write_verdict(
        figure,
        verdict_line(protocol, outcomes, result),
        colour="black" if result.accepted else "#B22222",
    )
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    write_new(path, drawn.getvalue())


def _write_verdict(figure: "Figure", verdict: str, *, colour: str) -> None:
    """Write the verdict in at most three lines that are as wide as the picture allows."""
    text = figure.text(_LEFT, 0.945, "", fontsize=13, color=colour, va="top", weight="bold")
    for columns in range(100, 40, -2):  # letters differ in width: the first that fits
        lines = textwrap.wrap(verdict, columns, max_lines=3, placeholder=" ...")
        text.set_text("\n".join(lines))
        if text.get_window_extent().x1 <= 0.985 * WIDTH_PX:
            return


def _draw_curve(axes: "Axes", protocol: CalibrationProtocol, outcomes: Sequence[Outcome]) -> None:
    curve = curve_of(protocol, outcomes)
    if not curve:
        return
    at = [c.pressure_mmhg for c in curve]
    sure = f"{100 * protocol.estimate.interval:g} % interval of the mean rating"
    axes.fill_between(
        at, [c.low for c in curve], [c.high for c in curve], color="#CCCCCC", alpha=0.6, label=sure
    )
    axes.plot(at, [c.median for c in curve], color=_CURVE, linewidth=2, label="curve (median)")


def _draw_targets(axes: "Axes", protocol: CalibrationProtocol, result: Result) -> None:
    """Draw each target: its rating, and where it has a pressure, that and its interval."""
    for target in result.targets:
        _draw_target(axes, target, main=target.rating == protocol.target)


def _draw_target(axes: "Axes", target: Target, *, main: bool) -> None:
    look: dict[str, Any] = {
        "color": _TARGET if main else "#555555",
        "linewidth": 2.0 if main else 1.0,
    }
    mmhg = target.mmhg
    axes.axhline(target.rating, linestyle=":", alpha=0.6, zorder=1, **look)
    axes.annotate(
        f"P{target.rating:g}: " + ("no pressure" if mmhg is None else f"{mmhg:g} mmHg"),
        (0.0, target.rating),  # pain rises to the right: here the plot is empty
        xycoords=("axes fraction", "data"),
        xytext=(6, 4),
        textcoords="offset points",
        color=look["color"],
        fontsize=12,
        weight="bold" if main else "normal",
    )
    if mmhg is None:
        return
    axes.plot([mmhg, mmhg], [0.0, target.rating], linestyle="--", zorder=2, **look)
    axes.errorbar(
        [mmhg],
        [target.rating],
        xerr=[[mmhg - target.low_mmhg], [target.high_mmhg - mmhg]],
        fmt="none",
        ecolor=look["color"],
        elinewidth=look["linewidth"] + 0.5,
        capsize=6,
        zorder=3,
    )


def _draw_points(axes: "Axes", given: Sequence[Outcome]) -> None:
    for phase in dict.fromkeys(o.request.phase for o in given):
        mark, colour = _MARKS[phase]
        size = 150 if mark == "*" else 70
        own = [o for o in given if o.request.phase == phase and o.borne]
        if not own:
            continue
        axes.scatter(
            [o.request.pressure_mmhg for o in own],
            [_UNRATED_AT if o.rating is None else o.rating for o in own],
            marker=mark,
            s=size,
            color=colour,
            edgecolors="black",
            linewidths=0.7,
            zorder=5,
            label=phase,
        )
    for label, (mark, colour) in _NOT_BORNE.items():
        stopped = label != "cut short"
        cut = [o for o in given if not o.borne and o.stopped is stopped]
        if cut:
            axes.scatter(
                [o.request.pressure_mmhg for o in cut],
                [_UNRATED_AT] * len(cut),
                marker=mark,
                s=150 if stopped else 110,
                color=colour,
                linewidths=0.7 if stopped else 2.5,
                zorder=6,
                label=label,
            )
