"""Texts with the scanner's numbers in them, kept up to date while they are shown."""

from scc_task.documents import PulseKind
from scc_task.plan.steps import Plan, Step
from scc_task.ports import Screen
from scc_task.protocol.live_words import is_live
from scc_task.pulse_watch import PulseWatch


class LiveText:
    """The text on the screen, if it has numbers that change."""

    def __init__(self, plan: Plan, *, screen: Screen, scanner: PulseWatch) -> None:
        self._plan, self._screen, self._scanner = plan, screen, scanner
        self._live = {key for key, text in plan.texts if is_live(text)}
        self._key: str | None = None
        self._shown = -1

    def begin(self, step: Step) -> None:
        """Take what a step has just begun to show."""
        self._key = step.text if step.text in self._live else None
        self._shown = -1

    def refresh(self) -> None:
        """Show the numbers as they are now, if they have changed."""
        seen = self._scanner.told
        if self._key is None or seen == self._shown:
            return
        self._shown = seen
        self._screen.draw_live(self._key, self.values())
        self._screen.flip()

    def values(self) -> dict[str, str]:
        """Return the numbers by the words that stand for them."""
        counts, plan = self._scanner.counts, self._plan.scanner
        found = {
            "volumes": str(counts[PulseKind.VOLUME]),
            "planned": str(plan.volumes),
            "tr_s": f"{plan.tr_s:.3f}",
            "missed": str(self._scanner.missed),
            "extra": str(counts[PulseKind.EXTRA]),
            "bounced": str(counts[PulseKind.BOUNCE]),
        }
        if self._scanner.interval_s is not None:
            found["interval_s"] = f"{self._scanner.interval_s:.3f}"
        return found
