"""The reference controller's real binary on two simulators that share no code, side by side.

``benchmarks/second_simulator.py [--trials 5] [--only TEXT | --all] [--firmware FOLDER]``: switching on, the
words, the self-test, and how soon both vent paths open, each on simavr, as in the tests, and on yasimavr
(``second_board.py``), which is no part of the tests' set-up: to install it compiles for two minutes. The
trials are those of ``benchmarks/promises.py``; ``--all`` takes every one of the device, ``--only`` the rows
with that text. Exit code 1: a limit was passed, or the two did not say the same.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from measure import ROOT, quantiles

sys.path.insert(0, str(ROOT / "tests" / "firmware"))

import promise_trials as trials
import second_board
from cuff1_hands import is_event

import hardware.sim.firmware
from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import BUILD, VALVES, Board, require
from hardware.sim.firmware import FirmwareCuff
from hardware.sim.plant import Plant

SIMULATORS: dict[str, Callable[..., Any]] = {
    "simavr": Board,
    "yasimavr": second_board.SecondBoard,
}
SHORT = (
    f"no heartbeat any more, lease {table.LEASE_MS} ms",
    "the firmware hangs, interrupts off; then `wdt_reset` stays",
    "`!`",
    "over-pressure on both sensors, a step",
    "a sensor's wire open",
    "abort loop opens in hold; needs `CLEAR`",
)
VALUES = {"boot": table.RESETS, "fault": table.FAULTS, "selftest": table.SELFTEST_NAMES}
LINE_S = 0.5
"""Longest wait for a line; the longest is that of the boot, after the watchdog's bite."""
LAST_WORD_S = 0.05
COLUMNS = (
    "| what | limit ms | n | simavr: min | median | max | yasimavr: min | median | max | said, on both |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


class Heard:
    """A board that keeps the words of what it says unasked, from one to the next."""

    def __init__(self, board: Any, words: list[str]) -> None:
        self._board, self._words = board, words
        self._decoder = cuff1.ReplyDecoder()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._board, name)

    def read(self) -> bytes:
        """Return what the chip has sent."""
        said = bytes(self._board.read())
        self._decoder.receive(said)
        for reply in self._decoder.replies():
            if isinstance(reply, cuff1.DeviceEvent):
                name = table.EVENTS[reply.event]
                self._words.append(f"{name} {VALUES[name][reply.value]}")
        return said

    def close(self) -> None:
        """Let it finish what it says, and free it."""
        self._board.run_until(self._board.time_s + LAST_WORD_S)
        self.read()
        self._board.close()


@dataclass(frozen=True)
class Row:
    """What is timed, its limit if one is promised, and a trial that returns milliseconds."""

    what: str
    limit_ms: float | None
    trial: trials.Trial


def line(board: Any, said_to_it: bytes = b"") -> bytes:
    """Return the next line of a board, to a tenth of a millisecond."""
    board.write(said_to_it)
    said, end_s = b"", board.time_s + LINE_S
    while not said.endswith(b"\n") and board.time_s < end_s:
        board.run_until(board.time_s + trials.FINE_S / 10)
        said += board.read()
    return said


def cuff(binary: Path, seed: int) -> FirmwareCuff:
    """Return a controller that has just been switched on."""
    return FirmwareCuff(Plant(seed=seed), start_s=0.0, witness=None, binary=binary, seed=seed)


def boot(binaries: trials.Firmwares, seed: int) -> float | None:
    """To the end of its first line; no pin may move, and the watchdog must have bitten once."""
    board = cuff(binaries.release, seed).board
    said, took_s = line(board), board.time_s
    moved = [edge for edge in board.edges() if edge.pins & VALVES]
    proven = said.startswith(b"$E") and board.resets == 1 and not moved
    return took_s * 1000 if proven else None


def ping(binaries: trials.Firmwares, seed: int) -> float | None:
    """From the first bit of the question to the answer."""
    with trials.Bench(binaries.release, seed, "idle") as bench:
        board = bench.hands.device.board
        since_s = board.time_s
        answered = line(board, cuff1.encode_command(7, "PING")).startswith(b"$A 7 ")
        return (board.time_s - since_s) * 1000 if answered else None


def self_test(binaries: trials.Firmwares, seed: int) -> float | None:
    """From the command to its result, which must be that it has passed; in steps of 10 ms."""
    with trials.Bench(binaries.release, seed, "idle") as bench:
        since_s = bench.now_s
        bench.hands.take("TEST")
        said = bench.hands.run(
            table.SELFTEST_MS_MAX / 1000, until=lambda r: is_event(r, "selftest")
        )
        passed = any(is_event(r, "selftest") and getattr(r, "value", 0) == 1 for r in said)
        return (bench.now_s - since_s) * 1000 if passed else None


def closes(binaries: trials.Firmwares, seed: int) -> float | None:
    """From GO, armed, to both paths closed."""
    with trials.Bench(binaries.release, seed, "armed") as bench:
        since_s = bench.now_s
        bench.hands.take("GO", trials.TARGET, 10_000, 0)
        edges = bench.hands.device.edges
        return next(
            ((e.time_s - since_s) * 1000 for e in edges if e.time_s > since_s and e.closed), None
        )


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """Yield what is asked for."""
    promises = [
        Row(p.what, p.limit_ms, p.trial)
        for p in trials.promises()
        if options.all or options.only or p.what in SHORT
    ]
    first = [
        Row("switched on, the watchdog provoked: boot told", None, boot),
        Row("`PING` answered", None, ping),
        Row("`TEST` passed", table.SELFTEST_MS_MAX, self_test),
        Row("armed, `GO`: both paths closed", None, closes),
    ]
    yield from (each for each in first + promises if options.only in each.what)


def on(simulator: str, words: list[str]) -> Any:
    """Return a context in which every controller is on this simulator."""

    def board(binary: Path, *, seed: int = 0) -> Heard:
        return Heard(SIMULATORS[simulator](binary, seed=seed), words)

    return mock.patch.object(hardware.sim.firmware, "Board", board)


def measured(row: Row, binaries: trials.Firmwares, number: int) -> tuple[str, bool]:
    """Return a line of the table, and whether all was well."""
    figures, said, well = [], [], True
    for simulator in SIMULATORS:
        values: list[float] = []
        said.append(set[str]())
        for seed in range(number):
            words: list[str] = []
            with on(simulator, words):
                took_ms = row.trial(binaries, seed)
            said[-1].add(", ".join(words))
            if took_ms is not None:
                values.append(took_ms)
        q = quantiles(values) if values else {}
        figures += [f"{q[key]:.1f}" if q else "-" for key in ("min", "median", "max")]
        well &= len(values) == number
        well &= row.limit_ms is None or all(value <= row.limit_ms for value in values)
    same = said[0] == said[1]
    told = "; ".join(sorted(said[0])) if same else f"NOT THE SAME: {said[0]} and {said[1]}"
    limit = "-" if row.limit_ms is None else f"{row.limit_ms:g}"
    return f"| {row.what} | {limit} | {number} | {' | '.join(figures)} | {told} |", well and same


def main() -> None:
    """Ask both who they are, measure, print, and say by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--firmware", type=Path, default=BUILD, help="folder of the ELF files")
    options = parser.parse_args()
    folder = options.firmware
    binaries = trials.Firmwares(folder / "cuff_release.elf", folder / "cuff_test.elf")
    for binary in (binaries.release, binaries.test):
        require(binary)
    second_board.yasimavr()
    answers = []
    for simulator in SIMULATORS:
        with on(simulator, []):
            device = cuff(binaries.release, 0)
        line(device.board)
        answers.append(line(device.board, cuff1.encode_command(1, "ID")))
    firmware_hash = answers[0].split()[7].decode() if answers[0].startswith(b"$I") else "?"
    same = answers[0] == answers[1]
    print(f"firmware {firmware_hash}; `ID` byte for byte the same: {'yes' if same else answers}")
    print(COLUMNS, flush=True)
    well = same
    for row in rows(options):
        text, kept = measured(row, binaries, options.trials)
        print(text, flush=True)
        well &= kept
    sys.exit(not well)


if __name__ == "__main__":
    main()
