"""Texts with the scanner's numbers in them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from protocol_files import PROTOCOLS

from hardware.clock import VirtualClock
from hardware.limits import Limits
from scc_task.errors import FilesInvalid
from scc_task.live_text import LiveText
from scc_task.plan.compile import compile_plan, unresolved
from scc_task.present.headless import HeadlessScreen
from scc_task.protocol.check import check_protocol
from scc_task.protocol.live_words import filled, is_live
from scc_task.pulse_watch import PulseWatch

SYNC_TEST = PROTOCOLS / "sync_test.yaml"


class WatchedScreen(HeadlessScreen):
    """Keeps what it was told to show."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        self.shown: list[dict[str, str]] = []

    def draw_live(self, key: str, values: Mapping[str, str]) -> None:
        self.shown.append({"key": key, **values})


def test_words_in_braces_are_filled_in_and_a_dash_stands_for_what_is_not_known_yet() -> None:
    text = "{volumes} of {planned}"
    assert is_live(text)
    assert not is_live("volumes")
    assert filled(text, {"volumes": "7"}) == "7 of -"


def test_a_word_that_nobody_fills_in_is_refused_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    english = (PROTOCOLS / "text" / "en.yaml").read_text("utf-8")
    text = tmp_path / "text" / "en.yaml"
    text.write_text(english.replace("{volumes}", "{volume}"), "utf-8")
    protocol = tmp_path / "sync_test.yaml"
    protocol.write_text(SYNC_TEST.read_text("utf-8"), "utf-8")
    with pytest.raises(FilesInvalid) as caught:
        check_protocol(protocol)
    (problem,) = caught.value.problems
    assert str(text) in problem.where
    assert "{volume}" in problem.what
    assert "{volumes}" in problem.do


def test_the_numbers_on_the_screen_follow_the_pulses() -> None:
    checked = check_protocol(SYNC_TEST)
    plan = compile_plan(
        checked.protocol.model, checked.texts.model, limits=Limits(), seed=0, resolve=unresolved
    )
    screen = WatchedScreen()
    scanner = PulseWatch(
        plan.scanner,
        publish=lambda document: None,
        note=lambda code, words, time_s: None,
        lost=lambda words: None,
    )
    live = LiveText(plan, screen=screen, scanner=scanner)
    scanner.pulse(100.0)
    live.refresh()
    assert screen.shown == []  # nothing of the kind is on the screen yet
    live.begin(plan.steps[0])
    live.refresh()
    live.refresh()
    assert len(screen.shown) == 1  # drawn once for each piece of news
    for time_s in (101.0, 101.02, 103.001):
        scanner.look(time_s)
        scanner.pulse(time_s)
        live.refresh()
    last = screen.shown[-1]
    assert (last["volumes"], last["planned"]) == ("3", "300")
    assert (last["missed"], last["extra"], last["bounced"]) == ("1", "0", "1")
    assert last["interval_s"] == "2.001"
