"""Step and Plan: what a run will do, frozen and absolute, with all randomness spent."""

import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardware.limits import Limits


class StepKind(enum.StrEnum):
    """The verbs of a protocol file, as they stand in a plan."""

    FIXATION = "fixation"
    SHOW = "show"
    ANTICIPATION = "anticipation"
    INFLATE = "inflate"
    RATE = "rate"


class TrialType(enum.StrEnum):
    """The modelled phases: the levels of ``trial_type`` in ``events.tsv``."""

    INSTRUCTION = "instruction"
    ANTICIPATION = "anticipation"
    PAIN = "pain"
    RATING = "rating"


class DummyKind(enum.StrEnum):
    """What a scanner does with dummy volumes."""

    SILENT = "silent"
    """No pulse is sent for them: there is nothing to count."""
    DISCARDED = "discarded"
    """A pulse is sent, the volume is not stored: time zero is the pulse after them."""
    STORED = "stored"
    """A pulse is sent and the volume is stored: time zero is the first of them, steps come after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A sign with a colour *and* a shape, so that a colour-blind participant can read it."""

    name: str
    shape: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A rating scale of whole numbers in the participant's language; 0 to 100 if not said otherwise."""

    name: str
    question: str
    low: str
    high: str
    start: int
    lowest: int = 0
    highest: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerPlan:
    """What the scanner will do. ``tr_s`` in seconds; ``dummies`` counts volumes.

    No ``volumes``: there is no scanner, and time zero is when the run begins. Pulses have stopped when
    ``lost_after`` of them in a row did not come; ``when_pulses_stop`` is ``continue`` (by the clock) or
    ``stop``. ``count_to_end``: listen after the last step too, until the scanner is silent.
    """

    tr_s: float
    volumes: int
    dummies: int
    dummy_kind: DummyKind
    when_pulses_stop: str = "continue"
    lost_after: int = 5
    count_to_end: bool = False

    @property
    def first(self) -> int:
        """Return the number of the first pulse: discarded dummies count from ``-dummies`` to -1."""
        return -self.dummies if self.dummy_kind is DummyKind.DISCARDED else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPressure:
    """A named pressure with its number for this participant, and where the number is from."""

    name: str
    mmhg: float
    rating: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One planned thing.

    ``onset_ms`` counts from time zero (onset of the first stored volume). Milliseconds are
    integers so that sums of jitters are exact. ``trial`` counts from 1 and is ``None`` outside
    trials. ``trial_type`` is ``None`` for what is not modelled (fixation, "get ready"). ``rise_ms``:
    how long the pressure rises in a line; 0: as fast as it goes. An inflation with a ``scale`` is
    rated all the while.
    """

    number: int
    kind: StepKind
    onset_ms: int
    duration_ms: int
    trial: int | None = None
    trial_type: TrialType | None = None
    text: str | None = None
    cue: str | None = None
    scale: str | None = None
    pressure: str | None = None
    target_mmhg: float | None = None
    rise_ms: int = 0

    @property
    def onset_s(self) -> float:
        """Return the onset in seconds from time zero."""
        return self.onset_ms / 1000

    @property
    def duration_s(self) -> float:
        """Return the duration in seconds."""
        return self.duration_ms / 1000

    @property
    def end_ms(self) -> int:
        """Return the end in milliseconds from time zero."""
        return self.onset_ms + self.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run, compiled: the same object is previewed, dry-run, executed, hashed and recorded."""

    protocol: str
    task: str
    strategy: str
    language: str
    seed: int
    scanner: ScannerPlan
    limits: Limits
    pressures: tuple[ResolvedPressure, ...]
    cues: tuple[Cue, ...]
    scales: tuple[Scale, ...]
    texts: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]

    @property
    def length_ms(self) -> int:
        """Return the time from time zero to the end of the last step, in milliseconds."""
        return self.steps[-1].end_ms if self.steps else 0

    @property
    def length_s(self) -> float:
        """Return the time from time zero to the end of the last step, in seconds."""
        return self.length_ms / 1000

    @property
    def inflations(self) -> tuple[Step, ...]:
        """Return the steps that move the cuff."""
        return tuple(s for s in self.steps if s.kind is StepKind.INFLATE)

    def text(self, key: str) -> str:
        """Return a text by its key."""
        return dict(self.texts)[key]

    def cue(self, name: str) -> Cue:
        """Return a cue by its name."""
        return next(c for c in self.cues if c.name == name)

    def scale(self, name: str) -> Scale:
        """Return a rating scale by its name."""
        return next(s for s in self.scales if s.name == name)

    def marker_start(self, step: Step) -> int:
        """Return where the marker of a step's scale begins: at its low end while the cuff inflates."""
        scale = self.scale(str(step.scale))
        return scale.lowest if step.kind is StepKind.INFLATE else scale.start

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types."""
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON of the plan."""
        return digest_of(self.as_dict())


def digest_of(data: Mapping[str, Any]) -> str:
    """Return the digest of a plan as it was written, also by an earlier version."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def step_from_dict(data: Mapping[str, Any]) -> Step:
    """Return the step that `dataclasses.asdict` made of one."""
    trial_type = data["trial_type"]
    return Step(
        **{
            **data,
            "kind": StepKind(data["kind"]),
            "trial_type": None if trial_type is None else TrialType(trial_type),
        }
    )


def plan_from_dict(data: dict[str, Any]) -> Plan:
    """Return the plan that `Plan.as_dict` wrote (for `recover`)."""
    return Plan(
        **{
            **data,
            "scanner": ScannerPlan(
                **{**data["scanner"], "dummy_kind": DummyKind(data["scanner"]["dummy_kind"])}
            ),
            "limits": Limits(**data["limits"]),
            "pressures": tuple(ResolvedPressure(**p) for p in data["pressures"]),
            "cues": tuple(Cue(**c) for c in data["cues"]),
            "scales": tuple(Scale(**s) for s in data["scales"]),
            "texts": tuple((key, text) for key, text in data["texts"]),
            "steps": tuple(map(step_from_dict, data["steps"])),
        }
    )
