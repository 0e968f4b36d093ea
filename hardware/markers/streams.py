"""Markers and pressure as streams of the Lab Streaming Layer, pushed by a thread of its own."""

import contextlib
import threading
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.lsl_clock import lsl_library
from hardware.markers.output import Sent
from hardware.other_clocks import OtherClock, compare_clocks

MARKERS: Final = "SCC_Markers"
PRESSURE: Final = "SCC_Cuff"
CHANNELS: Final = (("cuff_pressure", "mmHg"), ("cuff_pressure_commanded", "mmHg"))
"""Labels and units of the pressure stream, the names that the dataset's recording has too."""
BACKLOG: Final = 5000
"""Samples that may wait: 50 s of a fast device."""
LINGER_S: Final = 0.3
"""An outlet that ends takes with it what has not left yet."""
CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Push:
    """Something to push; ``tag`` is ``None`` for pressure."""

    values: list[Any]
    time_s: float
    tag: int | None


class LslStreams:
    """Two outlets: ``SCC_Markers`` (words, irregular) and ``SCC_Cuff`` (measured and commanded mmHg).

    Every sample carries the instant at which the thing happened, on LSL's clock, not that of the push.

    Parameters
    ----------
    source
        What tells this rig's streams from another's: part of the source ids.
    samples_hz
        Nominal rate of the pressure; 0: the device measures none, and there is no such stream.
    device
        Manufacturer, model and serial number of the cuff, for the stream's description.

    Raises
    ------
    HardwareUnavailable
        If LSL is not there or refuses.
    """

    def __init__(
        self, source: str, clock: Clock, *, samples_hz: float, device: dict[str, str] | None = None
    ) -> None:
        self._clock = clock
        pylsl = lsl_library()
        self._lsl_clock: OtherClock = compare_clocks(pylsl.local_clock, clock.now_s)
        self._ids = {True: f"scc-markers-{source}", False: f"scc-cuff-{source}"}
        self._samples_hz = samples_hz
        self._outlets: dict[bool, Any] = {}
        try:
            words = pylsl.StreamInfo(
                MARKERS, "Markers", 1, pylsl.IRREGULAR_RATE, "string", self._ids[True]
            )
            self._outlets[True] = pylsl.StreamOutlet(words)
            if samples_hz:
                info = _pressure_info(pylsl, samples_hz, self._ids[False], device or {})
                self._outlets[False] = pylsl.StreamOutlet(info)
        except (RuntimeError, OSError) as error:
            raise HardwareUnavailable(
                f"LSL opens no outlet: {error}",
                where=MARKERS,
                do="check the network and lsl_api.cfg, or write 'lsl: false' in the rig file",
            ) from error
        self._pushes: SimpleQueue[_Push | None] = SimpleQueue()
        self._sent: deque[Sent] = deque()
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="LSL")
        self._thread.start()

    def send(self, word: str, time_s: float, tag: int) -> None:
        """Have a marker pushed. Returns at once."""
        self._put(_Push([word], time_s, tag))

    def pressure(self, measured_mmhg: float, commanded_mmhg: float, time_s: float) -> None:
        """Have a sample pushed. Returns at once."""
        if self._samples_hz:
            self._put(_Push([measured_mmhg, commanded_mmhg], time_s, None))

    def taken(self) -> list[Sent]:
        """Return what became of the markers since the last call, in order."""
        found = []
        while self._sent:
            found.append(self._sent.popleft())
        return found

    def problem(self) -> str | None:
        """Return what went wrong first, if anything did."""
        return self._problem

    def describe(self) -> dict[str, Any]:
        """Return names and source ids of the streams, and what LSL's times need to be on our clock."""
        facts: dict[str, Any] = {"Markers": {"Name": MARKERS, "SourceId": self._ids[True]}}
        if self._samples_hz:
            facts["Pressure"] = {
                "Name": PRESSURE,
                "SourceId": self._ids[False],
                "NominalRate": self._samples_hz,
                "Channels": [f"{label} ({unit})" for label, unit in CHANNELS],
            }
        facts["ClockOffset"] = self._lsl_clock.offset_s
        facts["ClockUncertainty"] = self._lsl_clock.uncertainty_s
        return facts

    def close(self) -> None:
        """Push what waits and take the streams off the network."""
        self._pushes.put(None)
        self._thread.join(CLOSE_S)

    def _put(self, push: _Push) -> None:
        if self._pushes.qsize() < BACKLOG:
            self._pushes.put(push)
        else:
            self._lost(push, f"{BACKLOG} samples wait already")

    def _work(self) -> None:
        while (push := self._pushes.get()) is not None:
            try:
                outlet = self._outlets[push.tag is not None]
                outlet.push_sample(push.values, self._lsl_clock.theirs_s(push.time_s))
            except Exception as error:  # noqa: BLE001  whatever a library raises, the run goes on
                self._lost(push, str(error) or repr(error))
            else:
                if push.tag is not None:
                    self._sent.append(Sent(push.tag, self._clock.now_s()))
        with contextlib.suppress(Exception):
            if any(outlet.have_consumers() for outlet in self._outlets.values()):
                self._clock.sleep_until(self._clock.now_s() + LINGER_S)
            self._outlets.clear()  # the outlets end with their last user

    def _lost(self, push: _Push, why: str) -> None:
        self._problem = self._problem or why
        if push.tag is not None:
            self._sent.append(Sent(push.tag, None))


def _pressure_info(pylsl: Any, samples_hz: float, source_id: str, device: dict[str, str]) -> Any:
    """Return the pressure stream's description, in the words of XDF's meta-data."""
    info = pylsl.StreamInfo(PRESSURE, "Pressure", len(CHANNELS), samples_hz, "float32", source_id)
    channels = info.desc().append_child("channels")
    for label, unit in CHANNELS:
        channel = channels.append_child("channel")
        for name, value in (("label", label), ("unit", unit), ("type", "Pressure")):
            channel.append_child_value(name, value)
    acquisition = info.desc().append_child("acquisition")
    for name, value in device.items():
        acquisition.append_child_value(name, value)
    return info
