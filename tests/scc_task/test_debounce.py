"""Real presses out of chatter: none lost, none invented, and every event accounted for."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from scc_task.debounce import BOUNCE, REPEAT, Debounce, Settled
from scc_task.ports import KeyEvent

BOUNCE_S = 0.010


def through(events: list[KeyEvent], *, tick_s: float = 0.005) -> list[Settled]:
    """Return what comes out when the filter is looked at as a run does, every few milliseconds."""
    debounce, out = Debounce(BOUNCE_S), []
    now_s = 0.0
    for event in events:
        while now_s + tick_s < event.time_s:
            now_s += tick_s
            out += debounce.due(now_s)
        out += debounce.take(event)
    out += debounce.due(float("inf"))
    return out


def counted(settled: list[Settled]) -> list[KeyEvent]:
    return [s.event for s in settled if s.dropped is None]


def test_a_press_counts_at_once() -> None:
    press = KeyEvent(1.0, "1", True)
    assert list(Debounce(BOUNCE_S).take(press)) == [Settled(press)]


def test_a_release_counts_once_it_has_lasted() -> None:
    debounce = Debounce(BOUNCE_S)
    list(debounce.take(KeyEvent(1.0, "1", True)))
    release = KeyEvent(1.2, "1", False)
    assert list(debounce.take(release)) == []
    assert list(debounce.due(1.209)) == []
    due_s = debounce.next_due_s()
    assert due_s is not None
    assert list(debounce.due(due_s)) == [Settled(release)]


def test_a_held_key_that_repeats_is_one_press() -> None:
    events = [KeyEvent(1.0 + n / 30, "1", True) for n in range(20)]
    assert counted(through([*events, KeyEvent(2.0, "1", False)])) == [
        events[0],
        KeyEvent(2.0, "1", False),
    ]


def test_a_held_key_that_repeats_with_releases_is_one_press() -> None:
    events = [KeyEvent(1.0, "1", True)]
    for n in range(1, 20):
        events += [KeyEvent(1.5 + n / 30, "1", False), KeyEvent(1.5 + n / 30 + 0.0005, "1", True)]
    events.append(KeyEvent(3.0, "1", False))
    assert counted(through(events)) == [events[0], events[-1]]


def test_what_was_dropped_says_why() -> None:
    events = [
        KeyEvent(1.000, "1", True),
        KeyEvent(1.002, "1", False),
        KeyEvent(1.003, "1", True),
        KeyEvent(1.033, "1", True),
    ]
    assert [s.dropped for s in through(events)] == [None, BOUNCE, BOUNCE, REPEAT]


def test_a_press_whose_release_was_lost_counts() -> None:
    events = [
        KeyEvent(1.0, "1", True),
        KeyEvent(1.5, "1", False, doubt="its release was never heard"),
        KeyEvent(1.5, "1", True),
        KeyEvent(1.6, "1", False),
    ]
    assert counted(through(events)) == events


@dataclass(frozen=True)
class Finger:
    """Presses of one button, in seconds, and everything that its contact sends."""

    real: list[tuple[float, float]]
    events: list[KeyEvent]


@st.composite
def fingers(draw: st.DrawFn, key: str) -> Finger:
    """Press at 20 Hz: down for 5 to 28 ms, each edge chattering for up to 6 ms, sometimes repeating."""
    real, events = [], []
    start_s = draw(st.floats(0.0, 0.05))
    for number in range(draw(st.integers(1, 25))):
        down_s = start_s + number * 0.05
        up_s = down_s + draw(st.floats(0.005, 0.028))
        real.append((down_s, up_s))
        for edge_s, down in ((down_s, True), (up_s, False)):
            events.append(KeyEvent(edge_s, key, down))
            room_s = min(0.006, up_s - down_s) if down else 0.006
            chatter = sorted(draw(st.lists(st.floats(1e-4, room_s * 0.99), max_size=3)))
            ends = [*chatter[1:], room_s * 0.995]
            for first, second in zip(chatter, ends, strict=False):
                events.append(KeyEvent(edge_s + first, key, not down))
                events.append(KeyEvent(edge_s + (first + second) / 2, key, down))
        if draw(st.booleans()):
            events.append(KeyEvent(up_s - 1e-6, key, True))
    events.sort(key=lambda event: event.time_s)
    return Finger(real, events)


@settings(max_examples=300, deadline=None)
@given(one=fingers("1"), other=fingers("2"), pulses=st.lists(st.floats(0.0, 1.3), max_size=5))
def test_presses_at_20_hz_with_chatter_and_repeats_are_neither_lost_nor_invented(
    one: Finger, other: Finger, pulses: list[float]
) -> None:
    typed = [KeyEvent(time_s, "5", True) for time_s in pulses]
    everything = sorted(one.events + other.events + typed, key=lambda event: event.time_s)
    answers = [event for event in everything if event.key != "5"]  # as `Hands` sorts them
    out = through(answers)
    for key, finger in (("1", one), ("2", other)):
        mine = [event for event in counted(out) if event.key == key]
        assert [event.down for event in mine] == [True, False] * len(finger.real)
        assert [event.time_s for event in mine if event.down] == [down for down, _ in finger.real]
        for event, (_, up_s) in zip(mine[1::2], finger.real, strict=True):
            assert -0.006 <= event.time_s - up_s <= 0.006


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.sampled_from("12"), st.booleans()), max_size=60))
def test_every_event_comes_out_once_and_presses_alternate_with_releases(
    raw: list[tuple[float, str, bool]],
) -> None:
    events = [KeyEvent(time_s, key, down) for time_s, key, down in sorted(raw)]
    out = through(events)
    assert sorted((s.event.time_s, s.event.key, s.event.down) for s in out) == sorted(
        (e.time_s, e.key, e.down) for e in events
    )
    for key in "12":
        downs = [e.down for e in counted(out) if e.key == key]
        assert downs == [n % 2 == 0 for n in range(len(downs))]
