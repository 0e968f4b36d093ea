"""The thin layer between chip and core: what it keeps when clocks stop, bytes flood or are spoilt."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cuff1_hands import Hands, firmware
from gates import Binaries
from promise_trials import FINE_S, Bench

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import CLOCK_HZ, Board, LineError, Pin

ADCSRA, TCCR2B = 0x7A, 0xB1
"""ATmega328P, data addresses: 0 stops the converter, and the clock of the ticks."""
WATCHDOG_MS = 150.0
VENT_MS = 1.0
OVERPRESSURE_MS = 30.0
RING = 128
"""Bytes from the host that wait to be taken."""
BYTE_MS = 10_000 / table.BAUD
SHORT_S = 0.2
"""Shorter than the lease: only what was sent can have opened the valves."""
LITTLE = 600
"""Tenths of a mmHg."""
PING = cuff1.encode_command(9, "PING")
BYTES_THAT_VENT = [table.VENT_BYTE, table.RESET_BYTE]


@pytest.fixture
def bench(binaries: Binaries) -> Iterator[Bench]:
    with Bench(binaries.release, 1) as held:
        yield held


def closes_again(hands: Hands, since_s: float) -> list[str]:
    """Return what drove a valve after both paths had opened."""
    after = [edge for edge in hands.device.edges if edge.time_s >= since_s]
    opened = [edge.time_s for edge in after if edge.open]
    assert opened, "the paths did not open at all"
    return [
        f"{edge.pins!r} at {1000 * (edge.time_s - opened[0]):.1f} ms"
        for edge in after
        if edge.time_s > opened[0] and edge.pins & ~Pin.BUZZER
    ]


def address(binary: Path, name: str) -> int:
    """Return where a variable of the firmware is in the chip's memory."""
    nm = shutil.which("avr-nm")
    assert nm is not None
    said = subprocess.run([nm, str(binary)], capture_output=True, text=True, check=True).stdout
    (found,) = [line.split()[0] for line in said.splitlines() if line.split()[-1] == name]
    return int(found, 16) & 0xFFFF


# -- the watchdog


@pytest.mark.parametrize("register", [ADCSRA, TCCR2B], ids=["converter", "clock"])
def test_the_watchdog_bites_when_no_tick_is_judged_though_the_host_talks(
    bench: Bench, register: int
) -> None:
    board = bench.hands.device.board
    resets = board.resets
    board.poke(register, 0)
    took_ms = bench.opens(bench.now_s, 0.3)
    bench.hands.run(0.3)
    assert took_ms is not None
    assert took_ms <= WATCHDOG_MS
    assert board.resets == resets + 1
    assert bench.hands.fault == "wdt_reset"


@pytest.mark.parametrize(("ticks", "bites"), [(30, True), (15, False)])
def test_the_watchdog_bites_when_more_ticks_are_due_than_a_write_holds_up(
    binaries: Binaries, bench: Bench, ticks: int, bites: bool
) -> None:
    """So many at once, and no clock can be believed; after a write to the EEPROM some are to be caught up."""
    board = bench.hands.device.board
    resets = board.resets
    board.poke(address(binaries.release, "ticks_due"), ticks)
    took_ms = bench.opens(bench.now_s, 0.2)
    assert board.resets == resets + bites
    assert (took_ms is not None) == bites
    assert took_ms is None or took_ms <= WATCHDOG_MS


# -- a flood


def test_a_flood_of_bytes_keeps_no_tick_from_being_judged(bench: Bench) -> None:
    hands = bench.hands
    hands.device.receive(table.STATUS_BYTE * 3000)
    hands.run(0.05, beating=False)
    hands.trouble(off_mmhg=(60.0, 60.0))
    took_ms = bench.opens(bench.now_s, 0.1, beating=False)
    assert hands.device.board.waiting > 0  # it was a flood to the end
    assert took_ms is not None
    assert took_ms <= OVERPRESSURE_MS


@pytest.mark.parametrize("vents", BYTES_THAT_VENT, ids=["!", "0x18"])
def test_no_valve_closes_while_a_vent_byte_waits_behind_others(bench: Bench, vents: bytes) -> None:
    before = RING - 8
    since_s = bench.now_s
    bench.hands.device.receive(table.STATUS_BYTE * before + vents)
    bench.hands.run(SHORT_S, beating=False)
    took_ms = bench.opens(since_s, 0.0)
    assert took_ms is not None
    assert took_ms <= (before + 1) * BYTE_MS + VENT_MS
    assert closes_again(bench.hands, since_s) == []


def test_a_vent_byte_that_finds_no_room_is_not_forgotten(binaries: Binaries) -> None:
    """Under so little pressure that what escapes until the queue is worked off is no fault of its own."""
    lost_at = address(binaries.release, "vent_lost")
    hands = firmware(binaries.release)
    lost = 0
    for more in range(4):  # now and then there is just room
        hands.to("hold", target=LITTLE, on_ms=60_000)
        since_s = hands.now_s
        flood = table.STATUS_BYTE * (400 + more)
        hands.device.receive(flood + table.VENT_BYTE + table.STATUS_BYTE * 100)
        seen = 0
        for _ in range(round(SHORT_S / FINE_S)):
            hands.run(FINE_S, beating=False)
            seen |= hands.device.board.peek(lost_at)
        lost += seen
        assert closes_again(hands, since_s) == []
        assert hands.state == "venting"
        hands.until("idle")
    assert lost > 0


# -- bytes that were spoilt on the line


@pytest.mark.parametrize("error", LineError, ids=lambda error: error.name)
def test_a_frame_with_a_spoilt_byte_is_not_taken_though_it_reads_as_it_was_sent(
    bench: Bench, error: LineError
) -> None:
    hands = bench.hands
    for at in range(len(PING)):
        board = hands.device.board
        board.write(PING[:at])
        board.write(PING[at : at + 1], spoilt=error)
        board.write(PING[at + 1 :])
        assert not [r for r in hands.run(0.01) if isinstance(r, cuff1.Ack)], f"byte {at}"
    assert hands.state == "hold"
    assert isinstance(hands.say("PING"), cuff1.Ack)


@pytest.mark.parametrize("vents", BYTES_THAT_VENT, ids=["!", "0x18"])
@pytest.mark.parametrize("before", [0, RING - 8])
def test_a_spoilt_vent_byte_opens_the_valves_at_once_and_is_heard(
    binaries: Binaries, vents: bytes, before: int
) -> None:
    hands = firmware(binaries.release)
    for part, error in enumerate(LineError):
        hands.to("hold", target=LITTLE, on_ms=60_000)
        hands.run(part / len(LineError) * table.TICK_MS / 1000)  # not always just before a tick
        since_s = hands.now_s
        hands.device.board.write(table.STATUS_BYTE * before)
        hands.device.board.write(vents, spoilt=error)
        hands.run(SHORT_S)
        opened_s = next(e.time_s for e in hands.device.edges if e.time_s >= since_s and e.open)
        assert (opened_s - since_s) * 1000 <= (before + 1) * BYTE_MS + VENT_MS, error.name
        assert closes_again(hands, since_s) == [], error.name
        assert hands.state == "venting", error.name
        hands.until("idle")


# -- what it sends


def published(board: Board, binary: Path, for_s: float) -> bytes:
    """Step through every instruction and return each byte as it was when the queue first showed it."""
    head_at, queue_at = address(binary, "sent_head"), address(binary, "to_send")
    head, shown = board.peek(head_at), bytearray()
    end_s = board.time_s + for_s
    while board.time_s < end_s:
        board.run_until(board.time_s + 1 / CLOCK_HZ)
        while head != board.peek(head_at):
            shown.append(board.peek(queue_at + head))
            head = (head + 1) % 256
    return bytes(shown)


def test_a_byte_is_in_its_place_before_the_queue_shows_it(binaries: Binaries) -> None:
    """The interrupt sends what the queue shows, between any two instructions."""
    board = Board(binaries.release)
    board.run_until(1.0)
    board.read()
    board.write(PING)
    shown = published(board, binaries.release, 0.004)
    sent = board.read()
    decoder = cuff1.ReplyDecoder()
    decoder.receive(sent)
    assert list(decoder.replies()) == [cuff1.Ack(9, 0, 0)]
    assert shown == sent
