"""Opens what a rig file names for markers: ports, the emulated recorder, LSL outlets."""

import contextlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.markers.output import MarkerOutput
from hardware.markers.streams import LslStreams
from hardware.markers.wires import MarkerWire, ParallelPins, SerialBytes, SerialLine
from hardware.readings import Identity
from hardware.registry import DRIVERS
from scc_task.emulated import EmulatorProcess
from scc_task.markers import Channel, CodeChannel, Markers, StreamChannel
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_markers import MarkerRig

BAUD = 115200


def open_markers(
    stack: ExitStack,
    rig: Rig,
    clock: Clock,
    *,
    identity: Identity | None,
    log: Path | None,
    say: Callable[[str], None],
) -> Markers | None:
    """Open every output of a rig; ``None`` where it has none.

    Parameters
    ----------
    identity
        Who the cuff is, for the description of its stream; ``None`` where none is used.
    log
        Where an emulated recorder writes what it saw; the second output's has ``-2`` in its name, and so on.
    say
        Told, in words for the operator, what does not work but ends no run.

    Raises
    ------
    HardwareUnavailable
        If a port cannot be opened. Without LSL a run goes on.
    """
    if not rig.markers and not rig.lsl:
        return None
    channels = [
        open_channel(stack, output, clock, log=_own(log, number))
        for number, output in enumerate(rig.markers, 1)
    ]
    warnings: list[str] = []
    streams = None
    if rig.lsl:
        try:
            streams = open_streams(stack, rig, clock, identity)
            channels.append(streams)
        except HardwareUnavailable as error:
            words = f"No LSL streams in this run: {error.what}. To have them: {error.do}"
            warnings.append(words)
            say(words)
    return Markers(channels, clock, streams=streams, warnings=warnings)


def _own(log: Path | None, number: int) -> Path | None:
    """Return the log of one output: two recorders in one file could not be told apart."""
    if log is None or number == 1:
        return log
    return log.with_name(f"{log.stem}-{number}{log.suffix}")


def open_channel(stack: ExitStack, output: MarkerRig, clock: Clock, *, log: Path | None) -> Channel:
    """Open one port to a recorder.

    Raises
    ------
    HardwareUnavailable
        If it cannot be opened.
    """
    port = output.port
    if output.emulated:
        if log is not None:
            with contextlib.suppress(OSError):  # the recorder says so if it cannot write
                log.parent.mkdir(parents=True, exist_ok=True)
        process = EmulatorProcess("recorder", *(("--log", str(log)) if log else ()))
        stack.callback(process.close)
        port = process.port
    sender = MarkerOutput(open_wire(output, port), clock, pulse_s=output.pulse_ms / 1000)
    stack.callback(sender.close)
    facts: dict[str, Any] = {
        "To": output.to,
        "Port": output.port,
        "PulseMilliseconds": output.pulse_ms,
    }
    if output.line is not None:
        facts["Line"] = output.line
    return CodeChannel(sender, output.table(), facts)


def open_wire(output: MarkerRig, port: str) -> MarkerWire:
    """Open the wire alone, or raise `HardwareUnavailable`."""
    if output.to == "parallel":
        return ParallelPins(port)
    if output.line is not None:
        return SerialLine(port, line=output.line)
    return SerialBytes(port, baud=output.baud or BAUD)


def open_streams(
    stack: ExitStack, rig: Rig, clock: Clock, identity: Identity | None
) -> StreamChannel:
    """Open the outlets: for the pressure too where there is a cuff that measures it.

    Raises
    ------
    HardwareUnavailable
        If LSL is not there.
    """
    samples_hz, device = 0.0, {}
    if identity is not None:
        samples_hz = DRIVERS[rig.cuff.driver].capabilities.samples_hz
        names = ("manufacturer", "model", "serial_number")
        device = {name: str(getattr(identity, name)) for name in names}
    streams = LslStreams(rig.name, clock, samples_hz=samples_hz, device=device)
    stack.callback(streams.close)
    return StreamChannel(streams)
