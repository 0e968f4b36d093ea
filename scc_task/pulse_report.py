"""What a run's pulses come to: counts, what was missed, drift, and whether time zero can be trusted. Pure.

Made from the journal's own documents, so that a report at the end of a run and one after a crash agree.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor
from typing import Final

from scc_task.documents import Pulse, PulseKind, TimeZero
from scc_task.drift import Line, line_through
from scc_task.plan.steps import ScannerPlan
from scc_task.pulse_grid import LEAST_SURE_S, REACH, SIGMAS
from scc_task.pulse_review import at_once, reviewed

FIRST_S: Final = 0.01
"""A first pulse further off the line may be something else in its place (assumed)."""
FAR_S: Final = 0.02
"""A stamp so far off the line through the others is not where the volume began (assumed)."""
WRONG_S: Final = 0.04
"""Further off the line, time zero is in doubt however much the stamps scatter (assumed)."""
STRAYS_AFTER: Final = 2
"""More edges than these after the last volume are no strays: the end was not the end (assumed)."""


class Trust(StrEnum):
    """What the pulses say of time zero."""

    CONFIRMED = "confirmed"
    """The last volume's pulse came where it belongs, and none after it: the first one was the first."""
    UNCONFIRMED = "unconfirmed"
    """Nothing speaks against it, but the run did not hear the scanner's last pulse."""
    DOUBTFUL = "doubtful"
    """Something speaks against it: see ``doubts``."""
    NONE = "none"
    """There is no time zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseReport:
    """The pulses of a run. Numbers count from time zero.

    Attributes
    ----------
    missed
        Numbers not heard between the first and the last that were.
    unheard_at_end
        How many more should have come after the last one, while the run still listened.
    went_on
        Regular pulses after the last volume.
    strays
        Numbers whose pulse lies off the line through all by more than the jitter explains: late, or another
        edge in the place of a pulse that was missed. Only the whole run shows it.
    """

    tr_s: float
    volumes: int
    dummies: int
    extra: int
    bounced: int
    unsure: int
    missed: tuple[int, ...]
    last: int | None
    unheard_at_end: int
    went_on: int
    line: Line | None
    strays: tuple[int, ...]
    trust: Trust
    doubts: tuple[str, ...]
    inferred: bool
    uncertainty_s: float | None

    def lines(self) -> list[str]:
        """Return the report in words, the most important first."""
        said = [f"time zero is {self.trust}"]
        if self.trust is Trust.NONE:
            said = ["there is no time zero: no pulse of a volume came"]
        if self.inferred and self.uncertainty_s is not None:
            said[0] += f", inferred (± {self.uncertainty_s * 1000:.0f} ms)"
        said += [f"  doubt: {doubt}" for doubt in self.doubts]
        said.append(
            f"pulses: {_count(self.volumes, 'volume', 'volumes')}, "
            f"{_count(self.dummies, 'dummy', 'dummies')}, {len(self.missed)} missed, "
            f"{self.extra} extra, {self.bounced} bounced, {self.unsure} not sure"
        )
        if self.strays:
            shown = ", ".join(map(str, self.strays[:10])) + (
                " ..." if len(self.strays) > 10 else ""
            )
            said.append(
                "not sure either, too far off the line through all pulses: "
                f"{'volume' if len(self.strays) == 1 else 'volumes'} {shown}"
            )
        if self.unheard_at_end:
            said.append(self.at_end())
        if self.went_on:
            came = _count(self.went_on, "pulse", "pulses")
            said.append(f"{came} came after the last volume of the protocol")
        line = self.line
        if line is not None:
            ppm, error_ppm = line.drift_ppm(self.tr_s)
            differs = line.tr_differs(self.tr_s)
            kind = "another TR than the protocol's" if differs else "drift"
            left_out = f", {line.left_out} left out of the line" if line.left_out else ""
            said.append(
                f"TR {line.tr_s:.6f} ± {line.tr_error_s:.6f} s on this computer's clock: {kind}, "
                f"{ppm:+.1f} ± {error_ppm:.1f} ppm; jitter {line.jitter_s * 1000:.2f} ms, "
                f"at most {line.worst_s * 1000:.1f} ms{left_out}"
            )
        return said

    def at_end(self) -> str:
        """Return in words that the last pulses were not heard."""
        if self.unheard_at_end != 1:
            return f"the last pulse was volume {self.last}: {self.unheard_at_end} more were due"
        return (
            f"the last pulse was volume {self.last}, 1 more was due: it was lost, or the scanner stopped "
            "one volume early; had the first one been lost instead, time zero would be 1 TR too late"
        )


def pulse_report(
    scanner: ScannerPlan,
    pulses: Sequence[Pulse],
    zero: TimeZero | None,
    *,
    doubts: Sequence[str],
    until_s: float,
) -> PulseReport:
    """Return what a run's pulses come to.

    Parameters
    ----------
    pulses
        Those since the scanner's last start, as they came or reviewed (`scc_task.pulse_review`): what
        follows from them is the same.
    doubts
        What the counter said against time zero while it counted.
    until_s
        When the run stopped listening.
    """
    counted = reviewed(pulses)
    numbered = [(p.number, p.time_s) for p in counted if p.number is not None]
    line = line_through(numbered)
    heard = {number for number, _ in numbered}
    last = max(heard, default=None)
    missed = tuple(n for n in range(scanner.first, last or 0) if n not in heard)
    tr_s = line.tr_s if line is not None else scanner.tr_s
    unheard = went_on = 0
    listened_past = quiet_after = False
    if last is not None:
        stamped_s = next(t for n, t in reversed(numbered) if n == last)
        last_s = stamped_s if line is None else stamped_s - line.off_s(last, stamped_s)
        later = [p for p in counted if p.kind is PulseKind.EXTRA and p.time_s > stamped_s]
        due = floor((until_s - last_s) / tr_s - 0.5)
        unheard = max(0, min(scanner.volumes - 1 - last, due))
        went_on = sum(_on_grid((p.time_s - last_s) / tr_s, scanner.volumes - last) for p in later)
        went_on = max(went_on, _regular([p.time_s for p in later], tr_s))
        # an unsure one may be one pulse too many; more than stray edges are no end
        quiet_after = len(later) <= STRAYS_AFTER and not any(p.unsure for p in later)
        listened_past = last_s + (scanner.volumes - last + 0.5) * tr_s <= until_s
    against = list(doubts)
    others = line_through(numbered[1:])
    if zero is not None:
        against += _against(line, zero, unheard=unheard, went_on=went_on)
        against += _first_against(others, numbered)
    sure_end = any(p.number == scanner.volumes - 1 and not p.unsure for p in counted)
    trust = Trust.DOUBTFUL if against else Trust.UNCONFIRMED
    if zero is None:
        trust = Trust.NONE
    elif any(at_once(counted)):  # how many pulses these were is not known, so the total is not
        pass
    elif not against and listened_past and quiet_after and sure_end and others is not None:
        trust = Trust.CONFIRMED
    kinds = Counter(p.kind for p in counted)
    return PulseReport(
        tr_s=scanner.tr_s,
        volumes=kinds[PulseKind.VOLUME],
        dummies=kinds[PulseKind.DUMMY],
        extra=kinds[PulseKind.EXTRA],
        bounced=kinds[PulseKind.BOUNCE],
        unsure=sum(p.unsure for p in counted),
        missed=missed,
        last=last,
        unheard_at_end=unheard,
        went_on=went_on,
        line=line,
        strays=_strays(line, counted),
        trust=trust,
        doubts=tuple(dict.fromkeys(against)),
        inferred=zero is not None and zero.inferred,
        uncertainty_s=None if zero is None else zero.uncertainty_s,
    )


def _strays(line: Line | None, pulses: Sequence[Pulse]) -> tuple[int, ...]:
    if line is None:
        return ()
    limit_s = max(LEAST_SURE_S, SIGMAS * line.jitter_s)
    return tuple(
        p.number
        for p in pulses
        if p.number is not None and not p.unsure and abs(line.off_s(p.number, p.time_s)) > limit_s
    )


def _on_grid(steps: float, least: int) -> bool:
    return round(steps) >= least and abs(steps - round(steps)) <= REACH


def _regular(times_s: Sequence[float], tr_s: float) -> int:
    """Return how many pulses came one TR apart, wherever they lie; 0 if it is an accident."""
    longest = 0
    for first_s in times_s:
        places = {
            round(steps)
            for steps in ((time_s - first_s) / tr_s for time_s in times_s)
            if round(steps) >= 0 and abs(steps - round(steps)) <= REACH
        }
        chained = any({place, place + 1, place + 2} <= places for place in places)
        longest = max(longest, len(places) if chained else 0)
    return longest


def _first_against(others: Line | None, numbered: Sequence[tuple[int, float]]) -> list[str]:
    """Return whether the first pulse is one of the others' kind: all numbers begin with it.

    Their line is made without it: in a short scan it would pull the line to itself.
    """
    if others is None:
        return []
    number, time_s = numbered[0]
    off_s, error_s = others.off_s(number, time_s), others.error_s(number)
    if abs(off_s) <= min(max(FIRST_S, 6 * others.jitter_s) + 3 * error_s, WRONG_S):
        return []
    return [
        f"the first pulse lies {off_s * 1000:+.0f} ± {error_s * 1000:.0f} ms off the line through the "
        "others: it was stamped late, or may not have been the scanner's"
    ]


def _against(line: Line | None, zero: TimeZero, *, unheard: int, went_on: int) -> list[str]:
    found = []
    if line is not None:
        off_s = zero.time_s - line.zero_s
        if abs(off_s) > min(max(FAR_S, 5 * line.jitter_s) + 3 * line.zero_error_s, WRONG_S):
            found.append(
                f"time zero is {off_s * 1000:+.0f} ms off where the line through all pulses puts it"
            )
    if unheard > 1:  # one alone is as likely the last one: said, see `PulseReport.at_end`
        found.append(
            f"the pulses ended {unheard} too early: the scanner stopped or its last pulses were lost, or "
            f"the first {unheard} were not heard and time zero is {unheard} TR too late"
        )
    if went_on:
        first = "one was" if went_on == 1 else f"{went_on} were"
        found.append(
            f"{_count(went_on, 'pulse', 'pulses')} too many: the scan has more volumes than the protocol "
            f"says, or the first {first} none of its volumes "
            f"({'a dummy' if went_on == 1 else 'dummies'}?) and time zero is {went_on} TR too early"
        )
    return found


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
