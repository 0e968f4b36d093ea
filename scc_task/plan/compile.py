"""Compile a protocol into a plan: absolute onsets, all randomness spent."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hardware.limits import Limits
from scc_task.plan import steps
from scc_task.plan.jitter import deal
from scc_task.plan.steps import DummyKind, Plan, ResolvedPressure, ScannerPlan, StepKind, TrialType
from scc_task.protocol.base import to_ms
from scc_task.protocol.calibration import Calibration
from scc_task.protocol.load import Loaded
from scc_task.protocol.model import Jitter, Protocol, Step, durations_ms
from scc_task.protocol.texts import Texts, own_texts

Resolve = Callable[[str, float], ResolvedPressure]
"""Turn a pressure's name and its rating (0 to 100) into a number for this participant."""

UNRESOLVED: Final = "not known yet: needs the participant's calibration"
"""Source of a pressure without a number; the dry run refuses to let such a plan run."""


def unresolved(name: str, rating: float) -> ResolvedPressure:
    """Return a stand-in for a pressure whose number is not known, for `check` and `preview`.

    Its number is 0 mmHg: should such a plan ever slip through to a cuff, the cuff stays flat.
    """
    return ResolvedPressure(name=name, mmhg=0.0, rating=rating, source=UNRESOLVED)


def calibrated(calibration: Loaded[Calibration]) -> Resolve:
    """Return a function that resolves ratings from a participant's calibration file.

    The function raises `KeyError` for a rating that the file does not have; `check_protocol`
    has refused that before.
    """

    def resolve(name: str, rating: float) -> ResolvedPressure:
        mmhg = calibration.model.mmhg_for(rating)
        if mmhg is None:
            raise KeyError(f"no pressure for rating {rating:g} in {calibration.file}")
        source = f"calibration {Path(calibration.file).name} of {calibration.model.date}"
        return ResolvedPressure(name=name, mmhg=float(mmhg), rating=float(rating), source=source)

    return resolve


def compile_plan(
    protocol: Protocol, texts: Texts, *, limits: Limits, seed: int, resolve: Resolve
) -> Plan:
    """Return the plan of a protocol for one participant and one seed.

    Parameters
    ----------
    protocol, texts
        As checked by `check_protocol`.
    limits
        The rig's; the protocol's own limits narrow them here.
    seed
        Orders the jitters; their sums, and so the length of the run, do not depend on it.
    resolve
        Gives the number for each pressure that is a rating: `calibrated`, `unresolved`, or the
        emulated participant's own curve.
    """
    pressures = {
        name: _pressure(protocol, name, resolve) for name in sorted(protocol.used_pressures())
    }
    scanner = ScannerPlan(
        tr_s=float(protocol.scanner.tr_s),
        volumes=protocol.scanner.volumes,
        dummies=protocol.scanner.dummies.count,
        dummy_kind=DummyKind(protocol.scanner.dummies.kind),
        when_pulses_stop=protocol.scanner.when_pulses_stop,
        lost_after=protocol.scanner.lost_after,
        count_to_end=protocol.scanner.count_to_end,
    )
    # time zero is the first volume on disk; where dummies are stored, the task waits them out
    onset_ms = (
        scanner.dummies * to_ms(scanner.tr_s) if scanner.dummy_kind is DummyKind.STORED else 0
    )
    planned: list[steps.Step] = []
    for step, trial, duration_ms in _timeline(protocol, seed):
        planned.append(_planned(step, len(planned) + 1, onset_ms, duration_ms, trial, pressures))
        onset_ms += duration_ms
    cues = sorted({step.cue for step in planned if step.cue is not None})
    scales = sorted({step.scale for step in planned if step.scale is not None})
    keys = sorted({*own_texts(texts), *(step.text for step in planned if step.text is not None)})
    return Plan(
        protocol=protocol.name,
        task=protocol.task,
        strategy=protocol.strategy,
        language=protocol.language,
        seed=seed,
        scanner=scanner,
        limits=_as_floats(protocol.limits.narrow(limits)),
        pressures=tuple(pressures.values()),
        cues=tuple(
            steps.Cue(name=n, shape=protocol.cues[n].shape, color=protocol.cues[n].color)
            for n in cues
        ),
        scales=tuple(steps.Scale(name=n, **texts.scales[n].model_dump()) for n in scales),
        texts=tuple((key, texts.texts[key]) for key in keys),
        steps=tuple(planned),
    )


def _pressure(protocol: Protocol, name: str, resolve: Resolve) -> ResolvedPressure:
    written = protocol.pressures[name]
    if written.mmhg is not None:
        return ResolvedPressure(name=name, mmhg=float(written.mmhg), rating=None, source="protocol")
    if written.rating is None:
        raise AssertionError("a pressure is a number or a rating")  # its model saw to it
    return resolve(name, float(written.rating))


def _timeline(protocol: Protocol, seed: int) -> Iterator[tuple[Step, int | None, int]]:
    """Yield each step with its trial and its duration in milliseconds."""
    trials_before = 0
    blocks = 0
    for item in protocol.run:
        if item.trials is None:
            yield item, None, durations_ms(item.duration, 1)[0]
            continue
        blocks += 1
        count = item.trials.count
        columns = []
        jitters: Counter[str] = Counter()
        for step in item.trials.each:
            values = durations_ms(step.duration, count)
            if isinstance(step.duration, Jitter):
                # named by verb and rank, not by line: a new text before it reshuffles nothing
                jitters[step.verb] += 1
                field = f"trials {blocks}/{step.verb} {jitters[step.verb]}"
                values = deal(values, seed=seed, field=field)
            columns.append(values)
        for trial in range(count):
            for step, values in zip(item.trials.each, columns, strict=True):
                yield step, trials_before + trial + 1, values[trial]
        trials_before += count


def _planned(
    step: Step,
    number: int,
    onset_ms: int,
    duration_ms: int,
    trial: int | None,
    pressures: dict[str, ResolvedPressure],
) -> steps.Step:
    base = steps.Step(
        number=number,
        kind=StepKind(step.verb),
        onset_ms=onset_ms,
        duration_ms=duration_ms,
        trial=trial,
    )
    if step.show is not None:
        trial_type = TrialType(step.show.trial_type) if step.show.trial_type is not None else None
        return dataclasses.replace(base, trial_type=trial_type, text=step.show.text)
    if step.anticipation is not None:
        return dataclasses.replace(
            base, trial_type=TrialType.ANTICIPATION, cue=step.anticipation.cue
        )
    if step.inflate is not None:
        return dataclasses.replace(
            base,
            trial_type=TrialType.PAIN,
            cue=step.inflate.cue,
            scale=step.inflate.rate.scale if step.inflate.rate is not None else None,
            pressure=step.inflate.to,
            target_mmhg=pressures[step.inflate.to].mmhg,
            rise_ms=to_ms(step.inflate.rise_s or 0.0),
        )
    if step.rate is not None:
        return dataclasses.replace(base, trial_type=TrialType.RATING, scale=step.rate.scale)
    return base


def _as_floats(limits: Limits) -> Limits:
    """Return limits whose digest does not depend on whether somebody wrote 250 or 250.0."""
    return dataclasses.replace(
        limits,
        ceiling_mmhg=float(limits.ceiling_mmhg),
        inflation_s=float(limits.inflation_s),
        gap_s=float(limits.gap_s),
        session_inflated_s=float(limits.session_inflated_s),
    )
