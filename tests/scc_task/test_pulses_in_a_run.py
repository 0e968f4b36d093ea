"""What a run makes of its scanner: pulses that stop, a scan that began too early, the count to the end."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest
from test_engine import Room, plan  # noqa: F401  plan is a fixture

from hardware.clock import VirtualClock
from hardware.states import StopReason
from scc_task.documents import Command, Document, Note, Stop, TimeZero
from scc_task.emulated import is_waiting
from scc_task.plan.steps import Plan

DELAY_S = 3.0


class ScriptedPulses:
    """Pulses at given times after the run began to wait."""

    def __init__(self, clock: VirtualClock, after_s: Sequence[float]) -> None:
        self.clock, self.after_s = clock, after_s
        self.due: list[float] = []
        self.gone: Callable[[], str | None] = lambda: None

    def observe(self, document: Document) -> None:
        if is_waiting(document):
            self.due = [self.clock.now_s() + DELAY_S + t for t in self.after_s]

    def poll(self) -> Sequence[float]:
        now_s = self.clock.now_s()
        found = [t for t in self.due if t <= now_s]
        self.due = self.due[len(found) :]
        return found

    def next_due_s(self) -> float | None:
        return self.due[0] if self.due else None

    def problem(self) -> str | None:
        return self.gone()

    def close(self) -> None:
        pass


def run(plan: Plan, after_s: Sequence[float], **scanner: object) -> tuple[Room, Stop]:  # noqa: F811
    changed = dataclasses.replace(plan, scanner=dataclasses.replace(plan.scanner, **scanner))  # type: ignore[arg-type]
    room = Room(changed)
    room.pulses = ScriptedPulses(room.clock, after_s)  # type: ignore[assignment]
    room.engine = room.make_engine(changed, None)
    return room, room.run()


def codes(room: Room) -> list[str]:
    return [d.code for d in room.of(Note) if isinstance(d, Note)]


def test_when_pulses_stop_the_run_goes_on_by_the_clock_and_says_so(plan: Plan) -> None:  # noqa: F811
    room, stop = run(plan, [float(n) for n in range(20)])
    assert stop.reason is StopReason.COMPLETED
    assert room.valve_moves() == ["valve closed", "valve open"] * 2
    (told,) = (n for n in stop.notes if "have stopped" in n)
    assert "from volume 20 on" in told
    assert "goes on by the clock" in told


def test_when_pulses_stop_the_protocol_may_want_a_stop_and_the_cuff_is_vented_first(
    plan: Plan,  # noqa: F811
) -> None:
    # the first inflation lasts from 13 to 19 s
    room, stop = run(plan, [float(n) for n in range(14)], when_pulses_stop="stop", lost_after=3)
    assert stop.reason is StopReason.SCANNER_LOST
    zero = next(d for d in room.of(TimeZero) if isinstance(d, TimeZero))
    vent = [d for d in room.of(Command) if isinstance(d, Command) and d.command == "vent"]
    assert vent[0].sent_s - zero.time_s == pytest.approx(16.5, abs=0.3)  # three TRs after volume 13
    assert stop.end_s >= vent[0].sent_s


def test_a_trigger_port_that_goes_away_stops_a_run_that_wants_its_pulses(plan: Plan) -> None:  # noqa: F811
    for wish, reason in (("stop", StopReason.SCANNER_LOST), ("continue", StopReason.COMPLETED)):
        changed = dataclasses.replace(
            plan, scanner=dataclasses.replace(plan.scanner, when_pulses_stop=wish)
        )
        room = Room(changed)
        pulses = ScriptedPulses(room.clock, [float(n) for n in range(10)])
        room.pulses = pulses  # type: ignore[assignment]
        room.engine = room.make_engine(changed, None)
        intake = room.engine._intake
        pulses.gone = lambda p=pulses, i=intake: (  # type: ignore[misc]
            "unplugged" if i.time_zero is not None and not p.due else None
        )
        assert room.run().reason is reason


def test_a_scan_that_began_while_the_cuff_was_armed_is_told(plan: Plan) -> None:  # noqa: F811
    room = Room(plan)
    pulses = ScriptedPulses(room.clock, ())
    pulses.due = [room.clock.now_s() + 0.1 + n for n in range(80)]
    room.pulses = pulses  # type: ignore[assignment]
    room.engine = room.make_engine(plan, None)
    room.run()
    found = codes(room)
    assert "scan_before_ready" in found
    assert "time_zero_doubt" in found  # 0.1 s after the program began to listen


def test_a_run_that_counts_to_the_end_confirms_time_zero(plan: Plan) -> None:  # noqa: F811
    volumes = plan.scanner.volumes
    room, stop = run(plan, [float(n) for n in range(volumes)], count_to_end=True)
    assert stop.reason is StopReason.COMPLETED
    words = [d.message for d in room.of(Note) if isinstance(d, Note) and d.code == "pulse_report"]
    assert words[0] == "time zero is confirmed"
    assert stop.time_s > stop.end_s + 5.0
    assert stop.notes == ()


def test_a_lost_first_pulse_is_told_at_the_end_of_such_a_run(plan: Plan) -> None:  # noqa: F811
    volumes = plan.scanner.volumes
    _, stop = run(plan, [float(n) for n in range(1, volumes)], count_to_end=True)
    assert any("1 TR too late" in note for note in stop.notes)


def test_a_scanner_that_goes_on_for_ever_does_not_hold_the_run(plan: Plan) -> None:  # noqa: F811
    room, stop = run(plan, [float(n) for n in range(5000)], count_to_end=True)
    assert stop.reason is StopReason.COMPLETED
    assert stop.time_s - stop.end_s < 60.0
    assert "scanner_went_on" in codes(room)


def test_missed_pulses_are_told_at_once_and_not_repeated_at_the_end(plan: Plan) -> None:  # noqa: F811
    lost = (7, 8, 30)
    room, stop = run(plan, [float(n) for n in range(78) if n not in lost])
    zero = next(d for d in room.of(TimeZero) if isinstance(d, TimeZero))
    told = [d for d in room.of(Note) if isinstance(d, Note) and d.code == "pulses_missed"]
    assert [d.message[-1] for d in told] == ["7", "8", "0"]
    assert told[0].time_s - zero.time_s < 7.8
    assert stop.notes == ()
