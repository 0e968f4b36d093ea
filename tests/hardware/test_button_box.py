"""A serial button box on a real pseudo-terminal, and the emulated one that stands in for it."""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import IO

import pytest

from hardware.button_box import ButtonBox
from hardware.clock import RealClock
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
        found: list[tuple[float, int]] = []
        until(lambda: found.extend(box.poll()) or len(found) == 2)
        assert bytes(value for _, value in found) == b"1A"
        assert all(before_s <= time_s <= clock.now_s() for time_s, _ in found)
        assert box.lost_s is None
        os.close(master)
        until(lambda: box.lost_s is not None)
    finally:
        box.close()
        os.close(slave)


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


def test_a_chattering_contact_sends_more_than_one_byte() -> None:
    box = emulated(bounces=2)
    box.order("down 1")
    assert box.advance(10.0) + box.advance(10.01) == b"111"
