"""What to do after a calibration, or a check, that did not come to its end."""

from hardware.states import StopReason


def what_now(reason: str, *, check: bool, command: str) -> str:
    """Return what the operator should do.

    Parameters
    ----------
    reason
        A `StopReason`.
    check
        Whether a stored pressure was only checked.
    command
        That calibrates this participant anew.
    """
    if reason == StopReason.PARTICIPANT:
        first = "see to the participant, and ask before anything else; "
        if check:
            return (
                f"{first}the stored pressure is not given again, and runs refuse it. If the participant "
                f"agrees, calibrate anew, now or on another occasion: {command}"
            )
        return (
            f"{first}if the participant agrees, run_task.py calibrate --resume with the same options goes "
            "on, never as high as a pressure that was stopped; otherwise end here"
        )
    if check:
        return "run_task.py calibrate --check with the same options"
    return "run_task.py calibrate --resume with the same options goes on after the last rated inflation"
