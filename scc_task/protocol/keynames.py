"""Names of keys by psychtoolbox's key codes, in PsychoPy's words, for each operating system.

The codes are the systems' own: on Linux X11's plus one (psychtoolbox counts from 1), on Windows
virtual key codes, on macOS usages of the USB HID keyboard page. A key is named by its place on a US
keyboard on Linux and macOS, as in PsychoPy.
"""

from collections.abc import Iterable


def _run(first: int, names: Iterable[str]) -> dict[int, str]:
    """Return names for consecutive codes."""
    return dict(enumerate(names, first))


_LETTERS = "abcdefghijklmnopqrstuvwxyz"

LINUX = {
    10: "escape",
    **_run(11, "1234567890"),
    **_run(21, ("minus", "equal", "backspace", "tab")),
    **_run(25, "qwertyuiop"),
    **_run(35, ("bracketleft", "bracketright", "return", "lctrl")),
    **_run(39, "asdfghjkl"),
    **_run(48, ("semicolon", "apostrophe", "quoteleft", "lshift", "backslash")),
    **_run(53, "zxcvbnm"),
    **_run(60, ("comma", "period", "slash", "rshift", "num_multiply", "lalt", "space", "capslock")),
    **_run(68, (f"f{n}" for n in range(1, 11))),
    **_run(78, ("numlock", "scrolllock")),
    **_run(80, ("num_7", "num_8", "num_9", "num_subtract", "num_4", "num_5", "num_6", "num_add")),
    **_run(88, ("num_1", "num_2", "num_3", "num_0", "num_decimal")),
    **_run(95, ("less", "f11", "f12")),
    **_run(105, ("num_enter", "rctrl", "num_divide")),
    **_run(109, ("ralt",)),
    **_run(
        111,
        ("home", "up", "pageup", "left", "right", "end", "down", "pagedown", "insert", "delete"),
    ),
    128: "pause",
    136: "menu",
}

WINDOWS = {
    8: "backspace",
    9: "tab",
    13: "return",
    **_run(19, ("pause", "capslock")),
    27: "escape",
    **_run(32, ("space", "pageup", "pagedown", "end", "home", "left", "up", "right", "down")),
    **_run(45, ("insert", "delete")),
    **_run(48, "0123456789"),
    **_run(65, _LETTERS),
    **_run(91, ("lwindows", "rwindows", "menu")),
    **_run(96, (f"num_{n}" for n in range(10))),
    **_run(106, ("num_multiply", "num_add")),
    **_run(109, ("num_subtract", "num_decimal", "num_divide")),
    **_run(112, (f"f{n}" for n in range(1, 13))),
    **_run(144, ("numlock", "scrolllock")),
    **_run(160, ("lshift", "rshift", "lctrl", "rctrl", "lalt", "ralt")),
    **_run(186, ("semicolon", "equal", "comma", "minus", "period", "slash", "apostrophe")),
    **_run(219, ("bracketleft", "backslash", "bracketright", "pound", "quoteleft")),
}

MACOS = {
    **_run(4, _LETTERS),
    **_run(30, "1234567890"),
    **_run(40, ("return", "escape", "backspace", "tab", "space", "minus", "equal")),
    **_run(47, ("bracketleft", "bracketright", "backslash")),
    **_run(51, ("semicolon", "apostrophe", "grave", "comma", "period", "slash", "capslock")),
    **_run(58, (f"f{n}" for n in range(1, 13))),
    **_run(74, ("home", "pageup", "delete", "end", "pagedown", "right", "left", "down", "up")),
    **_run(83, ("numlock", "num_divide", "num_multiply", "num_subtract", "num_add", "num_enter")),
    **_run(89, (f"num_{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0))),
    99: "num_decimal",
    103: "num_equal",
    **_run(104, (f"f{n}" for n in range(13, 20))),
    **_run(
        224, ("lctrl", "lshift", "loption", "lcommand", "rctrl", "rshift", "roption", "rcommand")
    ),
}


def key_names(platform: str) -> dict[int, str]:
    """Return the names for a value of `sys.platform`."""
    return {"win32": WINDOWS, "darwin": MACOS}.get(platform, LINUX)
