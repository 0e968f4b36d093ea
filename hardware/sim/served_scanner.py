"""An emulated scanner in real time: pulses on a wire, with what is wrong with them, and a log."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final, Protocol

from hardware.clock import RealClock
from hardware.sim.pulse_trains import Trouble, make_train
from hardware.sim.scanner import PulseTrain

HEAD_START_S: Final = 0.002
"""So long before an edge the scanner waits for it alone: waiting for the wire too is less exact."""
DOUBLE_S: Final = 0.002
"""How long after the end of a pulse a box that sends everything twice sends it again (assumed)."""


@dataclass(frozen=True, slots=True)
class SentPulse:
    """One thing that a scanner does: ``pulse``, ``missed``, ``bounce``, ``double`` or ``extra``.

    ``number``: of the pulse, from 0. A missed one is on record and not sent.
    """

    time_s: float
    what: str
    number: int | None


class PulseWire(Protocol):
    """Where pulses are sent: each end of a wire makes of an edge what its wire can carry."""

    def edge(self, *, begins: bool) -> None:
        """Begin or end a pulse, now."""


class ServedScanner:
    """Sends a pulse train from the moment the sequence is started, as a radiographer does.

    Parameters
    ----------
    train
        ``start_s`` counts from the start button.
    double
        Whether each pulse is sent again after its end.
    pulse_s
        How long one pulse is; shorter where the next one is near.
    log
        Takes one JSON object for each pulse, with the time just before it was sent.
    """

    def __init__(
        self,
        train: PulseTrain,
        wire: PulseWire,
        *,
        trouble: Trouble,
        double: bool,
        seed: int,
        pulse_s: float,
        log: IO[str] | None,
    ) -> None:
        self._wire, self._log, self._clock = wire, log, RealClock()
        self._pulse_s = pulse_s
        self._done = what_is_sent(train, trouble, seed=seed)
        if double:
            again_s = pulse_s + DOUBLE_S
            twice = [p for p in self._done if p.what == "pulse"]
            self._done += [SentPulse(p.time_s + again_s, "double", p.number) for p in twice]
            self._done.sort(key=_time_s)
        self._edges: deque[tuple[float, bool, SentPulse]] = deque()

    def start(self) -> None:
        """Start the sequence, or start it again."""
        now_s = self._clock.now_s()
        sent = [pulse for pulse in self._done if pulse.what != "missed"]
        edges = [(pulse.time_s, False, pulse) for pulse in self._done if pulse.what == "missed"]
        for pulse, width_s in zip(sent, widths_s(sent, self._pulse_s), strict=True):
            edges += [(pulse.time_s, True, pulse), (pulse.time_s + width_s, False, pulse)]
        self._edges = deque(
            (now_s + due_s, begins, pulse)
            for due_s, begins, pulse in sorted(edges, key=lambda edge: edge[0])
        )

    def receive(self, data: bytes) -> None:
        """Ignore them: a trigger box does not listen."""

    def advance(self, now_s: float) -> bytes:
        """Send the edges that are due; they go to the wire at their time, not with the answer."""
        while self._edges and self._edges[0][0] - HEAD_START_S <= now_s:
            due_s, begins, pulse = self._edges.popleft()
            self._clock.sleep_until(due_s)
            if pulse.what == "missed":
                self._note(due_s, due_s, pulse)
                continue
            time_s = self._clock.now_s()
            self._wire.edge(begins=begins)
            if begins:
                self._note(time_s, due_s, pulse)
        return b""

    def _note(self, time_s: float, due_s: float, pulse: SentPulse) -> None:
        if self._log is not None:
            line = {"time_s": round(time_s, 6), "what": pulse.what, "number": pulse.number}
            line["due_s"] = round(due_s, 6)
            self._log.write(json.dumps(line) + "\n")

    def next_due_s(self) -> float | None:
        """Return when the next edge has to be waited for."""
        return self._edges[0][0] - HEAD_START_S if self._edges else None

    def may_end(self) -> bool:
        """Return that a scanner may always end."""
        return True


def what_is_sent(train: PulseTrain, trouble: Trouble, *, seed: int) -> list[SentPulse]:
    """Return what a scanner does instead of the train, oldest first."""
    made = make_train(
        trouble,
        tr_s=train.tr_s,
        volumes=train.count,
        first=0,
        start_s=train.time_s(0),
        seed=seed,
    )
    sent = [SentPulse(edge.time_s, edge.kind, edge.number) for edge in made.edges]
    missed = [SentPulse(made.places_s[number], "missed", number) for number in made.lost]
    return sorted(sent + missed, key=_time_s)


def _time_s(pulse: SentPulse) -> float:
    return pulse.time_s


def widths_s(sent: Sequence[SentPulse], pulse_s: float) -> list[float]:
    """Return how long each pulse is: cut where the next one would begin before it is over."""
    following_s = [pulse.time_s for pulse in sent[1:]]
    gaps_s = [then_s - pulse.time_s for pulse, then_s in zip(sent, following_s, strict=False)]
    return [min(pulse_s, gap_s / 2) for gap_s in gaps_s] + [pulse_s] * (len(sent) > 0)
