"""The driver of the reference controller: CUFF/1 over a serial wire."""

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

from hardware.clock import Clock
from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.cuff import Capabilities
from hardware.dialogue import Dialogue, Outcome
from hardware.drivers import reference_arming
from hardware.drivers import reference_reports as reports
from hardware.errors import HardwareUnavailable
from hardware.readings import CuffReport, FaultReport, Identity, LinkNote, Program, Refusal
from hardware.transport import Transport

FASTEST_FALL_S: Final = 0.11
"""From 60 to 15 mmHg. With a time constant of 0.1 s, the quickest that ``docs/build-the-controller.md``
allows, a cuff takes 139 ms, and 125 ms for sensors that read 3 mmHg too low."""

SILENT_S: Final = 0.1
"""Five status lines in a row did not come: the device may not know that it is to send any."""


class ReferenceCuff:
    """CUFF/1 over a transport.

    Parameters
    ----------
    transport
        The wire, open.
    clock
        The clock that stamps what arrives.
    lease_ms
        The longest silence after which the device vents by itself; the device may take a shorter one
        than its own, never a longer.

    Raises
    ------
    HardwareUnavailable
        If no device takes such a lease.
    """

    capabilities = Capabilities(
        measures_pressure=True,
        finite_programs=True,
        own_watchdog=True,
        samples_hz=table.STREAM_HZ,
        fastest_fall_s=FASTEST_FALL_S,
        channels=1,
        shows_noise=True,
        ramps=True,
    )
    IDENTIFY_S: Final = 3.0
    """A board that restarts when its port is opened needs about 2 s (bootloader)."""

    def __init__(
        self, transport: Transport, clock: Clock, *, lease_ms: int = table.LEASE_MS
    ) -> None:
        if not table.LEASE_MS_MIN <= lease_ms <= table.LEASE_MS:
            raise HardwareUnavailable(
                f"a lease of {lease_ms} ms is outside {table.LEASE_MS_MIN} to {table.LEASE_MS} ms",
                where=transport.name,
                do="choose a lease inside; nothing was inflated",
            )
        self._wire, self._clock, self._lease_ms = transport, clock, lease_ms
        self._dialogue = Dialogue()
        self._arming = reference_arming.Arming(self._dialogue.submit, lease_ms=lease_ms)
        self._order = reports.StatusOrder()
        self._said: deque[CuffReport] = deque()
        self._last_event: cuff1.DeviceEvent | None = None
        self._last_fault = 0
        self._selftest = 0
        self._armed = False
        self._status_s = math.inf
        """When the last status line came; ``-inf``: none since it was asked for any, ``inf``: it was not."""

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
        self._ask_for_stream()
        return Identity(
            manufacturer=identity.maker,
            model=identity.model,
            serial_number=identity.serial_number,
            firmware=f"{identity.firmware} {identity.firmware_hash}",
            protocol=identity.protocol,
            ceiling_mmhg=min(identity.ceiling_tenths, identity.site_ceiling_tenths) / 10,
            lease_ms=self._lease_ms,
            simulated=identity.maker == "emulated",
        )

    def _ask_for_stream(self) -> None:
        self._status_s = -math.inf
        self._dialogue.submit("STREAM", table.STREAM_HZ)

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Test the device, see its watchdog bite, and arm it with the session's ceiling.

        Takes some seconds; the report of ``arm`` comes at the end, a refusal where it went wrong.
        """
        self._armed = True
        self._arming.begin(ceiling_tenths=cuff1.tenths(ceiling_mmhg), now_s=self._clock.now_s())

    def prepare(self, program: Program) -> None:
        """Nothing to do: one short command starts a program."""

    def inflate(self, program: Program) -> None:
        """Start a finite program: the device raises its target along the ramp, and vents by itself."""
        if self._arming.busy:  # it is armed for a moment to see its watchdog bite
            self._said.append(
                Refusal(
                    command="go",
                    program=program.number,
                    time_s=self._clock.now_s(),
                    message="the cuff is not armed yet: its self-test or watchdog test goes on",
                )
            )
            return
        on_ms = round((program.offset_s - program.onset_s) * 1000)
        self._dialogue.submit(
            "GO",
            cuff1.tenths(program.target_mmhg),
            on_ms,
            round(program.rise_s * 1000),
            tag=program.number,
            planned_s=program.onset_s,
        )

    def end(self, program: Program) -> None:
        """Vent on time and stay armed."""
        self._dialogue.submit("END", tag=program.number, planned_s=program.offset_s)

    def vent(self) -> None:
        """Empty the cuff: the vent byte first, then the framed command, and nothing queued after it.

        A device that is silent is asked for its pressure too: without it nobody knows that the cuff is empty.
        """
        self._arming.cancel()
        self._dialogue.clear()
        self._wire.write(table.VENT_BYTE)
        self._dialogue.submit("VENT")
        if self._clock.now_s() - self._status_s >= SILENT_S:
            self._ask_for_stream()

    def heartbeat(self) -> None:
        """Send the next heartbeat, unless the watchdog is being tried; it waits for nothing."""
        if not self._arming.withholds:
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
                yield from self._outcome(event)
            elif isinstance(event, cuff1.Corrupt):
                raw = event.raw.decode("ascii", "backslashreplace")
                yield LinkNote(time_s=now_s, code="corrupt_frame", message="damaged bytes", raw=raw)
            else:
                yield from self._device_event(event, now_s)
        yield from self._arming.on_time(now_s)
        due, silent = self._dialogue.outgoing(now_s)
        if due:
            self._wire.write(due)
        if silent is not None:
            yield from self._outcome(silent)
        while self._said:
            yield self._said.popleft()

    def next_due_s(self) -> float | None:
        """Return when the dialogue has something to send."""
        return self._dialogue.next_due_s()

    def close(self) -> None:
        """Release the wire."""
        self._wire.close()

    def _status(self, s: cuff1.Status, now_s: float) -> Iterator[CuffReport]:
        new, remark = self._order.take(s, now_s)
        if isinstance(remark, FaultReport):  # it has restarted, and its boot event was lost
            self._begin_anew()
        if remark is not None:
            yield remark
        if not new:
            return
        self._status_s = now_s
        yield reports.sample(s, now_s)
        if s.fault != self._last_fault:
            before, self._last_fault = self._last_fault, s.fault
            if self._arming.provoked(s.fault):
                pass
            elif s.fault and not (self._armed and self._arming.has_begun):
                # from before this run: the operator has seen it end, and starts anew
                message = f"the controller still holds the fault {table.FAULTS[s.fault]} of before"
                yield LinkNote(time_s=now_s, code="old_fault", message=message)
            elif s.fault and not before:
                yield reports.fault(s.fault, now_s, selftest=self._selftest)
        yield from self._arming.on_status(s, now_s)

    def _outcome(self, outcome: Outcome) -> Iterator[CuffReport]:
        if self._arming.busy and outcome.name in reference_arming.COMMANDS:
            yield from self._arming.on_outcome(outcome)
        else:
            yield reports.evidence(outcome)

    def _device_event(self, event: cuff1.DeviceEvent, now_s: float) -> Iterator[CuffReport]:
        booted = table.EVENTS.get(event.event) == "boot"
        if event == self._last_event and not booted:  # two boots are told in the same words
            yield LinkNote(time_s=now_s, code="event_repeated", message="an event came twice")
            return
        self._last_event = event
        match table.EVENTS.get(event.event):
            case "boot":
                self._order.forget()
                self._begin_anew()
                yield reports.restarted(now_s, event.value)
            case "selftest":
                self._selftest = event.value
            case "fault" if 0 < event.value < len(table.FAULTS):
                if not self._arming.provoked(event.value):
                    yield reports.fault(event.value, now_s, selftest=self._selftest)
            case _:
                yield LinkNote(time_s=now_s, code="device_event", message=f"event {event.event}")

    def _begin_anew(self) -> None:
        """Take up with a device that has restarted: of all that it was to do, only to send its pressure."""
        self._arming.cancel()
        self._dialogue.clear()
        self._ask_for_stream()
