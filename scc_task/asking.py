"""The scale that is on the screen: asked with a step, answered by the hands, published at its end."""

from collections.abc import Callable

from scc_task.documents import Confirmed, Rating, Subscriber, Tracked
from scc_task.plan.steps import Plan, Step, StepKind
from scc_task.ports import KeyEvent, Screen
from scc_task.rating import MarkerMotion, RatingSlot
from scc_task.responses import Action


class Asking:
    """At most one scale at a time.

    A scale of its own step is confirmed, which is published at once, and ends in a `Rating`. One that is
    shown while the cuff is inflated stays free to the end; every move of its marker is published as it
    comes.

    Parameters
    ----------
    note
        Tells the operator of a confirmation that came too soon to count: with code, words and time.
    look_at_keys
        Takes in what was pressed: a confirmation from before the end still counts.
    """

    def __init__(
        self,
        plan: Plan,
        motion: MarkerMotion,
        *,
        screen: Screen,
        publish: Subscriber,
        note: Callable[[str, str, float], None],
        look_at_keys: Callable[[], None],
    ) -> None:
        self._plan, self._motion, self._screen = plan, motion, screen
        self._publish, self._note, self._look_at_keys = publish, note, look_at_keys
        self._asked: tuple[Step, RatingSlot] | None = None
        self._drawn: tuple[int, bool] | None = None
        self._tracked = 0

    @property
    def busy(self) -> bool:
        """Return whether a scale is shown."""
        return self._asked is not None

    def begin(self, step: Step, scale_name: str, flip_s: float) -> None:
        """Begin with the scale of a step, which appeared at ``flip_s``."""
        scale = self._plan.scale(scale_name)
        slot = RatingSlot(
            self._motion,
            flip_s=flip_s,
            start=self._plan.marker_start(step),
            lowest=scale.lowest,
            highest=scale.highest,
            confirms=step.kind is not StepKind.INFLATE,
        )
        self._asked, self._drawn, self._tracked = (step, slot), None, 0
        self._track()

    def answer(self, action: Action, event: KeyEvent) -> None:
        """Take what the hands do."""
        if self._asked is None:
            return
        step, slot = self._asked
        if action is Action.MOVE:
            slot.point(event.moved, event.time_s)
            return
        before = slot.rating
        if slot.too_soon(action, down=event.down, time_s=event.time_s):
            self._tell_too_soon(step, event.time_s, slot.flip_s)
        slot.key(action, down=event.down, time_s=event.time_s)
        if before is None and slot.rating is not None:
            self._publish(Confirmed(time_s=event.time_s, step=step.number, rating=slot.rating))

    def _tell_too_soon(self, step: Step, time_s: float, flip_s: float) -> None:
        off_ms = (time_s - flip_s) * 1000
        words = (
            f"step {step.number}: '{step.scale}' was confirmed {abs(off_ms):.0f} ms "
            f"{'before' if off_ms < 0 else 'after'} it appeared: too soon, it does not count, and was "
            "perhaps meant for the scale before"
        )
        self._note("confirmed_too_soon", words, time_s)

    def refresh(self, now_s: float) -> None:
        """Show the marker where it is now."""
        if self._asked is None:
            return
        step, slot = self._asked
        picture = slot.sample(now_s), slot.rating is not None
        self._track()
        if picture != self._drawn:
            self._drawn = picture
            self._screen.draw_rating(step, position=picture[0], confirmed=picture[1])
            self._screen.flip()

    def end(self, end_s: float) -> None:
        """Publish what came of it."""
        if self._asked is None:
            return
        self._look_at_keys()
        step, slot = self._asked
        last_position = slot.sample(end_s)
        self._track()
        self._asked = None
        if step.kind is StepKind.INFLATE:
            self._publish(Tracked(time_s=end_s, step=step.number, position=None))
            return
        self._publish(
            Rating(
                step=step.number,
                scale=str(step.scale),
                flip_s=slot.flip_s,
                end_s=end_s,
                rating=slot.rating,
                last_position=last_position,
                moved=slot.moved,
                response_time_s=slot.response_time_s,
                trace=slot.trace,
            )
        )

    def _track(self) -> None:
        """Publish where the marker has been while the cuff is inflated: a killed run keeps it."""
        if self._asked is None or self._asked[0].kind is not StepKind.INFLATE:
            return
        step, slot = self._asked
        for moved_s, position in slot.trace[self._tracked :]:
            self._publish(
                Tracked(time_s=slot.flip_s + moved_s, step=step.number, position=position)
            )
        self._tracked = len(slot.trace)
