"""The participant's window: one, black, on the chosen screen. A flip returns the onset's time."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from hardware.clock import Clock
from scc_task.errors import WindowUnavailable
from scc_task.plan.steps import Plan, Step
from scc_task.present import quiet
from scc_task.present.display import display_answers
from scc_task.present.pointer import Pointer
from scc_task.present.screens import Screens

_FLIPS: Final = 15  # in each of the two passes that measure the frame period
_FASTEST_FRAME_S: Final = 1 / 500  # no display is faster; quicker flips cannot have waited
_PROJECTOR: Final = {"width": 40.0, "distance": 200.0}  # cm; PsychoPy wants numbers, we use none


class PsychoPyScreen:
    """The participant's window, in PsychoPy.

    Parameters
    ----------
    number
        Which screen, counted from 0 in the order of the operating system.
    fullscreen
        Cover that screen. Otherwise a window of ``size_px`` with a title bar.
    size_px
        Width and height of the window; not used when full screen.
    clock
        The machine's clock, for the times that `flip` returns.
    scratch
        Folder that PsychoPy may write to.

    Raises
    ------
    WindowUnavailable
        If there is no display or no such screen, or the window cannot be opened on it.
    """

    def __init__(
        self,
        *,
        number: int,
        fullscreen: bool,
        size_px: tuple[int, int],
        clock: Clock,
        scratch: Path = quiet.SCRATCH,
    ) -> None:
        self._clock = clock
        self._number, self._fullscreen = number, fullscreen
        self._screens: Screens | None = None
        self._asked_to_close = False  # by the person or the window manager: can still be drawn on
        self._gone = False  # destroyed by another program, or closed by us
        self._released = False
        quiet.import_psychopy(scratch)
        screen_size_px = _screen_size_px(number)
        self._size_px = screen_size_px if fullscreen else size_px
        self._window = self._open()
        self._frame_s = self._measure_frame_s()

    @property
    def frame_s(self) -> float:
        """Return the display's frame period; 0.0 where flips do not wait for a frame."""
        return self._frame_s

    def describe(self) -> Mapping[str, Any]:
        """Return facts for the record; ``refresh_hz`` is measured, ``None`` without a wait."""
        import psychopy

        return {
            "width_px": int(self._size_px[0]),
            "height_px": int(self._size_px[1]),
            "refresh_hz": round(1 / self._frame_s, 2) if self._frame_s else None,
            "software": "PsychoPy",
            "version": str(psychopy.__version__),
            "number": self._number,
            "fullscreen": self._fullscreen,
        }

    def prepare(self, plan: Plan) -> None:
        """Build every stimulus of the plan and draw each once, unseen.

        Raises
        ------
        WindowUnavailable
            If a text cannot be shown so that it can be read.
        """
        self._screens = Screens(self._window, plan)
        self._screens.warm()
        self._window.clearBuffer()

    def draw_message(self, key: str) -> None:
        """Draw one of the plan's texts by its key."""
        self._draw(lambda screens: screens.message(key))

    def draw_live(self, key: str, values: Mapping[str, str]) -> None:
        """Draw one of the plan's texts with its words in braces filled in."""
        self._draw(lambda screens: screens.message(key, values))

    def draw_step(self, step: Step) -> None:
        """Draw what the step shows (for a rating: the scale with its marker at the start)."""
        self._draw(lambda screens: screens.step(step))

    def draw_rating(self, step: Step, *, position: int, confirmed: bool) -> None:
        """Draw the scale of a rating step with its marker."""
        name = step.scale
        if name is not None:
            self._draw(lambda screens: screens.rating(name, position, confirmed=confirmed))

    def flip(self) -> float:
        """Show what was drawn and return when it appeared: right after the driver has finished."""
        self.closed()  # a flip of a window that was destroyed may hang for seconds in the driver
        if not self._gone:
            with self._forgiving():
                self._window.flip()
        return self._clock.now_s()

    def closed(self) -> bool:
        """Handle the window's events and return whether somebody closed or destroyed it."""
        if not self._gone:
            self._window.winHandle.dispatch_events()
        return self._asked_to_close or self._gone

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        self._gone = True
        if not self._released:
            self._released = True
            if display_answers():
                self._window.close()

    def pointer(self, *, end_to_end_px: int) -> Pointer:
        """Return the mouse of this window as a source of answers."""
        return Pointer(self._window.winHandle, self._clock, end_to_end_px=end_to_end_px)

    def save_picture(self, file: Path) -> None:
        """Write what was drawn since the last flip as a PNG file."""
        picture = self._window.getMovieFrame(buffer="back")
        self._window.movieFrames = []  # PsychoPy keeps them all
        picture.save(file)

    def _draw(self, draw: Callable[[Screens], None]) -> None:
        """Draw into the back buffer; nothing once the window is gone."""
        if self._screens is None:
            raise RuntimeError("prepare() comes before the first draw")
        if not self._gone:
            with self._forgiving():
                draw(self._screens)

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Let errors of OpenGL pass if the window is gone: `closed` tells, and the engine stops."""
        try:
            yield
        except Exception:
            # The news may wait behind the error: the driver asks the X server on its own.
            if not self._gone:
                self._window.winHandle.dispatch_events()
            if not self._gone:
                raise

    def _open(self) -> Any:
        """Return PsychoPy's window, hidden mouse, events wired to us."""
        from psychopy import monitors, visual

        # An object, not a name: PsychoPy then looks for no file of calibrations.
        monitor = monitors.Monitor("participant", autoLog=False, **_PROJECTOR)
        try:
            window = visual.Window(
                size=self._size_px,
                screen=self._number,
                fullscr=self._fullscreen,
                allowGUI=not self._fullscreen,
                monitor=monitor,
                units="height",
                color="black",
                winType="pyglet",
                title="scc-task",
                waitBlanking=True,  # glFinish in every flip: without it a flip's time means nothing
                checkTiming=False,
                gammaErrorPolicy="ignore",
                autoLog=False,
            )
        except Exception as problem:  # drivers raise anything; the person needs one answer
            raise WindowUnavailable(
                f"the window cannot be opened: {type(problem).__name__}: {problem}",
                where=f"screen {self._number}",
                do="update the graphics driver; on Linux, see whether `glxinfo` works",
            ) from problem
        window.mouseVisible = False
        handle = window.winHandle
        # An answer to the window manager of our own: the engine vents before anything is torn down.
        handle.on_close = self._on_close
        # Keys come from psychtoolbox's queue; PsychoPy's own list of them would only grow.
        handle.on_key_press = _ignore
        handle.on_text = _ignore
        if sys.platform.startswith("linux"):
            from scc_task.present.x11 import Watch

            self._watch = Watch(handle, self._on_gone)
        self._size_px = (int(window.clientSize[0]), int(window.clientSize[1]))
        return window

    def _on_close(self) -> None:
        """Remember that the person or the window manager wants the window closed."""
        self._asked_to_close = True

    def _on_gone(self) -> None:
        """Remember that another program or the display has taken the window away."""
        self._gone = True

    def _measure_frame_s(self) -> float:
        """Return the frame period, or 0.0 if flips do not wait for the display.

        Flips that wait absorb a pause before them; flips that do not, take longer by that pause.
        Unlike a limit on the period, this tells a slow software renderer from a display.
        """
        self.flip()
        plain_s = self._flip_period_s(pause_s=0.0)
        paused_s = self._flip_period_s(pause_s=plain_s / 3)
        waits = plain_s >= _FASTEST_FRAME_S and paused_s < plain_s * 7 / 6
        return plain_s if waits else 0.0

    def _flip_period_s(self, *, pause_s: float) -> float:
        """Return the median time from flip to flip with a pause before each."""
        stamps_s = [self.flip()]
        for _ in range(_FLIPS):
            self._clock.sleep_until(stamps_s[-1] + pause_s)
            stamps_s.append(self.flip())
        return median(b - a for a, b in pairwise(stamps_s))


def _ignore(*_arguments: Any) -> bool:
    """Swallow a window's event."""
    return True


def _screen_size_px(number: int) -> tuple[int, int]:
    """Return the size of a screen.

    Raises
    ------
    WindowUnavailable
        If there is no screen of that number. PsychoPy would quietly take the first one.
    """
    import pyglet

    screens = pyglet.canvas.get_display().get_screens()
    if not 0 <= number < len(screens):
        there = "; ".join(
            f"{n}: {s.width} x {s.height} at {s.x}, {s.y}" for n, s in enumerate(screens)
        )
        raise WindowUnavailable(
            f"there is no screen number {number}",
            where="rig file, screen.number",
            do=f"use a number of this list, or connect the projector ({there})",
        )
    return screens[number].width, screens[number].height
