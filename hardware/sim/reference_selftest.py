"""The reference controller's self-test: the closed cuff keeps a puff, then each vent path lets one out.

Judged by the sensors alone, as firmware has to, and against `hardware.codec.cuff1_table`.
"""

import enum
from typing import Final

from hardware.codec import cuff1_table as table

GOES_ON: Final = 0
PASSED: Final = 1
ZERO, MATCH, NO_RISE, FIRST_VENT, SECOND_VENT, TOO_HIGH, TOO_LONG, BROKEN_OFF = range(2, 10)
SHUTOFF: Final = 11
LEAK: Final = 12
BOTH_PATHS: Final[tuple[int, ...]] = (1, 2)


class Phase(enum.Enum):
    """What the test does now, in this order."""

    ZERO = enum.auto()
    PUFF = enum.auto()
    CLOSED = enum.auto()
    FIRST_PUFF = enum.auto()
    FIRST_VENT = enum.auto()
    SECOND_PUFF = enum.auto()
    SECOND_VENT = enum.auto()


_NEXT: Final = dict(zip(list(Phase)[:-1], list(Phase)[1:], strict=True))
_PATHS: Final = {Phase.ZERO: BOTH_PATHS, Phase.FIRST_VENT: (1,), Phase.SECOND_VENT: (2,)}
_PUFFS: Final = (Phase.PUFF, Phase.FIRST_PUFF, Phase.SECOND_PUFF)


class SelfTest:
    """One self-test, from its beginning to a result."""

    def __init__(self) -> None:
        self._phase = Phase.ZERO
        self._phase_ms = self._ms = 0
        self._sums, self._count = [0, 0], 0
        self._kept = self._sum = self._ticks = 0

    @property
    def open_paths(self) -> tuple[int, ...]:
        """Return the vent paths that are open now; none during a puff, or while all is shut."""
        return _PATHS.get(self._phase, ())

    @property
    def feeds(self) -> bool:
        """Return whether the shut-off valve is open, so that the regulator reaches the cuff."""
        return self._phase in _PUFFS

    @property
    def target_tenths(self) -> int:
        """Return the regulator's target: also while a valve is tried, behind the shut-off valve."""
        if self._phase is Phase.ZERO:
            return 0
        closed = self._phase is Phase.CLOSED
        return table.SELFTEST_AGAINST_TENTHS if closed else table.SELFTEST_PUFF_TENTHS

    @property
    def phase_ms(self) -> int:
        """Return how long the present phase lasts already."""
        return self._phase_ms

    def judge(self, tick_ms: int, first: int, second: int) -> int:
        """Take what the sensors read after a tick; return `GOES_ON` or a result of ``SELFTEST``."""
        self._ms += tick_ms
        self._phase_ms += tick_ms
        if max(first, second) > table.SELFTEST_TENTHS_MAX:
            return TOO_HIGH
        if self._ms > table.SELFTEST_MS_MAX:
            return TOO_LONG
        if self._phase is Phase.ZERO:
            return self._judge_zero(first, second)
        risen = [reading - zero for reading, zero in zip((first, second), self._zeros, strict=True)]
        if self._phase is Phase.CLOSED:
            return self._judge_closed(sum(risen))
        if self._phase in _PUFFS:
            return self._judge_puff(risen)
        return self._judge_vent(risen)

    @property
    def _zeros(self) -> tuple[int, ...]:
        return tuple(total // self._count for total in self._sums)

    def _judge_zero(self, first: int, second: int) -> int:
        self._sums = [self._sums[0] + first, self._sums[1] + second]
        self._count += 1
        if self._phase_ms < table.SELFTEST_ZERO_MS:
            return GOES_ON
        zeros = self._zeros
        if max(abs(zero) for zero in zeros) > table.SELFTEST_ZERO_TENTHS:
            return ZERO
        if abs(zeros[0] - zeros[1]) > table.SELFTEST_MATCH_TENTHS:
            return MATCH
        return self._go_on()

    def _judge_closed(self, both: int) -> int:
        if self._phase_ms <= table.SELFTEST_CLOSED_MS - table.SELFTEST_MEAN_MS:
            return GOES_ON
        self._sum, self._ticks = self._sum + both, self._ticks + 1
        if self._phase_ms < table.SELFTEST_CLOSED_MS:
            return GOES_ON
        change = self._sum / self._ticks - self._kept
        if change > 2 * table.SELFTEST_GAINED_TENTHS:
            return SHUTOFF
        return LEAK if change < -2 * table.SELFTEST_LOST_TENTHS else self._go_on()

    def _judge_puff(self, risen: list[int]) -> int:
        if max(risen) >= table.SELFTEST_REACHED_TENTHS:
            if abs(risen[0] - risen[1]) > table.SELFTEST_MATCH_TENTHS:
                return MATCH
            self._kept = sum(risen)
            if min(risen) >= table.SELFTEST_REACHED_TENTHS:
                return self._go_on()
        return NO_RISE if self._phase_ms > table.SELFTEST_PUFF_MS_MAX else GOES_ON

    def _judge_vent(self, risen: list[int]) -> int:
        if max(risen) < table.SELFTEST_LEFT_TENTHS:
            return PASSED if self._phase is Phase.SECOND_VENT else self._go_on()
        if self._phase_ms <= table.SELFTEST_VENT_MS_MAX:
            return GOES_ON
        return FIRST_VENT if self._phase is Phase.FIRST_VENT else SECOND_VENT

    def _go_on(self) -> int:
        self._phase, self._phase_ms = _NEXT[self._phase], 0
        return GOES_ON
