"""An emulated participant: a P40, a rating curve, and fingers that move the slider and confirm."""

import math
import random
from dataclasses import dataclass
from typing import Final

MEDIAN_P40_MMHG: Final = 140.0
SIGMA_LN_P40: Final = 0.35
"""Lognormal P40: median 140 mmHg and p5 to p95 of about 80 to 250 in A2CPS (n = 708)."""
LOWEST_P40_MMHG: Final = 60.0
HIGHEST_P40_MMHG: Final = 240.0
"""People outside this are redrawn: above it a study with a 250-mmHg ceiling would not admit them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PainCurve:
    """Rating as a power function of pressure above a threshold.

    ``p40_mmhg`` is the pressure rated 40; ``exponent`` the steepness; pain starts at
    ``threshold`` times P40 (assumed).
    """

    p40_mmhg: float
    exponent: float = 1.6
    threshold: float = 0.45

    def rating(self, pressure_mmhg: float) -> float:
        """Return the rating, 0 to 100, of a pressure."""
        zero_mmhg = self.threshold * self.p40_mmhg
        if pressure_mmhg <= zero_mmhg:
            return 0.0
        share = (pressure_mmhg - zero_mmhg) / (self.p40_mmhg - zero_mmhg)
        return min(100.0, 40.0 * math.pow(share, self.exponent))

    def pressure_mmhg(self, rating: float) -> float:
        """Return the pressure that is rated so; the inverse of `rating` above 0."""
        zero_mmhg = self.threshold * self.p40_mmhg
        share = math.pow(rating / 40.0, 1.0 / self.exponent)
        return zero_mmhg + share * (self.p40_mmhg - zero_mmhg)


def draw_curve(seed: int) -> PainCurve:
    """Return the curve of one person of the population; the same seed is the same person."""
    source = random.Random(seed)  # noqa: S311  not for secrets
    while True:
        p40_mmhg = MEDIAN_P40_MMHG * math.exp(source.gauss(0.0, SIGMA_LN_P40))
        if LOWEST_P40_MMHG <= p40_mmhg <= HIGHEST_P40_MMHG:
            return PainCurve(p40_mmhg=round(p40_mmhg, 1))


@dataclass(frozen=True, slots=True)
class Press:
    """A key goes down or up at a time."""

    time_s: float
    key: str
    down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingers:
    """The keys of the response device and how the slider answers them, in hundredths of a scale."""

    left: str
    right: str
    confirm: str
    step: int
    speed_per_s: float
    hold_after_s: float
    grip: str | None = None


@dataclass(slots=True)
class _Track:
    """A scale that is rated while the pressure is on: where its marker stands, and the next look at it."""

    position: int
    until_s: float
    look_s: float
    lowest: int
    highest: int


class EmulatedParticipant:
    """Feels the measured pressure, waits, moves the marker there, confirms.

    Parameters
    ----------
    curve
        What the person feels.
    seed
        Of the noise in ratings and reaction times.
    missing
        Share of ratings that are never confirmed.
    """

    NOISE: Final = 4.0
    """Standard deviation of one rating (assumed)."""

    REACTION_S: Final = 0.6
    """From a change that is felt to the key (assumed); longer than samples are gathered for."""

    def __init__(
        self, curve: PainCurve, fingers: Fingers, *, seed: int, missing: float = 0.0
    ) -> None:
        self.curve, self._fingers, self._missing = curve, fingers, missing
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self._felt: list[float] = []
        self._due: list[Press] = []
        self._track: _Track | None = None

    def feel(self, pressure_mmhg: float, time_s: float) -> None:
        """Feel one sample of pressure; where a scale is shown meanwhile, move its marker along."""
        if pressure_mmhg > 20.0:
            self._felt.append(pressure_mmhg)
        track = self._track
        if track is None or time_s < track.look_s:
            return
        begin_s = time_s + self.REACTION_S
        if begin_s > track.until_s:
            self._track = None
            return
        span = track.highest - track.lowest
        noise = self._random.gauss(0.0, self.NOISE / 2)
        wanted = min(100.0, max(0.0, self.curve.rating(pressure_mmhg) + noise))
        goal = track.lowest + round(wanted * span / 100)
        # a moving hand comes to rest before it looks again, and small differences are let be
        far = goal - track.position
        track.look_s = begin_s
        if abs(far) > span * self.NOISE / 100:
            end_s = self._move(far, begin_s, span)
            track.position, track.look_s = goal, end_s
            self._due.sort(key=lambda press: press.time_s)

    def hold_grip(self, time_s: float) -> None:
        """Take the grip, and hold it to the end."""
        if self._fingers.grip is not None:
            self._due.append(Press(time_s, self._fingers.grip, True))
            self._due.sort(key=lambda press: press.time_s)

    def stimulus_begins(self) -> None:
        """Forget the last stimulus."""
        self._felt.clear()
        self._track = None

    def see_scale_meanwhile(
        self, *, shown_s: float, start: int, slot_s: float, lowest: int, highest: int
    ) -> None:
        """Rate the pressure for as long as it lasts."""
        self._track = _Track(start, shown_s + slot_s - self.REACTION_S, shown_s, lowest, highest)

    def see_scale(
        self,
        *,
        shown_s: float,
        start: int,
        slot_s: float,
        unpleasantness: bool,
        lowest: int = 0,
        highest: int = 100,
    ) -> None:
        """Decide on a rating and plan the key presses for it."""
        self._track = None
        span = highest - lowest
        felt = sorted(self._felt)
        wanted = self.curve.rating(felt[len(felt) // 2]) if felt else 0.0
        wanted += self._random.gauss(-5.0 if unpleasantness else 0.0, self.NOISE)
        goal = lowest + round(min(100.0, max(0.0, wanted)) * span / 100)
        begin_s = shown_s + self._random.uniform(0.6, 1.4)
        end_s = self._move(goal - start, begin_s, span)
        confirm_s = end_s + self._random.uniform(0.2, 0.6)
        forgets = self._random.random() < self._missing
        if not forgets and confirm_s < shown_s + slot_s - 0.1:
            self._tap(self._fingers.confirm, confirm_s)
        self._due.sort(key=lambda press: press.time_s)

    def _move(self, distance: int, begin_s: float, span: int) -> float:
        f = self._fingers
        key = f.right if distance > 0 else f.left
        step, speed_per_s = max(1, round(f.step * span / 100)), f.speed_per_s * span / 100
        far = abs(distance)
        taps, now_s = far // step, begin_s
        if far > 3 * step:
            held_s = f.hold_after_s + (far - step) / speed_per_s
            self._due += [Press(now_s, key, True), Press(now_s + held_s, key, False)]
            return now_s + held_s
        for _ in range(taps):
            now_s = self._tap(key, now_s) + 0.12
        return now_s

    def _tap(self, key: str, time_s: float) -> float:
        self._due += [Press(time_s, key, True), Press(time_s + 0.06, key, False)]
        return time_s + 0.06

    def presses(self, now_s: float) -> list[Press]:
        """Return the presses up to now, oldest first."""
        done = [press for press in self._due if press.time_s <= now_s]
        self._due = self._due[len(done) :]
        return done

    def next_due_s(self) -> float | None:
        """Return when the next press comes."""
        return self._due[0].time_s if self._due else None
