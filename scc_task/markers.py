"""Markers out: handed to every recorder, with what became of each on record. In words: `docs/markers.md`."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hardware.clock import Clock
from hardware.markers.output import MarkerOutput, Sent
from hardware.markers.streams import LslStreams
from hardware.readings import CuffReport, Identity, Program, Sample
from scc_task.documents import Document, Marker, Note, Subscriber
from scc_task.occasions import CuffCourse, Occasion, RunCourse
from scc_task.ports import CuffPort
from scc_task.protocol.rig_markers import MarkerKind

FINISH_S: Final = 0.5
"""How long the end of a run waits for its last codes; more is nobody's to wait for."""


class Channel(Protocol):
    """A way to one recorder."""

    @property
    def name(self) -> str:
        """Return what the journal calls it."""

    def wants(self, kind: MarkerKind) -> bool:
        """Return whether it takes such markers."""

    def send(self, occasion: Occasion, tag: int) -> int | None:
        """Hand a marker over and return its code, if it has one. Never waits."""

    def taken(self) -> list[Sent]:
        """Return what became of markers since the last call."""

    def problem(self) -> str | None:
        """Return what went wrong first, if anything did."""

    def describe(self) -> Mapping[str, Any]:
        """Return where it goes and what its codes mean, for the record."""


class CodeChannel:
    """Codes on a port."""

    def __init__(
        self, output: MarkerOutput, table: Mapping[MarkerKind, int], facts: Mapping[str, Any]
    ) -> None:
        self._output, self._table, self._facts = output, table, facts

    @property
    def name(self) -> str:
        """Return the port."""
        return str(self._facts["Port"])

    def wants(self, kind: MarkerKind) -> bool:
        """Return whether it has a code."""
        return kind in self._table

    def send(self, occasion: Occasion, tag: int) -> int | None:
        """Hand its code over."""
        code = self._table[occasion.kind]
        self._output.send(code, tag)
        return code

    def taken(self) -> list[Sent]:
        """Return what became of codes."""
        return self._output.taken()

    def problem(self) -> str | None:
        """Return what is wrong with the port."""
        return self._output.problem()

    def describe(self) -> Mapping[str, Any]:
        """Return the port and its code table."""
        return {**self._facts, "Codes": {str(kind): code for kind, code in self._table.items()}}


class StreamChannel:
    """Words on an LSL stream, each with the instant of what it marks."""

    def __init__(self, streams: LslStreams) -> None:
        self._streams = streams

    @property
    def name(self) -> str:
        """Return what the journal calls it."""
        return "LSL"

    def pressure(self, sample: Sample) -> None:
        """Hand a sample over."""
        self._streams.pressure(sample.measured_mmhg, sample.commanded_mmhg, sample.arrival_s)

    def wants(self, kind: MarkerKind) -> bool:
        """Return that it takes all."""
        return True

    def send(self, occasion: Occasion, tag: int) -> int | None:
        """Hand the word over."""
        self._streams.send(str(occasion.kind), occasion.event_s, tag)
        return None

    def taken(self) -> list[Sent]:
        """Return what became of markers."""
        return self._streams.taken()

    def problem(self) -> str | None:
        """Return what is wrong with the streams."""
        return self._streams.problem()

    def describe(self) -> Mapping[str, Any]:
        """Return the streams, and how LSL's clock stood to the journal's."""
        return {"To": "lsl", **self._streams.describe()}


@dataclass(frozen=True, slots=True)
class _Handed:
    channel: Channel
    occasion: Occasion
    code: int | None
    handed_s: float


class Markers:
    """Hands markers to every channel, and puts on record what became of them.

    Subscribe `observe`, let `overhear` have the cuff, and give `publish` before the first document.

    Parameters
    ----------
    streams
        Gets the pressure too, sample by sample.
    warnings
        What could not be opened, for the record.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        clock: Clock,
        *,
        streams: StreamChannel | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self._channels, self._clock, self._streams = tuple(channels), clock, streams
        self._run, self._course = RunCourse(), CuffCourse()
        self._handed: dict[int, _Handed] = {}
        self._tags = 0
        self._said: set[str] = set()
        self._lost: dict[str, int] = {}
        self._warnings = list(warnings)
        self._broken = False
        self.publish: Subscriber | None = None

    def describe(self) -> tuple[Mapping[str, Any], ...]:
        """Return every channel for the `Start` document."""
        return tuple(channel.describe() for channel in self._channels)

    def observe(self, document: Document) -> None:
        """Mark what the run's documents tell."""
        if isinstance(document, Marker | Note):
            return
        occasion = self._run.take(document)
        if occasion is not None:
            self._give(occasion)
        while self._warnings:
            self._note("markers", self._warnings.pop(0))
        self._collect()

    def hear(self, reports: Sequence[CuffReport]) -> None:
        """Mark what the cuff's reports tell, and pass its pressure on. Never raises."""
        if self._broken:
            return
        try:
            for report in reports:
                self._hear(report)
            self._collect()
        except Exception as error:  # noqa: BLE001  no recorder is worth a report of the cuff
            self._broken = True
            with contextlib.suppress(Exception):
                self._note(
                    "markers", f"markers of the cuff ended by a fault of the program: {error!r}"
                )

    def _hear(self, report: CuffReport) -> None:
        occasion = self._course.take(report)
        if occasion is not None:
            self._give(occasion)
        if self._streams is not None and isinstance(report, Sample):
            self._streams.pressure(report)

    def overhear(self, cuff: CuffPort) -> CuffPort:
        """Return the same cuff; what it reports is heard here first, sample by sample."""
        return _Overheard(cuff, self)

    def finish(self) -> None:
        """Wait shortly for the last codes, and put on record how many did not go out. Never raises."""
        with contextlib.suppress(Exception):
            deadline_s = self._clock.now_s() + FINISH_S
            while self._handed and self._clock.now_s() < deadline_s:
                self._collect()
                self._clock.sleep_until(self._clock.now_s() + 0.005)
            self._collect()
            for tag in tuple(self._handed):
                self._record(Sent(tag, None))
            for name, count in self._lost.items():
                words = f"{count} markers to {name} did not go out; the journal has their times"
                self._note("markers_lost", words)

    def _give(self, occasion: Occasion) -> None:
        for channel in self._channels:
            if channel.wants(occasion.kind):
                self._tags += 1
                handed_s = self._clock.now_s()
                code = channel.send(occasion, self._tags)
                self._handed[self._tags] = _Handed(channel, occasion, code, handed_s)

    def _collect(self) -> None:
        for channel in self._channels:
            for sent in channel.taken():
                self._record(sent)
            problem = channel.problem()
            if problem is not None and channel.name not in self._said:
                self._said.add(channel.name)
                self._note("markers", f"markers to {channel.name}: {problem}; the run goes on")

    def _record(self, sent: Sent) -> None:
        handed = self._handed.pop(sent.tag, None)
        if handed is None or self.publish is None:
            return
        name, occasion = handed.channel.name, handed.occasion
        if sent.written_s is None:
            self._lost[name] = self._lost.get(name, 0) + 1
        self.publish(
            Marker(
                kind=str(occasion.kind),
                output=name,
                code=handed.code,
                step=occasion.step,
                planned_s=occasion.planned_s,
                event_s=occasion.event_s,
                handed_s=handed.handed_s,
                written_s=sent.written_s,
            )
        )

    def _note(self, code: str, message: str) -> None:
        if self.publish is not None:
            self.publish(Note(time_s=self._clock.now_s(), code=code, message=message))


class _Overheard:
    """A cuff whose reports somebody else hears first."""

    def __init__(self, cuff: CuffPort, markers: Markers) -> None:
        self._cuff, self._markers = cuff, markers
        self.open: Callable[[], Identity] = cuff.open
        self.arm: Callable[[], None] = cuff.arm
        self.load: Callable[[Program], None] = cuff.load
        self.vent: Callable[[], None] = cuff.vent
        self.beat: Callable[[], None] = cuff.beat
        self.next_due_s: Callable[[], float | None] = cuff.next_due_s
        self.close: Callable[[], None] = cuff.close

    def poll(self) -> Sequence[CuffReport]:
        """Return the reports since the last poll, oldest first."""
        reports = self._cuff.poll()
        self._markers.hear(reports)
        return reports
