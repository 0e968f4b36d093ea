"""What becomes a marker and when, and what is on record of it."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest
from protocol_files import RIGS, ROOT

from hardware.clock import RealClock, VirtualClock
from hardware.errors import HardwareUnavailable
from hardware.markers.output import Sent
from hardware.readings import CommandReport, CuffReport, Sample, VentReport
from hardware.states import CuffState
from scc_task import markers_open
from scc_task.documents import (
    Document,
    Marker,
    Note,
    Rating,
    StepBegan,
    Stop,
    TimeZero,
    Tracked,
)
from scc_task.markers import Markers
from scc_task.occasions import CuffCourse, Occasion, RunCourse
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig_markers import (
    DEFAULT_CODES,
    Event,
    MarkerCodes,
    MarkerKind,
    MarkerRig,
)


def command(name: str, sent_s: float, mmhg: float | None = None) -> CommandReport:
    return CommandReport(
        command=name,
        program=4,
        planned_s=sent_s - 0.001,
        sent_s=sent_s,
        acknowledged_s=sent_s + 0.005,
        commanded_mmhg=mmhg,
        acknowledged_mmhg=mmhg,
    )


def sample(arrival_s: float, mmhg: float) -> Sample:
    return Sample(
        counter=0,
        device_ms=0,
        arrival_s=arrival_s,
        state=CuffState.HOLD,
        measured_mmhg=mmhg,
        second_mmhg=None,
        commanded_mmhg=100.0,
    )


def heard(*reports: CuffReport) -> list[tuple[str, float]]:
    course = CuffCourse()
    found = (course.take(report) for report in reports)
    return [(str(one.kind), one.event_s) for one in found if one is not None]


def test_an_inflation_has_four_markers_each_with_its_own_instant() -> None:
    assert heard(
        command("arm", 1.0),
        sample(9.0, 0.0),
        command("go", 10.0, 100.0),
        sample(10.1, 50.0),
        sample(10.2, 90.0),
        sample(10.3, 100.0),
        command("end", 20.0),
        sample(20.1, 60.0),
        sample(20.2, 14.9),
        sample(20.3, 2.0),
    ) == [("inflate", 10.0), ("at_target", 10.2), ("vent", 20.0), ("below_15", 20.2)]


def test_a_sample_from_before_the_command_is_no_answer_to_it() -> None:
    reports = [command("go", 10.0, 100.0), sample(9.99, 100.0), command("end", 20.0)]
    assert heard(*reports, sample(19.9, 3.0)) == [("inflate", 10.0), ("vent", 20.0)]


def test_the_vents_of_an_empty_cuff_are_no_markers() -> None:
    assert heard(command("vent", 5.0), sample(5.1, 0.0), command("vent", 6.0)) == []


def test_a_vent_that_is_repeated_is_one_marker() -> None:
    reports = [command("go", 10.0, 100.0), command("vent", 12.0), command("vent", 12.5)]
    assert [kind for kind, _ in heard(*reports)] == ["inflate", "vent"]


def test_a_vent_that_nobody_commanded_has_the_instant_at_which_it_began() -> None:
    ended = VentReport(started_s=13.0, time_s=14.0, confirmed=True, residual_mmhg=5.0)
    assert heard(command("go", 10.0, 100.0), ended) == [("inflate", 10.0), ("vent", 13.0)]


def test_an_inflation_that_was_stopped_on_its_way_up_has_no_target() -> None:
    reports = [command("go", 10.0, 100.0), sample(10.1, 60.0), command("vent", 10.2)]
    later = [sample(10.3, 95.0), sample(10.9, 10.0)]
    assert [k for k, _ in heard(*reports, *later)] == ["inflate", "vent", "below_15"]


def test_a_device_that_takes_no_pressure_has_its_commands_only() -> None:
    reports = [command("go", 10.0, None), command("end", 20.0)]
    assert [kind for kind, _ in heard(*reports)] == ["inflate", "vent"]


def began(kind: str) -> StepBegan:
    return StepBegan(number=7, kind=kind, trial=1, trial_type=None, planned_s=3.0, flip_s=3.01)


RATING = Rating(
    step=7,
    scale="intensity",
    flip_s=3.0,
    end_s=8.0,
    rating=None,
    last_position=50,
    moved=False,
    response_time_s=None,
    trace=(),
)
STOP = Stop(reason="completed", detail="", end_s=8.0, time_s=9.0, vent_confirmed=None)


@pytest.mark.parametrize(
    ("document", "kind", "event_s", "planned_s"),
    [
        (TimeZero(time_s=1.5, pulse=0), "time_zero", 1.5, None),
        (began("anticipation"), "cue", 3.01, 3.0),
        (began("rate"), "rating_on", 3.01, 3.0),
        (RATING, "rating_off", 8.0, None),
        (STOP, "run_end", 9.0, None),
    ],
)
def test_what_is_seen_is_marked_at_its_flip(
    document: Document, kind: str, event_s: float, planned_s: float | None
) -> None:
    occasion = RunCourse().take(document)
    assert occasion is not None
    assert (occasion.kind, occasion.event_s, occasion.planned_s) == (kind, event_s, planned_s)


@pytest.mark.parametrize("kind", ["fixation", "show", "inflate"])
def test_other_screens_are_not_marked(kind: str) -> None:
    assert RunCourse().take(began(kind)) is None


def test_a_scale_that_is_rated_all_the_while_comes_once_and_goes_once() -> None:
    course = RunCourse()
    moves = [(3.0, 50), (3.2, 51), (3.4, 52), (7.0, None)]
    found = [course.take(Tracked(time_s=t, step=4, position=p)) for t, p in moves]
    assert [(str(one.kind), one.event_s) for one in found if one] == [
        ("rating_on", 3.0),
        ("rating_off", 7.0),
    ]


class Channel:
    """A way to a recorder whose fate a test decides."""

    def __init__(self, name: str = "port", *, wanted: Sequence[str] = ()) -> None:
        self.name, self.wanted = name, wanted
        self.tags: list[int] = []
        self.sent: list[Sent] = []
        self.trouble: str | None = None
        self.broken = False

    def wants(self, kind: MarkerKind) -> bool:
        return not self.wanted or kind in self.wanted

    def send(self, occasion: Occasion, tag: int) -> int | None:
        if self.broken:
            raise RuntimeError("no")
        self.tags.append(tag)
        return DEFAULT_CODES[occasion.kind]

    def taken(self) -> list[Sent]:
        found, self.sent = self.sent, []
        return found

    def problem(self) -> str | None:
        return self.trouble

    def describe(self) -> dict[str, Any]:
        return {"Port": self.name}


def markers_to(*channels: Channel, warnings: Sequence[str] = ()) -> tuple[Markers, list[Document]]:
    journal: list[Document] = []
    markers = Markers(channels, VirtualClock(), warnings=warnings)
    markers.publish = journal.append
    return markers, journal


def test_a_marker_is_on_record_with_all_its_times_once_it_went_out() -> None:
    channel = Channel()
    markers, journal = markers_to(channel)
    markers.observe(began("anticipation"))
    assert journal == []
    channel.sent.append(Sent(channel.tags[0], 1000.25))
    markers.hear([])
    assert journal == [
        Marker(
            kind="cue",
            output="port",
            code=1,
            step=7,
            planned_s=3.0,
            event_s=3.01,
            handed_s=1000.0,
            written_s=1000.25,
        )
    ]


def test_a_channel_gets_what_it_wants_and_no_more() -> None:
    picky, greedy = Channel("one", wanted=["rating_on"]), Channel("two")
    markers, _ = markers_to(picky, greedy)
    markers.observe(began("anticipation"))
    markers.observe(began("rate"))
    assert (len(picky.tags), len(greedy.tags)) == (1, 2)


def test_a_port_that_fails_is_noted_once_and_the_rest_counted_at_the_end() -> None:
    channel = Channel()
    channel.trouble = "nothing there"
    markers, journal = markers_to(channel)
    for _ in range(3):
        markers.observe(began("rate"))
    channel.sent = [Sent(channel.tags[0], None)]
    markers.finish()
    notes = [d for d in journal if isinstance(d, Note)]
    assert [n.code for n in notes] == ["markers", "markers_lost"]
    assert "nothing there; the run goes on" in notes[0].message
    assert "3 markers to port did not go out" in notes[1].message
    assert [d.written_s for d in journal if isinstance(d, Marker)] == [None] * 3


def test_what_could_not_be_opened_is_noted_at_the_start() -> None:
    markers, journal = markers_to(warnings=["no LSL"])
    markers.observe(TimeZero(time_s=1.0, pulse=0))
    markers.observe(STOP)
    assert [d.message for d in journal if isinstance(d, Note)] == ["no LSL"]


def test_without_lsl_a_run_goes_on_with_a_plain_warning_on_screen_and_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise HardwareUnavailable("no LSL here", where="pylsl", do="install it")

    monkeypatch.setattr(markers_open, "LslStreams", missing)
    rig = load_rig(RIGS / "simulated.yaml").model.model_copy(update={"lsl": True})
    said: list[str] = []
    with ExitStack() as stack:
        markers = markers_open.open_markers(
            stack, rig, VirtualClock(), identity=None, log=None, say=said.append
        )
    assert markers is not None
    journal: list[Document] = []
    markers.publish = journal.append
    markers.observe(TimeZero(time_s=1.0, pulse=0))
    assert [d.message for d in journal if isinstance(d, Note)] == said
    assert "no LSL here" in said[0]
    assert markers.describe() == ()


def test_two_emulated_recorders_keep_a_log_each(tmp_path: Path) -> None:
    emulated = MarkerRig(to="serial", port="emulated")
    rig = load_rig(RIGS / "simulated.yaml").model.model_copy(
        update={"markers": (emulated, emulated), "lsl": False}
    )
    log = tmp_path / "sub-01" / "run_emulatedrecorder.jsonl"
    with ExitStack() as stack:
        markers_open.open_markers(
            stack, rig, RealClock(), identity=None, log=log, say=lambda words: None
        )
    assert sorted(path.name for path in log.parent.iterdir()) == [
        "run_emulatedrecorder-2.jsonl",
        "run_emulatedrecorder.jsonl",
    ]


class Cuff:
    """A cuff with reports to come."""

    def __init__(self, *reports: CuffReport) -> None:
        self.reports = list(reports)
        self.vents = 0

    def vent(self) -> None:
        self.vents += 1

    def poll(self) -> list[CuffReport]:
        found, self.reports = self.reports, []
        return found

    def nothing(self, *_: object) -> Any:
        return None

    open = arm = load = beat = close = next_due_s = nothing


def test_the_cuffs_reports_pass_unchanged_and_its_vent_is_its_own() -> None:
    reports = [command("go", 10.0, 100.0), sample(10.1, 99.0)]
    cuff, channel = Cuff(*reports), Channel()
    markers, _ = markers_to(channel)
    overheard = markers.overhear(cuff)
    assert list(overheard.poll()) == reports
    assert len(channel.tags) == 2
    overheard.vent()
    assert cuff.vents == 1


def test_a_fault_in_the_markers_never_reaches_the_cuff() -> None:
    channel = Channel()
    channel.broken = True
    cuff = Cuff(command("go", 10.0, 100.0))
    markers, journal = markers_to(channel)
    overheard = markers.overhear(cuff)
    assert len(overheard.poll()) == 1
    cuff.reports = [command("end", 20.0)]
    assert len(overheard.poll()) == 1
    assert ["fault of the program" in d.message for d in journal if isinstance(d, Note)] == [True]


def test_grammar_and_default_codes_know_the_same_markers() -> None:
    kinds = [kind.value for kind in MarkerKind]
    assert list(get_args(Event)) == kinds
    assert list(MarkerCodes.model_fields) == kinds
    assert [kind.value for kind in DEFAULT_CODES] == kinds


def test_the_manual_has_the_default_codes() -> None:
    page = Path(ROOT / "docs" / "markers.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)
    assert rows == [(kind.value, str(code)) for kind, code in DEFAULT_CODES.items()]
