"""What a procedure and whoever inflates the cuff say to each other: requests, outcomes, the end."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Phase = Literal[
    "familiarise",
    "coarse",
    "fine",
    "threshold",
    "staircase",
    "scaling",
    "regression",
    "fixed",
    "confirm",
    "check",
    "resume",
    "repeat",
]

NOT_USED: Final[frozenset[Phase]] = frozenset({"familiarise", "resume"})
"""What the estimate leaves out: inflations to get used to the cuff, or used to it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One inflation that the procedure asks for.

    Attributes
    ----------
    pressure_mmhg, hold_s
        Gauge pressure, and seconds from the command to the vent.
    phase
        Which part of the procedure it belongs to.
    why
        For the operator, one sentence.
    needs_yes
        The operator must agree before anything inflates: the pressure is above the soft cap, or
        it is higher than one that nobody rated.
    """

    pressure_mmhg: float
    phase: Phase
    hold_s: float
    why: str
    needs_yes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request.

    Attributes
    ----------
    rating
        0 to 100; ``None`` when it was not confirmed in time.
    tolerated
        The whole hold was given and borne.
    stopped
        The participant stopped it.
    operator_said_yes
        The answer where the request needs one, else ``None``. After a "no" nothing was inflated.
    cut
        Why the run ended (a `hardware.states.StopReason`) before this inflation was rated, if that is so
        and the participant did not stop the inflation itself. Nobody knows how it would have been rated.
    """

    request: Request
    rating: float | None
    tolerated: bool = True
    stopped: bool = False
    operator_said_yes: bool | None = None
    cut: str | None = None

    @property
    def given(self) -> bool:
        """Whether the cuff was inflated."""
        return self.operator_said_yes is not False

    @property
    def borne(self) -> bool:
        """Whether the cuff was inflated and the person bore it to the end."""
        return self.given and self.tolerated and not self.stopped

    @property
    def turned_down(self) -> bool:
        """Whether the person did not bear it, or the operator would not have it given.

        What others cut short says nothing of that.
        """
        return not self.borne and self.cut is None


class End(enum.StrEnum):
    """Why a procedure ended."""

    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    INSUFFICIENT_PAIN = "insufficient pain at cap"
    NOT_CONFIRMED = "not confirmed"
    NO_RATING = "no rating"
    STOPPED = "stopped by the participant"
    TOO_MANY = "too many inflations"
    NOTHING_ALLOWED = "no pressure left that may be given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The procedure is over.

    Attributes
    ----------
    good
        The estimate may be judged; otherwise the calibration is refused for this reason.
    why, do
        For the operator: what happened, and what to do.
    confirmed_mmhg
        The pressure that was confirmed, if one was.
    """

    end: End
    good: bool
    why: str
    do: str
    confirmed_mmhg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMuchBefore:
    """What is known from other runs of the session.

    ``mmhg``: the lowest pressure that was too much; 0 where the record does not say which. ``words``: for the
    operator. ``since``: how many outcomes there were when it was learnt; what was borne before is none.
    """

    mmhg: float
    words: str
    since: int = 0


class Procedure(Protocol):
    """A calibration that asks for one inflation at a time."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what it was told, oldest first."""

    def next(self) -> Request | Finished:
        """Return the next inflation, or the end; the same until `tell`."""

    def tell(self, outcome: Outcome) -> None:
        """Take in what came of the request that `next` returned."""

    def know(self, before: Sequence[TooMuchBefore]) -> None:
        """Take in what was too much in other runs of the session: from there on the operator is asked."""

    def warm_up(self) -> None:
        """Let `next` ask for the last rated pressure, lowered to what is allowed, before it goes on.

        Nothing changes where nothing was rated, nothing is allowed, or the procedure has ended.
        """

    def may_repeat(self, pressure_mmhg: float) -> bool:
        """Return whether a pressure may be given once more, now that the procedure has ended."""

    def again(self, pressure_mmhg: float) -> None:
        """Let `next` ask for a pressure once more, which `may_repeat` allows."""
