"""The self-test, the start, the EEPROM's records and the buzzer of the firmware's core, to their limits."""

import binascii
import ctypes
import itertools

import pytest
from core_bench import FED, SAFE, Core, both, faults

from hardware.codec import cuff1_table as table

TICK = table.TICK_MS
CLOSED, FIRST_ALONE, SECOND_ALONE = (1, 1, 0), (0, 1, 0), (1, 0, 0)
PUFF_DRIVE = table.SELFTEST_PUFF_TENTHS * table.DRIVE_MAX // table.FULL_SCALE_TENTHS
AGAINST_DRIVE = table.SELFTEST_AGAINST_TENTHS * table.DRIVE_MAX // table.FULL_SCALE_TENTHS
ZERO_TICKS = table.SELFTEST_ZERO_MS // TICK
CLOSED_TICKS = table.SELFTEST_CLOSED_MS // TICK
MEAN_TICKS = table.SELFTEST_MEAN_MS // TICK


def result(core: Core, said: list) -> list[str]:
    return [value for kind, value in core.events(said) if kind == "selftest"]


def begun(core: Core, *, zero: tuple[int, int] = (0, 0)) -> None:
    """Begin a self-test, and go on to the first path's puff."""
    closed(core, zero=zero)
    assert result(core, both(core, zero[0] + 60, zero[1] + 60, CLOSED_TICKS)) == []
    assert core.outputs.valves == FED


def closed(core: Core, *, zero: tuple[int, int] = (0, 0)) -> None:
    """Begin a self-test, and go on to where all is closed."""
    core.run(100)
    core.take("TEST")
    assert result(core, both(core, *zero, ZERO_TICKS)) == []
    assert core.outputs.valves == FED
    assert result(core, both(core, zero[0] + 60, zero[1] + 60, 1)) == []
    assert core.outputs.valves == CLOSED


def in_phase(core: Core, phase: str) -> None:
    """Go on to a phase, with pressures that pass."""
    begun(core)
    ways = {"first vent": 60, "second puff": 0, "second vent": 60}
    for name, tenths in ways.items():
        if phase == "first puff":
            return
        both(core, tenths, tenths, 1)
        if name == phase:
            return


# -- self-test


def test_a_self_test_tries_the_closed_cuff_and_each_path_alone(core: Core) -> None:
    core.run(100)
    core.take("TEST")
    seen, said = [], []
    for _ in range(1000):
        seen.append((core.outputs.valves, core.outputs.drive))
        said += core.run(TICK)
    assert [key for key, _ in itertools.groupby(seen)] == [
        (SAFE, 0),
        (FED, PUFF_DRIVE),
        (CLOSED, AGAINST_DRIVE),
        (FED, PUFF_DRIVE),
        (FIRST_ALONE, PUFF_DRIVE),
        (FED, PUFF_DRIVE),
        (SECOND_ALONE, PUFF_DRIVE),
        (SAFE, 0),
    ]
    assert result(core, said) == ["passed"]
    assert (core.state, core.status().has("selftest_passed")) == ("idle", True)


def test_a_new_self_test_voids_the_last(core: Core) -> None:
    assert core.self_test() == "passed"
    core.run(100)
    core.take("TEST")
    assert not core.status().has("selftest_passed")
    core.hear(table.VENT_BYTE)
    assert result(core, core.said()) == ["broken_off"]
    core.run(100)
    assert core.refused("ARM", 2500) == "untested"


def test_a_second_self_test_begins_from_its_beginning(core: Core) -> None:
    core.to("selftest")
    both(core, 20, 20, ZERO_TICKS - 1)
    core.hear(table.VENT_BYTE)
    core.at(0, 100)
    begun(core)
    assert result(core, both(core, 60, 60, 1)) == []
    assert core.outputs.valves == FIRST_ALONE


def test_a_fault_breaks_a_self_test_off(core: Core) -> None:
    core.to("selftest")
    core.run(300)
    core.air.loop_open = True
    assert core.events(core.run(TICK)) == [("selftest", "broken_off"), ("fault", "abort")]
    assert core.status().flags == 2 + 4


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("zero", "says"), [(30, []), (31, ["zero"]), (-30, []), (-31, ["zero"])])
def test_each_sensors_zero_has_a_limit(core: Core, which: int, zero: int, says: list[str]) -> None:
    core.run(100)
    core.take("TEST")
    pair = (zero, 10 if zero > 0 else -10)
    said = both(core, *(pair if which == 0 else pair[::-1]), ZERO_TICKS - 1)
    assert core.events(said) == []
    assert result(core, both(core, *(pair if which == 0 else pair[::-1]), 1)) == says
    assert core.fault == ("selftest" if says else "none")


@pytest.mark.parametrize(("zeros", "says"), [((15, -15), []), ((-15, 16), ["match"])])
def test_the_sensors_zeros_differ_within_a_limit(
    core: Core, zeros: tuple[int, int], says: list[str]
) -> None:
    core.run(100)
    core.take("TEST")
    assert result(core, both(core, *zeros, ZERO_TICKS)) == says


@pytest.mark.parametrize(("last", "says"), [(70, []), (69, ["zero"]), (30, ["zero"])])
def test_a_zero_is_a_mean_rounded_down(core: Core, last: int, says: list[str]) -> None:
    core.run(100)
    core.take("TEST")
    both(core, -31, 0, ZERO_TICKS - 3)
    both(core, -31 + 0, 0, 2)
    assert result(core, both(core, -101 + last, 0, 1)) == (["zero"] if last < 71 else [])
    core.boot()
    core.run(100)
    core.take("TEST")
    both(core, -30, 0, ZERO_TICKS - 1)
    assert result(core, both(core, -31 if says else -30, 0, 1)) == (["zero"] if says else [])
    core.boot()
    core.run(100)
    core.take("TEST")
    both(core, -30, 0, ZERO_TICKS - 1)
    assert result(core, both(core, -29, 0, 1)) == []


@pytest.mark.parametrize("zero", [(0, 0), (10, 10), (-20, -10)])
@pytest.mark.parametrize(
    ("change", "says"),
    [((10, 10), []), ((10, 11), ["shutoff"]), ((-20, -10), []), ((-15, -16), ["leak"])],
)
def test_the_closed_cuff_gains_1_mmhg_and_loses_1_5_at_most(
    core: Core, zero: tuple[int, int], change: tuple[int, int], says: list[str]
) -> None:
    closed(core, zero=zero)
    end = [at + 60 + by for at, by in zip(zero, change, strict=True)]
    assert result(core, both(core, *end, CLOSED_TICKS)) == says
    assert core.outputs.valves == (SAFE if says else FED)


def test_what_the_closed_cuff_has_lost_is_counted_from_the_puffs_end(core: Core) -> None:
    core.run(100)
    core.take("TEST")
    both(core, 0, 0, ZERO_TICKS)
    both(core, 88, 59, 20)
    both(core, 80, 60, 1)
    assert core.outputs.valves == CLOSED
    assert result(core, both(core, 50, 59, CLOSED_TICKS)) == ["leak"]
    core.boot()
    closed(core)
    both(core, 60, 60, 1)
    assert result(core, both(core, 44, 44, CLOSED_TICKS - 1)) == ["leak"]


def test_the_mean_of_the_closed_cuff_is_of_twenty_ticks(core: Core) -> None:
    closed(core)
    both(core, 60, 60, CLOSED_TICKS - MEAN_TICKS)
    both(core, 120, 120, 1)
    assert result(core, both(core, 68, 68, MEAN_TICKS - 1)) == ["shutoff"]
    core.boot()
    closed(core)
    both(core, 60, 60, CLOSED_TICKS - MEAN_TICKS - 1)
    both(core, 120, 120, 1)
    assert result(core, both(core, 68, 68, MEAN_TICKS)) == []


@pytest.mark.parametrize(("last", "says"), [(59, []), (60, ["shutoff"])])
def test_the_closed_cuff_is_judged_by_its_mean_over_the_last_100_ms(
    core: Core, last: int, says: list[str]
) -> None:
    closed(core)
    both(core, 140, 140, CLOSED_TICKS - MEAN_TICKS)  # a leg that moves
    both(core, 70, 70, MEAN_TICKS - 1)
    assert result(core, both(core, last + 10, 71, 1)) == says


@pytest.mark.parametrize("zero", [(0, 0), (10, 10), (-20, -10)])
def test_a_puff_is_taken_when_both_have_risen_by_6_mmhg(core: Core, zero: tuple[int, int]) -> None:
    begun(core, zero=zero)
    assert result(core, both(core, zero[0] + 59, zero[1] + 60, 3)) == []
    assert result(core, both(core, zero[0] + 60, zero[1] + 59, 3)) == []
    assert core.outputs.valves == FED
    both(core, zero[0] + 60, zero[1] + 60, 1)
    assert core.outputs.valves == FIRST_ALONE


@pytest.mark.parametrize("phase", ["first puff", "second puff"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_sensors_that_differ_in_a_puff_do_not_match(core: Core, phase: str, sign: int) -> None:
    for high, low, says in ((59, 20, []), (60, 30, []), (60, 29, ["match"]), (90, 59, ["match"])):
        core.boot()
        in_phase(core, phase)
        pair = (high, low) if sign > 0 else (low, high)
        assert result(core, both(core, *pair, 1)) == says


@pytest.mark.parametrize("phase", ["first puff", "second puff"])
def test_a_puff_that_does_not_come_is_no_rise(core: Core, phase: str) -> None:
    in_phase(core, phase)
    assert result(core, both(core, 59, 59, table.SELFTEST_PUFF_MS_MAX // TICK)) == []
    assert result(core, both(core, 59, 59, 1)) == ["no_rise"]


@pytest.mark.parametrize("phase", ["first vent", "second vent"])
def test_a_path_that_does_not_let_the_puff_out_is_named(core: Core, phase: str) -> None:
    in_phase(core, phase)
    assert core.outputs.valves == (FIRST_ALONE if phase == "first vent" else SECOND_ALONE)
    assert result(core, both(core, 30, 20, table.SELFTEST_VENT_MS_MAX // TICK)) == []
    assert result(core, both(core, 20, 30, 1)) == [phase.replace(" ", "_")]
    core.boot()
    in_phase(core, phase)
    both(core, 29, 29, 1)
    assert core.outputs.valves == (FED if phase == "first vent" else SAFE)


@pytest.mark.parametrize("stuck", ["first", "second"])
def test_a_stuck_path_is_found_whichever_it_is(core: Core, stuck: str) -> None:
    setattr(core.air, f"{stuck}_stuck", True)
    assert core.self_test() == f"{stuck}_vent"
    assert core.fault == "selftest"


@pytest.mark.parametrize("which", [(151, 0), (0, 151)])
@pytest.mark.parametrize("phase", ["zero", "closed", "first puff", "first vent", "second vent"])
def test_a_single_reading_above_15_mmhg_is_too_high(
    core: Core, phase: str, which: tuple[int, int]
) -> None:
    if phase == "zero":
        core.to("selftest")
    elif phase == "closed":
        closed(core)
    else:
        in_phase(core, phase)
    assert "too_high" not in result(core, both(core, *(min(w, 150) for w in which), 1))
    if core.state == "selftest":
        assert result(core, both(core, *which, 1)) == ["too_high"]


def test_a_self_test_that_takes_too_long_ends(core: Core) -> None:
    begun(core)
    slow = table.SELFTEST_PUFF_MS_MAX // TICK
    both(core, 59, 59, slow)
    both(core, 60, 60, 1)
    both(core, 40, 40, table.SELFTEST_VENT_MS_MAX // TICK)
    both(core, 0, 0, 1)
    both(core, 59, 59, slow)
    both(core, 60, 60, 1)
    left = (table.SELFTEST_MS_MAX - table.SELFTEST_VENT_MS_MAX) // TICK
    left -= ZERO_TICKS + 1 + CLOSED_TICKS + 2 * slow + 3
    assert result(core, both(core, 40, 40, left)) == []
    assert result(core, both(core, 40, 40, 1)) == ["too_long"]


def test_a_watchdog_that_did_not_bite_fails_every_self_test(core: Core) -> None:
    core.boot(proven=False)
    for _ in range(2):
        core.run(100)
        core.take("TEST")
        said = core.run(TICK)
        assert core.events(said) == [("selftest", "watchdog"), ("fault", "selftest")]
        core.take("CLEAR")
    assert core.refused("ARM", 2500) == "untested"


def test_a_self_test_whose_end_finds_the_heart_dead_does_not_pass_on(core: Core) -> None:
    in_phase(core, "second vent")
    core.heart()
    core.at(40, table.LEASE_MS - TICK, beating=False)
    said = core.at(40, TICK, beating=False)
    assert faults(core, said) == ["host_lost"]
    assert result(core, said) == ["broken_off"]


# -- start


class Memory(ctypes.Structure):
    _fields_ = [
        ("mark", ctypes.c_uint16),
        ("inverse", ctypes.c_uint16),
        ("reset", ctypes.c_uint8),
    ]


class Start(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint8) for name in ("action", "reset", "watchdog_proven")]

    @property
    def all(self) -> tuple[str, str, int]:
        return ("prove", "run")[self.action], table.RESETS[self.reset], self.watchdog_proven


POWER, PIN, BROWN, WATCHDOG = 1, 2, 4, 8


def decide(core: Core, flags: int, memory: Memory) -> tuple[str, str, int]:
    core.c.start_decide.restype = Start
    core.c.start_decide.argtypes = [ctypes.c_uint8, ctypes.POINTER(Memory)]
    return core.c.start_decide(flags, ctypes.byref(memory)).all


@pytest.mark.parametrize(
    ("flags", "reset"),
    [
        *((POWER, "power_on"), (PIN, "reset_pin"), (BROWN, "brown_out")),
        *((POWER | BROWN, "power_on"), (PIN | BROWN, "brown_out"), (POWER | PIN, "power_on")),
        *((POWER | WATCHDOG, "power_on"), (PIN | WATCHDOG, "reset_pin")),
    ],
)
@pytest.mark.parametrize("bootloader", [False, True])
def test_the_watchdog_is_proven_once_and_the_first_cause_told(
    core: Core, flags: int, reset: str, bootloader: bool
) -> None:
    memory = Memory(0xA5A5, 0x5A5A, 0)
    assert decide(core, flags, memory) == ("prove", reset, 0)
    assert decide(core, 0 if bootloader else WATCHDOG, memory) == ("run", reset, 1)
    assert decide(core, WATCHDOG, memory) == ("run", "watchdog", 1)  # nobody provoked this one


def test_a_bite_that_nobody_provoked_is_a_watchdog_reset(core: Core) -> None:
    assert decide(core, WATCHDOG, Memory(0x1234, 0x4321, 7)) == ("run", "watchdog", 1)


def test_a_bite_that_was_provoked_and_did_not_come_does_not_excuse_the_next(core: Core) -> None:
    memory = Memory()
    assert decide(core, POWER, memory) == ("prove", "power_on", 0)
    core.c.start_not_bitten.argtypes = [ctypes.POINTER(Memory)]
    core.c.start_not_bitten(ctypes.byref(memory))
    assert decide(core, WATCHDOG, memory) == ("run", "watchdog", 1)


def test_a_start_without_a_cause_is_the_worse_and_proves_nothing(core: Core) -> None:
    assert decide(core, 0, Memory(0, 0, 0)) == ("run", "watchdog", 0)


@pytest.mark.parametrize("spoilt", ["mark", "inverse", "reset"])
def test_a_memory_that_is_not_whole_is_none(core: Core, spoilt: str) -> None:
    memory = Memory()
    decide(core, POWER, memory)
    setattr(memory, spoilt, getattr(memory, spoilt) ^ 0xFF)
    assert decide(core, WATCHDOG, memory) == ("run", "watchdog", 1)


def test_a_memory_that_says_a_bite_was_provoked_by_a_bite_is_none(core: Core) -> None:
    memory = Memory()
    decide(core, POWER, memory)
    memory.reset = table.RESETS.index("watchdog")
    assert decide(core, 0, memory) == ("run", "watchdog", 0)


def test_a_memory_of_before_the_power_came_does_not_count(core: Core) -> None:
    memory = Memory()
    decide(core, PIN, memory)
    assert decide(core, POWER, memory) == ("prove", "power_on", 0)
    assert decide(core, WATCHDOG, memory) == ("run", "power_on", 1)


# -- EEPROM


def site(core: Core, record: bytes) -> int:
    core.c.board_read_site.restype = ctypes.c_uint16
    return int(core.c.board_read_site(record))


def written(core: Core, tenths: int) -> bytes:
    buffer = ctypes.create_string_buffer(5)
    core.c.board_write_site(tenths, buffer)
    return buffer.raw


@pytest.mark.parametrize("tenths", [150, 151, 255, 256, 2047, 2999, 3000])
def test_a_sites_ceiling_is_read_as_it_was_written(core: Core, tenths: int) -> None:
    record = written(core, tenths)
    assert record[:3] == bytes((0x5C, tenths & 0xFF, tenths >> 8))
    assert int.from_bytes(record[3:], "little") == binascii.crc_hqx(record[:3], 0xFFFF)
    assert site(core, record) == tenths


def test_a_new_chip_has_the_compiled_ceiling(core: Core) -> None:
    assert site(core, b"\xff" * 5) == table.CEILING_TENTHS
    assert site(core, b"\xff" * 8) == table.CEILING_TENTHS  # what lies behind it is not looked at


def test_a_damaged_record_gives_the_least_ceiling(core: Core) -> None:
    record = written(core, 2500)
    for bit in range(40):
        spoilt = bytearray(record)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert site(core, bytes(spoilt)) == table.EMPTY_TENTHS
    for byte in range(5):
        spoilt = bytearray(b"\xff" * 5)
        spoilt[byte] = 0xFE
        assert site(core, bytes(spoilt)) == table.EMPTY_TENTHS


@pytest.mark.parametrize("tenths", [0, 149, 3001, 65_535])
def test_a_ceiling_beyond_the_limits_is_the_least(core: Core, tenths: int) -> None:
    assert site(core, written(core, tenths)) == table.EMPTY_TENTHS


def test_a_record_with_another_mark_is_none(core: Core) -> None:
    body = b"\x5d" + (2500).to_bytes(2, "little")
    check = binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "little")
    assert site(core, body + check) == table.EMPTY_TENTHS


def words(core: Core, *parts: bytes, spoil: int = 0) -> tuple[bytes, ...]:
    body = b"".join(part.ljust(n, b"\0") for part, n in zip(parts, (16, 16, 10), strict=True))
    check = binascii.crc_hqx(body, 0xFFFF) ^ spoil
    return core.words(body + check.to_bytes(2, "little"))


def test_a_boards_words_are_read_as_they_were_written(core: Core) -> None:
    assert words(core, b"lab", b"S7", b"2026-01-02") == (b"lab", b"S7", b"2026-01-02")
    longest = (b"!" * 16, b"~" * 16, b"9" * 10)
    assert words(core, *longest) == longest


@pytest.mark.parametrize("spoil", [1, 0x100])
def test_words_with_a_wrong_check_are_none(core: Core, spoil: int) -> None:
    assert words(core, b"lab", b"S7", b"2026-01-02", spoil=spoil) == (b"none",) * 3


@pytest.mark.parametrize("bad", [b"", b"a b", b"\x7f", b"ab\x1f", b"\xff"])
def test_what_is_no_word_is_none_and_the_others_stay(core: Core, bad: bytes) -> None:
    assert words(core, b"lab", bad, b"2026-01-02") == (b"lab", b"none", b"2026-01-02")


# -- buzzer


@pytest.mark.parametrize(
    ("priority", "edges"),
    [
        (0, []),
        (1, [0, 200, 400, 600, 800, 1000, 2048, 2248, 2448, 2648, 2848, 3048]),
        (2, [n * 128 for n in range(32)]),
    ],
)
def test_each_priority_has_its_rhythm(core: Core, priority: int, edges: list[int]) -> None:
    core.c.buzzer_sounds.argtypes = [ctypes.c_uint8, ctypes.c_uint16]
    sounds = [int(core.c.buzzer_sounds(priority, ms)) for ms in range(4096)]
    assert [n for n in range(4096) if sounds[n] != (sounds[n - 1] if n else 0)] == edges
