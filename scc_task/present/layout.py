"""Where things stand on the participant's screen, and in what shapes and colours. No PsychoPy.

Lengths are fractions of the screen's height (PsychoPy's unit ``height``); the origin is the centre.
The participant looks through a mirror from about two metres at a screen about 30 cm high: a
letter of 0.06 is then 18 mm or half a degree, three times what normal acuity needs.
"""

import math
from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]

WIDEST: Final = 4 / 3
"""Aspect ratio beyond which extra width stays black: lines of text would get too long."""

TEXT_WIDTH: Final = 0.80
"""Part of the width that text may fill; the edges are the first thing a head coil hides."""

TEXT_HEIGHT: Final = 0.84
"""Part of the height that text may fill."""

LETTER_HEIGHTS: Final = (0.060, 0.056, 0.052, 0.048, 0.044, 0.040, 0.036)
"""Letter heights to try, largest first; below 0.035 a text is refused, not shown."""

COMFORTABLE: Final = 0.048
"""Letters may shrink to this to keep the lines as the author broke them; then lines are wrapped."""

CROSS_SIZE: Final = 0.12
CROSS_STROKE: Final = 0.016

SCALE_Y: Final = -0.02
LINE_STROKE: Final = 0.012
END_HEIGHT: Final = 0.07
POINTER_SIZE: Final = 0.085
CONFIRMED_RADIUS: Final = 0.042
QUESTION_Y: Final = 0.25
QUESTION_HEIGHT: Final = 0.24
LABEL_TOP_Y: Final = SCALE_Y - 0.09
LABEL_HEIGHT: Final = 0.30
NUMBERED: Final = 20
"""A scale with no more steps than this shows each of them, with its number."""
TICK_HEIGHT: Final = 0.04
NUMBER_TOP_Y: Final = SCALE_Y - 0.05
NUMBER_HEIGHT: Final = 0.07
NUMBERED_LABEL_TOP_Y: Final = NUMBER_TOP_Y - 0.10

COLORS: Final = {
    "blue": (90, 150, 255),
    "cyan": (60, 220, 230),
    "green": (70, 210, 90),
    "magenta": (255, 90, 220),
    "orange": (255, 150, 40),
    "red": (255, 65, 55),
    "white": (255, 255, 255),
    "yellow": (255, 215, 40),
}
"""Colours by name, in sRGB. Pure blue and red are too dim on black, so all are lightened."""

WHITE: Final = COLORS["white"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths that depend on the screen's aspect ratio (width / height)."""

    aspect: float

    @property
    def used_width(self) -> float:
        """Return the width that anything may use."""
        return min(self.aspect, WIDEST)

    @property
    def text_width(self) -> float:
        """Return the width of a paragraph."""
        return TEXT_WIDTH * self.used_width

    @property
    def scale_half_length(self) -> float:
        """Return half the length of the rating scale's line."""
        return 0.32 * self.used_width

    @property
    def label_width(self) -> float:
        """Return the width of a label, centred under an end of the scale."""
        return 0.28 * self.used_width

    def marker_x(self, position: float) -> float:
        """Return where on the line a mark stands, in hundredths of its length."""
        return (position - 50) / 50 * self.scale_half_length


def _regular(corners: int, *, radius: float, turn: float = 90.0) -> list[Point]:
    """Return the corners of a regular polygon, the first one at ``turn`` degrees."""
    angles = (math.radians(turn + 360 * i / corners) for i in range(corners))
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


def _star(radius: float) -> list[Point]:
    """Return a five-pointed star."""
    outer = _regular(5, radius=radius)
    inner = _regular(5, radius=radius * 0.45, turn=90 + 36)
    return [point for pair in zip(outer, inner, strict=True) for point in pair]


def rectangle(width: float, height: float) -> list[Point]:
    """Return the corners of a rectangle round the origin."""
    x, y = width / 2, height / 2
    return [(-x, -y), (-x, y), (x, y), (x, -y)]


def circle(radius: float) -> list[Point]:
    """Return a circle, as a polygon too fine to see."""
    return _regular(96, radius=radius)


def pointer(width: float, height: float) -> list[Point]:
    """Return a triangle that stands on its tip, the tip at the origin."""
    return [(0.0, 0.0), (-width / 2, height), (width / 2, height)]


SHAPES: Final = {
    "circle": circle(0.170),
    "diamond": [(0.0, 0.25), (-0.18, 0.0), (0.0, -0.25), (0.18, 0.0)],
    "square": _regular(4, radius=0.212, turn=45),
    "star": _star(0.260),
    "triangle": _regular(3, radius=0.265),
}
"""Outlines of the cues. All have an area of 0.09, so that none is the louder sign."""
