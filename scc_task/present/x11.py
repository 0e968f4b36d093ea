# ruff: noqa: SLF001 - pyglet offers none of this in public
"""Notice on X11 that the window is no more, where pyglet would wait, or Xlib end the process.

Two things can happen to a window behind our back. Another program destroys it: the server says so,
but pyglet does not listen. Or the server cuts the connection (a killed client, a dead server): Xlib
then calls ``exit``, and no journal would be finished. Xlib 1.7 and later can be told not to.
"""

import ctypes
from collections.abc import Callable
from typing import Any, Final

_DESTROY_NOTIFY: Final = 17  # X.h
_EXIT_HANDLER: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_ERROR_HANDLER: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class Watch:
    """Calls back when the window is destroyed or its connection is lost.

    Keep the object as long as the window: Xlib holds a pointer into it.

    Parameters
    ----------
    handle
        Pyglet's window.
    on_gone
        Called from inside the window's event handling or drawing, at least once.
    """

    def __init__(self, handle: Any, on_gone: Callable[[], None]) -> None:
        self._handle = handle
        self._on_gone = on_gone
        # Pyglet has no event for this; its table of handlers by X11 type is the only way in.
        handle._event_handlers[_DESTROY_NOTIFY] = self._destroyed
        self._stay = _EXIT_HANDLER(self._connection_lost)
        self._silence = _ERROR_HANDLER(_no_comment)
        from pyglet.libs.x11 import xlib

        set_exit_handler = getattr(xlib._lib, "XSetIOErrorExitHandler", None)
        if set_exit_handler is not None:
            set_exit_handler.argtypes = [ctypes.c_void_p, _EXIT_HANDLER, ctypes.c_void_p]
            set_exit_handler.restype = None
            set_exit_handler(ctypes.cast(handle._x_display, ctypes.c_void_p), self._stay, None)
            # Xlib's own handler of errors ends the process before it comes to ours.
            set_error_handler = ctypes.CDLL(xlib._lib._name).XSetIOErrorHandler
            set_error_handler.argtypes = [_ERROR_HANDLER]
            set_error_handler(self._silence)

    def _destroyed(self, _event: Any) -> None:
        """Tell that another program has destroyed the window."""
        # Else pyglet, when it closes, waits for the unmapping of a window that is no more.
        self._handle._mapped = False
        self._on_gone()

    def _connection_lost(self, _display: Any, _data: Any) -> None:
        """Tell that the X server has cut us off. Returning is what keeps the process alive."""
        self._handle._mapped = False
        self._on_gone()


def _no_comment(_display: Any) -> int:
    """Let Xlib go on to the exit handler."""
    return 0
