"""Pulses from a marker stream of the Lab Streaming Layer, on the sender's time stamps.

The sender stamps; LSL brings its time to this computer's LSL clock, `hardware.other_clocks` brings that
to ours. So a marker that arrives late is not late. A sender that stamps on another clock (the time of day,
its own start) would shift every time: a stamp that cannot be true is replaced by the time of arrival.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.lsl_clock import lsl_library
from hardware.other_clocks import OtherClock, compare_clocks
from hardware.triggers.listening import FUTURE_S, OLD_S, WAIT_S, Listening, Stamp, Stamps

RESOLVE_S: Final = 10.0
"""How long a stream is looked for. It was there within 0.5 s on one machine (measured)."""
OTHERS_S: Final = 1.0
"""How long others of the same name are looked for: they answer as soon as the first one (assumed)."""
ANSWER_S: Final = 5.0
SYNC_MS: Final = 1.0
"""By how much LSL's own comparison of two computers' clocks may be wrong (its documentation)."""
WAITED_S: Final = 0.001
"""A pull that took longer found nothing waiting when it began (assumed)."""


class LslPulses(Listening):
    """Hears the markers of one stream.

    Parameters
    ----------
    stream
        The stream's name.
    marker
        The marker that means a pulse, as text; others are counted as strangers.
    source_id
        What its sender calls itself, where several send a stream of that name.

    Raises
    ------
    HardwareUnavailable
        If LSL is not installed, nobody sends such a stream, or more than one does.
    """

    def __init__(
        self, stream: str, *, marker: str, clock: Clock, source_id: str | None = None
    ) -> None:
        super().__init__(clock)
        self._lsl = lsl_library()
        self._stream, self._marker, self._source_id = stream, marker, source_id
        self._ours: OtherClock = compare_clocks(self._lsl.local_clock, clock.now_s)
        self._inlet = self._opened()
        self._nothing_waited_s = deque([clock.now_s()], maxlen=2)
        self._thread.start()

    def _opened(self) -> Any:
        # a stream that is lost must be said to be lost, not looked for in silence
        inlet = self._lsl.StreamInlet(self._the_one(), recover=False)
        try:
            inlet.open_stream(ANSWER_S)
            inlet.time_correction(ANSWER_S)  # the first answer takes its time; later ones are ready
        except (RuntimeError, OSError) as error:  # pylsl's own TimeoutError and LostError
            raise HardwareUnavailable(
                f"the stream '{self._stream}' was found and does not answer",
                where="LSL",
                do="start what sends it again; check that no firewall is between",
            ) from error
        return inlet

    def _the_one(self) -> Any:
        """Return the stream; refuse to choose among several."""
        found = self._sent(1, RESOLVE_S)
        if not found:
            which = "" if self._source_id is None else f" and the source_id '{self._source_id}'"
            raise HardwareUnavailable(
                f"nobody sends a stream of the name '{self._stream}'{which}",
                where="LSL",
                do="start what sends it; check the name, the network, and that no firewall is between",
            )
        found |= self._sent(len(found) + 1, OTHERS_S)
        if len(found) > 1:
            raise _several(self._stream, list(found.values()))
        return next(iter(found.values()))

    def _sent(self, count: int, wait_s: float) -> dict[str, Any]:
        """Return the streams that fit, by their unique ids, once there are so many or the time is over."""
        if self._source_id is None:
            fitting = self._lsl.resolve_byprop("name", self._stream, count, wait_s)
        else:
            fitting = self._lsl.resolve_byprop("source_id", self._source_id, count, wait_s)
        return {info.uid(): info for info in fitting if info.name() == self._stream}

    def _listen(self) -> str | None:
        try:
            while not self._over.is_set():
                began_s = self._clock.now_s()
                sample, sent_s = self._pulled()
                now_s = self._clock.now_s()
                if now_s - began_s > WAITED_S:
                    self._nothing_waited_s.append(began_s)
                if sample is not None:
                    self._take(sample, sent_s, now_s)
        except RuntimeError as error:  # pylsl's LostError
            return f"the LSL stream '{self._stream}' is gone: {error}"
        return None

    def _pulled(self) -> tuple[Sequence[Any] | None, float]:
        try:
            sample, sent_s = self._inlet.pull_sample(WAIT_S)
        except UnicodeDecodeError:  # pylsl takes every text for UTF-8
            self._others["a marker that is not UTF-8"] += 1
            return None, 0.0
        return sample, sent_s

    def _take(self, sample: Sequence[Any], sent_s: float, arrived_s: float) -> None:
        marker = str(sample[0])
        if marker == self._marker:
            stamp_s = self._ours.ours_s(sent_s + self._inlet.time_correction(ANSWER_S))
            self._times.append(self._believed(stamp_s, arrived_s))
        else:
            self._others[f"'{marker}'"] += 1

    def _believed(self, stamp_s: float, arrived_s: float) -> Stamp:
        """Return the sender's stamp, or the arrival where the stamp cannot be true."""
        future_s = arrived_s + SYNC_MS / 1000 + self._ours.uncertainty_s + FUTURE_S
        # a marker may have waited for a thread that was held up, and so did the look before this one
        if self._nothing_waited_s[0] - OLD_S <= stamp_s <= future_s:
            return Stamp(stamp_s)
        off_s = stamp_s - arrived_s
        way = "in the future" if off_s > 0 else "before it arrived"
        return Stamp(
            arrived_s,
            doubt=f"the sender's clock is not LSL's: it stamped a pulse {abs(off_s):.4g} s {way}; its pulses "
            "count by their arrival, and are not sure",
        )

    def stamps(self) -> Stamps:
        """Return that the sender stamps."""
        uncertain_ms = SYNC_MS + self._ours.uncertainty_s * 1000
        return Stamps(
            made="by the sender, brought to our clock by LSL",
            uncertainty_ms=uncertain_ms,
            because="early or late; LSL's comparison of the clocks, by its documentation",
        )

    def close(self) -> None:
        """Stop listening and leave the stream."""
        super().close()
        self._inlet.close_stream()


def _several(stream: str, found: Sequence[Any]) -> HardwareUnavailable:
    """Return that only a person can say which of several streams is the scanner's."""
    ids = [info.source_id() for info in found]
    listed = "; ".join(
        f"source_id '{source_id}' on {info.hostname()}"
        for source_id, info in zip(ids, found, strict=True)
    )
    apart = "" not in ids and len(set(ids)) == len(ids)
    pick = f"write the scanner's into the rig file, part 'scanner', e.g. 'source_id: {ids[0]}', or "
    return HardwareUnavailable(
        f"{len(found)} streams have the name '{stream}': {listed}",
        where="LSL",
        do=(pick if apart else "no source_id tells them apart: ")
        + "end those that are not the scanner's",
    )
