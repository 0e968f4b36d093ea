"""Fingers on a serial box, from the contact through the adapter to what a run takes for answers."""

import random
from collections import deque
from dataclasses import dataclass, field

from hardware.button_box import Arrival
from hardware.clock import VirtualClock
from hardware.sim.adapter import delivered_s
from scc_task.buttons import SerialButtons
from scc_task.documents import Document, Key, Note
from scc_task.emulated import BothKeys
from scc_task.intake import Intake
from scc_task.plan.steps import DummyKind, ScannerPlan
from scc_task.ports import KeyEvent
from scc_task.present.headless import HeadlessScreen
from scc_task.protocol.rig_responses import Responses
from scc_task.responses import Action, key_map

TR_S = 0.46
PRESS_S = 0.05
CHATTER_S = 0.006
WAKE_S = 0.002
"""How late the thread that listens is, at most."""
RELEASES = {"1": "A", "2": "B"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A box, its adapter, and what the rig says of it."""

    releases: bool
    repeats: bool
    chatters: bool
    timer_s: float
    rig: dict[str, object] = field(default_factory=dict)
    rest_s: float = 0.022
    """How long a finger stays up at least."""
    every_s: float = PRESS_S

    def responses(self) -> Responses:
        base = {"answers": "serial", "port": "COM5", "confirm": ("3",), "stop": ("4",)}
        release = RELEASES if self.releases else {}
        return Responses.model_validate(
            {**base, "left": ("1",), "right": ("2",), "release": release, **self.rig}
        )


@dataclass(kw_only=True)
class Outcome:
    """What was pressed, and what counted."""

    pressed: int
    lost: int
    invented: int
    pulses_typed: int
    pulses_heard: int
    doubts: int
    stop: str | None = None
    stop_after_s: float = 0.0
    """From the contact to the request, beyond what the main loop stalled for itself."""


class _Wire:
    """A box whose thread listens well: stamps are those of the arrivals, whoever looks when."""

    lost_s = None

    def __init__(self, clock: VirtualClock, arrivals: list[Arrival]) -> None:
        self._clock, self._due = clock, deque(arrivals)

    @property
    def listened_s(self) -> float:
        return self._clock.now_s()

    def poll(self) -> list[Arrival]:
        found = []
        while self._due and self._due[0].time_s <= self._clock.now_s():
            found.append(self._due.popleft())
        return found

    def close(self) -> None:
        pass


class _Keyboard:
    """A scanner that types."""

    def __init__(self, clock: VirtualClock, times_s: list[float]) -> None:
        events = [
            KeyEvent(t, "5", down)
            for at_s in times_s
            for t, down in ((at_s, True), (at_s + 0.01, False))
        ]
        self._clock, self._due = clock, deque(events)

    def poll(self) -> list[KeyEvent]:
        found = []
        while self._due and self._due[0].time_s <= self._clock.now_s():
            found.append(self._due.popleft())
        return found

    def next_due_s(self) -> float | None:
        return None

    def close(self) -> None:
        pass


def run(
    kind: Kind,
    *,
    seed: int,
    presses: int = 25,
    stalls: bool = True,
    stop_s: float | None = None,
    grip_s: float | None = None,
) -> Outcome:
    """Press two buttons at once, so many times each, and count what a run makes of it.

    Parameters
    ----------
    stop_s
        When the stop button is pressed, from the start.
    grip_s
        Until when the grip is held, which is repeated 30 times a second.
    """
    rng, clock = random.Random(seed), VirtualClock()
    start_s = clock.now_s() + 0.1
    sent: list[tuple[float, str]] = []
    truth = {
        sign: _finger(kind, sign, start_s + rng.uniform(0, 0.05), presses, rng, sent)
        for sign in "12"
    }
    end_s = max(time_s for time_s, _ in sent) + 1.0
    if stop_s is not None:
        sent.append((start_s + stop_s, "4"))
    if grip_s is not None:
        sent += [(start_s + n / 30, "g") for n in range(int(grip_s * 30) + 1)]
    sent.sort()
    phase_s = rng.uniform(0.0, 0.016)
    arrivals, packet = [], (0.0, 0.0)
    for time_s, sign in sent:
        out_s = delivered_s(time_s, kind.timer_s, phase_s)
        if out_s != packet[0]:  # one packet is taken in one look
            packet = out_s, max(packet[1], out_s + rng.uniform(0, WAKE_S))
        arrivals.append(Arrival(packet[1], ord(sign)))
    last_grip_s = int((grip_s or 0.0) * 30) / 30
    pulses = [start_s + n * TR_S for n in range(int((end_s - start_s) / TR_S))]

    responses, heard = kind.responses(), list[Document]()
    box = SerialButtons(
        _Wire(clock, arrivals),
        clock,
        release=responses.release,
        grip=responses.grip,
        window_s=responses.window_s,
        repeats=responses.box_repeats,
    )
    intake = Intake(
        clock=clock,
        screen=HeadlessScreen(clock),
        cuff=None,
        pulses=None,
        keys=BothKeys(_Keyboard(clock, pulses), box),
        key_map=key_map(
            left=responses.keys("left"),
            right=responses.keys("right"),
            confirm=responses.keys("confirm"),
            stop=responses.keys("stop"),
            grip=responses.grip_key,
            trigger="5",
            bounce_s=responses.bounce_s,
        ),
        scanner=ScannerPlan(tr_s=0.0, volumes=0, dummies=0, dummy_kind=DummyKind.SILENT),
        publish=heard.append,
        recording_failed=lambda: None,
    )
    counted: dict[str, list[float]] = {"1": [], "2": []}
    names = {Action.LEFT: "1", Action.RIGHT: "2"}
    intake.hands.answer = lambda action, event: (
        counted[names[action]].append(event.time_s) if event.down else None
    )
    stop, asked_s, woken_s = None, 0.0, 0.0
    while clock.now_s() < end_s:
        waits = grip_s is not None and not intake.hands.guarded
        stalled = stalls and not waits and rng.random() < 0.02
        before_s = clock.now_s()
        clock.sleep_until(before_s + (rng.uniform(0.02, 0.3) if stalled else 0.005))
        intake.look_at_keys()
        if intake.hands.gripped and grip_s is not None and not intake.hands.guarded:
            intake.hands.guard(clock.now_s())
        if stop is None and intake.requested is not None:
            stop, asked_s, woken_s = str(intake.requested.reason), clock.now_s(), before_s
    lost = invented = 0
    for sign in "12":
        missing, extra = _compare(truth[sign], counted[sign], kind.timer_s + WAKE_S)
        lost, invented = lost + missing, invented + extra
    keys = [d for d in heard if isinstance(d, Key)]
    return Outcome(
        pressed=sum(map(len, truth.values())),
        lost=lost,
        invented=invented,
        pulses_typed=len(pulses),
        pulses_heard=sum(d.action is Action.PULSE and d.down for d in keys),
        doubts=sum(isinstance(d, Note) for d in heard),
        stop=stop,
        stop_after_s=min(asked_s, woken_s + 0.005) - start_s - (stop_s or last_grip_s),
    )


def _finger(
    kind: Kind,
    sign: str,
    start_s: float,
    presses: int,
    rng: random.Random,
    sent: list[tuple[float, str]],
) -> list[float]:
    """Add what the box sends, and return when the button was pressed."""
    truth, at_s = [], start_s
    for _ in range(presses):
        held = rng.random() < 0.1 and (kind.releases or kind.repeats)  # a long one
        longest_s = kind.every_s - kind.rest_s
        up_s = at_s + (rng.uniform(0.1, 0.4) if held else rng.uniform(0.005, longest_s))
        truth.append(at_s)
        sent.append((at_s, sign))
        if kind.releases:
            sent.append((up_s, RELEASES[sign]))
        if kind.chatters:
            _chatter(kind, sign, at_s, up_s, rng, sent)
        if kind.repeats:
            again_s = at_s + 1 / 30
            while again_s < up_s:
                sent.append((again_s, sign))
                again_s += 1 / 30
        rest_s = kind.every_s - 0.005 if held else kind.rest_s
        at_s = max(at_s + kind.every_s, up_s + rest_s)
    return truth


def _chatter(
    kind: Kind,
    sign: str,
    at_s: float,
    up_s: float,
    rng: random.Random,
    sent: list[tuple[float, str]],
) -> None:
    """Add bytes within `CHATTER_S` of the edges: a press alone, or opened and closed again."""
    if not kind.releases:
        sent += [(at_s + rng.uniform(0, CHATTER_S), sign) for _ in range(rng.randint(0, 2))]
        return
    room_s = min(CHATTER_S, up_s - at_s)
    for edge_s, first, then, span_s in (
        (at_s, RELEASES[sign], sign, room_s),
        (up_s, sign, RELEASES[sign], CHATTER_S),
    ):
        for _ in range(rng.randint(0, 1)):
            one, other = sorted(rng.uniform(1e-4, span_s * 0.99) for _ in range(2))
            sent += [(edge_s + one, first), (edge_s + other, then)]


def _compare(truth: list[float], counted: list[float], late_s: float) -> tuple[int, int]:
    """Return how many presses have no answer, and how many answers have no press."""
    left, missing = deque(counted), 0
    extra = 0
    for time_s in truth:
        while left and left[0] < time_s - 1e-9:
            left.popleft()
            extra += 1
        if left and left[0] <= time_s + late_s + 1e-9:
            left.popleft()
        else:
            missing += 1
    return missing, extra + len(left)
