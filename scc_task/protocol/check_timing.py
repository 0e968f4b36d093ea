"""Check times that hold for every seed: gaps, inflations, dose and length of a run."""

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.limits import DEFLATION_S, Limits
from scc_task.errors import FileProblem
from scc_task.protocol.base import to_ms
from scc_task.protocol.load import Loaded
from scc_task.protocol.model import Protocol, Step, durations_ms
from scc_task.protocol.yaml_file import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One step of a run: its place, and its shortest and longest time over all seeds."""

    path: Path
    step: Step
    least_ms: int
    most_ms: int


def check_timing(protocol: Loaded[Protocol], limits: Limits) -> list[FileProblem]:
    """Return what is wrong with the times, whatever the seed."""
    slots = list(_slots(protocol.model))
    return [
        *_long_inflations(protocol, slots, limits),
        *_short_gaps(protocol, slots, limits),
        *_dose(protocol, slots, limits),
        *_length(protocol),
    ]


def _slots(protocol: Protocol) -> Iterator[_Slot]:
    for position, item in enumerate(protocol.run):
        if item.trials is None:
            yield _slot(item, ("run", position), 1)
            continue
        for _ in range(item.trials.count):
            for inner, step in enumerate(item.trials.each):
                path = ("run", position, "trials", "each", inner)
                yield _slot(step, path, item.trials.count)


def _slot(step: Step, path: Path, count: int) -> _Slot:
    values = durations_ms(step.duration, count)
    return _Slot(path=path, step=step, least_ms=values[0], most_ms=values[-1])


def _long_inflations(
    protocol: Loaded[Protocol], slots: list[_Slot], limits: Limits
) -> Iterator[FileProblem]:
    for slot in {s.path: s for s in slots if s.step.inflate is not None}.values():
        if slot.most_ms > limits.inflation_s * 1000:
            yield protocol.problem(
                f"an inflation of {slot.most_ms / 1000:g} s is longer than the limit of "
                f"{limits.inflation_s:g} s",
                (*slot.path, "inflate", "for_s"),
                do=f"make it {limits.inflation_s:g} s or shorter; the limit is set in the rig file "
                "and under 'limits'",
            )


def _short_gaps(
    protocol: Loaded[Protocol], slots: list[_Slot], limits: Limits
) -> Iterator[FileProblem]:
    seen: set[tuple[Path, Path]] = set()
    last: _Slot | None = None
    deflated_ms = 0
    for slot in slots:
        if slot.step.inflate is None:
            deflated_ms += slot.least_ms
            continue
        if last is not None and deflated_ms < limits.rest_s * 1000:
            if (last.path, slot.path) not in seen:
                line = protocol.tree.place((*last.path, "inflate"), key=True).line
                lacking = limits.rest_s - deflated_ms / 1000
                yield protocol.problem(
                    f"as little as {deflated_ms / 1000:g} s between the inflation of line {line} "
                    f"and this one{' of the next trial' if last.path == slot.path else ''}; "
                    f"the limit is {limits.gap_s:g} s deflated, and {DEFLATION_S:g} s to deflate",
                    (*slot.path, "inflate"),
                    key=True,
                    do=f"lengthen the steps between them by {lacking:g} s or more (the shortest time "
                    "of each jitter counts)",
                )
            seen.add((last.path, slot.path))
        last, deflated_ms = slot, 0


def _dose(protocol: Loaded[Protocol], slots: list[_Slot], limits: Limits) -> Iterator[FileProblem]:
    inflations = [slot for slot in slots if slot.step.inflate is not None]
    if len(inflations) > limits.session_inflations:
        yield protocol.problem(
            f"{len(inflations)} inflations in one run; a session may have {limits.session_inflations}",
            inflations[-1].path,
            do="fewer trials; the limit is set in the rig file and under 'limits'",
        )
    inflated_ms = sum(
        sum(durations_ms(step.duration, count))
        for step, count in _steps(protocol.model)
        if step.inflate
    )
    if inflated_ms > limits.session_inflated_s * 1000:
        yield protocol.problem(
            f"{inflated_ms / 1000:g} s inflated in one run; a session may have "
            f"{limits.session_inflated_s:g} s",
            inflations[-1].path,
            do="fewer or shorter inflations; the limit is set in the rig file and under 'limits'",
        )


def _length(protocol: Loaded[Protocol]) -> Iterator[FileProblem]:
    scanner = protocol.model.scanner
    tr_ms = to_ms(scanner.tr_s)
    length_ms = sum(
        sum(durations_ms(step.duration, count)) for step, count in _steps(protocol.model)
    )
    if scanner.dummies.kind == "stored":
        length_ms += scanner.dummies.count * tr_ms
    if length_ms > scanner.volumes * tr_ms:
        needed = -(-length_ms // tr_ms)
        yield protocol.problem(
            f"the run lasts {length_ms / 1000:g} s, but {scanner.volumes} volumes of "
            f"{scanner.tr_s:g} s last {scanner.volumes * tr_ms / 1000:g} s",
            ("scanner", "volumes"),
            do=f"write {needed} volumes or more, at the scanner too; or shorten the run",
        )


def _steps(protocol: Protocol) -> Iterator[tuple[Step, int]]:
    """Yield each step as written, with how often it is repeated."""
    for item in protocol.run:
        if item.trials is None:
            yield item, 1
        else:
            for step in item.trials.each:
                yield step, item.trials.count
