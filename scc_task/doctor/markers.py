"""Send each marker once, slowly, so that somebody at the recorder can see it come."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Final

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from scc_task.doctor.results import Result, Verdict, failed, skipped
from scc_task.markers import Channel
from scc_task.markers_open import open_channel, open_streams
from scc_task.occasions import Occasion
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_markers import MarkerKind

NAME: Final = "markers"
BETWEEN_S: Final = 1.0
"""Long enough to read one line and look at the recorder's screen."""
PATIENCE_S: Final = 2.0


def try_markers(
    rig: Rig, clock: Clock, say: Callable[[str], None], *, between_s: float = BETWEEN_S
) -> Iterator[Result]:
    """Send every marker of every output once, and yield a result for each output."""
    if not rig.markers and not rig.lsl:
        yield skipped(NAME, "the rig has neither 'markers' nor 'lsl: true'")
    for output in rig.markers:
        with ExitStack() as stack:
            try:
                channel = open_channel(stack, output, clock, log=None)
            except HardwareUnavailable as error:
                yield failed(NAME, f"{output.port}: {error.what}", error.do)
                continue
            yield _sent(channel, clock, say, between_s)
    if rig.lsl:
        with ExitStack() as stack:
            try:
                channel = open_streams(stack, rig, clock, None)
            except HardwareUnavailable as error:
                yield Result(name=NAME, verdict=Verdict.WARN, seen=error.what, do=error.do)
                return
            yield _sent(channel, clock, say, between_s)


def as_json_object(results: Sequence[Result]) -> dict[str, Any]:
    """Return the results for a script."""
    return {"markers": [dataclasses.asdict(result) for result in results]}


def _sent(channel: Channel, clock: Clock, say: Callable[[str], None], between_s: float) -> Result:
    kinds = [kind for kind in MarkerKind if channel.wants(kind)]
    written, tag = 0, 0
    for tag, kind in enumerate(kinds, start=1):
        code = channel.send(Occasion(kind=kind, event_s=clock.now_s()), tag)
        say(f"{channel.name}: {kind}" + ("" if code is None else f", code {code}"))
        clock.sleep_until(clock.now_s() + between_s)
        written += sum(one.written_s is not None for one in channel.taken())
    deadline_s = clock.now_s() + PATIENCE_S
    while written < tag and channel.problem() is None and clock.now_s() < deadline_s:
        clock.sleep_until(clock.now_s() + 0.01)
        written += sum(one.written_s is not None for one in channel.taken())
    if written < tag:
        why = channel.problem() or "the port does not take them"
        return failed(
            NAME,
            f"{channel.name}: {written} of {tag} went out; {why}",
            "check the cable, the recorder's power and the port in the rig file",
        )
    return Result(
        name=NAME,
        verdict=Verdict.OK,
        seen=f"{channel.name}: {tag} sent",
        do="compare with what the recorder shows: this program cannot see that",
        figures={"output": channel.name, "sent": tag},
    )
