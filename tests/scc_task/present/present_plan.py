"""A plan with every text and scale that ships, and every cue there can be. Built without the compiler."""

from pathlib import Path

import yaml

from hardware.limits import Limits
from scc_task.plan.steps import Cue, DummyKind, Plan, Scale, ScannerPlan, Step, StepKind
from scc_task.present import layout

ROOT = Path(__file__).parents[3]


def present_plan(**extra_texts: str) -> Plan:
    """Return the plan; ``extra_texts`` are added to the shipped ones."""
    book = yaml.safe_load((ROOT / "protocols/text/en.yaml").read_text(encoding="utf-8"))
    cues = tuple(
        Cue(name=shape, shape=shape, color=color)
        for shape, color in zip(
            layout.SHAPES, ("blue", "green", "red", "white", "yellow"), strict=True
        )
    )
    scales = tuple(
        Scale(
            name=name,
            **{k: entry[k] for k in ("question", "low", "high", "start")},
            lowest=entry.get("from", 0),
            highest=entry.get("to", 100),
        )
        for name, entry in book["scales"].items()
    )
    texts = {**book["texts"], **extra_texts}
    steps: list[Step] = []

    def add(kind: StepKind, **what: str | None) -> None:
        steps.append(
            Step(
                number=len(steps) + 1,
                kind=kind,
                onset_ms=1000 * len(steps),
                duration_ms=1000,
                **what,
            )
        )

    add(StepKind.FIXATION)
    for key in texts:
        add(StepKind.SHOW, text=key)
    for cue in cues:
        add(StepKind.ANTICIPATION, cue=cue.name)
    add(StepKind.INFLATE, cue=cues[0].name)
    add(StepKind.INFLATE)
    for scale in scales:
        add(StepKind.RATE, scale=scale.name)
    return Plan(
        protocol="present",
        task="present",
        strategy="none",
        language="en",
        seed=1,
        scanner=ScannerPlan(tr_s=1.0, volumes=100, dummies=0, dummy_kind=DummyKind.SILENT),
        limits=Limits(),
        pressures=(),
        cues=cues,
        scales=scales,
        texts=tuple(texts.items()),
        steps=tuple(steps),
    )
