"""Noise and bit errors on the wire of the real binary: no inflation unasked, none without a heartbeat.

Seconds here, minutes in ``benchmarks/firmware_noise.py``.
"""

import random

import cuff1_hands
import pytest
from conftest import Binaries
from noise_judge import Judge, flips, noise

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
def test_no_flip_of_two_bits_makes_a_command_of_a_frame(binaries: Binaries, name: str) -> None:
    hands = cuff1_hands.firmware(binaries.release)
    least = [field.least for field in table.COMMANDS[name]]
    frame = cuff1.encode_command(9, name, *least)
    hands.device.receive(b"".join(flips(frame, 2, random.Random(1), 300)))
    said = hands.run(1.2)
    assert len(said) > 100
    assert set(said) == {cuff1.Nak(0, 1, 0)}
