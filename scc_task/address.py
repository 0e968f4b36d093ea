"""From the rig file to the addresses that drivers and pulse sources know."""

import os

from hardware.registry import CuffAddress
from hardware.triggers import TriggerAddress
from scc_task.protocol.rig import CuffRig
from scc_task.protocol.rig_scanner import SERIAL_BAUD, ScannerRig


def address_of(cuff: CuffRig, port: str) -> CuffAddress:
    """Return the address of a rig's cuff, on a port that may be an emulator's."""
    return CuffAddress(
        driver=cuff.driver,
        port=port,
        baud=cuff.baud,
        line=cuff.line,
        device_port=cuff.device_port,
        lease_ms=cuff.lease_ms,
    )


def trigger_of(scanner: ScannerRig, source: str) -> TriggerAddress:
    """Return the address of a rig's trigger, at a port or stream that may be an emulator's."""
    return TriggerAddress(
        kind=scanner.trigger,
        port=source,
        baud=scanner.baud or SERIAL_BAUD,
        byte=scanner.byte,
        line=scanner.line,
        edge=scanner.edge or "rising",
        pin=scanner.pin,
        marker=scanner.marker,
        source_id=scanner.source_id,
    )


def emulated_trigger(scanner: ScannerRig) -> tuple[str, ...]:
    """Return the options of ``emulate scanner`` for a rig's trigger."""
    given = {
        "trigger": scanner.trigger,
        "byte": scanner.byte,
        "key": scanner.trigger_key,
        "line": scanner.line,
        "edge": scanner.edge,
        "pin": scanner.pin,
        "marker": scanner.marker,
    }
    if scanner.trigger == "lsl":  # a name of its own: somebody else may send one too
        given["stream"] = f"emulated-scanner-{os.getpid()}"
    return tuple(w for n, v in given.items() if v is not None for w in (f"--{n}", str(v)))
