"""The promises of the device, kept by the real binary (``benchmarks/promises.py`` has distributions)."""

import shutil
import subprocess

import pytest
from cuff1_hands import Hands, firmware
from gates import Binaries
from promise_counts import STATES, Count, counts
from promise_trials import Bench, Firmwares, Promise, promises

from hardware.codec import cuff1_table as table
from hardware.sim.avr import VALVES

EVERY = list(promises())
COUNTED = list(counts())


@pytest.fixture
def firmwares(binaries: Binaries) -> Firmwares:
    return Firmwares(release=binaries.release, test=binaries.test)


@pytest.mark.parametrize("promise", EVERY, ids=lambda promise: f"{promise.number}: {promise.what}")
def test_a_promise_is_kept(firmwares: Firmwares, promise: Promise) -> None:
    for seed in range(2 if promise.limit_ms < 5000 else 1):
        took_ms = promise.trial(firmwares, seed)
        assert took_ms is not None
        assert took_ms <= promise.limit_ms


@pytest.mark.parametrize("count", COUNTED, ids=lambda count: f"{count.number}: {count.what}")
def test_what_is_counted_is_never_broken(firmwares: Firmwares, count: Count) -> None:
    first = COUNTED.index(count)  # so that each begins in another state
    for seed in (first, first + len(STATES) // 2):
        tried, broken = count.trial(firmwares, seed)
        assert tried > 0
        assert broken == []


@pytest.mark.parametrize("state", ["inflating", "hold"])
def test_a_fault_also_takes_the_supply_off(binaries: Binaries, state: str) -> None:
    with Bench(binaries.release, 1, state) as bench:
        assert bench.hands.device.board.regulator_mmhg > 0
        bench.hands.device.open_loop()
        bench.hands.run(0.02)
        assert not bench.hands.device.board.pins & VALVES
        assert bench.hands.device.board.regulator_mmhg == 0


@pytest.mark.parametrize(("site", "session"), [(3000, 1200), (1200, 1200), (1200, 1000)])
def test_the_smallest_of_three_limits_wins(binaries: Binaries, site: int, session: int) -> None:
    hands = firmware(binaries.release)
    hands.device.service_jumper = True
    hands.run(0.05)
    hands.take("SITE", site)
    hands.run(0.2)
    assert hands.self_test() == "passed"
    hands.until("idle")
    if site < table.CEILING_TENTHS:
        assert hands.refused("ARM", site + 1) == "out_of_limits"
    hands.take("ARM", session)
    for target in (session + 1, site + 1, table.CEILING_TENTHS):
        assert hands.refused("GO", min(target, table.CEILING_TENTHS), 900, 0) == "out_of_limits"
    hands.take("GO", session, 900, 0)
    hands.run(0.5)
    full_mmhg = table.FULL_SCALE_TENTHS / 10
    assert session / 10 - full_mmhg / table.DRIVE_MAX <= hands.device.board.regulator_mmhg
    assert hands.device.board.regulator_mmhg <= session / 10


@pytest.mark.parametrize("byte", range(5))
def test_a_damaged_site_ceiling_falls_to_the_least(binaries: Binaries, byte: int) -> None:
    hands = firmware(binaries.release)
    hands.device.service_jumper = True
    hands.run(0.05)
    hands.take("SITE", 2000)
    hands.run(0.2)
    board = hands.device.board
    spoilt = bytearray(board.read_eeprom(0, 5))
    spoilt[byte] ^= 0x10
    board.write_eeprom(bytes(spoilt), 0)
    hands.device.restart("power_on")
    hands.run(1.5)
    assert hands.say("ID").site_ceiling_tenths == table.EMPTY_TENTHS


@pytest.mark.parametrize("cause", ["power_on", "reset_pin", "brown_out"])
@pytest.mark.parametrize("fault", ["host_lost", "abort"])
def test_nothing_re_arms_by_itself_after_a_fault_and_a_restart(
    binaries: Binaries, fault: str, cause: str
) -> None:
    hands = firmware(binaries.release)
    hands.to("hold")
    if fault == "abort":
        hands.device.open_loop()
        hands.run(0.1)
        hands.device.close_loop()
    else:
        hands.run(0.6, beating=False)
    assert hands.fault == fault
    hands.device.restart(cause)
    hands.device.edges.clear()
    hands.run(4.0)
    assert not [edge for edge in hands.device.edges if edge.pins & VALVES]
    assert not hands.device.board.pins & VALVES
    assert hands.refused("GO", 1000, 1000, 0) == "wrong_state"
    assert hands.refused("ARM", 1000) == "untested"


def test_its_watchdog_was_seen_to_bite_before_it_takes_a_command(binaries: Binaries) -> None:
    hands = firmware(binaries.release)
    assert hands.device.board.resets == 1
    assert len(hands.boot) == 1


def test_a_board_that_is_switched_on_with_an_open_loop_is_in_fault(binaries: Binaries) -> None:
    hands = firmware(binaries.release)
    hands.device.open_loop()
    hands.device.restart("power_on")
    hands.run(1.5)
    assert (hands.state, hands.fault) == ("fault", "abort")


def test_the_release_has_no_test_command(binaries: Binaries) -> None:
    """By its answer, and by its bytes: the word is not in the image."""
    from hardware.codec import cuff1

    hands: Hands = firmware(binaries.release)
    assert hands.send(cuff1.frame(b"9 HANG")) == [cuff1.Nak(9, 2, 0)]
    assert b"HANG" not in binaries.release.read_bytes()
    assert b"HANG" in binaries.test.read_bytes()
    nm = shutil.which("avr-nm")
    assert nm is not None
    symbols = subprocess.run([nm, binaries.release], capture_output=True, text=True, check=True)
    assert "hal_hang" not in symbols.stdout
