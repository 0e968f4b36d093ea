"""Noise and bit errors on the wire of the real binary: no inflation unasked, none without a heartbeat.

Seconds here, minutes in ``benchmarks/firmware_noise.py``.
"""

import cuff1_hands
import pytest
from gates import Binaries
from noise_judge import Judge, flipped, noise

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import Board


def test_noise_closes_no_vent_path_for_longer_than_the_lease(binaries: Binaries) -> None:
    judge = noise(binaries.release, for_s=20.0, seed=9)
    assert judge.broken == []
    assert judge.closings >= 2  # it was under pressure, not merely deaf,
    assert judge.longest_s > 0.9 * table.LEASE_MS / 1000  # and its lease ran out


def test_the_judge_sees_a_closed_valve_without_a_heartbeat(binaries: Binaries) -> None:
    board = Board(binaries.release)
    judge = Judge(board)
    judge.rest(1.0)
    hands = cuff1_hands.firmware(binaries.release)
    hands.to("hold")
    judge.board = hands.device.board  # a board that is held under pressure by somebody else
    judge.rest(0.1)
    assert any("after a heartbeat" in what for what in judge.broken)
    assert any("without TEST" in what for what in judge.broken)


@pytest.mark.parametrize("name", ["GO", "ARM", "TEST", "HB"])
def test_every_command_with_turned_bits_is_refused_as_damaged(
    binaries: Binaries, name: str
) -> None:
    found = flipped(binaries.release, name, 150)
    assert found.wrong == []
    assert found.refused > 100


def after(binaries: Binaries, *words: bytes, wait_s: float = 0.0) -> list[str]:
    """Return what a judge has against a valve that closes after these words, at which nothing did."""
    board = cuff1_hands.firmware(binaries.release).device.board
    judge = Judge(board)
    judge.send(cuff1.encode_command(0, "HB", 1))
    for word in words:
        judge.rest(wait_s)
        judge.send(word)
    judge._see(True, board.time_s)
    return [what for what in judge.broken if "without" in what]


ARM, GO = cuff1.encode_command(1, "ARM", 2500), cuff1.encode_command(2, "GO", 1400, 900, 0)


def test_the_judge_lets_a_valve_close_after_arm_and_go(binaries: Binaries) -> None:
    assert after(binaries, ARM, GO) == []


@pytest.mark.parametrize("between", [b"!", b"\x18", cuff1.encode_command(3, "VENT")])
def test_the_judge_forgets_an_arm_before_a_vent(binaries: Binaries, between: bytes) -> None:
    assert after(binaries, ARM, between, GO) != []


def test_the_judge_forgets_an_arm_without_a_heartbeat(binaries: Binaries) -> None:
    assert after(binaries, ARM, GO, wait_s=0.6) != []
