"""The participant's hands: answers are freed of chatter, a stop and a grip let go are obeyed at once."""

from collections.abc import Callable

from hardware.states import StopReason
from scc_task.debounce import Debounce, Settled
from scc_task.documents import Key, Note, Subscriber
from scc_task.ports import KeyEvent, RequestStop
from scc_task.responses import ANSWERS, Action, KeyMap

Answer = Callable[[Action, KeyEvent], None]
"""Takes the presses, releases and movements that may be answers."""

STOPS = {
    Action.ESCAPE: (StopReason.OPERATOR, "Esc was pressed"),
    Action.STOP: (StopReason.PARTICIPANT, "the participant pressed the stop key"),
    Action.LOST: (
        StopReason.PARTICIPANT,
        "the port of the participant's buttons is gone, and the participant's stop with it",
    ),
}
"""What stops a run whenever it comes."""


class Hands:
    """Everything that is pressed, held and moved, by the participant or the operator.

    Every event is published, also what does not count.

    Attributes
    ----------
    gripped
        Whether the participant holds on; always, where the rig has no grip.
    guarded
        From when on letting go stops the run.
    """

    def __init__(self, key_map: KeyMap, *, publish: Subscriber, request: RequestStop) -> None:
        self._key_map, self._publish, self._request = key_map, publish, request
        self._debounce = Debounce(key_map.bounce_s)
        self.answer: Answer | None = None
        self.gripped = not key_map.has_grip
        self.guarded = False

    def take(self, event: KeyEvent) -> None:
        """Take one event."""
        action = self._key_map.action(event.key)
        if action in STOPS and event.down:
            self._request(*STOPS[action])
        if event.doubt:
            words = f"button {event.key}: {event.doubt}"
            self._publish(Note(time_s=event.time_s, code="buttons", message=words))
        if action is Action.GRIP:
            self._grip(event)
        if action in ANSWERS:
            for settled in self._debounce.take(event):
                self._settled(settled)
            return
        self._note(event, action, None)
        if action is Action.MOVE and self.answer is not None:
            self.answer(action, event)

    def _grip(self, event: KeyEvent) -> None:
        self.gripped = event.down
        if self.guarded and not event.down:
            words = (
                f"the grip: {event.doubt}" if event.doubt else "the participant let go of the grip"
            )
            self._request(StopReason.PARTICIPANT, words)

    def guard(self, now_s: float) -> None:
        """Stop the run from now on when the participant lets go, or at once if nobody holds on."""
        self.guarded = True
        if not self.gripped:
            self._publish(Note(time_s=now_s, code="grip", message="nobody holds the grip"))
            self._request(
                StopReason.PARTICIPANT, "the participant did not hold the grip when the run began"
            )

    def settle(self, now_s: float) -> None:
        """Let releases count that have lasted long enough."""
        for settled in self._debounce.due(now_s):
            self._settled(settled)

    def next_due_s(self) -> float | None:
        """Return when a release is due to count."""
        return self._debounce.next_due_s()

    def _settled(self, settled: Settled) -> None:
        event, action = settled.event, self._key_map.action(settled.event.key)
        self._note(event, action, settled.dropped)
        if settled.dropped is None and action is not None and self.answer is not None:
            self.answer(action, event)

    def _note(self, event: KeyEvent, action: Action | None, dropped: str | None) -> None:
        self._publish(
            Key(
                time_s=event.time_s,
                key=event.key,
                down=event.down,
                action=action,
                dropped=dropped,
                moved=event.moved,
            )
        )
