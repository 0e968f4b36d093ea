"""A real mouse, as far as an X server has one: its way moves the marker, its button confirms."""

import pytest


def test_a_mouse_moves_by_its_way_and_clicks_by_name(play):
    found = play("pointer")
    ways = [moved for key, _, moved in found["events"] if key == "pointer"]
    clicks = [(key, down) for key, down, _ in found["events"] if key != "pointer"]
    assert sum(ways) == pytest.approx(8 * 30 / 600, abs=0.01)
    assert clicks == [("button_left", True), ("button_left", False)]
    assert not found["closed"]
