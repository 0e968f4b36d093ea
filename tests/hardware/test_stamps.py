"""Time stamps of pulses that cannot be true, or may be late, and listeners that must not die in silence."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from hardware.clock import RealClock, VirtualClock
from hardware.lsl_clock import lsl_library
from hardware.triggers import Stamp, Stamps, checked
from hardware.triggers.listening import WAIT_S, HoldUps, Listening
from hardware.triggers.lsl import LslPulses

NAMES = (f"scc-test-stamps-{os.getpid()}-{number}" for number in count())
GENEROUS_S = 20.0


@pytest.fixture
def name() -> str:
    return next(NAMES)  # the stream of the test before may still answer


@pytest.fixture
def outlet(name: str) -> Any:
    lsl = lsl_library()
    return lsl.StreamOutlet(lsl.StreamInfo(name, "Markers", 1, lsl.IRREGULAR_RATE, "string", "box"))


@pytest.fixture
def source(name: str, outlet: Any) -> Iterator[LslPulses]:
    assert outlet is not None
    listening = LslPulses(name, marker="volume", clock=RealClock())
    yield listening
    listening.close()


def heard(source: LslPulses) -> Stamp:
    found: list[float] = []
    until(lambda: bool(found.extend(source.poll()) or found))
    return Stamp.of(found[0])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def test_a_marker_of_a_sender_on_another_clock_counts_by_its_arrival_and_is_doubted(
    outlet: Any, source: LslPulses
) -> None:
    lsl = lsl_library()
    for stamp_s, words in (
        (lsl.local_clock() - 20.0, "s before it arrived"),
        (lsl.local_clock() + 20.0, "s in the future"),
        (time.time(), "s in the future"),
    ):
        before_s = time.monotonic()
        outlet.push_sample(["volume"], stamp_s)
        stamp = heard(source)
        assert before_s <= stamp <= time.monotonic()
        assert "the sender's clock is not LSL's" in stamp.doubt
        assert words in stamp.doubt


def test_a_marker_on_lsls_clock_keeps_its_senders_stamp(outlet: Any, source: LslPulses) -> None:
    before_s = time.monotonic()
    outlet.push_sample(["volume"])
    stamp = heard(source)
    assert stamp.doubt == ""
    assert stamp >= before_s - 0.002  # LSL compares clocks to within a millisecond


def test_a_marker_that_is_not_utf_8_is_a_stranger_and_listening_goes_on(
    outlet: Any, source: LslPulses
) -> None:
    latin = (ctypes.c_char_p * 1)(b"volum\xe9")
    library = pytest.importorskip("pylsl.lib").lib
    library.lsl_push_sample_strtp(outlet.obj, latin, ctypes.c_double(0.0), ctypes.c_int(1))
    until(lambda: source.strangers() == {"a marker that is not UTF-8": 1})
    outlet.push_sample(["volume"])
    assert heard(source) > 0.0
    assert source.problem() is None


class Broken(Listening):
    def __init__(self) -> None:
        super().__init__(RealClock())
        self._thread.start()

    def _listen(self) -> str | None:
        raise ZeroDivisionError("of all things")

    def stamps(self) -> Stamps:
        raise NotImplementedError


def test_whatever_ends_a_listening_thread_is_said() -> None:
    source = Broken()
    until(lambda: source.problem() is not None)
    assert "ZeroDivisionError: of all things" in str(source.problem())


@pytest.mark.parametrize(
    ("time_s", "believed"),
    [(99.7, True), (100.0, True), (100.001, True), (100.3, False), (98.0, False), (1e9, False)],
)
def test_a_stamp_in_the_future_or_long_before_the_last_look_is_replaced(
    time_s: float, believed: bool
) -> None:
    stamp = checked(time_s, looked_s=99.9, now_s=100.0)
    assert stamp == (time_s if believed else 100.0)
    assert bool(stamp.doubt) is not believed


def test_an_old_stamp_is_true_where_nobody_looked_for_long() -> None:
    assert checked(90.0, looked_s=89.0, now_s=100.0) == 90.0
    assert checked(90.0, looked_s=None, now_s=100.0).doubt == ""


def test_a_thread_that_was_held_up_says_by_how_much_its_stamps_may_be_late() -> None:
    clock = VirtualClock()
    hold_ups = HoldUps(clock.now_s())
    late_s = []
    for wait_s in (WAIT_S, 0.03, 3.0, 0.001, WAIT_S):
        clock.sleep_until(clock.now_s() + wait_s)
        late_s.append(hold_ups.late_s(clock.now_s()))
    # what came while the stamp was waited for is found by the look after that
    assert late_s == pytest.approx([0.0, 0.0, 3.0, 3.0, 0.0])
