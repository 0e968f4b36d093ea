"""What the pulse counter tells besides the pulses, and whether it speaks against time zero. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scc_task.documents import PulseKind

RESTARTED: Final = "restarted"
"""Code of a new start before time zero: what was counted and doubted before it does not count."""
OTHER_TR: Final = 0.03
"""Further than this part from the protocol's, regular pulses have another TR."""


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

    def heard_after_all(self, count: int, time_s: float) -> None:
        """Take back that so many pulses did not come; say why the first time, then only how many."""
        code = "pulses_heard_late"
        words = (
            "" if code in self._told else "pulses told as missed came after all: they came in late"
        )
        self._told.add(code)
        self._waiting.append(Finding(time_s, code, words, missed=-count))

    def held_up(self, time_s: float, late_s: float) -> None:
        """Doubt time zero: the stamps that it hangs on are late."""
        self.doubt(
            time_s,
            "held_up",
            f"a pulse at the beginning was stamped up to {late_s:.2f} s late, because this computer was held "
            "up: time zero may be too late by that, or by some TRs",
        )

    def late_start(self, time_s: float, after_s: float) -> None:
        """Doubt the first pulse: it came too soon after the program had begun to listen."""
        self.doubt(
            time_s,
            "late_start",
            f"the first pulse came {after_s:.2f} s after the program began to listen: the scanner may have "
            "been running already, and the first pulses not heard",
        )

    def first_alone(self, time_s: float, missed: int) -> None:
        """Doubt the first pulse: none followed it for a while."""
        self.doubt(
            time_s,
            "first_pulse_alone",
            f"the first pulse was followed by {missed} that did not come: it may not have been the scanner's",
        )

    def shifted(self, time_s: float) -> None:
        """Doubt time zero: the pulses have another phase."""
        self.doubt(
            time_s,
            "pulses_shifted",
            "the pulses come regularly, but not where time zero puts them: the first pulse was not the "
            "scanner's, or the scan was started again",
        )

    def other_tr(
        self, time_s: float, tr_s: float, error_s: float | None, *, protocol_s: float
    ) -> None:
        """Doubt time zero: the pulses have another TR than the protocol's."""
        error = "" if error_s is None else f" ± {error_s:.3f}"
        words = (
            f"the pulses come every {tr_s:.3f}{error} s, the protocol says a TR of {protocol_s:g} s"
        )
        ratio = tr_s / protocol_s
        whole = max(ratio, 1 / ratio)
        if abs(whole - round(whole)) < OTHER_TR * whole:
            words += (
                f"; if there is not one pulse per volume but {1 / ratio:.2g}, the numbers are wrong"
            )
        self.doubt(time_s, "tr_differs", f"{words}: volumes are counted by the pulses")

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
