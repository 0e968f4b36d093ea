"""Noise on the wire of the real binary, and a judge that believes nothing but bytes and pins.

The judge decodes by itself what was sent, and knows from that when the last new heartbeat, `TEST`, `ARM`
and `GO` went over the wire whole. An `ARM` counts until something that disarms went over it, or no new
heartbeat for the longest lease. It has two rules: no vent path closes without its command, and none
stays closed longer than the lease after the last heartbeat.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cuff1_hands

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import CLOSED, VALVES, Board

SLICE_S = 0.005
BYTES = int(SLICE_S * table.BAUD / 10)
"""What the wire brings in a slice: at full rate, and no queue."""
MARGIN_S = 0.02
"""A slice of the wire, a tick, and the moment between (the promise leaves 100 ms)."""
BOOT_S = 1.0
VENTS = table.VENT_BYTE + table.RESET_BYTE
ANSWER_S = 0.003
"""An answer to a damaged frame takes 1.6 ms on the wire, and begins at once."""
LONGEST_SILENCE_S = table.LEASE_MS / 1000 + MARGIN_S


def _words(source: random.Random, *, dead: bool) -> Iterator[bytes]:
    """Yield what somebody might send, most of it broken; ``dead``: nothing that is meant to be whole."""
    beat = 0
    while True:
        kind = source.uniform(0.0, 0.85 if dead else 1.0)
        if kind < 0.35:
            yield source.randbytes(source.randrange(1, 60))
            continue
        name = source.choice(list(table.COMMANDS))
        values = [
            source.choice((f.least, f.most, source.randint(f.least, f.most)))
            for f in table.COMMANDS[name]
        ]
        frame = bytearray(cuff1.encode_command(source.randrange(256), name, *values))
        if kind < 0.75:
            for _ in range(source.choice((1, 1, 2, 2, 3, 8))):
                frame[source.randrange(len(frame))] ^= 1 << source.randrange(8)
        elif kind < 0.85:
            del frame[source.randrange(len(frame)) :]
        elif kind < 0.9:
            frame = bytearray(source.choice((b"!", b"?", b"\x18", b"\n", b"$", b"$$", b"*")))
        elif kind < 0.97:
            beat = (beat + 1) % 256
            frame = bytearray(cuff1.encode_command(0, "HB", beat))
        yield bytes(frame)


def _sense(source: random.Random) -> Iterator[tuple[float, bytes]]:
    """Yield what brings it under pressure, with how long to wait: noise alone would never arm it."""
    beat = source.randrange(256)
    orders = [("TEST",), ("ARM", 2500), ("GO", source.randint(200, 2500), 60_000, 0)]
    waits = (0.3, 3.6, 0.1)
    sequence = source.randrange(1, 200)
    for wait_s, (name, *values) in zip(waits, orders, strict=True):
        for _ in range(round(wait_s / 0.1)):
            beat = (beat + 1) % 256
            yield 0.1, cuff1.encode_command(0, "HB", beat)
        sequence += 1
        yield 0.02, cuff1.encode_command(sequence, name, *[int(v) for v in values])
    for _ in range(source.randrange(3, 20)):
        beat = (beat + 1) % 256
        yield 0.1, cuff1.encode_command(0, "HB", beat)


@dataclass
class Judge:
    """Watches one board."""

    board: Board
    decoder: cuff1.CommandDecoder = field(default_factory=cuff1.CommandDecoder)
    beat: int | None = None
    beat_s: float = -1e9
    test_s: float = -1e9
    armed: bool = False
    go_s: float = -1e9
    closings: int = 0
    closed: bool = False
    longest_s: float = 0.0
    broken: list[str] = field(default_factory=list)

    def send(self, data: bytes) -> None:
        """Send bytes, a slice at a time, and look at the pins after each."""
        for at in range(0, max(1, len(data)), BYTES):
            part = data[at : at + BYTES]
            now_s = self.board.time_s
            for heard in self.decoder.receive(part):
                if isinstance(heard, cuff1.HostCommand):
                    self._hear(heard, now_s + SLICE_S)
                elif isinstance(heard, cuff1.RealTimeByte):
                    self.armed = self.armed and heard.byte not in VENTS
            self.board.write(part)
            self.rest(SLICE_S)

    def rest(self, for_s: float) -> None:
        """Let time pass, looking at the pins every slice."""
        for _ in range(max(1, round(for_s / SLICE_S))):
            self.board.run_until(self.board.time_s + SLICE_S)
            self.board.read()
            for edge in self.board.edges():
                self._see(bool(edge.pins & CLOSED), edge.time_s)
            self._see(bool(self.board.pins & CLOSED), self.board.time_s)

    def _hear(self, command: cuff1.HostCommand, at_s: float) -> None:
        self.armed = self.armed and at_s - self.beat_s <= LONGEST_SILENCE_S
        match command.name:
            case "HB" if command.arguments[0] != self.beat:
                self.beat, self.beat_s = command.arguments[0], at_s
            case "TEST":
                self.test_s = at_s
            case "ARM":
                self.armed = True
            case "VENT" | "DISARM":
                self.armed = False
            case "GO" if self.armed:
                self.go_s = at_s

    def _see(self, closed: bool, at_s: float) -> None:
        if closed:
            silent_s = at_s - self.beat_s
            self.longest_s = max(self.longest_s, silent_s)
            if silent_s > LONGEST_SILENCE_S:
                self.broken.append(f"closed at {at_s:.3f} s, {silent_s:.3f} s after a heartbeat")
        if closed and not self.closed:
            self.closings += 1
            tested = at_s - self.test_s < table.SELFTEST_MS_MAX / 1000 + MARGIN_S
            going = at_s - self.go_s < MARGIN_S
            if not (tested or going):
                self.broken.append(f"closed at {at_s:.3f} s without TEST or ARM and GO")
        self.closed = closed


def noise(binary: Path, *, for_s: float, seed: int) -> Judge:
    """Let noise and sense go over the wire of a fresh board for so long, of its own time."""
    source = random.Random(seed)
    board = Board(binary, seed=seed)
    judge = Judge(board)
    judge.rest(BOOT_S)
    end_s = board.time_s + for_s
    while board.time_s < end_s:
        if (
            source.random() < 0.5
        ):  # a fault is left by CLEAR alone: else all that follows is refused
            board.write(b"\x18")
            judge.rest(3.0)
            judge.send(cuff1.encode_command(250, "CLEAR"))
            for wait_s, frame in _sense(source):
                judge.send(frame)
                judge.rest(wait_s)
        # bytes that vent come soon in any noise: without them the lease alone is left
        dead = source.random() < 0.5
        words, stop_s, waiting = (
            _words(source, dead=dead),
            board.time_s + source.uniform(0.5, 4.0),
            b"",
        )
        while board.time_s < stop_s:
            while len(waiting) < BYTES:
                word = next(words)
                waiting += word.translate(None, VENTS) if dead else word
            judge.send(waiting[:BYTES])
            waiting = waiting[BYTES:]
    return judge


def flips(frame: bytes, bits: int, source: random.Random, most: int) -> Iterator[bytes]:
    """Yield a frame with one or two bits turned, at most so many; all of them if they are fewer.

    Between ``$`` and line feed. Left out are flips that make a byte that is a message of its own, or
    ends or begins a frame.
    """
    places = range(8, 8 * (len(frame) - 1))
    pairs = (
        [(a,) for a in places] if bits == 1 else [(a, b) for a in places for b in places if a < b]
    )
    for turned in pairs if len(pairs) <= most else source.sample(pairs, most):
        spoilt = bytearray(frame)
        for bit in turned:
            spoilt[bit // 8] ^= 1 << bit % 8
        if not {0x21, 0x3F, 0x18, 0x24, 0x0A} & set(spoilt[1:-1]):
            yield bytes(spoilt)


@dataclass
class Flipped:
    """What an armed board said to frames with turned bits."""

    refused: int = 0
    no_frame: int = 0
    wrong: list[str] = field(default_factory=list)


def flipped(binary: Path, name: str, most: int) -> Flipped:
    """Send every flip of one bit and of two bits of a command (at most so many of each) to an armed board.

    A frame whose bytes are all printable must be answered as damaged, once; any other is no frame and
    must not be answered. No valve moves, and the board stays armed. Each frame has left the wire before
    the next one goes.
    """
    hands = cuff1_hands.firmware(binary)
    hands.to("armed")
    driven = [edge for edge in hands.device.edges if edge.pins & VALVES]
    values = [each.least for each in table.COMMANDS[name]]
    frame = cuff1.encode_command(9, name, *values)
    damaged, source, found = (
        cuff1.Nak(0, 1, table.STATES.index("armed")),
        random.Random(0),
        Flipped(),
    )
    for bits in (1, 2):
        for spoilt in flips(frame, bits, source, most):
            hands.run(0.001)
            hands.device.receive(spoilt)
            said = hands.run(0.001)
            while hands.device.board.waiting:
                said += hands.run(0.001)
            said += hands.run(ANSWER_S)
            whole = all(0x20 <= value <= 0x7E for value in spoilt[1:-1])
            found.refused, found.no_frame = found.refused + whole, found.no_frame + (not whole)
            if said != [damaged] * whole:
                found.wrong.append(f"{spoilt!r}: {said}")
    if hands.state != "armed":
        found.wrong.append(f"ended in {hands.state}")
    if [edge for edge in hands.device.edges if edge.pins & VALVES] != driven:
        found.wrong.append("a valve was driven")
    hands.device.board.close()
    return found
