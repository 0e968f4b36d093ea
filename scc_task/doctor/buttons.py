"""A serial button box: how often it repeats a held button, whether releases come, what the rig should say."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hardware.button_box import Arrival
from hardware.clock import Clock
from scc_task.buttons import PREFIX, Bytes, SerialButtons
from scc_task.doctor.results import Figure, Result, Verdict, failed
from scc_task.protocol.rig_responses import ACTIONS, ADAPTER_S, LEAST_REPEAT_S, Responses

HELD: Final = "held button"
PRESSES: Final = "presses"
LOOK_S: Final = 0.01
HOLD_S: Final = 3.0
"""Longer than any box waits before it repeats."""
SETTLE_S: Final = 1.5
"""Time for a person to hear that they may let go."""
UNEVEN_S: Final = 0.01
"""Added to what was measured: the next held button is no copy of this one (assumed)."""
MOST_S: Final = 0.5
"""The largest ``repeat_s`` that a rig may have."""
SLOW_S: Final = 0.1
"""Fingers press again after this (assumed): more, and real presses become one."""
PRESSES_WANTED: Final = 10
BOUNCY_S: Final = 0.03
"""A finger rests longer between two presses (assumed); longer than a bounce of 10 ms and `ADAPTER_S`."""


def examine_buttons(
    box: Bytes,
    responses: Responses,
    clock: Clock,
    *,
    adapter: tuple[float, str],
    for_s: float,
    say: Callable[[str], None],
) -> Iterator[Result]:
    """Listen to one button that is held, then to presses, and yield what was found.

    Parameters
    ----------
    adapter
        How long the port's adapter may hold bytes back, in milliseconds, and how that is known.
    for_s
        How long each part waits at most.
    """
    which = "the grip" if responses.grip is not None else "any one button"
    say(f"HOLD {which} DOWN, within {for_s:g} s, and keep it down until you are told")
    held = _listen_to_hold(box, clock, for_s=for_s)
    say("let go")
    yield judge_hold(held, responses, adapter)
    if box.lost_s is None and held:
        say(f"now press each button once or twice: {PRESSES_WANTED} presses, {for_s:g} s at most")
        yield _listen_to_presses(box, responses, clock, for_s=for_s, say=say)
    if box.lost_s is not None:
        yield failed("port", "GONE: the box went away", "look at its cable and its power")


def judge_hold(held: Sequence[Arrival], responses: Responses, adapter: tuple[float, str]) -> Result:
    """Say whether the rig's ``repeat_s`` bears the silence of a button that was held for `HOLD_S`."""
    presses = [arrival for arrival in held if chr(arrival.value) not in responses.release.values()]
    if not presses:
        return failed(
            HELD,
            "SILENT: not one byte came",
            f"look at the box, its cable, its mode, and at 'port: {responses.port}' and 'baud'",
        )
    value = Counter(arrival.value for arrival in presses).most_common(1)[0][0]
    mine = [arrival for arrival in presses if arrival.value == value]
    sign, span_s = chr(value), mine[-1].time_s - mine[0].time_s
    adapter_ms, because = adapter
    figures: dict[str, Figure] = {
        "button": sign,
        "bytes": len(mine),
        "adapter_ms": adapter_ms,
        "because": because,
        "window_s": responses.window_s,
    }
    if responses.grip not in (None, sign):
        do = "hold the grip; if that was the grip, write what it sends under 'grip'"
        return failed(
            HELD, f"'{sign}' was held, and not the grip '{responses.grip}'", do, **figures
        )
    if span_s <= responses.bounce_s + ADAPTER_S:
        return _never_repeats(sign, responses, figures)
    # what only this computer was late to take is no silence of the box
    silent_s = max(
        after.time_s - after.late_s - before.time_s for before, after in itertools.pairwise(mine)
    )
    steps_s = sorted(b.time_s - a.time_s for a, b in itertools.pairwise(mine))
    period_s = steps_s[len(steps_s) // 2]
    needed_s = repeat_s_for(silent_s, period_s, adapter_ms / 1000)
    figures |= {
        "period_ms": round(period_s * 1000, 1),
        "longest_silence_ms": round(silent_s * 1000, 1),
        "first_silence_ms": round((mine[1].time_s - mine[0].time_s) * 1000, 1),
        "repeat_s": needed_s,
    }
    seen = (
        f"'{sign}' comes again every {period_s * 1000:.0f} ms while it is held, after"
        f" {silent_s * 1000:.0f} ms at the latest; adapter {adapter_ms:g} ms ({because})"
    )
    if needed_s > MOST_S:
        return failed(
            HELD,
            f"TOO SLOW: {seen}",
            "have the box repeat at once and faster, or send a byte when a button is let go",
            **figures,
        )
    if not responses.box_repeats or needed_s > responses.window_s:
        return failed(
            HELD,
            f"TOO TIGHT: {seen}",
            f"write 'repeat_s: {needed_s:g}' under 'responses', or one held press counts several"
            " times" + (" and the grip lets go by itself" if responses.grip is not None else ""),
            **figures,
        )
    slow = responses.window_s > SLOW_S
    do = "presses closer than that are one: have the box send a byte when a button is let go"
    return Result(
        name=HELD,
        verdict=Verdict.WARN if slow else Verdict.OK,
        seen=f"{seen}; {responses.window_s:g} s are allowed",
        do=do if slow else "",
        figures=figures,
    )


def repeat_s_for(silent_s: float, period_s: float, adapter_s: float) -> float:
    """Return what to write: what was measured, or what this adapter may make of it, and some more."""
    needed_s = max(silent_s, period_s + adapter_s) + UNEVEN_S
    return max(LEAST_REPEAT_S, math.ceil(round(needed_s * 100, 6)) / 100)


def _never_repeats(sign: str, responses: Responses, figures: dict[str, Figure]) -> Result:
    seen = f"'{sign}' came once: this box does not repeat a button that is held"
    if responses.grip is not None:
        return failed(
            HELD,
            f"NO REPEATS: {seen}",
            "have the box repeat the grip's byte while it is held, or remove 'grip': silence counts"
            " as let go",
            **figures,
        )
    do = "" if not responses.box_repeats else "write 'repeat_s: 0': quick presses stay apart"
    return Result(name=HELD, verdict=Verdict.OK, seen=seen, do=do, figures=figures)


def judge_presses(
    pressed: Counter[str], responses: Responses, *, doubts: int = 0, bounces: int = 0
) -> Result:
    """Say what came while somebody pressed the buttons.

    Parameters
    ----------
    doubts, bounces
        Presses whose release before was lost, and those that came within `BOUNCY_S` of a release.
    """
    actions = {key: action for action in ACTIONS for key in getattr(responses, action)}
    actions |= {} if responses.grip is None else {responses.grip: "grip"}
    total = sum(pressed.values())
    figures: dict[str, Figure] = {"presses": total, "lost_releases": doubts, "bounces": bounces}
    seen = ", ".join(
        f"{count} x '{s}' ({actions.get(s, 'UNKNOWN')})" for s, count in pressed.items()
    )
    if not total:
        return failed(PRESSES, "SILENT: no press came", "press the buttons when asked", **figures)
    strangers = sorted(set(pressed) - set(actions))
    if strangers:
        return failed(
            PRESSES,
            f"UNKNOWN: {seen}",
            f"'{strangers[0]}' has no meaning: write it under left, right, confirm or stop; if it"
            " comes when a button is let go, under 'release'",
            **figures,
        )
    if doubts:
        return Result(
            name=PRESSES,
            verdict=Verdict.WARN,
            seen=f"LOST RELEASES: {seen}; {doubts} came without the release before it",
            do="such presses count, and the journal notes them; look at the cable, at 'baud' and at"
            " 'release' in the rig file",
            figures=figures,
        )
    if bounces and responses.bounce_s < BOUNCY_S:
        return Result(
            name=PRESSES,
            verdict=Verdict.WARN,
            seen=f"BOUNCING: {seen}; {bounces} came within {BOUNCY_S * 1000:g} ms of a release",
            do=f"set the adapter's latency timer to 1 ms, or write 'bounce_s: {BOUNCY_S:g}': an"
            " adapter may bring a bounce 16 ms apart",
            figures=figures,
        )
    return Result(name=PRESSES, verdict=Verdict.OK, seen=seen, figures=figures)


def _listen_to_hold(box: Bytes, clock: Clock, *, for_s: float) -> list[Arrival]:
    """Wait for the first byte and return what comes within `HOLD_S` of it."""
    box.poll()  # what was waiting is nobody's
    held: list[Arrival] = []
    end_s = clock.now_s() + for_s
    while (now_s := clock.now_s()) < end_s and box.lost_s is None:
        held += box.poll()
        if held:
            end_s = held[0].time_s + HOLD_S
        clock.sleep_until(now_s + LOOK_S)
    return held


def _listen_to_presses(
    box: Bytes,
    responses: Responses,
    clock: Clock,
    *,
    for_s: float,
    say: Callable[[str], None],
) -> Result:
    keys = SerialButtons(
        box,
        clock,
        release=responses.release,
        grip=responses.grip,
        window_s=responses.window_s,
        repeats=responses.box_repeats,
    )
    # the button that was held is let go first
    clock.sleep_until(clock.now_s() + SETTLE_S)
    box.poll()
    pressed: Counter[str] = Counter()
    down: set[str] = set()
    released_s: dict[str, float] = {}
    doubts, bounces, end_s = 0, 0, clock.now_s() + for_s
    while (now_s := clock.now_s()) < end_s and pressed.total() < PRESSES_WANTED:
        if box.lost_s is not None:
            break
        for event in keys.poll():
            sign = event.key.removeprefix(PREFIX)
            doubts += bool(event.doubt)
            if not event.down:
                down.discard(sign)
                released_s[sign] = -math.inf if event.doubt else event.time_s
            elif event.time_s - released_s.get(sign, -math.inf) < BOUNCY_S:
                bounces += 1
                down.add(sign)
            elif event.key.startswith(PREFIX) and len(sign) == 1 and sign not in down:
                down.add(sign)
                pressed[sign] += 1
                say(f"'{sign}' pressed")
        clock.sleep_until(now_s + LOOK_S)
    return judge_presses(pressed, responses, doubts=doubts, bounces=bounces)
