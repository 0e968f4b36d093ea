"""A wire that was lost, opened again: to vent through it and to see the pressure, never to arm.

Opening a port, asking who is there and closing a stuck port can each take seconds, so all of it
happens in a thread; the supervisor goes on meanwhile.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hardware.clock import RealClock
from hardware.cuff import CuffDriver
from hardware.errors import HardwareError
from hardware.readings import CuffReport, Identity, LinkNote, Sample
from hardware.registry import CuffAddress, build_driver, open_wire
from hardware.serial_ports import is_pseudo_terminal, usb_number
from hardware.transport import SerialTransport

AGAIN_S: Final = 1.0
"""How often a port that is gone is tried."""
SAY_S: Final = 10.0
"""How often it is said that it is still tried."""
LISTEN_S: Final = 1.0
"""How long the first sample of a device that answers again is waited for."""

NO_NUMBER: Final = frozenset({"", "0001", "n/a", "none", "not told", "unknown"})
"""What devices say, and drivers write, where a device has no number of its own; 0001 is what many USB
adapters are delivered with (CP210x, recalled)."""
_BLANK: Final = re.compile(r"(0x)?(0+|f+)|65535")
"""What a memory holds that nobody wrote to: one digit again and again, or all ones as a number."""


def tells_which(number: str | None) -> bool:
    """Return whether a serial number tells a device from another one of its kind."""
    told = "" if number is None else number.strip().lower()
    return told not in NO_NUMBER and _BLANK.fullmatch(told) is None


@dataclass(frozen=True, slots=True)
class Saved:
    """A wire that is open again, vented through.

    ``known``: the device at its end is the one that was there before. Otherwise it only says nothing
    else, and what it measures confirms nothing.
    """

    wire: SerialTransport
    cuff: CuffDriver
    known: bool


class Rescue:
    """Gets a lost wire back.

    Parameters
    ----------
    identity
        Who was at its end: another cuff's falling pressure would confirm nothing.
    report
        Takes what is worth knowing, from a thread. Must not block.
    """

    def __init__(
        self,
        address: CuffAddress,
        identity: Identity,
        clock: RealClock,
        report: Callable[[CuffReport], None],
    ) -> None:
        self._address, self._identity = address, identity
        self._usb_number = usb_number(address.port)
        self._clock, self._report = clock, report
        self._saved: Saved | None = None
        self._busy = False
        self.hopeless = False
        self._over = threading.Event()

    @property
    def busy(self) -> bool:
        """Return whether the wire is away: begun, and not yet taken back."""
        return self._busy

    def begin(self, lost: SerialTransport, *, vanished: bool) -> None:
        """Close the wire and try to get it back until that works.

        A pseudo-terminal that has vanished never comes back, and its name is soon somebody else's: the
        wire is then given up, ``hopeless``; so it is when it cannot be opened again at once. (One behind
        a link of the user's own is looked for again.)
        """
        self._busy = True
        if vanished and is_pseudo_terminal(self._address.port):
            self.hopeless = True
            lost.close()
            return
        threading.Thread(target=self._work, args=(lost,), daemon=True, name="rescue").start()

    def take(self) -> Saved | None:
        """Return the wire, once it is back."""
        saved, self._saved = self._saved, None
        if saved is not None:
            self._busy = False
        return saved

    def end(self) -> None:
        """Give up."""
        self._over.set()

    def _work(self, lost: SerialTransport) -> None:
        lost.close()
        tries, say_s = 0, self._clock.now_s() + SAY_S
        while not self._over.is_set():
            tries += 1
            try:
                self._saved = self._try()
            except Exception as error:  # noqa: BLE001  whatever it is, the next try comes
                why = error.what if isinstance(error, HardwareError) else repr(error)
            else:
                self._note("link_back", self._back(self._saved, tries))
                return
            if is_pseudo_terminal(self._address.port):
                self.hopeless = True
                return
            if self._clock.now_s() >= say_s:
                say_s = self._clock.now_s() + SAY_S
                self._note("still_trying", f"the cuff cannot be reached, {tries} tries: {why}")
            self._over.wait(AGAIN_S)

    def _try(self) -> Saved:
        """Open, vent before anything else, find out who it is, listen. The next vent is the supervisor's.

        One here would throw away what the driver has queued to make the device send its pressure.
        """
        wire = open_wire(self._address)
        try:
            cuff = build_driver(self._address, wire, self._clock)
            cuff.vent()
            found = cuff.identify()
            mine = (self._identity.manufacturer, self._identity.serial_number)
            if (found.manufacturer, found.serial_number) != mine:
                what = f"another device answers there: {found.model} {found.serial_number}"
                raise HardwareError(what, where=wire.name, do="plug the cuff in where it was")
            known = self._known()
            self._listen(cuff)
        except BaseException:
            wire.close()
            raise
        return Saved(wire, cuff, known)

    def _known(self) -> bool:
        """Return whether what answers with the same words is the same device."""
        if tells_which(self._identity.serial_number):
            return True
        return tells_which(self._usb_number) and usb_number(self._address.port) == self._usb_number

    @staticmethod
    def _back(saved: Saved, tries: int) -> str:
        said = f"the cuff answers again, after {tries} tries; vented"
        if saved.known or not saved.cuff.capabilities.measures_pressure:
            return said
        return (
            f"{said}; it does not tell which cuff it is, so that a low pressure does not show that the "
            "participant's is empty: disconnect the hose"
        )

    def _listen(self, cuff: CuffDriver) -> None:
        deadline_s = self._clock.now_s() + LISTEN_S
        while self._clock.now_s() < deadline_s and not self._over.is_set():
            for found in cuff.poll():
                self._report(found)
                if isinstance(found, Sample):
                    return
            self._clock.sleep_until(self._clock.now_s() + 0.005)

    def _note(self, code: str, message: str) -> None:
        self._report(LinkNote(time_s=self._clock.now_s(), code=code, message=message))
