"""What the participant answers with, opened from what the rig names."""

from hardware.button_box import ButtonBox
from hardware.clock import Clock
from scc_task.buttons import SerialButtons
from scc_task.ports import KeySource, Screen
from scc_task.protocol.rig_responses import Responses

SERIAL_BAUD = 115200
END_TO_END_PX = 600


def open_responses(responses: Responses, screen: Screen, clock: Clock) -> tuple[KeySource, str]:
    """Return a serial box or a mouse, and in words what it is.

    Raises
    ------
    HardwareUnavailable
        If the port cannot be opened.
    """
    if responses.port is not None:
        box = ButtonBox(responses.port, baud=responses.baud or SERIAL_BAUD, clock=clock)
        buttons = SerialButtons(
            box,
            clock,
            release=responses.release,
            grip=responses.grip,
            repeat_s=responses.longest_silence_s,
        )
        return buttons, f"button box on serial port {responses.port}"
    from scc_task.present.window import PsychoPyScreen

    if not isinstance(screen, PsychoPyScreen):
        raise TypeError("a mouse needs a window")
    return screen.pointer(end_to_end_px=responses.end_to_end_px or END_TO_END_PX), "mouse"
