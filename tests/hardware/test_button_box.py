"""A serial button box on a real pseudo-terminal, and the emulated one that stands in for it."""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import IO

import pytest

from hardware.button_box import LOOK_S, Arrival, ButtonBox, Looks
from hardware.clock import RealClock
from hardware.sim.adapter import SlowAdapter
from hardware.sim.buttons import EmulatedButtons

GENEROUS_S = 20.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_bytes_come_with_their_times_and_a_port_that_goes_away_is_noticed() -> None:
    clock = RealClock()
    master, slave = os.openpty()
    box = ButtonBox(os.ttyname(slave), baud=115200, clock=clock)
    try:
        before_s = clock.now_s()
        os.write(master, b"1A")
        found: list[Arrival] = []
        until(lambda: found.extend(box.poll()) or len(found) == 2)
        assert bytes(arrival.value for arrival in found) == b"1A"
        assert all(before_s <= arrival.time_s <= clock.now_s() for arrival in found)
        until(lambda: box.listened_s > found[-1].time_s)
        assert box.lost_s is None
        os.close(master)
        until(lambda: box.lost_s is not None)
    finally:
        box.close()
        os.close(slave)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_for_whatever_reason_is_a_lost_box(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = os.openpty()
    box = ButtonBox(os.ttyname(slave), baud=115200, clock=RealClock())
    try:
        monkeypatch.setattr(box._wire, "read", lambda *, wait_s: 1 / 0)
        until(lambda: box.lost_s is not None)
    finally:
        box.close()
        os.close(slave)
        os.close(master)


def test_a_byte_is_stamped_when_it_was_taken_and_says_by_how_much_that_may_be_late() -> None:
    looks = Looks(1.0)
    assert looks.take(1.0, 1.005, b"a") == [Arrival(1.005, ord("a"), 0.0)]
    (late,) = looks.take(1.005, 1.005 + LOOK_S + 0.3, b"b")
    assert late.late_s == pytest.approx(0.3)
    # what came while that look waited for its stamp is found by the next one
    (after,) = looks.take(1.32, 1.321, b"c")
    assert after.late_s == pytest.approx(0.3)
    assert looks.take(1.325, 1.326, b"d")[0].late_s == 0.0


def test_silence_is_known_up_to_where_a_look_began_that_found_nothing() -> None:
    looks = Looks(1.0)
    looks.take(1.0, 1.01, b"")
    assert looks.until_s == 1.0
    looks.take(1.01, 1.02, b"")
    assert looks.until_s == 1.01


def emulated(log: IO[str] | None = None, **changes: object) -> EmulatedButtons:
    settings: dict[str, object] = {"release": {}, "repeat_s": None, "bounces": 0, "seed": 1}
    return EmulatedButtons(**{**settings, **changes}, log=log)  # type: ignore[arg-type]


def test_a_tap_sends_press_and_release_and_the_log_says_so() -> None:
    log = io.StringIO()
    box = emulated(log, release={"1": "A"})
    box.order("tap 1")
    assert box.advance(10.0) == b"1A"
    assert [json.loads(line)["what"] for line in log.getvalue().splitlines()] == ["1", "A"]


def test_a_held_button_repeats_until_it_is_let_go() -> None:
    box = emulated(repeat_s=0.1)
    box.order("down g")
    sent = [box.advance(10.0 + n * 0.05) for n in range(9)]
    assert b"".join(sent).count(b"g") == 5
    box.order("up g")
    assert box.advance(11.0) == b""
    assert box.next_due_s() is None


def test_a_slow_adapter_passes_bytes_on_at_the_ticks_of_its_timer() -> None:
    box = emulated(release={"1": "A"})
    adapter = SlowAdapter(box, timer_s=0.016)
    box.order("tap 1")
    assert adapter.advance(10.0 * 0.016 + 0.001) == b""
    assert adapter.next_due_s() == pytest.approx(11 * 0.016)
    assert adapter.advance(11 * 0.016) == b"1A"
    assert adapter.next_due_s() is None
    assert adapter.advance(12 * 0.016) == b""


def test_a_chattering_contact_sends_more_than_one_byte() -> None:
    box = emulated(bounces=2)
    box.order("down 1")
    assert box.advance(10.0) + box.advance(10.01) == b"111"
