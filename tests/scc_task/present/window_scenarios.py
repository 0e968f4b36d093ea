"""What the tests of the window do, each in a process of its own: PsychoPy is process-wide state.

Run as a script with the name of a scenario, a folder and, if the scenario wants them, arguments;
prints one JSON object.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from present_plan import present_plan

from hardware.clock import RealClock, now_s
from scc_task.errors import ExplainedError
from scc_task.plan.steps import StepKind
from scc_task.present.keys import Keyboard
from scc_task.present.window import PsychoPyScreen

MARGIN = 0.04
X_CODE_OF = {"5": 14, "a": 38, "space": 65, "left": 113, "right": 114, "return": 36}


def pointer(folder: Path) -> Any:
    """Move the mouse and click; return what came in, and whether the window was left alone."""
    from Xlib import X
    from Xlib import display as xdisplay
    from Xlib.ext import xtest

    screen = open_screen(folder / "scratch")
    hand = xdisplay.Display(os.environ["DISPLAY"])
    mouse = screen.pointer(end_to_end_px=600)
    for number in range(9):
        xtest.fake_input(hand, X.MotionNotify, detail=1, x=30, y=4)
        hand.sync()
        time.sleep(0.05)
        screen.closed()
        if number == 0:
            mouse.poll()  # the first way is to the middle, where the pointer is held from now on
    for kind in (X.ButtonPress, X.ButtonRelease):
        xtest.fake_input(hand, kind, 1)
        hand.sync()
        time.sleep(0.05)
        screen.closed()
    found = [(event.key, event.down, event.moved) for event in mouse.poll()]
    closed = screen.closed()
    screen.close()
    return {"events": found, "closed": closed}


def open_screen(folder: Path, number: int = 0) -> PsychoPyScreen:
    return PsychoPyScreen(
        number=number, fullscreen=True, size_px=(1024, 768), clock=RealClock(), scratch=folder
    )


def pictures(folder: Path) -> dict[str, Any]:
    """Draw every screen; return for each where it is lit and in which colours."""
    from PIL import Image

    screen = open_screen(folder / "scratch")
    plan = present_plan()
    screen.prepare(plan)
    found: dict[str, Any] = {}

    def look(name: str) -> None:
        file = folder / f"{name}.png"
        screen.save_picture(file)
        screen.flip()
        with Image.open(file) as picture:
            rgb = picture.convert("RGB")
            box = rgb.point(lambda level: 255 if level > 40 else 0).getbbox()
            colors = rgb.getcolors(1 << 24) or []
            top = max((n, color) for n, color in colors if max(color) > 40)[1]
            # the brightest colour beside white tells cues and markers apart
            vivid = [(n, c) for n, c in colors if max(c) - min(c) > 60]
            found[name] = {
                "size": rgb.size,
                "box": box,
                "top": top,
                "vivid": max(vivid)[1] if vivid else None,
            }

    for key, _ in plan.texts:
        screen.draw_message(key)
        look(f"message-{key}")
    for step in plan.steps:
        what = step.text or step.cue or step.scale or "cross"
        screen.draw_step(step)
        look(f"{step.kind}-{what}")
        if step.kind is StepKind.RATE:
            scale = plan.scale(what)
            for position in sorted({scale.lowest, scale.start, scale.highest}):
                for confirmed in (False, True):
                    screen.draw_rating(step, position=position, confirmed=confirmed)
                    look(f"rating-{what}-{position}-{'confirmed' if confirmed else 'moving'}")
    facts = dict(screen.describe())
    screen.close()
    return {"pictures": found, "facts": facts, "frame_s": screen.frame_s}


def flips(folder: Path) -> dict[str, Any]:
    """Flip and stamp, on both sides of the call."""
    screen = open_screen(folder)
    screen.prepare(present_plan())
    stamps = []
    for _ in range(20):
        before = now_s()
        screen.draw_message("begin")
        stamp = screen.flip()
        stamps.append((before, stamp, now_s()))
    screen.close()
    return {"stamps": stamps}


def closing(folder: Path, way: str) -> dict[str, Any]:
    """Have another X client close, destroy or cut off the window; go on drawing."""
    from Xlib import X, display
    from Xlib.protocol import event

    screen = open_screen(folder)
    plan = present_plan()
    screen.prepare(plan)
    screen.draw_step(plan.steps[0])
    screen.flip()
    before = screen.closed()
    other = display.Display()
    window = other.create_resource_object("window", screen._window.winHandle._window)
    if way == "quit":
        message = event.ClientMessage(
            window=window,
            client_type=other.intern_atom("WM_PROTOCOLS"),
            data=(32, [other.intern_atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0]),
        )
        window.send_event(message)
    elif way == "destroy":
        window.destroy()
    elif way == "kill":
        window.kill_client()
    other.sync()
    seen_on = None
    for turn in range(200):
        screen.draw_message("run_stopped")
        screen.flip()
        if seen_on is None and screen.closed():
            seen_on = turn
    stamp = screen.flip()
    screen.close()
    screen.close()
    other.close()
    return {
        "before": before,
        "seen": seen_on is not None,
        "flip_is_time": abs(stamp - now_s()) < 60,
    }


def missing_screen(folder: Path) -> dict[str, Any]:
    """Ask for a screen that is not there."""
    try:
        open_screen(folder, number=7)
    except ExplainedError as problem:
        return {"type": type(problem).__name__, "text": str(problem)}
    return {"type": None, "text": ""}


def long_text(folder: Path) -> dict[str, Any]:
    """Prepare texts that cannot be shown so that they can be read."""
    screen = open_screen(folder)
    texts = {
        "novel": "Far too much to read. " * 80,
        "word": "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrente" * 2,
        "kanji": "痛み",
    }
    problems: dict[str, Any] = {}
    for key, text in texts.items():
        try:
            screen.prepare(present_plan(**{key: text}))
        except ExplainedError as problem:
            problems[key] = (type(problem).__name__, str(problem))
    screen.prepare(present_plan(long="A text of some length, to be read in peace. " * 9))
    screen.close()
    return problems


def keys(folder: Path) -> dict[str, Any]:
    """Press keys by XTEST from another process, the window open but without the focus."""
    screen = open_screen(folder)
    keyboard = Keyboard()
    clock = RealClock()
    sender = subprocess.Popen(
        [sys.executable, __file__, "press", str(folder)], stdout=subprocess.PIPE, text=True
    )
    events, polls = [], 0
    while sender.poll() is None:
        screen.flip()
        screen.closed()
        clock.sleep_until(clock.now_s() + 0.05)  # slower than any pulse is long
        events += keyboard.poll()
        polls += 1
    clock.sleep_until(clock.now_s() + 0.2)
    events += keyboard.poll()
    answer, _ = sender.communicate()
    keyboard.close()
    keyboard.close()
    screen.close()
    return {
        "sent": json.loads(answer),
        "seen": [(e.time_s, e.key, e.down) for e in events],
        "after_close": list(keyboard.poll()),
    }


def press(_folder: Path) -> list[Any]:
    """Inject real key events; return when each was sent, on the machine's clock."""
    from Xlib import X, display
    from Xlib.ext import xtest

    server = display.Display()
    sent: list[Any] = []

    def send(kind: int, key: str) -> None:
        sent.append((now_s(), key, kind == X.KeyPress))
        xtest.fake_input(server, kind, X_CODE_OF[key])
        server.sync()

    for hold_s in (0.002, 0.020):
        for key in [*X_CODE_OF, *["5"] * 15]:
            send(X.KeyPress, key)
            time.sleep(hold_s)
            send(X.KeyRelease, key)
            time.sleep(0.02)
    server.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOn)
    send(X.KeyPress, "a")
    time.sleep(1.2)  # the server repeats a held key after 0.66 s
    send(X.KeyRelease, "a")
    server.close()
    return sent


def names(folder: Path) -> dict[str, Any]:
    """Return PsychoPy's names of keys."""
    from scc_task.present import quiet

    quiet.import_psychopy(folder)
    from psychopy.hardware import keyboard

    return {
        "linux": keyboard.keyNamesLinux,
        "win32": keyboard.keyNamesWin,
        "darwin": keyboard.keyNamesMac,
    }


def environment(folder: Path) -> dict[str, Any]:
    """Open a window and return what it changed round it."""
    watched = ("HOME", "XAUTHORITY", "PATH", "PYTHONPATH", "PYTHONUSERBASE")
    before = {name: os.environ.get(name) for name in watched}
    screen = open_screen(folder / "scratch")
    screen.prepare(present_plan())
    screen.close()
    return {
        "before": before,
        "after": {name: os.environ.get(name) for name in watched},
        "files_in_home": sorted(str(p) for p in Path(os.environ["HOME"]).rglob("*")),
    }


if __name__ == "__main__":
    scenario: Callable[..., Any] = globals()[sys.argv[1]]
    answer = scenario(Path(sys.argv[2]), *sys.argv[3:])
    sys.stdout.write(json.dumps(answer))
