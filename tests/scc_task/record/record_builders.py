"""Realistic runs as lists of documents, journals of them, and images to copy in."""

import dataclasses
import gzip
import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hardware.limits import Limits
from scc_task.documents import (
    Command,
    Document,
    Note,
    Pulse,
    PulseKind,
    Rating,
    Samples,
    Start,
    StepBegan,
    Stop,
    TimeZero,
    Vented,
)
from scc_task.plan.steps import (
    Cue,
    DummyKind,
    Plan,
    ResolvedPressure,
    Scale,
    ScannerPlan,
    Step,
    StepKind,
    TrialType,
)
from scc_task.record.journal import Journal, encode_line
from scc_task.record.paths import RunName

T0_S = 1002.0
TARGET_MMHG = 152.4
JITTER_MS = (-3000, 3000, -1500, 1500, -500, 500, -2000, 2000)
BLOCK = 25


def make_plan(*, trials: int = 8, strategy: str = "compassion", task: str = "scc") -> Plan:
    """Return the main run: 548 s with 8 trials; jitters sum to zero for an even number."""
    steps: list[Step] = []

    def add(kind: StepKind, duration_ms: int, **more: Any) -> None:
        onset_ms = steps[-1].end_ms if steps else 0
        steps.append(
            Step(number=len(steps), kind=kind, onset_ms=onset_ms, duration_ms=duration_ms, **more)
        )

    add(StepKind.FIXATION, 10_000)
    add(StepKind.SHOW, 25_000, text="self_compassion", trial_type=TrialType.INSTRUCTION)
    add(StepKind.SHOW, 5_000, text="begin")
    for trial in range(1, trials + 1):
        jitter_ms = JITTER_MS[(trial - 1) % 8]
        add(
            StepKind.ANTICIPATION,
            9_000 + jitter_ms,
            trial=trial,
            cue="pressure_coming",
            trial_type=TrialType.ANTICIPATION,
        )
        add(
            StepKind.INFLATE,
            15_000,
            trial=trial,
            cue="pressure_on",
            pressure="pain",
            target_mmhg=TARGET_MMHG,
            trial_type=TrialType.PAIN,
        )
        add(StepKind.FIXATION, 6_000, trial=trial)
        for scale in ("intensity", "unpleasantness"):
            add(StepKind.RATE, 8_000, trial=trial, scale=scale, trial_type=TrialType.RATING)
        add(StepKind.FIXATION, 16_000 - jitter_ms, trial=trial)
    add(StepKind.FIXATION, 12_000)
    return Plan(
        protocol="scc",
        task=task,
        strategy=strategy,
        language="en",
        seed=7,
        scanner=ScannerPlan(
            tr_s=1.0,
            volumes=steps[-1].end_ms // 1000 + 12,
            dummies=0,
            dummy_kind=DummyKind.SILENT,
        ),
        limits=Limits(),
        pressures=(
            ResolvedPressure(name="pain", mmhg=TARGET_MMHG, rating=40.0, source="calibration"),
        ),
        cues=(
            Cue(name="pressure_coming", shape="triangle", color="yellow"),
            Cue(name="pressure_on", shape="square", color="red"),
        ),
        scales=tuple(
            Scale(name=name, question=f"How {word} was it?", low="not", high="extremely", start=50)
            for name, word in (("intensity", "intense"), ("unpleasantness", "unpleasant"))
        ),
        texts=(("self_compassion", "Sei freundlich zu dir, wünsch dir Gutes"), ("begin", "Go")),
        steps=tuple(steps),
    )


def make_start(plan: Plan, **changes: Any) -> Start:
    """Return the first document of a simulated run of sub-01, ses-pre, run 1."""
    start = Start(
        subject="01",
        session="pre",
        run=1,
        time_s=1000.0,
        wall="1924-01-01T00:00:00+00:00",
        plan=json.loads(json.dumps(plan.as_dict())),  # as it comes back from a journal
        plan_digest=plan.digest(),
        inputs=(
            {
                "role": "protocol",
                "name": "protocols/scc.yaml",
                "sha256": "ab" * 32,
                "text": "version: 1\n" * 40,
            },
        ),
        provenance={
            "pressure": "emulated cuff",
            "pulses": "emulated scanner",
            "responses": "emulated participant",
        },
        simulated=True,
        rig="simulated",
        cuff_site="left calf",
        device={
            "manufacturer": "scc-task",
            "model": "Emulated reference cuff",
            "serial_number": "SIM-7",
            "firmware": "1.0",
            "protocol": "CUFF/1",
            "ceiling_mmhg": 260.0,
            "lease_ms": 250,
            "simulated": True,
        },
        screen={"width_px": 0, "height_px": 0, "refresh_hz": None, "software": "headless"},
        versions={"scc-task": "0.1.0", "python": "3.11.7", "system": "Linux 6.1"},
    )
    return dataclasses.replace(start, **changes)


def make_documents(
    plan: Plan,
    *,
    stop_at_s: float | None = None,
    reason: str = "operator",
    killed: bool = False,
    unconfirmed: frozenset[int] = frozenset(),
    **start: Any,
) -> list[Document]:
    """Return what a run publishes, in order of time.

    Parameters
    ----------
    stop_at_s
        Seconds from time zero (negative: before it) at which the run ends early.
    killed
        Whether the end leaves no trace at all.
    unconfirmed
        Steps whose rating is not confirmed.
    """
    end_s = T0_S + (plan.length_s if stop_at_s is None else stop_at_s)
    timed: list[tuple[float, Document]] = [(T0_S, TimeZero(time_s=T0_S, pulse=0))]
    timed += [
        (
            T0_S + n * plan.scanner.tr_s,
            Pulse(
                time_s=T0_S + n * plan.scanner.tr_s,
                kind=PulseKind.VOLUME,
                number=n,
                missed_before=0,
            ),
        )
        for n in range(plan.scanner.volumes)
    ]
    pressed: list[tuple[float, float]] = []
    for step in plan.steps:
        at_s = T0_S + step.onset_s
        until_s = at_s + step.duration_s
        if at_s >= end_s:
            break
        timed.append((at_s, _began(step, at_s)))
        if step.kind is StepKind.INFLATE:
            pressed.append((at_s, min(until_s, end_s)))
            timed += [
                (at_s + 0.004, _command("go", step, at_s)),
                (until_s, _command("end", step, until_s)),
            ]
            timed.append((until_s + 1.5, _vented(until_s)))
        if step.kind is StepKind.RATE:
            timed.append((until_s, _rating(step, at_s, confirmed=step.number not in unconfirmed)))
    vented_s = end_s if killed else end_s + 2.0
    timed += _samples(pressed, 1000.02, vented_s)
    timed = [(t, d) for t, d in timed if t <= (vented_s if isinstance(d, Samples) else end_s)]
    documents = [make_start(plan, **start), *(d for _, d in sorted(timed, key=lambda x: x[0]))]
    if killed:
        return documents
    if stop_at_s is not None:
        documents += [_command("vent", None, end_s), _vented(end_s)]
        documents.append(Note(time_s=end_s, code="stopped", message="asked for at the console"))
    documents.append(
        Stop(
            reason="completed" if stop_at_s is None else reason,
            detail="",
            end_s=end_s,
            time_s=end_s + 2.0,
            vent_confirmed=True,
        )
    )
    return documents


def _began(step: Step, at_s: float) -> StepBegan:
    return StepBegan(
        number=step.number,
        kind=str(step.kind),
        trial=step.trial,
        trial_type=None if step.trial_type is None else str(step.trial_type),
        planned_s=at_s,
        flip_s=at_s,
    )


def _command(word: str, step: Step | None, at_s: float) -> Command:
    mmhg = step.target_mmhg if step is not None and word == "go" else None
    return Command(
        command=word,
        step=None if step is None else step.number,
        planned_s=at_s,
        sent_s=at_s,
        acknowledged_s=at_s + 0.004,
        commanded_mmhg=mmhg,
        acknowledged_mmhg=mmhg,
    )


def _vented(at_s: float) -> Vented:
    return Vented(started_s=at_s, time_s=at_s + 1.5, confirmed=True, residual_mmhg=4.0)


def _rating(step: Step, at_s: float, *, confirmed: bool) -> Rating:
    return Rating(
        step=step.number,
        scale=step.scale or "",
        flip_s=at_s,
        end_s=at_s + step.duration_s,
        rating=42 if confirmed else None,
        last_position=42,
        moved=True,
        response_time_s=3.25 if confirmed else None,
        trace=((0.0, 50), (2.5, 42)),
    )


def _samples(
    pressed: list[tuple[float, float]], from_s: float, to_s: float
) -> list[tuple[float, Document]]:
    """Return blocks of a cuff at 50 Hz that fills with 0.6 s and empties with 0.4 s."""
    rows: list[tuple[int, int, float, str, float, None, float]] = []
    blocks: list[tuple[float, Document]] = []
    mmhg, waiting = 0.0, list(pressed)
    for number in range(int((to_s - from_s) * 50) + 1):
        at_s = from_s + number / 50
        while waiting and at_s >= waiting[0][1]:
            waiting.pop(0)
        goal = TARGET_MMHG if waiting and at_s >= waiting[0][0] else 0.0
        mmhg += (goal - mmhg) * (1 - math.exp(-0.02 / (0.6 if goal else 0.4)))
        state = "hold" if goal else "armed"
        rows.append((number, number * 20 + 512, at_s, state, round(mmhg, 1), None, goal))
        if len(rows) == BLOCK:
            blocks.append((at_s, Samples(**_columns(rows))))
            rows = []
    if rows:
        blocks.append((rows[-1][2], Samples(**_columns(rows))))
    return blocks


def _columns(rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    names = [f.name for f in dataclasses.fields(Samples)]
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def make_journal(data: Path, documents: list[Document]) -> Path:
    """Write a journal in its place, quickly, and return it."""
    start = documents[0]
    assert isinstance(start, Start)
    name = RunName(
        subject=start.subject, session=start.session, run=start.run, task=start.plan["task"]
    )
    path = name.journal(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(encode_line, documents)))
    return path


def record(path: Path, documents: Iterable[Document], **options: Any) -> Journal:
    """Write a journal as a run does, and close it."""
    journal = Journal(path, **options)
    for document in documents:
        journal.append(document)
    journal.close()
    return journal


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def table(path: Path) -> list[dict[str, str]]:
    """Return a tab-separated file as rows."""
    head, *lines = path.read_text("utf-8").rstrip("\n").split("\n")
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


BOLD = {
    "TaskName": "scc",
    "TaskDescription": "Cued cuff pressure pain with ratings",
    "Instructions": "Rate when the scale appears",
    "CogAtlasID": "n/a",
    "CogPOID": "n/a",
    "InstitutionName": "Example University",
    "InstitutionAddress": "1 Example Street",
    "InstitutionalDepartmentName": "Imaging",
    "RepetitionTime": 1.0,
    "EchoTime": 0.03,
    "FlipAngle": 77,
    "SliceTiming": [0.0, 0.5],
    "MagneticFieldStrength": 3,
    "Manufacturer": "Example",
    "ManufacturersModelName": "Example 3T",
    "DeviceSerialNumber": "00001",
    "StationName": "MR1",
    "SoftwareVersions": "X1",
    "ReceiveCoilName": "Head_32",
    "ReceiveCoilActiveElements": "HEA;HEP",
    "MatrixCoilMode": "SENSE",
    "CoilCombinationMethod": "Sum of Squares",
    "PulseSequenceType": "Gradient Echo EPI",
    "ScanningSequence": "EP",
    "SequenceVariant": "SK",
    "SequenceName": "epfid2d1",
    "PulseSequenceDetails": "Product sequence",
    "NonlinearGradientCorrection": False,
    "MRAcquisitionType": "2D",
    "PhaseEncodingDirection": "j-",
    "EffectiveEchoSpacing": 0.00058,
    "TotalReadoutTime": 0.04,
    "DwellTime": 2.6e-06,
}


def add_images(data: Path) -> None:
    """Put an image beside every events file, as after the conversion from DICOM.

    The scanner stops, at 1 s a volume, 12 s after the last event.
    """
    (data / "task-scc_bold.json").write_text(json.dumps(BOLD))
    for events in sorted(data.glob("sub-*/ses-*/func/*_events.tsv")):
        image = events.with_name(events.name.replace("_events.tsv", "_bold.nii.gz"))
        with image.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            last = table(events)[-1]
            file.write(_nifti(round(float(last["onset"]) + float(last["duration"])) + 12))
        folder = events.parent.parent
        [scans] = folder.glob("*_scans.tsv")
        columns = scans.read_text().split("\n")[0].split("\t")
        cells = {"filename": f"func/{image.name}", "acq_time": "1924-01-01T00:00:02"}
        line = "\t".join(cells.get(c, "n/a") for c in columns)
        scans.write_text(scans.read_text() + line + "\n")


def _nifti(volumes: int) -> bytes:
    """Return an empty image of 2 x 2 x 2 voxels of 3 mm, one volume each second."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 4, 2, 2, 2, volumes, 1, 1, 1)
    struct.pack_into("<hh", head, 70, 4, 16)  # int16
    struct.pack_into("<8f", head, 76, 1, 3, 3, 3, 1.0, 1, 1, 1)
    struct.pack_into("<f", head, 108, 352.0)
    struct.pack_into("<f", head, 112, 1.0)
    head[123] = 2 | 8  # mm and s
    struct.pack_into("<hh", head, 252, 1, 1)
    struct.pack_into("<4f", head, 280, 3, 0, 0, 0)
    struct.pack_into("<4f", head, 296, 0, 3, 0, 0)
    struct.pack_into("<4f", head, 312, 0, 0, 3, 0)
    head[344:348] = b"n+1\0"
    return bytes(head) + bytes(16 * volumes)
