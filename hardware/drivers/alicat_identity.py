"""Who is at the other end: the questions to an Alicat before anything else, and what is refused."""

from typing import Final

from hardware.clock import Clock
from hardware.codec import alicat
from hardware.codec import alicat_table as table
from hardware.errors import CodecError, HardwareUnavailable
from hardware.readings import Identity
from hardware.transport import Transport

ANSWER_S: Final = 0.2
QUIET_S: Final = 0.15
"""A table has ended when nothing came for this long: its end has no mark."""
TABLE_S: Final = 3.0
"""Thirty lines of 85 bytes take 1.3 s at 19200 baud (arithmetic)."""
TRIES: Final = 3


def who_is_there(
    wire: Transport, clock: Clock, decoder: alicat.ReplyDecoder, unit: str
) -> tuple[Identity, alicat.FrameFormat]:
    """Open the exhaust, ask who is there, and see the exhaust open. Sets the decoder's data frame.

    Raises
    ------
    HardwareUnavailable
        If nothing answers, if it is no gauge pressure controller with an exhaust, if its data frame or
        its unit is not as expected, if it reports a fault, or if it does not show the exhaust.
    LinkLost
        If the wire goes away meanwhile.
    """
    ask = _Asking(wire, clock, decoder)
    ask.replies(table.EXHAUST)
    try:
        who = alicat.identity_of(ask.table(table.INFO_QUERY, "M"))
        frame = alicat.frame_of(decoder.unit_id, ask.table(table.FRAME_QUERY, "D"))
    except CodecError as error:
        raise ask.unfit(error.what) from error
    if frame.unit != unit:
        raise ask.unfit(f"the device is set to {frame.unit}, {unit} is expected")
    if {frame.reference or who.reference, who.reference} != {"G"}:
        raise ask.unfit(f"{who.model} does not measure against the room (gauge)")
    if not frame.step_mmhg <= table.COARSEST_STEP_MMHG:
        raise ask.unfit(f"the device shows steps of {frame.step_mmhg:.1f} mmHg: too coarse")
    decoder.frame = frame
    flags = ask.exhaust()
    if table.FAULT_FLAGS.intersection(flags):
        raise ask.unfit(f"the device reports {' '.join(flags)}")
    identity = Identity(
        manufacturer=who.manufacturer,
        model=who.model,
        serial_number=who.serial_number,
        firmware=who.firmware,
        protocol=table.PROTOCOL,
        ceiling_mmhg=min(who.full_scale_mmhg, table.CEILING_MMHG),
        lease_ms=0,  # it never vents by itself
        simulated="emulated" in who.firmware,
    )
    return identity, frame


class _Asking:
    """Question and answer, one at a time, waiting for each."""

    def __init__(self, wire: Transport, clock: Clock, decoder: alicat.ReplyDecoder) -> None:
        self._wire, self._clock, self._decoder = wire, clock, decoder

    def replies(self, command: bytes) -> list[alicat.Reply]:
        """Send a command and return what comes until the line is quiet."""
        self._wire.write(alicat.encode_command(self._decoder.unit_id, command))
        start_s = last_s = self._clock.now_s()
        found: list[alicat.Reply] = []
        while (now_s := self._clock.now_s()) - last_s < (QUIET_S if found else ANSWER_S):
            data = self._wire.read(wait_s=0.01)
            if data:
                last_s = self._clock.now_s()
                found += self._decoder.receive(data)
            if now_s - start_s > TABLE_S or len(found) > table.MOST_LINES:
                raise self.unfit("it does not stop talking: it streams")
        return found

    def table(self, query: bytes, letter: str) -> tuple[alicat.TableLine, ...]:
        """Return the lines of a table."""
        for _ in range(TRIES):
            lines = [r for r in self.replies(query) if isinstance(r, alicat.TableLine)]
            if lines:
                return tuple(line for line in lines if line.table == letter)
        raise HardwareUnavailable(
            "no pressure controller answers",
            where=self._wire.name,
            do="check power, cable, port, baud rate and unit id; nothing was inflated",
        )

    def exhaust(self) -> tuple[str, ...]:
        """Open the exhaust and return the status words that show it."""
        for _ in range(TRIES):
            for reply in self.replies(table.EXHAUST):
                if isinstance(reply, alicat.DataLine) and table.EXHAUST_FLAG in reply.flags:
                    return reply.flags
        raise self.unfit("it does not show EXH after an exhaust: a vent could not be verified")

    def unfit(self, what: str) -> HardwareUnavailable:
        """Return why this device is not used."""
        return HardwareUnavailable(
            what,
            where=f"{self._wire.name}, unit {self._decoder.unit_id}",
            do="see docs/devices/alicat.md; nothing was inflated",
        )
