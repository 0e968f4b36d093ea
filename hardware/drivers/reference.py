"""The driver of the reference controller: CUFF/1 over a serial wire."""

from collections.abc import Iterator
from typing import Final

from hardware.clock import Clock
from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.cuff import Capabilities
from hardware.dialogue import Dialogue, Outcome, refusal_text
from hardware.errors import HardwareUnavailable
from hardware.readings import (
    CommandReport,
    CuffReport,
    FaultReport,
    Identity,
    LinkNote,
    Program,
    Refusal,
    Sample,
)
from hardware.states import CuffState, StopReason
from hardware.transport import Transport

_STATE: Final = tuple(CuffState(name) for name in table.STATES)


class ReferenceCuff:
    """CUFF/1 over a transport.

    Parameters
    ----------
    transport
        The wire, open.
    clock
        The clock that stamps what arrives.
    """

    capabilities = Capabilities(
        measures_pressure=True,
        finite_programs=True,
        own_watchdog=True,
        samples_hz=table.STREAM_HZ,
        channels=1,
        shows_noise=True,
    )
    IDENTIFY_S: Final = 3.0
    """A board that restarts when its port is opened needs about 2 s (bootloader)."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._wire, self._clock = transport, clock
        self._dialogue = Dialogue()
        self._last_counter: int | None = None
        self._last_device_ms = 0
        self._last_fault = 0
        self._armed = False

    def identify(self) -> Identity:
        """Return who is there.

        Raises
        ------
        HardwareUnavailable
            If nothing answers, or what answers speaks another protocol.
        LinkLost
            If the wire goes away meanwhile.
        """
        deadline_s = self._clock.now_s() + self.IDENTIFY_S
        self._wire.write(table.VENT_BYTE)
        while self._clock.now_s() < deadline_s:
            if self._dialogue.idle:
                self._dialogue.submit("ID")
            self._wire.write(self._dialogue.outgoing(self._clock.now_s())[0])
            data = self._wire.read(wait_s=0.01)
            for event in self._dialogue.receive(data, self._clock.now_s()):
                if isinstance(event, Outcome) and isinstance(event.answer, cuff1.DeviceIdentity):
                    return self._accept(event.answer)
        raise HardwareUnavailable(
            "no reference controller answers",
            where=self._wire.name,
            do="check power, cable and the port in the rig file; nothing was inflated",
        )

    def _accept(self, identity: cuff1.DeviceIdentity) -> Identity:
        if identity.protocol != table.PROTOCOL:
            raise HardwareUnavailable(
                f"the device speaks {identity.protocol}, this program speaks {table.PROTOCOL}",
                where=self._wire.name,
                do="update the firmware or this program; nothing was inflated",
            )
        self._dialogue.submit("STREAM", table.STREAM_HZ)
        return Identity(
            manufacturer=identity.maker,
            model=identity.model,
            serial_number=identity.serial_number,
            firmware=identity.firmware,
            protocol=identity.protocol,
            ceiling_mmhg=identity.ceiling_tenths / 10,
            lease_ms=identity.lease_ms,
            simulated=identity.maker == "emulated",
        )

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Ask the device to arm, with the session's ceiling."""
        self._armed = True
        self._dialogue.submit("ARM", cuff1.tenths(ceiling_mmhg))

    def prepare(self, program: Program) -> None:
        """Nothing to do: one short command starts a program."""

    def inflate(self, program: Program) -> None:
        """Start a finite program: the device vents by itself when its time is over."""
        on_ms = round((program.offset_s - program.onset_s) * 1000)
        self._dialogue.submit(
            "GO",
            cuff1.tenths(program.target_mmhg),
            on_ms,
            tag=program.number,
            planned_s=program.onset_s,
        )

    def end(self, program: Program) -> None:
        """Vent on time and stay armed."""
        self._dialogue.submit("END", tag=program.number, planned_s=program.offset_s)

    def vent(self) -> None:
        """Empty the cuff: the vent byte first, then the framed command, and nothing queued after it."""
        self._dialogue.clear()
        self._wire.write(table.VENT_BYTE)
        self._dialogue.submit("VENT")

    def heartbeat(self) -> None:
        """Send the next heartbeat; it waits for nothing."""
        self._wire.write(self._dialogue.heartbeat())

    def poll(self) -> Iterator[CuffReport]:
        """Yield what has arrived and send what is due.

        Raises
        ------
        LinkLost
            If the wire went away.
        """
        data = self._wire.read(wait_s=0.0)
        now_s = self._clock.now_s()
        for event in self._dialogue.receive(data, now_s) if data else ():
            if isinstance(event, cuff1.Status):
                yield from self._status(event, now_s)
            elif isinstance(event, Outcome):
                yield self._report(event)
            elif isinstance(event, cuff1.Corrupt):
                raw = event.raw.decode("ascii", "backslashreplace")
                yield LinkNote(time_s=now_s, code="corrupt_frame", message="damaged bytes", raw=raw)
            else:
                yield self._device_event(event, now_s)
        due, silent = self._dialogue.outgoing(now_s)
        if due:
            self._wire.write(due)
        if silent is not None:
            yield self._report(silent)

    def next_due_s(self) -> float | None:
        """Return when the dialogue has something to send."""
        return self._dialogue.next_due_s()

    def close(self) -> None:
        """Release the wire."""
        self._wire.close()

    def _status(self, s: cuff1.Status, now_s: float) -> Iterator[CuffReport]:
        last = self._last_counter
        if last is not None and s.counter != last + 1:
            if s.device_ms < self._last_device_ms:
                yield _restarted(now_s)
            elif s.counter <= last:
                yield LinkNote(time_s=now_s, code="sample_repeated", message="a sample came twice")
            else:
                message = f"{s.counter - last - 1} pressure samples lost"
                yield LinkNote(time_s=now_s, code="samples_lost", message=message)
        self._last_counter, self._last_device_ms = s.counter, s.device_ms
        yield Sample(
            counter=s.counter,
            device_ms=s.device_ms,
            arrival_s=now_s,
            state=_STATE[s.state],
            measured_mmhg=s.first_tenths / 10,
            second_mmhg=s.second_tenths / 10,
            commanded_mmhg=s.target_tenths / 10,
        )
        if s.fault != self._last_fault:
            before, self._last_fault = self._last_fault, s.fault
            if s.fault and not self._armed:
                # from before this run: the operator has seen it end, and starts anew
                message = f"the controller still held the fault {table.FAULTS[s.fault]}: cleared"
                yield LinkNote(time_s=now_s, code="old_fault", message=message)
                self._dialogue.submit("CLEAR")
            elif s.fault and not before:
                yield _device_fault(s.fault, now_s)

    @staticmethod
    def _report(outcome: Outcome) -> CuffReport:
        if not isinstance(outcome.answer, cuff1.Ack):
            return Refusal(
                command=outcome.name.lower(),
                program=outcome.tag,
                time_s=outcome.ended_s,
                message=refusal_text(outcome),
            )
        has_pressure = outcome.name in ("GO", "ARM")
        return CommandReport(
            command=outcome.name.lower(),
            program=outcome.tag,
            planned_s=outcome.planned_s,
            sent_s=outcome.sent_s,
            acknowledged_s=outcome.ended_s,
            commanded_mmhg=outcome.arguments[0] / 10 if has_pressure else None,
            acknowledged_mmhg=outcome.answer.value / 10 if has_pressure else None,
        )

    @staticmethod
    def _device_event(event: cuff1.DeviceEvent, now_s: float) -> CuffReport:
        match table.EVENTS.get(event.event):
            case "boot":
                return _restarted(now_s)
            case "fault" if 0 < event.value < len(table.FAULTS):
                return _device_fault(event.value, now_s)
            case _:
                return LinkNote(time_s=now_s, code="device_event", message=f"event {event.event}")


def _restarted(now_s: float) -> FaultReport:
    return FaultReport(
        reason=StopReason.CUFF_FAULT,
        code="device_restarted",
        time_s=now_s,
        message="the cuff's controller has restarted",
        do="check its power supply; the cuff vents when it restarts",
    )


def _device_fault(number: int, now_s: float) -> FaultReport:
    return FaultReport(
        reason=StopReason.CUFF_FAULT,
        code=f"device_{table.FAULTS[number]}",
        time_s=now_s,
        message=f"the cuff's controller reports a fault: {table.FAULTS[number]}",
        do="make sure that the cuff is empty, look for the cause, then start a new run",
    )
