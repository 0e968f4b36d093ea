"""What the pulse counter tells besides the pulses, and whether it speaks against time zero. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scc_task.documents import PulseKind

RESTARTED: Final = "restarted"
"""Code of a new start before time zero: what was counted and doubted before it does not count."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the operator has to know. ``doubt``: time zero may be wrong because of it."""

    time_s: float
    code: str
    message: str
    doubt: bool = False
    missed: int = 0


class Findings:
    """What has been found and was not fetched yet."""

    def __init__(self) -> None:
        self._waiting: list[Finding] = []
        self._told: set[str] = set()

    def fetch(self) -> list[Finding]:
        """Return what has been found since the last call."""
        found, self._waiting = self._waiting, []
        return found

    def restarted(self, time_s: float, quiet_s: float) -> None:
        """Tell of a new start, after which everything may be told once more."""
        self._told.clear()
        words = (
            f"no pulse for {quiet_s:.1f} s: counted as a new start; what came before does not count, nor "
            "what was doubted then"
        )
        self.say(time_s, RESTARTED, words)

    def missed(self, number: int, count: int, time_s: float) -> None:
        """Tell of pulses that did not come."""
        last = f" to {number + count - 1}" if count > 1 else ""
        words = f"no pulse for {_what(number)}{last}"
        self._waiting.append(Finding(time_s, "pulses_missed", words, missed=count))

    def late(self, number: int, off_s: float, time_s: float) -> None:
        """Tell of the first stamp that came after its place."""
        words = (
            f"the pulse of {_what(number)} was stamped {off_s * 1000:.0f} ms late: this computer was late, "
            "or the pulse was lost and something else came; it counts there, and as not sure"
        )
        self.once(time_s, "pulse_late", words)

    def first_of(self, time_s: float, kind: PulseKind) -> None:
        """Tell of the first pulse that does not count."""
        if kind is PulseKind.BOUNCE:
            words = (
                "a pulse came twice within 50 ms: the contact bounces; only the first one counts"
            )
        else:
            words = "a pulse came between the scanner's: it is not counted"
        self.once(time_s, f"pulse_{kind}", words)

    def say(self, time_s: float, code: str, message: str) -> None:
        """Tell of something, each time."""
        self._waiting.append(Finding(time_s, code, message))

    def once(self, time_s: float, code: str, message: str, *, doubt: bool = False) -> None:
        """Tell of something the first time."""
        if code not in self._told:
            self._told.add(code)
            self._waiting.append(Finding(time_s, code, message, doubt))

    def doubt(self, time_s: float, code: str, message: str) -> None:
        """Tell the first time of something that speaks against time zero."""
        self.once(time_s, code, message, doubt=True)


def _what(number: int) -> str:
    return f"{'volume' if number >= 0 else 'dummy'} {number}"


def standing_doubts(found: Iterable[Finding]) -> list[str]:
    """Return the doubts since the last new start, in words."""
    doubts: list[str] = []
    for finding in found:
        if finding.code == RESTARTED:
            doubts.clear()
        elif finding.doubt:
            doubts.append(finding.message)
    return doubts
