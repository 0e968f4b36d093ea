"""Bytes of a button box as presses and releases: judged on when they came, not on when somebody looked."""

import pytest

from hardware.button_box import LOOK_S, Arrival
from hardware.clock import VirtualClock
from scc_task.buttons import DEAF_S, STALL_S, SerialButtons
from scc_task.ports import KeyEvent

WINDOW_S = 0.06


class Box:
    """Bytes at known times; the clock goes along, and the thread listens, unless it is deaf."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.start_s = self.clock.now_s()
        self.bytes: list[Arrival] = []
        self.lost_s: float | None = None
        self.deaf_from_s: float | None = None

    @property
    def listened_s(self) -> float:
        now_s = self.clock.now_s()
        return now_s if self.deaf_from_s is None else self.start_s + self.deaf_from_s

    def poll(self) -> list[Arrival]:
        found, self.bytes = self.bytes, []
        return found

    def close(self) -> None:
        pass

    def send(self, at_s: float, text: str, *, late_s: float = 0.0) -> None:
        self.wait(at_s)
        self.bytes += [Arrival(self.start_s + at_s, ord(sign), late_s) for sign in text]

    def hold(self, sign: str, from_s: float, to_s: float, every_s: float = 1 / 30) -> None:
        for number in range(round((to_s - from_s) / every_s) + 1):
            self.send(from_s + number * every_s, sign)

    def wait(self, until_s: float) -> None:
        self.clock.sleep_until(self.start_s + until_s)


@pytest.fixture
def box() -> Box:
    return Box()


def buttons(
    box: Box, *, grip: str | None = None, repeats: bool = True, **release: str
) -> SerialButtons:
    said = {key.removeprefix("b"): after for key, after in release.items()}
    window_s = WINDOW_S if repeats else 0.026
    return SerialButtons(
        box, box.clock, release=said, grip=grip, window_s=window_s, repeats=repeats
    )


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


def test_presses_at_20_hz_stay_presses_where_the_box_never_repeats(box: Box) -> None:
    keys, found = buttons(box, repeats=False), []
    for number in range(20):
        box.send(1.0 + number * 0.05, "1")
        found += keys.poll()
    assert sum(event.down for event in found) == 20


def test_a_button_that_is_not_named_is_passed_on_too(box: Box) -> None:
    keys = buttons(box)
    box.send(1.0, "z")
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_z", True)]


# -- a release that was lost


def test_a_second_press_without_a_release_is_a_press_and_says_so(box: Box) -> None:
    keys = buttons(box, b1="A")
    box.send(1.0, "1")
    box.send(1.5, "1")
    box.send(1.6, "A")
    found = [*keys.poll()]
    assert shown(box, found) == [
        (1.0, "serial_1", True),
        (1.5, "serial_1", False),
        (1.5, "serial_1", True),
        (1.6, "serial_1", False),
    ]
    assert [bool(event.doubt) for event in found] == [False, True, False, False]


def test_a_held_button_that_repeats_has_lost_no_release(box: Box) -> None:
    keys = buttons(box, b1="A")
    box.hold("1", 1.0, 2.0)
    assert not [event for event in keys.poll() if not event.down]


def test_a_box_that_never_repeats_loses_no_press_at_20_hz_with_its_releases(box: Box) -> None:
    keys = buttons(box, repeats=False, b1="A")
    for number in range(20):
        box.send(1.0 + number * 0.05, "1")
    found = [*keys.poll()]
    assert [event.down for event in found] == [True, *[False, True] * 19]


# -- a grip


def test_a_grip_that_is_not_repeated_was_let_go(box: Box) -> None:
    keys, found = buttons(box, grip="g"), []
    for number in range(10):
        box.send(1.0 + number * 0.03, "g")
        found += keys.poll()
    box.wait(1.325)
    assert shown(box, found) == [(1.0, "serial_g", True)]
    assert not keys.poll()
    box.wait(1.34)
    assert shown(box, [*keys.poll()]) == [(1.33, "serial_g", False)]


def test_a_grip_is_let_go_at_once_where_the_box_says_so(box: Box) -> None:
    keys = buttons(box, grip="g", bg="G")
    box.send(1.0, "g")
    box.send(1.02, "G")
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_g", True), (1.02, "serial_g", False)]


def test_a_run_that_stalled_makes_no_release_of_a_grip_that_is_held(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 6.0)
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_g", True)]


def test_a_run_that_stalled_hides_no_release_however_short(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    box.hold("g", 2.0 + WINDOW_S + 0.001, 6.0)
    assert shown(box, [*keys.poll()]) == [
        (1.0, "serial_g", True),
        (2.06, "serial_g", False),
        (2.061, "serial_g", True),
    ]


def test_what_the_thread_has_not_heard_yet_is_no_silence(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    box.deaf_from_s = 2.0
    box.wait(2.0 + STALL_S - 0.001)
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_g", True)]


def test_bytes_that_the_thread_was_late_to_take_are_no_silence(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    box.send(2.15, "gggg", late_s=0.14)
    assert shown(box, [*keys.poll()]) == [(1.0, "serial_g", True)]


def test_a_grip_that_nobody_listened_to_was_let_go(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    box.send(2.5, "gggg", late_s=0.49)
    found = [*keys.poll()]
    assert shown(box, found) == [
        (1.0, "serial_g", True),
        (2.5, "serial_g", False),
        (2.5, "serial_g", True),
    ]
    assert "was not heard for 0.49 s" in found[1].doubt


def test_a_thread_that_stands_still_lets_go_of_the_grip(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    keys.poll()
    box.deaf_from_s = 2.0
    box.wait(2.0 + STALL_S + 0.001)
    (let_go,) = keys.poll()
    assert (let_go.key, let_go.down) == ("serial_g", False)
    assert not keys.poll()


def test_a_dead_port_lets_go_of_the_grip(box: Box) -> None:
    keys = buttons(box, grip="g")
    box.hold("g", 1.0, 2.0)
    keys.poll()
    box.lost_s = box.start_s + 2.0
    assert shown(box, [*keys.poll()]) == [(2.0, "serial_lost", True), (2.0, "serial_g", False)]


# -- a box that is gone


def test_a_box_that_goes_away_says_so_once(box: Box) -> None:
    keys = buttons(box)
    box.lost_s = box.start_s
    assert [event.key for event in keys.poll()] == ["serial_lost"]
    assert not keys.poll()


def test_a_thread_that_stands_still_for_long_is_gone_and_the_stop_with_it(box: Box) -> None:
    keys, found = buttons(box), []
    box.deaf_from_s = 0.0
    for number in range(round((DEAF_S + 0.2) / LOOK_S)):
        box.wait(number * LOOK_S)
        found += keys.poll()
    assert [event.key for event in found] == ["serial_lost"]


def test_a_run_that_stalled_with_its_thread_has_lost_no_box(box: Box) -> None:
    keys = buttons(box)
    box.deaf_from_s = 0.0
    for until_s in (0.01, 5.0):
        box.wait(until_s)
        assert not keys.poll()
    box.deaf_from_s = 5.0
    assert not keys.poll()
