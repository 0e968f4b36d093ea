"""The emulated DeviceHost: it answers as documented, keeps its own limits, and forgets as it should."""

import pytest

from hardware.codec import devicehost
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Done,
    HostRequest,
    Instruction,
    Rating,
    Refused,
    Request,
    Response,
    Signals,
    Start,
    State,
    Waveform,
)
from hardware.sim.devicehost import EmulatedDeviceHost
from hardware.sim.plant import Plant

HOLD = Waveform(0, (Instruction("STEP", 200, 4000), Instruction("STEP", 0, 1000)))


class Host:
    """A host that asks one thing after the other."""

    def __init__(self, *, opened: bool = True) -> None:
        self.now_s = 100.0
        self.device = EmulatedDeviceHost(Plant(), start_s=self.now_s)
        self.decoder = devicehost.ResponseDecoder()
        if opened:
            assert self.ask(Request("CREATE")) == self.ask(Request("OPEN")) == Done()
            self.wait(0.1)

    def ask(self, request: HostRequest) -> Response:
        return self.send(devicehost.encode_request(request, "COM8"))

    def send(self, data: bytes) -> Response:
        self.device.receive(data)
        self.now_s += 0.005
        (answer,) = self.decoder.receive(self.device.advance(self.now_s))
        return answer

    def wait(self, for_s: float) -> None:
        self.now_s += for_s
        assert self.device.advance(self.now_s) == b""

    def state(self) -> State:
        state = self.ask(Request("STATE"))
        assert isinstance(state, State)
        return state


@pytest.fixture
def host() -> Host:
    return Host()


def test_a_handler_is_made_once_and_nothing_works_without_one() -> None:
    host = Host(opened=False)
    assert host.ask(Request("STOP")) == Refused("NoHandlerFound")
    assert host.ask(Request("CREATE")) == Done()
    assert host.ask(Request("CREATE")) == Refused("HandlerExists")
    assert host.ask(Request("STATE")) == Refused("NoStatus")
    assert host.ask(Request("STOP")) == Refused("DeviceClosed")


def test_a_program_raises_the_pressure_and_ends_by_itself(host: Host) -> None:
    assert host.ask(HOLD) == host.ask(Start((0, -1))) == Done()
    host.wait(3.0)
    assert host.device.pressure_mmhg == pytest.approx(150.0, abs=5.0)
    assert host.state().state == table.STIMULATING
    host.wait(4.0)
    assert host.device.pressure_mmhg < 1.0
    assert host.state().stop_condition == "STOPCOND_STIMULATION_COMPLETED"


def test_an_increment_is_per_second(host: Host) -> None:
    ramp = (
        Instruction("INC", 50, 4000),
        Instruction("STEP", 200, 2000),
        Instruction("STEP", 0, 10),
    )
    host.ask(Waveform(0, ramp))
    host.ask(Start((0, -1)))
    host.wait(2.0)
    assert host.device._outlets[0].target == pytest.approx(100.0, abs=1.0)


@pytest.mark.parametrize(
    "packet",
    [
        b"CHANNEL 0;\nREPEAT 1;\nINSTRUCTIONS 1;\nSTEP 1001 1000;\n",
        b"CHANNEL 0;\nREPEAT 1;\nINSTRUCTIONS 2;\nSTEP 900 1000;\nINC 200 1000;\n",
        b"CHANNEL 3;\nREPEAT 1;\nINSTRUCTIONS 1;\nSTEP 100 1000;\n",
    ],
)
def test_the_device_has_limits_of_its_own(host: Host, packet: bytes) -> None:
    head = b"START;\nUSE PORT COM8 CPARPLUS;\nCMD WAVEFORM;\n"
    assert host.send(head + packet + b"END;\n") == Refused(table.FAILED)
    assert host.ask(Start((0, -1))) == Refused(table.FAILED)


def test_nothing_is_loaded_or_started_while_something_plays(host: Host) -> None:
    host.ask(HOLD)
    host.ask(Start((0, -1)))
    assert host.ask(HOLD) == Refused(table.FAILED)
    assert host.ask(Start((0, -1))) == Refused(table.FAILED)


def test_samples_are_kept_while_it_plays_and_forgotten_when_they_are_asked_for(host: Host) -> None:
    assert host.ask(Request("SIGNALS")) == Signals(())
    host.ask(HOLD)
    host.ask(Start((0, -1)))
    host.wait(1.0)
    kept = host.ask(Request("SIGNALS"))
    assert isinstance(kept, Signals)
    assert len(kept.samples) == 20
    assert host.ask(Request("SIGNALS")) == Signals(())
    host.wait(0.2)
    host.ask(Request("STOP"))
    host.ask(Start((0, -1)))
    left = host.ask(Request("SIGNALS"))
    assert isinstance(left, Signals)
    assert len(left.samples) <= 1  # a start forgets what was not asked for


@pytest.mark.parametrize("criterion", [0, 1, 2])
def test_the_button_ends_it_by_the_criterion(host: Host, criterion: int) -> None:
    host.device.button_down = criterion == 2
    host.ask(HOLD)
    host.ask(Start((0, -1), criterion))
    host.wait(0.5)
    assert host.state().state == table.STIMULATING
    host.device.button_down = criterion != 2
    host.wait(0.1)
    assert host.state().stop_condition == "STOPCOND_BUTTON"


def test_a_press_is_latched_until_it_is_asked_for(host: Host) -> None:
    host.device.button_down = True
    host.wait(0.1)
    host.device.button_down = False
    assert host.ask(Request("RATING")) == Rating(0, 0, False, True)
    assert host.ask(Request("RATING")) == Rating(0, 0, False, False)


def test_the_emergency_button_vents_and_nothing_starts_until_it_is_out(host: Host) -> None:
    host.ask(HOLD)
    host.ask(Start((0, -1)))
    host.wait(1.0)
    host.device.emergency = True
    host.wait(3.0)
    assert host.state().state == table.EMERGENCY
    assert host.device.pressure_mmhg < 1.0
    assert host.ask(Start((0, -1))) == Refused(table.FAILED)
    host.device.emergency = False
    host.wait(0.1)
    assert host.ask(Start((0, -1))) == Done()


def test_a_stop_while_idle_does_no_harm(host: Host) -> None:
    assert host.ask(Request("STOP")) == Done()
    assert host.state().state == table.IDLE


def test_a_device_that_falls_silent_leaves_its_last_state_behind(host: Host) -> None:
    host.ask(HOLD)
    host.ask(Start((0, -1)))
    host.wait(0.2)
    host.device.device_silent = True
    before = host.state()
    host.wait(6.0)
    assert host.state() == before
    assert host.ask(Request("STOP")) == Refused(table.FAILED)
