"""First contact with DeviceHost: open the device's port, stop what plays, ask who is there."""

from typing import Final

from hardware.clock import Clock
from hardware.codec import devicehost
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Answer,
    Corrupt,
    Done,
    Refused,
    Request,
    Signals,
    State,
    Who,
)
from hardware.drivers.devicehost_run import not_ready
from hardware.errors import HardwareUnavailable
from hardware.transport import Transport

ANSWER_S: Final = 3.0
"""Opening a port may restart the board behind it, which takes some 2 s [A]."""
STATUS_S: Final = 3.0
READ_S: Final = 0.01
SHOWN_BYTES: Final = 96


def contact(wire: Transport, clock: Clock, device_port: str) -> tuple[Who, State]:
    """Return who is there and its first state. Nothing plays then.

    A handler that exists, or a port that is open, was left behind by an earlier run: both are used.

    Raises
    ------
    HardwareUnavailable
        If DeviceHost or the device does not answer, or it is not a CPAR+ that can play a program.
    LinkLost
        If the connection goes away meanwhile.
    """
    ask = _Asking(wire, clock, device_port)
    created = ask.answer(Request("CREATE"))
    if created != Refused(table.HANDLER_EXISTS):
        ask.done(created, f"make a handler for {device_port}")
    ask.done(ask.answer(Request("OPEN")), f"open {device_port}")
    ask.done(ask.answer(Request("STOP")), "stop")  # somebody may have died here before us
    who = ask.answer(Request("PING"))
    if not isinstance(who, Who) or not who.device.upper().startswith(table.MODEL):
        raise ask.unfit(f"no CPAR+ answers: {_shown(who)}")
    ask.answer(Request("SIGNALS"))  # samples of somebody else's run
    return who, ask.state()


class _Asking:
    """Question and answer, one at a time, waiting for each."""

    def __init__(self, wire: Transport, clock: Clock, device_port: str) -> None:
        self._wire, self._clock, self._port = wire, clock, device_port
        self._decoder = devicehost.ResponseDecoder()
        self._raw = b""

    def answer(self, request: Request) -> Answer:
        """Send a request and return its answer."""
        self._wire.write(devicehost.encode_request(request, self._port))
        deadline_s = self._clock.now_s() + ANSWER_S
        while self._clock.now_s() < deadline_s:
            data = self._wire.read(wait_s=READ_S)
            self._raw = (self._raw + data)[-SHOWN_BYTES:]
            for response in self._decoder.receive(data):
                if isinstance(response, Corrupt):
                    raise self.unfit(f"this is not DeviceHost's language: {response.raw!r}")
                if not isinstance(response, Signals) or response.complete:
                    return response
        heard = f"; last bytes: {self._raw!r}" if self._raw else ""
        raise self.unfit(f"no answer to {request.command} within {ANSWER_S:g} s{heard}")

    def done(self, answer: Answer, what: str) -> None:
        """Refuse to go on without an OK."""
        if not isinstance(answer, Done):
            raise self.unfit(f"DeviceHost could not {what}: {_shown(answer)}")

    def state(self) -> State:
        """Return the first state, which DeviceHost has once the device has reported."""
        deadline_s = self._clock.now_s() + STATUS_S
        while (found := self.answer(Request("STATE"))) == Refused(table.NO_STATUS):
            if self._clock.now_s() > deadline_s:
                break
            self._wire.read(wait_s=READ_S)
        if not isinstance(found, State):
            raise self.unfit(f"the device does not report its state: {_shown(found)}")
        problems = not_ready(found)
        if problems:
            raise self.unfit("the CPAR+ is not ready: " + "; ".join(problems))
        return found

    def unfit(self, what: str) -> HardwareUnavailable:
        """Return why this device is not used."""
        return HardwareUnavailable(
            what,
            where=f"{self._wire.name}, device on {self._port}",
            do="check that DeviceHost runs, the device's port, power and emergency button, and "
            "docs/devices/devicehost.md; nothing was inflated",
        )


def _shown(answer: Answer) -> str:
    return answer.error if isinstance(answer, Refused) else str(answer)
