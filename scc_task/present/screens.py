"""Every picture of a run, built once from the plan and drawn without laying out anything again."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from scc_task.errors import WindowUnavailable
from scc_task.plan.steps import Cue, Plan, Scale, Step, StepKind
from scc_task.present import layout
from scc_task.present.layout import Layout, Point
from scc_task.protocol.live_words import LIVE_WORDS, filled, is_live

_FONT: Final = "Noto Sans"  # comes with PsychoPy, so screens look the same on every machine
_ENDLESS: Final = 100.0  # a width that no line reaches
_FONT_FILE: Final = Path("assets") / "fonts" / "NotoSans-Regular.ttf"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a text may stand; ``anchor`` says which part of it is at ``position``."""

    width: float
    height: float
    position: Point = (0.0, 0.0)
    anchor: str = "center"


class RatingScreen:
    """A question, a line with two labels, and a marker that changes shape once confirmed."""

    def __init__(self, artist: "Artist", scale: Scale) -> None:
        space, name = artist.layout, f"scales.{scale.name}"
        half = space.scale_half_length
        line = layout.rectangle(2 * half + layout.LINE_STROKE, layout.LINE_STROKE)
        end = layout.rectangle(layout.LINE_STROKE, layout.END_HEIGHT)
        self._layout, self._lowest, self._highest = space, scale.lowest, scale.highest
        numbered = scale.highest - scale.lowest <= layout.NUMBERED
        label_y = layout.NUMBERED_LABEL_TOP_Y if numbered else layout.LABEL_TOP_Y
        question = Box(space.text_width, layout.QUESTION_HEIGHT, (0.0, layout.QUESTION_Y))
        low, high = (
            Box(space.label_width, layout.LABEL_HEIGHT, (x, label_y), anchor="top")
            for x in (-half, half)
        )
        labels = [(scale.low, low, f"{name}.low"), (scale.high, high, f"{name}.high")]
        self._fixed = [
            artist.text(scale.question, question, key=f"{name}.question"),
            artist.shape(line, layout.WHITE, position=(0.0, layout.SCALE_Y)),
            *(artist.shape(end, layout.WHITE, position=(x, layout.SCALE_Y)) for x in (-half, half)),
            *artist.alike(labels),
            *(self._numbers(artist, name) if numbered else ()),
        ]
        tip_y = layout.SCALE_Y + layout.LINE_STROKE
        tip = layout.pointer(layout.POINTER_SIZE, layout.POINTER_SIZE)
        self._moving = artist.shape(tip, layout.COLORS["white"], position=(0.0, tip_y))
        disc = layout.circle(layout.CONFIRMED_RADIUS)
        self._confirmed = artist.shape(disc, layout.COLORS["green"], position=(0.0, layout.SCALE_Y))

    def _x(self, position: int) -> float:
        """Return where a number of the scale stands."""
        return self._layout.marker_x(
            100 * (position - self._lowest) / (self._highest - self._lowest)
        )

    def _numbers(self, artist: "Artist", name: str) -> list[Any]:
        """Return a tick and a number for each step of the scale."""
        tick = layout.rectangle(layout.LINE_STROKE / 2, layout.TICK_HEIGHT)
        steps = range(self._lowest, self._highest + 1)
        width = 2 * self._layout.scale_half_length / (len(steps) - 1)
        boxes = [
            Box(width, layout.NUMBER_HEIGHT, (self._x(n), layout.NUMBER_TOP_Y), anchor="top")
            for n in steps
        ]
        numbers = [(str(n), box, f"{name}.from") for n, box in zip(steps, boxes, strict=True)]
        between = steps[1:-1]
        ticks = [
            artist.shape(tick, layout.WHITE, position=(self._x(n), layout.SCALE_Y)) for n in between
        ]
        return [*ticks, *artist.alike(numbers)]

    def warm(self) -> None:
        """Draw every part once."""
        self.draw(self._lowest, confirmed=False)
        self.draw(self._highest, confirmed=True)

    def draw(self, position: int, *, confirmed: bool) -> None:
        """Draw the scale with its marker at one of its numbers."""
        for stimulus in self._fixed:
            stimulus.draw()
        marker = self._confirmed if confirmed else self._moving
        marker.pos = (self._x(position), marker.pos[1])
        marker.draw()


class Artist:
    """Builds PsychoPy stimuli that fit their place and can be read.

    Parameters
    ----------
    window
        PsychoPy's window, with units ``height``.
    """

    def __init__(self, window: Any) -> None:
        import psychopy  # here and below: only a real window may pay for this import
        from psychopy.visual.shape import ShapeStim
        from psychopy.visual.text import TextStim

        self._window = window
        self._shape_type: Callable[..., Any] = ShapeStim
        self._text_type: Callable[..., Any] = TextStim
        self._font_file = Path(psychopy.__file__).parent / _FONT_FILE
        self._height_px = float(window.size[1])
        self._known = _characters_of(self._font_file)
        self.layout = Layout(aspect=float(window.size[0]) / self._height_px)

    def shape(
        self, points: Sequence[Point], color: Sequence[int], *, position: Point = (0.0, 0.0)
    ) -> Any:
        """Return a filled shape."""
        return self._shape_type(
            self._window,
            units="height",
            vertices=points,
            pos=position,
            fillColor=color,
            lineColor=None,
            lineWidth=0,
            colorSpace="rgb255",
            interpolate=True,
            autoLog=False,
        )

    def text(self, text: str, box: "Box", *, key: str) -> Any:
        """Return a text in the largest letters with which it fits its box.

        Parameters
        ----------
        key
            Where the text is in the text file, for the message if it cannot be shown.

        Raises
        ------
        WindowUnavailable
            If it fits only in letters too small to read, or has letters that the font has not.
        """
        return self._set(text.strip(), box, self._letter_height(text.strip(), box, key))

    def alike(self, texts: Sequence[tuple[str, "Box", str]]) -> list[Any]:
        """Return several texts, each with its box and key, all in letters of the same height."""
        height = min(self._letter_height(text, box, key) for text, box, key in texts)
        return [self._set(text, box, height) for text, box, _ in texts]

    def _letter_height(self, text: str, box: "Box", key: str) -> float:
        """Return the largest letter height with which a text fits its box, its own lines whole."""
        self._refuse_unknown_characters(text, key)
        across_px, down_px = box.width * self._height_px, box.height * self._height_px
        never_wrapped = replace(box, width=_ENDLESS)
        tries = [(h, never_wrapped) for h in layout.LETTER_HEIGHTS if h >= layout.COMFORTABLE]
        tries += [(h, box) for h in layout.LETTER_HEIGHTS]
        for height, candidate in tries:
            width_px, height_px = self._set(text, candidate, height).boundingBox
            if width_px <= across_px and height_px <= down_px:
                return height
        raise WindowUnavailable(
            f"the text {key!r} does not fit the screen in letters that can be read "
            f"({layout.LETTER_HEIGHTS[-1]:.1%} of the screen's height)",
            where=f"text file, {key}",
            do="shorten it, break long words, or show it as two texts one after the other",
        )

    def _set(self, text: str, box: "Box", letter_height: float) -> Any:
        """Return a text in letters of a given height."""
        return self._text_type(
            self._window,
            text=text,
            units="height",
            pos=box.position,
            height=letter_height,
            wrapWidth=box.width,
            anchorVert=box.anchor,
            color=layout.WHITE,
            colorSpace="rgb255",
            font=_FONT,
            fontFiles=[str(self._font_file)],
            autoLog=False,
        )

    def _refuse_unknown_characters(self, text: str, key: str) -> None:
        """Raise for letters that would appear as empty boxes."""
        missing = sorted({c for c in text if not c.isspace() and ord(c) not in self._known})
        if missing:
            raise WindowUnavailable(
                f"the text {key!r} has characters that {_FONT} cannot show: {' '.join(missing)}",
                where=f"text file, {key}",
                do="write it with other characters; Latin, Greek and Cyrillic letters can be shown",
            )


class Screens:
    """All pictures of a plan, by what they show.

    Parameters
    ----------
    window
        PsychoPy's window.
    plan
        The run. Its texts, cues and scales are all built, whether a step shows them or not.

    Raises
    ------
    WindowUnavailable
        If a text cannot be shown so that it can be read, or a cue has no known shape or color.
    """

    def __init__(self, window: Any, plan: Plan) -> None:
        artist = Artist(window)
        size, stroke = layout.CROSS_SIZE, layout.CROSS_STROKE
        self._cross = [
            artist.shape(layout.rectangle(*sides), layout.WHITE)
            for sides in ((size, stroke), (stroke, size))
        ]
        page = Box(artist.layout.text_width, layout.TEXT_HEIGHT)
        self._live = {key: text.strip() for key, text in plan.texts if is_live(text)}
        self._texts = {
            # numbers come later: room for the longest
            key: artist.text(filled(text, LIVE_WORDS) if key in self._live else text, page, key=key)
            for key, text in plan.texts
        }
        self._cues = {cue.name: _cue_shape(artist, cue) for cue in plan.cues}
        self._scales = {scale.name: RatingScreen(artist, scale) for scale in plan.scales}
        self._start = plan.marker_start

    def warm(self) -> None:
        """Draw everything once: the first draw uploads textures and is a hundred times slower."""
        self.fixation()
        for stimulus in (*self._texts.values(), *self._cues.values()):
            stimulus.draw()
        for scale in self._scales.values():
            scale.warm()

    def fixation(self) -> None:
        """Draw the fixation cross."""
        _draw(self._cross)

    def message(self, key: str, values: Mapping[str, str] | None = None) -> None:
        """Draw a text by its key, with the words in braces filled in."""
        text = self._texts[key]
        if key in self._live:
            text.text = filled(self._live[key], values or {})
        text.draw()

    def rating(self, scale: str, position: int, *, confirmed: bool) -> None:
        """Draw a rating scale."""
        self._scales[scale].draw(position, confirmed=confirmed)

    def step(self, step: Step) -> None:
        """Draw what a step shows from its onset on."""
        match step.kind:
            case StepKind.SHOW if step.text is not None:
                self.message(step.text)
            case StepKind.RATE | StepKind.INFLATE if step.scale is not None:
                self.rating(step.scale, self._start(step), confirmed=False)
            case _ if step.cue is not None:
                self._cues[step.cue].draw()
            case _:
                self.fixation()


def _draw(stimuli: Iterable[Any]) -> None:
    """Draw several stimuli, the first one at the back."""
    for stimulus in stimuli:
        stimulus.draw()


def _cue_shape(artist: Artist, cue: Cue) -> Any:
    """Return a cue's stimulus."""
    for word, table, field in (
        (cue.shape, layout.SHAPES, "shape"),
        (cue.color, layout.COLORS, "color"),
    ):
        if word not in table:
            raise WindowUnavailable(
                f"the {field} {word!r} of the cue {cue.name!r} is not known",
                where=f"protocol file, cues.{cue.name}.{field}",
                do=f"use one of: {', '.join(table)}",
            )
    return artist.shape(layout.SHAPES[cue.shape], layout.COLORS[cue.color])


def _characters_of(font_file: Path) -> frozenset[int]:
    """Return the characters that a font can draw."""
    freetype = importlib.import_module("freetype")  # untyped
    return frozenset(code for code, _ in freetype.Face(str(font_file)).get_chars())
