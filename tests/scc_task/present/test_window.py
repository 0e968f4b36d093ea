import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from hardware.clock import VirtualClock, now_s
from scc_task.ports import KeySource, Screen
from scc_task.present.headless import HeadlessScreen, NoKeys


def test_a_flip_returns_the_machines_time_between_call_and_return(play):
    started_s = now_s()
    stamps = play("flips")["stamps"]
    assert all(before <= stamp <= after for before, stamp, after in stamps)
    assert all(a[1] < b[1] for a, b in pairwise(stamps))
    assert started_s < stamps[0][0] < stamps[-1][2] < now_s()


@pytest.mark.parametrize("way", ["quit", "destroy", "kill"])
def test_a_window_taken_away_is_closed_not_a_crash(play, way):
    assert play("closing", way) == {"before": False, "seen": True, "flip_is_time": True}


def test_a_missing_screen_is_explained_with_those_there_are(play):
    problem = play("missing_screen")
    assert problem["type"] == "WindowUnavailable"
    assert "no screen number 7" in problem["text"]
    assert "0: 1024 x 768" in problem["text"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only X11 has displays by name")
@pytest.mark.parametrize("named", [None, "", ":4242"], ids=["unset", "empty", "dead"])
def test_a_missing_display_is_explained(play, named):
    problem = play("missing_screen", DISPLAY=named)
    assert problem["type"] == "WindowUnavailable"
    assert "DISPLAY" in problem["text"]
    assert "do:" in problem["text"]


def test_opening_a_window_leaves_environment_and_home_alone(play, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    result = play("environment", HOME=str(home))
    assert result["after"] == result["before"]
    assert result["files_in_home"] == []


def test_the_headless_screen_costs_no_psychopy():
    code = (
        "import sys, scc_task.present.headless as _; "
        "sys.exit(any(m.split('.')[0] in ('psychopy', 'pyglet', 'psychtoolbox') for m in sys.modules))"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def test_the_headless_screen_flips_on_the_clock_it_is_given():
    clock = VirtualClock(10.0)
    screen: Screen = HeadlessScreen(clock)
    assert screen.flip() == 10.0
    clock.sleep_until(12.5)
    assert screen.flip() == 12.5
    assert not screen.closed()
    assert screen.frame_s == 0.0


def test_no_keys_are_ever_pressed_where_there_are_none():
    keys: KeySource = NoKeys()
    assert list(keys.poll()) == []
    assert keys.next_due_s() is None
