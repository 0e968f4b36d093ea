"""From the rig file to the address that the drivers know."""

from hardware.registry import CuffAddress
from scc_task.protocol.rig import CuffRig


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
