"""What happened, as frozen records. The engine publishes them; recorders subscribe.

Every ``*_s`` field is a time in seconds on the one monotonic clock of the machine
(`hardware.clock`), except where a docstring says otherwise.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args


class PulseKind(enum.StrEnum):
    """What a scanner pulse was."""

    DUMMY = "dummy"
    VOLUME = "volume"
    EXTRA = "extra"
    BOUNCE = "bounce"
    """The same contact once more, within 50 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first document: who, what, with which files, versions and machines.

    ``wall`` is ISO 8601, UTC, and only a label. ``inputs`` holds every file that shaped the run,
    whole, with role, name and SHA-256. ``provenance`` names the source of pressure, pulses and
    responses (``"emulated ..."`` where simulated), and the grip or that there was none. ``plan`` is
    `Plan.as_dict`. ``device`` is what the cuff said of itself, with its ``capabilities`` and its
    ``limitations`` in words. ``overrides``: what somebody allowed beyond the usual limits, and what
    was typed. ``markers``: each output to a recorder, with its port or stream and its codes.
    ``known_before``: what a calibration knew of pressures that were too much, and from which runs
    (`scc_task.calibration.too_much`); ``None`` where that was not looked up.
    """

    type: ClassVar[str] = "start"
    subject: str
    session: str
    run: int
    time_s: float
    wall: str
    plan: Mapping[str, Any]
    plan_digest: str
    inputs: tuple[Mapping[str, str], ...]
    provenance: Mapping[str, str]
    simulated: bool
    rig: str
    cuff_site: str
    device: Mapping[str, Any]
    screen: Mapping[str, Any]
    versions: Mapping[str, str]
    overrides: tuple[Mapping[str, str], ...] = ()
    markers: tuple[Mapping[str, Any], ...] = ()
    known_before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZero:
    """Onset of the first stored volume, and the pulse number that gave it.

    ``inferred``: its pulse was not heard, or was out of place; the time follows from the others.
    ``uncertainty_s``: standard error of the inference; ``None`` where the pulse itself was stamped.
    """

    type: ClassVar[str] = "time_zero"
    time_s: float
    pulse: int
    inferred: bool = False
    uncertainty_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Steps that joined the plan while the run went on, as in `Plan.as_dict`."""

    type: ClassVar[str] = "planned"
    time_s: float
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegan:
    """A step's screen was flipped. ``planned_s`` and ``flip_s`` are on the machine's clock."""

    type: ClassVar[str] = "step"
    number: int
    kind: str
    trial: int | None
    trial_type: str | None
    planned_s: float
    flip_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMissed:
    """A step whose whole time had passed before it could be shown."""

    type: ClassVar[str] = "step_missed"
    number: int
    planned_s: float
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Evidence of a command to the cuff: ``arm``, ``go`` (inflate), ``end`` (planned vent), ``vent``.

    ``step`` is the number of the inflate step it belongs to.
    """

    type: ClassVar[str] = "command"
    command: str
    step: int | None
    planned_s: float | None
    sent_s: float
    acknowledged_s: float | None
    commanded_mmhg: float | None
    acknowledged_mmhg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """A block of pressure samples, column by column, in order of arrival."""

    type: ClassVar[str] = "samples"
    counter: tuple[int, ...]
    device_ms: tuple[int, ...]
    arrival_s: tuple[float, ...]
    state: tuple[str, ...]
    measured_mmhg: tuple[float, ...]
    second_mmhg: tuple[float | None, ...]
    commanded_mmhg: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """One scanner pulse. ``number`` counts volumes from time zero, missed ones included.

    It is ``None`` for extra pulses and bounces; dummies count from ``-dummies`` to -1. ``unsure``: it may
    be something else than ``kind`` says. ``off_s``: how far from where it was due, if that was known.
    """

    type: ClassVar[str] = "pulse"
    time_s: float
    kind: PulseKind
    number: int | None
    missed_before: int
    unsure: bool = False
    off_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key went down or up. ``action`` is what the rig file makes of it, if anything.

    ``dropped`` says why it did not count (`scc_task.debounce`). ``moved``: the way of a mouse or a
    trackball, as a part of the scale's length.
    """

    type: ClassVar[str] = "key"
    time_s: float
    key: str
    down: bool
    action: str | None
    dropped: str | None = None
    moved: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """The marker of a scale that is rated while the cuff is inflated: where it stands from now on.

    ``position`` is in the numbers of the scale; ``None`` when the scale has gone.
    """

    type: ClassVar[str] = "tracked"
    time_s: float
    step: int
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The outcome of one rating slot.

    ``rating`` is ``None`` when not confirmed in time. ``trace`` holds (seconds since the
    scale's flip, position in the numbers of the scale). ``response_time_s`` counts from the flip to
    the confirmation.
    """

    type: ClassVar[str] = "rating"
    step: int
    scale: str
    flip_s: float
    end_s: float
    rating: int | None
    last_position: int
    moved: bool
    response_time_s: float | None
    trace: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A rating was confirmed, at that moment: a program that is killed before the slot ends keeps it."""

    type: ClassVar[str] = "confirmed"
    time_s: float
    step: int
    rating: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vented:
    """A venting ended: confirmed by falling pressure, or not; ``None`` where nobody measures it."""

    type: ClassVar[str] = "vented"
    started_s: float
    time_s: float
    confirmed: bool | None
    residual_mmhg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A calibration asks for an inflation. ``phase``, ``why``: as in `scc_task.calibration.talk.Request`."""

    type: ClassVar[str] = "requested"
    trial: int
    time_s: float
    phase: str
    pressure_mmhg: float
    hold_s: float
    why: str
    needs_yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a calibration's request; the steps are those of its inflation and its rating.

    ``inflate_step`` is ``None`` where the operator said no: nothing was inflated. ``cut``: as in
    `scc_task.calibration.talk.Outcome`.
    """

    type: ClassVar[str] = "outcome"
    trial: int
    time_s: float
    inflate_step: int | None
    rate_step: int | None
    rating: float | None
    tolerated: bool
    stopped: bool
    operator_said_yes: bool | None
    cut: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One marker for one recorder: what it means, and when it went out.

    ``kind`` is a `scc_task.protocol.rig_markers.MarkerKind`; ``output`` the port, or the stream's name.
    ``code`` is ``None`` on a stream, whose markers are words. ``planned_s``: when the plan wanted what it
    marks; ``event_s``: when that happened (flip, command sent, sample arrived); ``handed_s``: when the marker
    was handed to the output's thread; ``written_s``: when the system had taken it, ``None`` if it never did.
    """

    type: ClassVar[str] = "marker"
    kind: str
    output: str
    code: int | None
    step: int | None
    planned_s: float | None
    event_s: float
    handed_s: float
    written_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a calibration has come to, put to the operator; ``repeat_mmhg``: what could be given again."""

    type: ClassVar[str] = "offered"
    time_s: float
    verdict: str
    acceptable: bool
    repeat_mmhg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What the operator decided, by whom and why, as typed.

    ``what``: ``accept``, ``decline``, ``undecided``, ``repeat`` (of ``pressure_mmhg``), ``stop``;
    ``refused`` where the program refused the result and nobody could accept it. It comes before anything is
    stored: what was kept, then or later, only the store says.
    """

    type: ClassVar[str] = "decided"
    time_s: float
    what: str
    by: str
    why: str
    pressure_mmhg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth knowing that does not end the run: late step, lost samples, refused command."""

    type: ClassVar[str] = "note"
    time_s: float
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The last document. ``reason`` is a `hardware.states.StopReason`; ``end_s`` is when steps ended."""

    type: ClassVar[str] = "stop"
    reason: str
    detail: str
    end_s: float
    time_s: float
    vent_confirmed: bool | None
    notes: tuple[str, ...] = field(default=())


Document = (
    Start
    | TimeZero
    | Planned
    | StepBegan
    | StepMissed
    | Command
    | Samples
    | Pulse
    | Key
    | Tracked
    | Confirmed
    | Rating
    | Vented
    | Requested
    | Outcome
    | Offered
    | Decided
    | Marker
    | Note
    | Stop
)

_BY_TYPE: Mapping[str, type] = {cls.type: cls for cls in get_args(Document)}


def to_json(document: Document) -> dict[str, Any]:
    """Return a document as plain types, its ``type`` first."""
    fields = {f.name: getattr(document, f.name) for f in dataclasses.fields(document)}
    return {"type": document.type, **fields}


def from_json(data: Mapping[str, Any]) -> Document:
    """Return the document that `to_json` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the data are not one of ours.
    """
    cls = _BY_TYPE[data["type"]]
    fields: dict[str, Any] = {
        key: _tuples(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key != "type"
    }
    if cls is Pulse:
        fields["kind"] = PulseKind(fields["kind"])
    document: Document = cls(**fields)
    return document


def _tuples(values: list[Any]) -> tuple[Any, ...]:
    if values and isinstance(values[0], list):
        return tuple(map(tuple, values))
    return tuple(values)


Subscriber = Callable[[Document], None]
