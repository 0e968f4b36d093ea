"""What a process does to outlive the one that started it, and to run before all others."""

import contextlib
import ctypes
import os
import signal
import sys
from multiprocessing import parent_process, resource_tracker
from typing import Any


def leave_the_group() -> None:
    """Survive what ends the task: Ctrl-C and hang-ups go to the whole process group.

    A session of its own is also a scheduling group of its own where Linux groups them (autogroup):
    the load of other sessions is then shared with all of them, not with each of their processes.
    """
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "SIGXFSZ"):  # a file size limit is a full disk, not the end
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.setsid()
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
    _let_go_of_the_tracker()


def _let_go_of_the_tracker() -> None:
    """Let the task's resource tracker end with the task: it holds the terminal open, and we need it not."""
    if os.name != "posix":
        return
    tracker: Any = resource_tracker._resource_tracker  # noqa: SLF001
    descriptor = getattr(tracker, "_fd", None)
    if descriptor is not None:
        tracker._fd = None  # noqa: SLF001
        with contextlib.suppress(OSError):
            os.close(descriptor)


def raise_priority() -> None:
    """Take the highest priority the platform gives to this thread without asking anybody.

    The threads that write and report are started at the ordinary one.
    """
    if sys.platform == "win32":
        _raise_on_windows()
        return
    _take_nice()
    if sys.platform == "linux":
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
        for level in (10, allowed):  # the second: a user with a lower limit
            with contextlib.suppress(OSError):
                policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
                os.sched_setscheduler(0, policy, os.sched_param(level))
                return


def _take_nice() -> None:
    """Lower the niceness as far as the user's limits allow: 10 steps, or fewer."""
    for steps in range(10, 0, -1):
        with contextlib.suppress(OSError):
            os.nice(-steps)
            return


def _raise_on_windows() -> None:
    """Take what needs no administrator: the class "high", and its highest thread priority."""
    with contextlib.suppress(OSError, AttributeError):
        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        for handle_of, take, value in (
            (kernel.GetCurrentProcess, kernel.SetPriorityClass, 0x80),  # HIGH_PRIORITY_CLASS
            (kernel.GetCurrentThread, kernel.SetThreadPriority, 15),  # TIME_CRITICAL
        ):
            handle_of.restype = (
                ctypes.c_void_p
            )  # a handle is wider than the int that ctypes assumes
            take.argtypes = [ctypes.c_void_p, ctypes.c_int]
            take(handle_of(), value)


def task_handles() -> list[int] | None:
    """Return everything that becomes readable when the task is gone; ``None`` if it is gone already."""
    parent = parent_process()
    if parent is None or parent.pid is None:
        return []
    handles = [parent.sentinel]
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            handles.append(os.pidfd_open(parent.pid))
        # checked after it was opened: the number may be somebody else's by now
        if os.getppid() != parent.pid:
            return None
    return handles
