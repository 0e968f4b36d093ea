"""The measures of the promises: what counts as opened in time, and what as having come back."""

import promise_trials
import pytest
from gates import Binaries
from promise_counts import came_back
from promise_trials import Bench, Firmwares

from hardware.sim.avr import VALVES, Pin, Restart

PORTB = 0x25
"""ATmega328P, data address: the valves. The firmware sets them anew with its next tick."""
DRIFT = "the sensors 20 mmHg apart, a slow drift"


def test_paths_that_are_open_already_do_not_count_as_opened_when_the_buzzer_sounds(
    binaries: Binaries,
) -> None:
    with Bench(binaries.release, 1) as bench:
        bench.hands.device.open_loop()
        bench.hands.run(0.3)
        since_s = bench.now_s
        assert bench.opens(since_s, 1.0) is None
        beeps = [edge for edge in bench.hands.device.edges if edge.time_s > since_s]
        assert beeps
        assert not any(edge.pins & VALVES for edge in beeps)


def test_an_opening_is_measured_also_when_it_is_asked_for_late(binaries: Binaries) -> None:
    with Bench(binaries.release, 1) as bench:
        since_s = bench.now_s
        bench.hands.device.open_loop()
        took_ms = bench.opens(since_s, 0.1)
        bench.hands.run(1.0)
        assert took_ms is not None
        assert bench.opens(since_s, 0.0) == took_ms


def test_what_opens_only_after_it_has_closed_is_asked_for_so(binaries: Binaries) -> None:
    with Bench(binaries.release, 1, "armed") as bench:
        since_s = bench.now_s
        bench.hands.take("GO", 1000, 500, 0)
        bench.hands.run(1.0)
        assert bench.opens(since_s, 0.0) is None
        took_ms = bench.opens(since_s, 0.0, closing=True)
        assert took_ms is not None
        assert 450 <= took_ms <= 600


@pytest.mark.parametrize("seed", range(4))
def test_a_drift_is_measured_from_its_limit_on(binaries: Binaries, seed: int) -> None:
    """About twenty samples beyond it, some of which noise moves to this side or that."""
    (drift,) = [each for each in promise_trials.promises() if each.what == DRIFT]
    took_ms = drift.trial(Firmwares(binaries.release, binaries.test), seed)
    assert took_ms is not None
    assert 50 <= took_ms <= drift.limit_ms


@pytest.mark.parametrize("valve", [Pin.DUMP, Pin.SUPPLY, Pin.SHUTOFF])
def test_a_single_valve_that_moves_after_a_restart_is_told(binaries: Binaries, valve: Pin) -> None:
    with Bench(binaries.release, 1, "idle") as bench:
        since_s = bench.now_s
        bench.hands.device.board.restart(Restart.BROWN_OUT)
        bench.hands.run(1.5)
        bench.hands.device.board.poke(PORTB, valve)
        (told,) = came_back(bench.hands, since_s)
        assert f"{valve!r} driven at" in told


def test_a_valve_that_never_let_go_is_told(binaries: Binaries) -> None:
    with Bench(binaries.release, 1) as bench:
        told = came_back(bench.hands, bench.now_s)
        assert any("driven still" in what for what in told)
