"""The pulse counter: numbers every scanner pulse as it comes, and says when it is not sure. Pure.

Rules, in the order in which a pulse meets them:

1. The first pulse is the first one the protocol speaks of: number 0, or ``-count`` with discarded dummies.
   No counter can hear that a pulse before it was lost. So time zero is *confirmed* only at the end, by
   the total (`scc_task.pulse_report`), and is in doubt where something speaks against it.
2. A pulse near its place on the grid (`scc_task.pulse_grid`) gets the number of that place. Numbers that
   nobody heard are missed; they keep their numbers, so that a missed pulse moves nothing. Off its place
   by more than the usual scatter, it counts but is ``unsure``.
3. A second pulse for a number, and a pulse out of all places, is extra; within 50 ms of the last edge it is
   a bounce. If the second one fits better, ``unsure`` says so. But a pulse up to half a TR after a place
   where none was heard counts as that place's, and is ``unsure``: computers are late, scanners are not.
4. Pulses that are regular on another grid are believed once five of them have come: another TR, or
   the same TR from another start. From then on they are counted on that grid, and the doubt is told.
5. Before time zero, a silence longer than four TRs is a new start: the sequence was broken off.
6. Time zero, once given, stays. A pulse for volume 0 that was not heard gives it by inference, and says so.
7. A stamp that is known to be late (the listening thread was held up) takes the first place it may belong
   to where none was heard, and is ``unsure``: so the pulses of a held-up thread, which come all at once,
   are no bounces. Where it touches the first pulses, time zero is in doubt.
"""

from collections import deque
from dataclasses import replace
from itertools import accumulate
from math import floor
from typing import Final

from scc_task.documents import Pulse, PulseKind, TimeZero
from scc_task.drift import cautious, line_through
from scc_task.plan.steps import ScannerPlan
from scc_task.pulse_findings import OTHER_TR, Finding, Findings
from scc_task.pulse_grid import (
    AT_ONCE_S,
    BOUNCE_S,
    EARLY,
    ENOUGH,
    REACH,
    USUAL_NOISE_S,
    Grid,
    steps_between,
)

NEW_START: Final = 4.5
"""Before time zero, a silence of so many TRs begins a new count: five lost in a row are not likely."""
ALONE: Final = 3
"""A first pulse that so many TRs of silence follow may have been a finger on the key."""
QUIET_BEFORE: Final = 1.25
"""So many TRs of silence before the first pulse show that the scanner was not running already."""
GONE: Final = 3.5
"""Later it is looked for only when nothing has fitted the old one for so many TRs."""
MEASURED_AT: Final = (6, 10, 20, 50, 100, 200, 500, 1000)
"""After so many pulses the TR is measured and compared with the protocol's."""
KNOWN: Final = 3
"""So many dummies know the place of volume 0 better than a pulse that is not there."""


class PulseCounter:
    """Counts pulses as they come. Take `findings` after each call.

    Parameters
    ----------
    scanner
        What the protocol says of the scanner.
    """

    def __init__(self, scanner: ScannerPlan) -> None:
        self._scanner, self._first = scanner, scanner.first
        self._bounce_s = min(BOUNCE_S, REACH * scanner.tr_s)
        self._since_s: float | None = None
        self._found = Findings()
        self.time_zero: TimeZero | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._grid: Grid | None = None
        self._edge_s = self._first_s = self._fitting_s = float("-inf")
        self._last_off_s = self._last_due_s = self._last_s = 0.0
        self._last_unsure, self._held_s, self._filled = False, float("-inf"), 0
        self._edges: deque[float] = deque(maxlen=ENOUGH + 1)
        self._before: Grid | None = None
        self._heard = self._overdue = 0
        self._numbered: list[tuple[int, float]] = []
        self._tr_told = False

    # -- what the run asks

    def listen(self, time_s: float) -> None:
        """Say since when pulses would have been heard."""
        self._since_s = time_s

    def begin(self, time_s: float) -> TimeZero:
        """Return time zero without a scanner."""
        self.time_zero = TimeZero(time_s=time_s, pulse=0)
        return self.time_zero

    @property
    def overdue(self) -> int:
        """Return how many pulses in a row have not come, up to the last look."""
        return self._overdue

    @property
    def next_number(self) -> int:
        """Return the number after the last one heard."""
        return self._first if self._grid is None else self._grid.number + 1

    @property
    def quiet_from_s(self) -> float | None:
        """Return when the last pulse was heard; ``None`` before the first."""
        return None if self._grid is None else self._edge_s

    def findings(self) -> list[Finding]:
        """Return what has been found since the last call."""
        return self._found.fetch()

    def look(self, now_s: float) -> None:
        """See which pulses should have come by now."""
        grid = self._grid
        if grid is None:
            return
        left = self._scanner.volumes - 1 - grid.number
        late = min(left, floor((now_s - grid.time_s) / grid.tr_s - 0.5))
        if late > self._overdue:
            self._found.missed(grid.number + 1 + self._overdue, late - self._overdue, now_s)
            self._overdue = late

    def accept(self, time_s: float, late_s: float = 0.0) -> Pulse:
        """Return a pulse with its number and kind. Times must not go back.

        ``late_s``: by how much the stamp may be too late.
        """
        pulse = self._accepted(time_s, late_s)
        with_held = time_s - self._held_s <= self._bounce_s
        # edges at once, after places where none was heard: perhaps those, stamped by a computer held up
        at_once = (
            pulse.kind is PulseKind.BOUNCE and self._filled and time_s - self._last_s <= AT_ONCE_S
        )
        self._last_s = time_s
        if pulse.number is not None:
            self._filled = pulse.missed_before
        return replace(pulse, unsure=True) if with_held or at_once else pulse

    def _accepted(self, time_s: float, late_s: float) -> Pulse:
        grid = self._grid
        if grid is None:
            return self._accept_first(time_s, late_s)
        number, off_s = grid.place(time_s)
        silent = number - grid.number
        quiet_s = time_s - late_s - self._edge_s
        if self.time_zero is None and quiet_s > NEW_START * grid.tr_s:
            self._found.restarted(time_s, quiet_s)
            self._begin_anew()
            return self._accept_first(time_s, late_s)
        bounced = time_s - self._edge_s <= self._bounce_s
        self._edge_s = time_s
        if not bounced:
            self._heard += 1
            self._edges.append(time_s)
        place = grid.earliest(time_s - late_s)
        in_time = place >= number and abs(off_s) <= grid.reach_s(number)
        if late_s and not in_time and place < self._scanner.volumes and grid.due_s(place) < time_s:
            return self._held_up(time_s, place, late_s)
        if silent < 1:
            return self._second(time_s, bounced=bounced)
        if abs(off_s) > grid.reach_s(number):
            return self._astray(time_s, number, off_s, bounced=bounced)
        if number >= self._scanner.volumes:
            words = f"the scanner goes on after the last volume ({self._scanner.volumes} in the protocol)"
            self._found.once(time_s, "scanner_went_on", words)
            return _pulse(time_s, PulseKind.EXTRA, unsure=abs(off_s) > grid.sure_s, off_s=off_s)
        return self._in_place(time_s, number, off_s)

    # -- the kinds

    @property
    def _here(self) -> Grid:
        assert self._grid is not None  # noqa: S101  there is one from the first pulse on
        return self._grid

    def _accept_first(self, time_s: float, late_s: float) -> Pulse:
        self._grid = Grid(self._first, time_s, self._scanner.tr_s)
        self._edge_s = self._first_s = self._fitting_s = self._last_due_s = time_s
        self._heard = 1
        self._edges.append(time_s)
        if late_s > REACH * self._scanner.tr_s:
            self._held_s = time_s
            self._found.held_up(time_s, late_s)
        quiet = QUIET_BEFORE * self._scanner.tr_s
        if self._since_s is not None and time_s - self._since_s < quiet:
            self._found.late_start(time_s, max(0.0, time_s - self._since_s))
        return self._numbered_pulse(time_s, self._first, missed=0, unsure=False, off_s=None)

    def _in_place(self, time_s: float, number: int, off_s: float) -> Pulse:
        grid = self._here
        missed = self._missed_before(number, time_s)
        if missed >= self._scanner.lost_after and self.time_zero is not None:
            self._found.say(time_s, "pulses_back", f"the pulses are back at volume {number}")
        if missed >= ALONE and grid.seen == 1:
            self._found.first_alone(time_s, missed)
        unsure = abs(off_s) > grid.sure_s
        self._last_due_s, self._last_off_s = grid.due_s(number), off_s
        self._last_unsure = unsure
        self._fitting_s = time_s
        self._before = replace(grid)
        grid.take(number, off_s)
        pulse = self._numbered_pulse(time_s, number, missed=missed, unsure=unsure, off_s=off_s)
        if not unsure:
            self._numbered.append((number, time_s))
        self._measure(time_s)
        if len(self._edges) == self._edges.maxlen and self._heard <= EARLY and missed:
            return self._on_slow_grid() or pulse
        return pulse

    def _missed_before(self, number: int, time_s: float) -> int:
        """Return how many did not come before this one; tell of those that were not told."""
        grid = self._here
        missed = number - grid.number - 1
        if missed > self._overdue:
            self._found.missed(grid.number + 1 + self._overdue, missed - self._overdue, time_s)
        elif missed < self._overdue:
            self._found.heard_after_all(self._overdue - missed, time_s)
        self._overdue = 0
        return missed

    def _second(self, time_s: float, *, bounced: bool) -> Pulse:
        """Take another pulse for the number that was heard last."""
        grid = self._here
        off_s = time_s - self._last_due_s
        blur_s = 2 * grid.noise_s
        better = abs(off_s) + blur_s < abs(self._last_off_s)
        rival = self._last_unsure or (
            abs(self._last_off_s) > blur_s and abs(off_s) < abs(self._last_off_s) + blur_s
        )
        kind = PulseKind.BOUNCE if bounced else PulseKind.EXTRA
        self._found.first_of(time_s, kind)
        if better and self._before is not None:
            number = grid.number
            grid = self._grid = self._before  # go on from the one that fits
            grid.take(number, off_s)
            self._before, self._last_off_s = None, off_s
        in_reach = abs(off_s) <= grid.reach_s(grid.number + 1)
        unsure = rival or (in_reach and not bounced) or (not grid.settled and not bounced)
        pulse = _pulse(time_s, kind, unsure=unsure, off_s=off_s)
        return pulse if bounced else (self._relocked(time_s) or pulse)

    def _astray(self, time_s: float, number: int, off_s: float, *, bounced: bool) -> Pulse:
        """Take a pulse that is in no place; none has been heard for the nearest."""
        grid = self._here
        found = None if bounced else self._relocked(time_s)
        if found is not None:
            return found
        if off_s > 0 and grid.locked and not bounced and number < self._scanner.volumes:
            return self._late(time_s, number, off_s)
        kind = PulseKind.BOUNCE if bounced else PulseKind.EXTRA
        self._found.first_of(time_s, kind)
        # stamped later than half a TR, the pulse before is nearer to the next place; after the last volume
        # it may be one pulse too many, late
        missing, beyond = number - grid.number > 1, number >= self._scanner.volumes
        unsure = not grid.settled or missing or beyond
        return _pulse(time_s, kind, unsure=unsure, off_s=off_s)

    def _late(self, time_s: float, number: int, off_s: float) -> Pulse:
        """Take a pulse that came after its place, where none was heard: one stamp, late, most likely."""
        grid = self._here
        missed = self._missed_before(number, time_s)
        self._found.late(number, off_s, time_s)
        self._last_due_s, self._last_off_s, self._last_unsure = grid.due_s(number), off_s, True
        self._before = None
        grid.skip_to(number)
        return self._numbered_pulse(time_s, number, missed=missed, unsure=True, off_s=off_s)

    def _held_up(self, time_s: float, number: int, late_s: float) -> Pulse:
        """Take a pulse whose stamp is late: it may belong to a place where none was heard."""
        grid = self._here
        self._held_s = self._edge_s = self._fitting_s = time_s
        if self.time_zero is None:
            self._found.held_up(time_s, late_s)
        return self._late(time_s, number, time_s - grid.due_s(number))

    def _numbered_pulse(
        self, time_s: float, number: int, *, missed: int, unsure: bool, off_s: float | None
    ) -> Pulse:
        if number >= 0 and self.time_zero is None:
            self.time_zero = self._zero(time_s, number, unsure=unsure)
        kind = PulseKind.DUMMY if number < 0 else PulseKind.VOLUME
        if number == self._first and not self._numbered:
            self._numbered.append((number, time_s))
        return Pulse(
            time_s=time_s,
            kind=kind,
            number=number,
            missed_before=missed,
            unsure=unsure,
            off_s=None if off_s is None else round(off_s, 6),
        )

    def _zero(self, time_s: float, number: int, *, unsure: bool) -> TimeZero:
        grid = self._here
        before = grid if self._before is None else self._before
        error_s = abs(time_s - self._last_due_s)
        if number == 0 and unsure and error_s and before.seen >= KNOWN:
            message = (
                f"the pulse of volume 0 came {error_s * 1000:.0f} ms off its place: time zero is inferred "
                "from the dummies"
            )
            self._found.say(time_s, "time_zero_inferred", message)
            return TimeZero(time_s=self._last_due_s, pulse=0, inferred=True, uncertainty_s=error_s)
        if number == 0:
            return TimeZero(time_s=time_s, pulse=0)
        line = line_through([*self._numbered, *([] if unsure else [(number, time_s)])])
        if line is None:
            zero_s, error_s = grid.due_s(0), USUAL_NOISE_S * (1 + number)
        else:
            zero_s, error_s = line.zero_s, max(line.zero_error_s, USUAL_NOISE_S)
        message = (
            f"the pulse of volume 0 was not heard: time zero is inferred from the other pulses, "
            f"± {error_s * 1000:.0f} ms"
        )
        self._found.say(time_s, "time_zero_inferred", message)
        return TimeZero(time_s=zero_s, pulse=number, inferred=True, uncertainty_s=error_s)

    # -- another grid

    def _relocked(self, time_s: float) -> Pulse | None:
        """Return the pulse on another grid, if the last ones make one."""
        grid = self._here
        quiet = time_s - self._fitting_s >= GONE * grid.tr_s
        if not quiet and self._heard > EARLY:
            return None
        for edges in (list(self._edges)[-ENOUGH:], list(self._edges)):
            found = steps_between(edges) if len(edges) >= ENOUGH else None
            if found is not None:
                return self._go_on(edges, *found)
        return None

    def _on_slow_grid(self) -> Pulse | None:
        """Return the last pulse on another grid, if they come only at every second place or fewer."""
        found = steps_between(list(self._edges))
        if found is not None and found[0] > 1.5 * self._scanner.tr_s and not self._tr_told:
            return self._go_on(list(self._edges), *found)
        return None

    def _go_on(self, edges: list[float], tr_s: float, steps: list[int]) -> Pulse:
        """Count on another grid from here on."""
        time_s, scanner = edges[-1], self._scanner
        back = (time_s - self._first_s) / tr_s
        begins_there = abs(back - round(back)) * tr_s <= max(0.015, 0.03 * tr_s)
        ratio = tr_s / scanner.tr_s
        if abs(ratio - 1) > OTHER_TR:
            self._tr_told = True
            line = cautious(
                line_through(list(zip(accumulate(steps), edges, strict=True))), USUAL_NOISE_S
            )
            error_s = None if line is None else line.tr_error_s
            self._found.other_tr(time_s, tr_s, error_s, protocol_s=scanner.tr_s)
        if begins_there:
            number = self._first + round(back)
        elif self.time_zero is None:
            number = self._first + sum(steps)
            self._first_s = edges[0]
            words = (
                "the first pulse was not one of the regular ones: counted from the first of these"
            )
            self._found.doubt(time_s, "first_pulse_stray", words)
        else:
            number = round((time_s - self.time_zero.time_s) / tr_s)
            self._found.shifted(time_s)
        number = min(max(number, self._first), scanner.volumes - 1)
        self._grid = Grid(number, time_s, tr_s, seen=len(edges))
        self._numbered, self._before = [(number, time_s)], None
        self._last_due_s, self._last_off_s, self._fitting_s, self._overdue = time_s, 0.0, time_s, 0
        self._last_unsure = False
        return self._numbered_pulse(time_s, number, missed=0, unsure=True, off_s=None)

    # -- words

    def _measure(self, time_s: float) -> None:
        """Compare the TR with the protocol's, now and then."""
        if self._tr_told or len(self._numbered) not in MEASURED_AT:
            return
        line = cautious(line_through(self._numbered), USUAL_NOISE_S)
        if line is None:
            return
        if line.tr_differs(self._scanner.tr_s):
            self._tr_told = True
            self._found.say(
                time_s,
                "tr_differs",
                f"the TR is {line.tr_s:.4f} ± {line.tr_error_s:.4f} s, "
                f"the protocol says {self._scanner.tr_s:g} s",
            )


def _pulse(time_s: float, kind: PulseKind, *, unsure: bool, off_s: float) -> Pulse:
    off_s = round(off_s, 6)
    return Pulse(time_s=time_s, kind=kind, number=None, missed_before=0, unsure=unsure, off_s=off_s)
