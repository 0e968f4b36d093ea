"""What is pressed, held and let go: answers are filtered, stops never are, everything is on record."""

from scc_task.documents import Document, Key, Note
from scc_task.hands import Hands
from scc_task.ports import KeyEvent
from scc_task.responses import Action, key_map


class Bench:
    """Hands with a rig's keys, and what came of them."""

    def __init__(self, *, grip: str | None = None) -> None:
        keys = key_map(
            left=("1",),
            right=("2",),
            confirm=("3",),
            stop=("4",),
            trigger="5",
            grip=grip,
            bounce_s=0.01,
        )
        self.documents: list[Document] = []
        self.stops: list[tuple[str, str]] = []
        self.answers: list[tuple[Action, bool]] = []
        self.hands = Hands(
            keys,
            publish=self.documents.append,
            request=lambda reason, detail: self.stops.append((reason, detail)),
        )
        self.hands.answer = lambda action, event: self.answers.append((action, event.down))

    def take(self, time_s: float, key: str, *, down: bool) -> None:
        self.hands.take(KeyEvent(time_s, key, down))


def test_a_bounce_is_no_answer_and_is_on_record() -> None:
    bench = Bench()
    for time_s, down in ((1.0, True), (1.002, False), (1.004, True), (1.2, False)):
        bench.take(time_s, "1", down=down)
    bench.hands.settle(1.21)
    assert bench.answers == [(Action.LEFT, True), (Action.LEFT, False)]
    keys = [d for d in bench.documents if isinstance(d, Key)]
    assert [(k.time_s, k.dropped) for k in keys] == [
        (1.0, None),
        (1.002, "bounce"),
        (1.004, "bounce"),
        (1.2, None),
    ]


def test_a_release_that_was_lost_is_noted_and_the_next_press_is_an_answer() -> None:
    bench = Bench()
    bench.take(1.0, "1", down=True)
    bench.hands.take(KeyEvent(1.5, "1", False, doubt="its release was never heard"))
    bench.take(1.5, "1", down=True)
    assert bench.answers == [(Action.LEFT, True), (Action.LEFT, False), (Action.LEFT, True)]
    (note,) = [d for d in bench.documents if isinstance(d, Note)]
    assert (note.code, note.message) == ("buttons", "button 1: its release was never heard")


def test_a_grip_that_nobody_could_hear_stops_the_run_and_says_why() -> None:
    bench = Bench(grip="g")
    bench.take(1.0, "g", down=True)
    bench.hands.guard(1.5)
    bench.hands.take(KeyEvent(2.0, "g", False, doubt="its port was not heard for 0.30 s"))
    assert bench.stops == [("participant", "the grip: its port was not heard for 0.30 s")]


def test_a_stop_waits_for_no_filter() -> None:
    bench = Bench()
    for time_s, down in ((1.0, True), (1.001, False), (1.002, True)):
        bench.take(time_s, "4", down=down)
    assert [reason for reason, _ in bench.stops] == ["participant", "participant"]


def test_lost_buttons_are_a_stop() -> None:
    bench = Bench()
    bench.take(1.0, "serial_lost", down=True)
    assert bench.stops[0][0] == "participant"
    assert "gone" in bench.stops[0][1]


def test_a_grip_stops_the_run_only_once_it_is_guarded() -> None:
    bench = Bench(grip="g")
    assert not bench.hands.gripped
    bench.take(1.0, "g", down=True)
    bench.take(2.0, "g", down=False)
    bench.take(3.0, "g", down=True)
    assert not bench.stops
    bench.hands.guard(3.5)
    assert not bench.stops
    bench.take(4.0, "g", down=False)
    assert bench.stops == [("participant", "the participant let go of the grip")]


def test_a_run_that_begins_with_nobody_at_the_grip_stops() -> None:
    bench = Bench(grip="g")
    bench.hands.guard(1.0)
    assert [reason for reason, _ in bench.stops] == ["participant"]


def test_without_a_grip_nothing_has_to_be_held() -> None:
    bench = Bench()
    bench.hands.guard(1.0)
    assert bench.hands.gripped
    assert not bench.stops


def test_a_trackball_is_an_answer_and_its_way_is_on_record() -> None:
    bench = Bench()
    bench.hands.take(KeyEvent(1.0, "pointer", False, 0.25))
    assert bench.answers == [(Action.MOVE, False)]
    (key,) = bench.documents
    assert isinstance(key, Key)
    assert key.moved == 0.25
