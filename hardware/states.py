"""The words for where a cuff is and why a run stopped: closed lists."""

import enum


class CuffState(enum.StrEnum):
    """Where the cuff is, as the reference controller reports it."""

    IDLE = "idle"
    ARMED = "armed"
    INFLATING = "inflating"
    HOLD = "hold"
    VENTING = "venting"
    FAULT = "fault"
    SELFTEST = "selftest"
    """It tries its vent paths with a puff that counts as empty."""


PRESSURISED_STATES = frozenset({CuffState.INFLATING, CuffState.HOLD})
"""States in which the vent valve may be closed."""


class StopReason(enum.StrEnum):
    """Why a run ended. Every run has exactly one."""

    COMPLETED = "completed"
    """The plan was carried out to its end."""
    OPERATOR = "operator"
    """Esc at the console, or the stop command."""
    INTERRUPTED = "interrupted"
    """Ctrl-C, or the terminal or the system asked the program to end."""
    PARTICIPANT = "participant"
    """The participant's stop key."""
    WINDOW_CLOSED = "window_closed"
    """The participant's window was closed or lost."""
    CUFF_FAULT = "cuff_fault"
    """The device or the interlock found the pressure not as it should be."""
    CUFF_LINK_LOST = "cuff_link_lost"
    """The device no longer answers, or its port went away."""
    SCANNER_LOST = "scanner_lost"
    """The trigger port went away before time zero, or the pulses stopped where the protocol says ``stop``."""
    SUPERVISOR_LOST = "supervisor_lost"
    """The process that owns the cuff's wire ended or fell silent."""
    TASK_SILENT = "task_silent"
    """The task did not show a sign of life for the patience time while the cuff was armed."""
    RECORDING_LOST = "recording_lost"
    """The journal could not be written."""
    PROGRAM_ERROR = "program_error"
    """An exception in our own code."""
    KILLED = "killed"
    """The journal has no stop document: the process ended without a chance to write one."""
