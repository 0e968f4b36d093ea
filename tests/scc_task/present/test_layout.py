import pytest
from hypothesis import given
from hypothesis import strategies as st

from scc_task.present import layout
from scc_task.present.layout import Layout

aspects = st.floats(1.0, 2.5)


def area(points):
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


@pytest.mark.parametrize("shape", layout.SHAPES)
def test_no_cue_is_much_larger_than_another(shape):
    assert area(layout.SHAPES[shape]) == pytest.approx(0.09, rel=0.05)


@given(aspects)
def test_the_scale_and_its_labels_stay_off_the_edges(aspect):
    space = Layout(aspect)
    outermost = space.scale_half_length + space.label_width / 2
    assert outermost <= 0.46 * aspect + 1e-9


@given(aspects)
def test_the_labels_of_a_scale_do_not_touch(aspect):
    space = Layout(aspect)
    assert space.scale_half_length - space.label_width / 2 > 0.05


@given(aspects, st.integers(0, 99))
def test_the_marker_moves_right_as_the_rating_rises(aspect, position):
    space = Layout(aspect)
    assert space.marker_x(position) < space.marker_x(position + 1)
    assert space.marker_x(0) == -space.scale_half_length
    assert space.marker_x(100) == space.scale_half_length


def test_letters_never_become_too_small_to_read():
    assert min(layout.LETTER_HEIGHTS) >= 0.035
    assert list(layout.LETTER_HEIGHTS) == sorted(layout.LETTER_HEIGHTS, reverse=True)
