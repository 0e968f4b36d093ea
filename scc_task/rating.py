"""One rating slot: key presses and time in, marker position, trace and outcome out. No screen, no clock."""

from dataclasses import dataclass
from typing import Final

from scc_task.responses import Action

TOO_SOON_S: Final = 0.2
"""Nobody answers a scale so soon after it appeared: to press at a mere flash takes 213 ms on average (Woods
et al. 2015, doi:10.3389/fnhum.2015.00131), and a scale has to be read (the limit itself is assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerMotion:
    """How the marker answers the keys.

    A press moves it by ``step`` at once; a key held longer than ``hold_after_s`` moves it on at
    ``speed_per_s``. Both in hundredths of the scale; a press moves by one whole number at least.
    """

    step: int = 1
    speed_per_s: float = 40.0
    hold_after_s: float = 0.25


class RatingSlot:
    """The marker of one scale, from the flip that shows it to the end of its fixed slot.

    Parameters
    ----------
    flip_s
        When the scale appeared.
    start
        Where the marker stands at first, ``lowest`` to ``highest``.
    confirms
        Whether the participant settles on a rating; if not, the marker stays free to the end.
    """

    def __init__(
        self,
        motion: MarkerMotion,
        *,
        flip_s: float,
        start: int,
        lowest: int = 0,
        highest: int = 100,
        confirms: bool = True,
    ) -> None:
        self.flip_s, self._confirms = flip_s, confirms
        self._lowest, self._highest, self._span = lowest, highest, highest - lowest
        self._step = max(1, round(motion.step * self._span / 100))
        self._speed_per_s = motion.speed_per_s * self._span / 100
        self._hold_after_s = motion.hold_after_s
        self._base = float(start)
        self._held: Action | None = None
        self._held_since_s = 0.0
        self._trace: list[tuple[float, int]] = [(0.0, start)]
        self.moved = False
        self.confirmed_s: float | None = None
        self._final: int | None = None

    def position(self, now_s: float) -> int:
        """Return where the marker stands."""
        if self._final is not None:
            return self._final
        return round(self._on_scale(self._base + self._glide(now_s)))

    def _on_scale(self, position: float) -> float:
        return min(float(self._highest), max(float(self._lowest), position))

    def _glide(self, now_s: float) -> float:
        if self._held is None:
            return 0.0
        glided_s = max(0.0, now_s - self._held_since_s - self._hold_after_s)
        way = glided_s * self._speed_per_s
        return way if self._held is Action.RIGHT else -way

    def too_soon(self, action: Action, *, down: bool, time_s: float) -> bool:
        """Return whether it is a confirmation that cannot be meant for this scale."""
        confirmation = action is Action.CONFIRM and down and self._confirms
        return confirmation and time_s - self.flip_s < TOO_SOON_S

    def key(self, action: Action, *, down: bool, time_s: float) -> None:
        """Take a key.

        Presses from before the scale appeared, and after the confirmation, do nothing, nor does a
        confirmation within `TOO_SOON_S` of the flip: it was meant for the scale before.
        """
        if self._final is not None or time_s < self.flip_s:
            return
        if self.too_soon(action, down=down, time_s=time_s):
            return
        if action is Action.CONFIRM:
            if down and self._confirms:
                self._settle(time_s)
                self._final = round(self._base)
                self.confirmed_s = time_s
        elif action in (Action.LEFT, Action.RIGHT):
            self._settle(time_s)
            if down:
                step = self._step if action is Action.RIGHT else -self._step
                self._base = self._on_scale(self._base + step)
                self._held, self._held_since_s = action, time_s
                self.moved = True
            elif action is self._held:
                self._held = None
        self.sample(time_s)

    def point(self, part: float, time_s: float) -> None:
        """Take the way of a mouse or a trackball, as a part of the scale's length."""
        if self._final is not None or time_s < self.flip_s:
            return
        self._settle(time_s)
        self._base = self._on_scale(self._base + part * self._span)
        self.moved = True
        self.sample(time_s)

    def _settle(self, now_s: float) -> None:
        """Turn what was glided into position, so that the next key starts from there."""
        self._base = self._on_scale(self._base + self._glide(now_s))
        self._held_since_s = max(self._held_since_s, now_s - self._hold_after_s)

    def sample(self, now_s: float) -> int:
        """Note the position in the trace if it changed, and return it."""
        position = self.position(now_s)
        time_s = round(now_s - self.flip_s, 4)
        if position != self._trace[-1][1] and time_s >= self._trace[-1][0]:
            self._trace.append((time_s, position))
        return position

    @property
    def trace(self) -> tuple[tuple[float, int], ...]:
        """Return (seconds since the flip, position) at the start and at each change."""
        return tuple(self._trace)

    @property
    def rating(self) -> int | None:
        """Return the confirmed rating; ``None`` as long as it is not confirmed."""
        return self._final

    @property
    def response_time_s(self) -> float | None:
        """Return the time from the flip to the confirmation."""
        return None if self.confirmed_s is None else self.confirmed_s - self.flip_s
