"""The doctor at the scanner: what pulses are called, from their times and from real wires."""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from hardware.clock import RealClock, VirtualClock
from hardware.readings import Identity
from hardware.triggers import Stamps
from scc_task.cli_doctor_scanner import wish_of
from scc_task.doctor import scanner as doctors_scanner
from scc_task.doctor.due import warning
from scc_task.doctor.pulse_train import read_train
from scc_task.doctor.results import Result, Verdict, failed
from scc_task.doctor.scanner import examine_scanner, listen
from scc_task.doctor.scanner_verdict import Heard, conclude, judge_pulses, judge_timing
from scc_task.doctor.store import append_record, make_record, store_path
from scc_task.emulated import EmulatorProcess
from scc_task.errors import UsageInvalid
from scc_task.ports import KeyEvent
from scc_task.present.key_pulses import KeyPulses
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig_scanner import ScannerRig

ROOT = Path(__file__).resolve().parents[3]
SERIAL = ScannerRig(trigger="serial", port="COM4", byte="5")
LINE = ScannerRig(trigger="modem_line", port="COM4", line="cts")
KEYS = ScannerRig(trigger="keyboard", key="t")
STAMPS = Stamps(made="by a test", uncertainty_ms=0.5, because="it says so")


def train(count: int = 20, *, tr_s: float = 0.5, jitter_s: float = 0.0005) -> list[float]:
    chance = random.Random(7)
    return [1000.0 + n * tr_s + chance.gauss(0.0, jitter_s) for n in range(count)]


def word(
    times_s: Sequence[float],
    *,
    tr_s: float | None = 0.5,
    rig: ScannerRig = SERIAL,
    strangers: dict[str, int] | None = None,
    problem: str | None = None,
) -> Result:
    heard = Heard(
        times_s=sorted(times_s), listened_s=30.0, strangers=strangers or {}, problem=problem
    )
    return judge_pulses(heard, rig, tr_s)


def state(*arguments: object, **options: object) -> tuple[object, Verdict]:
    result = word(*arguments, **options)  # type: ignore[arg-type]
    return result.figures["state"], result.verdict


def test_even_pulses_at_the_right_tr_are_healthy() -> None:
    assert state(train()) == ("healthy", Verdict.OK)
    assert "0.5" in word(train()).seen


def test_without_a_tr_to_compare_the_doctor_says_so() -> None:
    result = word(train(), tr_s=None)
    assert result.verdict is Verdict.OK
    assert "--protocol" in result.seen


def test_nothing_at_all_is_silent_and_says_where_to_look() -> None:
    assert state([]) == ("silent", Verdict.FAIL)
    assert "COM4" in word([]).do
    assert "line: cts" in word([], rig=LINE).do
    assert "key: t" in word([], rig=KEYS).do


def test_a_pulse_after_each_pulse_is_double_pulsing_and_its_tr_is_still_right() -> None:
    times = [t + extra for t in train() for extra in (0.0, 0.012)]
    result = word(times)
    assert (result.figures["state"], result.verdict) == ("double-pulsing", Verdict.FAIL)
    assert result.figures["doubled"] == 20
    assert result.figures["missed"] == 0
    assert result.figures["tr_s"] == pytest.approx(0.5, abs=0.001)
    assert "12 ms" in result.seen
    assert "'edge'" in word(times, rig=LINE).do


def test_a_few_doubles_are_bounces_and_no_reason_to_stop() -> None:
    times = train()
    assert state([*times, times[4] + 0.008, times[11] + 0.02]) == ("bouncing", Verdict.WARN)


@pytest.mark.parametrize(
    ("tr_s", "why"), [(0.51, ""), (0.4985, ""), (1.0, "for 2 volumes"), (0.25, "2 pulses for each")]
)
def test_another_tr_than_asked_is_wrong_and_shows_how(tr_s: float, why: str) -> None:
    result = word(train(tr_s=tr_s))
    assert (result.figures["state"], result.verdict) == ("wrong TR", Verdict.FAIL)
    assert why in result.seen
    assert result.figures["asked_tr_s"] == 0.5


def test_a_clock_that_is_a_little_off_and_jitter_are_no_wrong_tr() -> None:
    assert state(train(tr_s=0.5 * 1.0002))[0] == "healthy"
    assert state(train(jitter_s=0.006))[0] == "healthy"


def test_missed_and_extra_pulses_are_counted() -> None:
    times = train(30)
    del times[7], times[15:17]
    result = word(times)
    assert (result.figures["state"], result.verdict) == ("irregular", Verdict.WARN)
    assert (result.figures["missed"], result.figures["extra"]) == (3, 0)
    result = word([*train(30), 1000.0 + 5.25])
    assert (result.figures["missed"], result.figures["extra"]) == (0, 1)
    result = word(train(40)[:10] + train(40)[20:])
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize("late", [0.05, 0.15, 0.3, 0.45])
@pytest.mark.parametrize("which", [0, 7, 19])
def test_a_late_stamp_is_the_computers_fault_and_no_missed_and_extra_pulse(
    late: float, which: int
) -> None:
    times = train()
    times[which] += late * 0.5
    result = word(times)
    assert (result.figures["state"], result.verdict) == ("late stamps", Verdict.WARN)
    assert "this computer was late" in result.seen
    assert f"{late * 500:.0f} ms" in result.seen
    figures = result.figures
    assert (figures["late"], figures["missed"], figures["extra"]) == (1, 0, 0)


def test_a_stranger_byte_and_a_wrong_key_are_named() -> None:
    result = word([], strangers={"'s' (0x73)": 12, "0x00": 1})
    assert (result.figures["state"], result.verdict) == ("stranger", Verdict.FAIL)
    assert "12 x 's' (0x73)" in result.seen
    assert "byte '5'" in result.seen
    result = word([], rig=KEYS, strangers={"key '5'": 9})
    assert (result.figures["state"], result.verdict) == ("wrong key", Verdict.FAIL)
    assert "key 't'" in result.seen


def test_strangers_beside_good_pulses_are_worth_a_look() -> None:
    assert state(train(), strangers={"0x00": 3}) == ("strangers too", Verdict.WARN)


def test_too_few_pulses_and_a_lost_port_are_not_called_healthy() -> None:
    assert state(train(3)) == ("too few", Verdict.WARN)
    assert state(train(), problem="the link went away") == ("gone", Verdict.FAIL)
    assert state([], problem="the link went away") == ("gone", Verdict.FAIL)


def test_timing_has_rate_jitter_and_where_the_stamps_are_from() -> None:
    result = judge_timing(Heard(times_s=train(), listened_s=10.0), STAMPS)
    assert result.verdict is Verdict.OK
    assert result.figures["rate_per_s"] == pytest.approx(2.0, abs=0.01)
    assert 0.1 < float(str(result.figures["jitter_ms"])) < 1.0
    assert "by a test" in result.seen
    assert "0.5 ms" in result.seen
    uneven = judge_timing(Heard(times_s=train(jitter_s=0.03), listened_s=10.0), STAMPS)
    assert uneven.verdict is Verdict.WARN


def test_the_worst_pulse_is_shown_even_where_the_rhythm_is_taken_without_it() -> None:
    times = train(40)
    times[20] += 0.04
    figures = judge_timing(Heard(times_s=times, listened_s=20.0), STAMPS).figures
    assert float(str(figures["worst_ms"])) == pytest.approx(40.0, abs=4.0)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_train_that_has_just_begun_can_be_shown(count: int) -> None:
    assert read_train(train(count)).count == count


def test_the_last_line_says_whether_a_run_may_start() -> None:
    good = Result(name="a", verdict=Verdict.OK, seen="")
    bad = failed("b", "silent", "mend it")
    assert conclude([good]) == "SCANNER READY."
    assert "NOT READY" in conclude([good, bad])


# -- over real wires


def by_wire(*options: str, for_s: float = 20.0) -> tuple[dict[str, Result], list[str]]:
    """Let the doctor listen to an emulated scanner in a process of its own."""
    emulator = EmulatorProcess("scanner", "--delay", "0.2", "--tr", "0.3", *options)
    rig = ScannerRig(trigger="serial", port=emulator.port, byte="5")
    lines: list[str] = []

    def say(words: str) -> None:
        lines.append(words)
        if "START THE SEQUENCE" in words:
            emulator.start()

    try:
        found = examine_scanner(rig, RealClock(), tr_s=0.3, pulses=7, for_s=for_s, say=say)
        return {result.name: result for result in found}, lines
    finally:
        emulator.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "healthy"),
        (("--tr", "0.2", "--double", "--count", "15"), "double-pulsing"),
        (("--tr-error", "-30"), "wrong TR"),
        (("--byte", "x", "--tr", "0.05"), "stranger"),
    ],
)
def test_a_scanner_is_recognised_over_its_wire(options: tuple[str, ...], expected: str) -> None:
    found, lines = by_wire(*options)
    assert found["scanner pulses"].figures["state"] == expected
    assert found["trigger opens"].verdict is Verdict.OK
    assert any(line.startswith(("pulse   1", "no pulse")) for line in lines)


def test_a_scanner_whose_pulses_all_get_lost_is_silent_over_its_wire() -> None:
    found, _ = by_wire("--miss", "100", for_s=1.0)
    assert found["scanner pulses"].figures["state"] == "silent"


def test_a_port_that_is_not_there_fails_and_nothing_is_listened_to() -> None:
    rig = ScannerRig(trigger="serial", port="/dev/no-such-port", byte="5")
    (result,) = examine_scanner(
        rig, RealClock(), tr_s=None, pulses=5, for_s=1.0, say=lambda words: None
    )
    assert result.verdict is Verdict.FAIL
    assert "no-such-port" in result.seen


def test_an_emulated_trigger_is_started_by_the_doctor() -> None:
    rig = ScannerRig(trigger="parallel", port="emulated", pin=12)
    with ExitStack() as stack:
        source = doctors_scanner.open_source(stack, rig, RealClock(), tr_s=0.1, pulses=6)
        heard = listen(source, RealClock(), pulses=6, for_s=20.0, say=lambda words: None)
    assert len(heard.times_s) >= 5


class Typist:
    """A keyboard whose keys were pressed at set times."""

    def __init__(self, *events: KeyEvent) -> None:
        self._events = list(events)

    def poll(self) -> Sequence[KeyEvent]:
        events, self._events = self._events, []
        return events

    def next_due_s(self) -> float | None:
        return None

    def close(self) -> None:
        """Nothing to release."""


def test_presses_of_the_trigger_key_are_pulses_and_other_keys_are_strangers() -> None:
    keys = KeyPulses(
        Typist(
            *(KeyEvent(1.0, "5", True), KeyEvent(1.01, "5", False)),
            *(KeyEvent(1.5, "6", True), KeyEvent(1.51, "6", False), KeyEvent(2.0, "5", True)),
        ),
        "5",
    )
    assert keys.poll() == [1.0, 2.0]
    assert keys.strangers() == {"key '6'": 1}
    assert keys.problem() is None


def test_the_key_of_a_numeric_keypad_is_the_same_key_as_in_a_run() -> None:
    for typed, wanted in (("num_5", "5"), ("5", "num_5")):
        keys = KeyPulses(Typist(KeyEvent(1.0, typed, True)), wanted)
        assert keys.poll() == [1.0]
        assert keys.strangers() == {}


class OffClock:
    """A source whose stamps are so much off from when they come in."""

    def __init__(self, clock: VirtualClock, off_s: float) -> None:
        self._clock, self._off_s, self._sent = clock, off_s, 0

    def poll(self) -> list[float]:
        due = int((self._clock.now_s() - 1000.0) / 0.5)
        count, self._sent = due - self._sent, due
        return [self._clock.now_s() + self._off_s] * count

    def strangers(self) -> dict[str, int]:
        return {}

    def problem(self) -> str | None:
        return None

    def next_due_s(self) -> float | None:
        return None

    def stamps(self) -> Stamps:
        return STAMPS

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("off_s", "pulses", "timing"),
    [
        (-0.003, "healthy", Verdict.OK),
        (-0.3, "healthy", Verdict.WARN),
        (-2.0, "wrong clock", Verdict.OK),
        (5.0, "wrong clock", Verdict.OK),
    ],
)
def test_stamps_are_compared_with_their_arrival_and_another_clock_fails(
    off_s: float, pulses: str, timing: Verdict
) -> None:
    clock = VirtualClock(1000.0)
    heard = listen(OffClock(clock, off_s), clock, pulses=12, for_s=20.0, say=lambda line: None)
    result = judge_pulses(heard, SERIAL, 0.5)
    assert result.figures["state"] == pulses
    assert (result.verdict is Verdict.FAIL) is (pulses == "wrong clock")
    judged = judge_timing(heard, STAMPS)
    assert judged.verdict is timing
    assert "after their stamps" in judged.seen


# -- the command and what it keeps


def test_the_tr_is_the_protocol_s_or_typed_but_not_both() -> None:
    protocol = ROOT / "protocols" / "demo.yaml"
    assert wish_of(tr_s=None, protocol=protocol, pulses=20, for_s=60.0).tr_s == 1.0
    assert wish_of(tr_s=0.46, protocol=None, pulses=20, for_s=60.0).tr_s == 0.46
    with pytest.raises(UsageInvalid, match="both say"):
        wish_of(tr_s=0.46, protocol=protocol, pulses=20, for_s=60.0)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """Keep a doctor's record beside a real room's rig file."""
    path = tmp_path / "room.yaml"
    path.write_bytes((ROOT / "rigs" / "reference.yaml").read_bytes())

    def append(*results: Result, scanner_alone: bool, who: Identity | None) -> Path:
        record = make_record(
            load_rig(path),
            VirtualClock(),
            who,
            results,
            under_pressure=who is not None,
            faults=None,
            scanner_alone=scanner_alone,
        )
        append_record(store_path(path), {**record, "date": "2026-08-01T08:00:00Z"})
        return path

    return append


def test_a_look_at_the_scanner_is_no_check_of_the_cuff(keep: Callable[..., Path]) -> None:
    who = Identity(
        manufacturer="maker",
        model="cuff",
        serial_number="7",
        firmware="1.0",
        protocol="CUFF/1",
        ceiling_mmhg=300.0,
        lease_ms=400,
        simulated=False,
    )
    path = keep(failed("scanner pulses", "silent", "mend it"), scanner_alone=True, who=None)
    rig, today = load_rig(path).model, date(2026, 8, 4)
    assert "never been checked" in (warning(rig, path, who, today) or "")
    keep(Result(name="zero", verdict=Verdict.OK, seen="zero"), scanner_alone=False, who=who)
    keep(failed("scanner pulses", "silent", "mend it"), scanner_alone=True, who=None)
    assert warning(rig, path, who, today) is None
