"""Bytes of a button box as presses and releases."""

import pytest

from hardware.clock import VirtualClock
from scc_task.buttons import SerialButtons
from scc_task.ports import KeyEvent


class Box:
    """Bytes at known times; the clock goes along."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.start_s = self.clock.now_s()
        self.bytes: list[tuple[float, int]] = []
        self.lost_s: float | None = None

    def poll(self) -> list[tuple[float, int]]:
        found, self.bytes = self.bytes, []
        return found

    def close(self) -> None:
        pass

    def send(self, at_s: float, text: str) -> None:
        self.clock.sleep_until(self.start_s + at_s)
        self.bytes += [(self.start_s + at_s, ord(sign)) for sign in text]

    def wait(self, until_s: float) -> None:
        self.clock.sleep_until(self.start_s + until_s)


@pytest.fixture
def box() -> Box:
    return Box()


def buttons(box: Box, *, grip: str | None = None, **release: str) -> SerialButtons:
    said = {key.removeprefix("b"): after for key, after in release.items()}
    return SerialButtons(box, box.clock, release=said, grip=grip, repeat_s=0.04)


def shown(box: Box, events: list[KeyEvent]) -> list[tuple[float, str, bool]]:
    return [(round(e.time_s - box.start_s, 3), e.key, e.down) for e in events]


def test_a_box_that_says_releases_is_down_from_one_to_the_other(box: Box) -> None:
    keys = buttons(box, b1="A")
    box.send(1.0, "1")
    found = [*keys.poll()]
    box.send(1.7, "A")
    found += keys.poll()
    assert shown(box, found) == [(1.0, "serial_1", True), (1.7, "serial_1", False)]


def test_a_byte_alone_is_a_press_without_a_length(box: Box) -> None:
    keys = buttons(box)
    box.send(1.0, "1")
    found = [*keys.poll()]
    box.wait(1.1)
    found += keys.poll()
    assert shown(box, found) == [(1.0, "serial_1", True), (1.0, "serial_1", False)]


def test_a_byte_that_comes_again_and_again_is_one_long_press(box: Box) -> None:
    keys, found = buttons(box), []
    for number in range(30):
        box.send(1.0 + number / 30, "1")
        found += keys.poll()
    box.wait(3.0)
    found += keys.poll()
    assert shown(box, found) == [(1.0, "serial_1", True), (1.967, "serial_1", False)]


def test_presses_at_20_hz_stay_presses(box: Box) -> None:
    keys, found = buttons(box), []
    for number in range(20):
        box.send(1.0 + number * 0.05, "1")
        found += keys.poll()
    assert sum(event.down for event in found) == 20


def test_a_button_that_is_not_named_is_passed_on_too(box: Box) -> None:
    keys = buttons(box)
    box.send(1.0, "z")
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_z", True)]


def test_a_grip_that_is_not_repeated_was_let_go(box: Box) -> None:
    keys, found = buttons(box, grip="g"), []
    for number in range(10):
        box.send(1.0 + number * 0.03, "g")
        found += keys.poll()
    box.wait(1.305)
    assert shown(box, found) == [(1.0, "serial_g", True)]
    assert not keys.poll()
    box.wait(1.32)
    assert shown(box, [*keys.poll()]) == [(1.31, "serial_g", False)]


def test_a_grip_is_let_go_at_once_where_the_box_says_so(box: Box) -> None:
    keys = buttons(box, grip="g", bg="G")
    box.send(1.0, "g")
    box.send(1.02, "G")
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_g", True), (1.02, "serial_g", False)]


def test_a_box_that_goes_away_says_so_once(box: Box) -> None:
    keys = buttons(box)
    box.lost_s = box.start_s
    assert [event.key for event in keys.poll()] == ["serial_lost"]
    assert not keys.poll()
