"""Trains of pulses that go wrong, through the counter: what it got right, when it was unsure.

    .venv/bin/python benchmarks/pulse_trains.py --trains 10000

Half of them last 30 minutes, half are scans of 15 to 60 volumes. Every train draws its own troubles: 0 to
5 % missed, 0 to 5 % extra, 0 to 30 % bounced, jitter up to 5 ms, 0 to 3 % stamped late by up to half a TR,
the first one more often, a TR that is off by up to 1 % or is another one, first pulses that were not heard,
a stray edge before the first, a scanner that stops early or goes on. The run listens to the end of the scan.

Counted apart: *stand-ins*, edges within the jitter of a pulse's place, which nobody can tell from that pulse;
and *unknowable* trains, where two faults cancel exactly (the first pulse lost and one volume more than
planned; a stray edge one TR before the first pulse and the last one lost), so that what arrives is the same
as from a healthy scanner.
"""

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from measure import ROOT

sys.path.insert(0, str(ROOT / "tests" / "scc_task"))

from pulse_judge import Verdict, judge, unknowable

from hardware.sim.pulse_trains import LATEST, Train, Trouble, make_train
from scc_task.plan.steps import DummyKind, ScannerPlan

MINUTES = 30
TRS_S = (0.46, 0.8, 1.0, 1.5, 2.0, 3.0)
CHUNK = 50


def draw(seed: int) -> tuple[Trouble, ScannerPlan]:
    """Return the troubles of a train and what the protocol says."""
    chance = random.Random(seed)
    tr_s = chance.choice(TRS_S)
    scanner = ScannerPlan(
        tr_s=tr_s,
        volumes=chance.randint(15, 60) if chance.random() < 0.5 else int(MINUTES * 60 / tr_s),
        dummies=chance.choice((0, 1, 2, 5, 15)),
        dummy_kind=chance.choice(tuple(DummyKind)),
    )
    healthy = chance.random() < 0.5  # but for the troubles of single pulses
    trouble = Trouble(
        missed=chance.choice((0, 0.01, 0.02, 0.05)),
        extra=chance.choice((0, 0.002, 0.01, 0.05)),
        bounced=chance.choice((0, 0.01, 0.05, 0.3)),
        jitter_s=chance.choice((0, 0.0005, 0.001, 0.003, 0.005)),
        tr_error=chance.choice((0, 0, 1e-4, -5e-5, 0.002, -0.01))
        if healthy
        else chance.choice((0, 0, 0.03, 0.1, -0.2, 0.5, 1.0, -0.5)),
        lost_first=0 if healthy else chance.choice((0, 0, 1, 2, 7)),
        stray_s=None if healthy else chance.choice((None, None, chance.uniform(0.05, 10))),
        fewer=0 if healthy else chance.choice((0, 0, 1, 10, -1, -5)),
        late=chance.choice((0, 0.002, 0.01, 0.03)),
        late_first=chance.choice((0, 0, 0, chance.uniform(0, LATEST))),
    )
    return trouble, scanner


def one(seed: int) -> tuple[Trouble, Train, ScannerPlan, Verdict]:
    """Return one train and what came of it."""
    trouble, scanner = draw(seed)
    train = make_train(
        trouble,
        tr_s=scanner.tr_s,
        volumes=scanner.volumes,
        first=scanner.first,
        start_s=1000.0,
        seed=seed,
    )
    return (
        trouble,
        train,
        scanner,
        judge(train, scanner, jitter_s=trouble.jitter_s, listening_s=980.0),
    )


def some(seeds: range) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return the counts of edges and of trains, and the trains that were told wrong."""
    edges: Counter[str] = Counter()
    trains: Counter[str] = Counter()
    bad = []
    for seed in seeds:
        trouble, train, scanner, verdict = one(seed)
        right_zero = abs(verdict.shift_s) <= 0.05
        if unknowable(train, scanner, jitter_s=trouble.jitter_s):
            trains["unknowable: faults that cancel"] += 1
            continue
        told = f"time zero {'right' if right_zero else 'wrong'}, run says {verdict.report.trust}"
        if verdict.report.unheard_at_end == 1:
            told += ", one pulse short: the last or the first"
        trains[told] += 1
        if verdict.said_unsure:
            edges["in runs that say they are in doubt"] += verdict.counts.total() - sum(
                v for k, v in verdict.counts.items() if k.endswith("edges")
            )
        else:
            edges += verdict.counts
        if verdict.silent_shift or (verdict.wrong and not verdict.said_unsure):
            what = "SILENT SHIFT" if verdict.silent_shift else f"{len(verdict.wrong)} pulses wrong"
            bad.append(f"seed {seed}: {what}; {trouble}, TR {scanner.tr_s:g}")
    return edges, trains, bad


def main() -> int:
    """Print the counts; 1 if anything was told wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trains", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    edges: Counter[str] = Counter()
    trains: Counter[str] = Counter()
    bad: list[str] = []
    begun_s = time.monotonic()
    last = asked.seed + asked.trains
    chunks = [range(s, min(s + CHUNK, last)) for s in range(asked.seed, last, CHUNK)]
    with ProcessPoolExecutor(asked.processes) as pool:
        for more_edges, more_trains, more_bad in pool.map(some, chunks):
            edges += more_edges
            trains += more_trains
            bad += more_bad
    print(f"{asked.trains} trains, {time.monotonic() - begun_s:.0f} s")
    for name, count in sorted(trains.items()):
        print(f"  {count:9d}  trains: {name}")
    for name, count in sorted(edges.items()):
        print(f"  {count:9d}  edges: {name}")
    print(f"  {len(bad):9d}  trains told wrong without a doubt")
    for line in bad[:20]:
        print(f"    {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
