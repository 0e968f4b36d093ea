"""Trains of scanner pulses that go wrong, with the truth about each edge: for tests and benchmarks.

What an emulator does here and a scanner may not: extras fall evenly over the scan, losses and bounces
are independent of each other, stamps scatter evenly about their places, some come late (a busy computer)
by any time up to half a TR.
"""

import random
from dataclasses import dataclass, field
from typing import Final

LATEST: Final = 0.5
"""Part of a TR by which a stamp is late at most, because the computer was busy elsewhere."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge that arrived: a ``pulse`` with its number from time zero, an ``extra`` or a ``bounce``."""

    time_s: float
    kind: str
    number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong. Shares are of all pulses; ``lost_first`` pulses are not heard at all.

    ``tr_error``: the scanner's TR is this part longer than the protocol's. ``stray_s``: an edge that is none
    of the scanner's, so long before its first pulse. ``fewer``: the scanner stops so many volumes early (or,
    negative, goes on). ``late``: share of stamps that come late. ``late_first``: the first pulse is stamped
    late by this part of a TR.
    """

    missed: float = 0.0
    extra: float = 0.0
    bounced: float = 0.0
    jitter_s: float = 0.0
    tr_error: float = 0.0
    lost_first: int = 0
    stray_s: float | None = None
    fewer: int = 0
    late: float = 0.0
    late_first: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """What arrived, in order of time, and what was true.

    ``places_s`` holds the time at which each number was sent, heard or not; ``zero_s`` that of number 0.
    """

    edges: tuple[Edge, ...]
    places_s: dict[int, float]
    zero_s: float
    until_s: float
    lost: frozenset[int] = field(default_factory=frozenset)


def make_train(
    trouble: Trouble, *, tr_s: float, volumes: int, first: int, start_s: float, seed: int
) -> Train:
    """Return a train.

    Parameters
    ----------
    tr_s
        As the protocol says.
    volumes, first
        Volumes of the protocol, and the number of the first pulse.
    start_s
        When the first pulse is sent.
    """
    chance = random.Random(seed)  # noqa: S311  no secret: the same seed gives the same train
    step_s = tr_s * (1 + trouble.tr_error)
    places = {n: start_s + (n - first) * step_s for n in range(first, volumes - trouble.fewer)}
    edges: list[Edge] = []
    lost = set()
    for number, place_s in places.items():
        if number - first < trouble.lost_first or chance.random() < trouble.missed:
            lost.add(number)
        else:
            time_s = place_s + _scatter(chance, trouble.jitter_s)
            if number == first:
                time_s += trouble.late_first * step_s
            elif chance.random() < trouble.late:
                time_s += chance.uniform(0.0, LATEST * step_s)
            edges.append(Edge(time_s, "pulse", number))
            while chance.random() < trouble.bounced:
                time_s += chance.uniform(0.001, 0.03)
                edges.append(Edge(time_s, "bounce", None))
        if chance.random() < trouble.extra:
            edges.append(Edge(place_s + chance.uniform(0.0, step_s), "extra", None))
    if trouble.stray_s is not None:
        edges.append(Edge(start_s - trouble.stray_s, "extra", None))
    end_s = max(places.values())
    edges = [e for e in edges if e.kind != "extra" or e.time_s < end_s]
    return Train(
        edges=tuple(sorted(edges, key=lambda e: e.time_s)),
        places_s=places,
        zero_s=start_s - first * step_s,
        until_s=start_s + (volumes - first + 3) * step_s + abs(min(0, trouble.fewer)) * step_s,
        lost=frozenset(lost),
    )


def _scatter(chance: random.Random, jitter_s: float) -> float:
    """Return how far off a stamp is: bell-shaped within three standard deviations."""
    return max(-3 * jitter_s, min(3 * jitter_s, chance.gauss(0.0, jitter_s)))
