"""What the numbers of pulses turn out to be once later ones have come. Pure.

The counter numbers a pulse as it comes and never takes that back. Where it finds out that the scanner has
another TR, the pulses before were numbered wrongly; and edges that come all at once may be several
pulses. The report and the dataset have them as they are known in the end; the journal, as they came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from scc_task.documents import Pulse, PulseKind
from scc_task.pulse_grid import AT_ONCE_S, EARLY, ENOUGH, REACH, steps_between


def reviewed(pulses: Sequence[Pulse]) -> list[Pulse]:
    """Return the pulses since the scanner's last start, no number twice, the doubtful ones ``unsure``."""
    done: list[Pulse] = []
    last: int | None = None
    for pulse in pulses:
        if pulse.number is not None:
            if last is not None and (pulse.number <= last or changes_grid(pulse)):
                done = _before_change(done, pulse)
            last = pulse.number
        done.append(pulse)
    for index in at_once(done):
        done[index] = replace(done[index], unsure=True)
    return done


def at_once(pulses: Sequence[Pulse]) -> Iterator[int]:
    """Yield the places of numbered pulses that came with others at once, after some that were missed."""
    for index, (pulse, following) in enumerate(pairwise(pulses)):
        bunched = following.kind is PulseKind.BOUNCE and following.unsure
        if bunched and pulse.missed_before and following.time_s - pulse.time_s <= AT_ONCE_S:
            yield index


def changes_grid(pulse: Pulse) -> bool:
    """Return whether the counter went on from this pulse on another grid: nobody expected it there."""
    return pulse.number is not None and pulse.unsure and pulse.off_s is None


def _before_change(before: Sequence[Pulse], pulse: Pulse) -> list[Pulse]:
    """Return the pulses before a change of the grid, as that grid has them."""
    assert pulse.number is not None  # noqa: S101  the caller has seen it
    tr_s = _new_tr_s(before, pulse)
    if tr_s is None:  # the scan was one of the old grid until then: no number may come twice
        later = pulse.number
        return [_uncounted(p) if p.number is not None and p.number >= later else p for p in before]
    first = next(index for index, p in enumerate(before) if p.number is not None)
    done, last = list(before[:first]), before[first].number
    assert last is not None  # noqa: S101  so it was chosen
    done.append(replace(before[first], unsure=True))
    for old in before[first + 1 :]:
        steps = (pulse.time_s - old.time_s) / tr_s
        number = pulse.number - round(steps)
        fits = abs(steps - round(steps)) <= REACH and last < number < pulse.number
        if old.kind is PulseKind.BOUNCE:
            done.append(old)
        elif fits:
            kind = PulseKind.DUMMY if number < 0 else PulseKind.VOLUME
            missed = number - last - 1
            done.append(replace(old, kind=kind, number=number, missed_before=missed, unsure=True))
            last = number
        else:
            done.append(_uncounted(old))
    return done


def _new_tr_s(before: Sequence[Pulse], pulse: Pulse) -> float | None:
    """Return the step of the new grid, if it is early enough to be that of the pulses before too."""
    heard_s = [p.time_s for p in (*before, pulse) if p.kind is not PulseKind.BOUNCE]
    if len(heard_s) > EARLY + 1:
        return None
    for count in (ENOUGH, ENOUGH + 1):
        found = steps_between(heard_s[-count:]) if len(heard_s) >= count else None
        if found is not None:
            return found[0]
    return None


def _uncounted(pulse: Pulse) -> Pulse:
    return replace(pulse, kind=PulseKind.EXTRA, number=None, missed_before=0, unsure=True)
