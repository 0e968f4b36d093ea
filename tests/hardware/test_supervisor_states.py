"""Whatever anybody asks, whatever goes wrong, in any order: three promises about the pressure hold."""

import math

from bench import Bench
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hardware.fault_script import DEFAULT_AMOUNT, Fault, FaultKind
from hardware.limits import Limits
from hardware.readings import FaultReport

CEILING_MMHG, LONGEST_S, GAP_S = 180.0, 20.0, 30.0
LIMITS = Limits(ceiling_mmhg=CEILING_MMHG, inflation_s=LONGEST_S, gap_s=GAP_S)
number = st.floats(-5.0, 40.0) | st.sampled_from([math.nan, math.inf, -math.inf])
pressure = st.floats(-10.0, 400.0) | st.sampled_from([math.nan, math.inf, 180.0, 180.1])


class AnySequence(RuleBasedStateMachine):
    """Orders, time and trouble in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(limits=LIMITS)
        self.asked = 0

    @initialize(watch_s=st.floats(0.0, 25.0), inflations=st.integers(0, 2))
    def begin_like_a_run(self, watch_s: float, inflations: int) -> None:
        self.bench.arm()
        for _ in range(inflations):
            self.an_ordinary_inflation(0.5, 8.0, 150.0, watch_s)

    @rule(
        in_s=st.floats(0.05, 3.0),
        on_s=st.floats(0.5, 20.0),
        target_mmhg=st.floats(20.0, 180.0),
        watch_s=st.floats(0.0, 60.0),
    )
    def an_ordinary_inflation(
        self, in_s: float, on_s: float, target_mmhg: float, watch_s: float
    ) -> None:
        self.bench.alive = True
        self.bench.arm()
        self.load(in_s, on_s, target_mmhg)
        self.bench.run(in_s + watch_s)

    @rule()
    def arm(self) -> None:
        self.bench.arm()

    @rule(in_s=number, on_s=number, target_mmhg=pressure, rise_s=st.just(0.0) | number)
    def load(self, in_s: float, on_s: float, target_mmhg: float, rise_s: float = 0.0) -> None:
        self.asked += 1
        self.bench.load(
            self.bench.program(
                in_s=in_s,
                on_s=on_s,
                target_mmhg=target_mmhg,
                rise_s=rise_s,
                number=self.asked,
            )
        )

    @rule()
    def vent(self) -> None:
        self.bench.vent()

    @rule(seconds=st.floats(0.01, 12.0))
    def let_time_pass(self, seconds: float) -> None:
        self.bench.alive = True
        self.bench.run(seconds)

    @rule()
    def rest_long_enough(self) -> None:
        self.bench.alive = True
        self.bench.run(GAP_S + 1.0)

    @rule(seconds=st.floats(0.1, 3.0))
    def the_task_hangs(self, seconds: float) -> None:
        self.bench.alive = False
        self.bench.run(seconds)

    @rule(
        kind=st.sampled_from(
            [k for k in FaultKind if k not in (FaultKind.UNPLUG, FaultKind.RESET)]
        ),
        for_s=st.floats(0.05, 10.0),
        strength=st.floats(0.0, 1.0),
    )
    def something_goes_wrong(self, kind: FaultKind, for_s: float, strength: float) -> None:
        start_s = self.bench.now_s - 1000.0  # the bench is switched on at 1000 s
        amount = DEFAULT_AMOUNT.get(kind, 1.0) * strength
        fault = Fault(kind=kind, start_s=start_s, for_s=for_s, amount=amount)
        self.bench.troubled._faults = (*self.bench.troubled._faults, fault)

    @rule()
    def the_device_restarts(self) -> None:
        self.bench.device.restart()

    @precondition(lambda self: not self.bench.wire.cut)
    @rule()
    def the_wire_is_cut(self) -> None:
        self.bench.wire.cut = True

    @invariant()
    def nobody_is_pressed_harder_than_the_ceiling(self) -> None:
        # 4 % is the emulated regulator's own overshoot
        assert self.bench.device.pressure_mmhg <= CEILING_MMHG * 1.05

    @invariant()
    def the_valve_is_never_closed_longer_than_allowed(self) -> None:
        closed_s = None
        for time_s, what in self.bench.valve:
            if what == "valve closed":
                closed_s = time_s
            elif what == "valve open" and closed_s is not None:
                assert time_s - closed_s <= LONGEST_S + 0.02
                closed_s = None
        if closed_s is not None:
            assert self.bench.now_s - closed_s <= LONGEST_S + 0.02

    @invariant()
    def nothing_inflates_after_a_fault(self) -> None:
        faults = [r.time_s for r in self.bench.reports if isinstance(r, FaultReport)]
        if faults:
            later = [t for t, what in self.bench.valve if what == "valve closed" and t > faults[0]]
            assert later == []

    @invariant()
    def two_inflations_are_a_gap_apart(self) -> None:
        opened_s = None
        for time_s, what in self.bench.valve:
            if what == "valve closed" and opened_s is not None:
                assert time_s - opened_s >= GAP_S - 0.1
            elif what == "valve open":
                opened_s = time_s

    @invariant()
    def every_inflation_was_asked_for(self) -> None:
        closed = sum(what == "valve closed" for _, what in self.bench.valve)
        event(f"{min(closed, 3)} inflations so far")  # shown by --hypothesis-show-statistics
        assert closed <= self.asked


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)
