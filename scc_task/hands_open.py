"""What the participant answers with, opened from what the rig names."""

from hardware.button_box import ButtonBox
from hardware.clock import Clock
from scc_task.buttons import SerialButtons
from scc_task.ports import KeySource, Screen
from scc_task.protocol.rig_responses import Responses

SERIAL_BAUD = 115200
END_TO_END_PX = 600


def grip_words(responses: Responses, *, emulated: bool) -> str:
    """Return for the record and the operator whether the participant has a grip, and which."""
    if responses.grip is None:
        return "none: nothing has to be held"
    held = "to be held from time zero on; to let go stops the run"
    return f"{'emulated, ' if emulated else ''}{responses.grip_key}, {held}"


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
            window_s=responses.window_s,
            repeats=responses.box_repeats,
        )
        return buttons, f"button box on serial port {responses.port}"
    from scc_task.present.window import PsychoPyScreen

    if not isinstance(screen, PsychoPyScreen):
        raise TypeError("a mouse needs a window")
    return screen.pointer(end_to_end_px=responses.end_to_end_px or END_TO_END_PX), "mouse"
