"""The driver of a rapid inflator that is started and stopped by a contact (Hokanson E20 and the like).

The contact is switched by an output line of a serial port, through an opto-coupler or a relay. Its
pressure is set by hand. Nothing comes back: no pressure, no identity, no acknowledgement. So the
reports have no pressures and no time of acknowledgement, and a vent is a contact that was opened.

The device has neither a finite program nor a watchdog: a contact that stays closed presses on. An
independent normally-open dump valve with its own timer is part of such a rig.
"""

import math
from collections.abc import Iterator
from typing import Final

from hardware.clock import Clock
from hardware.codec.contact import EMULATED, EMULATED_EVERY_S
from hardware.cuff import Capabilities
from hardware.readings import CommandReport, CuffReport, Identity, Program, Refusal
from hardware.transport import Line, LineWire

LISTEN_S: Final = 2.5 * EMULATED_EVERY_S
"""How long an emulator has to say that it is one."""
UNKNOWN: Final = "n/a"


class ContactCuff:
    """A rapid inflator behind a contact.

    Parameters
    ----------
    wire
        A port with lines, open.
    clock
        The clock that stamps the commands.
    line
        Which line closes the contact while it is asserted.
    """

    capabilities = Capabilities(
        measures_pressure=False,
        finite_programs=False,
        own_watchdog=False,
        samples_hz=0.0,
        fastest_fall_s=0.0,
        channels=1,
        sets_pressure=False,
    )

    def __init__(self, wire: LineWire, clock: Clock, *, line: Line) -> None:
        self._wire, self._clock, self._line = wire, clock, line
        self._armed = False
        self._found: list[CuffReport] = []

    def identify(self) -> Identity:
        """Open the contact, then return what is known of the device: nothing, unless it is emulated.

        It has no ceiling that we know of: its own is infinite here, and the rig's is what counts.

        Raises
        ------
        LinkLost
            If the port goes away meanwhile.
        """
        self._switch(closed=False)
        heard, until_s = b"", self._clock.now_s() + LISTEN_S
        while EMULATED not in heard and self._clock.now_s() < until_s:
            heard += self._wire.read(wait_s=until_s - self._clock.now_s())
        return Identity(
            manufacturer="unknown",
            model=f"contact closure ({self._line.upper()})",
            serial_number=UNKNOWN,
            firmware=UNKNOWN,
            protocol="contact closure",
            ceiling_mmhg=math.inf,
            lease_ms=0,
            simulated=EMULATED in heard,
        )

    def arm(self, *, ceiling_mmhg: float) -> None:
        """Open the contact. The ceiling cannot be passed on: the regulator is set by hand."""
        self._command("arm", closed=False)
        self._armed = True

    def prepare(self, program: Program) -> None:
        """Nothing to do: the contact is closed at the onset."""

    def inflate(self, program: Program) -> None:
        """Close the contact. Nothing ends this on the device: `end` or `vent` must come."""
        if self._armed:
            self._command("go", closed=True, program=program.number, planned_s=program.onset_s)
        else:
            self._found.append(
                Refusal(
                    command="go",
                    program=program.number,
                    time_s=self._clock.now_s(),
                    message="go: the cuff is not armed",
                )
            )

    def end(self, program: Program) -> None:
        """Open the contact; stay armed."""
        self._command("end", closed=False, program=program.number, planned_s=program.offset_s)

    def vent(self) -> None:
        """Open the contact, however often it was opened already, and disarm."""
        self._armed = False
        self._switch(closed=False)

    def heartbeat(self) -> None:
        """Nothing: the device does not know whether anybody lives (``own_watchdog``)."""

    def poll(self) -> Iterator[CuffReport]:
        """Yield what was done; reading shows whether the port is still there.

        Raises
        ------
        LinkLost
            If the port went away.
        """
        self._wire.read(wait_s=0.0)
        found, self._found = self._found, []
        yield from found

    def next_due_s(self) -> float | None:
        """Return at once while there is something to report."""
        return 0.0 if self._found else None

    def close(self) -> None:
        """Open the contact and release the port."""
        self._wire.close()

    def _switch(self, *, closed: bool) -> None:
        self._wire.set_line(self._line, asserted=closed)

    def _command(
        self,
        name: str,
        *,
        closed: bool,
        program: int | None = None,
        planned_s: float | None = None,
    ) -> None:
        sent_s = self._clock.now_s()  # before: a port on the network is slow to return
        self._switch(closed=closed)
        self._found.append(
            CommandReport(
                command=name,
                program=program,
                planned_s=planned_s,
                sent_s=sent_s,
                acknowledged_s=None,
                commanded_mmhg=None,
                acknowledged_mmhg=None,
            )
        )
